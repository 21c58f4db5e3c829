"""R15: the same answers in JSON, for who asks with `rt=json`.

Here belong the documents of the five operations in JSON. What is in them is the affair of the other families.
"""

import json
from typing import Any, Final

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import (
    BLANKS,
    COUNT,
    CREDENTIAL,
    EXTNO,
    HANDSET,
    NO_EXTNO,
    PAGE,
    TEXT,
    no_action,
    numbers,
)
from sms10692_contract.expected import (
    EMPTY,
    FOUND,
    MOMENT,
    NOT_ALLOWED,
    NOT_FOUND,
    OTHER,
    PARAMETER,
    WRONG,
    ParsedAnswer,
)
from sms10692_contract.harness import CheckContext, expect, expect_sent
from sms10692_contract.requests import CALL, GBK, STATUS, UTF8
from sms10692_contract.safety import INVALID_SIGN

REPLIED: Final = {"10000000030": "T", "10000000031": "<好> & 😀"}


def document(answer: ParsedAnswer) -> Any:
    """The answer as JSON."""
    kind = answer.raw.content_type.partition(";")[0].strip().lower()
    expect(kind == "application/json", answer, "application/json", answer.raw.content_type)
    try:
        return answer.raw.json()
    except ValueError:
        return expect(False, answer, "a JSON document in UTF-8")


def expect_json(answer: ParsedAnswer, wanted: Any) -> None:
    """The answer is this document; numbers are numbers, and the order of keys is nobody's affair."""
    try:
        same = json.dumps(document(answer), sort_keys=True) == json.dumps(wanted, sort_keys=True)
    except RecursionError:  # it could be read, and is nested too deeply to be written
        same = False
    expect(same, answer, json.dumps(wanted, ensure_ascii=False))


def _sent(left: int, task: int, count: int) -> dict[str, Any]:
    return {"ReturnStatus": "Success", "Message": "ok", "RemainPoint": left, "TaskID": task, "SuccessCounts": count}


def _refused(message: str) -> dict[str, Any]:
    return {"ReturnStatus": "Faild", "Message": message, "RemainPoint": 0, "TaskID": 0, "SuccessCounts": 0}


@checks("R15-send")
def _a_send_in_json(lab: CheckContext) -> None:
    account = lab.account(points=10**6)

    def sent(page: str, count: int) -> None:
        before = lab.balance(account)
        answer = lab.send(account, ",".join(numbers(count)), page=page, rt="json")
        found = document(answer)
        task = found.get("TaskID") if isinstance(found, dict) else None
        expect(isinstance(task, int) and task > 0, answer, "a TaskID that is a number")
        expect_json(answer, _sent(before - count, int(task or 0), count))

    def refused(page: str, extno: str) -> None:
        expect_json(lab.send(account, page=page, extno=extno, rt="json"), _refused(OTHER))

    sent(UTF8, 1)
    refused(UTF8, "x")
    lab.for_all(sent, PAGE, COUNT)
    lab.for_all(refused, PAGE, NO_EXTNO)


@checks("R15-overage")
def _the_balance_in_json(lab: CheckContext) -> None:
    def found(page: str, points: int, postpaid: bool) -> None:
        account = lab.account(points=points, postpaid=postpaid)
        points = 0 if postpaid else points
        payinfo = "后付费" if postpaid else "预付费"
        wanted = {"ReturnStatus": "Sucess", "Message": "", "Payinfo": payinfo, "Overage": points, "SendTotal": points}
        expect_json(lab.overage(account, page, rt="json"), wanted)

    def refused(page: str, wrong: dict[str, str], message: str) -> None:
        wanted = {"ReturnStatus": "Faild", "Message": message, "Payinfo": "", "Overage": 0, "SendTotal": 0}
        expect_json(lab.overage(lab.own, page, rt="json", **wrong), wanted)

    found(UTF8, 5, False)
    lab.for_all(found, PAGE, st.integers(0, 10**9), st.booleans())
    for page in (UTF8, GBK):
        refused(page, {"sign": ""}, EMPTY)
        refused(page, {"sign": INVALID_SIGN}, WRONG)


@checks("R15-checkkeyword")
def _the_verdict_on_a_text_in_json(lab: CheckContext) -> None:
    def checked(page: str, before: str, forbidden: bool, after: str) -> None:
        text = before + (lab.forbidden if forbidden else "") + after
        answer = lab.checkkeyword(lab.own, text, page, rt="json")
        expect_json(answer, {"Message": FOUND if forbidden else NOT_FOUND})

    def refused(page: str, name: str, blank: str) -> None:
        expect_json(lab.checkkeyword(lab.own, "内容", page, rt="json", **{name: blank}), {"Message": EMPTY})

    for page in (UTF8, GBK):
        checked(page, "代开", True, "")
        lab.for_all(checked, st.just(page), TEXT[page], st.booleans(), TEXT[page], examples=lab.few_examples)
        expect_json(lab.checkkeyword(lab.own, "内容", page, rt="json", sign=INVALID_SIGN), {"Message": WRONG})
    lab.for_all(refused, PAGE, CREDENTIAL, BLANKS, examples=lab.few_examples)


