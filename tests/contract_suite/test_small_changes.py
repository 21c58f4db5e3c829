"""Small changes of a vendor, one at a time: `run --expect` and `compare` report the change, and nothing else.

Two changes show only at an account with fewer points than numbers are allowed, and two only with so many numbers that
more reports wait than one fetch returns. By default a test run tries one change; `make test-vendors` tries all.
"""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from sms10692_contract.comparison import Comparison
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import parse_address
from sms10692_contract.pace import Pace
from sms10692_contract.probes import ProbeSession
from sms10692_contract.runner import State
from sms10692_contract.safety import SafetyGuard
from support.limited_command import LimitedRun, run_limited
from support.vendor_programs import CHANGING_VENDORS, NUMBERS, OWN, vendor_program

pytestmark = pytest.mark.slow("Runs the whole suite at vendors that take some seconds to report.")

REQUIRE = "SMS10692_REQUIRE_INTERPRETERS" in os.environ
PACE: Final = Pace(poll=0.2, report=30.0, reply=5.0, schedule=5.0)


class Setting(NamedTuple):
    """The points of the account, and the numbers that may be sent to."""

    points: int = 100_000
    numbers: tuple[str, ...] = NUMBERS

    @property
    def budget(self) -> int:
        """Points for the sends to three numbers, and for two sends to all."""
        return 500 + 3 * len(self.numbers)


ORDINARY: Final = Setting()
FEW_POINTS: Final = Setting(points=2)
MANY_NUMBERS: Final = Setting(numbers=tuple(str(13000000007 + 10 * index) for index in range(4001)))


class Change(NamedTuple):
    """The only clause that fails in `run --expect`, that of `compare`, and the setting in which the change shows."""

    run: str
    compare: str
    setting: Setting = ORDINARY


CHANGES: Final[Mapping[tuple[str, int], Change]] = {
    ("meadow", 1): Change("1.3-balance", "1.3-balance", FEW_POINTS),
    ("meadow", 2): Change("1.2-extno", "D-extno-max-digits"),
    ("meadow", 3): Change("2.3-found", "2.3-found"),
    ("meadow", 4): Change("1.3-remainpoint", "1.3-remainpoint"),
    ("meadow", 5): Change("3.3-forbidden", "D-keyword-found"),
    ("meadow", 6): Change("4.3-receivetime", "4.3-layout"),
    ("meadow", 7): Change("4.2-default", "4.2-default", MANY_NUMBERS),
    ("meadow", 8): Change("1.2-extno", "4.3-layout"),
    ("meadow", 9): Change("5.3-layout", "5.3-layout"),
    ("meadow", 10): Change("1.3-remainpoint", "1.3-remainpoint"),
    ("harbour", 1): Change("1.3-balance", "1.3-balance", FEW_POINTS),
    ("harbour", 2): Change("R6-counts", "R6-counts"),
    ("harbour", 3): Change("A6-taskID", "A6-taskID"),
    ("harbour", 4): Change("2.3-found", "2.3-found"),
    ("harbour", 5): Change("R6-whole", "R6-whole"),
    ("harbour", 6): Change("3.3-forbidden", "D-keyword-found"),
    ("harbour", 7): Change("4.2-default", "4.2-default", MANY_NUMBERS),
    ("harbour", 8): Change("4.3-receivetime", "4.3-layout"),
    ("harbour", 9): Change("1.2-extno", "5.3-layout"),
    ("harbour", 10): Change("5.3-layout", "5.3-layout"),
}
"""The deviations of each vendor."""

TRIED = [*CHANGES] if "SMS10692_ALL_BREAKS" in os.environ else [("meadow", 9)]


def start_vendor(name: str, deviation: int, setting: Setting) -> AbstractContextManager[str]:
    """Start a vendor; yield its URL. Skip the test if its interpreter is not installed."""
    vendor = CHANGING_VENDORS[name]
    if not vendor.is_installed and not REQUIRE:
        pytest.skip(f"{vendor.interpreter} for the vendor {name} is not installed")
    return vendor_program(vendor, deviation, BALANCE=str(setting.points))


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
    with start_vendor(name, deviation, setting) as url:
        return run_limited(url, "--demand", "all", *options, numbers=setting.numbers, budget=setting.budget)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> ExpectedFiles:
    return ExpectedFiles(tmp_path_factory.mktemp("expected"))


@pytest.mark.parametrize(("name", "deviation"), TRIED)
def test_a_small_change_is_reported_and_nothing_else(
    name: str, deviation: int, expected: ExpectedFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    change = CHANGES[name, deviation]
    file = expected.get(name, change.setting)
    capsys.readouterr()
    run = run_at(name, deviation, change.setting, "--expect", str(file))
    assert (run.code, {*run.failed}) == (1, {change.run})
    gone = [line for line in capsys.readouterr().out.splitlines() if line.startswith("gone:")]
    assert all(line.startswith(f"gone: {change.run},") for line in gone)


def start_session(url: str, setting: Setting) -> ProbeSession:
    guard = SafetyGuard(frozenset(setting.numbers), setting.budget, may_fetch=True)
    return ProbeSession(CheckContext(parse_address(url), OWN, guard, pace=PACE))


@pytest.mark.parametrize(("name", "deviation"), TRIED)
def test_a_vendor_before_and_after_a_small_change_differs_in_nothing_else(name: str, deviation: int) -> None:
    change = CHANGES[name, deviation]
    with (
        start_vendor(name, 0, change.setting) as before,
        start_vendor(name, deviation, change.setting) as after,
    ):
        first, second = (start_session(url, change.setting) for url in (before, after))
        verdicts = Comparison(first, second).compare()
    failed = {verdict.clause.id: verdict.cause for verdict in verdicts if verdict.state is State.FAILED}
    assert {*failed} == {change.compare}, failed


def test_every_small_change_of_the_vendors_is_known_to_be_noticed() -> None:
    rows = {(vendor.name, row["number"]) for vendor in CHANGING_VENDORS.values() for row in vendor.load_breaks()}
    assert {*CHANGES} == rows
