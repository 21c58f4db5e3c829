"""Checks of JSON responses (R15): the documents of all five operations for `rt=json`."""

import json
from typing import Any, Final

from hypothesis import strategies as st

from sms10692_contract.checks.registry import checks
from sms10692_contract.checks.strategies import (
    BLANK,
    CREDENTIAL_NAME,
    EXTNO,
    INVALID_EXTNO,
    MOBILE,
    MOBILE_COUNT,
    SEND_ENDPOINT,
    TEXT,
    build_mobiles,
    invalid_actions,
)
from sms10692_contract.expectations import expect, expect_sent
from sms10692_contract.expected import (
    EMPTY_CREDENTIALS,
    INVALID_PARAMETER,
    NO_WORD_FOUND,
    OTHER_ERROR,
    QUEUES_DENIED,
    TIME_PATTERN,
    WORD_FOUND,
    WRONG_CREDENTIALS,
    ParsedResponse,
)
from sms10692_contract.harness import CheckContext
from sms10692_contract.requests import CALL, GBK, STATUS, UTF8
from sms10692_contract.safety import INVALID_SIGN

REPLY_CONTENT: Final = {"10000000030": "T", "10000000031": "<好> & 😀"}


def parse_document(response: ParsedResponse) -> Any:
    """Parse a response as JSON; raise Mismatch if it is not JSON."""
    content_type = response.raw.content_type.partition(";")[0].strip().lower()
    expect(content_type == "application/json", response, "application/json", response.raw.content_type)
    try:
        return response.raw.json()
    except ValueError:
        return expect(False, response, "a JSON document in UTF-8")


def expect_json(response: ParsedResponse, expected: Any) -> None:
    """Expect this document: same values and types, keys in any order."""
    try:
        is_equal = json.dumps(parse_document(response), sort_keys=True) == json.dumps(expected, sort_keys=True)
    except RecursionError:  # nested too deeply to be serialized again
        is_equal = False
    expect(is_equal, response, json.dumps(expected, ensure_ascii=False))


def _build_accepted(balance: int, task: int, count: int) -> dict[str, Any]:
    return {"ReturnStatus": "Success", "Message": "ok", "RemainPoint": balance, "TaskID": task, "SuccessCounts": count}


def _build_refused(message: str) -> dict[str, Any]:
    return {"ReturnStatus": "Faild", "Message": message, "RemainPoint": 0, "TaskID": 0, "SuccessCounts": 0}


@checks("R15-send")
def _a_send_in_json(context: CheckContext) -> None:
    account = context.create_account(points=10**6)

    def check_accepted(endpoint: str, count: int) -> None:
        before = context.query_balance(account)
        response = context.send(account, ",".join(build_mobiles(count)), endpoint=endpoint, rt="json")
        actual_document = parse_document(response)
        task = actual_document.get("TaskID") if isinstance(actual_document, dict) else None
        expect(isinstance(task, int) and task > 0, response, "a TaskID that is a number")
        expect_json(response, _build_accepted(before - count, int(task or 0), count))

    def check_refused(endpoint: str, extno: str) -> None:
        expect_json(context.send(account, endpoint=endpoint, extno=extno, rt="json"), _build_refused(OTHER_ERROR))

    check_accepted(UTF8, 1)
    check_refused(UTF8, "x")
    context.for_all(check_accepted, SEND_ENDPOINT, MOBILE_COUNT)
    context.for_all(check_refused, SEND_ENDPOINT, INVALID_EXTNO)


@checks("R15-overage")
def _the_balance_in_json(context: CheckContext) -> None:
    def check_balance(endpoint: str, points: int, postpaid: bool) -> None:
        account = context.create_account(points=points, postpaid=postpaid)
        points = 0 if postpaid else points
        payinfo = "后付费" if postpaid else "预付费"
        expected = {"ReturnStatus": "Sucess", "Message": "", "Payinfo": payinfo, "Overage": points, "SendTotal": points}
        expect_json(context.overage(account, endpoint, rt="json"), expected)

    def check_refused(endpoint: str, invalid_fields: dict[str, str], message: str) -> None:
        expected = {"ReturnStatus": "Faild", "Message": message, "Payinfo": "", "Overage": 0, "SendTotal": 0}
        expect_json(context.overage(context.own, endpoint, rt="json", **invalid_fields), expected)

    check_balance(UTF8, 5, False)
    context.for_all(check_balance, SEND_ENDPOINT, st.integers(0, 10**9), st.booleans())
    for endpoint in (UTF8, GBK):
        check_refused(endpoint, {"sign": ""}, EMPTY_CREDENTIALS)
        check_refused(endpoint, {"sign": INVALID_SIGN}, WRONG_CREDENTIALS)


@checks("R15-checkkeyword")
def _the_verdict_on_a_text_in_json(context: CheckContext) -> None:
    def check_keyword(endpoint: str, before: str, forbidden: bool, after: str) -> None:
        text = before + (context.forbidden_word if forbidden else "") + after
        response = context.checkkeyword(context.own, text, endpoint, rt="json")
        expect_json(response, {"Message": WORD_FOUND if forbidden else NO_WORD_FOUND})

    def check_refused(endpoint: str, name: str, blank: str) -> None:
        expect_json(
            context.checkkeyword(context.own, "内容", endpoint, rt="json", **{name: blank}),
            {"Message": EMPTY_CREDENTIALS},
        )

    for endpoint in (UTF8, GBK):
        check_keyword(endpoint, "代开", True, "")
        context.for_all(
            check_keyword,
            st.just(endpoint),
            TEXT[endpoint],
            st.booleans(),
            TEXT[endpoint],
            examples=context.few_examples,
        )
        expect_json(
            context.checkkeyword(context.own, "内容", endpoint, rt="json", sign=INVALID_SIGN),
            {"Message": WRONG_CREDENTIALS},
        )
    context.for_all(check_refused, SEND_ENDPOINT, CREDENTIAL_NAME, BLANK, examples=context.few_examples)


