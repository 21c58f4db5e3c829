"""Response parser: layouts and charsets of real servers, damaged and hostile responses, fuzzing.

Any bytes become a result, a VendorRefusal or an InvalidResponse. The manual's own responses are tested in
`test_client_exchanges`.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms10692 import CHINA, InvalidResponse, RawResponse, Reason, SendResult, Status, VendorRefusal, responses
from sms10692.errors import REFUSALS

PARSERS: list[Callable[[RawResponse], Any]] = [
    responses.parse_send_result,
    responses.parse_balance,
    responses.parse_keyword_result,
    responses.parse_reports,
    responses.parse_replies,
]
SEND_RESPONSE = (
    "<returnsms>\n <returnstatus>Success</returnstatus>\n <message>ok</message>\n <remainpoint>998</remainpoint>\n"
    " <taskID>100001</taskID>\n <successCounts>2</successCounts></returnsms>"
)
REPORT_ITEM = (
    "<statusbox><mobile>15023239810</mobile><taskid>1212</taskid><status>10</status>"
    "<receivetime>2011-12-02 22:12:11</receivetime><errorcode>DELIVRD</errorcode><extno>01</extno></statusbox>"
)


def build_response(body: str | bytes, status: int = 200) -> RawResponse:
    return RawResponse(status, {}, body if isinstance(body, bytes) else body.encode())


def parse_error(parse: Callable[[RawResponse], Any], body: str | bytes, status: int = 200) -> str:
    """Return the reason for which a parser refuses a body, and check that the error contains the response."""
    raw = build_response(body, status)
    with pytest.raises(InvalidResponse) as raised:
        parse(raw)
    assert (raised.value.body, raised.value.status) == (raw.body, status)
    return raised.value.reason


# Layouts and charsets of real servers


@pytest.mark.parametrize(
    "body",
    [
        f'<?xml version="1.0" encoding="utf-8" ?>{SEND_RESPONSE}',
        f'\ufeff<?xml version="1.0" encoding="utf-8" ?>{SEND_RESPONSE}',
        f'\r\n <?xml version="1.0" encoding="utf-8"?>\r\n{SEND_RESPONSE}\r\n',
        SEND_RESPONSE,
        SEND_RESPONSE.replace("\n", "\r\n"),
        SEND_RESPONSE.replace("\n ", ""),
        SEND_RESPONSE.replace("\n ", "\n<!-- a remark -->\t"),
        SEND_RESPONSE.replace("<message>ok</message>", "<message><![CDATA[ok]]></message>"),
        SEND_RESPONSE.replace("<returnstatus>", "<extra>1</extra><returnstatus>"),
        SEND_RESPONSE.replace("Success<", "Sucess<"),
        SEND_RESPONSE.replace("998", " 998 "),
        SEND_RESPONSE.replace("<message>ok</message>", "<message></message>"),
        "<returnsms><taskID>100001</taskID><successCounts>2</successCounts><message/><remainpoint>998</remainpoint>"
        "<returnstatus>Success</returnstatus></returnsms>",
    ],
    ids=range(13),
)
def test_the_layout_does_not_affect_the_result(body: str) -> None:
    assert responses.parse_send_result(build_response(body)) == SendResult(100001, 998, 2)


@pytest.mark.parametrize("label", ["utf-8", "gb2312", "GBK", "gb18030", "nonsense", "utf-16"])
@pytest.mark.parametrize("codec", ["utf-8", "gbk"])
def test_a_wrong_charset_label_does_not_affect_the_result(label: str, codec: str) -> None:
    body = f'<?xml version="1.0" encoding="{label}" ?>{SEND_RESPONSE}'.replace("Success", "Faild").replace(
        "ok", "其他错误"
    )
    with pytest.raises(VendorRefusal) as raised:
        responses.parse_send_result(build_response(body.encode(codec)))
    assert raised.value.reason is Reason.OTHER_ERROR


def test_a_gbk_response_may_contain_characters_outside_gb2312() -> None:
    text = "镕囧".encode("gbk") + b"\x80"
    body = b'<?xml version="1.0" encoding="gb2312" ?><returnsms><callbox><mobile>1</mobile><taskid>1</taskid><content>'
    body += text + b"</content><receivetime>2011-12-02 22:12:11</receivetime><extno></extno></callbox></returnsms>"
    assert responses.parse_replies(build_response(body))[0].content == "镕囧€"


@pytest.mark.parametrize("text", ["谢谢", "小", "没", "要", "谢谢你", "好的，谢谢！", "T"])
@pytest.mark.parametrize("label_source", ["declaration", "header"])
def test_a_short_gbk_text_with_a_gbk_label_is_decoded_as_gbk(text: str, label_source: str) -> None:
    items = REPORT_ITEM.replace("statusbox", "callbox").replace("<status>10</status>", f"<content>{text}</content>")
    declaration = '<?xml version="1.0" encoding="gb2312" ?>' if label_source == "declaration" else ""
    headers = {"content-type": "text/xml; charset=gb2312"} if label_source == "header" else {}
    body = f"{declaration}<returnsms>{items.replace('<errorcode>DELIVRD</errorcode>', '')}</returnsms>".encode("gbk")
    assert responses.parse_replies(RawResponse(200, headers, body))[0].content == text


def test_a_forbidden_word_may_be_appended_to_the_message() -> None:
    for message in ("包含非法字符", "包含非法字符：", "包含非法字符：发票", " 包含非法字符 "):
        assert responses.parse_keyword_result(
            build_response(f"<returnsms><message>{message}</message></returnsms>")
        ).is_forbidden
        assert responses.parse_keyword_result(
            build_response(SEND_RESPONSE.replace("Success", "Faild").replace("ok", message))
        ).is_forbidden


def test_repetitive_hostile_bytes_are_refused_quickly() -> None:
    for body in (b" " * 1_000_000, b"<?xml " * 200_000, b"\x80" * 1_000_000, b"<?xml encoding=" * 100_000):
        for parse in PARSERS:
            parse_error(parse, body)


@pytest.mark.parametrize("message", sorted(REFUSALS))
def test_no_message_of_the_manual_in_gbk_is_valid_utf_8(message: str) -> None:
    with pytest.raises(UnicodeDecodeError):
        message.encode("gbk").decode("utf-8")


@pytest.mark.parametrize(
    ("written", "time"),
    [
        ("2011-12-02 22:12:11", datetime(2011, 12, 2, 22, 12, 11, tzinfo=CHINA)),
        ("2016/1/26 11:02:08", datetime(2016, 1, 26, 11, 2, 8, tzinfo=CHINA)),
        ("2016/1/6 1:02:08", datetime(2016, 1, 6, 1, 2, 8, tzinfo=CHINA)),
        (" 2011-12-02 22:12:11\n", datetime(2011, 12, 2, 22, 12, 11, tzinfo=CHINA)),
    ],
)
def test_both_date_formats_are_parsed(written: str, time: datetime) -> None:
    (report,) = responses.parse_reports(
        build_response(f"<returnsms>{REPORT_ITEM}</returnsms>".replace("2011-12-02 22:12:11", written))
    )
    assert report.receivetime == time
    assert report.status is Status.DELIVERED


def test_a_content_of_white_space_is_preserved() -> None:
    items = REPORT_ITEM.replace("statusbox", "callbox").replace("<status>10</status>", "<content> \n </content>")
    items = items.replace("<errorcode>DELIVRD</errorcode>", "")
    assert responses.parse_replies(build_response(f"<returnsms>\n {items}\n </returnsms>"))[0].content == " \n "


def test_elements_of_an_item_are_found_by_name() -> None:
    reordered = REPORT_ITEM.replace("<mobile>15023239810</mobile>", "").replace(
        "</statusbox>", "<mobile>1</mobile></statusbox>"
    )
    first, second = responses.parse_reports(build_response(f"<returnsms>{reordered}{REPORT_ITEM}</returnsms>"))
    assert (first.mobile, second.mobile) == ("1", "15023239810")
    assert first.errorcode == second.errorcode == "DELIVRD"


@pytest.mark.parametrize(
    "message", ["sign参数错误", "参数错误", "短信必须带【】格式签名", "非法签名", "扩展子号只能是数字", ""]
)
def test_a_message_outside_the_manual_is_a_refusal(message: str) -> None:
    with pytest.raises(VendorRefusal) as raised:
        responses.parse_send_result(build_response(SEND_RESPONSE.replace("Success", "Faild").replace("ok", message)))
    assert (raised.value.message, raised.value.reason) == (message, Reason.NOT_IN_THE_MANUAL)


def test_a_queue_response_in_the_form_of_a_failed_send_is_a_refusal() -> None:
    with pytest.raises(VendorRefusal):
        responses.parse_reports(build_response(SEND_RESPONSE.replace("Success", "Faild").replace("ok", "其他错误")))


@pytest.mark.parametrize("parse", [responses.parse_reports, responses.parse_replies])
def test_a_queue_is_empty_if_the_response_says_so(parse: Callable[[RawResponse], Any]) -> None:
    """Without a length the body may have been lost, and with one too, unless the caller knows the vendor better."""
    lenient = responses.accept_empty_body(parse)
    assert lenient(RawResponse(200, {"content-length": "0"}, b"")) == []
    with pytest.raises(InvalidResponse, match="empty"):
        parse(RawResponse(200, {"content-length": "0"}, b""))
    error = "<returnsms><errorstatus><error>5</error><remark>没有记录</remark></errorstatus></returnsms>"
    assert parse(build_response(error)) == []
    for headers, status in (({}, 200), ({"transfer-encoding": "chunked"}, 200), ({"content-length": "0"}, 500)):
        with pytest.raises(InvalidResponse):
            lenient(RawResponse(status, headers, b""))
    for other in (responses.parse_send_result, responses.parse_balance, responses.parse_keyword_result):
        with pytest.raises(InvalidResponse):
            other(RawResponse(200, {"content-length": "0"}, b""))


def test_a_report_without_errorcode_has_a_word_as_status() -> None:
    bare = REPORT_ITEM.replace("<errorcode>DELIVRD</errorcode>", "")
    for word, status in (("DELIVRD", Status.DELIVERED), ("UNDELIV", Status.FAILED)):
        body = f"<returnsms>{bare.replace('>10<', f'>{word}<')}</returnsms>"
        (report,) = responses.parse_reports(build_response(body))
        assert (report.status, report.errorcode) == (status, "")
    assert "errorcode is missing" in parse_error(responses.parse_reports, f"<returnsms>{bare}</returnsms>")


# Damaged responses


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        SEND_RESPONSE[:-1].encode(),
        b'<?xml version="1.0" encoding="utf-8" ?>',
        b"<html><body><h1>Server Error in '/' Application.</h1></body></html>",
        b"<!DOCTYPE html><title>404</title>",
        b'{"ReturnStatus":"Success"}',
        b"<returnsms><nonsense/></returnsms>",
        b"<other></other>",
        b"<returnsms>\xff\xfe</returnsms>",
        SEND_RESPONSE.encode("utf-16"),
        b"\x00" * 100,
        b"<returnsms>\x0b</returnsms>",
    ],
    ids=range(13),
)
def test_a_body_that_is_no_response_is_refused_and_kept_in_the_error(
    parse: Callable[[RawResponse], Any], body: bytes
) -> None:
    parse_error(parse, body)


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("status", [204, 302, 404, 500, 503])
def test_any_http_status_but_200_is_refused(parse: Callable[[RawResponse], Any], status: int) -> None:
    assert parse_error(parse, SEND_RESPONSE, status) == "the HTTP status is not 200"


@pytest.mark.parametrize(
    ("valid", "invalid"),
    [
        ("998", "9 98"),
        ("998", "9.5"),
        ("998", ""),
        ("998", "９９８"),
        ("998", "9" * 5000),
        ("100001", "x"),
        ("<taskID>100001</taskID>", ""),
        ("<message>ok</message>", ""),
        ("<message>ok</message>", "<message>ok</message><message>ok</message>"),
        ("<message>ok</message>", "<message>o<b>k</b></message>"),
        ("Success", "success"),
        ("Success", "Failed"),
        ("Success", ""),
        ("returnsms", "ReturnSms"),
    ],
)
def test_a_malformed_send_response_is_refused(valid: str, invalid: str) -> None:
    parse_error(responses.parse_send_result, SEND_RESPONSE.replace(valid, invalid))


@pytest.mark.parametrize(
    ("valid", "invalid"),
    [
        ("<status>10<", "<status>99<"),
        ("<status>10<", "<status><"),
        ("2011-12-02 22:12:11", "2011-02-30 22:12:11"),
        ("2011-12-02 22:12:11", "yesterday"),
        ("2011-12-02 22:12:11", ""),
        ("2011-12-02 22:12:11", "0000-01-01 00:00:00"),
        ("1212", "12a"),
        ("<extno>01</extno>", "<extno>01</extno><extno>02</extno>"),
        ("<mobile>1", "<mobile><x/>1"),
        ("statusbox", "statusBox"),
        ("statusbox", "callbox"),
        ("<statusbox><mobile>", "<statusbox/><mobile>"),
        ("</mobile><taskid>1212</taskid>", "<taskid>1212</taskid></mobile>"),
    ],
)
def test_a_malformed_report_is_refused(valid: str, invalid: str) -> None:
    parse_error(responses.parse_reports, f"<returnsms>{REPORT_ITEM}{REPORT_ITEM.replace(valid, invalid)}</returnsms>")


# Hostile responses and fuzzing


def test_entities_are_never_resolved(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for definition in (
        '<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">',
        f'<!ENTITY c SYSTEM "{secret.as_uri()}">',
        '<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;',
    ):
        body = f"<!DOCTYPE returnsms [{definition}]>{SEND_RESPONSE.replace('ok', '&c;')}"
        assert "secret" not in parse_error(responses.parse_send_result, body)


def test_a_harmless_document_type_is_refused() -> None:
    assert "document type" in parse_error(responses.parse_send_result, f"<!DOCTYPE returnsms>{SEND_RESPONSE}")


def test_a_deeply_nested_document_is_refused() -> None:
    parse_error(responses.parse_send_result, "<returnsms>" + "<a>" * 100_000)


def parse_with_every_parser(body: bytes) -> None:
    for parse in PARSERS:
        with suppress(VendorRefusal, InvalidResponse):
            parse(build_response(body))


TEXT_IN_ROOT = st.text().map(lambda text: f"<returnsms>{text}</returnsms>".encode())


@given(body=st.binary() | st.text().map(str.encode) | TEXT_IN_ROOT)
def test_random_bytes_raise_only_errors_of_this_package(body: bytes) -> None:
    parse_with_every_parser(body)


NAMES = st.sampled_from(
    [
        *("returnstatus", "message", "remainpoint", "taskID", "successCounts", "payinfo", "overage", "sendTotal"),
        *("statusbox", "mobile", "taskid", "status", "receivetime", "errorcode", "extno", "callbox", "content"),
        *("errorstatus", "error", "remark", "nonsense"),
    ]
)
TEXTS = st.text() | st.sampled_from(["Success", "Faild", "ok", "10", "99", "2011-12-02 22:12:11", "预付费", "\n"])


def build_element(name: str, children: list[str]) -> str:
    return f"<{name}>{''.join(children)}</{name}>"


DOCUMENTS = st.recursive(
    TEXTS.map(lambda text: f"<![CDATA[{text.replace(']]>', '')}]]>"),
    lambda inner: st.builds(build_element, NAMES, st.lists(inner, max_size=6)),
    max_leaves=12,
)


@given(documents=st.lists(DOCUMENTS, max_size=5))
def test_random_documents_raise_only_errors_of_this_package(documents: list[str]) -> None:
    parse_with_every_parser(build_element("returnsms", documents).encode(errors="replace"))
