"""Tests of single judgements of the suite against a model of a vendor in this process."""

import re
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from sms10692_contract.checks import CHECKS
from sms10692_contract.clauses import BY_ID
from sms10692_contract.dry_run import ModelVendor
from sms10692_contract.expectations import Mismatch
from sms10692_contract.expected import ParsedResponse
from sms10692_contract.fetch_history import CALL_ITEM, FetchHistory
from sms10692_contract.harness import CheckContext, NotExercised
from sms10692_contract.http import HttpResponse, parse_address, send_request
from sms10692_contract.pace import Pace
from sms10692_contract.probes import NotSent, ProbeSession
from sms10692_contract.requests import CALL, STATUS, UTF8, WireRequest, build_form
from sms10692_contract.run_clock import RunClock, TurnedClock
from sms10692_contract.runner import State, Verdict, run_checks
from sms10692_contract.safety import SafetyGuard
from sms10692_contract.suite_account import CHINA, SuiteAccount
from sms10692_contract.target import RequestGate
from support.raw_servers import encode_response, raw_server

OWN = SuiteAccount("12", "test", "mima")
ADDRESS = parse_address("http://127.0.0.1:1")
NUMBERS = ("13800138007", "13900139017")


class ChangedVendor(ModelVendor):
    """The model with a change of every body."""

    def __init__(self, change: Callable[[WireRequest, bytes], bytes]) -> None:
        super().__init__(ADDRESS, OWN, "发票")
        self.change = change

    def send(self, request: WireRequest, gate: RequestGate, may_be_absent: bool = False) -> HttpResponse:
        response = super().send(request, gate, may_be_absent)
        return replace(response, body=self.change(request, response.body))


QUICK_PACE = Pace(poll=1, report=1, reply=1, schedule=0)


def run(clause: str, change: Callable[[WireRequest, bytes], bytes]) -> Verdict:
    """Run a clause against the changed model, with permission to send and to fetch."""
    return run_against(ChangedVendor(change), clause)


def run_against(vendor: ModelVendor, clause: str, pace: Pace = QUICK_PACE, clock: RunClock = RunClock()) -> Verdict:  # noqa: B008 - immutable
    """Run a clause against a vendor, with permission to send and to fetch."""
    guard = SafetyGuard(frozenset(NUMBERS), 500, may_fetch=True)
    context = CheckContext(ADDRESS, OWN, guard, pace=pace, run_clock=clock)
    context.target = vendor
    (verdict,) = run_checks(context, [BY_ID[clause]])
    return verdict


def of(endpoint: str, old: str, new: str) -> Callable[[WireRequest, bytes], bytes]:
    """Return a change of the responses of one endpoint."""
    return lambda request, body: body.replace(old.encode(), new.encode()) if request.endpoint == endpoint else body


def test_a_reply_from_an_allowed_number_that_names_an_unknown_task_fails() -> None:
    assert run("5.3-taskid", lambda request, body: body).state is State.HELD
    verdict = run("5.3-taskid", of(CALL, "<taskid>", "<taskid>9"))
    assert verdict.state is State.FAILED
    assert "replies that name a task of this run" in verdict.expected


def test_a_report_of_an_unknown_task_and_an_unknown_number_is_not_of_this_run() -> None:
    def change(request: WireRequest, body: bytes) -> bytes:
        return of(STATUS, "<mobile>13", "<mobile>19")(request, of(STATUS, "<taskid>", "<taskid>9")(request, body))

    verdict = run("4.3-taskid", change)
    assert (verdict.state, verdict.reason) == (
        State.NOT_EXERCISED,
        "reports or replies are late: not complete after 1 s",
    )
    assert run("4.3-taskid", of(STATUS, "<taskid>", "<taskid>9")).state is State.FAILED


@pytest.mark.parametrize("text", ["1,000", "", "many", "-", "1e3", "٣"])
def test_a_send_total_that_is_no_number_fails(text: str) -> None:
    def change(request: WireRequest, body: bytes) -> bytes:
        return body.replace(b"<sendTotal>100000<", f"<sendTotal>{text}<".encode())

    verdict = run("2.3-sendTotal", change)
    assert (verdict.state, verdict.actual) == (State.FAILED, repr(text))


