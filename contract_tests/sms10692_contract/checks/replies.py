"""Checks of chapter 5: replies (inbound messages).

The emulator creates replies for messages to its numbers 10000000030 and 10000000031 (R13).
"""

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import BLANK, CREDENTIAL_NAME, EXTNO, WRONG_SIGNATURE, invalid_actions
from sms10692_contract.expectations import expect, expect_document, expect_receivetime, expect_sent
from sms10692_contract.expected import (
    CALLBOX,
    EMPTY_CREDENTIALS,
    EMPTY_QUEUE,
    ERRORSTATUS,
    INVALID_PARAMETER,
    ITEM_LIST,
    QUEUES_DENIED,
    WRONG_CREDENTIALS,
)
from sms10692_contract.harness import CheckContext
from sms10692_contract.safety import INVALID_SIGN

REPLY_CONTENT = {"10000000030": "T", "10000000031": "&lt;好&gt; &amp; 😀"}
EMPTY_ITEM = {"mobile": "", "taskid": "", "content": "", "receivetime": "", "extno": ""}


@checks("5.3-layout")
def _replies_have_the_documented_layout(context: CheckContext) -> None:
    def check_layout(mobiles: list[str], extno: str) -> None:
        account = context.create_account()
        task = expect_sent(context.send(account, ",".join(mobiles), extno=extno), len(mobiles))
        response = context.fetch_due_replies(account, task)
        items = response.get_items("callbox")
        expect(len(items) == len(mobiles), response, f"{len(mobiles)} items")
        for item in items:
            expect_receivetime(response, item)
        fixed_fields = [
            {"mobile": number, "taskid": task, "content": REPLY_CONTENT[number], "extno": extno} for number in mobiles
        ]
        expected = [EMPTY_ITEM | item | fixed for item, fixed in zip(items, fixed_fields, strict=True)]
        expect_document(response, ITEM_LIST, items="".join(CALLBOX.format(**item) for item in expected))

    check_layout(["10000000030"], "01")
    context.for_all(
        check_layout,
        st.lists(st.sampled_from(list(REPLY_CONTENT)), min_size=1, max_size=4),
        EXTNO,
        examples=context.few_examples,
    )


@checks("5.3-escapes")
def _markup_in_a_reply_is_escaped(context: CheckContext) -> None:
    account = context.create_account()
    task = expect_sent(context.send(account, "10000000031"), 1)
    response = context.fetch_due_replies(account, task)
    items = response.get_items("callbox") or [{}]
    expect(
        items[0].get("content") == REPLY_CONTENT["10000000031"], response, f"the content {REPLY_CONTENT['10000000031']}"
    )


@checks("5.3-nothing")
def _an_empty_queue_is_an_empty_root(context: CheckContext) -> None:
    account = context.create_account()
    response = context.call(account)
    for _ in range(20):
        if "<callbox>" not in response.text:
            break
        response = context.call(account)
    expect_document(response, EMPTY_QUEUE)


@checks("5.1-once")
def _a_reply_is_fetched_once(context: CheckContext) -> None:
    account = context.create_account()
    task = expect_sent(context.send(account, "10000000030"), 1)
    first = context.fetch_due_replies(account, task)
    expect(len(first.get_items("callbox")) == 1, first, "a reply")
    again = context.call(account)
    expect("<callbox>" not in again.text, again, "no reply: it was fetched before")


@checks("5.3-taskid")
def _a_reply_names_the_task_of_its_send(context: CheckContext) -> None:
    account = context.create_account()
    for number in REPLY_CONTENT:
        response = context.send(account, number)
        task = expect_sent(response, 1)
        actual = [(item.get("mobile"), item.get("taskid")) for item in context.fetch_replies(account, 1)]
        expect(actual == [(number, str(task))], response, f"a reply from {number} to task {task}", f"{actual}")


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
    def check_refused(name: str, blank: str) -> None:
        # The signature is always invalid, so that no vendor can act on the request.
        response = context.call(context.own, **{"sign": INVALID_SIGN} | {name: blank})
        expect_document(response, ERRORSTATUS, error=1, remark=EMPTY_CREDENTIALS)

    for name in ("sign", "timestamp", "userid"):
        check_refused(name, "")
    context.for_all(check_refused, CREDENTIAL_NAME, BLANK)


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


@checks("5.4-4")
def _error_4(context: CheckContext) -> None:
    account = context.create_account()

    def check_refused(action: str) -> None:
        expect_document(context.call(account, action=action), ERRORSTATUS, error=4, remark=INVALID_PARAMETER)

    for action in ("send", "Query", ""):
        check_refused(action)
    context.for_all(check_refused, invalid_actions("query"))
