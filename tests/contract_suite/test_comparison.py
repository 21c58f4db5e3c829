"""What `compare` says of two servers: nothing of equal ones, and each difference under the clause that it is about."""

import re
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from sms10692_contract.checks.brands import LEARNABLE
from sms10692_contract.comparison import STATEFUL, Comparison
from sms10692_contract.probes import PROBES
from sms10692_contract.runner import State, Verdict
from sms10692_contract.safety import SafetyGuard
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.profiles import MANUAL, OBSERVED, Profile
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.server.http_types import Response
from support.mutant_vendor import Defect
from support.mutants import MUTANTS
from support.probe_sessions import build, session_with


def compare(
    second: Profile = MANUAL, defect: Defect | None = None, first: Profile = MANUAL, guard: SafetyGuard | None = None
) -> list[Verdict]:
    """Compare a vendor of the manual with another one."""
    with session_with(first, guard=guard) as one, session_with(second, defect, guard) as other:
        return Comparison(one, other).compare()


def get_failed(verdicts: list[Verdict]) -> dict[str, str]:
    return {verdict.clause.id: verdict.cause for verdict in verdicts if verdict.state is State.FAILED}


def test_equal_servers_differ_in_nothing() -> None:
    verdicts = compare()
    assert get_failed(verdicts) == {}
    held = {verdict.clause.id for verdict in verdicts if verdict.state is State.HELD}
    assert held >= {PROBES[str(name)].clause for name, *_ in STATEFUL} - {"4.2-default"}  # it needs 4001 numbers
    assert held >= {learnable.clause for learnable in LEARNABLE} - {"D-max-numbers"}


def test_without_permission_the_rest_is_not_exercised() -> None:
    verdicts = compare(OBSERVED, guard=SafetyGuard())
    assert {*get_failed(verdicts)} == {"D-refusal-form", "D-keyword-form"}
    (report,) = (verdict for verdict in verdicts if verdict.clause.id == "4.3-layout")
    assert (report.state, report.reason) == (
        State.NOT_EXERCISED,
        "reports: needs --allow-send NUMBER, --allow-fetch",
    )