def _with_moments(answer: ParsedAnswer, key: str, boxes: list[dict[str, Any]]) -> dict[str, Any]:
    """The document that should have come, at the moments that did."""
    found = document(answer)
    told = found.get(key) if isinstance(found, dict) else None
    given = [box for box in told if isinstance(box, dict)] if isinstance(told, list) else []
    expect(len(given) == len(boxes), answer, f"{len(boxes)} in the list {key}")
    moments = [str(box.get("ReceiveTime")) for box in given]
    expect(all(MOMENT.fullmatch(one) for one in moments), answer, "a ReceiveTime like 2011-12-02 22:12:11")
    return {key: [box | {"ReceiveTime": moment} for box, moment in zip(boxes, moments, strict=True)]}


@checks("R15-status")
def _reports_in_json(lab: CheckContext) -> None:
    def told(wanted: list[str], extno: str) -> None:
        account = lab.account()
        task = expect_sent(lab.send(account, ",".join(wanted), extno=extno), len(wanted))
        lab.clock.advance(account.userid, 180)
        answer = lab.status(account, rt="json")
        fates = {"10000000020": (20, "UNDELIV")}
        boxes = []
        for number in wanted:
            status, code = fates.get(number, (10, "DELIVRD"))
            boxes.append({"Mobile": number, "TaskId": task, "Status": status, "ErrorCode": code, "Extno": extno})
        expect_json(answer, _with_moments(answer, "StatusBox", boxes))
        expect_json(lab.status(account, rt="json"), {"StatusBox": []})

    told(["15023239810"], "01")
    some = st.lists(HANDSET | st.just("10000000020"), min_size=1, max_size=4)
    lab.for_all(told, some, EXTNO, examples=lab.few_examples)


@checks("R15-call")
def _replies_in_json(lab: CheckContext) -> None:
    def told(answering: list[str], extno: str) -> None:
        account = lab.account()
        task = expect_sent(lab.send(account, ",".join(answering), extno=extno), len(answering))
        lab.clock.advance(account.userid, 180)
        answer = lab.call(account, rt="json")
        boxes: list[dict[str, Any]] = [
            {"Mobile": number, "TaskId": task, "Content": REPLIED[number], "Extno": extno} for number in answering
        ]
        expect_json(answer, _with_moments(answer, "CallBox", boxes))
        expect_json(lab.call(account, rt="json"), {"CallBox": []})

    told(["10000000031"], "01")
    lab.for_all(
        told, st.lists(st.sampled_from(list(REPLIED)), min_size=1, max_size=4), EXTNO, examples=lab.few_examples
    )


@checks("R15-errors")
def _the_errors_of_the_queues_in_json(lab: CheckContext) -> None:
    allowed, not_allowed = lab.account(), lab.account(may_read_reports=False)

    def refused(page: str, error: int, action: str) -> None:
        account = not_allowed if error == 3 else allowed
        wrong = {"action": action} | ({1: {"timestamp": ""}, 2: {"sign": INVALID_SIGN}}.get(error) or {})
        remark = (EMPTY, WRONG, NOT_ALLOWED, PARAMETER)[error - 1]
        answer = lab.post(account, page, rt="json", **wrong)
        expect_json(answer, {"ErrorStatus": {"Error": error, "Remark": remark}})

    for page in (STATUS, CALL):
        for error in range(1, 5):
            refused(page, error, "x")
    lab.for_all(
        refused, st.sampled_from([STATUS, CALL]), st.integers(1, 4), no_action("query"), examples=lab.few_examples
    )


@checks("R15-gbk")
def _json_on_the_gbk_page_is_ascii(lab: CheckContext) -> None:
    def ascii_only(answer: ParsedAnswer) -> None:
        expect(answer.raw.body.isascii(), answer, "JSON in ASCII, which is GBK too")

    for sign in ("", INVALID_SIGN):
        ascii_only(lab.overage(lab.own, GBK, rt="json", sign=sign))
    ascii_only(lab.overage(lab.own, GBK, rt="json"))
    lab.for_all(
        lambda text: ascii_only(lab.checkkeyword(lab.own, text, GBK, rt="json")), TEXT[GBK], examples=lab.few_examples
    )


@checks("R15-letter")
def _any_other_rt_is_xml(lab: CheckContext) -> None:
    def xml(page: str, kind: str) -> None:
        answer = lab.overage(lab.own, page, rt=kind)
        expect(answer.text.startswith("<?xml"), answer, f"XML, because rt is {kind!r}")

    for kind in ("JSON", "xml", ""):
        xml(UTF8, kind)
    others = st.sampled_from(["Json", "json ", " json", "jsonp", "1", "true"]) | st.text("json", max_size=6)
    lab.for_all(xml, PAGE, others.filter(lambda kind: kind != "json"), examples=lab.few_examples)
