"""Checks of chapter 4: documents, order and limits of reports, each fetched once.

Replies are in `replies`, concurrent fetches in `concurrency`.
"""

from datetime import datetime
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import (
    BLANK,
    EXTNO,
    INVALID_FETCH,
    INVALID_STATUS_NUM,
    MOBILE,
    WRONG_SIGNATURE,
    build_mobiles,
    invalid_actions,
    one_invalid_field,
)
from sms10692_contract.expectations import (
    build_mismatch,
    expect,
    expect_accepted,
    expect_document,
    expect_receivetime,
    expect_sent,
)
from sms10692_contract.expected import (
    EMPTY_CREDENTIALS,
    EMPTY_QUEUE,
    ERRORSTATUS,
    INVALID_PARAMETER,
    ITEM_LIST,
    QUEUES_DENIED,
    STATUSBOX,
    WRONG_CREDENTIALS,
    ParsedResponse,
    render_items,
)
from sms10692_contract.fetch_history import CALL_ITEM, STATUS_ITEM
from sms10692_contract.harness import CheckContext, NotExercised
from sms10692_contract.probes import are_reports_late
from sms10692_contract.requests import CALL, STATUS, build_request
from sms10692_contract.safety import INVALID_SIGN
from sms10692_contract.suite_account import SuiteAccount

EMPTY_ITEM: Final = {"mobile": "", "taskid": "", "status": "", "receivetime": "", "errorcode": "", "extno": ""}


@checks("4.3-layout")
def _reports_have_the_documented_elements(context: CheckContext) -> None:
    if not context.is_sandboxed:
        _check_elements(context, context.pick_numbers(1), "")
        return
    _check_elements(context, ["15023239810", "10000000020"], "01")
    mobile_lists = st.lists(MOBILE | st.sampled_from(["10000000020", "10000000021", "10086"]), min_size=1, max_size=5)
    context.for_all(
        lambda mobiles, extno: _check_elements(context, mobiles, extno),
        mobile_lists,
        EXTNO,
        examples=context.few_examples,
    )


def _check_elements(context: CheckContext, mobiles: list[str], extno: str) -> None:
    account = context.create_account()
    task = expect_accepted(context.send(account, ",".join(mobiles), extno=extno))
    response = context.fetch_due_reports(account, task)
    expect(bool(response.get_items("statusbox")), response, "a report")
    while items := response.get_items("statusbox"):
        for item in items:
            expect(item.get("status") in {"10", "20"}, response, "status 10 or 20")
            if context.is_sandboxed:
                expect(item.get("mobile") in mobiles, response, f"a report of {mobiles}")
                item |= {"taskid": task, "extno": extno}
        expect_document(response, ITEM_LIST, items=render_items(STATUSBOX, [EMPTY_ITEM | item for item in items]))
        if not context.is_sandboxed:
            break
        response = context.status(account)


@checks("4.3-status")
def _status_10_is_delivered_and_20_is_not(context: CheckContext) -> None:
    for number in ("15023239810", "10000000020") if context.is_sandboxed else (context.number,):
        account = context.create_account()
        response = context.send(account, number)
        task = expect_accepted(response)
        reports = context.fetch_task_reports(account, task, 1)
        expect(bool(reports), response, f"a report of task {task}", "none")
        status = reports[0].get("status")
        if context.is_sandboxed:
            expected = "20" if number == "10000000020" else "10"
            expect(status == expected, response, f"status {expected} for {number}", repr(status))
        else:
            expect(status in ("10", "20"), response, "status 10 or 20", repr(status))


@checks("R13-outcomes")
def _reserved_numbers_fail_with_their_errorcode(context: CheckContext) -> None:
    outcomes = {"15023239810": ("10", "DELIVRD"), "10000000020": ("20", "UNDELIV"), "10000000021": ("20", "MK:0011")}
    for number, expected in outcomes.items():
        account = context.create_account()
        task = expect_accepted(context.send(account, number))
        response = context.fetch_due_reports(account, task)
        item = response.get_items("statusbox")[:1] or [{}]
        actual = item[0].get("status"), item[0].get("errorcode")
        expect(actual == expected, response, f"status {expected[0]} and errorcode {expected[1]} for {number}")


