"""Tests that the ways in which clients commonly read XML all read the same values from a response.

The readers are independent of the emulator's code: by element name, by position, by regular expression, by splitting,
without the declaration, from the first `?>`, by a contained word, and as JSON.
"""

import json
import re
import xml.dom.minidom
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from lxml import etree

from support.emulators import GBK, UTF8, WsgiHarness
from support.exchanges import EXCHANGES, Exchange

Reader = Callable[[str], list[str]]

DECLARATION = '<?xml version="1.0" encoding="utf-8" ?>'


def read_by_position(response: str) -> list[str]:
    return [child.text or "" for child in ET.fromstring(response)]


def read_by_name(response: str) -> list[str]:
    document = xml.dom.minidom.parseString(response)
    names = ["returnstatus", "message", "remainpoint", "taskID", "successCounts"]
    elements = [document.getElementsByTagName(name)[0] for name in names]
    return [element.firstChild.nodeValue or "" if element.firstChild else "" for element in elements]


def read_by_regular_expression(response: str) -> list[str]:
    return re.findall(r"<(?:returnstatus|message|remainpoint|taskID|successCounts)>([^<]*)</", response)


def read_without_declaration(response: str) -> list[str]:
    rest = response.replace(DECLARATION, "")
    assert rest != response
    return read_by_position(rest)


def read_after_declaration(response: str) -> list[str]:
    return read_by_position(response[response.index("?>") + 2 :])


def read_line_by_line(response: str) -> list[str]:
    return [re.sub("<[^>]*>", "", line).strip() for line in response.split("\n")[1:]]


READERS = [
    read_by_position,
    read_by_name,
    read_by_regular_expression,
    read_without_declaration,
    read_after_declaration,
    read_line_by_line,
]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_all_readers_read_the_same_values_of_a_send(reader: Reader) -> None:
    emulator = WsgiHarness()
    assert reader(emulator.send("13000000001,13000000002")) == ["Success", "ok", "998", "100001", "2"]
    assert reader(emulator.send("")) == ["Faild", "短信号码不能为空", "0", "0", "0"]


def test_a_contained_word_distinguishes_success_from_failure() -> None:
    emulator = WsgiHarness()
    assert "Success" in emulator.send()
    assert "Success" not in emulator.send("")
    assert re.findall(r"<returnstatus>([a-zA-Z]+)</returnstatus>", emulator.post(UTF8, action="overage")) == ["Sucess"]
    assert "没有包含屏蔽词" in emulator.post(UTF8, action="checkkeyword", content="x")


def read_items_by_splitting(response: str) -> list[list[str]]:
    items = response.split("<statusbox>")[1:]
    return [re.findall(r"<\w+>([^<]*)</\w+>", item[: item.index("</statusbox>")]) for item in items]


def read_items_by_position(response: str) -> list[list[str]]:
    return [[child.text or "" for child in item] for item in ET.fromstring(response)]


@pytest.mark.parametrize(
    "reader", [read_items_by_splitting, read_items_by_position], ids=lambda reader: reader.__name__
)
def test_all_readers_read_the_same_reports(reader: Callable[[str], list[list[str]]]) -> None:
    emulator = WsgiHarness()
    emulator.send("13000000001,10000000021", extno="01")
    assert reader(emulator.status()) == [
        ["13000000001", "100001", "10", "2011-12-02 22:12:11", "DELIVRD", "01"],
        ["10000000021", "100001", "20", "2011-12-02 22:12:11", "MK:0011", "01"],
    ]
    assert reader(emulator.status()) == []


def test_json_counts_are_numbers() -> None:
    response = json.loads(WsgiHarness().send("13000000001,13000000002", rt="json"))
    assert response["SuccessCounts"] == 2
    assert response["ReturnStatus"] == "Success"


SCHEMA = etree.RelaxNG(file=Path(__file__).parents[2] / "fixtures" / "schema" / "answers.rng")
IN_XML = [
    exchange
    for exchange in EXCHANGES
    if exchange.response.content_type.startswith("text/xml") and "=" not in exchange.given.get("profile", "")
]
"""The responses of the built-in profiles. Other brands have other elements."""


@pytest.mark.parametrize("exchange", IN_XML, ids=lambda exchange: exchange.name)
def test_every_xml_response_matches_the_schema(exchange: Exchange) -> None:
    codec = "gbk" if "gb2312" in exchange.response.content_type else "utf-8"
    document = etree.fromstring(exchange.response.body.decode(codec).partition("?>")[2].encode())
    SCHEMA.assertValid(document)


GBK_DECLARATION = '<?xml version="1.0" encoding="gb2312" ?>'


def test_all_readers_read_the_same_values_of_the_gbk_endpoint() -> None:
    emulator = WsgiHarness()
    response = emulator.send("13000000001,13000000002", path=GBK)
    assert response.startswith(GBK_DECLARATION)
    assert read_by_position(response.replace(GBK_DECLARATION, "")) == ["Success", "ok", "998", "100001", "2"]
    assert read_by_regular_expression(emulator.send("", path=GBK)) == ["Faild", "短信号码不能为空", "0", "0", "0"]
    assert read_line_by_line(emulator.send("", path=GBK)) == ["Faild", "短信号码不能为空", "0", "0", "0"]


@pytest.mark.parametrize("reader", [read_by_position, read_line_by_line], ids=lambda reader: reader.__name__)
def test_all_readers_read_the_same_balance(reader: Reader) -> None:
    emulator = WsgiHarness()
    assert reader(emulator.post(UTF8, action="overage")) == ["Sucess", "", "预付费", "1000", "1000"]
    assert reader(emulator.post(UTF8, action="overage", sign="0")) == ["Faild", "用户名或密码错误", "", "0", "0"]


@pytest.mark.parametrize("profile", ["manual", "observed"])
def test_replies_have_the_same_items_in_either_profile(profile: str) -> None:
    emulator = WsgiHarness(profile=profile)
    emulator.send("10000000030,10000000031", extno="01")
    assert read_items_by_position(emulator.call()) == [
        ["10000000030", "100001", "T", "2011-12-02 22:12:11", "01"],
        ["10000000031", "100001", "<好> & 😀", "2011-12-02 22:12:11", "01"],
    ]
    assert read_items_by_position(emulator.status())[0][4:] == ["DELIVRD", "01"]


@pytest.mark.parametrize("operation", ["status", "call"])
def test_both_queues_refuse_with_the_same_error(operation: str) -> None:
    response = getattr(WsgiHarness(deny_queues=["12"]), operation)()
    assert read_items_by_position(response) == [["3", "该用户不允许查看状态报告"]]
    assert re.findall(r"<error>(\d)</error>\s*<remark>([^<]*)</remark>", response) == [
        ("3", "该用户不允许查看状态报告")
    ]
