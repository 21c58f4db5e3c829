"""The constants in `sms10692.protocol` agree with the vendor's manual, list by list, in order.

The manual is parsed into chapters and tables. Its text belongs to the vendor and is not in this repository. The
environment variable SMS10692_MANUAL contains the path of a text file; the default is `shared/vendor/manual.txt` next to
the repository. Without the file these tests are skipped, or fail if SMS10692_REQUIRE_MANUAL is set.
"""

import os
import re
from pathlib import Path

import pytest

from sms10692 import protocol
from sms10692.protocol import Operation

TOP = Path(__file__).parents[2]
MANUAL = Path(os.environ.get("SMS10692_MANUAL") or TOP.parent / "shared" / "vendor" / "manual.txt")

pytestmark = pytest.mark.skipif(
    not (MANUAL.exists() or os.environ.get("SMS10692_REQUIRE_MANUAL")),
    reason="the vendor's manual is not available: set SMS10692_MANUAL to the path of its text",
)

CHAPTERS = {"第一章": 1, "第二章": 2, "第三章": 3, "第四章": 4, "第五章": 5}
CHAPTERS_OF_THE_MANUAL = [operation for operation in protocol.OPERATIONS if operation.chapter]
EACH_OPERATION = pytest.mark.parametrize("operation", CHAPTERS_OF_THE_MANUAL, ids=lambda operation: operation.name)


def sections(chapter: int) -> dict[str, str]:
    """Return the text below each heading `chapter.N`."""
    chapters = re.split("(第[一二三四五]章)", MANUAL.read_text("utf-8"))
    text = {CHAPTERS[name]: body for name, body in zip(chapters[1::2], chapters[2::2], strict=True)}[chapter]
    parts = re.split(rf"^({chapter}\.\d)", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(table: str) -> list[list[str]]:
    """Split a table into rows (after an empty line) and cells (after a tab)."""
    return [[cell.strip() for cell in row.split("\n\t")] for row in re.split(r"\n\n+\t", table.partition("\n\t")[2])]


def response_example(section: str) -> str:
    """Return the part of a section before its table: XML with remarks."""
    return section.partition("\n\t")[0]


def elements(xml: str) -> list[str]:
    """Return the names of the elements that contain text, in order."""
    return re.findall(r"<(\w+)>[^<\n]*</\1>", xml)


@EACH_OPERATION
def test_the_endpoints_agree_with_the_manual(operation: Operation) -> None:
    manual = re.findall(r"http://sms10692\.com(/\S+\.aspx)", sections(operation.chapter)[f"{operation.chapter}.1"])
    assert manual == [page.path for page in operation.endpoints if page.provenance == "manual"]


def test_the_charsets_agree_with_the_manual() -> None:
    manual = re.findall(r"http://sms10692\.com(/\S+\.aspx) 对应(\S+)", sections(1)["1.1"])
    assert [(path, charset.lower()) for path, charset in manual] == [
        (page.path, page.charset) for page in protocol.SEND.endpoints if page.provenance == "manual"
    ]


@EACH_OPERATION
def test_the_parameters_agree_with_the_manual(operation: Operation) -> None:
    header, *table = rows(sections(operation.chapter)[f"{operation.chapter}.2"])
    assert header == ["参数名称", "含义", "说明"]
    assert [row[0] for row in table] == [*protocol.SIGNED.parameters, *operation.parameters]


@EACH_OPERATION
def test_the_action_agrees_with_the_manual(operation: Operation) -> None:
    table = rows(sections(operation.chapter)[f"{operation.chapter}.2"])
    (meaning,) = (row[2] for row in table if row[0] == "action")
    assert re.findall(r"设置为固定的[:：](\w+)", meaning) == [operation.action]


@EACH_OPERATION
def test_the_elements_agree_with_the_manual(operation: Operation) -> None:
    xml = response_example(sections(operation.chapter)[f"{operation.chapter}.3"])
    boxes = re.findall(r"<(\w+box)>(.*?)</\1>", xml, re.DOTALL)
    if operation.item_element:
        assert [(name, elements(box)) for name, box in boxes] == [
            (operation.item_element, list(operation.elements))
        ] * 2
    else:
        assert not boxes
        assert elements(xml) == list(operation.elements)
    assert re.findall(r"\n<(\w+)>\n", xml)[0] == protocol.ROOT


@EACH_OPERATION
def test_the_messages_agree_with_the_manual(operation: Operation) -> None:
    text = sections(operation.chapter)
    if operation.item_element:
        manual = re.findall(r"^(\d)：(.*)$", text[f"{operation.chapter}.4"], re.MULTILINE)
        assert manual == [(str(number), word) for number, word in enumerate(operation.messages, start=1)]
        return
    header, *table = rows(text[f"{operation.chapter}.3"])
    assert header == ["返回信息提示", "说明"]
    assert ["" if row[0] == "返回空" else row[0] for row in table] == list(operation.messages)


@pytest.mark.parametrize("operation", [protocol.SEND, protocol.OVERAGE], ids=lambda operation: operation.name)
def test_the_values_of_returnstatus_agree_with_the_manual(operation: Operation) -> None:
    xml = response_example(sections(operation.chapter)[f"{operation.chapter}.3"])
    assert re.findall(r"成功返回(\w+?)\s", xml) == [operation.success]
    assert re.findall(r"失败返回：(\w+)", xml) == [operation.failure]


@pytest.mark.parametrize("operation", [protocol.STATUS, protocol.CALL], ids=lambda operation: operation.name)
def test_the_elements_of_an_error_agree_with_the_manual(operation: Operation) -> None:
    xml = sections(operation.chapter)[f"{operation.chapter}.4"]
    assert re.findall(r"<(\w+status)>", xml) == [protocol.ERROR_ELEMENT]
    assert elements(xml) == list(protocol.ERROR_FIELDS)


def test_the_values_of_payinfo_agree_with_the_manual() -> None:
    assert re.findall(r"返回支付方式\s+(\w+)，(\w+)", sections(2)["2.3"]) == [(protocol.POSTPAID, protocol.PREPAID)]


def test_the_status_codes_of_a_report_agree_with_the_manual() -> None:
    manual = re.findall(r"(\d+)：发送(成功|失败)", sections(4)["4.3"])
    assert manual == [(str(protocol.DELIVERED), "成功"), (str(protocol.FAILED), "失败")]


def test_the_numbers_in_the_tables_agree_with_the_manual() -> None:
    assert re.findall(r"默认(\d+)", sections(4)["4.2"]) == [str(protocol.STATUS_NUM_DEFAULT)]
    assert re.findall(r"最多(\d+)位", sections(1)["1.2"]) == [str(protocol.EXTNO_MAX_DIGITS)]