@checks("4.3-taskid")
def _a_report_names_the_task_of_its_send(context: CheckContext) -> None:
    account = context.create_account(points=10_000)

    def check_task(mobiles: list[str]) -> None:
        response = context.send(account, ",".join(mobiles))
        task = expect_accepted(response)
        reports = context.fetch_task_reports(account, task, len(mobiles))
        actual = sorted((item.get("mobile", ""), item.get("taskid", "")) for item in reports)
        expected = sorted((number, task) for number in mobiles)
        expect(actual == expected, response, f"reports of task {task}", f"{actual}")

    if not context.is_sandboxed:
        check_task(context.pick_numbers(min(len(context.guard.numbers), 2)))
        return
    for mobiles in (["13000000001", "13000000002"], ["13000000003"]):
        check_task(mobiles)
    context.for_all(check_task, st.lists(MOBILE, min_size=1, max_size=5), examples=context.few_examples)


@checks("4.3-receivetime")
def _receivetime_is_a_time(context: CheckContext) -> None:
    account = context.create_account()
    response = context.send(account)
    reports = context.fetch_task_reports(account, expect_accepted(response), 1)
    expect(bool(reports), response, "a report", "none")
    for item in reports:
        expect_receivetime(response, item)
        try:
            datetime.strptime(item["receivetime"], "%Y-%m-%d %H:%M:%S")
        except ValueError:
            expect(False, response, "a receivetime that exists", item["receivetime"])


@checks("4.2-statusNum")
def _a_fetch_returns_at_most_the_requested_number(context: CheckContext) -> None:
    if not context.is_sandboxed:
        _check_limit_one(context, context.pick_numbers(2))
        return
    for waiting, limit in ((3, "1"), (3, "2"), (2, "3")):
        _check_limit(context, waiting, limit)
    limits = st.integers(1, 45) | st.integers(46, 4000)
    context.for_all(lambda waiting, limit: _check_limit(context, waiting, limit), st.integers(1, 40), limits.map(str))


def _check_limit(context: CheckContext, waiting: int, limit: str) -> None:
    """Fetch once with this statusNum, and then the rest."""
    account = context.create_account()
    expect_sent(context.send(account, ",".join(build_mobiles(waiting))), waiting)
    response = _fetch_when_due(context, account, limit)
    first, expected = len(response.get_items("statusbox")), min(int(limit), waiting)
    expect(first == expected, response, f"{expected} of {waiting} reports", f"{first}")
    rest = len(context.fetch_reports(account, waiting - first))
    expect(rest == waiting - first, response, f"{waiting - first} reports left in the queue", f"{rest}")


def _check_limit_one(context: CheckContext, mobiles: list[str]) -> None:
    """Fetch the reports of several numbers one by one. The queue may have other reports too."""
    response = context.send(context.own, ",".join(mobiles))
    task = expect_accepted(response)

    def fetch_one() -> list[dict[str, str]]:
        fetched = context.status(context.own, statusNum="1")
        items = fetched.get_items("statusbox")
        expect(len(items) <= 1, fetched, "at most one report, because statusNum is 1", f"{len(items)} reports")
        return items

    reports = context.collect_task_items(context.own, task, len(mobiles), fetch_one)
    actual = sorted(item.get("mobile", "") for item in reports)
    expect(actual == sorted(mobiles), response, f"one by one the reports of {mobiles}", f"{actual}")


def _fetch_when_due(context: CheckContext, account: SuiteAccount, limit: str) -> ParsedResponse:
    response = context.status(account, statusNum=limit)
    if not response.get_items("statusbox"):
        context.clock.advance(account.userid, 180)
        response = context.status(account, statusNum=limit)
    return response


