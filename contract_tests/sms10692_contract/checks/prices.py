"""Checks of prices and balances at their edges: segments of any text, large and negative balances (R6)."""

from collections.abc import Sequence
from functools import partial
from itertools import cycle, islice
from typing import Final

from hypothesis import strategies as st

from sms10692_contract.checks.concurrency import run_concurrently
from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import SEND_ENDPOINT, SEND_ENDPOINTS, build_mobiles
from sms10692_contract.expectations import attribute_to, expect, expect_sent
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import GBK, UTF8, WireRequest, build_form, is_encodable
from sms10692_contract.segmentation import SINGLE_SEGMENT_UNITS, UNITS_PER_SEGMENT
from sms10692_contract.suite_account import SuiteAccount
from sms10692_contract.vendor_model import ModelAccount, measure_report_lag

_FILLERS: Final = ("字", "a", "1", "é", "，", "😀", "ａ", "e\u0301", "ﬁ", "가")
"""Some of them have another length in a normal form of Unicode."""
_INSERTED: Final = (
    *("", "\r\n", "\n", "\r", "\n\n", " ", "   ", "\t", "\u3000", "\u00a0", "\u200b", "\ufeff", "\u0301", "😀"),
    *("[", "^", "{}", "|", "~", "€", "【签名】", "&", "<b>", "%", "+", "\\", "=", "👨‍👩‍👧", "𠮷", "０", "\x0c"),
)
_MANY_UNITS: Final = (1, 2, 3, 4, 9, 10, 11, 15, 16, 20, 30, 100, 255, 256, 300)


