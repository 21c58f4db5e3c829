"""Runs of the suite against vendors that others wrote from the manual alone, with choices of their own.

An honest vendor holds what the manual demands; each of its deviations is noticed. By default a few deviations of each
vendor are tried; `make test-vendors` tries all.
"""

import os
from collections.abc import Iterable

import pytest

from sms10692_contract.clauses import BY_ID
from sms10692_contract.runner import State, Verdict
from support.vendor_programs import (
    CHANGING_VENDORS,
    MANUAL,
    SPECIAL_RUNS,
    VENDORS,
    VendorProgram,
    run_suite,
    vendor_program,
)

pytestmark = pytest.mark.slow("Starts vendors that take some seconds to report.")

REQUIRE = "SMS10692_REQUIRE_INTERPRETERS" in os.environ
TRIED = range(1, 21) if "SMS10692_ALL_BREAKS" in os.environ else (1, 8, 13)


@pytest.fixture(params=(*VENDORS.values(), *CHANGING_VENDORS.values()), ids=lambda vendor: vendor.name)
def vendor(request: pytest.FixtureRequest) -> VendorProgram:
    program: VendorProgram = request.param
    if not program.is_installed and not REQUIRE:
        pytest.skip(f"{program.command[0]} for the vendor {program.name} is not installed")
    return program


def failures(verdicts: list[Verdict]) -> dict[str, str]:
    return {verdict.clause.id: verdict.reason for verdict in verdicts if verdict.state is State.FAILED}


def states(verdicts: list[Verdict]) -> dict[str, State]:
    return {verdict.clause.id: verdict.state for verdict in verdicts}


def run_special(vendor: VendorProgram, clause: str, deviation: int = 0) -> list[Verdict]:
    """Run a clause that needs an account or numbers of its own."""
    environment, numbers, budget = SPECIAL_RUNS[clause]
    with vendor_program(vendor, deviation, **environment) as url:
        return run_suite(url, [BY_ID[clause]], numbers=numbers, budget=budget)


def test_an_honest_vendor_holds_the_manual_without_permission(vendor: VendorProgram) -> None:
    with vendor_program(vendor) as url:
        verdicts = run_suite(url, numbers=())
    assert failures(verdicts) == {}
    for clause in MANUAL:
        assert states(verdicts)[clause.id] is (State.NOT_EXERCISED if clause.permissions else State.HELD)


def test_an_honest_vendor_holds_the_manual_with_sends_and_fetches(vendor: VendorProgram) -> None:
    with vendor_program(vendor) as url:
        verdicts = run_suite(url, MANUAL)
    assert failures(verdicts) == {}
    possible = {clause.id for clause in MANUAL if "control" not in clause.permissions} - set(SPECIAL_RUNS)
    not_held = {verdict.clause.id: verdict.reason for verdict in verdicts if verdict.state is not State.HELD}
    assert {clause: reason for clause, reason in not_held.items() if clause in possible} == {}


@pytest.mark.parametrize("clause", SPECIAL_RUNS)
def test_an_honest_vendor_holds_a_clause_that_needs_few_points_or_many_numbers(
    vendor: VendorProgram, clause: str
) -> None:
    (verdict,) = run_special(vendor, clause)
    assert (verdict.state, verdict.reason) == (State.HELD, "")


@pytest.mark.parametrize("deviation", TRIED)
@pytest.mark.parametrize("vendor", VENDORS.values(), ids=lambda vendor: vendor.name, indirect=True)
def test_a_deviation_fails_a_clause_of_its_chapter(vendor: VendorProgram, deviation: int) -> None:
    row = vendor.load_breaks()[deviation - 1]
    with vendor_program(vendor, deviation) as url:
        failed = failures(run_suite(url, MANUAL))
    for clause in SPECIAL_RUNS:
        if not find_clauses_of_chapter(failed, row["chapter"]):
            failed |= failures(run_special(vendor, clause, deviation))
    assert find_clauses_of_chapter(failed, row["chapter"]), f"{row['deviation']}: {sorted(failed)}"


def find_clauses_of_chapter(clauses: Iterable[str], chapter: int) -> list[str]:
    """Return those of the clauses that have a section of the chapter as a source."""
    return [
        clause
        for clause in clauses
        if any(source.startswith(f"{chapter}.") for source in BY_ID[clause].source.split(", "))
    ]
