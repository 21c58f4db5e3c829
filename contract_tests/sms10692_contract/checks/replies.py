"""Checks of chapter 5: replies (inbound messages).

The emulator creates replies for messages to its numbers 10000000030 and 10000000031 (R13).
"""

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import EXTNO, WRONG_SIGNATURE
from sms10692_contract.expectations import (
    expect,
    expect_accepted,
    expect_document,
    expect_receivetime,
    expect_sent,
)
from sms10692_contract.expected import (
    CALLBOX,
    EMPTY_CREDENTIALS,
    ERRORSTATUS,
    ITEM_LIST,
    QUEUES_DENIED,
    WRONG_CREDENTIALS,
    ParsedResponse,
    render_items,
)
from sms10692_contract.fetch_history import CALL_ITEM
from sms10692_contract.harness import CheckContext, NotExercised
from sms10692_contract.safety import INVALID_SIGN

REPLY_CONTENT = {"10000000030": "T", "10000000031": "<好> & 😀"}
EMPTY_ITEM = {"mobile": "", "taskid": "", "content": "", "receivetime": "", "extno": ""}


@checks("5.3-layout")
def _replies_have_the_documented_elements(context: CheckContext) -> None:
    def check_elements(mobiles: list[str], extno: str) -> None:
        account = context.create_account()
        task = expect_accepted(context.send(account, ",".join(mobiles), extno=extno))
        response, remaining = context.fetch_due_replies(account, task), list(mobiles)
        while items := response.get_items("callbox"):
            expected = []
            for item in items:
                expect_receivetime(response, item)
                number = item.get("mobile", "")
                expect(number in remaining, response, f"replies of {remaining}", number)
                remaining.remove(number)
                fixed = {"taskid": task, "content": REPLY_CONTENT[number], "extno": extno}
                expected.append(EMPTY_ITEM | item | fixed)
            expect_document(response, ITEM_LIST, items=render_items(CALLBOX, expected))
            response = context.call(account)
        expect(not remaining, response, f"replies of {mobiles}", f"none of {remaining}")

    if not context.is_sandboxed:
        _check_real_replies(context)
        return
    check_elements(["10000000030"], "01")
    context.for_all(
        check_elements,
        st.lists(st.sampled_from(list(REPLY_CONTENT)), min_size=1, max_size=4),
        EXTNO,
        examples=context.few_examples,
    )


def _check_real_replies(context: CheckContext) -> None:
    for response in _fetch_real_replies(context):
        items = response.get_items("callbox")
        for item in items:
            expect_receivetime(response, item)
            expect(bool(item.get("mobile")) and bool(item.get("content")), response, "a number and a text")
        expected = [EMPTY_ITEM | item for item in items]
        expect_document(response, ITEM_LIST, items=render_items(CALLBOX, expected))


def _fetch_real_replies(context: CheckContext) -> list[ParsedResponse]:
    """Send to each allowed number, one task each, and return the responses with their replies.

    Raises NotExercised if nobody replies, and Mismatch if some of the replies name another task.
    """
    numbers = context.pick_numbers(min(len(context.guard.numbers), 2))
    expected = {(number, expect_accepted(context.send(context.own, number, extno="01"))) for number in numbers}
    found: set[tuple[str, str]] = set()
    responses = []
    for _ in context.poll(context.pace.reply):
        response = context.call(context.own)
        if response.get_items("callbox"):
            responses.append(response)
            found |= {(item.get("mobile", ""), item.get("taskid", "")) for item in response.get_items("callbox")}
        if found >= expected:
            return responses
    tasks = {task for _, task in expected}
    of_allowed = {(mobile, task) for mobile, task in found if mobile in numbers}
    if not of_allowed and not any(task in tasks for _, task in found):
        raise NotExercised("no reply arrived: an allowed number must reply")
    unknown = {(mobile, task) for mobile, task in of_allowed if not context.has_sent_task(task)}
    expect(not unknown, responses[-1], "replies that name a task of this run", f"tasks {sorted(t for _, t in unknown)}")
    wrong = {(mobile, task) for mobile, task in found - expected if task in tasks}
    expect(not wrong, responses[-1], f"replies {sorted(expected)}", f"{sorted(found)}")
    return responses


