"""A run asks as its profile and its seed say, and its verdicts are counted for what they are.

Here belongs how long and how often the suite looks, `make fuzz` included. What the command says of a run is in
`test_suite_command`.
"""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from sms10692_contract import report
from sms10692_contract.clauses import BY_ID
from sms10692_contract.control import Control
from sms10692_contract.harness import PROFILES, Lab
from sms10692_contract.http import address_of
from sms10692_contract.runner import State, Verdict, examine, open_gate
from sms10692_contract.safety import Gate
from sms10692_mock.domain.api_request import Call
from sms10692_mock.domain.billing import parts
from support.mutant_vendor import Fault, served
from support.mutants import FAULTS

TOP = Path(__file__).parents[2]


def test_a_thorough_look_spends_more_than_an_account_is_usually_made_with_and_holds() -> None:
    with served() as vendor:
        address, gate = address_of(vendor.url), Gate()
        control = Control(address)
        own, _ = open_gate(address, control, gate)
        lab = Lab(address, own, gate, control, PROFILES["thorough"])
        verdicts = list(examine(lab, [BY_ID["C-send-fetch"]]))
    assert [verdict.why for verdict in verdicts if verdict.state is not State.HELD] == []


FUZZ = """
#!/bin/sh
echo "$CI $*" >>"$0.asked"
[ "$(wc -l <"$0.asked")" -lt 3 ] || exit {code}
"""


@pytest.mark.parametrize("code", [1, 2, 3])
def test_make_fuzz_goes_on_with_fresh_seeds_until_a_round_is_not_green_and_fails_with_it(
    code: int, tmp_path: Path
) -> None:
    command = tmp_path / "sms10692-contract"
    command.write_text(FUZZ.lstrip().format(code=code), "utf-8")
    command.chmod(0o755)
    ready = tmp_path / "ready"
    make = ["make", "-C", str(TOP), "-o", str(ready), "fuzz", f"READY={ready}", f"BIN={tmp_path}", "URL=http://x"]
    ended = subprocess.run(make, capture_output=True, encoding="utf-8", env=os.environ | {"CI": "1"}, timeout=60)
    assert ended.returncode != 0
    assert f"Error {code}" in ended.stderr
    asked = Path(f"{command}.asked").read_text("utf-8").splitlines()
    assert asked == [" http://x --control http://x --profile thorough"] * 3


def verdicts_on(fault: Fault, clauses: list[str], seed: int = 1, shrinking: int = 100) -> list[Verdict]:
    """What the quick profile says of a vendor, without long thought about the shortest failure."""
    with served(fault) as vendor:
        address, gate = address_of(vendor.url), Gate()
        control = Control(address)
        own, _ = open_gate(address, control, gate)
        profile = replace(PROFILES["quick"], shrinking=shrinking)
        return list(examine(Lab(address, own, gate, control, profile, seed), [BY_ID[one] for one in clauses]))


def prices_asked_for(seed: int) -> tuple[str, list[str]]:
    """Why R6-parts fails for a vendor that overcharges lengths no fixed case has, and the texts it was asked about."""
    texts: list[str] = []

    def price(text: str) -> int:
        texts.append(text)
        return parts(text) + (len(text) % 5 == 3)

    (verdict,) = verdicts_on(Fault(billing=price), ["R6-parts"], seed)
    assert verdict.state is State.FAILED
    return verdict.why, texts


def test_a_run_is_repeated_by_its_seed_and_by_no_other() -> None:
    assert prices_asked_for(3) == prices_asked_for(3)
    assert prices_asked_for(3)[1] != prices_asked_for(4)[1]


@pytest.mark.parametrize("shrinking", [0, 200])
def test_a_failure_is_made_shorter_for_so_many_requests(shrinking: int) -> None:
    asked: list[Call] = []
    failed_at: list[int] = []

    def keep(call: Call) -> Call:
        asked.append(call)
        return call

    def price(text: str) -> int:
        if len(text) % 5 == 3 and not failed_at:
            failed_at.append(len(asked))
        return parts(text) + (len(text) % 5 == 3)

    verdicts_on(Fault(call=keep, billing=price), ["R6-parts"], 1, shrinking)
    assert len(asked) - failed_at[0] <= shrinking


def test_a_clause_that_shares_its_check_with_a_failed_one_is_not_counted_as_held() -> None:
    (broken,) = (one for one in FAULTS if one.name == "reports never leave the queue")
    verdicts = verdicts_on(broken.fault, ["M-once", "M-lost"])
    assert report.summary(verdicts) == "1 of 2 clauses exercised, 0 held, 1 failed"
    assert [verdict.state for verdict in verdicts] == [State.FAILED, State.NOT_EXERCISED]
