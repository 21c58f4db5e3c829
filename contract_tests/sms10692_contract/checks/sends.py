"""Checks of chapter 1: documents and messages of a send, and the effect of its parameters.

Prices are in `money`, request encodings in `encodings`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, TypeAlias

from hypothesis import strategies as st

from sms10692_contract.checks.registry import Check, checks
from sms10692_contract.checks.strategies import (
    BLANKS,
    COUNT,
    CREDENTIAL,
    EXTNO,
    HANDSET,
    INJECTIONS,
    NO_EXTNO,
    NO_NUMBERS,
    NO_SIGNATURE,
    PAGE,
    PAGES,
    SEND_ACTIONS,
    TEXT,
    invalid_actions,
    numbers,
    ordinary,
)
from sms10692_contract.expectations import expect, expect_document, expect_message, expect_sent, mismatch
from sms10692_contract.expected import (
    CHECKKEYWORD,
    EMPTY,
    FORBIDDEN,
    FOUND,
    NO_CONTENT,
    NO_MOBILE,
    OTHER,
    SEND_REFUSED,
    SENT,
    SQL,
    TOO_MUCH,
    WRONG,
)
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import GBK, UTF8
from sms10692_contract.safety import INVALID_SIGN


@checks("1.1-utf8")
def _the_utf8_page_reads_and_writes_utf8(context: CheckContext) -> None:
    _check_charset(context, UTF8)


@checks("1.1-gbk")
def _the_gbk_page_reads_and_writes_gbk(context: CheckContext) -> None:
    _check_charset(context, GBK)


def _check_charset(context: CheckContext, page: str) -> None:
    """Check request and response charset: a forbidden word is found only if the text was decoded correctly."""

    def found(before: str, after: str) -> None:
        response = context.checkkeyword(context.own, before + context.forbidden + after, page)
        expect_document(response, CHECKKEYWORD, message=FOUND)

    found("代开", "了")
    context.for_all(found, TEXT[page], TEXT[page])


@checks("1.3-ok")
def _an_accepted_send_has_the_documented_layout(context: CheckContext) -> None:
    def check_accepted(page: str, count: int, content: str) -> None:
        response = context.send(
            context.account(), ",".join(numbers(count) if context.is_sandboxed else [context.number]), content, page
        )
        expect_sent(response, count)
        found = {"remainpoint": response.number("remainpoint"), "task_id": response.number("taskID")}
        expect_document(response, SENT, counts=count, **found)

    for page in PAGES:
        check_accepted(page, 1, "内容")
        context.for_all_if_sandboxed(
            check_accepted, st.just(page), COUNT, ordinary(page), examples=context.few_examples
        )


Wrong: TypeAlias = st.SearchStrategy[dict[str, str]]


def _each(name: str, values: st.SearchStrategy[str]) -> Wrong:
    return values.map(lambda value: {name: value})


REFUSED: Final[Mapping[str, tuple[str, dict[str, str], Wrong]]] = {
    "1.3-credentials-empty": (
        EMPTY,
        {"sign": ""},
        # The signature is always invalid, so that no vendor can act on the request.
        st.builds(
            lambda name, blank, other: {"sign": INVALID_SIGN, "content": other} | {name: blank},
            CREDENTIAL,
            BLANKS,
            INJECTIONS,
        ),
    ),
    "1.3-sql": (SQL, {"content": "' or 1=1"}, _each("content", INJECTIONS)),
    "1.3-credentials-wrong": (WRONG, {"sign": INVALID_SIGN}, _each("sign", NO_SIGNATURE)),
    "1.3-mobile-empty": (NO_MOBILE, {"mobile": ""}, _each("mobile", NO_NUMBERS)),
    "1.3-content-empty": (NO_CONTENT, {"content": ""}, _each("content", BLANKS)),
    "1.3-other": (OTHER, {"extno": "x"}, _each("extno", NO_EXTNO)),
}
"""By clause: message of 1.3, fields of one send that gets it, and a strategy for the fields of others."""


def _refused_with(message: str, wrong: dict[str, str], others: Wrong) -> Check:
    def check(context: CheckContext) -> None:
        account = context.account()

        def check_refused(page: str, fields: dict[str, str]) -> None:
            fields = {"action": "send", "mobile": context.number, "content": "内容"} | fields
            expect_document(context.post(account, page, **fields), SEND_REFUSED, message=message)

        for page in PAGES:
            check_refused(page, wrong)
        context.for_all_if_sandboxed(check_refused, PAGE, others)

    return check


for _clause, (_message, _wrong, _others) in REFUSED.items():
    checks(_clause)(_refused_with(_message, _wrong, _others))


@checks("1.3-forbidden")
def _a_forbidden_word_is_refused_with_the_full_width_colon(context: CheckContext) -> None:
    account = context.account()

    def check_refused(page: str, before: str, after: str) -> None:
        response = context.send(account, content=before + context.forbidden + after, page=page)
        expect_document(response, SEND_REFUSED, message=FORBIDDEN)

    for page in PAGES:
        check_refused(page, "代开", "")
        context.for_all_if_sandboxed(check_refused, st.just(page), ordinary(page), ordinary(page))


@checks("1.3-balance")
def _a_balance_too_small_is_refused(context: CheckContext) -> None:
    def check_refused(page: str, points: int, more: int) -> None:
        account = context.account(points=points)
        response = context.send(account, ",".join(numbers(points + more)), page=page)
        expect_document(response, SEND_REFUSED, message=TOO_MUCH)

    for page in PAGES:
        check_refused(page, 1, 1)
    context.for_all(check_refused, PAGE, st.integers(0, 9), st.integers(1, 9))


@checks("1.2-mobile")
def _numbers_are_split_at_the_half_width_comma(context: CheckContext) -> None:
    def sent(numbers: list[str]) -> None:
        account = context.account()
        response = context.send(account, ",".join(numbers))
        expect_sent(response, len(numbers))
        reported = [box["mobile"] for box in context.reports(account, len(numbers)) if "mobile" in box]
        expect(sorted(reported) == sorted(numbers), response, f"reports of {numbers}", f"reports of {reported}")

    context.for_all(sent, st.lists(HANDSET, min_size=1, max_size=6))


@checks("1.2-sendTime-empty")
def _an_empty_send_time_is_now(context: CheckContext) -> None:
    def sent(blank: str) -> None:
        account = context.account()
        response = context.send(account, sendTime=blank)
        reports = context.fetch_due_reports(account, expect_sent(response, 1))
        expect("<statusbox>" in reports.text, reports, "a report without delay")

    sent("")
    context.for_all_if_sandboxed(sent, BLANKS, examples=context.few_examples)


@checks("1.2-sendTime")
def _a_scheduled_message_is_not_reported_before_its_time(context: CheckContext) -> None:
    def check_scheduled(minutes: int) -> None:
        account = context.frozen_account()
        due = context.now(account) + timedelta(minutes=minutes)
        response = context.send(account, sendTime=due.strftime("%Y-%m-%d %H:%M:%S"))
        expect_sent(response, 1)
        context.clock.advance(account.userid, minutes * 60 - 2)
        early = context.status(account)
        expect("<statusbox>" not in early.text, early, f"no report before {due:%H:%M:%S}")
        context.clock.advance(account.userid, 4)
        late = context.reports(account, 1)
        expect(len(late) == 1, response, f"a report after {due:%H:%M:%S}", "none")

    context.for_all(check_scheduled, st.integers(2, 60 * 24 * 400), examples=context.few_examples)


@checks("1.2-extno")
def _an_extno_is_up_to_ten_digits_and_comes_back(context: CheckContext) -> None:
    def sent(extno: str) -> None:
        account = context.account()
        response = context.send(account, "10000000030", extno=extno)
        expect_sent(response, 1)
        for box in (*context.reports(account, 1), *context.replies(account, 1)):
            expect(box.get("extno") == extno, response, f"extno {extno}", f"{box}")

    for first in ("01", "0123456789"):
        sent(first)
    context.for_all(sent, EXTNO)


@checks("1.2-action")
def _the_action_is_case_sensitive(context: CheckContext) -> None:
    account = context.account()

    def check_refused(page: str, action: str) -> None:
        response = context.send(account, page=page, action=action)
        expect_document(response, SEND_REFUSED, message=OTHER)

    for action in ("Send", "send ", "sends", ""):
        check_refused(UTF8, action)
    context.for_all(check_refused, PAGE, invalid_actions(*SEND_ACTIONS))
    wrong = {"sign": INVALID_SIGN}
    expect_message(context.send(account, action="sends", **wrong), WRONG)
    expect_message(context.send(account, action="sends", **wrong, timestamp=""), EMPTY)


@checks("1.3-taskID")
def _task_ids_are_unique_and_ascending(context: CheckContext) -> None:
    accounts = context.account(), context.account()
    tasks: list[int] = []
    for index in range(8):
        response = context.send(accounts[index % 2])
        task = expect_sent(response, 1)
        if task in tasks:
            raise mismatch(response, f"a taskID other than {tasks}")
        if tasks and task < tasks[-1]:
            raise mismatch(response, f"a taskID above {tasks[-1]}")
        tasks.append(task)
