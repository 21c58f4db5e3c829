"""Checks of the parameters of a send: mobile (R5, R13), content (R8, R18), extno and sendTime (R9, R12)."""

from datetime import timedelta
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import (
    BLANK,
    HARMLESS_TEXT,
    INVALID_EXTNO,
    INVALID_MOBILE,
    INVALID_SEND_TIME,
    MOBILE,
    MOBILE_COUNT,
    NEARLY_INJECTIONS,
    PAST_SEND_TIME,
    SEND_ENDPOINT,
    SEND_ENDPOINTS,
    build_mobiles,
)
from sms10692_contract.expectations import expect, expect_document, expect_message, expect_sent
from sms10692_contract.expected import (
    EMPTY_CONTENT,
    EMPTY_CREDENTIALS,
    EMPTY_MOBILE,
    FORBIDDEN_CONTENT,
    INSUFFICIENT_BALANCE,
    OTHER_ERROR,
    SEND_REFUSED,
    SQL_INJECTION,
    WRONG_CREDENTIALS,
)
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import CHARSET, UTF8, is_encodable
from sms10692_contract.suite_account import SuiteAccount


@checks("R5-trimmed")
def _white_space_around_numbers_is_ignored(context: CheckContext) -> None:
    account = context.create_account()
    response = context.send(account, " 15023239810 ,, ,\t13527576163,")
    expect_sent(response, 2)
    actual = [item.get("mobile") for item in context.fetch_reports(account, 2)]
    expect(actual == ["15023239810", "13527576163"], response, "reports of both numbers", f"{actual}")
    expect_sent(context.send(account, "15023239810，13527576163"), 1)

    def check_split(parts: list[tuple[str, str, str]]) -> None:
        account = context.create_account()
        mobiles = [number for _, number, _ in parts]
        response = context.send(account, ",".join(f"{before}{number}{after}" for before, number, after in parts))
        expect_sent(response, len(mobiles))
        actual = [item.get("mobile") for item in context.fetch_reports(account, len(mobiles))]
        expect(actual == mobiles, response, f"reports of {mobiles}", f"{actual}")

    blanks = st.text(" \t,", max_size=3)
    context.for_all(
        check_split, st.lists(st.tuples(blanks, MOBILE, blanks), min_size=1, max_size=4), examples=context.few_examples
    )


@checks("R5-no-handset")
def _an_invalid_mobile_number_is_charged_and_not_delivered(context: CheckContext) -> None:
    def check_undelivered(number: str) -> None:
        account = context.create_account(points=5)
        response = context.send(account, number)
        expect_sent(response, 1)
        expect(response.get_number("remainpoint") == 4, response, "remainpoint 4")
        actual = [
            (item.get("mobile"), item.get("status"), item.get("errorcode"))
            for item in context.fetch_reports(account, 1)
        ]
        expect(actual == [(number, "20", "UNDELIV")], response, f"{number} reported 20, UNDELIV", f"{actual}")

    for number in ("10086", "25023239810", "150232398100", "+8615023239810", "1502323981x", "1５０２３２３９８１０"):
        check_undelivered(number)
    context.for_all(check_undelivered, INVALID_MOBILE, examples=context.few_examples)


@checks("R8-ordinary")
def _an_ordinary_sentence_is_accepted(context: CheckContext) -> None:
    account = context.create_account()
    sentences = (
        "Please select a seat",
        "update: the union will select",
        "it's ours",
        "'order'",
        "drop in; update later",
    )

    def check_accepted(endpoint: str, content: str) -> None:
        expect_sent(context.send(account, content=content, endpoint=endpoint), 1)

    for content in (*sentences, "exp_date", "executive"):
        check_accepted(UTF8, content)
    for index, content in enumerate(NEARLY_INJECTIONS if context.is_sandboxed else ()):
        endpoint = SEND_ENDPOINTS[index % 2]
        check_accepted(endpoint if is_encodable(content, CHARSET[endpoint]) else UTF8, content)
    context.for_all(check_accepted, SEND_ENDPOINT, HARMLESS_TEXT)


@checks("R9-extno")
def _an_invalid_extno_is_refused(context: CheckContext) -> None:
    account = context.create_account()

    def check_refused(extno: str) -> None:
        expect_message(context.send(account, extno=extno), OTHER_ERROR)

    for extno in ("01234567890", "1a", "-1", "１", " 1", "1\n"):
        check_refused(extno)
    context.for_all(check_refused, INVALID_EXTNO)

    def check_accepted(blank: str) -> None:
        expect_sent(context.send(account, extno=blank), 1)

    context.for_all(check_accepted, BLANK)


@checks("R9-sendTime")
def _an_invalid_send_time_is_refused(context: CheckContext) -> None:
    account = context.create_account()

    def check_refused(send_time: str) -> None:
        expect_message(context.send(account, sendTime=send_time), OTHER_ERROR)

    invalid_times = ("2011-02-30 09:08:10", "2010-10-24", "2010-10-24T09:08:10", "20101024090810", "2010-1-4 9:08:10")
    for send_time in (*invalid_times, "2010-10-24 24:00:00", "0000-01-01 00:00:00", "明天"):
        check_refused(send_time)
    context.for_all(check_refused, INVALID_SEND_TIME, examples=2 * context.effort.examples)

    def check_blank(blank: str) -> None:
        account = context.create_account()
        response = context.send(account, sendTime=blank)
        expect_sent(response, 1)
        expect(len(context.fetch_reports(account, 1)) == 1, response, "a report without delay", "none")

    context.for_all(check_blank, BLANK, examples=context.few_examples)