KEYS: dict[str, tuple[Profile, dict[str, str]]] = {
    "cdata": (build(cdata=True), {"D-cdata": "cdata: True instead of False"}),
    "line ends": (build(line_end="crlf"), {"D-line-end": "line_end: 'crlf' instead of 'lf'"}),
    "receivetime": (build(receivetime="slashes"), {"D-receivetime": "receivetime: 'slashes' instead of 'padded'"}),
    "empty queue": (build(empty_queue="error5"), {"D-empty-queue": "empty_queue: 'error5' instead of 'root'"}),
    "extno": (build(extno_max_digits=5), {"D-extno-max-digits": "extno_max_digits: 5 instead of 10"}),
    "billing": (build(billing="recipient"), {"D-billing": "billing: 'recipient' instead of 'segment'"}),
    "words": (build(check_words="always"), {"D-check-words": "check_words: 'always' instead of 'checkContent'"}),
    "a text": (
        build(texts={"mobile-empty": "没有号码"}),
        {"D-texts": "texts.mobile-empty: '没有号码' instead of '短信号码不能为空'"},
    ),
    "clock": (build(max_clock_skew=300), {"D-max-clock-skew": "max_clock_skew: 300.0 instead of no limit"}),
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_of_a_profile_is_a_difference_of_its_clause_alone(name: str) -> None:
    profile, differences = KEYS[name]
    failed = get_failed(compare(profile))
    assert {*failed} == {*differences}
    for clause, cause in differences.items():
        assert failed[clause].startswith(cause)


def test_two_profiles_are_compared_in_both_directions() -> None:
    assert {*get_failed(compare(OBSERVED))} == {"D-refusal-form", "D-keyword-form", "D-cdata"}
    assert {*get_failed(compare(first=OBSERVED))} == {"D-refusal-form", "D-keyword-form", "D-cdata"}


def replacing(old: str, new: str) -> Defect:
    return Defect(text=lambda text, request: text.replace(old, new))


def with_status(status: int) -> Callable[[ApiRequest, Response], Response]:
    return lambda request, response: response._replace(status=status)


DEFECTS: dict[str, tuple[Defect, set[str]]] = {
    "another word of overage": (replacing("Sucess", "Success"), {"2.3-found"}),
    "another payinfo": (replacing("预付费", "后付费"), {"2.3-found"}),
    "another declaration": (replacing('" ?>', '"?>'), {"A1-declaration"}),
    "a line end at the end": (replacing("</returnsms>", "</returnsms>\n"), {"A1-lines", "A3", "A10", "L-lines"}),
    "another errorcode": (replacing("DELIVRD", "0"), {"4.3-layout"}),
    "a status in words": (replacing("<status>10<", "<status>OK<"), {"4.3-layout"}),
    "HTTP 202": (Defect(response=with_status(202)), {"A7"}),
    "another error number": (replacing("<error>1<", "<error>9<"), {"4.4-1", "5.4-1"}),
    "zeros of refusals": (replacing("<taskID>0<", "<taskID><"), {"A4"}),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_any_other_difference_is_one_of_the_clause_of_its_probe(name: str) -> None:
    defect, clauses = DEFECTS[name]
    failed = get_failed(compare(defect=defect))
    assert {*failed} == clauses


def find_mutant(name: str) -> Defect:
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == name)
    return mutant.defect


def write_long_numbers(request: ApiRequest, response: Response) -> Response:
    """Write long task numbers, and points with decimals."""
    body = re.sub(rb"(<task(?:ID|id)>)([1-9]\d+)", rb"\g<1>20261130235959\2", response.body)
    body = re.sub(rb"(<(?:remainpoint|overage|sendTotal)>)(-?\d+)", rb"\g<1>\g<2>.50", body)
    return response._replace(body=body)


def refuse_scheduled_sends(request: ApiRequest, response: Response) -> Response:
    """Write the same numbers, but refuse what has a sendTime, with zeros."""
    if not request.send_time or b"Success" not in response.body:
        return write_long_numbers(request, response)
    body = response.body.replace(b">Success<", b">Faild<").replace(b">ok<", ">通道故障<".encode())
    body = re.sub(rb"(<(?:remainpoint|taskID|successCounts)>)\d+", rb"\g<1>0", body)
    return response._replace(body=body)


def test_a_refusal_without_a_number_does_not_write_it_in_another_way() -> None:
    with (
        session_with(defect=Defect(response=write_long_numbers)) as one,
        session_with(defect=Defect(response=refuse_scheduled_sends)) as other,
    ):
        failed = get_failed(Comparison(one, other).compare())
    assert "returnstatus is 'Faild' instead of 'Success'" in " ".join(failed.values())
    assert not {"A6-taskID", "R6-whole"} & {*failed}


def test_numbers_that_are_written_in_another_way_are_a_difference() -> None:
    assert {"A6-taskID", "R6-whole"} <= {*get_failed(compare(defect=Defect(response=write_long_numbers)))}


@pytest.mark.parametrize("ahead", [-90, 90])
def test_a_send_is_scheduled_by_the_clock_of_the_server(ahead: int) -> None:
    class OtherClock(Vendor):
        def __init__(self, store: Any, clock: Callable[[], float], *arguments: Any, **options: Any) -> None:
            times.append(lambda: clock() + ahead)
            super().__init__(store, times[0], *arguments, **options)

    def add_date(request: ApiRequest, response: Response) -> Response:
        return response._replace(headers=[*response.headers, ("Date", formatdate(times[0](), usegmt=True))])

    times: list[Callable[[], float]] = []
    assert get_failed(compare(defect=Defect(vendor=OtherClock, response=add_date))) == {}


STATEFUL_DEFECTS = {
    "a taskID is used again": "taskID is 'known task' instead of 'new task'",
    "successCounts is one too many": "successCounts is '2' instead of '1'",
    "remainpoint is one point behind": "overage is 'balance-1' instead of 'balance'",
    "a scheduled message is not charged": "remainpoint is 'balance' instead of 'balance-1'",
}
"""Names of defective vendors, and the beginning of what differs."""


@pytest.mark.parametrize("name", STATEFUL_DEFECTS)
def test_a_stateful_defect_is_noticed(name: str) -> None:
    causes = " ".join(get_failed(compare(defect=find_mutant(name))).values())
    assert STATEFUL_DEFECTS[name] in causes
