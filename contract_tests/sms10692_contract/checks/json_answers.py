"""Checks of JSON responses (R15): the documents of all five operations for `rt=json`."""

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
    invalid_actions,
    numbers,
)
from sms10692_contract.expectations import expect, expect_sent
from sms10692_contract.expected import (
    EMPTY,
    FOUND,
    MOMENT,
    NOT_ALLOWED,
    NOT_FOUND,
    OTHER,
    PARAMETER,
    WRONG,
    ParsedResponse,
)
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import CALL, GBK, STATUS, UTF8
from sms10692_contract.safety import INVALID_SIGN

REPLIED: Final = {"10000000030": "T", "10000000031": "<好> & 😀"}


def document(response: ParsedResponse) -> Any:
    """Parse a response as JSON; raise Mismatch if it is not JSON."""
    kind = response.raw.content_type.partition(";")[0].strip().lower()
    expect(kind == "application/json", response, "application/json", response.raw.content_type)
    try:
        return response.raw.json()
    except ValueError:
        return expect(False, response, "a JSON document in UTF-8")


def expect_json(response: ParsedResponse, expected: Any) -> None:
    """Expect this document: same values and types, keys in any order."""
    try:
        is_equal = json.dumps(document(response), sort_keys=True) == json.dumps(expected, sort_keys=True)
    except RecursionError:  # nested too deeply to be serialized again
        is_equal = False
    expect(is_equal, response, json.dumps(expected, ensure_ascii=False))


def _sent(left: int, task: int, count: int) -> dict[str, Any]:
    return {"ReturnStatus": "Success", "Message": "ok", "RemainPoint": left, "TaskID": task, "SuccessCounts": count}


def _refused(message: str) -> dict[str, Any]:
    return {"ReturnStatus": "Faild", "Message": message, "RemainPoint": 0, "TaskID": 0, "SuccessCounts": 0}


@checks("R15-send")
def _a_send_in_json(context: CheckContext) -> None:
    account = context.account(points=10**6)

    def sent(page: str, count: int) -> None:
        before = context.balance(account)
        response = context.send(account, ",".join(numbers(count)), page=page, rt="json")
        actual_document = document(response)
        task = actual_document.get("TaskID") if isinstance(actual_document, dict) else None
        expect(isinstance(task, int) and task > 0, response, "a TaskID that is a number")
        expect_json(response, _sent(before - count, int(task or 0), count))

    def check_refused(page: str, extno: str) -> None:
        expect_json(context.send(account, page=page, extno=extno, rt="json"), _refused(OTHER))

    sent(UTF8, 1)
    check_refused(UTF8, "x")
    context.for_all(sent, PAGE, COUNT)
    context.for_all(check_refused, PAGE, NO_EXTNO)


@checks("R15-overage")
def _the_balance_in_json(context: CheckContext) -> None:
    def actual_document(page: str, points: int, postpaid: bool) -> None:
        account = context.account(points=points, postpaid=postpaid)
        points = 0 if postpaid else points
        payinfo = "后付费" if postpaid else "预付费"
        expected = {"ReturnStatus": "Sucess", "Message": "", "Payinfo": payinfo, "Overage": points, "SendTotal": points}
        expect_json(context.overage(account, page, rt="json"), expected)

    def check_refused(page: str, wrong: dict[str, str], message: str) -> None:
        expected = {"ReturnStatus": "Faild", "Message": message, "Payinfo": "", "Overage": 0, "SendTotal": 0}
        expect_json(context.overage(context.own, page, rt="json", **wrong), expected)

    actual_document(UTF8, 5, False)
    context.for_all(actual_document, PAGE, st.integers(0, 10**9), st.booleans())
    for page in (UTF8, GBK):
        check_refused(page, {"sign": ""}, EMPTY)
        check_refused(page, {"sign": INVALID_SIGN}, WRONG)


@checks("R15-checkkeyword")
def _the_verdict_on_a_text_in_json(context: CheckContext) -> None:
    def check_keyword(page: str, before: str, forbidden: bool, after: str) -> None:
        text = before + (context.forbidden if forbidden else "") + after
        response = context.checkkeyword(context.own, text, page, rt="json")
        expect_json(response, {"Message": FOUND if forbidden else NOT_FOUND})

    def check_refused(page: str, name: str, blank: str) -> None:
        expect_json(context.checkkeyword(context.own, "内容", page, rt="json", **{name: blank}), {"Message": EMPTY})

    for page in (UTF8, GBK):
        check_keyword(page, "代开", True, "")
        context.for_all(
            check_keyword, st.just(page), TEXT[page], st.booleans(), TEXT[page], examples=context.few_examples
        )
        expect_json(context.checkkeyword(context.own, "内容", page, rt="json", sign=INVALID_SIGN), {"Message": WRONG})
    context.for_all(check_refused, PAGE, CREDENTIAL, BLANKS, examples=context.few_examples)


