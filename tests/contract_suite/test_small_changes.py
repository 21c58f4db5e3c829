"""Small changes of a vendor, one at a time: `run --expect` with its accepted differences reports the change alone.

By default a run tries one change; `make test-vendors` tries all. What a run cannot see with a few numbers is not among
them, such as a default of 500 reports.
"""

import os
from pathlib import Path

import pytest

from support.limited_command import LimitedRun, run_limited
from support.vendor_programs import CHANGING_VENDORS, vendor_program

pytestmark = pytest.mark.slow("Runs the whole suite at vendors that take some seconds to report.")

REQUIRE = "SMS10692_REQUIRE_INTERPRETERS" in os.environ

WORD_NAMED = "包含非法字符：发票"
CHANGES: dict[tuple[str, int], set[str]] = {
    ("meadow", 9): {"5.3-layout"},
    ("meadow", 3): {"2.3-found"},
    ("meadow", 4): {"1.3-remainpoint"},
    ("meadow", 6): {"4.3-layout", "4.3-receivetime"},
    ("meadow", 8): {"1.2-extno"},
    ("meadow", 10): {"1.3-remainpoint"},
    ("harbour", 4): {"2.3-found"},
    ("harbour", 5): {"1.3-remainpoint"},
    ("harbour", 8): {"4.3-layout", "4.3-receivetime"},
    ("harbour", 9): {"1.2-extno"},
    ("harbour", 10): {"5.3-layout"},
}
"""The clauses that fail for each deviation of a vendor."""

TRIED = [*CHANGES] if "SMS10692_ALL_BREAKS" in os.environ else [*CHANGES][:1]


class ExpectedFiles:
    """The accepted differences of each vendor without deviation, written when they are first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> Path:
        file = self._folder / f"{name}.toml"
        if not file.exists():
            run_at(name, 0, "--write-expect", str(file))
        return file


def run_at(name: str, deviation: int, *options: str) -> LimitedRun:
    with vendor_program(CHANGING_VENDORS[name], deviation) as url:
        return run_limited(url, "--demand", "all", *options)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> ExpectedFiles:
    return ExpectedFiles(tmp_path_factory.mktemp("expected"))


@pytest.mark.parametrize(("name", "deviation"), TRIED)
def test_a_small_change_is_reported_and_nothing_else(
    name: str, deviation: int, expected: ExpectedFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    if not CHANGING_VENDORS[name].is_installed and not REQUIRE:
        pytest.skip(f"{CHANGING_VENDORS[name].interpreter} for the vendor {name} is not installed")
    file = expected.get(name)
    capsys.readouterr()
    run = run_at(name, deviation, "--expect", str(file))
    assert (run.code, {*run.failed}) == (1, CHANGES[name, deviation])
    assert "gone:" not in capsys.readouterr().out


@pytest.mark.skipif("SMS10692_ALL_BREAKS" not in os.environ, reason="make test-vendors tries it")
@pytest.mark.parametrize(("name", "deviation"), [("meadow", 5), ("harbour", 6)])
def test_a_change_that_many_clauses_see_is_the_only_reason(name: str, deviation: int, expected: ExpectedFiles) -> None:
    run = run_at(name, deviation, "--expect", str(expected.get(name)))
    assert "3.3-forbidden" in run.failed
    assert {clause for clause, reason in run.failed.items() if WORD_NAMED not in reason} == set()
