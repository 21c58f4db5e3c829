"""Mutation tests of the suite: it fails for every mutant vendor in `support/mutants`, with the right clause.

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
from sms10692_contract.effort import Effort
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import parse_address
from sms10692_contract.runner import State, Verdict, allow_older_endpoints, enable_sandbox, run_checks, shares_accounts
from sms10692_contract.safety import SafetyGuard
from support.mutant_vendor import Defect, mutant_server
from support.mutants import MUTANTS, Mutant

FULL = "SMS10692_FULL_MUTATION" in os.environ
TIMEOUT = 300.0
"""Seconds until a run of the whole command counts as hanging. A run takes about 6 s on an idle machine."""
RACE_RUNS = 3
"""Runs in which the race of a mutant must be noticed: the scheduler decides whether two requests meet."""

BRIEF = Effort("brief", examples=4, machine_runs=15, machine_steps=15, concurrency_rounds=2, shrink_requests=0)


def run_against(defect: Defect, clauses: list[Clause]) -> list[Verdict]:
    """Run clauses over a socket against a vendor with this defect."""
    with mutant_server(defect) as vendor:
        address, guard = parse_address(vendor.url), SafetyGuard()
        control = ControlClient(address)
        own, accepted = enable_sandbox(address, control, guard)
        assert accepted or shares_accounts(address, control), (
            "a mutant vendor must be recognized as the owner of its control API"
        )
        allow_older_endpoints(None, control, guard)
        verdicts = list(run_checks(CheckContext(address, own, guard, control, BRIEF), clauses))
        assert vendor.errors == []
        return verdicts


def clauses_in_state(verdicts: list[Verdict], state: State) -> set[str]:
    return {verdict.clause.id for verdict in verdicts if verdict.state is state}


@pytest.mark.slow("Runs every clause of the suite.")
def test_a_vendor_without_a_defect_holds_every_clause() -> None:
    verdicts = run_against(Defect(), list(CLAUSES))
    assert clauses_in_state(verdicts, State.HELD) == set(BY_ID), [
        verdict.reason for verdict in verdicts if verdict.reason
    ]


def test_there_are_at_least_80_mutants() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 80


def test_every_clause_is_failed_by_some_mutant() -> None:
    assert {clause for mutant in MUTANTS for clause in mutant.clauses} == set(BY_ID)


@pytest.mark.slow("Serves each of more than 300 mutant vendors.")
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fails_the_right_clauses(mutant: Mutant, tmp_path: Path) -> None:
    assert mutant.clauses
    missing = list(mutant.clauses)
    for _ in range(RACE_RUNS if mutant.is_race else 1):
        if FULL:
            failed = failed_clauses_of_command(mutant.defect, tmp_path / "report.xml")
        else:
            failed = clauses_in_state(run_against(mutant.defect, [BY_ID[clause] for clause in missing]), State.FAILED)
        missing = [clause for clause in missing if not _is_failed(clause, failed)]
        if not missing:
            break
    assert missing == []


def _is_failed(clause: str, failed: set[str]) -> bool:
    """Whether a clause failed. The clauses M-* are one state machine, which ends at the first deviation."""
    return clause in failed or (FULL and clause.startswith("M-") and any(other.startswith("M-") for other in failed))


def failed_clauses_of_command(defect: Defect, report: Path) -> set[str]:
    """Run the whole command, which must end with exit code 1; return the clauses that failed."""
    with mutant_server(defect) as vendor:
        command = [sys.executable, "-m", "sms10692_contract", "run", vendor.url, "--control", vendor.url]
        completed = subprocess.run(
            [*command, "--seed", "0", "--junit", str(report)], capture_output=True, encoding="utf-8", timeout=TIMEOUT
        )
        assert vendor.errors == []
    assert completed.returncode == 1, completed.stderr
    cases = ET.parse(report).getroot().iter("testcase")
    return {case.get("name", "").partition(" ")[0] for case in cases if case.find("failure") is not None}