def _with_receive_times(response: ParsedResponse, key: str, boxes: list[dict[str, Any]]) -> dict[str, Any]:
    """Build the expected document, with the receive times of the actual one."""
    actual_document = document(response)
    actual = actual_document.get(key) if isinstance(actual_document, dict) else None
    boxes_found = [box for box in actual if isinstance(box, dict)] if isinstance(actual, list) else []
    expect(len(boxes_found) == len(boxes), response, f"{len(boxes)} in the list {key}")
    receive_times = [str(box.get("ReceiveTime")) for box in boxes_found]
    expect(all(MOMENT.fullmatch(one) for one in receive_times), response, "a ReceiveTime like 2011-12-02 22:12:11")
    return {key: [box | {"ReceiveTime": receive_time} for box, receive_time in zip(boxes, receive_times, strict=True)]}


@checks("R15-status")
def _reports_in_json(context: CheckContext) -> None:
    def actual(expected: list[str], extno: str) -> None:
        account = context.account()
        task = expect_sent(context.send(account, ",".join(expected), extno=extno), len(expected))
        context.clock.advance(account.userid, 180)
        response = context.status(account, rt="json")
        outcomes = {"10000000020": (20, "UNDELIV")}
        boxes = []
        for number in expected:
            status, code = outcomes.get(number, (10, "DELIVRD"))
            boxes.append({"Mobile": number, "TaskId": task, "Status": status, "ErrorCode": code, "Extno": extno})
        expect_json(response, _with_receive_times(response, "StatusBox", boxes))
        expect_json(context.status(account, rt="json"), {"StatusBox": []})

    actual(["15023239810"], "01")
    mobile_lists = st.lists(HANDSET | st.just("10000000020"), min_size=1, max_size=4)
    context.for_all(actual, mobile_lists, EXTNO, examples=context.few_examples)


@checks("R15-call")
def _replies_in_json(context: CheckContext) -> None:
    def actual(mobiles: list[str], extno: str) -> None:
        account = context.account()
        task = expect_sent(context.send(account, ",".join(mobiles), extno=extno), len(mobiles))
        context.clock.advance(account.userid, 180)
        response = context.call(account, rt="json")
        boxes: list[dict[str, Any]] = [
            {"Mobile": number, "TaskId": task, "Content": REPLIED[number], "Extno": extno} for number in mobiles
        ]
        expect_json(response, _with_receive_times(response, "CallBox", boxes))
        expect_json(context.call(account, rt="json"), {"CallBox": []})

    actual(["10000000031"], "01")
    context.for_all(
        actual, st.lists(st.sampled_from(list(REPLIED)), min_size=1, max_size=4), EXTNO, examples=context.few_examples
    )


@checks("R15-errors")
def _the_errors_of_the_queues_in_json(context: CheckContext) -> None:
    allowed, not_allowed = context.account(), context.account(may_read_reports=False)

    def check_refused(page: str, error: int, action: str) -> None:
        account = not_allowed if error == 3 else allowed
        wrong = {"action": action} | ({1: {"timestamp": ""}, 2: {"sign": INVALID_SIGN}}.get(error) or {})
        remark = (EMPTY, WRONG, NOT_ALLOWED, PARAMETER)[error - 1]
        response = context.post(account, page, rt="json", **wrong)
        expect_json(response, {"ErrorStatus": {"Error": error, "Remark": remark}})

    for page in (STATUS, CALL):
        for error in range(1, 5):
            check_refused(page, error, "x")
    context.for_all(
        check_refused,
        st.sampled_from([STATUS, CALL]),
        st.integers(1, 4),
        invalid_actions("query"),
        examples=context.few_examples,
    )


@checks("R15-gbk")
def _json_on_the_gbk_page_is_ascii(context: CheckContext) -> None:
    def ascii_only(response: ParsedResponse) -> None:
        expect(response.raw.body.isascii(), response, "JSON in ASCII, which is GBK too")

    for sign in ("", INVALID_SIGN):
        ascii_only(context.overage(context.own, GBK, rt="json", sign=sign))
    ascii_only(context.overage(context.own, GBK, rt="json"))
    context.for_all(
        lambda text: ascii_only(context.checkkeyword(context.own, text, GBK, rt="json")),
        TEXT[GBK],
        examples=context.few_examples,
    )


@checks("R15-letter")
def _any_other_rt_is_xml(context: CheckContext) -> None:
    def xml(page: str, kind: str) -> None:
        response = context.overage(context.own, page, rt=kind)
        expect(response.text.startswith("<?xml"), response, f"XML, because rt is {kind!r}")

    for kind in ("JSON", "xml", ""):
        xml(UTF8, kind)
    others = st.sampled_from(["Json", "json ", " json", "jsonp", "1", "true"]) | st.text("json", max_size=6)
    context.for_all(xml, PAGE, others.filter(lambda kind: kind != "json"), examples=context.few_examples)
