"""Recipient lists from arguments, text files and CSV files, validated before anything is sent.

A phone number is 11 digits that begin with 1. **Anything else is refused; no number is corrected silently.**
"""

import csv
import io
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO, Final, NamedTuple

from sms10692.terminal import escape_controls

MAX_BYTES: Final = 32 * 1024 * 1024
"""Maximum size of a file: more than two million lines with one number each."""

_NUMBER: Final = re.compile(r"1[0-9]{10}")
_NUMBER_WITH_COUNTRY_CODE: Final = re.compile(r"(?:\+|00)?86[ -]?(1[0-9]{10})")
_COLUMN_INDEX: Final = re.compile(r"[1-9][0-9]{0,3}")
_SCIENTIFIC_NOTATION: Final = re.compile(r"[0-9.]+E\+[0-9]+", re.IGNORECASE)
_DELIMITERS: Final = ",;\t"
_WORKBOOK_SIGNATURES: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""First bytes of Excel workbooks (.xlsx, .xls)."""

_MAX_LISTED: Final = 5
"""Entries that a message lists individually; further ones are counted."""


class InvalidRecipients(ValueError):
    """The list contains an invalid number, or the file cannot be read as a list. The message is one line."""


class RecipientEntry(NamedTuple):
    """An entry of a list before validation. `position` names its place for messages, such as `line 3`."""

    position: str
    text: str


class Recipients(NamedTuple):
    """Validated numbers without duplicates, in the list's order. `notice` names the duplicates; empty if none."""

    numbers: tuple[str, ...]
    notice: str


class _Findings:
    """Findings about a list for one message: the first few, and the number of further ones."""

    def __init__(self) -> None:
        self._listed: list[str] = []
        self._more = 0

    def add(self, finding: str) -> None:
        if len(self._listed) < _MAX_LISTED:
            self._listed.append(finding)
        else:
            self._more += 1

    def __bool__(self) -> bool:
        return bool(self._listed)

    def __str__(self) -> str:
        return "; ".join(self._listed) + (f"; and {self._more} more" if self._more else "")


def parse_arguments(arguments: Iterable[str]) -> Recipients:
    """Parse numbers from command-line arguments. An argument may contain several, separated by commas (1.2).

    Raises InvalidRecipients.

    >>> parse_arguments(["13000000001,13000000002", " 13000000001 "]).numbers
    ('13000000001', '13000000002')
    """
    return _validate(
        RecipientEntry(f"argument {index}", part)
        for index, argument in enumerate(arguments, 1)
        for part in argument.split(",")
        if part.strip()
    )


def parse_file(file: BinaryIO, column: str | None) -> Recipients:
    """Parse the numbers of a file: one column of a CSV table, or every line if `column` is None.

    `column` is a name in the header line, or the 1-based index of a column in a table without header. The charset is
    UTF-8, UTF-16 with a byte order mark, or code page 936, which Excel uses for CSV in China.
    Raises InvalidRecipients, and OSError if the file cannot be read.
    """
    text = _decode(file)
    if column is None:
        return _validate(_parse_lines(text), "; if the first line is a header, select a column with --column")
    return _validate(_parse_column(text, column))


def _validate(entries: Iterable[RecipientEntry], advice: str = "") -> Recipients:
    positions: dict[str, str] = {}
    invalid, duplicates = _Findings(), _Findings()
    for position, text in entries:
        number = text.strip()
        if not _NUMBER.fullmatch(number):
            invalid.add(f"{position} has '{escape_controls(number[:40])}'{_explain(number)}")
        elif number in positions:
            duplicates.add(f"{number} in {position} repeats {positions[number]}")
        else:
            positions[number] = position
    if invalid:
        raise InvalidRecipients(
            f"nothing was sent: invalid phone numbers: {invalid}; a number is 11 digits that begin with 1{advice}"
        )
    return Recipients(tuple(positions), f"duplicate numbers are sent to only once: {duplicates}" if duplicates else "")


def _explain(text: str) -> str:
    """Return a note on a common mistake in an invalid number, or an empty string."""
    if match := _NUMBER_WITH_COUNTRY_CODE.fullmatch(text):
        return f" (without the country code: {match[1]})"
    if _SCIENTIFIC_NOTATION.fullmatch(text):
        return " (Excel rounded the number: format the column as text)"
    return ""


def _decode(file: BinaryIO) -> str:
    raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise InvalidRecipients(f"nothing was sent: the file is larger than {MAX_BYTES // 1024 // 1024} MiB")
    if raw.startswith(_WORKBOOK_SIGNATURES):
        raise InvalidRecipients("nothing was sent: the file is an Excel workbook; save it as CSV")
    is_utf_16 = raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    for codec in ("utf-16",) if is_utf_16 else ("utf-8",) if raw.startswith(BOM_UTF8) else ("utf-8", "gb18030"):
        try:
            return raw.decode(codec).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    raise InvalidRecipients("nothing was sent: the file is neither UTF-8 nor GBK")


def _parse_lines(text: str) -> Iterator[RecipientEntry]:
    for line, cells in _parse_rows(text, ","):
        yield from (RecipientEntry(f"line {line}", cell) for cell in cells if cell.strip())


def _parse_column(text: str, column: str) -> Iterator[RecipientEntry]:
    delimiter, index, has_header = _find_column(text, column)
    for row, (line, cells) in enumerate(_parse_rows(text, delimiter)):
        if row or not has_header:
            yield RecipientEntry(f"line {line}", cells[index] if index < len(cells) else "")


def _find_column(text: str, column: str) -> tuple[str, int, bool]:
    """Return the delimiter of a table, the index of the column, and whether the first line is a header."""
    requested = column.strip().casefold()
    candidates = [
        (delimiter, cells) for delimiter in _DELIMITERS for _, cells in islice(_parse_rows(text, delimiter), 1)
    ]
    for delimiter, cells in candidates:
        names = [cell.strip().casefold() for cell in cells]
        if names.count(requested) > 1:
            raise InvalidRecipients(f"nothing was sent: several columns are called '{escape_controls(column)}'")
        if requested in names and not _NUMBER.fullmatch(requested):  # a phone number is data, never a column name
            return delimiter, names.index(requested), True
    delimiter, cells = max(candidates, key=lambda candidate: len(candidate[1]), default=(",", []))
    if _COLUMN_INDEX.fullmatch(requested) and int(requested) <= len(cells):
        return delimiter, int(requested) - 1, False
    first_line = ", ".join(f"'{escape_controls(cell.strip()[:40])}'" for cell in cells[:20])
    raise InvalidRecipients(
        f"nothing was sent: there is no column '{escape_controls(column)}'; "
        + (f"the first line has {first_line}" if cells else "the file is empty")
    )


def _parse_rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a table that are not blank, each with the number of its first line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise InvalidRecipients(f"nothing was sent: line {line} cannot be read as CSV: {error}") from None
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1
