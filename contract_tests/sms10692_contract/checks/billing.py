"""Checks of prices and balances (R6). Every check creates its own accounts."""

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import MOBILE, MOBILE_COUNT, SEND_ENDPOINT, build_mobiles, invalid_send
from sms10692_contract.expectations import (
    Mismatch,
    expect,
    expect_accepted,
    expect_message,
    expect_points,
    expect_refused,
    expect_sent,
    format_response,
    get_message,
)
from sms10692_contract.expected import INSUFFICIENT_BALANCE
from sms10692_contract.harness import CheckContext, NotExercised
from sms10692_contract.requests import GBK, UTF8
from sms10692_contract.safety import INVALID_SIGN
from sms10692_contract.segmentation import SINGLE_SEGMENT_UNITS, count_segments


@checks("R6-counts")
def _success_counts_is_the_number_of_recipients_for_a_text_of_any_length(context: CheckContext) -> None:
    def check_counts(endpoint: str, count: int, length: int) -> None:
        account = context.create_account()
        numbers = build_mobiles(count) if context.is_sandboxed else [context.number]
        response = context.send(account, ",".join(numbers), "字" * length, endpoint)
        is_refused = response.get_element("returnstatus") == "Faild" and not context.is_sandboxed
        if is_refused and not context.balance.cannot_pay(response.request):
            raise NotExercised(f"a text of {length} characters is refused: {get_message(response)}")
        expect_accepted(response)
        counts = response.get_element("successCounts")
        if counts != str(count):
            cause = f"successCounts is {counts!r} instead of {str(count)!r} for {length} characters"
            raise Mismatch(response.request, f"successCounts {count}", format_response(response.raw), cause)

    check_counts(UTF8, 1, SINGLE_SEGMENT_UNITS + 1)
    context.for_all_if_sandboxed(
        check_counts, SEND_ENDPOINT, MOBILE_COUNT, st.integers(1, 300), examples=context.few_examples
    )


@checks("R6-segments")
def _a_text_costs_one_point_per_segment(context: CheckContext) -> None:
    def check_price(endpoint: str, text: str, count: int) -> None:
        account = context.create_account(points=1000)
        response = context.send(account, ",".join(build_mobiles(count)), text, endpoint)
        expect_sent(response, count)
        remaining = 1000 - count_segments(text) * count
        expect(
            response.get_number("remainpoint") == remaining,
            response,
            f"remainpoint {remaining}, for {count_segments(text)} segments each",
        )

    for length in (1, 70, 71, 134, 135, 201, 202):
        check_price(UTF8, "字" * length, 1)
        check_price(GBK, "字" * length, 2)
    for text in ("😀" * 35, "😀" * 36, "x" * 70, "x" * 71):
        check_price(UTF8, text, 1)
    texts = st.builds(
        lambda unit, count: (unit * count)[:300], st.sampled_from(["字", "a", "好b", "😀"]), st.integers(1, 299)
    )
    context.for_all(check_price, st.just(UTF8), texts, st.integers(1, 3))


@checks("R6-remainpoint")
def _the_balance_decreases_by_the_price(context: CheckContext) -> None:
    account = context.create_account(points=10**6)

    def check_charged(endpoint: str, count: int, length: int) -> None:
        before = context.query_balance(account)
        text = "字" * length
        response = context.send(account, ",".join(build_mobiles(count)), text, endpoint)
        expect_sent(response, count)
        after, remaining = context.query_balance(account), before - count * count_segments(text)
        expect(after == remaining, response, f"{remaining} points left", f"{after}")
        expect(response.get_number("remainpoint") == after, response, f"remainpoint {after}, equal to overage")

    for endpoint in (UTF8, GBK):
        check_charged(endpoint, 1, 2)
    context.for_all(check_charged, SEND_ENDPOINT, MOBILE_COUNT, st.integers(1, 200))


@checks("R6-edge")
def _a_balance_is_spent_to_the_last_point_and_no_further(context: CheckContext) -> None:
    def check_spent(points: int, excess: int) -> None:
        account = context.create_account(points=points)
        count = points + excess
        response = context.send(account, ",".join(build_mobiles(count)))
        if excess > 0:
            expect_message(response, INSUFFICIENT_BALANCE)
            expect(
                context.query_balance(account) == points,
                response,
                f"{points} points left",
                f"{context.query_balance(account)}",
            )
        else:
            expect_sent(response, count)
            expect(response.get_number("remainpoint") == -excess, response, f"remainpoint {-excess}")

    for points, excess in ((1, 0), (1, 1), (2, -1)):
        check_spent(points, excess)
    context.for_all(check_spent, st.integers(1, 30), st.integers(0, 2))