def _count_units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _fill(pieces: Sequence[str], positions: Sequence[int], filler: str, units: int) -> str:
    """Build a text of exactly so many UTF-16 units: the filler, with the pieces inserted at these positions.

    The text begins and ends with an ordinary character if a piece of white space alone would make it empty.
    """
    space = units - sum(map(_count_units, pieces))
    if space < 2:
        return "字" * units
    size = _count_units(filler)
    characters = ["字" * (space % size), *[filler] * (space // size)]
    for piece, position in zip(pieces, positions, strict=True):
        characters.insert(position % (len(characters) + 1), piece)
    return "".join(characters)


@checks("P-segments")
def _every_text_is_charged_by_its_units(context: CheckContext) -> None:
    account = ModelAccount(context)

    def check_price(content: str, count: int, endpoint: str) -> None:
        endpoint = endpoint if is_encodable(content, "gbk") else UTF8
        account.send(build_mobiles(count), content, endpoint)

    def check_units(pieces: list[tuple[str, int]], filler: str, units: int, count: int, endpoint: str) -> None:
        check_price(_fill([piece for piece, _ in pieces], [at for _, at in pieces], filler, units), count, endpoint)

    borders = [SINGLE_SEGMENT_UNITS, *(UNITS_PER_SEGMENT * segments for segments in _MANY_UNITS)]
    for index, border in enumerate(borders):
        for more in (0, 1):
            check_units([], _FILLERS[index % 3], border + more, 1, SEND_ENDPOINTS[index % 2])
    for filler in _FILLERS:
        for more in (0, 1):
            check_units([], filler, SINGLE_SEGMENT_UNITS + more, 1, UTF8)
    for piece in _INSERTED:
        for position in (0, 1, -1):
            check_units([(piece, position)], "字", SINGLE_SEGMENT_UNITS, 1, GBK)
            check_units([(piece, position)], "字", SINGLE_SEGMENT_UNITS + 1, 1, GBK)
    for position in (65, 66, 67, 68, 132, 133):
        check_units([("😀", position)], "字", 2 * UNITS_PER_SEGMENT, 1, UTF8)
        check_units([("\r\n", position)], "a", 3 * UNITS_PER_SEGMENT, 2, UTF8)
    units = st.builds(
        lambda border, more: max(border + more, 1),
        st.just(SINGLE_SEGMENT_UNITS) | st.integers(1, 300).map(lambda segments: segments * UNITS_PER_SEGMENT),
        st.integers(-1, 1),
    )
    pieces = st.lists(st.tuples(st.sampled_from(_INSERTED), st.integers(0, 10**6) | st.just(-1)), max_size=5)
    context.for_all(check_units, pieces, st.sampled_from(_FILLERS), units, st.integers(1, 3), SEND_ENDPOINT)


_BITS: Final = st.builds(
    lambda bits, more: 2**bits + more, st.sampled_from([7, 8, 15, 16, 24, 31, 32, 48]), st.integers(-2, 3)
)
_POINTS: Final = _BITS | st.builds(lambda digits, more: 10**digits + more, st.integers(2, 14), st.integers(-2, 2))


@checks("P-large", "P-negative")
def _balances_of_any_size_are_exact(context: CheckContext) -> None:
    lag = measure_report_lag(context)

    def check_spending(account: ModelAccount, counts: list[int]) -> None:
        for index, count in enumerate(counts):
            account.send(build_mobiles(count), "字" * (1 + 70 * (index % 2)), SEND_ENDPOINTS[index % 2])
            account.expect_balance(SEND_ENDPOINTS[index % 2])
            account.expect_balance(SEND_ENDPOINTS[1 - index % 2])

    def check_large(points: int, top_up: int, counts: list[int]) -> None:
        account = ModelAccount(context, {"points": points}, lag)
        with attribute_to("P-large"):
            account.expect_balance()
            check_spending(account, counts[:1])
            account.top_up(top_up)
            check_spending(account, counts)

    def check_emptied(points: int, top_ups: list[int]) -> None:
        """Spend an account to its last point, as often as it is topped up."""
        account = ModelAccount(context, {"points": points}, lag)
        with attribute_to("P-large"):
            for top_up in top_ups:
                account.send(build_mobiles(account.points))
                account.expect_balance()
                account.top_up(top_up)
                account.expect_balance(GBK)

    def check_negative(used: int, counts: list[int]) -> None:
        account = ModelAccount(context, {"postpaid": True}, lag)
        context.clock.set_balance(account.account.userid, -used)
        account.points = -used
        with attribute_to("P-negative"):
            for index, count in enumerate(counts):
                account.send(build_mobiles(count), endpoint=SEND_ENDPOINTS[index % 2])
                for endpoint in SEND_ENDPOINTS:
                    response = context.overage(account.account, endpoint)
                    actual = response.get_element("overage")
                    expect(actual == f"{account.points}", response, f"overage {account.points}", actual)

    for bits in (15, 16, 24, 31, 32, 48):
        check_large(2**bits + 1, 2**bits - 1, [1, 2])
    check_large(0, 1, [1])
    check_large(1_000_000, 9_000_000, [1])
    check_large(10**14, 10**14, [3])
    check_emptied(2, [5, 1])
    for used in (0, 99, 999, 9_999, 999_999, 2**31 - 1, 2**32, 10**14):
        check_negative(used, [1, 1, 2])
    counts = st.lists(st.integers(1, 5), min_size=1, max_size=3)
    context.for_all(check_large, _POINTS, st.integers(0, 3) | _POINTS, counts, examples=context.few_examples)
    context.for_all(
        check_emptied,
        st.integers(1, 9),
        st.lists(st.integers(1, 9), min_size=1, max_size=3),
        examples=context.few_examples,
    )
    context.for_all(check_negative, _POINTS, counts, examples=context.few_examples)


_LARGE_SENDS: Final = ((151, 217), (128, 256), (255, 257), (256, 256), (1000, 300), (2500, 1))
"""Numbers of recipients and segments: 2**15 points and one less, 2**16 and one less, and many more."""


@checks("P-edge")
def _a_send_is_accepted_as_long_as_its_price_is_covered(context: CheckContext) -> None:
    def check_covered(count: int, segments: int, missing: int, endpoint: str, distinct: int = 9) -> None:
        """Send to `count` numbers, of which so many are distinct at most; the others are repeated."""
        account = ModelAccount(context, {"points": max(count * segments - missing, 0)})
        mobiles = list(islice(cycle(build_mobiles(distinct)), count))
        account.send(mobiles, "字" * (UNITS_PER_SEGMENT * segments), endpoint)
        account.expect_balance(endpoint)
        account.send(build_mobiles(1), endpoint=endpoint)
        account.expect_balance(endpoint)

    for missing in (0, 1):
        check_covered(2, 2, missing, UTF8)
        check_covered(3, 4, 4 * missing, GBK)
        check_covered(2, 1, missing, UTF8, 1)
    for index, (count, segments) in enumerate(_LARGE_SENDS):
        for missing in (0, 1):
            check_covered(count, segments, missing, SEND_ENDPOINTS[index % 2])
    context.for_all(
        check_covered,
        st.integers(1, 5),
        st.integers(1, 5),
        st.integers(-2, 6),
        SEND_ENDPOINT,
        st.sampled_from([1, 2, 9]),
        examples=context.few_examples,
    )


@checks("P-parallel")
def _parallel_sends_are_all_charged(context: CheckContext) -> None:
    for _ in range(context.effort.concurrency_rounds):
        account = context.create_account(points=10**6)

        def send_two(content: str, endpoint: str, account: SuiteAccount = account) -> list[str]:
            for _ in range(2):
                expect_sent(context.send(account, content=content, endpoint=endpoint), 1)
            return []

        cases = ((1, UTF8), (71, GBK), (135, UTF8))
        senders = [partial(send_two, "字" * units, endpoint) for units, endpoint in cases]
        run_concurrently(*senders)
        balance = context.overage(account)
        remaining = 10**6 - 2 * (1 + 2 + 3)
        expect(balance.get_number("overage") == remaining, balance, f"overage {remaining} after 6 parallel sends")
    for count, parallel in ((101, 3), (1200, 3), (4000, 8)):
        account = context.create_account(points=10**6)
        fields = {"action": "send", "mobile": ",".join(build_mobiles(count)), "content": "内容"}
        request = build_form(UTF8, account.build_credentials() | fields)

        def send_many(request: WireRequest = request, count: int = count) -> list[str]:
            expect_sent(context.exchange(request), count)
            return []

        run_concurrently(*[send_many] * parallel)
        balance, remaining = context.overage(account), 10**6 - parallel * count
        after = f"overage {remaining} after {parallel} parallel sends"
        expect(balance.get_number("overage") == remaining, balance, after)
