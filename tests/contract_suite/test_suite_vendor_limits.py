"""Runs of the command with its default limits against a vendor that somebody else wrote from the manual alone."""

import pytest

from support.limited_command import run_limited
from support.vendor_programs import VENDORS, vendor_program

pytestmark = pytest.mark.slow("Waits some seconds for the reports of a vendor program.")

VENDOR = VENDORS["python"]


def test_an_honest_vendor_holds_every_clause_of_the_manual_within_the_limits() -> None:
    with vendor_program(VENDOR) as url:
        run = run_limited(url, "--only", "manual")
    assert (run.code, run.failed) == (0, {})
    missing = {clause: reason for clause, reason in run.skipped.items() if not reason.startswith("needs ")}
    assert {*missing} <= {"1.3-balance", "4.2-default"}, "a small balance and thousands of numbers"


@pytest.mark.parametrize(("deviation", "clause"), [(1, "1.3-remainpoint"), (2, "1.3-sql")])
def test_a_deviation_is_noticed_within_the_limits(deviation: int, clause: str) -> None:
    with vendor_program(VENDOR, deviation) as url:
        run = run_limited(url, "--only", "manual")
    assert run.code == 1
    assert clause in run.failed