@checks("4.2-default")
def _a_fetch_without_a_number_returns_at_most_4000(context: CheckContext) -> None:
    mobiles = context.pick_numbers(4001)
    for fields in ({}, {"statusNum": ""}) if context.is_sandboxed else ({},):
        account = context.create_account(points=5000)
        task = expect_accepted(context.send(account, ",".join(mobiles)))
        response = _fetch_full(context, account, fields)
        first = len(response.get_items("statusbox"))
        expect(first <= 4000, response, "at most 4000 of 4001 reports", f"{first}")
        if not context.is_sandboxed and first < 4000:
            _expect_late(context, task, response)
        expect(first == 4000, response, "4000 of 4001 reports", f"{first}")
        rest = context.fetch_task_reports(account, task, 1)
        expect(len(rest) == 1, response, "the last of 4001 reports in the next fetch", f"{len(rest)}")


def _expect_late(context: CheckContext, task: str, response: ParsedResponse) -> None:
    """Tell reports that are late from a smaller default, with which as many come in the next fetch."""
    first = len(response.get_items("statusbox"))
    second = len(context.status(context.own).get_items("statusbox"))
    if are_reports_late(first, second):
        raise NotExercised(f"reports are late: {first} of 4001 after {context.pace.schedule:g} s")
    context.fetch_task_reports(context.own, task, 4001 - first - second)  # for other checks nothing is left
    raise build_mismatch(response, "4000 of 4001 reports", f"{first}, and as many in the next fetch")


def _fetch_full(context: CheckContext, account: SuiteAccount, fields: dict[str, str]) -> ParsedResponse:
    """Fetch once when all reports of the account are due: fetching before would take some of them."""
    if context.is_sandboxed:
        context.clock.advance(account.userid, 180)
    else:
        context.wait(context.pace.schedule)
    return context.status(account, **fields)


@checks("4.1-once")
def _a_report_is_fetched_once(context: CheckContext) -> None:
    account = context.create_account()
    mobiles = context.pick_numbers(min(len(context.guard.numbers), 3) if not context.is_sandboxed else 3)
    response = context.send(account, ",".join(mobiles))
    task = expect_accepted(response)
    reports = context.fetch_task_reports(account, task, len(mobiles), statusNum="1")
    expect(len(reports) == len(mobiles), response, f"{len(mobiles)} reports", f"{len(reports)}")
    for fields in ({"statusNum": "1"}, {}):
        again = context.status(account, **fields)
        repeated = [item for item in again.get_items("statusbox") if item.get("taskid") == task]
        expect(not repeated, again, "no report: it was fetched before")
    context.history.expect_no_repeated(STATUS_ITEM)


