"""Chapter 4: the reports, their boxes, and the queue that hands each over once.

Here belongs the status page. The replies are in `calls`, many fetchers at once in `crowds`.
"""

import re
from datetime import timedelta
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import (
    BLANKS,
    CREDENTIAL,
    EXTNO,
    HANDSET,
    NO_SIGNATURE,
    NO_STATUS_NUM,
    WRONG_FETCH,
    no_action,
    numbers,
    one_wrong,
)
from sms10692_contract.expected import (
    BOXES,
    EMPTY,
    ERRORSTATUS,
    NOT_ALLOWED,
    NOTHING,
    PARAMETER,
    STATUSBOX,
    WRONG,
    ParsedAnswer,
)
from sms10692_contract.harness import (
    CheckContext,
    SuiteAccount,
    expect,
    expect_document,
    expect_message,
    expect_moment,
    expect_sent,
)
from sms10692_contract.requests import STATUS, build_request
from sms10692_contract.safety import INVALID_SIGN

NEVER: Final = {"mobile": "", "taskid": "", "status": "", "receivetime": "", "errorcode": "", "extno": ""}


@checks("4.3-layout")
def _reports_are_written_so(lab: CheckContext) -> None:
    if not lab.is_sandboxed:
        _written_so(lab, [lab.number], "")
        return
    _written_so(lab, ["15023239810", "10000000020"], "01")
    some = st.lists(HANDSET | st.sampled_from(["10000000020", "10000000021", "10086"]), min_size=1, max_size=5)
    lab.for_all(lambda wanted, extno: _written_so(lab, wanted, extno), some, EXTNO, examples=lab.few_examples)


def _written_so(lab: CheckContext, wanted: list[str], extno: str) -> None:
    account = lab.account()
    task = expect_sent(lab.send(account, ",".join(wanted), extno=extno), len(wanted))
    answer = lab.fetch_due_reports(account, task)
    boxes = answer.boxes("statusbox")
    for box in boxes:
        expect_moment(answer, box)
        expect(box.get("status") in {"10", "20"}, answer, "status 10 or 20")
        code = box.get("errorcode", "")
        expect(bool(re.fullmatch(r"[^<>\s]*", code)), answer, "an errorcode without markup", repr(code))
    if lab.is_sandboxed:
        expect(len(boxes) == len(wanted), answer, f"{len(wanted)} boxes")
        known = [{"mobile": number, "taskid": str(task), "extno": extno} for number in wanted]
        boxes = [box | fixed for box, fixed in zip(boxes, known, strict=True)]
    expect_document(answer, BOXES, boxes="".join(STATUSBOX.format(**NEVER | box) for box in boxes))


@checks("4.3-nothing")
def _nothing_to_fetch_is_an_empty_root(lab: CheckContext) -> None:
    account = lab.account()
    answer = lab.status(account)
    for _ in range(20):
        if "<statusbox>" not in answer.text:
            break
        answer = lab.status(account)
    expect_document(answer, NOTHING)


@checks("4.3-status")
def _status_10_is_delivered_and_20_is_not(lab: CheckContext) -> None:
    rows = {"15023239810": ("10", "DELIVRD"), "10000000020": ("20", "UNDELIV"), "10000000021": ("20", "MK:0011")}
    for number, told in rows.items():
        account = lab.account()
        task = expect_sent(lab.send(account, number), 1)
        answer = lab.fetch_due_reports(account, task)
        box = answer.boxes("statusbox")[:1] or [{}]
        got = box[0].get("status"), box[0].get("errorcode")
        expect(got == told, answer, f"status {told[0]} and errorcode {told[1]} for {number}")


@checks("4.3-taskid")
def _a_report_names_the_task_of_its_send(lab: CheckContext) -> None:
    account = lab.account(points=10_000)

    def named(wanted: list[str]) -> None:
        answer = lab.send(account, ",".join(wanted))
        task = expect_sent(answer, len(wanted))
        told = [(box.get("mobile"), box.get("taskid")) for box in lab.reports(account, len(wanted))]
        expect(told == [(one, str(task)) for one in wanted], answer, f"reports of task {task}", f"{told}")

    for wanted in (["13000000001", "13000000002"], ["13000000003"]):
        named(wanted)
    lab.for_all(named, st.lists(HANDSET, min_size=1, max_size=5), examples=lab.few_examples)


