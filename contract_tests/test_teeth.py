"""The suite has teeth: it fails for every broken vendor, and names the clause.

Here belongs the power of the suite, measured on `faults`. By default only what must fail is run; `make teeth` runs the
quick profile whole, against each of them.
"""

import os

import pytest

from faults import FAULTS, Broken
from sms10692_contract.clauses import BY_ID, CLAUSES, Clause
from sms10692_contract.control import Control
from sms10692_contract.gate import Gate
from sms10692_contract.lab import PROFILES, Lab, Profile
from sms10692_contract.run import State, Verdict, examine, knows, open_gate
from sms10692_contract.target import address_of
from vendors import Fault, served

WHOLE = "SMS10692_WHOLE_TEETH" in os.environ
BRIEF = Profile("brief", examples=4, runs=15, steps=15, rounds=2, shrinking=0.0)


def examined(fault: Fault, clauses: list[Clause]) -> list[Verdict]:
    """What the suite says, through a socket, of the vendor with this fault."""
    with served(fault) as vendor:
        address, gate = address_of(vendor.url), Gate()
        control = Control(address)
        own, accepted = open_gate(address, control, gate)
        assert accepted or knows(address, control), "a broken vendor must not be taken for another emulator"
        profile = PROFILES["quick"] if WHOLE else BRIEF
        verdicts = list(examine(Lab(address, own, gate, control, profile), clauses))
        assert vendor.errors == []
        return verdicts


def of(verdicts: list[Verdict], state: State) -> set[str]:
    return {verdict.clause.id for verdict in verdicts if verdict.state is state}


def test_the_vendor_without_a_fault_holds_every_clause() -> None:
    verdicts = examined(Fault(), list(CLAUSES))
    assert of(verdicts, State.HELD) == set(BY_ID), [verdict.why for verdict in verdicts if verdict.why]


def test_there_are_at_least_80_broken_vendors() -> None:
    assert len({broken.name for broken in FAULTS}) == len(FAULTS) >= 80


@pytest.mark.parametrize("broken", FAULTS, ids=lambda broken: broken.name)
def test_a_broken_vendor_is_caught_by_the_right_clause(broken: Broken) -> None:
    assert broken.clauses
    clauses = list(CLAUSES) if WHOLE else [BY_ID[name] for name in broken.clauses]
    assert of(examined(broken.fault, clauses), State.FAILED) >= set(broken.clauses)
