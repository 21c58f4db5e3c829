"""A run asks as its profile and its seed say, and its verdicts are counted for what they are.

Here belongs how long and how often the suite looks, `make contract-loop` included. What the command says of a run is in
`test_suite_command`.
"""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sms10692_contract import report
from sms10692_contract.clauses import BY_ID
from sms10692_contract.control import ControlClient
from sms10692_contract.harness import EFFORTS, CheckContext
from sms10692_contract.http import parse_address
from sms10692_contract.runner import State, Verdict, enable_sandbox, run_checks
from sms10692_contract.safety import SafetyGuard
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.billing import segment_price
from support.mutant_vendor import Defect, mutant_server
from support.mutants import MUTANTS

pytestmark = pytest.mark.slow("Runs large parts of the contract suite.")

TOP = Path(__file__).parents[2]


def test_a_thorough_look_spends_more_than_an_account_is_usually_made_with_and_holds() -> None:
    with mutant_server() as vendor:
        address, gate = parse_address(vendor.url), SafetyGuard()
        control = ControlClient(address)
        own, _ = enable_sandbox(address, control, gate)
        lab = CheckContext(address, own, gate, control, EFFORTS["thorough"])
        verdicts = list(run_checks(lab, [BY_ID["C-send-fetch"]]))
    assert [verdict.why for verdict in verdicts if verdict.state is not State.HELD] == []


FAKE_SUITE = """
#!/bin/sh
echo "$CI $*" >>"$0.asked"
[ "$(wc -l <"$0.asked")" -lt 3 ] || exit {code}
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
    ended = subprocess.run(make, capture_output=True, encoding="utf-8", env=os.environ | {"CI": "1"}, timeout=60)
    assert ended.returncode != 0
    assert f"Error {code}" in ended.stderr
    asked = Path(f"{command}.asked").read_text("utf-8").splitlines()
    assert asked == [" http://x --control http://x --profile thorough"] * 3


def verdicts_on(fault: Defect, clauses: list[str], seed: int = 1, shrinking: int = 100) -> list[Verdict]:
    """What the quick profile says of a vendor, without long thought about the shortest failure."""
    with mutant_server(fault) as vendor:
        address, gate = parse_address(vendor.url), SafetyGuard()
        control = ControlClient(address)
        own, _ = enable_sandbox(address, control, gate)
        profile = replace(EFFORTS["quick"], shrinking=shrinking)
        return list(
            run_checks(CheckContext(address, own, gate, control, profile, seed), [BY_ID[one] for one in clauses])
        )


def prices_asked_for(seed: int) -> tuple[str, list[str]]:
    """Why R6-parts fails for a vendor that overcharges lengths no fixed case has, and the texts it was asked about."""
    texts: list[str] = []

    def price(text: str) -> int:
        texts.append(text)
        return segment_price(text) + (len(text) % 5 == 3)

    (verdict,) = verdicts_on(Defect(billing=price), ["R6-parts"], seed)
    assert verdict.state is State.FAILED
    return verdict.why, texts


def test_a_run_is_repeated_by_its_seed_and_by_no_other() -> None:
    assert prices_asked_for(3) == prices_asked_for(3)
    assert prices_asked_for(3)[1] != prices_asked_for(4)[1]


@pytest.mark.parametrize("shrinking", [0, 200])
def test_a_failure_is_made_shorter_for_so_many_requests(shrinking: int) -> None:
    asked: list[ApiRequest] = []
    failed_at: list[int] = []

    def keep(call: ApiRequest) -> ApiRequest:
        asked.append(call)
        return call

    def price(text: str) -> int:
        if len(text) % 5 == 3 and not failed_at:
            failed_at.append(len(asked))
        return segment_price(text) + (len(text) % 5 == 3)

    verdicts_on(Defect(call=keep, billing=price), ["R6-parts"], 1, shrinking)
    assert len(asked) - failed_at[0] <= shrinking


def test_a_clause_that_shares_its_check_with_a_failed_one_is_not_counted_as_held() -> None:
    (broken,) = (one for one in MUTANTS if one.name == "reports never leave the queue")
    verdicts = verdicts_on(broken.fault, ["M-once", "M-lost"])
    assert report.summary(verdicts) == "1 of 2 clauses exercised, 0 held, 1 failed"
    assert [verdict.state for verdict in verdicts] == [State.FAILED, State.NOT_EXERCISED]
