"""Mutants: the emulator with one operator changed, and whether a test notices. `make mutation` runs it.

Here belongs how they are made, by cosmic-ray's operators, and tried, on a copy of the tree. `equivalents.toml` lists
those that behave like the original, each with its reason. What was found out is kept in `.mutants`, so that of a file
that did not change only the survivors are tried again.
"""

import argparse
import ast
import difflib
import hashlib
import importlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Any, Final, NamedTuple

TOP: Final = Path(__file__).parents[2]
KEPT: Final = TOP / ".mutants"
EMULATOR: Final = Path("mock_server") / "sms10692_mock"
MODULES: Final = ("checks.py", "calls.py", "wire/*.py", "vendor.py")

UNITS: Final = "contract_tests/units/mock_server"
FIRST: Final = {
    "checks.py": (str(EMULATOR / "checks.py"), f"{UNITS}/test_readings.py", f"{UNITS}/test_bearing.py"),
    "wire/charsets.py": (f"{UNITS}/test_charsets.py",),
    "wire/forms.py": (str(EMULATOR / "wire" / "forms.py"), f"{UNITS}/test_forms.py"),
    "wire/render.py": (f"{UNITS}/test_render.py",),
    "vendor.py": tuple(
        f"{UNITS}/test_{name}.py"
        for name in ("vendor", "readings", "outcomes", "faults", "bearing", "control", "control_clocks")
    ),
}
"""What is likeliest to notice a mutant of a file."""

THEN: Final = (
    ("tests/end_to_end/test_exchanges.py", f"{UNITS}/test_render.py"),
    (
        *(str(EMULATOR / name) for name in ("checks.py", "calls.py", "wire")),
        f"{UNITS}/test_charsets.py",
        f"{UNITS}/test_forms.py",
        f"{UNITS}/test_readings.py",
        f"{UNITS}/test_pages.py",
    ),
    ("tests/contract_suite/test_suite_detects_mutants.py::test_the_vendor_without_a_fault_holds_every_clause",),
)
"""What every file is tried with, stage by stage: in this process, and quick."""

OPTIONS: Final = (
    *(
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "not socket and not a_million and not 50_000 and not token and not at_once",
    ),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # It is about what was loaded before.
)
SECONDS: Final = 60
"""Of work, or ten times as many of waiting, after which a mutant that does not end counts as noticed."""


class Mutant(NamedTuple):
    """A change: in which line of which file, and what stands there instead."""

    file: str
    line: int
    was: str
    becomes: str


class EquivalentMutant(NamedTuple):
    """A change that changes nothing, and why."""

    file: str
    was: str
    becomes: str
    why: str


def equivalents() -> list[EquivalentMutant]:
    """Those that are known."""
    rows = tomllib.loads((TOP / "tools" / "mutation" / "equivalent.toml").read_text("utf-8"))["equivalent"]
    return [EquivalentMutant(**row) for row in rows]


def modules(patterns: Sequence[str]) -> list[str]:
    """The files to mutate, below the emulator's package."""
    files = (file for pattern in patterns for file in sorted((TOP / EMULATOR).glob(pattern)))
    return [file.relative_to(TOP / EMULATOR).as_posix() for file in files if file.name != "__init__.py"]


def mutants(file: str, code: str) -> Iterator[tuple[Mutant, str]]:
    """Every change that an operator of cosmic-ray makes to a text, and the changed text, each once."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    seen = {code}
    for name in sorted(operator_names()):
        operator: Any = get_operator(name)
        if operator.arguments():  # It wants to be told what to insert.
            continue
        occurrence = 0
        while (changed := mutate_code(code, operator(), occurrence)) is not None:
            occurrence += 1
            if changed not in seen:
                seen.add(changed)
                yield _change(file, code, changed), changed


def _change(file: str, code: str, changed: str) -> Mutant:
    before, after = code.splitlines(), changed.splitlines()
    changes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    _, start, end, other_start, other_end = next(change for change in changes if change[0] != "equal")
    was, becomes = (" ".join(" ".join(some).split()) for some in (before[start:end], after[other_start:other_end]))
    return Mutant(file, start + 1, was, becomes)


def copy_project(into: Path) -> None:
    """Put a copy of the tree there: mutants are written into files, and yours are not touched."""
    command = ["git", "-C", str(TOP), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout
    for name in filter(None, os.fsdecode(listed).split("\0")):
        if (TOP / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TOP / name, into / name)


def passes(tests: Sequence[str]) -> bool:
    """Whether the tests pass, in a child of this process, which has loaded what they need of others."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.setitimer(signal.ITIMER_PROF, SECONDS)
            signal.alarm(10 * SECONDS)
            said = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(said, stream)
            import pytest

            importlib.import_module("sms10692_mock.cli")  # Where that fails, no test need be collected.
            code = int(pytest.main([*OPTIONS, *tests]))
        finally:
            os._exit(code)  # Whatever happened: what the parent has to do at its end is not this child's affair.
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def survives(file: str) -> bool:
    """Whether no stage notices the mutant that the file is now."""
    return all(passes(tests) for tests in (FIRST.get(file, ()), *THEN) if tests)


