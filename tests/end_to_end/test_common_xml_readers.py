"""Responses read the way real clients read them.

Each reader is independent of the emulator's code: by name, by position, by regular expression, by cutting, after
deleting the declaration, after skipping to the first `?>`, by a contained word, as JSON.
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


def by_position(answer: str) -> list[str]:
    return [child.text or "" for child in ET.fromstring(answer)]


def by_name(answer: str) -> list[str]:
    document = xml.dom.minidom.parseString(answer)
    names = ["returnstatus", "message", "remainpoint", "taskID", "successCounts"]
    elements = [document.getElementsByTagName(name)[0] for name in names]
    return [element.firstChild.nodeValue or "" if element.firstChild else "" for element in elements]


def by_regular_expression(answer: str) -> list[str]:
    return re.findall(r"<(?:returnstatus|message|remainpoint|taskID|successCounts)>([^<]*)</", answer)


def after_deleting_the_declaration(answer: str) -> list[str]:
    rest = answer.replace(DECLARATION, "")
    assert rest != answer
    return by_position(rest)


def after_the_first_end_of_a_declaration(answer: str) -> list[str]:
    return by_position(answer[answer.index("?>") + 2 :])


def line_by_line(answer: str) -> list[str]:
    return [re.sub("<[^>]*>", "", line).strip() for line in answer.split("\n")[1:]]


READERS = [
    by_position,
    by_name,
    by_regular_expression,
    after_deleting_the_declaration,
    after_the_first_end_of_a_declaration,
    line_by_line,
]


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_a_send_reads_the_same(reader: Reader) -> None:
    emulator = WsgiHarness()
    assert reader(emulator.send("13000000001,13000000002")) == ["Success", "ok", "998", "100001", "2"]
    assert reader(emulator.send("")) == ["Faild", "短信号码不能为空", "0", "0", "0"]


def test_a_word_that_is_contained_tells_success_from_failure() -> None:
    emulator = WsgiHarness()
    assert "Success" in emulator.send()
    assert "Success" not in emulator.send("")
    assert re.findall(r"<returnstatus>([a-zA-Z]+)</returnstatus>", emulator.post(UTF8, action="overage")) == ["Sucess"]
    assert "没有包含屏蔽词" in emulator.post(UTF8, action="checkkeyword", content="x")


def boxes_by_cutting(answer: str) -> list[list[str]]:
    boxes = answer.split("<statusbox>")[1:]
    return [re.findall(r"<\w+>([^<]*)</\w+>", box[: box.index("</statusbox>")]) for box in boxes]


def boxes_by_position(answer: str) -> list[list[str]]:
    return [[child.text or "" for child in box] for box in ET.fromstring(answer)]


@pytest.mark.parametrize("reader", [boxes_by_cutting, boxes_by_position], ids=lambda reader: reader.__name__)
def test_reports_read_the_same(reader: Callable[[str], list[list[str]]]) -> None:
    emulator = WsgiHarness()
    emulator.send("13000000001,10000000021", extno="01")
    assert reader(emulator.status()) == [
        ["13000000001", "100001", "10", "2011-12-02 22:12:11", "DELIVRD", "01"],
        ["10000000021", "100001", "20", "2011-12-02 22:12:11", "MK:0011", "01"],
    ]
    assert reader(emulator.status()) == []


def test_json_counts_are_numbers() -> None:
    answer = json.loads(WsgiHarness().send("13000000001,13000000002", rt="json"))
    assert answer["SuccessCounts"] == 2
    assert answer["ReturnStatus"] == "Success"


SCHEMA = etree.RelaxNG(file=Path(__file__).parents[2] / "fixtures" / "schema" / "answers.rng")
IN_XML = [held for held in EXCHANGES if held.response.content_type.startswith("text/xml")]


@pytest.mark.parametrize("held", IN_XML, ids=lambda held: held.name)
def test_an_exchange_answers_as_the_schema_says(held: Exchange) -> None:
    codec = "gbk" if "gb2312" in held.response.content_type else "utf-8"
    document = etree.fromstring(held.response.body.decode(codec).partition("?>")[2].encode())
    SCHEMA.assertValid(document)


GBK_DECLARATION = '<?xml version="1.0" encoding="gb2312" ?>'


def test_the_gbk_page_reads_the_same_after_its_own_declaration() -> None:
    emulator = WsgiHarness()
    answer = emulator.send("13000000001,13000000002", path=GBK)
    assert answer.startswith(GBK_DECLARATION)
    assert by_position(answer.replace(GBK_DECLARATION, "")) == ["Success", "ok", "998", "100001", "2"]
    assert by_regular_expression(emulator.send("", path=GBK)) == ["Faild", "短信号码不能为空", "0", "0", "0"]
    assert line_by_line(emulator.send("", path=GBK)) == ["Faild", "短信号码不能为空", "0", "0", "0"]


@pytest.mark.parametrize("reader", [by_position, line_by_line], ids=lambda reader: reader.__name__)
def test_a_balance_reads_the_same(reader: Reader) -> None:
    emulator = WsgiHarness()
    assert reader(emulator.post(UTF8, action="overage")) == ["Sucess", "", "预付费", "1000", "1000"]
    assert reader(emulator.post(UTF8, action="overage", sign="0")) == ["Faild", "用户名或密码错误", "", "0", "0"]


@pytest.mark.parametrize("profile", ["manual", "observed"])
def test_replies_read_the_same_in_either_profile(profile: str) -> None:
    emulator = WsgiHarness(profile=profile)
    emulator.send("10000000030,10000000031", extno="01")
    assert boxes_by_position(emulator.call()) == [
        ["10000000030", "100001", "T", "2011-12-02 22:12:11", "01"],
        ["10000000031", "100001", "<好> & 😀", "2011-12-02 22:12:11", "01"],
    ]
    assert boxes_by_position(emulator.status())[0][4:] == ["DELIVRD", "01"]


@pytest.mark.parametrize("page", ["status", "call"])
def test_an_error_reads_the_same(page: str) -> None:
    answer = getattr(WsgiHarness(deny_queues=["12"]), page)()
    assert boxes_by_position(answer) == [["3", "该用户不允许查看状态报告"]]
    assert re.findall(r"<error>(\d)</error>\s*<remark>([^<]*)</remark>", answer) == [("3", "该用户不允许查看状态报告")]
