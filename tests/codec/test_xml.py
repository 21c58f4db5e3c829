"""Whatever the vendor says is written as XML that every reader takes, and that says the same again (R17).

Here belongs the way from answers to bytes that the exchanges, which are examples, cannot cover.
"""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from sms10692 import protocol
from sms10692_mock.codec import json_renderer
from sms10692_mock.codec.xml import XmlRenderer
from sms10692_mock.domain.records import Reply, Report
from sms10692_mock.domain.results import KeywordResult, Refusal, RepliesResult, ReportsResult
from sms10692_mock.profiles import MANUAL, OBSERVED, PROFILES, Profile

ANY_TEXT = st.text(st.characters(codec="utf-8") | st.sampled_from("&<>]\r\n\t€镕囧😀\0\x1f\ufffe"))
NOT_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def parsed(raw: bytes, codec: str) -> etree._Element:
    # libxml2 knows too little of GBK to be told the declared label: the text is decoded first.
    text = raw.decode(codec)
    return etree.fromstring(text.partition("?>")[2].encode())


@pytest.mark.parametrize("dialect", PROFILES.values(), ids=PROFILES)
@given(text=ANY_TEXT, extno=st.text("0123456789", max_size=10))
def test_r17_boxes_say_again_what_they_were_given(dialect: Profile, text: str, extno: str) -> None:
    kept = NOT_XML.sub("", text)
    reports = ReportsResult([Report(0.0, text, 7, 20, "MK:0011", extno)])
    box = parsed(XmlRenderer(dialect).render(reports, protocol.STATUS, protocol.V2STATUS_API), "utf-8")[0]
    assert [element.text or "" for element in box] == [kept, "7", "20", "1970-01-01 08:00:00", "MK:0011", extno]
    replies = RepliesResult([Reply(0.0, text, 7, text, extno)])
    box = parsed(XmlRenderer(dialect).render(replies, protocol.CALL, protocol.V2CALL_API), "utf-8")[0]
    assert [element.text or "" for element in box] == [kept, "7", kept, "1970-01-01 08:00:00", extno]


@given(code=ANY_TEXT)
def test_r17_cdata_says_again_what_it_was_given(code: str) -> None:
    raw = XmlRenderer(OBSERVED).render(
        ReportsResult([Report(0.0, "1", 7, 10, code, "")]), protocol.STATUS, protocol.V2STATUS_API
    )
    assert parsed(raw, "utf-8").findtext("statusbox/errorcode") == NOT_XML.sub("", code).replace("\r\n", "\n").replace(
        "\r", "\n"
    )


@pytest.mark.parametrize(("page", "codec"), [(protocol.V2SMS, "utf-8"), (protocol.V2SMS_GBK, "gbk")])
@given(text=ANY_TEXT)
def test_r17_both_pages_say_again_what_they_were_given(page: protocol.Endpoint, codec: str, text: str) -> None:
    raw = XmlRenderer(OBSERVED).render(KeywordResult("没有包含屏蔽词", text), protocol.CHECKKEYWORD, page)
    assert parsed(raw, codec).findtext("checkCounts") == NOT_XML.sub("", text)


@pytest.mark.parametrize(
    ("text", "written"),
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
def test_r17_what_gbk_lacks_is_a_decimal_reference(text: str, written: str) -> None:
    raw = XmlRenderer(OBSERVED).render(KeywordResult("没有包含屏蔽词", text), protocol.CHECKKEYWORD, protocol.V2SMS_GBK)
    assert f"<checkCounts>{written}</checkCounts>".encode("gbk") in raw


def test_no_element_has_white_space_inside_and_none_is_written_short() -> None:
    raw = XmlRenderer(MANUAL).render(
        ReportsResult([Report(0.0, "", 7, 10, "", "")]), protocol.STATUS, protocol.V2STATUS_API
    )
    assert b"/>" not in raw
    assert b"<mobile></mobile>" in raw


ERRORS = [(operation, place) for operation in (protocol.STATUS, protocol.CALL) for place in range(1, 5)]


@pytest.mark.parametrize(("operation", "place"), ERRORS, ids=lambda value: getattr(value, "name", value))
def test_r15_an_error_of_a_queue_has_its_number_and_remark_in_both_forms(
    operation: protocol.Operation, place: int
) -> None:
    message, page = operation.messages[place - 1], operation.endpoints[0]
    written = json.loads(json_renderer.render(Refusal(message), operation, page))
    assert written == {"ErrorStatus": {"Error": place, "Remark": message}}
    box = parsed(XmlRenderer(MANUAL).render(Refusal(message), operation, page), "utf-8")[0]
    assert [element.text for element in box] == [str(place), message]