@checks("R17-reply")
def _markup_in_a_reply_is_escaped(context: CheckContext) -> None:
    account = context.create_account()
    task = expect_sent(context.send(account, "10000000031"), 1)
    response = context.fetch_due_replies(account, task)
    content = response.get_raw_element("content")
    expect(content == "&lt;好&gt; &amp; 😀", response, "the content &lt;好&gt; &amp; 😀")


@checks("5.1-once")
def _a_reply_is_fetched_once(context: CheckContext) -> None:
    account = context.create_account()
    if not context.is_sandboxed:
        _fetch_real_replies(context)
        numbers = context.pick_numbers(min(len(context.guard.numbers), 3))
        expect_accepted(context.send(account, ",".join(numbers), extno="01"))
        for _ in context.poll(context.pace.reply):
            if context.call(account).get_items("callbox"):
                break
        for _ in range(2):
            context.call(account)
        context.history.expect_no_repeated(CALL_ITEM)
        return
    response = context.send(account, "10000000030,10000000031")
    expect_sent(response, 2)
    replies = context.fetch_replies(account, 2)
    expect(len(replies) == 2, response, "two replies", f"{len(replies)}")
    again = context.call(account)
    expect(not again.get_items("callbox"), again, "no reply: it was fetched before")


@checks("5.3-taskid")
def _a_reply_names_the_number_and_the_task_of_its_send(context: CheckContext) -> None:
    account = context.create_account()
    if not context.is_sandboxed:
        _fetch_real_replies(context)
        return
    tasks = {number: expect_sent(context.send(account, number), 1) for number in REPLY_CONTENT}
    actual = {item.get("mobile"): item.get("taskid") for item in context.fetch_replies(account, len(tasks))}
    expected = {number: str(task) for number, task in tasks.items()}
    expect(actual == expected, context.overage(account), f"replies {expected}", f"{actual}")


@checks("R10-calls")
def _a_fetch_returns_every_reply_in_order(context: CheckContext) -> None:
    def check_order(sends: list[list[str]], limit: str) -> None:
        account = context.create_account()
        expected = []
        for mobiles in sends:
            task = expect_sent(context.send(account, ",".join(mobiles)), len(mobiles))
            expected += [(number, str(task)) for number in mobiles]
        context.clock.advance(account.userid, 180)
        response = context.call(account, statusNum=limit)
        actual = [(item.get("mobile"), item.get("taskid")) for item in response.get_items("callbox")]
        expect(actual == expected, response, f"all {len(expected)} replies, in order", f"{actual}")

    check_order([list(REPLY_CONTENT)] * 3, "1")
    several = st.lists(st.lists(st.sampled_from(list(REPLY_CONTENT)), min_size=1, max_size=3), min_size=1, max_size=4)
    context.for_all(check_order, several, st.sampled_from(["", "0", "1", "2", "x"]), examples=context.few_examples)


@checks("5.4-1")
def _error_1(context: CheckContext) -> None:
    response = context.call(context.own, userid="", sign="")
    expect_document(response, ERRORSTATUS, error=1, remark=EMPTY_CREDENTIALS)


@checks("5.4-2")
def _error_2(context: CheckContext) -> None:
    def check_refused(signature: str) -> None:
        expect_document(context.call(context.own, sign=signature), ERRORSTATUS, error=2, remark=WRONG_CREDENTIALS)

    check_refused(INVALID_SIGN)
    context.for_all_if_sandboxed(check_refused, WRONG_SIGNATURE)


@checks("5.4-3")
def _error_3(context: CheckContext) -> None:
    response = context.call(context.create_account(can_read_queues=False))
    expect_document(response, ERRORSTATUS, error=3, remark=QUEUES_DENIED)
