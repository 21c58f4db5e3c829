"""Small changes of a vendor, one at a time: `run --expect` with its accepted differences reports the change alone.

Two changes show only at an account with fewer points than numbers are allowed, and two only with so many numbers that
more reports wait than one fetch returns. By default a test run tries one change; `make test-vendors` tries all.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from support.limited_command import LimitedRun, run_limited
from support.vendor_programs import CHANGING_VENDORS, NUMBERS, vendor_program

pytestmark = pytest.mark.slow("Runs the whole suite at vendors that take some seconds to report.")

REQUIRE = "SMS10692_REQUIRE_INTERPRETERS" in os.environ


class Setting(NamedTuple):
    """The points of the account, and the numbers that the run may send to."""

    points: int = 100_000
    numbers: tuple[str, ...] = NUMBERS


ORDINARY: Final = Setting()
FEW_POINTS: Final = Setting(points=2)
MANY_NUMBERS: Final = Setting(numbers=tuple(str(13000000007 + 10 * index) for index in range(4001)))

CHANGES: Final[Mapping[tuple[str, int], tuple[str, Setting]]] = {
    ("meadow", 1): ("1.3-balance", FEW_POINTS),
    ("meadow", 2): ("1.2-extno", ORDINARY),
    ("meadow", 3): ("2.3-found", ORDINARY),
    ("meadow", 4): ("1.3-remainpoint", ORDINARY),
    ("meadow", 5): ("3.3-forbidden", ORDINARY),
    ("meadow", 6): ("4.3-receivetime", ORDINARY),
    ("meadow", 7): ("4.2-default", MANY_NUMBERS),
    ("meadow", 8): ("1.2-extno", ORDINARY),
    ("meadow", 9): ("5.3-layout", ORDINARY),
    ("meadow", 10): ("1.3-remainpoint", ORDINARY),
    ("harbour", 1): ("1.3-balance", FEW_POINTS),
    ("harbour", 2): ("R6-counts", ORDINARY),
    ("harbour", 3): ("A6-taskID", ORDINARY),
    ("harbour", 4): ("2.3-found", ORDINARY),
    ("harbour", 5): ("R6-whole", ORDINARY),
    ("harbour", 6): ("3.3-forbidden", ORDINARY),
    ("harbour", 7): ("4.2-default", MANY_NUMBERS),
    ("harbour", 8): ("4.3-receivetime", ORDINARY),
    ("harbour", 9): ("1.2-extno", ORDINARY),
    ("harbour", 10): ("5.3-layout", ORDINARY),
}
"""The only clause that fails for each deviation of a vendor, and the setting in which it shows."""

TRIED = [*CHANGES] if "SMS10692_ALL_BREAKS" in os.environ else [("meadow", 9)]


class ExpectedFiles:
    """The accepted differences of each vendor without deviation, written when they are first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str, setting: Setting) -> Path:
        file = self._folder / f"{name}-{setting.points}-{len(setting.numbers)}.toml"
        if not file.exists():
            run_at(name, 0, setting, "--write-expect", str(file))
        return file


def run_at(name: str, deviation: int, setting: Setting, *options: str) -> LimitedRun:
    with vendor_program(CHANGING_VENDORS[name], deviation, BALANCE=str(setting.points)) as url:
        budget = 500 + len(setting.numbers)
        return run_limited(url, "--demand", "all", *options, numbers=setting.numbers, budget=budget)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> ExpectedFiles:
    return ExpectedFiles(tmp_path_factory.mktemp("expected"))


@pytest.mark.parametrize(("name", "deviation"), TRIED)
def test_a_small_change_is_reported_and_nothing_else(
    name: str, deviation: int, expected: ExpectedFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    if not CHANGING_VENDORS[name].is_installed and not REQUIRE:
        pytest.skip(f"{CHANGING_VENDORS[name].interpreter} for the vendor {name} is not installed")
    clause, setting = CHANGES[name, deviation]
    file = expected.get(name, setting)
    capsys.readouterr()
    run = run_at(name, deviation, setting, "--expect", str(file))
    assert (run.code, {*run.failed}) == (1, {clause})
    gone = [line for line in capsys.readouterr().out.splitlines() if line.startswith("gone:")]
    assert all(line.startswith(f"gone: {clause},") for line in gone)


def test_every_small_change_of_the_vendors_is_known_to_be_noticed() -> None:
    rows = {(vendor.name, row["number"]) for vendor in CHANGING_VENDORS.values() for row in vendor.load_breaks()}
    assert {*CHANGES} == rows
