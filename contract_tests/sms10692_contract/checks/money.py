"""R6: what a send costs, and what the balance says before and after.

Here belongs whatever counts points. Every check has accounts made for it.
"""

from hypothesis import strategies as st

from sms10692_contract.checks.registry import holds
from sms10692_contract.checks.statuses import numbers
from sms10692_contract.gate import NO_SIGN
from sms10692_contract.lab import Lab, expect, expect_message, expect_refused, expect_sent
from sms10692_contract.requests import GBK, UTF8

TOO_MUCH = "对不起，您当前要发送的量大于您当前余额"


def _parts(text: str) -> int:
    units = len(text.encode("utf-16-le")) // 2
    return 1 if units <= 70 else -(-units // 67)


@holds("R6-parts")
def _a_text_costs_its_parts(lab: Lab) -> None:
    def costs(page: str, text: str, count: int) -> None:
        account = lab.account(points=1000)
        answer = lab.send(account, ",".join(numbers(count)), text, page)
        expect_sent(answer, count)
        left = 1000 - _parts(text) * count
        expect(answer.number("remainpoint") == left, answer, f"remainpoint {left}, for {_parts(text)} parts each")

    for length in (1, 70, 71, 134, 135, 201, 202):
        costs(UTF8, "字" * length, 1)
        costs(GBK, "字" * length, 2)
    for text in ("😀" * 35, "😀" * 36, "x" * 70, "x" * 71):
        costs(UTF8, text, 1)
    texts = st.builds(
        lambda one, many: (one * many)[:300], st.sampled_from(["字", "a", "好b", "😀"]), st.integers(1, 299)
    )
    lab.for_all(costs, st.just(UTF8), texts, st.integers(1, 3))


@holds("R6-remainpoint")
def _what_was_charged_is_what_the_balance_lost(lab: Lab) -> None:
    account = lab.account(points=100)
    for page in (UTF8, GBK):
        before = lab.balance(account)
        answer = lab.send(account, page=page)
        expect_sent(answer, 1)
        after = lab.balance(account)
        expect(after == before - 1, answer, f"{before - 1} points left", f"{after}")
        expect(answer.number("remainpoint") == after, answer, f"remainpoint {after}, as overage says")


@holds("R6-edge")
def _a_balance_is_spent_to_the_last_point_and_no_further(lab: Lab) -> None:
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


@holds("R6-refused")
def _a_refused_send_costs_nothing_and_sends_nothing(lab: Lab) -> None:
    wrong = (
        {"mobile": ","},
        {"content": " "},
        {"content": lab.forbidden},
        {"content": "' or 1=1"},
        {"extno": "x"},
        {"sendTime": "x"},
        {"sign": NO_SIGN},
        {"action": "sends"},
        {"mobile": "13000000001,13000000002,13000000003,13000000004"},
    )
    for fields in wrong:
        account = lab.account(points=3)
        answer = lab.post(account, UTF8, **{"action": "send", "mobile": "13000000001", "content": "内容"} | fields)
        expect_refused(answer)
        left = lab.balance(account)
        expect(left == 3, answer, "3 points left after the refusal", f"{left}")
        lab.clock.advance(account.userid, 180)
        expect("<statusbox>" not in lab.status(account).text, answer, "no report of what was refused", "a report")


@holds("R6-postpaid")
def _a_post_paid_account_goes_below_zero(lab: Lab) -> None:
    account = lab.account(postpaid=True)
    answer = lab.send(account, "13000000001,13000000002")
    expect_sent(answer, 2)
    expect(answer.number("remainpoint") == -2, answer, "remainpoint -2")
    balance = lab.overage(account)
    told = balance.number("overage"), balance.number("sendTotal")
    expect(told == (-2, 0), balance, "overage -2 and sendTotal 0")


@holds("2.3-sendTotal")
def _send_total_is_what_was_ever_charged_up(lab: Lab) -> None:
    account = lab.account(points=50)
    expect_sent(lab.send(account), 1)
    for told in ((49, 50), (56, 57)):
        answer = lab.overage(account)
        expect((answer.number("overage"), answer.number("sendTotal")) == told, answer, f"overage, sendTotal {told}")
        lab.clock.charge(account.userid, 7)


@holds("R5-twice")
def _a_number_given_twice_counts_twice(lab: Lab) -> None:
    account = lab.account(points=9)
    answer = lab.send(account, "13000000001,13000000001")
    expect_sent(answer, 2)
    expect(answer.number("remainpoint") == 7, answer, "remainpoint 7")
    expect(len(lab.reports(account, 2)) == 2, answer, "two reports", "fewer")
