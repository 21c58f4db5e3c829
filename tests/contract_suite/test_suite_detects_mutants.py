"""The contract suite detects every mutant vendor in `support/mutants`, and names the clause.

By default only the clauses that must fail are run. `make test-suite-mutation` runs the whole command against each.
"""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sms10692_contract.clauses import BY_ID, CLAUSES, Clause
from sms10692_contract.control import ControlClient
from sms10692_contract.harness import CheckContext, Effort
from sms10692_contract.http import parse_address
from sms10692_contract.runner import State, Verdict, enable_sandbox, run_checks, shares_accounts
from sms10692_contract.safety import SafetyGuard
from support.mutant_vendor import Defect, mutant_server
from support.mutants import MUTANTS, Mutant

FULL = "SMS10692_FULL_MUTATION" in os.environ
BRIEF = Effort("brief", examples=4, runs=15, steps=15, rounds=2, shrinking=0)


def examined(fault: Defect, clauses: list[Clause]) -> list[Verdict]:
    """What the suite says, through a socket, of the vendor with this fault."""
    with mutant_server(fault) as vendor:
        address, gate = parse_address(vendor.url), SafetyGuard()
        control = ControlClient(address)
        own, accepted = enable_sandbox(address, control, gate)
        assert accepted or shares_accounts(address, control), "a broken vendor must not be taken for another emulator"
        verdicts = list(run_checks(CheckContext(address, own, gate, control, BRIEF), clauses))
        assert vendor.errors == []
        return verdicts


def of(verdicts: list[Verdict], state: State) -> set[str]:
    return {verdict.clause.id for verdict in verdicts if verdict.state is state}


def test_the_vendor_without_a_fault_holds_every_clause() -> None:
    verdicts = examined(Defect(), list(CLAUSES))
    assert of(verdicts, State.HELD) == set(BY_ID), [verdict.why for verdict in verdicts if verdict.why]


def test_there_are_at_least_80_broken_vendors() -> None:
    assert len({broken.name for broken in MUTANTS}) == len(MUTANTS) >= 80


def test_every_clause_is_what_some_broken_vendor_fails() -> None:
    assert {clause for broken in MUTANTS for clause in broken.clauses} == set(BY_ID)


@pytest.mark.slow("Serves each of about 200 mutant vendors.")
@pytest.mark.parametrize("broken", MUTANTS, ids=lambda broken: broken.name)
def test_a_broken_vendor_is_caught_by_the_right_clause(broken: Mutant, tmp_path: Path) -> None:
    assert broken.clauses
    if FULL:
        failed = failed_for_the_command(broken.fault, tmp_path / "report.xml")
    else:
        failed = of(examined(broken.fault, [BY_ID[name] for name in broken.clauses]), State.FAILED)
    assert failed >= set(broken.clauses)


def failed_for_the_command(fault: Defect, report: Path) -> set[str]:
    """What the command says, which must end within a minute, with exit code 1."""
    with mutant_server(fault) as vendor:
        command = [sys.executable, "-m", "sms10692_contract", vendor.url, "--control", vendor.url]
        ended = subprocess.run(
            [*command, "--seed", "0", "--junit", str(report)], capture_output=True, encoding="utf-8", timeout=60
        )
        assert vendor.errors == []
    assert ended.returncode == 1, ended.stderr
    cases = ET.parse(report).getroot().iter("testcase")
    return {case.get("name", "").partition(" ")[0] for case in cases if case.find("failure") is not None}