def _with_receive_times(response: ParsedResponse, key: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    """Build the expected document, with the receive times of the actual one."""
    actual_document = parse_document(response)
    actual = actual_document.get(key) if isinstance(actual_document, dict) else None
    items_found = [item for item in actual if isinstance(item, dict)] if isinstance(actual, list) else []
    expect(len(items_found) == len(items), response, f"{len(items)} in the list {key}")
    receive_times = [str(item.get("ReceiveTime")) for item in items_found]
    expect(
        all(TIME_PATTERN.fullmatch(time) for time in receive_times), response, "a ReceiveTime like 2011-12-02 22:12:11"
    )
    return {
        key: [item | {"ReceiveTime": receive_time} for item, receive_time in zip(items, receive_times, strict=True)]
    }


@checks("R15-status")
def _reports_in_json(context: CheckContext) -> None:
    def check_reports(mobiles: list[str], extno: str) -> None:
        account = context.create_account()
        task = expect_sent(context.send(account, ",".join(mobiles), extno=extno), len(mobiles))
        context.clock.advance(account.userid, 180)
        response = context.status(account, rt="json")
        outcomes = {"10000000020": (20, "UNDELIV")}
        items = []
        for number in mobiles:
            status, code = outcomes.get(number, (10, "DELIVRD"))
            items.append({"Mobile": number, "TaskId": task, "Status": status, "ErrorCode": code, "Extno": extno})
        expect_json(response, _with_receive_times(response, "StatusBox", items))
        expect_json(context.status(account, rt="json"), {"StatusBox": []})

    check_reports(["15023239810"], "01")
    mobile_lists = st.lists(MOBILE | st.just("10000000020"), min_size=1, max_size=4)
    context.for_all(check_reports, mobile_lists, EXTNO, examples=context.few_examples)


@checks("R15-call")
def _replies_in_json(context: CheckContext) -> None:
    def check_replies(mobiles: list[str], extno: str) -> None:
        account = context.create_account()
        task = expect_sent(context.send(account, ",".join(mobiles), extno=extno), len(mobiles))
        context.clock.advance(account.userid, 180)
        response = context.call(account, rt="json")
        items: list[dict[str, Any]] = [
            {"Mobile": number, "TaskId": task, "Content": REPLY_CONTENT[number], "Extno": extno} for number in mobiles
        ]
        expect_json(response, _with_receive_times(response, "CallBox", items))
        expect_json(context.call(account, rt="json"), {"CallBox": []})

    check_replies(["10000000031"], "01")
    context.for_all(
        check_replies,
        st.lists(st.sampled_from(list(REPLY_CONTENT)), min_size=1, max_size=4),
        EXTNO,
        examples=context.few_examples,
    )


@checks("R15-errors")
def _the_errors_of_the_queues_in_json(context: CheckContext) -> None:
    allowed, denied = context.create_account(), context.create_account(can_read_queues=False)

    def check_refused(endpoint: str, error: int, action: str) -> None:
        account = denied if error == 3 else allowed
        invalid_fields = {"action": action} | ({1: {"timestamp": ""}, 2: {"sign": INVALID_SIGN}}.get(error) or {})
        remark = (EMPTY_CREDENTIALS, WRONG_CREDENTIALS, QUEUES_DENIED, INVALID_PARAMETER)[error - 1]
        response = context.post(account, endpoint, rt="json", **invalid_fields)
        expect_json(response, {"ErrorStatus": {"Error": error, "Remark": remark}})

    for endpoint in (STATUS, CALL):
        for error in range(1, 5):
            check_refused(endpoint, error, "x")
    context.for_all(
        check_refused,
        st.sampled_from([STATUS, CALL]),
        st.integers(1, 4),
        invalid_actions("query"),
        examples=context.few_examples,
    )


@checks("R15-gbk")
def _json_on_the_gbk_endpoint_is_ascii(context: CheckContext) -> None:
    def check_ascii(response: ParsedResponse) -> None:
        expect(response.raw.body.isascii(), response, "JSON in ASCII, which is GBK too")

    for sign in ("", INVALID_SIGN):
        check_ascii(context.overage(context.own, GBK, rt="json", sign=sign))
    check_ascii(context.overage(context.own, GBK, rt="json"))
    context.for_all(
        lambda text: check_ascii(context.checkkeyword(context.own, text, GBK, rt="json")),
        TEXT[GBK],
        examples=context.few_examples,
    )


@checks("R15-letter")
def _any_other_rt_means_xml(context: CheckContext) -> None:
    def check_xml(endpoint: str, rt: str) -> None:
        response = context.overage(context.own, endpoint, rt=rt)
        expect(response.text.startswith("<?xml"), response, f"XML, because rt is {rt!r}")

    for rt in ("JSON", "xml", ""):
        check_xml(UTF8, rt)
    other_values = st.sampled_from(["Json", "json ", " json", "jsonp", "1", "true"]) | st.text("json", max_size=6)
    context.for_all(
        check_xml, SEND_ENDPOINT, other_values.filter(lambda rt: rt != "json"), examples=context.few_examples
    )
