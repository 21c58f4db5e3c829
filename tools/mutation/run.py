"""Mutation testing: changes one operator of the emulator at a time, and checks that a test fails. `make mutation`.

The mutants are made with cosmic-ray's operators and tested on a copy of the working tree. `equivalent.toml` lists the
mutants that behave like the original, each with its reason. Results are cached in `.mutants`: of an unchanged file,
only the survivors are tested again.
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
CACHE: Final = TOP / ".mutants"
EMULATOR: Final = Path("mock_server") / "sms10692_mock"
DEFAULT_PATTERNS: Final = ("domain/validation.py", "domain/api_request.py", "codec/*.py", "domain/vendor.py")

FIRST_STAGE: Final = {
    "domain/validation.py": (
        str(EMULATOR / "domain" / "validation.py"),
        "tests/domain/test_readings.py",
        "tests/server/test_isolation.py",
    ),
    "codec/charsets.py": ("tests/codec/test_charsets.py",),
    "codec/forms.py": (str(EMULATOR / "codec" / "forms.py"), "tests/codec/test_forms.py"),
    "codec/xml.py": ("tests/codec/test_xml.py",),
    "domain/vendor.py": (
        "tests/domain/test_vendor.py",
        "tests/domain/test_readings.py",
        "tests/domain/test_delivery.py",
        "tests/app/test_fault_injection.py",
        "tests/server/test_isolation.py",
        "tests/admin/test_control_api.py",
        "tests/admin/test_control_clocks.py",
    ),
}
"""By file: the tests that are most likely to detect a mutant."""

LATER_STAGES: Final = (
    ("tests/end_to_end/test_exchanges.py", "tests/codec/test_xml.py"),
    (
        *(str(EMULATOR / name) for name in ("domain/validation.py", "domain/api_request.py", "codec")),
        "tests/codec/test_charsets.py",
        "tests/codec/test_forms.py",
        "tests/domain/test_readings.py",
        "tests/app/test_vendor_app.py",
    ),
    ("tests/contract_suite/test_suite_detects_mutants.py::test_a_vendor_without_a_defect_holds_every_clause",),
)
"""Tests for the mutants of every file, stage by stage; all of them are fast and run in this process."""

PYTEST_OPTIONS: Final = (
    *(
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        "not socket and not a_million and not 50_000 and not token and not at_once",
    ),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # The warning is about modules that were imported early.
)
TIMEOUT: Final = 60
"""CPU seconds after which a mutant counts as killed (or ten times as many seconds of wall-clock time)."""


class Mutant(NamedTuple):
    """A change of one statement: file, line number, original code and changed code, both on one line."""

    file: str
    line: int
    original: str
    changed: str


class EquivalentMutant(NamedTuple):
    """A mutant that behaves like the original, and the reason."""

    file: str
    original: str
    changed: str
    reason: str


def load_equivalents() -> list[EquivalentMutant]:
    """Read `equivalent.toml`."""
    rows = tomllib.loads((TOP / "tools" / "mutation" / "equivalent.toml").read_text("utf-8"))["equivalent"]
    return [EquivalentMutant(**row) for row in rows]


def find_modules(patterns: Sequence[str]) -> list[str]:
    """Return the files to mutate, relative to the emulator's package."""
    files = (file for pattern in patterns for file in sorted((TOP / EMULATOR).glob(pattern)))
    return [file.relative_to(TOP / EMULATOR).as_posix() for file in files if file.name != "__init__.py"]


def generate_mutants(file: str, code: str) -> Iterator[tuple[Mutant, str]]:
    """Yield each mutant that cosmic-ray makes of the code, with the changed code, without duplicates."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    seen = {code}
    for name in sorted(operator_names()):
        operator: Any = get_operator(name)
        if operator.arguments():  # An operator with arguments would need values to insert.
            continue
        occurrence = 0
        while (changed := mutate_code(code, operator(), occurrence)) is not None:
            occurrence += 1
            if changed not in seen:
                seen.add(changed)
                yield _describe_change(file, code, changed), changed


def _describe_change(file: str, code: str, changed: str) -> Mutant:
    before, after = code.splitlines(), changed.splitlines()
    changes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    _, start, end, other_start, other_end = next(change for change in changes if change[0] != "equal")
    return Mutant(file, start + 1, _join_lines(before[start:end]), _join_lines(after[other_start:other_end]))


def _join_lines(lines: Sequence[str]) -> str:
    return " ".join(" ".join(lines).split())


def contains_code(file: str, code: str) -> bool:
    """Return whether adjacent whole lines of the file are this code, as `Mutant.original` quotes code."""
    lines = (TOP / EMULATOR / file).read_text("utf-8").splitlines()
    return any(_join_lines(lines[start : start + count]) == code for start in range(len(lines)) for count in (1, 2, 3))


def copy_project(into: Path) -> None:
    """Copy the working tree, so that mutants are never written into the original files."""
    command = ["git", "-C", str(TOP), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout
    for name in filter(None, os.fsdecode(listed).split("\0")):
        if (TOP / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TOP / name, into / name)


def run_tests(tests: Sequence[str]) -> bool:
    """Run the tests in a forked child, which shares the modules already imported. Returns whether they pass."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            signal.setitimer(signal.ITIMER_PROF, TIMEOUT)
            signal.alarm(10 * TIMEOUT)
            null = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(null, stream)
            import pytest

            importlib.import_module("sms10692_mock.cli")  # Fail early, before tests are collected.
            code = int(pytest.main([*PYTEST_OPTIONS, *tests]))
        finally:
            os._exit(code)  # The child must not run the parent's exit handlers.
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def survives(file: str) -> bool:
    """Return whether every stage passes with the mutant that is now in the file."""
    return all(run_tests(tests) for tests in (FIRST_STAGE.get(file, ()), *LATER_STAGES) if tests)


