"""The driver protocol: which lines of a driver are answers, and its JSON Schema."""

import pytest

from sms10692_examine.driver_protocol import DriverError, build_schema, parse_line


def test_an_answer_with_windows_line_ends_and_whole_numbers_with_a_fraction_is_read() -> None:
    line = b'{"id": 2.0, "answer": "accepted", "successCounts": 1e2, "remainpoint": -35.0}\r\n'
    document = parse_line(line, 2, "send")
    assert (document["successCounts"], document["remainpoint"]) == (100, -35)
    with pytest.raises(DriverError, match=r"successCounts is 1\.5; expected a whole number"):
        parse_line(line.replace(b"1e2", b"1.5"), 2, "send")


def test_half_a_character_is_replaced() -> None:
    assert (
        parse_line(b'{"id": 1, "answer": "refused", "message": "\\ud83d \\ud83d\\ude00"}', 1, "send")["message"]
        == "\ufffd 😀"
    )


def test_an_item_needs_every_value_as_text() -> None:
    whole = b'{"id": 2, "answer": "item", "mobile": "1", "taskid": "2", "content": "", "receivetime": "", "extno": ""}'
    assert parse_line(whole, 2, "call")["mobile"] == "1"
    with pytest.raises(DriverError, match="an item of call needs 'extno', a text"):
        parse_line(whole.replace(b'"extno": ""', b'"extno": 1'), 2, "call")


def test_a_value_of_another_type_is_named() -> None:
    with pytest.raises(DriverError, match="taskID is 7; expected a text"):
        parse_line(b'{"id": 1, "answer": "accepted", "taskID": 7}', 1, "send")


def test_the_schema_names_every_answer() -> None:
    last, *items = build_schema()["anyOf"]
    assert last["properties"]["answer"]["enum"] == ["configured", "accepted", "refused", "unknown", "unsupported"]
    assert [item["title"] for item in items] == ["an item of status", "an item of call"]


def test_a_line_of_chinese_windows_is_named() -> None:
    line = '{"id": 1, "answer": "refused", "message": "余额不足"}\n'
    with pytest.raises(DriverError, match=r"a line in GBK \(code page 936\); write UTF-8: .*余额不足") as caught:
        parse_line(line.encode("gbk"), 1, "send")
    assert caught.value.in_chinese().startswith("标准输出有一行是 GBK 编码（代码页 936），请改用 UTF-8：")
    assert parse_line(line.encode(), 1, "send")["message"] == "余额不足"
    with pytest.raises(DriverError, match="no JSON in UTF-8"):
        parse_line("正在发送\n".encode("gbk"), 1, "send")
