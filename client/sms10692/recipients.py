"""Telephone numbers that a user gives, checked before anything is sent: arguments, a text file, a CSV file.

A number is 11 digits that begin with 1. Nothing else is taken for one, and none is rewritten.
"""

import csv
import io
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO, Final, NamedTuple

from sms10692.terminal import printable

MAX_BYTES: Final = 32 * 1024 * 1024
"""Of a file: more than two million numbers, one a line."""

_NUMBER: Final = re.compile(r"1[0-9]{10}")
_COUNTRY_CODE: Final = re.compile(r"(?:\+|00)?86[ -]?(1[0-9]{10})")
_PLACE: Final = re.compile(r"[1-9][0-9]{0,3}")
_ROUNDED: Final = re.compile(r"[0-9.]+E\+[0-9]+", re.IGNORECASE)
_DELIMITERS: Final = ",;\t"
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_SHOWN: Final = 5
"""Wrong entries that a message names one by one."""


class WrongNumbers(ValueError):
    """Something in the list is no number, or there is no list in the file. Its text is one line."""


class RecipientEntry(NamedTuple):
    """What stands in one place of a list, such as `line 3`."""

    place: str
    text: str


class Recipients(NamedTuple):
    """The numbers of a list, in its order and each once. `remark` says which were repeated; empty where none was."""

    numbers: tuple[str, ...]
    remark: str


class _Findings:
    """The first few things to tell about a list, and how many more there are."""

    def __init__(self) -> None:
        self._shown: list[str] = []
        self._more = 0

    def add(self, finding: str) -> None:
        if len(self._shown) < _SHOWN:
            self._shown.append(finding)
        else:
            self._more += 1

    def __bool__(self) -> bool:
        return bool(self._shown)

    def __str__(self) -> str:
        return "; ".join(self._shown) + (f"; and {self._more} more" if self._more else "")


def from_arguments(arguments: Iterable[str]) -> Recipients:
    """Read numbers given one by one, or several in one with commas between, as on the wire (1.2).

    >>> from_arguments(["13000000001,13000000002", " 13000000001 "]).numbers
    ('13000000001', '13000000002')
    """
    return _check(
        RecipientEntry(f"argument {place}", part)
        for place, argument in enumerate(arguments, 1)
        for part in argument.split(",")
        if part.strip()
    )


def from_file(file: BinaryIO, column: str | None) -> Recipients:
    """Read the numbers of a file: of one column of a table (CSV), or else of every line.

    `column` is the name of a column in the first line, or the place of a column, from 1, in a table without names.
    The charset is UTF-8, UTF-16 with a byte order mark, or else code page 936, in which Excel writes CSV in China.
    Raises WrongNumbers, and OSError where the file cannot be read.
    """
    text = _decode(file)
    if column is None:
        return _check(_entries(text), "; if the first line names columns, say which one with --column")
    return _check(_column(text, column))


def _check(entries: Iterable[RecipientEntry], advice: str = "") -> Recipients:
    places: dict[str, str] = {}
    wrong, repeated = _Findings(), _Findings()
    for place, text in entries:
        number = text.strip()
        if not _NUMBER.fullmatch(number):
            wrong.add(f"{place} has '{printable(number[:40])}'{_hint(number)}")
        elif number in places:
            repeated.add(f"{number} in {place} is that of {places[number]}")
        else:
            places[number] = place
    if wrong:
        raise WrongNumbers(
            f"nothing was sent, because not all are numbers: {wrong}; a number is 11 digits that begin with 1{advice}"
        )
    return Recipients(tuple(places), f"each number is sent to once: {repeated}" if repeated else "")


def _hint(text: str) -> str:
    if found := _COUNTRY_CODE.fullmatch(text):
        return f" (without the country code: {found[1]})"
    if _ROUNDED.fullmatch(text):
        return " (Excel rounded the number: format the column as text)"
    return ""


def _decode(file: BinaryIO) -> str:
    raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise WrongNumbers(f"nothing was sent: the file is larger than {MAX_BYTES // 1024 // 1024} MiB")
    if raw.startswith(_WORKBOOKS):
        raise WrongNumbers("nothing was sent: the file is an Excel workbook; save it as CSV")
    utf_16 = raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    for codec in ("utf-16",) if utf_16 else ("utf-8",) if raw.startswith(BOM_UTF8) else ("utf-8", "gb18030"):
        try:
            return raw.decode(codec).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    raise WrongNumbers("nothing was sent: the file is neither UTF-8 nor GBK")


def _entries(text: str) -> Iterator[RecipientEntry]:
    for line, cells in _rows(text, ","):
        yield from (RecipientEntry(f"line {line}", cell) for cell in cells if cell.strip())


def _column(text: str, column: str) -> Iterator[RecipientEntry]:
    delimiter, index, has_names = _find_column(text, column)
    for row, (line, cells) in enumerate(_rows(text, delimiter)):
        if row or not has_names:
            yield RecipientEntry(f"line {line}", cells[index] if index < len(cells) else "")


def _find_column(text: str, column: str) -> tuple[str, int, bool]:
    """The delimiter of a table, the index of the column, and whether the first line holds names."""
    wanted = column.strip().casefold()
    tables = [(delimiter, cells) for delimiter in _DELIMITERS for _, cells in islice(_rows(text, delimiter), 1)]
    for delimiter, cells in tables:
        names = [cell.strip().casefold() for cell in cells]
        if names.count(wanted) > 1:
            raise WrongNumbers(f"nothing was sent: several columns are called '{printable(column)}'")
        if wanted in names and not _NUMBER.fullmatch(wanted):  # a number is to be sent to, and names no column
            return delimiter, names.index(wanted), True
    delimiter, cells = max(tables, key=lambda table: len(table[1]), default=(",", []))
    if _PLACE.fullmatch(wanted) and int(wanted) <= len(cells):
        return delimiter, int(wanted) - 1, False
    first_line = ", ".join(f"'{printable(cell.strip()[:40])}'" for cell in cells[:20])
    raise WrongNumbers(
        f"nothing was sent: there is no column '{printable(column)}'; "
        + (f"the first line has {first_line}" if cells else "the file is empty")
    )


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table that are not blank, each with the number of the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise WrongNumbers(f"nothing was sent: line {line} cannot be read as CSV: {error}") from None
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1