@checks("R6-refused")
def _a_refused_send_costs_nothing_and_sends_nothing(context: CheckContext) -> None:
    invalid_fields = (
        {"mobile": ","},
        {"content": " "},
        {"content": context.forbidden_word},
        {"content": "' or 1=1"},
        {"extno": "x"},
        {"sendTime": "x"},
        {"sign": INVALID_SIGN},
        {"action": "sends"},
        {"mobile": "13000000001,13000000002,13000000003,13000000004"},
    )

    def check_refused(fields: dict[str, str]) -> None:
        account = context.create_account(points=3)
        response = context.post(
            account, UTF8, **{"action": "send", "mobile": "13000000001", "content": "内容"} | fields
        )
        expect_refused(response)
        remaining = context.query_balance(account)
        expect(remaining == 3, response, "3 points left after the refusal", f"{remaining}")
        context.clock.advance(account.userid, 180)
        expect(
            not context.status(account).get_items("statusbox"), response, "no report of the refused send", "a report"
        )

    for fields in invalid_fields:
        check_refused(fields)
    context.for_all(check_refused, invalid_send(context.forbidden_word))


@checks("R6-postpaid")
def _a_postpaid_account_goes_below_zero(context: CheckContext) -> None:
    def check_balance(counts: list[int]) -> None:
        account = context.create_account(postpaid=True)
        for index, count in enumerate(counts):
            response = context.send(account, ",".join(build_mobiles(count)))
            expect_sent(response, count)
            remaining = -sum(counts[: index + 1])
            expect(response.get_number("remainpoint") == remaining, response, f"remainpoint {remaining}")
        balance = context.overage(account)
        actual = balance.get_number("overage"), balance.get_number("sendTotal")
        expect(actual == (remaining, 0), balance, f"overage {remaining} and sendTotal 0", f"{actual}")

    check_balance([2])
    context.for_all(check_balance, st.lists(st.integers(1, 9), min_size=1, max_size=4), examples=context.few_examples)


@checks("2.3-sendTotal")
def _send_total_is_the_sum_of_all_credit(context: CheckContext) -> None:
    if not context.is_sandboxed:
        _check_own_send_total(context)
        return

    def check_top_up(points: int, top_ups: list[int]) -> None:
        account = context.create_account(points=points)
        expect_sent(context.send(account), 1)
        for top_up in (0, *top_ups):
            context.clock.top_up(account.userid, top_up)
            points += top_up
            response = context.overage(account)
            actual = response.get_number("overage"), response.get_number("sendTotal")
            expect(actual == (points - 1, points), response, f"overage {points - 1}, sendTotal {points}", f"{actual}")

    check_top_up(50, [7])
    context.for_all(
        check_top_up, st.integers(1, 10**6), st.lists(st.integers(0, 10**6), max_size=3), examples=context.few_examples
    )


def _check_own_send_total(context: CheckContext) -> None:
    """Compare sendTotal of the user's prepaid account with its balance, and before and after a send if that is allowed.

    What was ever added is at least what is left, and a send adds nothing.
    """
    before = context.overage(context.own)
    if before.get_element("payinfo") != "预付费":
        raise NotExercised("the account is not prepaid")
    total, balance = (expect_points(before, name) for name in ("sendTotal", "overage"))
    expect(total >= balance, before, f"a sendTotal of at least the balance {balance}", f"{total}")
    if context.can_send:
        sent = context.send(context.own)
        expect_accepted(sent)
        after = context.overage(context.own)
        actual = after.get_element("sendTotal")
        expect(actual == before.get_element("sendTotal"), after, f"sendTotal {total}, as before the send", actual)


@checks("R5-twice")
def _a_number_given_twice_counts_twice(context: CheckContext) -> None:
    def check_counted(mobiles: list[str]) -> None:
        account = context.create_account(points=9)
        response = context.send(account, ",".join(mobiles))
        expect_sent(response, len(mobiles))
        expect(response.get_number("remainpoint") == 9 - len(mobiles), response, f"remainpoint {9 - len(mobiles)}")
        actual = len(context.fetch_reports(account, len(mobiles)))
        expect(actual == len(mobiles), response, f"{len(mobiles)} reports", f"{actual}")

    check_counted(["13000000001"] * 2)
    context.for_all(
        check_counted,
        st.lists(MOBILE, min_size=1, max_size=3).map(lambda mobiles: mobiles * 2),
        examples=context.few_examples,
    )