def tried(file: str, known: Set[tuple[str, str, str]]) -> tuple[int, int, int]:
    """Try the mutants of a file; how many were killed, and how many survived that are known and that are not.

    Those that are not known are shown at once.
    """
    module = EMULATOR / file
    code = module.read_text("utf-8")
    kept = KEPT / f"{file.replace('/', '-')}.json"
    digest = hashlib.sha256(code.encode()).hexdigest()
    before = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    killed = set(before.get("killed", ())) if before.get("digest") == digest else set()
    survivors, count = [], 0
    try:
        for mutant, changed in mutants(file, code):
            count += 1
            name = hashlib.sha256(changed.encode()).hexdigest()
            if name in killed:
                continue
            module.write_text(changed, "utf-8")
            if _is_python(changed) and survives(file):
                survivors.append(mutant)
                if (mutant.file, mutant.was, mutant.becomes) not in known:
                    print(f"  {mutant.file}:{mutant.line}\n    - {mutant.was}\n    + {mutant.becomes}", flush=True)
            else:
                killed.add(name)
                kept.write_text(json.dumps({"digest": digest, "killed": sorted(killed)}), "utf-8")
    finally:
        module.write_text(code, "utf-8")
    new = sum((one.file, one.was, one.becomes) not in known for one in survivors)
    return count - len(survivors), len(survivors) - new, new


def _is_python(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def settle(tree: Path) -> None:
    """Make this process the one whose children try the mutants."""
    os.chdir(tree)
    os.environ |= {"CI": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    sys.path[:0] = [str(tree / folder) for folder in ("client", "mock_server", "contract_tests", "tests", "tools")]
    import flask_openapi3
    import httpx2
    import hypothesis.stateful
    import lxml.etree
    import pytest
    import rich.table
    import werkzeug.test

    if not passes([*dict.fromkeys(test for tests in (*FIRST.values(), *THEN) for test in tests)]):
        raise SystemExit("the tests fail without a mutant: see to that first")
    # The tests are compiled now. What is written from here on is mutants, each younger than the last by less than a
    # time stamp can say.
    sys.dont_write_bytecode = True
    for file in (tree / EMULATOR).rglob("*.py"):
        Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)


def main() -> int:
    """Try the mutants and print the score; 1 where one survives that is not listed."""
    parser = argparse.ArgumentParser(prog="mutants", description=str(__doc__).partition("\n")[0])
    parser.add_argument("modules", nargs="*", default=MODULES, help="patterns below mock_server/sms10692_mock")
    chosen = modules(parser.parse_args().modules)
    KEPT.mkdir(exist_ok=True)
    known = {(one.file, one.was, one.becomes) for one in equivalents()}
    sums = [0, 0, 0]
    print(f"{'':20} {'mutants':>8} {'killed':>8} {'equivalent':>11} {'survived':>9}")
    with tempfile.TemporaryDirectory() as folder:
        copy_project(Path(folder))
        settle(Path(folder))
        for file in chosen:
            row = tried(file, known)
            sums = [before + more for before, more in zip(sums, row, strict=True)]
            print(_row(file, row), flush=True)
    print(_row("", (sums[0], sums[1], sums[2])))
    return 1 if sums[2] else 0


def _row(name: str, counts: tuple[int, int, int]) -> str:
    return f"{name:20} {sum(counts):8} {counts[0]:8} {counts[1]:11} {counts[2]:9}"


if __name__ == "__main__":
    sys.exit(main())
