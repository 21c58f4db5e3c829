"""Checks of time: rare and far dates, the exact second, receivetime of reports and replies (1.2, R9, R12)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.concurrency import run_concurrently
from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import SEND_ENDPOINT, build_mobiles
from sms10692_contract.expectations import attribute_to, expect, expect_message, expect_sent
from sms10692_contract.expected import OTHER_ERROR
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import GBK, UTF8
from sms10692_contract.suite_account import CHINA, SuiteAccount
from sms10692_contract.vendor_model import TIME_FORMAT, ModelAccount, measure_report_lag

_REPORTED: Final = ("13000000001", "10000000020", "10000000030")
_EXTREME_TIMES: Final = (
    *("2028-02-29 00:00:00", "2096-02-29 23:59:59", "2400-02-29 12:00:00"),
    *("2100-02-28 23:59:59", "2100-03-01 00:00:00", "2032-12-31 23:59:59", "2033-01-01 00:00:00"),
    *("2035-12-31 12:00:00", "2036-12-29 00:00:01", "2038-01-01 23:00:00", "2040-12-30 13:00:00"),
    *("2038-01-19 11:14:07", "2038-01-19 11:14:08", "2106-02-07 14:28:15", "2106-02-07 14:28:16"),
    *("2037-07-31 08:00:00", "2037-08-31 07:59:59", "2039-10-31 00:00:30", "2039-03-29 02:30:00"),
    *("2050-01-01 12:00:00", "2077-07-07 12:59:59", "2262-04-12 07:47:17", "2286-11-21 01:46:40"),
)
_FAR_TIMES: Final = ("3000-12-31 23:59:59", "8999-12-31 23:59:59")
_TIME: Final = st.sampled_from(_EXTREME_TIMES).map(lambda text: _parse(text)) | st.datetimes(
    datetime(2028, 1, 1), datetime(2200, 1, 1)
).map(lambda time: time.replace(microsecond=0, tzinfo=CHINA))
_DAY_END: Final = st.builds(
    lambda year, month, seconds: datetime(year, month, 1, tzinfo=CHINA) + timedelta(seconds=seconds),
    st.integers(2028, 2110),
    st.integers(1, 12),
    st.integers(-2, 1),
)
_MISSING_DATES: Final = (
    "2100-02-29",
    "2027-02-29",
    "2030-02-29",
    "2200-02-29",
    "2028-02-30",
    "2031-06-31",
    "2031-09-31",
)

_PASSED_DAYS: Final = (1, 3, 7, 31, 400)
"""Days after which some systems begin anew with a day, month or year, or forget what nobody has fetched."""

_FIRST_INEXACT_YEAR: Final = 2100
"""From this year on, a clock in floating-point seconds may be off by a microsecond: only whole seconds are exact."""


def _parse(text: str) -> datetime:
    return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=CHINA)


@checks("T-sendTime", "T-second")
def _a_message_is_reported_from_its_send_time_on(context: CheckContext) -> None:
    lag = measure_report_lag(context)

    def check_scheduled(time: datetime, endpoint: str, milliseconds: int) -> None:
        account = ModelAccount(context, {}, lag)
        if time.year >= _FIRST_INEXACT_YEAR:
            milliseconds = 1000
        with attribute_to("T-sendTime"):
            account.send(_REPORTED, endpoint=endpoint, send_time=time)
        account.advance_to(time - timedelta(milliseconds=milliseconds) + timedelta(seconds=lag.until_received))
        with attribute_to("T-second"):
            account.fetch_reports()
            account.fetch_replies()
        account.advance_to(time + timedelta(seconds=lag.until_due))
        with attribute_to("T-second"):
            expect(bool(account.fetch_reports().get_items("statusbox")), account.fetch_replies(), f"reports at {time}")

    for index, text in enumerate(_EXTREME_TIMES):
        check_scheduled(_parse(text), (UTF8, GBK)[index % 2], 1000 if index % 3 else 400)
    context.for_all(
        check_scheduled, _TIME | _DAY_END, SEND_ENDPOINT, st.integers(1, 2000), examples=context.few_examples
    )
    if context.effort.is_thorough:
        for text in _FAR_TIMES:
            check_scheduled(_parse(text), UTF8, 1000)


@checks("T-unchanged")
def _time_that_passes_changes_no_balance_and_no_queue(context: CheckContext) -> None:
    lag = measure_report_lag(context)

    def check_unchanged(passed: list[timedelta], endpoint: str) -> None:
        """Send and top up, let each of these times pass, and expect at last what the model kept of all of them."""
        account = ModelAccount(context, {"points": 100}, lag)
        for time in passed:
            account.send(_REPORTED, endpoint=endpoint, extno="1")
            account.send(_REPORTED, endpoint=endpoint, send_time=account.now + timedelta(hours=1))
            account.top_up(3)
            account.advance_to(account.now + time)
            account.expect_balance(endpoint)
            account.fetch_reports("2")
        account.advance(7200)
        account.fetch_everything()
        account.expect_balance()

    for days in _PASSED_DAYS:
        check_unchanged([timedelta(days=days)] * 2, UTF8 if days % 2 else GBK)
    passed = st.sampled_from(_PASSED_DAYS) | st.integers(0, 800)
    context.for_all(
        check_unchanged,
        st.lists(passed.map(lambda days: timedelta(days=days)), min_size=1, max_size=4),
        SEND_ENDPOINT,
        examples=context.few_examples,
    )


_WAITING: Final = 3000


def _check_receivetimes_fetched_at_once(context: CheckContext) -> None:
    """Fetch the reports of two accounts, whose clocks are a year apart, at the same time.

    A server whose requests share one formatter of times mixes them up.
    """
    accounts = [context.create_account(points=_WAITING) for _ in range(2)]
    context.clock.advance(accounts[1].userid, 400 * 86400)
    started = [f"{context.read_clock(account):{TIME_FORMAT}}" for account in accounts]
    for account in accounts:
        expect_sent(context.send(account, ",".join(build_mobiles(_WAITING))), _WAITING)
        context.clock.advance(account.userid, 180)

    def build_fetcher(account: SuiteAccount) -> Callable[[], list[str]]:
        return lambda: [
            f"{account.userid} {item.get('receivetime')}"
            for _ in range(3)
            for item in context.status(account, statusNum=str(_WAITING // 3)).get_items("statusbox")
        ]

    fetched = run_concurrently(*(build_fetcher(account) for account in accounts))
    for account, first in zip(accounts, started, strict=True):
        response, last = context.overage(account), f"{context.read_clock(account):{TIME_FORMAT}}"
        own = [item.partition(" ")[2] for item in fetched if item.startswith(f"{account.userid} ")]
        expect(len(own) == _WAITING, response, f"{_WAITING} reports in three fetches at once", f"{len(own)} reports")
        foreign = [receivetime for receivetime in own if not first <= receivetime <= last]
        expect(
            not foreign,
            response,
            f"each receivetime of reports that two accounts fetch at once between {first} and {last}",
            f"{len(foreign)} of {len(own)} are not, such as {foreign[:2]}",
        )


@checks("T-receivetime", "T-replies")
def _receivetime_is_the_time_on_the_clock(context: CheckContext) -> None:
    lag = measure_report_lag(context)

    def check_sent_at(time: datetime, milliseconds: int) -> None:
        account = ModelAccount(context, {}, lag)
        account.advance_to(time)
        account.send(_REPORTED, endpoint=UTF8, extno="1")
        account.advance(lag.until_due)
        with attribute_to("T-receivetime"):
            account.fetch_reports()
        with attribute_to("T-replies"):
            account.fetch_replies()
        if milliseconds and not lag.until_due and time.year < _FIRST_INEXACT_YEAR:
            account.advance_to(account.now + timedelta(milliseconds=milliseconds))
            account.send(_REPORTED, endpoint=GBK, extno="2")
            with attribute_to("T-receivetime"):
                account.fetch_reports()
            with attribute_to("T-replies"):
                account.fetch_replies()

    for text in _EXTREME_TIMES[:-4:2]:
        check_sent_at(_parse(text), 0)
    with attribute_to("T-receivetime"):
        _check_receivetimes_fetched_at_once(context)
    for milliseconds in (1, 500, 999):
        check_sent_at(_parse("2031-03-31 23:59:59"), milliseconds)
    context.for_all(
        check_sent_at,
        _TIME | _DAY_END,
        st.sampled_from([0, 1, 499, 500, 501, 999]),
        examples=context.few_examples,
    )


@checks("T-missing")
def _a_date_that_does_not_exist_is_refused(context: CheckContext) -> None:
    account = ModelAccount(context)
    for date in _MISSING_DATES:
        response = context.send(account.account, sendTime=f"{date} 10:00:00")
        expect_message(response, OTHER_ERROR)

    def check_last_day(year: int, month: int) -> None:
        first_of_next = datetime(year + month // 12, month % 12 + 1, 1)
        last = first_of_next - timedelta(days=1)
        expect_sent(context.send(account.account, sendTime=f"{last:%Y-%m-%d} 23:59:59"), 1)
        response = context.send(account.account, sendTime=f"{last:%Y-%m}-{last.day + 1:02} 00:00:00")
        expect_message(response, OTHER_ERROR)

    for month in range(1, 13):
        check_last_day(2028, month)
    context.for_all(check_last_day, st.integers(1970, 2999), st.integers(1, 12), examples=context.few_examples)
