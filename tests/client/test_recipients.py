"""Recipient lists: lines, tables, charsets; invalid numbers are refused with their position."""

import io
from typing import Any, BinaryIO

import pytest

from sms10692.recipients import InvalidRecipients, parse_arguments, parse_file

A, B, C = "15023239810", "13527576163", "13800138000"
TABLE = f'手机号,姓名,备注\n{A},张三,\n{B},李四,"北京,\n朝阳"\n{C},"王""五",x\n'


def parse_numbers(content: str | bytes, column: str | None = None) -> tuple[str, ...]:
    return parse_file(io.BytesIO(content if isinstance(content, bytes) else content.encode()), column).numbers


def parse_error(content: str | bytes, column: str | None = None) -> str:
    """Return the one-line message of the refusal."""
    with pytest.raises(InvalidRecipients) as raised:
        parse_numbers(content, column)
    assert "\n" not in str(raised.value)
    return str(raised.value)


# One number per line


@pytest.mark.parametrize(
    "content",
    [
        f"{A}\n{B}\n{C}\n",
        f"\ufeff{A}\r\n\r\n {B} \r\n{C}\t",
        f"{A}\r{B}\r{C}",
        f"{A},{B}\n\n{C},\n",
        f'"{A}"\n"{B}"\n{C}',
        f"{A}\n{B}\n{C}".encode("utf-16"),
    ],
)
def test_a_file_with_one_number_per_line_is_parsed(content: Any) -> None:
    assert parse_numbers(content) == (A, B, C)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("手机号", "line 2 has '手机号'"),
        ("1502323981", "line 2 has '1502323981'"),
        ("150232398101", "line 2 has '150232398101'"),
        ("25023239810", "line 2 has '25023239810'"),
        ("150-2323-9810", "line 2 has '150-2323-9810'"),
        ("１５０２３２３９８１０", "line 2 has '１５０２３２３９８１０'"),
        (f"+86{A}", f"line 2 has '+86{A}' (without the country code: {A})"),
        (f"0086 {A}", f"(without the country code: {A})"),
        (f"86{A}", f"(without the country code: {A})"),
        ("1.50232E+10", "line 2 has '1.50232E+10' (Excel rounded the number"),
        (f"{B},张三", "line 2 has '张三'"),
        (f"{B};{C}", f"line 2 has '{B};{C}'"),
        (f"\u202d{A}\u202c", f"line 2 has '\\u202d{A}\\u202c'"),
        ("\x1b[2J", "line 2 has '\\x1b[2J'"),
        ("x" * 100_000, f"line 2 has '{'x' * 40}'"),
    ],
)
def test_an_invalid_number_is_refused_with_its_line(text: str, message: str) -> None:
    error = parse_error(f"{A}\n{text}\n{B}\n")
    assert message in error
    assert error.startswith("nothing was sent")
    assert "11 digits that begin with 1" in error


def test_of_many_invalid_lines_the_first_are_listed_and_the_rest_counted() -> None:
    error = parse_error("x\n" * 100_000)
    assert "line 1 has 'x'; line 2 has 'x'; line 3 has 'x'; line 4 has 'x'; line 5 has 'x'; and 99995 more" in error


def test_a_table_without_column_is_refused_with_a_hint_to_the_option() -> None:
    error = parse_error(TABLE)
    assert "line 1 has '手机号'; line 1 has '姓名'" in error
    assert "--column" in error


# Tables


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("column", ["手机号", " 手机号 ", "1"])
def test_a_column_is_found_by_name_or_index_in_any_charset(codec: str, column: str) -> None:
    table = TABLE if column != "1" else TABLE.partition("\n")[2]
    assert parse_numbers(table.encode(codec), column) == (A, B, C)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("column", ["Mobile", "MOBILE", "2"])
def test_the_delimiter_may_be_comma_semicolon_or_tab(delimiter: str, column: str) -> None:
    rows = [("name", "mobile"), ("x", A), ("y", B)]
    lines = [delimiter.join(row) for row in rows]
    assert parse_numbers("\r\n".join(lines if column != "2" else lines[1:]), column) == (A, B)


def test_a_phone_number_is_never_taken_for_a_header() -> None:
    assert f"there is no column '{A}'" in parse_error(f"{A}\n{B}\n", A)


def test_blank_rows_of_a_table_are_ignored() -> None:
    assert parse_numbers(f"\n手机号,姓名\n{A},\n,\n\n , \n{B},x\n", "手机号") == (A, B)


def test_an_invalid_number_in_a_table_is_refused_with_the_first_line_of_its_row() -> None:
    assert "line 5 has '王五'" in parse_error(TABLE.replace(C, "王五"), "手机号")
    assert "line 2 has ''" in parse_error("手机号,姓名\n,张三\n", "手机号")
    assert "line 3 has ''" in parse_error(f"姓名,手机号\nx,{A}\n张三\n", "手机号")
    assert "line 1 has '手机号'" in parse_error(TABLE, "1")


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        (TABLE, "号码", "there is no column '号码'; the first line has '手机号', '姓名', '备注'"),
        (TABLE, "4", "there is no column '4'"),
        (TABLE, "0", "there is no column '0'"),
        (TABLE, "9" * 5000, "there is no column"),
        ("", "手机号", "the file is empty"),
        (f"手机号,手机号\n{A},{B}", "手机号", "several columns are called '手机号'"),
        (f'手机号,姓名\n{A},"张三\n{B},李四', "手机号", "line 2 cannot be read as CSV: unexpected end of data"),
        (f"手机号,姓名\n{A},{'x' * 200_000}", "手机号", "line 2 cannot be read as CSV: field larger"),
    ],
)
def test_the_error_for_an_unreadable_table_states_the_reason(content: str, column: str, message: str) -> None:
    assert message in parse_error(content, column)


# Files that are not lists


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04rest of a workbook", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest of an older one", "Excel workbook"),
        (b"\xef\xbb\xbf\xff", "neither UTF-8 nor GBK"),
        (b"\xff\xff\xff", "neither UTF-8 nor GBK"),
    ],
)
def test_a_file_in_another_format_is_refused(content: bytes, message: str) -> None:
    assert message in parse_error(content)


def test_an_endless_file_is_read_up_to_the_limit() -> None:
    class Endless(io.RawIOBase):
        requested = 0

        def read(self, size: int = -1) -> bytes:
            assert size > 0
            self.requested += size
            return b"\0" * size

    endless: Any = Endless()
    with pytest.raises(InvalidRecipients, match="larger than 32 MiB"):
        parse_file(endless, None)
    assert endless.requested == 32 * 1024 * 1024 + 1


# Duplicates and arguments


def test_a_duplicate_number_is_removed_with_a_notice() -> None:
    file: BinaryIO = io.BytesIO(f"{A}\n{B}\n{A}\n{A}\n".encode())
    recipients = parse_file(file, None)
    assert recipients.numbers == (A, B)
    assert recipients.notice == (
        f"duplicate numbers are sent to only once: {A} in line 3 repeats line 1; {A} in line 4 repeats line 1"
    )
    assert parse_arguments([A, B]).notice == ""


def test_arguments_are_validated_like_lines() -> None:
    assert parse_arguments([f"{A},{B}", f" {C} ", ","]).numbers == (A, B, C)
    with pytest.raises(InvalidRecipients, match="argument 2 has '张三'"):
        parse_arguments([A, "张三"])
