"""Checks at the edges of counts: thousands of numbers in a send, thousands of waiting items, statusNum (4.2, 5.1)."""

from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import SEND_ENDPOINT, build_mobiles
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import GBK, UTF8
from sms10692_contract.vendor_model import DEFAULT_LIMIT, OUTCOMES, ModelAccount, measure_report_lag

_WRAPPED: Final = st.builds(
    lambda bits, more: 2**bits + more, st.sampled_from([8, 15, 16, 31, 32, 63, 64]), st.integers(-1, 2)
)
"""Numbers that are small or negative in an integer of that many bits."""

_LIMIT: Final = st.builds(
    lambda zeros, limit: "0" * zeros + str(limit),
    st.integers(0, 3),
    st.integers(1, 20) | _WRAPPED | st.integers(2, 20).map(lambda digits: 10**digits),
) | st.just("")


@checks("N-fetch")
def _a_fetch_returns_exactly_as_many_as_asked(context: CheckContext) -> None:
    lag = measure_report_lag(context)

    def check_fetches(waiting: int, limits: list[str]) -> None:
        account = ModelAccount(context, {"points": waiting}, lag)
        account.send(build_mobiles(waiting))
        account.advance(lag.until_due)
        for limit in limits:
            account.fetch_reports(limit)
        account.fetch_everything()

    check_fetches(DEFAULT_LIMIT + 1, [""])
    check_fetches(DEFAULT_LIMIT + 2, [f"{DEFAULT_LIMIT + 1}"])
    for waiting, limits in ((1000, ["999"]), (1000, ["1000"]), (1002, ["10000"]), (300, ["65537", "1"])):
        check_fetches(waiting, limits)
    context.for_all(
        check_fetches, st.integers(1, 50), st.lists(_LIMIT, min_size=1, max_size=4), examples=context.few_examples
    )
    if context.effort.is_thorough:
        sizes = st.sampled_from([1, 1000, 2000, 3999, 4000, 4001, 5000, 8000, 8001]) | st.integers(1, 9000)
        context.for_all(check_fetches, sizes, st.lists(sizes.map(str) | _LIMIT, min_size=1, max_size=4), examples=40)


@checks("N-send")
def _each_of_thousands_of_numbers_is_reported_once_in_order(context: CheckContext) -> None:
    lag = measure_report_lag(context)

    def check_sent(count: int, endpoint: str, limit: int, every: int) -> None:
        mobiles = build_mobiles(count)
        for index, mobile in enumerate(OUTCOMES):
            mobiles[index * every :: every * len(OUTCOMES)] = [mobile] * len(
                mobiles[index * every :: every * len(OUTCOMES)]
            )
        account = ModelAccount(context, {"points": 2 * count}, lag)
        account.send(mobiles, endpoint=endpoint, extno="7")
        account.advance(30 + lag.until_due)
        for _ in range(-(-count // limit) + 1):
            account.fetch_reports(str(limit))
        account.fetch_everything()
        account.expect_balance()

    check_sent(3001, GBK, 700, 50)
    context.for_all(
        check_sent,
        st.integers(1, 300),
        SEND_ENDPOINT,
        st.integers(1, 300),
        st.integers(1, 5),
        examples=context.few_examples,
    )
    if context.effort.is_thorough:
        context.for_all(
            check_sent, st.integers(1, 10_001), SEND_ENDPOINT, st.integers(500, 5000), st.integers(1, 99), examples=30
        )


@checks("N-tasks")
def _each_of_hundreds_of_sends_is_like_the_first(context: CheckContext) -> None:
    lag = measure_report_lag(context)

    def check_sends(count: int, mobiles: list[str], every: int) -> None:
        account = ModelAccount(context, {"points": count * len(mobiles) + 1}, lag)
        for index in range(count):
            account.send([mobiles[index % len(mobiles)]], extno=str(index % 3), endpoint=(UTF8, GBK)[index % 2])
            if index % every == every - 1:
                account.advance(lag.until_due)
                account.fetch_reports("1")
        account.advance(lag.until_due)
        account.fetch_everything()
        account.expect_balance()

    check_sends(120, ["10000000030"], 50)
    if context.effort.is_thorough:
        check_sends(1500, ["13000000001", "10000000030"], 400)
        mobiles = st.lists(st.sampled_from([*OUTCOMES, "13000000001"]), min_size=1, max_size=3)
        context.for_all(check_sends, st.integers(1, 400), mobiles, st.integers(1, 200), examples=20)


@checks("N-replies")
def _each_of_hundreds_of_replies_is_fetched_once_in_order(context: CheckContext) -> None:
    lag = measure_report_lag(context)

    def check_replies(counts: list[int]) -> None:
        account = ModelAccount(context, {}, lag)
        for count in counts:
            account.send(["10000000030", "10000000031"] * count, extno=str(count))
        account.advance(lag.until_due)
        account.fetch_replies()
        account.fetch_replies()

    check_replies([1, 500, 1])
    check_replies([2001, 1])
    context.for_all(check_replies, st.lists(st.integers(1, 60), min_size=1, max_size=4), examples=context.few_examples)
    if context.effort.is_thorough:
        check_replies([2500, 1])