@checks("4.3-receivetime")
def _receivetime_is_the_time_in_china(lab: CheckContext) -> None:
    account = lab.frozen_account()
    sent = lab.now(account)
    answer = lab.fetch_due_reports(account, expect_sent(lab.send(account), 1))
    told = answer.element("receivetime")
    fetched = lab.now(account)
    allowed = {
        f"{sent + timedelta(seconds=late):%Y-%m-%d %H:%M:%S}" for late in range(int((fetched - sent).seconds) + 2)
    }
    expect(told in allowed, answer, f"a receivetime from {sent:%Y-%m-%d %H:%M:%S} to {fetched:%H:%M:%S} in China")


@checks("4.2-statusNum")
def _a_fetch_takes_as_many_as_it_asks_for(lab: CheckContext) -> None:
    def fetched(waiting: int, asked: int, zeros: int = 0) -> None:
        account = lab.account()
        expect_sent(lab.send(account, ",".join(numbers(waiting))), waiting)
        answer = _when_all_wait(lab, account, f"{'0' * zeros}{asked}")
        first = len(answer.boxes("statusbox"))
        expect(first == min(asked, waiting), answer, f"{min(asked, waiting)} of {waiting} reports", f"{first}")
        rest = len(lab.reports(account, waiting - first))
        expect(rest == waiting - first, answer, f"{waiting - first} reports left behind", f"{rest}")

    for waiting, asked in ((3, 1), (3, 2), (2, 3)):
        fetched(waiting, asked)
    lab.for_all(fetched, st.integers(1, 40), st.integers(1, 45) | st.integers(46, 10**30), st.integers(0, 3))


def _when_all_wait(lab: CheckContext, account: SuiteAccount, asked: str) -> ParsedAnswer:
    answer = lab.status(account, statusNum=asked)
    if not answer.boxes("statusbox"):
        lab.clock.advance(account.userid, 180)
        answer = lab.status(account, statusNum=asked)
    return answer


@checks("4.2-default")
def _a_fetch_takes_4000_where_it_does_not_say(lab: CheckContext) -> None:
    for more in ({}, {"statusNum": ""}):
        account = lab.account(points=5000)
        expect_sent(lab.send(account, ",".join(numbers(4001))), 4001)
        lab.clock.advance(account.userid, 180)
        answer = lab.status(account, **more)
        first = len(answer.boxes("statusbox"))
        expect(first == 4000, answer, "4000 of 4001 reports", f"{first}")
        expect(len(lab.status(account).boxes("statusbox")) == 1, answer, "the last of 4001 reports in the next fetch")


@checks("4.1-once")
def _a_report_is_handed_over_once(lab: CheckContext) -> None:
    account = lab.account()
    task = expect_sent(lab.send(account), 1)
    first = lab.fetch_due_reports(account, task)
    expect("<statusbox>" in first.text, first, "a report")
    for _ in range(2):
        again = lab.status(account)
        twice = [box for box in again.boxes("statusbox") if box in first.boxes("statusbox")]
        expect(not twice, again, "nothing: the report was handed over")


