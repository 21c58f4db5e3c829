"""Cases about the answers of a vendor: refusals, items of the queues, and the ways of writing one value in XML."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sms10692_examine.case_table import VENDOR
from sms10692_examine.cases.answers import (
    REPLY,
    REPORT,
    SENT,
    answer,
    boxes,
    document,
    element,
    error,
    fields,
    respond,
    respond_with,
    sent,
)
from sms10692_examine.cases.registry import case
from sms10692_examine.driver_protocol import Answer
from sms10692_examine.session import NUMBER, TEXT, Session
from sms10692_examine.vendor_proxy import Alteration
from sms10692_examine.verdicts import CaseFailed, CaseWarning, NotJudged, NotSupported, expect

# Send


@case("R-accepted")
def _an_accepted_send_is_understood(session: Session) -> None:
    answer = session.send()
    expect(answer.kind == "accepted", "the client understood: {}", answer)
    task, counts = answer.document.get("taskID"), answer.document.get("successCounts")
    messages = session.vendor.messages()
    expect(bool(messages), "no message arrived")
    expect(task in (None, str(messages[0].task_id)), "taskID is {!r}; the vendor gave {}", task, messages[0].task_id)
    expect(counts in (None, 1), "successCounts is {!r}; the vendor gave 1", counts)


def _expect_refused(session: Session, message: str) -> None:
    respond(session, sent(returnstatus="Faild", message=message, remainpoint="0", taskID="0", successCounts="0"))
    answer = session.send()
    expect(answer.kind == "refused", "the vendor refused with {!r}, and the client understood: {}", message, answer)


@case("R-send-messages")
def _each_refusal_of_a_send_is_told_apart(session: Session) -> None:
    """Answer with each message of 1.3; its text, or a reason of its own for each, must reach the caller."""
    reasons: dict[str, str] = {}
    for message in VENDOR.send_refusals:
        respond(session, sent(returnstatus="Faild", message=message, remainpoint="0", taskID="0", successCounts="0"))
        answer = session.send()
        expect(answer.kind == "refused", "the vendor refused with {!r}, and the client understood: {}", message, answer)
        expect(
            answer.reason not in reasons.values(), "{!r} has the same reason as another: {!r}", message, answer.reason
        )
        reasons[message] = answer.reason


@case("R-faild")
def _faild_is_a_refusal(session: Session) -> None:
    _expect_refused(session, VENDOR.other_error)


@case("R-unknown-message")
def _a_message_that_is_not_in_the_manual_is_a_refusal(session: Session) -> None:
    _expect_refused(session, "短信必须带【】格式签名")


@case("R-word-behind-colon")
def _a_word_behind_the_colon_is_a_refusal(session: Session) -> None:
    _expect_refused(session, f"{VENDOR.forbidden_in_send}发票")


@case("R-refused-with-ok-text")
def _the_status_decides_and_not_the_text(session: Session) -> None:
    """Answer with Faild and a message that contains ok and Success."""
    _expect_refused(session, "not ok: Success is missing")


@case("R-balance")
def _a_small_balance_is_a_refusal(session: Session) -> None:
    session.use_account(points=0)
    answer = session.send()
    expect(answer.kind == "refused", "the balance was too small, and the client understood: {}", answer)
    expect(not session.vendor.messages(), "messages were sent")


@case("R-negative-balance")
def _a_negative_remainpoint_is_an_accepted_send(session: Session) -> None:
    respond(session, sent(remainpoint="-1001"))
    answer = session.send()
    session.expect_accepted(answer, "remainpoint is -1001 after paying later, and the client understood: {}", answer)
    points = answer.document.get("remainpoint")
    expect(points in (None, -1001), "remainpoint -1001 was understood as {}", points)


@case("R-large-task")
def _a_task_number_above_32_bits_is_exact(session: Session) -> None:
    respond(session, sent(taskID="9007199254740993"))
    answer = session.send()
    session.expect_accepted(answer, "the client understood: {}", answer)
    task = answer.document.get("taskID")
    expect(task in (None, "9007199254740993"), "taskID 9007199254740993 was understood as {}", task)


@case("R-unknown-element")
def _unknown_elements_are_ignored(session: Session) -> None:
    respond(session, fields({"version": "2", **SENT, "extra": "1"}))
    answer = session.send()
    session.expect_accepted(answer, "the answer has two unknown elements, and the client understood: {}", answer)


@case("R-one-line")
def _layout_has_no_meaning(session: Session) -> None:
    respond(session, "".join(element(name, text) for name, text in SENT.items()))
    answer = session.send()
    session.expect_accepted(answer, "the answer has no line ends, and the client understood: {}", answer)


@case("R-line-after-declaration")
def _a_line_end_behind_the_declaration_has_no_meaning(session: Session) -> None:
    charset = session.settings.charset
    text = document(sent(), charset).replace("?><", "?>\r\n<").replace("\n ", "\r\n  ")
    respond_with(session, answer(text.encode("gbk" if charset == "gb2312" else "utf-8"), charset))
    understood = session.send()
    session.expect_accepted(understood, "the client understood: {}", understood)


@case("R-cdata")
def _cdata_is_text(session: Session) -> None:
    respond(session, "".join(f"\n <{name}><![CDATA[{text}]]></{name}>" for name, text in SENT.items()))
    answer = session.send()
    session.expect_accepted(answer, "the values are in CDATA, and the client understood: {}", answer)
    task = answer.document.get("taskID")
    expect(task in (None, SENT["taskID"]), "taskID was understood as {!r}", task)


@case("R-bom")
def _a_byte_order_mark_is_no_text(session: Session) -> None:
    respond_with(session, answer(b"\xef\xbb\xbf" + document(sent()).encode()))
    understood = session.send()
    expect(understood.kind in ("accepted", "unknown"), "the client understood: {}", understood)
    if understood.kind == "unknown":
        raise CaseWarning("an answer with a byte order mark is not understood: {}", understood)


@case("R-wrong-charset-label")
def _the_declaration_decides_over_the_header(session: Session) -> None:
    """Answer in GBK bytes that the declaration names, with a header that says UTF-8."""
    message = VENDOR.balance_too_small
    body = document(sent(returnstatus="Faild", message=message, taskID="0"), "gb2312").encode("gbk")
    respond_with(session, answer(body, "utf-8"))
    understood = session.send()
    expect(understood.kind in ("refused", "unknown"), "the vendor refused, and the client understood: {}", understood)
    if understood.kind == "refused" and "\ufffd" in understood.reason:
        raise CaseWarning("the message arrived as {!r}", understood.reason)


# Balance and words


def _get_value(answer: Answer, name: str) -> object:
    """Return a value of an accepted answer. Raises NotSupported if the client does not tell it."""
    value = answer.document.get(name)
    if value is None:
        raise NotSupported("the client does not tell {}", name)
    return value


@case("R-sucess")
def _sucess_is_a_success(session: Session) -> None:
    session.use_account(points=4321)
    answer = session.ask("overage")
    expect(answer.kind == "accepted", "the vendor answered Sucess, and the client understood: {}", answer)
    balance = _get_value(answer, "overage")
    expect(balance == 4321, "a balance of 4321 was understood as {}", balance)


@case("R-postpaid")
def _a_negative_balance_is_understood(session: Session) -> None:
    respond(
        session,
        fields(
            {"returnstatus": "Sucess", "message": "", "payinfo": VENDOR.postpaid, "overage": "-35", "sendTotal": "0"}
        ),
        "overage",
    )
    answer = session.ask("overage")
    session.expect_accepted(answer, "the balance is -35, and the client understood: {}", answer, operation="overage")
    balance = _get_value(answer, "overage")
    expect(balance == -35, "-35 was understood as {}", balance)


@case("R-overage-messages")
def _each_refusal_of_overage_is_a_refusal(session: Session) -> None:
    for message in VENDOR.query_refusals:
        refused = {"returnstatus": "Faild", "message": message, "payinfo": "", "overage": "0", "sendTotal": "0"}
        respond(session, fields(refused), "overage")
        answer = session.ask("overage")
        expect(
            answer.kind == "refused", "overage was refused with {!r}, and the client understood: {}", message, answer
        )


@case("R-clean-text")
def _a_clean_text_is_clean(session: Session) -> None:
    answer = session.ask("checkkeyword", content=TEXT)
    expect(answer.kind == "accepted", "the client understood: {}", answer)
    is_forbidden = _get_value(answer, "forbidden")
    expect(is_forbidden is False, "没有包含屏蔽词 was understood as a forbidden text")


@case("R-forbidden-text")
def _a_forbidden_word_is_found(session: Session) -> None:
    for message in (VENDOR.forbidden_found, f"{VENDOR.forbidden_in_send}发票"):
        respond(session, fields({"message": message}), "checkkeyword")
        answer = session.ask("checkkeyword", content="【商店】代开发票")
        is_found = answer.kind == "refused" or answer.document.get("forbidden") is True
        expect(is_found, "{} was understood as {}", message, answer)


@case("R-checkkeyword-messages")
def _a_refused_check_is_no_clean_text(session: Session) -> None:
    for message in VENDOR.query_refusals:
        respond(session, fields({"message": message}), "checkkeyword")
        answer = session.ask("checkkeyword", content=TEXT)
        expect(
            answer.kind in ("refused", "unknown"),
            "checkkeyword was refused with {!r}, and the client understood: {}",
            message,
            answer,
        )


# Queues


def _fetch(session: Session, operation: str, content: str) -> Answer:
    session.require(operation)
    respond(session, content, operation)
    return session.ask(operation)


def _expect_items(
    session: Session,
    operation: str,
    content: str,
    expected: Sequence[Mapping[str, str]],
    names: Sequence[str] = ("mobile",),
    *,
    is_ordinary: bool = False,
) -> Answer:
    """Answer a fetch, expect that it is accepted with these values of its items in their order, and return it.

    `is_ordinary` is true in the case on which the others rely.
    """
    answer = _fetch(session, operation, content)
    if answer.kind != "accepted":
        if not is_ordinary:
            session.rely_on(operation)
        raise CaseFailed("{} items were answered, and the client understood: {}", len(expected), answer)
    expect(len(answer.items) == len(expected), "of {} items {} were processed", len(expected), len(answer.items))
    for position, (item, wanted) in enumerate(zip(answer.items, expected, strict=True)):
        for name in names:
            expect(
                item[name] == wanted[name],
                "{} of item {} is {!r} and was understood as {!r}",
                name,
                position + 1,
                wanted[name],
                item[name],
            )
    return answer


def _register_queue_errors(operation: str) -> None:
    @case(f"R-{operation}-errors")
    def check(session: Session) -> None:
        for number, remark in enumerate(VENDOR.queue_errors, 1):
            answer = _fetch(session, operation, error(number, remark))
            expect(
                answer.kind == "refused",
                "{} was refused with error {}, {}; the client understood: {}",
                operation,
                number,
                remark,
                answer,
            )


def _register_counts(operation: str, item: Mapping[str, str]) -> None:
    for name, count in {"one": 1, "two": 2, "4000": 4000}.items():

        @case(f"R-{operation}-{name}")
        def check(session: Session, count: int = count) -> None:
            items = [{**item, "mobile": str(13_800_000_000 + index)} for index in range(count)]
            _expect_items(session, operation, boxes(operation, items), items, is_ordinary=count == 1)

    @case(f"R-{operation}-empty")
    def check_empty(session: Session) -> None:
        session.require(operation)
        for text in (document(""), document("\n "), document("").replace("><returnsms></returnsms>", "><returnsms />")):
            respond_with(session, answer(text.encode()), operation)
            understood = session.ask(operation)
            expect(
                understood.kind == "accepted" and not understood.items,
                "the queue is empty, {!r}, and the client understood: {}",
                text,
                understood,
            )

    @case(f"R-{operation}-entities")
    def check_entities(session: Session) -> None:
        name = "content" if operation == "call" else "errorcode"
        texts = ["A&B<C>", "]]>", "\"'", "好😀" if operation == "call" else "MK:0011"]
        items = [{**item, "mobile": str(13_800_000_000 + index), name: text} for index, text in enumerate(texts)]
        _expect_items(session, operation, boxes(operation, items), items, (name,))

    @case(f"R-{operation}-cdata")
    def check_cdata(session: Session) -> None:
        name = "content" if operation == "call" else "errorcode"
        plain = boxes(operation, [{**item, name: "PLACE"}])
        text = "A&B]]><b>"
        wrapped = "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"
        _expect_items(session, operation, plain.replace("PLACE", wrapped), [{**item, name: text}], (name,))

    @case(f"R-{operation}-empty-extno")
    def check_extno(session: Session) -> None:
        first, second = {**item, "extno": ""}, {**item, "mobile": "13800000002"}
        for written in ("<extno></extno>", "<extno/>"):
            content = boxes(operation, [first, second]).replace("<extno></extno>", written)
            _expect_items(session, operation, content, [first, second], ("mobile", "extno"))

    @case(f"R-{operation}-unknown-task")
    def check_unknown_task(session: Session) -> None:
        items = [{**item, "taskid": "999999999"}, {**item, "mobile": "13800000002"}]
        _expect_items(session, operation, boxes(operation, items), items, ("mobile", "taskid"))

    @case(f"R-{operation}-twice")
    def check_twice(session: Session) -> None:
        items = [item, {**item, "taskid": "1234568"}, {**item, "taskid": "1234569"}]
        _expect_items(session, operation, boxes(operation, items), items, ("mobile", "taskid"))

    @case(f"R-{operation}-old-date")
    def check_old_date(session: Session) -> None:
        items = [{**item, "receivetime": "2016/1/26 11:02:08"}, {**item, "mobile": "13800000002"}]
        answer = _fetch(session, operation, boxes(operation, items))
        expect(answer.kind in ("accepted", "unknown"), "the client understood: {}", answer)
        if answer.kind == "unknown" or len(answer.items) < len(items):
            raise CaseWarning("with the date 2016/1/26 11:02:08 of older servers the client understood: {}", answer)


for _operation, _item in (("status", REPORT), ("call", REPLY)):
    _register_queue_errors(_operation)
    _register_counts(_operation, _item)


@case("R-status-word")
def _status_decides_and_not_errorcode(session: Session) -> None:
    items = [
        {**REPORT, "mobile": "13800000001", "status": "20", "errorcode": "DELIVRD"},
        {**REPORT, "mobile": "13800000002", "status": "10", "errorcode": "MK:0011"},
        {**REPORT, "mobile": "13800000003", "status": "20", "errorcode": ""},
        {**REPORT, "mobile": "13800000004", "status": "10", "errorcode": ""},
    ]
    answer = _expect_items(session, "status", boxes("status", items), items)
    words = [item["status"] for item in answer.items]
    expected = ["failed", "delivered", "failed", "delivered"]
    shown = [f"{item['status']}, {item['errorcode']!r}" for item in items]
    expect(words == expected, "the reports ({}) were understood as {}", "; ".join(shown), words)


@case("R-status-unknown")
def _an_unknown_status_is_not_delivered(session: Session) -> None:
    answer = _fetch(
        session, "status", boxes("status", [{**REPORT, "status": "30"}, {**REPORT, "mobile": "13800000002"}])
    )
    if answer.kind == "unknown":
        return
    session.expect_accepted(answer, "the client understood: {}", answer, operation="status")
    expect(len(answer.items) == 2, "of 2 reports {} were processed", len(answer.items))
    expect(answer.items[0]["status"] != "delivered", "a report with status 30 was understood as delivered")


@case("R-status-empty-errorcode")
def _an_empty_errorcode_does_not_end_the_loop(session: Session) -> None:
    items = [{**REPORT, "errorcode": ""}, {**REPORT, "mobile": "13800000002"}]
    for written in ("<errorcode></errorcode>", "<errorcode/>"):
        content = boxes("status", items).replace("<errorcode></errorcode>", written)
        _expect_items(session, "status", content, items, ("mobile", "errorcode"))


@case("R-call-newline")
def _line_ends_of_a_reply_are_kept(session: Session) -> None:
    items = [{**REPLY, "content": "第一行\n 第二行"}]
    _expect_items(session, "call", boxes("call", items), items, ("content",))


@case("R-call-empty-content")
def _an_empty_reply_is_a_reply(session: Session) -> None:
    items = [{**REPLY, "content": ""}, {**REPLY, "mobile": "13800000002"}]
    _expect_items(session, "call", boxes("call", items), items, ("mobile", "content"))


@case("R-receivetime")
def _receivetime_is_china_time(session: Session) -> None:
    answer = _expect_items(session, "status", boxes("status", [REPORT]), [REPORT])
    understood = answer.items[0]["receivetime"]
    try:
        time = datetime.fromisoformat(understood.strip())
    except ValueError as error:
        raise CaseFailed("receivetime {} was understood as {!r}", REPORT["receivetime"], understood) from error
    right = datetime.fromisoformat(f"{REPORT['receivetime']}+08:00")
    is_right = (time if time.tzinfo else time.replace(tzinfo=right.tzinfo)) == right
    expect(is_right, "receivetime {} was understood as {!r}", REPORT["receivetime"], understood)


@case("R-report-before-answer")
def _a_report_that_comes_before_the_answer_is_kept(session: Session) -> None:
    """Let the answer to a send take long, and fetch its report with a second driver before the answer is complete."""
    session.require("send", "status")
    limit = session.settings.answer_limit
    with session.second_driver() as other:
        session.alter(Alteration("slow answer", body_seconds=session.settings.timeout / 2))
        session.driver.begin("send", mobiles=[NUMBER], content=TEXT, sendTime=None, extno="")
        session.proxy.wait_for_request(limit)
        answer = other.ask("status", limit)
        sent_answer = session.driver.finish("send", limit)
    session.expect_accepted(answer, "the client understood: {}", answer, operation="status")
    if not answer.items:
        session.rely_on("send")
    tasks = [item["taskid"] for item in answer.items]
    expect(len(tasks) == 1, "{} reports were processed; one waited", len(tasks))
    task = sent_answer.document.get("taskID")
    expect(task in (None, tasks[0]), "the report names task {}, the send was understood as {}", tasks[0], task)


@case("R-profile-cdata")
def _answers_of_a_brand_with_cdata_are_understood(session: Session) -> None:
    """Fetch a report of the emulator's profile `observed`, which writes errorcode and extno in CDATA.

    The message is not the client's, which need not be able to send.
    """
    session.require("status")
    session.use_account(profile="observed")
    session.put_messages([NUMBER], extno="7")
    items = session.fetch_all("status")
    expect(len(items) == 1, "{} reports were processed; one waited", len(items))
    expect(
        items[0]["errorcode"] == "DELIVRD", "errorcode DELIVRD in CDATA was understood as {!r}", items[0]["errorcode"]
    )
    expect(items[0]["extno"] == "7", "{} {!r} was understood as {!r}", "extno", "7", items[0]["extno"])


@case("R-gzip")
def _a_response_is_only_compressed_if_asked(session: Session) -> None:
    """Answer in gzip if the client accepts that, as a proxy before the vendor does."""
    session.send()
    if "gzip" not in session.last_request().header("Accept-Encoding"):
        return
    packed = replace(
        answer(gzip.compress(document(sent(), session.settings.charset).encode())),
        headers=(("Content-Type", "text/xml"), ("Content-Encoding", "gzip")),
    )
    respond_with(session, packed)
    understood = session.send()
    session.expect_accepted(understood, "the client accepts gzip, and understood: {}", understood)


@case("R-chunked")
def _a_chunked_answer_is_understood(session: Session) -> None:
    def chunk(response: object) -> bytes:
        body = document(sent(), session.settings.charset).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
        parts = (body[:20], body[20:21], body[21:])
        return head + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"

    session.send()
    if session.last_request().head.split(b"\r\n", 1)[0].endswith(b"HTTP/1.0"):
        raise NotJudged("the client speaks HTTP/1.0, to which no server sends chunks")
    session.alter(Alteration("chunked", is_executed=False, raw=chunk))
    understood = session.send()
    session.expect_accepted(understood, "the answer is chunked, and the client understood: {}", understood)


@case("R-json")
def _a_json_answer_is_not_taken_for_xml(session: Session) -> None:
    """Answer a refusal in JSON, as some brands do by default."""
    body = '{"ReturnStatus":"Faild","Message":"其他错误","RemainPoint":0,"TaskID":0,"SuccessCounts":0}'
    respond_with(session, replace(answer(body.encode()), headers=(("Content-Type", "application/json"),)))
    understood = session.send()
    if understood.kind == "accepted":
        raise CaseFailed("a refusal in JSON was understood as {}", understood)
    expect(understood.kind in ("refused", "unknown"), "the client understood: {}", understood)
