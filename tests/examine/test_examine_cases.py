"""The careful client passes every case, and each careless one fails its own."""

import os
import sys
from pathlib import Path

import pytest

from examine.careless_clients import CAREFUL, CARELESS, Careless
from sms10692 import protocol
from sms10692_examine.case_table import GROUPS, VENDOR, VendorWords, load_cases
from sms10692_examine.cases.registry import CASES
from sms10692_examine.runner import select_cases
from sms10692_examine.settings import Authentication, Charset, Settings
from sms10692_examine.verdicts import State, Verdict
from support.examining import FAULTS, examine

DRIVER = Path(__file__).with_name("client_driver.py")
IS_FULL = "SMS10692_FULL_EXAMINE" in os.environ
"""Whether `make test-examine` runs every client in every way of reaching the vendor."""

GENERATIONS: tuple[tuple[Authentication, Charset], ...] = (
    ("password", "gb2312"),
    *((("signed", "utf-8"), ("signed", "gb2312"), ("password", "utf-8")) if IS_FULL else ()),
)
OWN_CLIENTS: tuple[tuple[tuple[str, ...], Charset], ...] = (
    ((), "utf-8"),
    (("async", "--no-spool"), "gb2312"),
    *((((), "gb2312"), (("async",), "utf-8"), (("async",), "gb2312"), (("--no-spool",), "utf-8")) if IS_FULL else ()),
)


def run(
    command: tuple[str, ...], authentication: Authentication = "signed", charset: Charset = "utf-8"
) -> list[Verdict]:
    settings = Settings((sys.executable, *command), authentication, charset, jobs=2)
    return examine(settings, select_cases(())).verdicts


def test_every_case_of_the_table_has_a_check_and_its_texts() -> None:
    assert set(load_cases()) == set(CASES)
    assert len(CASES) >= 70
    for case in load_cases().values():
        assert case.group in GROUPS
        assert all((case.expected, case.expected_zh, case.loss, case.loss_zh, case.fix, case.fix_zh)), case.id


def test_the_words_of_the_table_are_those_of_the_vendor() -> None:
    errors = (protocol.CREDENTIALS_EMPTY, protocol.CREDENTIALS_WRONG, protocol.REPORTS_NOT_ALLOWED)
    assert (
        VendorWords(
            send_page=protocol.SMS.path,
            signed_parameters=list(protocol.SIGNED.parameters),
            password_parameters=list(protocol.PASSWORD.parameters),
            send_parameters=list(protocol.SEND.parameters),
            old_send_parameters=list(protocol.SMS.send_parameters),
            send_refusals=list(protocol.SEND.messages[1:]),
            query_refusals=list(protocol.OVERAGE.messages[1:]),
            queue_errors=[*errors, protocol.PARAMETER_WRONG],
            credentials_wrong=protocol.CREDENTIALS_WRONG,
            balance_too_small=protocol.BALANCE_TOO_SMALL,
            other_error=protocol.OTHER_ERROR,
            forbidden_in_send=protocol.FORBIDDEN_IN_SEND,
            forbidden_found=protocol.FORBIDDEN_FOUND,
            postpaid=protocol.POSTPAID,
        )
        == VENDOR
    )
    assert VENDOR.query_refusals == list(protocol.CHECKKEYWORD.messages[:2])


def test_an_id_selects_one_case_and_the_beginning_of_ids_several() -> None:
    assert [case.id for case in select_cases(["Q-send-time"])] == ["Q-send-time"]
    assert [case.id for case in select_cases(["Q-send"])] == ["Q-send-time", "Q-send-time-zone"]


def test_every_case_has_a_careless_client() -> None:
    assert {name for client in CARELESS for name in client.cases} == set(CASES)
    assert len({client.name for client in CARELESS}) == len(CARELESS) >= 60


@pytest.mark.slow("Runs 129 cases.")
@pytest.mark.parametrize(("authentication", "charset"), GENERATIONS)
def test_the_careful_client_fails_no_case(authentication: Authentication, charset: Charset) -> None:
    verdicts = run((str(CAREFUL),), authentication, charset)
    allowed = {State.PASSED} if authentication == "signed" else {State.PASSED, State.NOT_SUPPORTED}
    assert [(verdict.case.id, verdict.observed) for verdict in verdicts if verdict.state not in allowed] == []


@pytest.mark.slow("Starts more than 100 drivers.")
@pytest.mark.parametrize("client", CARELESS, ids=lambda client: client.name)
def test_a_careless_client_does_not_pass_its_cases(client: Careless, tmp_path: Path) -> None:
    driver = tmp_path / "driver.py"
    driver.write_text(client.build(), "utf-8")
    settings = Settings((sys.executable, str(driver)), timeout=1.0, jobs=1)
    verdicts = examine(settings, select_cases((*client.cases, *client.unjudged)), set(State) - FAULTS).verdicts
    assert {verdict.case.id for verdict in verdicts if verdict.state in FAULTS} == set(client.cases)
    unjudged = {verdict.case.id: verdict.observed for verdict in verdicts if verdict.state is State.NOT_JUDGED}
    assert set(unjudged) == set(client.unjudged)
    assert [case for case, observed in unjudged.items() if not observed.endswith(f"; see {client.cases[0]}")] == []


PARALLEL = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, FOLDER)
import careful_driver

send_batch, stop = careful_driver.Client.send, threading.Event()


def send(client, mobiles, *arguments):
    def work(start):
        if stop.is_set():
            return {}
        try:
            return send_batch(client, mobiles[start : start + 500], *arguments)
        except careful_driver.Refused:
            STOP
            raise

    with ThreadPoolExecutor(4) as pool:
        batches = [pool.submit(work, start) for start in range(0, len(mobiles), 500)]
    return batches[0].result()


careful_driver.Client.send = send
careful_driver.main()
"""
"""A driver that sends four batches of 500 numbers at once; STOP is what it does when one is refused."""


@pytest.mark.slow("Sends ten requests whose responses are slow.")
@pytest.mark.parametrize(("after_a_refusal", "state"), [("stop.set()", State.PASSED), ("pass", State.FAILED)])
def test_a_client_with_parallel_batches_is_judged_by_what_it_sends_after_the_first_refusal(
    after_a_refusal: str, state: State, tmp_path: Path
) -> None:
    driver = tmp_path / "driver.py"
    driver.write_text(PARALLEL.replace("FOLDER", repr(str(CAREFUL.parent))).replace("STOP", after_a_refusal), "utf-8")
    settings = Settings((sys.executable, str(driver)), jobs=1)
    doubted = FAULTS if state is State.PASSED else set(State) - FAULTS
    (verdict,) = examine(settings, select_cases(["F-stops-when-empty"]), doubted).verdicts
    assert (verdict.state, "requests after the first was refused" in verdict.observed) == (state, state is State.FAILED)


@pytest.mark.slow("Runs 129 cases.")
@pytest.mark.parametrize(("options", "charset"), OWN_CLIENTS)
def test_the_own_client_passes_every_case(options: tuple[str, ...], charset: Charset) -> None:
    verdicts = run((str(DRIVER), *options), charset=charset)
    others = {verdict.case.id: (verdict.state, verdict.observed) for verdict in verdicts}
    unsupported = {"E-status-killed", "E-call-killed"} if "--no-spool" in options else set()
    assert {others.pop(case)[0] for case in unsupported} <= {State.NOT_SUPPORTED}
    assert {case: found for case, found in others.items() if found[0] is not State.PASSED} == {}