@checks("R10-order")
def _reports_come_first_in_first_out(lab: CheckContext) -> None:
    def in_order(sends: list[int], asked: int) -> None:
        account = lab.account()
        wanted = numbers(sum(sends))
        at = 0
        for count in sends:
            expect_sent(lab.send(account, ",".join(wanted[at : at + count])), count)
            at += count
        lab.clock.advance(account.userid, 180)
        told: list[str] = []
        for _ in range(-(-len(wanted) // asked)):
            answer = lab.status(account, statusNum=str(asked))
            told += [box.get("mobile", "") for box in answer.boxes("statusbox")]
        expect(told == wanted, answer, f"the reports of {wanted}", f"{told}")

    in_order([3, 3, 3], 4)
    lab.for_all(
        in_order, st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 6), examples=lab.few_examples
    )


@checks("1.2-own")
def _an_account_gets_what_is_its_own(lab: CheckContext) -> None:
    sender, other = lab.account(), lab.account()
    expect_sent(lab.send(sender, "10000000030"), 1)
    lab.clock.advance(sender.userid, 180)
    lab.clock.advance(other.userid, 180)
    for fetch, tag in ((lab.status, "<statusbox>"), (lab.call, "<callbox>")):
        answer = fetch(other)
        expect(tag not in answer.text, answer, "nothing: another account sent")
        answer = fetch(sender)
        expect(tag in answer.text, answer, "what the account's own send brought")


@checks("4.4-1")
def _error_1(lab: CheckContext) -> None:
    def refused(name: str, blank: str) -> None:
        # Whatever is blank, the signature is nobody's, so that no vendor could act on it.
        answer = lab.status(lab.own, **{"sign": INVALID_SIGN} | {name: blank})
        expect_document(answer, ERRORSTATUS, error=1, remark=EMPTY)

    for empty in ("sign", "timestamp", "userid"):
        refused(empty, "")
    lab.for_all(refused, CREDENTIAL, BLANKS)


@checks("4.4-2")
def _error_2(lab: CheckContext) -> None:
    def refused(given: str) -> None:
        expect_document(lab.status(lab.own, sign=given), ERRORSTATUS, error=2, remark=WRONG)

    refused(INVALID_SIGN)
    lab.for_all_if_free(refused, NO_SIGNATURE)


@checks("4.4-3")
def _error_3(lab: CheckContext) -> None:
    answer = lab.status(lab.account(may_read_reports=False))
    expect_document(answer, ERRORSTATUS, error=3, remark=NOT_ALLOWED)


@checks("4.4-4")
def _error_4(lab: CheckContext) -> None:
    account = lab.account()

    def refused(wrong: dict[str, str]) -> None:
        expect_document(lab.status(account, **wrong), ERRORSTATUS, error=4, remark=PARAMETER)

    for wrong in ({"action": "send"}, {"action": "Query"}, {"statusNum": "x"}):
        refused(wrong)
    lab.for_all_if_free(refused, one_wrong([("action", no_action("query")), ("statusNum", NO_STATUS_NUM)]))


@checks("R10-statusNum")
def _what_is_no_number_from_one_is_no_status_num(lab: CheckContext) -> None:
    account = lab.account()

    def refused(asked: str) -> None:
        expect_message(lab.status(account, statusNum=asked), PARAMETER)

    for asked in ("0", "000", "-1", "1.5", "１", "1,2", "+1", "1 "):
        refused(asked)
    lab.for_all(refused, NO_STATUS_NUM)

    def blank(asked: str) -> None:
        expect_document(lab.status(account, statusNum=asked), NOTHING)

    lab.for_all(blank, BLANKS)


@checks("R11-refused")
def _a_refused_fetch_takes_nothing(lab: CheckContext) -> None:
    def refused(wrong: dict[str, str]) -> None:
        account = lab.account()
        expect_sent(lab.send(account, "10000000030"), 1)
        lab.clock.advance(account.userid, 180)
        answer = lab.status(account, **wrong)
        expect("<statusbox>" not in answer.text, answer, "a refusal")
        expect(len(lab.status(account).boxes("statusbox")) == 1, answer, "the report still there afterwards", "none")
        if "statusNum" not in wrong:
            answer = lab.call(account, **wrong)
            expect("<callbox>" not in answer.text, answer, "a refusal")
            expect(len(lab.call(account).boxes("callbox")) == 1, answer, "the reply still there afterwards", "none")

    for wrong in ({"sign": ""}, {"sign": INVALID_SIGN}, {"action": "send"}, {"statusNum": "0"}):
        refused(wrong)
    lab.for_all(refused, one_wrong(WRONG_FETCH), examples=lab.few_examples)


@checks("R11-head")
def _a_head_request_is_a_fetch(lab: CheckContext) -> None:
    account = lab.account()
    expect_sent(lab.send(account), 1)
    lab.clock.advance(account.userid, 180)
    pairs = list((account.credentials() | {"action": "query"}).items())
    answer = lab.ask(build_request(STATUS, query=pairs, method="HEAD"))
    expect((answer.raw.status, answer.raw.body) == (200, b""), answer, "HTTP 200 and no body")
    expect(lab.status(account).boxes("statusbox") == [], answer, "the report gone afterwards", "the report")