def test_a_later_clause_does_not_wait_for_reports_that_were_late_before() -> None:
    guard = SafetyGuard(frozenset(NUMBERS), 500, may_fetch=True)
    vendor = ChangedVendor(lambda request, body: b"<returnsms></returnsms>" if request.endpoint == STATUS else body)
    context = CheckContext(ADDRESS, OWN, guard, pace=Pace(poll=1, report=1, reply=1, schedule=0))
    context.target = vendor
    verdicts = list(run_checks(context, [BY_ID["4.3-taskid"], BY_ID["4.1-once"]]))
    assert [verdict.reason for verdict in verdicts] == [
        "reports or replies are late: not complete after 1 s",
        "not waited for: earlier reports were late",
    ]


def test_the_same_answer_of_a_person_at_another_time_is_no_repetition() -> None:
    history = FetchHistory()

    def record(second: int) -> None:
        item = (
            "<callbox><mobile>1</mobile><taskid>2</taskid><content>1</content>"
            f"<receivetime>2026-01-01 00:00:0{second}</receivetime><extno>01</extno></callbox>"
        )
        raw = HttpResponse(200, "text/xml", f"<returnsms>{item}</returnsms>".encode())
        history.record(ParsedResponse(build_form(CALL, {"action": "query"}), raw))

    record(1)
    record(2)
    history.expect_no_repeated(CALL_ITEM)
    record(1)
    with pytest.raises(AssertionError, match="again callbox 1 of task 2"):
        history.expect_no_repeated(CALL_ITEM)


NONSENSE = ("", "1,000", "٣", "&#0;")
ELEMENTS = ("returnstatus", "message", "remainpoint", "taskID", "successCounts", "payinfo", "overage", "sendTotal")
ITEMS = ("mobile", "taskid", "status", "receivetime", "errorcode", "extno", "content", "error", "remark")


@pytest.mark.parametrize("name", [*ELEMENTS, *ITEMS])
def test_an_unexpected_value_is_a_failure_and_never_an_exception(name: str) -> None:
    manual = [clause for clause in BY_ID.values() if clause.provenance == "manual" and clause.id != "4.2-default"]
    for nonsense in NONSENSE:

        def change(request: WireRequest, body: bytes, nonsense: str = nonsense) -> bytes:
            codec = "gbk" if b'"gb2312"' in body else "utf-8"
            text = re.sub(rf"<{name}>[^<]*<", lambda match: f"<{name}>{nonsense}<", body.decode(codec))
            return text.encode(codec, "xmlcharrefreplace")

        guard = SafetyGuard(frozenset(NUMBERS), 500, may_fetch=True)
        pace = Pace(poll=1, report=1, reply=1, schedule=0)
        context = CheckContext(ADDRESS, OWN, guard, pace=pace)
        context.target = ChangedVendor(change)
        verdicts = list(run_checks(context, manual))
        assert len(verdicts) == len(manual)


def test_a_body_is_sent_a_second_after_expect_although_no_100_came() -> None:
    request = WireRequest(UTF8, (), "POST", UTF8.encode(), (("Expect", "100-continue"), ("Content-Length", "1")), b"x")
    with raw_server(lambda connection: connection.sendall(encode_response(b"ok"))) as (url, received):
        assert send_request(parse_address(url), request).body == b"ok"
    assert received[0].endswith(b"\r\n\r\nx")


@pytest.mark.parametrize(
    "clause", ["4.1-once", "4.2-statusNum", "4.3-layout", "4.3-status", "4.3-taskid", "1.2-mobile"]
)
@pytest.mark.parametrize("errorcode", ["DELIVERED", "0", ""])
def test_the_manual_demands_no_errorcode(clause: str, errorcode: str) -> None:
    assert run(clause, of(STATUS, ">DELIVRD<", f">{errorcode}<")).state is State.HELD


class LimitingVendor(ModelVendor):
    """A vendor whose fetches without statusNum return at most so many reports, of those that are not late."""

    def __init__(self, limit: int, late: int = 0) -> None:
        super().__init__(ADDRESS, OWN, "发票")
        self.limit, self.late = limit, late

    def send(self, request: WireRequest, gate: RequestGate, may_be_absent: bool = False) -> HttpResponse:
        if request.endpoint == STATUS and ("statusNum", "1") not in request.pairs:
            count = min(self.limit, max(len(self._reports) - self.late, 0))
            request = build_form(STATUS, dict(request.pairs) | {"statusNum": str(count)})
        return super().send(request, gate, may_be_absent)


