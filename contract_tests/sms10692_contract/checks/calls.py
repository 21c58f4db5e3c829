"""Chapter 5: the replies of handsets.

Here belongs the call page. Replies exist where the emulator's number 10000000030 is sent to (R13).
"""

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import BLANKS, CREDENTIAL, EXTNO, NO_SIGNATURE, no_action
from sms10692_contract.expected import BOXES, CALLBOX, EMPTY, ERRORSTATUS, NOT_ALLOWED, NOTHING, PARAMETER, WRONG
from sms10692_contract.harness import CheckContext, expect, expect_document, expect_moment, expect_sent
from sms10692_contract.safety import INVALID_SIGN

ANSWERS = {"10000000030": "T", "10000000031": "&lt;好&gt; &amp; 😀"}
NEVER = {"mobile": "", "taskid": "", "content": "", "receivetime": "", "extno": ""}


@checks("5.3-layout")
def _replies_are_written_so(lab: CheckContext) -> None:
    def written(answering: list[str], extno: str) -> None:
        account = lab.account()
        task = expect_sent(lab.send(account, ",".join(answering), extno=extno), len(answering))
        answer = lab.fetch_due_replies(account, task)
        boxes = answer.boxes("callbox")
        expect(len(boxes) == len(answering), answer, f"{len(answering)} boxes")
        for box in boxes:
            expect_moment(answer, box)
        known = [{"mobile": one, "taskid": task, "content": ANSWERS[one], "extno": extno} for one in answering]
        whole = [NEVER | box | fixed for box, fixed in zip(boxes, known, strict=True)]
        expect_document(answer, BOXES, boxes="".join(CALLBOX.format(**box) for box in whole))

    written(["10000000030"], "01")
    lab.for_all(
        written, st.lists(st.sampled_from(list(ANSWERS)), min_size=1, max_size=4), EXTNO, examples=lab.few_examples
    )


@checks("5.3-escapes")
def _markup_in_a_reply_is_escaped(lab: CheckContext) -> None:
    account = lab.account()
    task = expect_sent(lab.send(account, "10000000031"), 1)
    answer = lab.fetch_due_replies(account, task)
    boxes = answer.boxes("callbox") or [{}]
    expect(boxes[0].get("content") == ANSWERS["10000000031"], answer, f"the content {ANSWERS['10000000031']}")


@checks("5.3-nothing")
def _nothing_to_fetch_is_an_empty_root(lab: CheckContext) -> None:
    account = lab.account()
    answer = lab.call(account)
    for _ in range(20):
        if "<callbox>" not in answer.text:
            break
        answer = lab.call(account)
    expect_document(answer, NOTHING)


@checks("5.1-once")
def _a_reply_is_handed_over_once(lab: CheckContext) -> None:
    account = lab.account()
    task = expect_sent(lab.send(account, "10000000030"), 1)
    first = lab.fetch_due_replies(account, task)
    expect(len(first.boxes("callbox")) == 1, first, "a reply")
    again = lab.call(account)
    expect("<callbox>" not in again.text, again, "nothing: the reply was handed over")


@checks("5.3-taskid")
def _a_reply_names_the_task_of_its_send(lab: CheckContext) -> None:
    account = lab.account()
    for number in ANSWERS:
        answer = lab.send(account, number)
        task = expect_sent(answer, 1)
        told = [(box.get("mobile"), box.get("taskid")) for box in lab.replies(account, 1)]
        expect(told == [(number, str(task))], answer, f"a reply from {number} to task {task}", f"{told}")


@checks("R10-calls")
def _a_fetch_takes_every_reply_in_order(lab: CheckContext) -> None:
    def in_order(sends: list[list[str]], asked: str) -> None:
        account = lab.account()
        wanted = []
        for answering in sends:
            task = expect_sent(lab.send(account, ",".join(answering)), len(answering))
            wanted += [(number, str(task)) for number in answering]
        lab.clock.advance(account.userid, 180)
        answer = lab.call(account, statusNum=asked)
        told = [(box.get("mobile"), box.get("taskid")) for box in answer.boxes("callbox")]
        expect(told == wanted, answer, f"all {len(wanted)} replies, in order", f"{told}")

    in_order([list(ANSWERS)] * 3, "1")
    several = st.lists(st.lists(st.sampled_from(list(ANSWERS)), min_size=1, max_size=3), min_size=1, max_size=4)
    lab.for_all(in_order, several, st.sampled_from(["", "0", "1", "2", "x"]), examples=lab.few_examples)


@checks("5.4-1")
def _error_1(lab: CheckContext) -> None:
    def refused(name: str, blank: str) -> None:
        # Whatever is blank, the signature is nobody's, so that no vendor could act on it.
        answer = lab.call(lab.own, **{"sign": INVALID_SIGN} | {name: blank})
        expect_document(answer, ERRORSTATUS, error=1, remark=EMPTY)

    for empty in ("sign", "timestamp", "userid"):
        refused(empty, "")
    lab.for_all(refused, CREDENTIAL, BLANKS)


@checks("5.4-2")
def _error_2(lab: CheckContext) -> None:
    def refused(given: str) -> None:
        expect_document(lab.call(lab.own, sign=given), ERRORSTATUS, error=2, remark=WRONG)

    refused(INVALID_SIGN)
    lab.for_all_if_free(refused, NO_SIGNATURE)


@checks("5.4-3")
def _error_3(lab: CheckContext) -> None:
    answer = lab.call(lab.account(may_read_reports=False))
    expect_document(answer, ERRORSTATUS, error=3, remark=NOT_ALLOWED)


@checks("5.4-4")
def _error_4(lab: CheckContext) -> None:
    account = lab.account()

    def refused(action: str) -> None:
        expect_document(lab.call(account, action=action), ERRORSTATUS, error=4, remark=PARAMETER)

    for action in ("send", "Query", ""):
        refused(action)
    lab.for_all(refused, no_action("query"))
