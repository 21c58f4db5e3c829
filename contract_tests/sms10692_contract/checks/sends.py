"""Checks of chapter 1: documents and messages of a send, and the effect of its parameters.

Prices are in `money`, request encodings in `encodings`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, TypeAlias

from hypothesis import strategies as st

from sms10692_contract.checks.registry import Check, checks
from sms10692_contract.checks.strategies import (
    BLANK,
    CREDENTIAL_NAME,
    EMPTY_MOBILE_LIST,
    EXTNO,
    INJECTION,
    INVALID_EXTNO,
    MOBILE,
    MOBILE_COUNT,
    SEND_ACTIONS,
    SEND_ENDPOINT,
    SEND_ENDPOINTS,
    TEXT,
    WRONG_SIGNATURE,
    build_mobiles,
    invalid_actions,
    ordinary_text,
)
from sms10692_contract.expectations import build_mismatch, expect, expect_document, expect_message, expect_sent
from sms10692_contract.expected import (
    CHECKKEYWORD,
    EMPTY_CONTENT,
    EMPTY_CREDENTIALS,
    EMPTY_MOBILE,
    FORBIDDEN_CONTENT,
    INSUFFICIENT_BALANCE,
    OTHER_ERROR,
    SEND_ACCEPTED,
    SEND_REFUSED,
    SQL_INJECTION,
    WORD_FOUND,
    WRONG_CREDENTIALS,
)
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import GBK, UTF8
from sms10692_contract.safety import INVALID_SIGN


@checks("1.1-utf8")
def _the_utf8_endpoint_reads_and_writes_utf8(context: CheckContext) -> None:
    _check_charset(context, UTF8)


@checks("1.1-gbk")
def _the_gbk_endpoint_reads_and_writes_gbk(context: CheckContext) -> None:
    _check_charset(context, GBK)


def _check_charset(context: CheckContext, endpoint: str) -> None:
    """Check request and response charset: a forbidden word is found only if the text was decoded correctly."""

    def check_found(before: str, after: str) -> None:
        response = context.checkkeyword(context.own, before + context.forbidden_word + after, endpoint)
        expect_document(response, CHECKKEYWORD, message=WORD_FOUND)

    check_found("代开", "了")
    context.for_all(check_found, TEXT[endpoint], TEXT[endpoint])


@checks("1.3-ok")
def _an_accepted_send_has_the_documented_layout(context: CheckContext) -> None:
    def check_accepted(endpoint: str, count: int, content: str) -> None:
        response = context.send(
            context.create_account(),
            ",".join(build_mobiles(count) if context.is_sandboxed else [context.number]),
            content,
            endpoint,
        )
        expect_sent(response, count)
        numbers = {"remainpoint": response.get_number("remainpoint"), "task_id": response.get_number("taskID")}
        expect_document(response, SEND_ACCEPTED, counts=count, **numbers)

    for endpoint in SEND_ENDPOINTS:
        check_accepted(endpoint, 1, "内容")
        context.for_all_if_sandboxed(
            check_accepted, st.just(endpoint), MOBILE_COUNT, ordinary_text(endpoint), examples=context.few_examples
        )


FieldsStrategy: TypeAlias = st.SearchStrategy[dict[str, str]]


def _map_to_field(name: str, values: st.SearchStrategy[str]) -> FieldsStrategy:
    return values.map(lambda value: {name: value})


REFUSALS: Final[Mapping[str, tuple[str, dict[str, str], FieldsStrategy]]] = {
    "1.3-credentials-empty": (
        EMPTY_CREDENTIALS,
        {"sign": ""},
        # The signature is always invalid, so that no vendor can act on the request.
        st.builds(
            lambda name, blank, content: {"sign": INVALID_SIGN, "content": content} | {name: blank},
            CREDENTIAL_NAME,
            BLANK,
            INJECTION,
        ),
    ),
    "1.3-sql": (SQL_INJECTION, {"content": "' or 1=1"}, _map_to_field("content", INJECTION)),
    "1.3-credentials-wrong": (WRONG_CREDENTIALS, {"sign": INVALID_SIGN}, _map_to_field("sign", WRONG_SIGNATURE)),
    "1.3-mobile-empty": (EMPTY_MOBILE, {"mobile": ""}, _map_to_field("mobile", EMPTY_MOBILE_LIST)),
    "1.3-content-empty": (EMPTY_CONTENT, {"content": ""}, _map_to_field("content", BLANK)),
    "1.3-other": (OTHER_ERROR, {"extno": "x"}, _map_to_field("extno", INVALID_EXTNO)),
}
"""By clause: message of 1.3, invalid fields of a send that is refused with this message, and a strategy for more."""


def _make_refusal_check(message: str, invalid_fields: dict[str, str], generated: FieldsStrategy) -> Check:
    def check(context: CheckContext) -> None:
        account = context.create_account()

        def check_refused(endpoint: str, fields: dict[str, str]) -> None:
            fields = {"action": "send", "mobile": context.number, "content": "内容"} | fields
            expect_document(context.post(account, endpoint, **fields), SEND_REFUSED, message=message)

        for endpoint in SEND_ENDPOINTS:
            check_refused(endpoint, invalid_fields)
        context.for_all_if_sandboxed(check_refused, SEND_ENDPOINT, generated)

    return check


for _clause, (_message, _invalid_fields, _generated) in REFUSALS.items():
    checks(_clause)(_make_refusal_check(_message, _invalid_fields, _generated))


@checks("1.3-forbidden")
def _a_forbidden_word_is_refused_with_the_full_width_colon(context: CheckContext) -> None:
    account = context.create_account()

    def check_refused(endpoint: str, before: str, after: str) -> None:
        response = context.send(account, content=before + context.forbidden_word + after, endpoint=endpoint)
        expect_document(response, SEND_REFUSED, message=FORBIDDEN_CONTENT)

    for endpoint in SEND_ENDPOINTS:
        check_refused(endpoint, "代开", "")
        context.for_all_if_sandboxed(check_refused, st.just(endpoint), ordinary_text(endpoint), ordinary_text(endpoint))


@checks("1.3-balance")
def _a_send_above_the_balance_is_refused(context: CheckContext) -> None:
    def check_refused(endpoint: str, points: int, excess: int) -> None:
        account = context.create_account(points=points)
        response = context.send(account, ",".join(build_mobiles(points + excess)), endpoint=endpoint)
        expect_document(response, SEND_REFUSED, message=INSUFFICIENT_BALANCE)

    for endpoint in SEND_ENDPOINTS:
        check_refused(endpoint, 1, 1)
    context.for_all(check_refused, SEND_ENDPOINT, st.integers(0, 9), st.integers(1, 9))


@checks("1.2-mobile")
def _numbers_are_split_at_the_half_width_comma(context: CheckContext) -> None:
    def check_split(mobiles: list[str]) -> None:
        account = context.create_account()
        response = context.send(account, ",".join(mobiles))
        expect_sent(response, len(mobiles))
        reported = [item["mobile"] for item in context.fetch_reports(account, len(mobiles)) if "mobile" in item]
        expect(sorted(reported) == sorted(mobiles), response, f"reports of {mobiles}", f"reports of {reported}")

    context.for_all(check_split, st.lists(MOBILE, min_size=1, max_size=6))


@checks("1.2-sendTime-empty")
def _an_empty_send_time_means_now(context: CheckContext) -> None:
    def check_reported(blank: str) -> None:
        account = context.create_account()
        response = context.send(account, sendTime=blank)
        reports = context.fetch_due_reports(account, expect_sent(response, 1))
        expect("<statusbox>" in reports.text, reports, "a report without delay")

    check_reported("")
    context.for_all_if_sandboxed(check_reported, BLANK, examples=context.few_examples)


@checks("1.2-sendTime")
def _a_scheduled_message_is_not_reported_before_its_time(context: CheckContext) -> None:
    def check_scheduled(minutes: int) -> None:
        account = context.create_frozen_account()
        due = context.read_clock(account) + timedelta(minutes=minutes)
        response = context.send(account, sendTime=due.strftime("%Y-%m-%d %H:%M:%S"))
        expect_sent(response, 1)
        context.clock.advance(account.userid, minutes * 60 - 2)
        early = context.status(account)
        expect("<statusbox>" not in early.text, early, f"no report before {due:%H:%M:%S}")
        context.clock.advance(account.userid, 4)
        late = context.fetch_reports(account, 1)
        expect(len(late) == 1, response, f"a report after {due:%H:%M:%S}", "none")

    context.for_all(check_scheduled, st.integers(2, 60 * 24 * 400), examples=context.few_examples)


@checks("1.2-extno")
def _an_extno_of_up_to_ten_digits_is_returned(context: CheckContext) -> None:
    def check_returned(extno: str) -> None:
        account = context.create_account()
        response = context.send(account, "10000000030", extno=extno)
        expect_sent(response, 1)
        for item in (*context.fetch_reports(account, 1), *context.fetch_replies(account, 1)):
            expect(item.get("extno") == extno, response, f"extno {extno}", f"{item}")

    for extno in ("01", "0123456789"):
        check_returned(extno)
    context.for_all(check_returned, EXTNO)


@checks("1.2-action")
def _the_action_is_case_sensitive(context: CheckContext) -> None:
    account = context.create_account()

    def check_refused(endpoint: str, action: str) -> None:
        response = context.send(account, endpoint=endpoint, action=action)
        expect_document(response, SEND_REFUSED, message=OTHER_ERROR)

    for action in ("Send", "send ", "sends", ""):
        check_refused(UTF8, action)
    context.for_all(check_refused, SEND_ENDPOINT, invalid_actions(*SEND_ACTIONS))
    invalid = {"sign": INVALID_SIGN}
    expect_message(context.send(account, action="sends", **invalid), WRONG_CREDENTIALS)
    expect_message(context.send(account, action="sends", **invalid, timestamp=""), EMPTY_CREDENTIALS)


@checks("1.3-taskID")
def _task_ids_are_unique_and_ascending(context: CheckContext) -> None:
    accounts = context.create_account(), context.create_account()
    tasks: list[int] = []
    for index in range(8):
        response = context.send(accounts[index % 2])
        task = expect_sent(response, 1)
        if task in tasks:
            raise build_mismatch(response, f"a taskID other than {tasks}")
        if tasks and task < tasks[-1]:
            raise build_mismatch(response, f"a taskID above {tasks[-1]}")
        tasks.append(task)
