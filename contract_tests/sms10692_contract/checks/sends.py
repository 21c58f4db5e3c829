"""Chapter 1: what the vendor answers to a send, and what becomes of its parameters.

Here belong the words and the layout of 1.3. What a send costs is in `money`, how it may be written in `forms`.
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
    NO_SIGNATURE,
    PAGE,
    PAGES,
    SEND_ACTIONS,
    TEXT,
    UNKNOWN_USERIDS,
    no_action,
    numbers,
    ordinary,
)
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
from sms10692_contract.harness import CheckContext, expect, expect_document, expect_message, expect_sent, mismatch
from sms10692_contract.requests import GBK, UTF8
from sms10692_contract.safety import INVALID_SIGN


@checks("1.1-utf8")
def _the_utf8_page_reads_and_writes_utf8(lab: CheckContext) -> None:
    _reads_and_writes(lab, UTF8)


@checks("1.1-gbk")
def _the_gbk_page_reads_and_writes_gbk(lab: CheckContext) -> None:
    _reads_and_writes(lab, GBK)


def _reads_and_writes(lab: CheckContext, page: str) -> None:
    """A word is found only where it was read in the right charset; the answer is bytes of it."""

    def found(before: str, after: str) -> None:
        answer = lab.checkkeyword(lab.own, before + lab.forbidden + after, page)
        expect_document(answer, CHECKKEYWORD, message=FOUND)

    found("代开", "了")
    lab.for_all(found, TEXT[page], TEXT[page])


@checks("1.3-ok")
def _an_accepted_send_is_written_so(lab: CheckContext) -> None:
    def accepted(page: str, count: int, content: str) -> None:
        answer = lab.send(lab.account(), ",".join(numbers(count) if lab.is_sandboxed else [lab.number]), content, page)
        expect_sent(answer, count)
        found = {"remainpoint": answer.number("remainpoint"), "task_id": answer.number("taskID")}
        expect_document(answer, SENT, counts=count, **found)

    for page in PAGES:
        accepted(page, 1, "内容")
        lab.for_all_if_free(accepted, st.just(page), COUNT, ordinary(page), examples=lab.few_examples)


Wrong: TypeAlias = st.SearchStrategy[dict[str, str]]


def _each(name: str, values: st.SearchStrategy[str]) -> Wrong:
    return values.map(lambda value: {name: value})


REFUSED: Final[Mapping[str, tuple[str, dict[str, str], Wrong]]] = {
    "1.3-credentials-empty": (
        EMPTY,
        {"sign": ""},
        # Whatever is blank, the signature is nobody's, so that no vendor could act on it.
        st.builds(
            lambda name, blank, other: {"sign": INVALID_SIGN, "content": other} | {name: blank},
            CREDENTIAL,
            BLANKS,
            INJECTIONS,
        ),
    ),
    "1.3-sql": (SQL, {"content": "' or 1=1"}, _each("content", INJECTIONS)),
    "1.3-credentials-wrong": (WRONG, {"sign": INVALID_SIGN}, _each("sign", NO_SIGNATURE)),
    "1.3-mobile-empty": (NO_MOBILE, {"mobile": ""}, _each("mobile", UNKNOWN_USERIDS)),
    "1.3-content-empty": (NO_CONTENT, {"content": ""}, _each("content", BLANKS)),
    "1.3-other": (OTHER, {"extno": "x"}, _each("extno", NO_EXTNO)),
}
"""By clause: the message of 1.3, what is wrong with a send that gets it, and what else may be."""


def _refused_with(message: str, wrong: dict[str, str], others: Wrong) -> Check:
    def check(lab: CheckContext) -> None:
        account = lab.account()

        def refused(page: str, given: dict[str, str]) -> None:
            fields = {"action": "send", "mobile": lab.number, "content": "内容"} | given
            expect_document(lab.post(account, page, **fields), SEND_REFUSED, message=message)

        for page in PAGES:
            refused(page, wrong)
        lab.for_all_if_free(refused, PAGE, others)

    return check


for _clause, (_message, _wrong, _others) in REFUSED.items():
    checks(_clause)(_refused_with(_message, _wrong, _others))


@checks("1.3-forbidden")
def _a_forbidden_word_is_refused_with_the_full_width_colon(lab: CheckContext) -> None:
    account = lab.account()

    def refused(page: str, before: str, after: str) -> None:
        answer = lab.send(account, content=before + lab.forbidden + after, page=page)
        expect_document(answer, SEND_REFUSED, message=FORBIDDEN)

    for page in PAGES:
        refused(page, "代开", "")
        lab.for_all_if_free(refused, st.just(page), ordinary(page), ordinary(page))


@checks("1.3-balance")
def _a_balance_too_small_is_refused(lab: CheckContext) -> None:
    def refused(page: str, points: int, more: int) -> None:
        account = lab.account(points=points)
        answer = lab.send(account, ",".join(numbers(points + more)), page=page)
        expect_document(answer, SEND_REFUSED, message=TOO_MUCH)

    for page in PAGES:
        refused(page, 1, 1)
    lab.for_all(refused, PAGE, st.integers(0, 9), st.integers(1, 9))


@checks("1.2-mobile")
def _numbers_are_split_at_the_half_width_comma(lab: CheckContext) -> None:
    def sent(numbers: list[str]) -> None:
        account = lab.account()
        answer = lab.send(account, ",".join(numbers))
        expect_sent(answer, len(numbers))
        came = [box["mobile"] for box in lab.reports(account, len(numbers)) if "mobile" in box]
        expect(sorted(came) == sorted(numbers), answer, f"reports of {numbers}", f"reports of {came}")

    lab.for_all(sent, st.lists(HANDSET, min_size=1, max_size=6))


@checks("1.2-sendTime-empty")
def _an_empty_send_time_is_now(lab: CheckContext) -> None:
    def sent(blank: str) -> None:
        account = lab.account()
        answer = lab.send(account, sendTime=blank)
        reports = lab.fetch_due_reports(account, expect_sent(answer, 1))
        expect("<statusbox>" in reports.text, reports, "a report of what was sent at once")

    sent("")
    lab.for_all_if_free(sent, BLANKS, examples=lab.few_examples)


@checks("1.2-sendTime")
def _a_scheduled_message_is_not_reported_before_its_time(lab: CheckContext) -> None:
    def scheduled(minutes: int) -> None:
        account = lab.frozen_account()
        due = lab.now(account) + timedelta(minutes=minutes)
        answer = lab.send(account, sendTime=due.strftime("%Y-%m-%d %H:%M:%S"))
        expect_sent(answer, 1)
        lab.clock.advance(account.userid, minutes * 60 - 2)
        early = lab.status(account)
        expect("<statusbox>" not in early.text, early, f"no report before {due:%H:%M:%S}")
        lab.clock.advance(account.userid, 4)
        late = lab.reports(account, 1)
        expect(len(late) == 1, answer, f"a report after {due:%H:%M:%S}", "none")

    lab.for_all(scheduled, st.integers(2, 60 * 24 * 400), examples=lab.few_examples)


@checks("1.2-extno")
def _an_extno_is_up_to_ten_digits_and_comes_back(lab: CheckContext) -> None:
    def sent(extno: str) -> None:
        account = lab.account()
        answer = lab.send(account, "10000000030", extno=extno)
        expect_sent(answer, 1)
        for box in (*lab.reports(account, 1), *lab.replies(account, 1)):
            expect(box.get("extno") == extno, answer, f"extno {extno}", f"{box}")

    for first in ("01", "0123456789"):
        sent(first)
    lab.for_all(sent, EXTNO)


@checks("1.2-action")
def _the_action_is_compared_to_the_letter(lab: CheckContext) -> None:
    account = lab.account()

    def refused(page: str, action: str) -> None:
        answer = lab.send(account, page=page, action=action)
        expect_document(answer, SEND_REFUSED, message=OTHER)

    for action in ("Send", "send ", "sends", ""):
        refused(UTF8, action)
    lab.for_all(refused, PAGE, no_action(*SEND_ACTIONS))
    wrong = {"sign": INVALID_SIGN}
    expect_message(lab.send(account, action="sends", **wrong), WRONG)
    expect_message(lab.send(account, action="sends", **wrong, timestamp=""), EMPTY)


@checks("1.3-taskID")
def _a_task_has_its_number_for_itself(lab: CheckContext) -> None:
    accounts = lab.account(), lab.account()
    tasks: list[int] = []
    for place in range(8):
        answer = lab.send(accounts[place % 2])
        task = expect_sent(answer, 1)
        if task in tasks:
            raise mismatch(answer, f"a taskID that is none of {tasks}")
        if tasks and task < tasks[-1]:
            raise mismatch(answer, f"a taskID above {tasks[-1]}")
        tasks.append(task)