def test_mutants(file: str, known: Set[tuple[str, str, str]]) -> tuple[int, int, int]:
    """Test all mutants of a file. Returns the numbers of killed, equivalent and surviving mutants.

    A survivor that is not listed as equivalent is printed at once.
    """
    module = EMULATOR / file
    code = module.read_text("utf-8")
    cache_file = CACHE / f"{file.replace('/', '-')}.json"
    digest = hashlib.sha256(code.encode()).hexdigest()
    before = json.loads(cache_file.read_text("utf-8")) if cache_file.exists() else {}
    killed = set(before.get("killed", ())) if before.get("digest") == digest else set()
    survivors, count = [], 0
    try:
        for mutant, changed in generate_mutants(file, code):
            count += 1
            name = hashlib.sha256(changed.encode()).hexdigest()
            if name in killed:
                continue
            module.write_text(changed, "utf-8")
            if _is_valid_python(changed) and survives(file):
                survivors.append(mutant)
                if (mutant.file, mutant.original, mutant.changed) not in known:
                    print(f"  {mutant.file}:{mutant.line}\n    - {mutant.original}\n    + {mutant.changed}", flush=True)
            else:
                killed.add(name)
                cache_file.write_text(json.dumps({"digest": digest, "killed": sorted(killed)}), "utf-8")
    finally:
        module.write_text(code, "utf-8")
    new = sum((mutant.file, mutant.original, mutant.changed) not in known for mutant in survivors)
    return count - len(survivors), len(survivors) - new, new


def _is_valid_python(code: str) -> bool:
    try:
        ast.parse(code)
    except SyntaxError:
        return False
    return True


def prepare_process(tree: Path) -> None:
    """Prepare this process: its forked children run the tests in `tree`."""
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

    if not run_tests([*dict.fromkeys(test for tests in (*FIRST_STAGE.values(), *LATER_STAGES) for test in tests)]):
        raise SystemExit("The tests fail without a mutant. Fix them first.")
    # **From here on no bytecode may be cached**: mutants follow each other faster than the resolution of file times, so
    # a stale .pyc file would be used for the next mutant.
    sys.dont_write_bytecode = True
    for file in (tree / EMULATOR).rglob("*.py"):
        Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)


def main() -> int:
    """Test the mutants and print the score. Returns 1 when a mutant survives that is not listed as equivalent."""
    parser = argparse.ArgumentParser(prog="mutation", description=str(__doc__).partition("\n")[0])
    parser.add_argument(
        "modules", nargs="*", default=DEFAULT_PATTERNS, help="file patterns below mock_server/sms10692_mock"
    )
    chosen = find_modules(parser.parse_args().modules)
    CACHE.mkdir(exist_ok=True)
    known = {(mutant.file, mutant.original, mutant.changed) for mutant in load_equivalents()}
    sums = [0, 0, 0]
    print(f"{'':20} {'mutants':>8} {'killed':>8} {'equivalent':>11} {'survived':>9}")
    with tempfile.TemporaryDirectory() as folder:
        copy_project(Path(folder))
        prepare_process(Path(folder))
        for file in chosen:
            row = test_mutants(file, known)
            sums = [before + more for before, more in zip(sums, row, strict=True)]
            print(_format_row(file, row), flush=True)
    print(_format_row("", (sums[0], sums[1], sums[2])))
    return 1 if sums[2] else 0


def _format_row(name: str, counts: tuple[int, int, int]) -> str:
    return f"{name:20} {sum(counts):8} {counts[0]:8} {counts[1]:11} {counts[2]:9}"


if __name__ == "__main__":
    sys.exit(main())
