"""The two charsets of the vendor's pages, each way (1.1, 1.2): UTF-8, and code page 936 as Windows has it.

Here belongs what a byte or a character means on a page. Which page it is, only the path decides.
"""

import codecs
from collections.abc import Callable, Mapping
from typing import Final

_EURO_BYTE: Final = 0x80
_USER_DEFINED: Final = (
    # First and last lead byte, first trail byte, trail bytes of a row (0x7F is none), first code point.
    (0xAA, 0xAF, 0xA1, 94, 0xE000),
    (0xF8, 0xFE, 0xA1, 94, 0xE234),
    (0xA1, 0xA7, 0x40, 96, 0xE4C6),
)
"""The codes that Windows keeps for characters of its users, as private-use characters; Python's codec has none."""


def _user_defined(lead: int, trail: int) -> str | None:
    for first, last, first_trail, row, start in _USER_DEFINED:
        place = trail - first_trail - (first_trail == 0x40 and trail > 0x7F)
        if first <= lead <= last and trail != 0x7F and 0 <= place < row:
            return chr(start + (lead - first) * row + place)
    return None


def _windows(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    code = error.object[error.start : error.start + 2]
    if code[0] == _EURO_BYTE:
        return "€", error.start + 1
    own = _user_defined(*code) if code[1:] else None
    return ("\ufffd", error.end) if own is None else (own, error.start + 2)


codecs.register_error("sms10692_mock.windows", _windows)


def _from_utf_8(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _from_cp936(raw: bytes) -> str:
    return raw.decode("gbk", "sms10692_mock.windows")


DECODERS: Final[Mapping[str, Callable[[bytes], str]]] = {"utf-8": _from_utf_8, "gb2312": _from_cp936}
"""By the label of the page. What cannot be read is U+FFFD; on the GBK page 0x80 is €, users' own codes are private."""


def _to_utf_8(text: str) -> bytes:
    return text.encode("utf-8")


def _to_cp936(text: str) -> bytes:
    return text.encode("gbk", "xmlcharrefreplace")


ENCODERS: Final[Mapping[str, Callable[[str], bytes]]] = {"utf-8": _to_utf_8, "gb2312": _to_cp936}
"""By the label of the page. For XML: what GBK lacks becomes a decimal reference, € among it."""