@checks("R10-order")
def _reports_are_fetched_first_in_first_out(context: CheckContext) -> None:
    def check_order(sends: list[int], limit: int) -> None:
        account = context.create_account()
        mobiles = build_mobiles(sum(sends))
        start = 0
        for count in sends:
            expect_sent(context.send(account, ",".join(mobiles[start : start + count])), count)
            start += count
        context.clock.advance(account.userid, 180)
        actual: list[str] = []
        for _ in range(-(-len(mobiles) // limit)):
            response = context.status(account, statusNum=str(limit))
            actual += [item.get("mobile", "") for item in response.get_items("statusbox")]
        expect(actual == mobiles, response, f"the reports of {mobiles}", f"{actual}")

    check_order([3, 3, 3], 4)
    context.for_all(
        check_order,
        st.lists(st.integers(1, 4), min_size=1, max_size=4),
        st.integers(1, 6),
        examples=context.few_examples,
    )


@checks("R11-own")
def _an_account_fetches_only_its_own_items(context: CheckContext) -> None:
    sender, other = context.create_account(), context.create_account()
    expect_sent(context.send(sender, "10000000030"), 1)
    context.clock.advance(sender.userid, 180)
    context.clock.advance(other.userid, 180)
    for fetch, name in ((context.status, STATUS_ITEM), (context.call, CALL_ITEM)):
        response = fetch(other)
        expect(not response.get_items(name), response, "no items: another account sent the message")
        response = fetch(sender)
        expect(bool(response.get_items(name)), response, "the item of the account's own send")


@checks("4.4-1")
def _error_1(context: CheckContext) -> None:
    response = context.status(context.own, userid="", sign="")
    expect_document(response, ERRORSTATUS, error=1, remark=EMPTY_CREDENTIALS)


@checks("4.4-2")
def _error_2(context: CheckContext) -> None:
    def check_refused(signature: str) -> None:
        expect_document(context.status(context.own, sign=signature), ERRORSTATUS, error=2, remark=WRONG_CREDENTIALS)

    check_refused(INVALID_SIGN)
    context.for_all_if_sandboxed(check_refused, WRONG_SIGNATURE)


@checks("4.4-3")
def _error_3(context: CheckContext) -> None:
    response = context.status(context.create_account(can_read_queues=False))
    expect_document(response, ERRORSTATUS, error=3, remark=QUEUES_DENIED)


@checks("4.4-4")
def _error_4(context: CheckContext) -> None:
    response = context.status(context.create_account(), statusNum="x")
    expect_document(response, ERRORSTATUS, error=4, remark=INVALID_PARAMETER)


@checks("R10-action-queues")
def _the_actions_of_the_queues_are_exact(context: CheckContext) -> None:
    account = context.create_account()

    def check_refused(endpoint: str, action: str) -> None:
        response = context.post(account, endpoint, action=action)
        expect_document(response, ERRORSTATUS, error=4, remark=INVALID_PARAMETER)

    cases = [(endpoint, action) for action in ("nothing", "send", "Query", "") for endpoint in (STATUS, CALL)]
    for endpoint, action in context.each_case(cases, 2):
        check_refused(endpoint, action)
    context.for_all_if_sandboxed(check_refused, st.sampled_from([STATUS, CALL]), invalid_actions("query"))


@checks("R10-statusNum")
def _a_status_num_is_a_positive_integer(context: CheckContext) -> None:
    account = context.create_account()

    def check_refused(limit: str) -> None:
        response = context.status(account, statusNum=limit)
        expect_document(response, ERRORSTATUS, error=4, remark=INVALID_PARAMETER)

    for limit in ("0", "000", "-1", "1.5", "１", "1,2", "+1", "1 "):
        check_refused(limit)
    context.for_all(check_refused, INVALID_STATUS_NUM)

    def check_blank(limit: str) -> None:
        expect_document(context.status(account, statusNum=limit), EMPTY_QUEUE)

    context.for_all(check_blank, BLANK)
    zeros_and_digits = st.builds(
        lambda zeros, limit: f"{'0' * zeros}{limit}", st.integers(0, 3), st.integers(1, 5) | st.integers(1, 10**30)
    )
    context.for_all(
        lambda waiting, limit: _check_limit(context, waiting, limit),
        st.integers(1, 5),
        zeros_and_digits,
        examples=context.few_examples,
    )


@checks("R11-refused")
def _a_refused_fetch_removes_nothing_from_the_queue(context: CheckContext) -> None:
    def check_refused(invalid_fields: dict[str, str]) -> None:
        account = context.create_account()
        expect_sent(context.send(account, "10000000030"), 1)
        context.clock.advance(account.userid, 180)
        response = context.status(account, **invalid_fields)
        expect(not response.get_items("statusbox"), response, "a refusal")
        expect(
            len(context.status(account).get_items("statusbox")) == 1,
            response,
            "the report still in the queue afterwards",
            "no report",
        )
        if "statusNum" not in invalid_fields:
            response = context.call(account, **invalid_fields)
            expect(not response.get_items("callbox"), response, "a refusal")
            expect(
                len(context.call(account).get_items("callbox")) == 1,
                response,
                "the reply still in the queue afterwards",
                "no reply",
            )

    for invalid_fields in ({"sign": ""}, {"sign": INVALID_SIGN}, {"action": "send"}, {"statusNum": "0"}):
        check_refused(invalid_fields)
    context.for_all(check_refused, one_invalid_field(INVALID_FETCH), examples=context.few_examples)


@checks("R11-head")
def _a_head_request_is_a_fetch(context: CheckContext) -> None:
    account = context.create_account()
    expect_sent(context.send(account), 1)
    context.clock.advance(account.userid, 180)
    pairs = list((account.build_credentials() | {"action": "query"}).items())
    response = context.exchange(build_request(STATUS, query=pairs, method="HEAD"))
    expect((response.raw.status, response.raw.body) == (200, b""), response, "HTTP 200 and no body")
    expect(context.status(account).get_items("statusbox") == [], response, "an empty queue afterwards", "the report")
