"""Rendered XML is well-formed and preserves its values (R17).

The exchanges are examples; these tests generate arbitrary values.
"""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from sms10692 import protocol
from sms10692_mock.codec.json_renderer import JsonRenderer
from sms10692_mock.codec.xml import XmlRenderer
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.profiles import MANUAL, OBSERVED, PROFILES, Profile
from sms10692_mock.domain.records import InboundReply, StatusReport
from sms10692_mock.domain.results import CheckedText, Refusal, RepliesResult, ReportsResult

ANY_TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from("&<>]\r\n\t€镕囧😀\0\x1f\ufffe"))
NOT_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def parse(raw: bytes, codec: str) -> etree._Element:
    # libxml2 decodes GBK incompletely, so the bytes are decoded here and the declaration is removed.
    text = raw.decode(codec)
    return etree.fromstring(text.partition("?>")[2].encode())


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@given(text=ANY_TEXT, extno=st.text("0123456789", max_size=10))
def test_r17_reports_and_replies_preserve_their_values(profile: Profile, text: str, extno: str) -> None:
    expected = NOT_XML.sub("", text)
    reports = ReportsResult([StatusReport(0.0, text, 7, 20, "MK:0011", extno)])
    box = parse(XmlRenderer(profile).render(reports, protocol.STATUS, protocol.V2STATUS_API), "utf-8")[0]
    assert [element.text or "" for element in box] == [expected, "7", "20", "1970-01-01 08:00:00", "MK:0011", extno]
    replies = RepliesResult([InboundReply(0.0, text, 7, text, extno)])
    box = parse(XmlRenderer(profile).render(replies, protocol.CALL, protocol.V2CALL_API), "utf-8")[0]
    assert [element.text or "" for element in box] == [expected, "7", expected, "1970-01-01 08:00:00", extno]


@given(code=ANY_TEXT)
def test_r17_cdata_preserves_its_value(code: str) -> None:
    raw = XmlRenderer(OBSERVED).render(
        ReportsResult([StatusReport(0.0, "1", 7, 10, code, "")]), protocol.STATUS, protocol.V2STATUS_API
    )
    assert parse(raw, "utf-8").findtext("statusbox/errorcode") == NOT_XML.sub("", code).replace("\r\n", "\n").replace(
        "\r", "\n"
    )


@pytest.mark.parametrize(("endpoint", "codec"), [(protocol.V2SMS, "utf-8"), (protocol.V2SMS_GBK, "gbk")])
@given(text=ANY_TEXT)
def test_r17_both_charsets_preserve_a_text(endpoint: protocol.Endpoint, codec: str, text: str) -> None:
    raw = XmlRenderer(OBSERVED).render(CheckedText("没有包含屏蔽词", text), protocol.CHECKKEYWORD, endpoint)
    assert parse(raw, codec).findtext("checkCounts") == NOT_XML.sub("", text)


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("€", "&#8364;"),
        ("😀", "&#128512;"),
        ("é", "é"),
        ("镕囧", "镕囧"),
        ("한", "&#54620;"),
        ("a\0b", "ab"),
        ("\r\n", "&#13;\n"),
    ],
)
def test_r17_a_character_outside_gbk_becomes_a_decimal_reference(text: str, rendered: str) -> None:
    raw = XmlRenderer(OBSERVED).render(CheckedText("没有包含屏蔽词", text), protocol.CHECKKEYWORD, protocol.V2SMS_GBK)
    assert f"<checkCounts>{rendered}</checkCounts>".encode("gbk") in raw


def test_an_empty_element_has_no_white_space_and_an_end_tag() -> None:
    raw = XmlRenderer(MANUAL).render(
        ReportsResult([StatusReport(0.0, "", 7, 10, "", "")]), protocol.STATUS, protocol.V2STATUS_API
    )
    assert b"/>" not in raw
    assert b"<mobile></mobile>" in raw


ERRORS = [(operation, number) for operation in (protocol.STATUS, protocol.CALL) for number in range(1, 5)]


@pytest.mark.parametrize(("operation", "number"), ERRORS, ids=lambda value: getattr(value, "name", value))
def test_r15_a_queue_error_has_number_and_remark_in_xml_and_json(operation: protocol.Operation, number: int) -> None:
    message, endpoint = operation.messages[number - 1], operation.endpoints[0]
    rendered = json.loads(
        JsonRenderer(MANUAL).render(Refusal(message, Evidence("credentials-wrong")), operation, endpoint)
    )
    assert rendered == {"ErrorStatus": {"Error": number, "Remark": message}}
    box = parse(
        XmlRenderer(MANUAL).render(Refusal(message, Evidence("credentials-wrong")), operation, endpoint), "utf-8"
    )[0]
    assert [element.text for element in box] == [str(number), message]
