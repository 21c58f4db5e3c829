"""Chapter 5: the replies of handsets.

Here belongs the call page. Replies exist where the emulator's number 10000000030 is sent to (R13).
"""

from sms10692_contract.answers import BOXES, CALLBOX, ERRORSTATUS, NOTHING
from sms10692_contract.checks.registry import holds
from sms10692_contract.checks.statuses import one_moment
from sms10692_contract.gate import NO_SIGN
from sms10692_contract.lab import Lab, expect, expect_document, expect_sent

ANSWERS = {"10000000030": "T", "10000000031": "&lt;好&gt; &amp; 😀"}
EMPTY = {"mobile": "", "taskid": "", "content": "", "receivetime": "", "extno": ""}


@holds("5.3-layout")
def _replies_are_written_so(lab: Lab) -> None:
    account = lab.account()
    task = expect_sent(lab.send(account, "10000000030", extno="01"), 1)
    answer = lab.ripe_call(account, task)
    boxes = answer.boxes("callbox")
    expect(len(boxes) == 1, answer, "one box")
    one_moment(answer, boxes[0])
    known = {"mobile": "10000000030", "taskid": task, "content": "T", "extno": "01"}
    expect_document(answer, BOXES, boxes=CALLBOX.format(**EMPTY | boxes[0] | known))


@holds("5.3-escapes")
def _markup_in_a_reply_is_escaped(lab: Lab) -> None:
    account = lab.account()
    task = expect_sent(lab.send(account, "10000000031"), 1)
    answer = lab.ripe_call(account, task)
    boxes = answer.boxes("callbox") or [{}]
    expect(boxes[0].get("content") == ANSWERS["10000000031"], answer, f"the content {ANSWERS['10000000031']}")


@holds("5.3-nothing")
def _nothing_to_fetch_is_an_empty_root(lab: Lab) -> None:
    account = lab.account()
    answer = lab.call(account)
    for _ in range(20):
        if "<callbox>" not in answer.text:
            break
        answer = lab.call(account)
    expect_document(answer, NOTHING)


@holds("5.1-once")
def _a_reply_is_handed_over_once(lab: Lab) -> None:
    account = lab.account()
    task = expect_sent(lab.send(account, "10000000030"), 1)
    first = lab.ripe_call(account, task)
    expect(len(first.boxes("callbox")) == 1, first, "a reply")
    again = lab.call(account)
    expect("<callbox>" not in again.text, again, "nothing: the reply was handed over")


@holds("5.3-taskid")
def _a_reply_names_the_task_of_its_send(lab: Lab) -> None:
    account = lab.account()
    for number in ANSWERS:
        answer = lab.send(account, number)
        task = expect_sent(answer, 1)
        told = [(box.get("mobile"), box.get("taskid")) for box in lab.replies(account, 1)]
        expect(told == [(number, str(task))], answer, f"a reply from {number} to task {task}", f"{told}")


@holds("R10-calls")
def _a_fetch_takes_every_reply_in_order(lab: Lab) -> None:
    account = lab.account()
    tasks = [expect_sent(lab.send(account, "10000000030,10000000031"), 2) for _ in range(3)]
    lab.clock.advance(account.userid, 180)
    answer = lab.call(account, statusNum="1")
    told = [(box.get("mobile"), box.get("taskid")) for box in answer.boxes("callbox")]
    expect(told == [(number, str(task)) for task in tasks for number in ANSWERS], answer, "all six replies, in order")


@holds("5.4-1")
def _error_1(lab: Lab) -> None:
    for empty in ("sign", "timestamp", "userid"):
        expect_document(lab.call(lab.own, **{empty: ""}), ERRORSTATUS, error=1, remark="用户名或密码不能为空")


@holds("5.4-2")
def _error_2(lab: Lab) -> None:
    expect_document(lab.call(lab.own, sign=NO_SIGN), ERRORSTATUS, error=2, remark="用户名或密码错误")


@holds("5.4-3")
def _error_3(lab: Lab) -> None:
    answer = lab.call(lab.account(may_read_reports=False))
    expect_document(answer, ERRORSTATUS, error=3, remark="该用户不允许查看状态报告")


@holds("5.4-4")
def _error_4(lab: Lab) -> None:
    for action in ("send", "Query", ""):
        answer = lab.call(lab.account(), action=action)
        expect_document(answer, ERRORSTATUS, error=4, remark="参数不正确")
