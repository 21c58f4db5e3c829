"""Sessions of probes with vendors in this process, whose time only waiting moves, and profiles for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from sms10692_contract.harness import CheckContext
from sms10692_contract.http import parse_address
from sms10692_contract.pace import Pace
from sms10692_contract.probes import ProbeSession
from sms10692_contract.run_clock import TurnedClock
from sms10692_contract.safety import SafetyGuard
from sms10692_contract.suite_account import SuiteAccount
from sms10692_mock.domain.profiles import MANUAL, Profile
from sms10692_mock.profile_file import build_profile
from support.mutant_vendor import Defect, mutant_server

OWN: Final = SuiteAccount("12", "test", "mima")
NUMBERS: Final = ("10000000030", "13000000001", "13000000002", "13000000003", "13000000004")
"""The first one replies at the emulator."""

START: Final = datetime(2031, 2, 3, 1, 4, 5, tzinfo=UTC)
"""Morning of 3 February in China, when month, day and hour have one digit."""


@contextmanager
def session_with(
    profile: Profile = MANUAL, defect: Defect | None = None, guard: SafetyGuard | None = None
) -> Iterator[ProbeSession]:
    """Yield a session with a vendor of a profile, or with a defect. Everything is allowed unless `guard` says so."""
    clock = TurnedClock(START)
    defect = defect or Defect()

    class TurnedVendor(defect.vendor):  # type: ignore[name-defined,misc]  # the class of the defect
        def __init__(self, store: Any, _: object, *arguments: Any, **options: Any) -> None:
            super().__init__(store, lambda: clock.now().timestamp(), *arguments, **options)

    defect = replace(defect, vendor=TurnedVendor, served_profile=profile)
    guard = guard or SafetyGuard(frozenset(NUMBERS), 500, may_fetch=True, older=True)
    with mutant_server(defect) as vendor:
        pace = Pace(poll=1, report=3, reply=3, schedule=5)
        context = CheckContext(parse_address(vendor.url), OWN, guard, run_clock=clock.run_clock, pace=pace)
        context.limit_requests(2.0)
        yield ProbeSession(context)
        assert vendor.errors == []


def build(**values: Any) -> Profile:
    """Return a profile with these keys."""
    return build_profile({key.replace("__", "."): value for key, value in values.items()}, "drawn")
