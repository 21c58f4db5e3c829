"""Tests of effort and seed: number of requests, shrinking, repeatability, and `make contract-loop`."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sms10692_contract import report
from sms10692_contract.clauses import BY_ID
from sms10692_contract.control import ControlClient
from sms10692_contract.effort import EFFORTS
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import parse_address
from sms10692_contract.runner import State, Verdict, enable_sandbox, run_checks
from sms10692_contract.safety import SafetyGuard
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.billing import segment_price
from support.mutant_vendor import Defect, mutant_server
from support.mutants import MUTANTS

pytestmark = pytest.mark.slow("Runs large parts of the contract suite.")

TOP = Path(__file__).parents[2]


def test_a_thorough_run_does_not_exceed_the_balance_of_its_accounts() -> None:
    with mutant_server() as vendor:
        address, guard = parse_address(vendor.url), SafetyGuard()
        control = ControlClient(address)
        own, _ = enable_sandbox(address, control, guard)
        context = CheckContext(address, own, guard, control, EFFORTS["thorough"])
        verdicts = list(run_checks(context, [BY_ID["C-send-fetch"]]))
    assert [verdict.reason for verdict in verdicts if verdict.state is not State.HELD] == []


FAKE_SUITE = """
#!/bin/sh
echo "$CI $*" >>"$0.calls"
[ "$(wc -l <"$0.calls")" -lt 3 ] || exit {code}
"""


@pytest.mark.parametrize("code", [1, 2, 3])
def test_make_contract_loop_repeats_with_new_seeds_until_a_run_fails(code: int, tmp_path: Path) -> None:
    command = tmp_path / "sms10692-contract"
    command.write_text(FAKE_SUITE.lstrip().format(code=code), "utf-8")
    command.chmod(0o755)
    ready = tmp_path / "ready"
    make = [
        "make",
        "-C",
        str(TOP),
        "-o",
        str(ready),
        "contract-loop",
        f"DEV_STAMP={ready}",
        f"BIN={tmp_path}",
        "URL=http://x",
    ]
    completed = subprocess.run(make, capture_output=True, encoding="utf-8", env=os.environ | {"CI": "1"}, timeout=60)
    assert completed.returncode != 0
    assert f"Error {code}" in completed.stderr
    requests = Path(f"{command}.calls").read_text("utf-8").splitlines()
    assert requests == [" run http://x --control http://x --effort thorough"] * 3


def verdicts_on(defect: Defect, clauses: list[str], seed: int = 1, shrink_requests: int = 100) -> list[Verdict]:
    """Run clauses with the quick effort and little shrinking against a defective vendor."""
    with mutant_server(defect) as vendor:
        address, guard = parse_address(vendor.url), SafetyGuard()
        control = ControlClient(address)
        own, _ = enable_sandbox(address, control, guard)
        effort = replace(EFFORTS["quick"], shrink_requests=shrink_requests)
        return list(
            run_checks(
                CheckContext(address, own, guard, control, effort, seed), [BY_ID[clause_id] for clause_id in clauses]
            )
        )


def record_priced_texts(seed: int) -> tuple[str, list[str]]:
    """Fail R6-segments with a vendor that overcharges lengths of generated texts; return the failure and all texts."""
    texts: list[str] = []

    def price(text: str) -> int:
        texts.append(text)
        return segment_price(text) + (len(text) % 5 == 3)

    (verdict,) = verdicts_on(Defect(pricing=price), ["R6-segments"], seed)
    assert verdict.state is State.FAILED
    return verdict.reason, texts


def test_a_run_is_repeated_by_its_seed_only() -> None:
    assert record_priced_texts(3) == record_priced_texts(3)
    assert record_priced_texts(3)[1] != record_priced_texts(4)[1]


@pytest.mark.parametrize("shrink_requests", [0, 200])
def test_shrinking_stops_after_its_number_of_requests(shrink_requests: int) -> None:
    requests: list[ApiRequest] = []
    failed_at: list[int] = []

    def record(request: ApiRequest) -> ApiRequest:
        requests.append(request)
        return request

    def price(text: str) -> int:
        if len(text) % 5 == 3 and not failed_at:
            failed_at.append(len(requests))
        return segment_price(text) + (len(text) % 5 == 3)

    verdicts_on(Defect(api_request=record, pricing=price), ["R6-segments"], 1, shrink_requests)
    assert len(requests) - failed_at[0] <= shrink_requests


def test_a_clause_that_shares_the_check_of_a_failed_clause_is_not_exercised() -> None:
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == "reports never leave the queue")
    verdicts = verdicts_on(mutant.defect, ["M-once", "M-lost"])
    assert report.format_summary(verdicts) == "1 of 2 clauses exercised, 0 held, 1 failed"
    assert [verdict.state for verdict in verdicts] == [State.FAILED, State.NOT_EXERCISED]