_FAR_PAST: Final = ("0001-01-01 00:00:00", "1752-12-31 23:59:59", "1899-12-31 23:59:59", "1970-01-01 00:00:00")
"""Just outside of what databases can hold as a time, and the empty time of .NET."""


@checks("R9-past")
def _a_past_send_time_means_now(context: CheckContext) -> None:
    def check_accepted(send_time: str) -> None:
        account = context.create_frozen_account()
        started = f"{context.read_clock(account):%Y-%m-%d %H:%M:%S}"
        response = context.send(account, sendTime=send_time)
        expect_sent(response, 1)
        reports = context.fetch_reports(account, 1)
        actual = reports[0].get("receivetime", "") if reports else "no report"
        expect(started <= actual < "9", response, f"a report of {started} or after", actual)

    for send_time in ("2010-10-24 09:08:10", *_FAR_PAST):
        check_accepted(send_time)
    context.for_all(check_accepted, PAST_SEND_TIME, examples=context.few_examples)


@checks("R9-charged")
def _a_scheduled_message_is_charged_at_once(context: CheckContext) -> None:
    def check_charged(minutes: int, count: int) -> None:
        account = context.create_frozen_account(points=10)
        due = context.read_clock(account) + timedelta(minutes=minutes)
        response = context.send(account, ",".join(build_mobiles(count)), sendTime=f"{due:%Y-%m-%d %H:%M:%S}")
        expect_sent(response, count)
        actual, remaining = (response.get_number("remainpoint"), context.query_balance(account)), 10 - count
        expect(actual == (remaining, remaining), response, f"{remaining} points left at once", f"{actual}")

    check_charged(3 * 24 * 60, 1)
    context.for_all(check_charged, st.integers(1, 60 * 24 * 400), MOBILE_COUNT, examples=context.few_examples)


@checks("R12")
def _receivetime_is_the_time_in_china(context: CheckContext) -> None:
    account = context.create_frozen_account()
    sent = context.read_clock(account)
    response = context.fetch_due_reports(account, expect_sent(context.send(account), 1))
    actual = response.get_element("receivetime")
    fetched = context.read_clock(account)
    allowed = {
        f"{sent + timedelta(seconds=delay):%Y-%m-%d %H:%M:%S}" for delay in range(int((fetched - sent).seconds) + 2)
    }
    expect(actual in allowed, response, f"a receivetime from {sent:%Y-%m-%d %H:%M:%S} to {fetched:%H:%M:%S} in China")

    def check_receivetime(seconds: int) -> None:
        account = context.create_frozen_account()
        due = context.read_clock(account).replace(microsecond=0) + timedelta(seconds=seconds)
        response = context.send(account, sendTime=f"{due:%Y-%m-%d %H:%M:%S}")
        expect_sent(response, 1)
        context.clock.advance(account.userid, seconds + 200)
        actual = context.status(account).get_element("receivetime")
        allowed = {f"{due + timedelta(seconds=delay):%Y-%m-%d %H:%M:%S}" for delay in range(180)}
        expect(
            actual in allowed, response, f"a receivetime of {due:%Y-%m-%d %H:%M:%S} in China, or a little later", actual
        )

    check_receivetime(7 * 3600)
    context.for_all(check_receivetime, st.integers(60, 86400 * 400), examples=context.few_examples)


@checks("R13-refusals")
def _eight_numbers_refuse_the_send(context: CheckContext) -> None:
    messages = (
        EMPTY_CREDENTIALS,
        SQL_INJECTION,
        WRONG_CREDENTIALS,
        EMPTY_MOBILE,
        EMPTY_CONTENT,
        FORBIDDEN_CONTENT,
        INSUFFICIENT_BALANCE,
        OTHER_ERROR,
    )
    accounts = [context.create_account(**options) for options in ({"points": 0}, {"points": 100}, {"postpaid": True})]

    def check_refused(account: SuiteAccount, before: list[str], digits: list[int]) -> None:
        mobiles = [*before, *(f"1000000000{digit}" for digit in digits)]
        expect_document(context.send(account, ",".join(mobiles)), SEND_REFUSED, message=messages[digits[0] - 1])

    for account in accounts:
        for digit in range(1, 9):
            check_refused(account, ["15023239810"], [digit, 8])
    digits = st.lists(st.integers(1, 8), min_size=1, max_size=3)
    context.for_all(
        check_refused, st.sampled_from(accounts), st.lists(MOBILE, max_size=3), digits, examples=context.few_examples
    )


@checks("R13-silent")
def _one_number_is_never_reported(context: CheckContext) -> None:
    account = context.create_account()
    response = context.send(account, "10000000022")
    expect_sent(response, 1)
    context.clock.advance(account.userid, 365 * 86400)
    expect(not context.status(account).get_items("statusbox"), response, "no report in a year", "a report")


@checks("R13-late")
def _one_number_is_reported_30_seconds_late(context: CheckContext) -> None:
    account = context.create_frozen_account()
    response = context.send(account, "10000000023,13000000001")
    expect_sent(response, 2)
    first = context.status(account)
    if first.get_items("statusbox"):
        context.clock.advance(account.userid, 28)
        early = context.status(account)
        expect(not early.get_items("statusbox"), early, "no report of 10000000023 in the first 28 seconds")
    actual = [*first.get_items("statusbox"), *context.fetch_reports(account, 2 - len(first.get_items("statusbox")))]
    expect(
        [item.get("mobile") for item in actual] == ["13000000001", "10000000023"],
        response,
        "10000000023 last",
        f"{actual}",
    )
