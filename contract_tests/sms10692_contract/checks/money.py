"""R6: what a send costs, and what the balance says before and after.

Here belongs whatever counts points. Every check has accounts made for it.
"""

from hypothesis import strategies as st

from sms10692_contract.billing import count_parts
from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import COUNT, HANDSET, PAGE, numbers, wrong_send
from sms10692_contract.expected import TOO_MUCH
from sms10692_contract.harness import CheckContext, expect, expect_message, expect_refused, expect_sent
from sms10692_contract.requests import GBK, UTF8
from sms10692_contract.safety import INVALID_SIGN


@checks("R6-parts")
def _a_text_costs_its_parts(lab: CheckContext) -> None:
    def costs(page: str, text: str, count: int) -> None:
        account = lab.account(points=1000)
        answer = lab.send(account, ",".join(numbers(count)), text, page)
        expect_sent(answer, count)
        left = 1000 - count_parts(text) * count
        expect(answer.number("remainpoint") == left, answer, f"remainpoint {left}, for {count_parts(text)} parts each")

    for length in (1, 70, 71, 134, 135, 201, 202):
        costs(UTF8, "字" * length, 1)
        costs(GBK, "字" * length, 2)
    for text in ("😀" * 35, "😀" * 36, "x" * 70, "x" * 71):
        costs(UTF8, text, 1)
    texts = st.builds(
        lambda one, many: (one * many)[:300], st.sampled_from(["字", "a", "好b", "😀"]), st.integers(1, 299)
    )
    lab.for_all(costs, st.just(UTF8), texts, st.integers(1, 3))


@checks("R6-remainpoint")
def _what_was_charged_is_what_the_balance_lost(lab: CheckContext) -> None:
    account = lab.account(points=10**6)

    def charged(page: str, count: int, length: int) -> None:
        before = lab.balance(account)
        text = "字" * length
        answer = lab.send(account, ",".join(numbers(count)), text, page)
        expect_sent(answer, count)
        after, left = lab.balance(account), before - count * count_parts(text)
        expect(after == left, answer, f"{left} points left", f"{after}")
        expect(answer.number("remainpoint") == after, answer, f"remainpoint {after}, as overage says")

    for page in (UTF8, GBK):
        charged(page, 1, 2)
    lab.for_all(charged, PAGE, COUNT, st.integers(1, 200))


@checks("R6-edge")
def _a_balance_is_spent_to_the_last_point_and_no_further(lab: CheckContext) -> None:
    def sent(points: int, more: int) -> None:
        account = lab.account(points=points)
        count = points + more
        answer = lab.send(account, ",".join(numbers(count)))
        if more > 0:
            expect_message(answer, TOO_MUCH)
            expect(lab.balance(account) == points, answer, f"{points} points left", f"{lab.balance(account)}")
        else:
            expect_sent(answer, count)
            expect(answer.number("remainpoint") == -more, answer, f"remainpoint {-more}")

    for points, more in ((1, 0), (1, 1), (2, -1)):
        sent(points, more)
    lab.for_all(sent, st.integers(1, 30), st.integers(0, 2))


@checks("R6-refused")
def _a_refused_send_costs_nothing_and_sends_nothing(lab: CheckContext) -> None:
    wrong = (
        {"mobile": ","},
        {"content": " "},
        {"content": lab.forbidden},
        {"content": "' or 1=1"},
        {"extno": "x"},
        {"sendTime": "x"},
        {"sign": INVALID_SIGN},
        {"action": "sends"},
        {"mobile": "13000000001,13000000002,13000000003,13000000004"},
    )

    def refused(fields: dict[str, str]) -> None:
        account = lab.account(points=3)
        answer = lab.post(account, UTF8, **{"action": "send", "mobile": "13000000001", "content": "内容"} | fields)
        expect_refused(answer)
        left = lab.balance(account)
        expect(left == 3, answer, "3 points left after the refusal", f"{left}")
        lab.clock.advance(account.userid, 180)
        expect("<statusbox>" not in lab.status(account).text, answer, "no report of what was refused", "a report")

    for fields in wrong:
        refused(fields)
    lab.for_all(refused, wrong_send(lab.forbidden))


@checks("R6-postpaid")
def _a_post_paid_account_goes_below_zero(lab: CheckContext) -> None:
    def used(counts: list[int]) -> None:
        account = lab.account(postpaid=True)
        for place, count in enumerate(counts):
            answer = lab.send(account, ",".join(numbers(count)))
            expect_sent(answer, count)
            left = -sum(counts[: place + 1])
            expect(answer.number("remainpoint") == left, answer, f"remainpoint {left}")
        balance = lab.overage(account)
        told = balance.number("overage"), balance.number("sendTotal")
        expect(told == (left, 0), balance, f"overage {left} and sendTotal 0", f"{told}")

    used([2])
    lab.for_all(used, st.lists(st.integers(1, 9), min_size=1, max_size=4), examples=lab.few_examples)


@checks("2.3-sendTotal")
def _send_total_is_what_was_ever_charged_up(lab: CheckContext) -> None:
    def charged_up(points: int, more: list[int]) -> None:
        account = lab.account(points=points)
        expect_sent(lab.send(account), 1)
        for extra in (0, *more):
            lab.clock.top_up(account.userid, extra)
            points += extra
            answer = lab.overage(account)
            told = answer.number("overage"), answer.number("sendTotal")
            expect(told == (points - 1, points), answer, f"overage {points - 1}, sendTotal {points}", f"{told}")

    charged_up(50, [7])
    lab.for_all(
        charged_up, st.integers(1, 10**6), st.lists(st.integers(0, 10**6), max_size=3), examples=lab.few_examples
    )


@checks("R5-twice")
def _a_number_given_twice_counts_twice(lab: CheckContext) -> None:
    def counted(given: list[str]) -> None:
        account = lab.account(points=9)
        answer = lab.send(account, ",".join(given))
        expect_sent(answer, len(given))
        expect(answer.number("remainpoint") == 9 - len(given), answer, f"remainpoint {9 - len(given)}")
        told = len(lab.reports(account, len(given)))
        expect(told == len(given), answer, f"{len(given)} reports", f"{told}")

    counted(["13000000001"] * 2)
    lab.for_all(
        counted, st.lists(HANDSET, min_size=1, max_size=3).map(lambda some: some * 2), examples=lab.few_examples
    )
