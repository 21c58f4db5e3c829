"""The two charsets of the vendor's endpoints (1.1, 1.2): UTF-8, and GBK as in Windows code page 936.

The path of the endpoint alone decides which charset applies.
"""

import codecs
from collections.abc import Callable, Mapping
from operator import methodcaller
from typing import Final

_EURO_BYTE: Final = 0x80
_USER_DEFINED: Final = (
    # First and last lead byte, first trail byte, trail bytes of a row (0x7F is none), first code point.
    (0xAA, 0xAF, 0xA1, 94, 0xE000),
    (0xF8, 0xFE, 0xA1, 94, 0xE234),
    (0xA1, 0xA7, 0x40, 96, 0xE4C6),
)
"""User-defined characters of Windows, as private-use code points; Python's GBK codec lacks them."""


def _decode_user_defined(lead: int, trail: int) -> str | None:
    for first, last, first_trail, row, start in _USER_DEFINED:
        index = trail - first_trail - (first_trail == 0x40 and trail > 0x7F)
        if first <= lead <= last and trail != 0x7F and 0 <= index < row:
            return chr(start + (lead - first) * row + index)
    return None


def _handle_windows_codes(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    code = error.object[error.start : error.start + 2]
    if code[0] == _EURO_BYTE:
        return "€", error.start + 1
    user_defined = _decode_user_defined(*code) if code[1:] else None
    return ("\ufffd", error.end) if user_defined is None else (user_defined, error.start + 2)


codecs.register_error("sms10692_mock.windows", _handle_windows_codes)


def _decode_cp936(raw: bytes) -> str:
    return raw.decode("gbk", "sms10692_mock.windows")


DECODERS: Final[Mapping[str, Callable[[bytes], str]]] = {
    "utf-8": methodcaller("decode", "utf-8", "replace"),
    "gb2312": _decode_cp936,
}
"""Decoders by charset label of the endpoint. Undecodable bytes become U+FFFD. On the GBK endpoint 0x80 is €, and
user-defined codes become private-use code points.
"""


ENCODERS: Final[Mapping[str, Callable[[str], bytes]]] = {
    "utf-8": methodcaller("encode", "utf-8"),
    "gb2312": methodcaller("encode", "gbk", "xmlcharrefreplace"),
}
"""Encoders for XML by charset label of the endpoint. Characters that GBK lacks, € among them, become decimal
references.
"""