@pytest.mark.parametrize(
    ("limit", "late", "failure"),
    [
        (4000, 0, None),
        (4001, 0, "at most 4000 of 4001 reports; got 4001"),
        (5000, 0, "at most 4000 of 4001 reports; got 4001"),
        (4000, 500, "reports are late: 3501 of 4001 after 0 s"),
        (500, 0, "4000 of 4001 reports; got 500, and as many in the next fetch"),
    ],
)
def test_without_a_number_a_fetch_of_a_real_vendor_returns_at_most_4000(
    limit: int, late: int, failure: str | None
) -> None:
    numbers = frozenset(str(13000000000 + index) for index in range(4001))
    context = CheckContext(ADDRESS, OWN, SafetyGuard(numbers, 5000, may_fetch=True), pace=QUICK_PACE)
    context.target = LimitingVendor(limit, late)
    expected = nullcontext() if failure is None else pytest.raises((Mismatch, NotExercised), match=failure)
    with expected:
        CHECKS["4.2-default"](context)


class LateVendor(ModelVendor):
    """A vendor whose first two fetches return no report, because they are late."""

    def __init__(self) -> None:
        super().__init__(ADDRESS, OWN, "发票")
        self.fetches = 0

    def send(self, request: WireRequest, gate: RequestGate, may_be_absent: bool = False) -> HttpResponse:
        self.fetches += request.endpoint == STATUS
        if request.endpoint != STATUS or self.fetches > 2:
            return super().send(request, gate, may_be_absent)
        reports, self._reports = self._reports, []
        response = super().send(request, gate, may_be_absent)
        self._reports = reports
        return response


def test_reports_that_are_late_are_no_default_number_of_a_fetch() -> None:
    numbers = frozenset(str(13000000000 + index) for index in range(4001))
    context = CheckContext(ADDRESS, OWN, SafetyGuard(numbers, 5000, may_fetch=True), pace=QUICK_PACE)
    context.target = LateVendor()
    session = ProbeSession(context)
    with pytest.raises(NotSent, match="reports are late: 0 of 4001"):
        session.play("default")
    assert session.item_counts == {}


class SchedulingVendor(ModelVendor):
    """A vendor that reports a scheduled send so many seconds after sendTime by its own clock, or never.

    Its clock is `ahead` of the client's by seconds, and is in its Date headers or not.
    """

    def __init__(self, clock: RunClock, ahead: int, has_date: bool, after: int | None) -> None:
        own_clock = replace(clock, now=lambda: clock.now() + timedelta(seconds=ahead))
        super().__init__(ADDRESS, OWN, "发票", clock=own_clock)
        self.has_date, self.after = has_date, after

    def send(self, request: WireRequest, gate: RequestGate, may_be_absent: bool = False) -> HttpResponse:
        response = super().send(request, gate, may_be_absent)
        if dict(request.pairs).get("sendTime"):
            late = timedelta(seconds=self.after or 0)
            self._reports = [] if self.after is None else [item._replace(due=item.due + late) for item in self._reports]
        return response if self.has_date else replace(response, date="")


@pytest.mark.parametrize(
    ("ahead", "has_date", "after", "state"),
    [
        (0, True, 0, State.HELD),
        (0, True, 10, State.HELD),
        (0, True, -1, State.HELD),
        (0, True, -30, State.FAILED),
        (0, True, -10_000, State.FAILED),
        (3600, True, 0, State.HELD),
        (-3600, True, 0, State.HELD),
        (3600, True, -30, State.FAILED),
        (0, False, 0, State.HELD),
        (100, False, 0, State.HELD),
        (-100, False, 0, State.HELD),
        (0, False, -150, State.FAILED),
        (0, True, None, State.NOT_EXERCISED),
    ],
)
def test_a_scheduled_message_is_judged_by_the_clock_of_the_server_with_a_tolerance(
    ahead: int, has_date: bool, after: int | None, state: State
) -> None:
    clock = TurnedClock(datetime(2026, 3, 2, 12, tzinfo=CHINA)).run_clock
    pace = Pace(poll=5, report=180, schedule=60)
    vendor = SchedulingVendor(clock, ahead, has_date, after)
    assert run_against(vendor, "1.2-sendTime", pace, clock).state is state
