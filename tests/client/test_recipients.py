"""Nothing that is no number is taken for one; a file says where it stands; a table says its column."""

import io
from typing import Any, BinaryIO

import pytest

from sms10692.recipients import InvalidRecipients, parse_arguments, parse_file

A, B, C = "15023239810", "13527576163", "13800138000"
TABLE = f'手机号,姓名,备注\n{A},张三,\n{B},李四,"北京,\n朝阳"\n{C},"王""五",x\n'


def numbers(content: str | bytes, column: str | None = None) -> tuple[str, ...]:
    return parse_file(io.BytesIO(content if isinstance(content, bytes) else content.encode()), column).numbers


def refusal(content: str | bytes, column: str | None = None) -> str:
    with pytest.raises(InvalidRecipients) as raised:
        numbers(content, column)
    assert "\n" not in str(raised.value)
    return str(raised.value)


# A number a line


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
def test_a_file_of_lines_is_read(content: Any) -> None:
    assert numbers(content) == (A, B, C)


@pytest.mark.parametrize(
    ("text", "said"),
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
def test_a_line_that_is_no_number_is_refused_with_its_line(text: str, said: str) -> None:
    refused = refusal(f"{A}\n{text}\n{B}\n")
    assert said in refused
    assert refused.startswith("nothing was sent")
    assert "11 digits that begin with 1" in refused


def test_of_many_wrong_lines_the_first_are_named_and_the_rest_counted() -> None:
    refused = refusal("x\n" * 100_000)
    assert "line 1 has 'x'; line 2 has 'x'; line 3 has 'x'; line 4 has 'x'; line 5 has 'x'; and 99995 more" in refused


def test_a_table_without_a_column_is_refused_and_the_option_named() -> None:
    refused = refusal(TABLE)
    assert "line 1 has '手机号'; line 1 has '姓名'" in refused
    assert "--column" in refused


# Tables


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("column", ["手机号", " 手机号 ", "1"])
def test_a_column_is_found_by_name_or_place_in_any_charset(codec: str, column: str) -> None:
    table = TABLE if column != "1" else TABLE.partition("\n")[2]
    assert numbers(table.encode(codec), column) == (A, B, C)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("column", ["Mobile", "MOBILE", "2"])
def test_a_table_is_divided_by_comma_semicolon_or_tab(delimiter: str, column: str) -> None:
    rows = [("name", "mobile"), ("x", A), ("y", B)]
    lines = [delimiter.join(row) for row in rows]
    assert numbers("\r\n".join(lines if column != "2" else lines[1:]), column) == (A, B)


def test_a_number_names_no_column_and_is_never_passed_over() -> None:
    assert f"there is no column '{A}'" in refusal(f"{A}\n{B}\n", A)


def test_blank_rows_of_a_table_are_passed_over() -> None:
    assert numbers(f"\n手机号,姓名\n{A},\n,\n\n , \n{B},x\n", "手机号") == (A, B)


def test_a_wrong_number_in_a_table_is_refused_with_the_line_on_which_its_row_begins() -> None:
    assert "line 5 has '王五'" in refusal(TABLE.replace(C, "王五"), "手机号")
    assert "line 2 has ''" in refusal("手机号,姓名\n,张三\n", "手机号")
    assert "line 3 has ''" in refusal(f"姓名,手机号\nx,{A}\n张三\n", "手机号")
    assert "line 1 has '手机号'" in refusal(TABLE, "1")


@pytest.mark.parametrize(
    ("content", "column", "said"),
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
def test_a_table_that_cannot_be_read_says_why(content: str, column: str, said: str) -> None:
    assert said in refusal(content, column)


# Files that are no lists


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04rest of a workbook", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest of an older one", "Excel workbook"),
        (b"\xef\xbb\xbf\xff", "neither UTF-8 nor GBK"),
        (b"\xff\xff\xff", "neither UTF-8 nor GBK"),
    ],
)
def test_a_file_of_another_kind_is_refused(content: bytes, said: str) -> None:
    assert said in refusal(content)


def test_a_file_without_end_is_read_up_to_a_limit() -> None:
    class Endless(io.RawIOBase):
        asked = 0

        def read(self, size: int = -1) -> bytes:
            assert size > 0
            self.asked += size
            return b"\0" * size

    endless: Any = Endless()
    with pytest.raises(InvalidRecipients, match="larger than 32 MiB"):
        parse_file(endless, None)
    assert endless.asked == 32 * 1024 * 1024 + 1


# Repeated numbers, and arguments


def test_a_repeated_number_is_sent_to_once_and_told() -> None:
    file: BinaryIO = io.BytesIO(f"{A}\n{B}\n{A}\n{A}\n".encode())
    recipients = parse_file(file, None)
    assert recipients.numbers == (A, B)
    assert recipients.notice == (
        f"duplicate numbers are sent to only once: {A} in line 3 repeats line 1; {A} in line 4 repeats line 1"
    )
    assert parse_arguments([A, B]).notice == ""


def test_arguments_are_checked_as_lines_are() -> None:
    assert parse_arguments([f"{A},{B}", f" {C} ", ","]).numbers == (A, B, C)
    with pytest.raises(InvalidRecipients, match="argument 2 has '张三'"):
        parse_arguments([A, "张三"])
