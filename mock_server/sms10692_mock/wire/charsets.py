"""The two charsets of the vendor's pages, each way (1.1, 1.2): UTF-8, and code page 936 as Windows has it.

Here belongs what a byte or a character means on a page. Which page it is, only the path decides.
"""

import codecs
from collections.abc import Callable, Mapping
from typing import Final

_EURO_BYTE: Final = 0x80


def _windows(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return ("€" if error.object[error.start] == _EURO_BYTE else "\ufffd"), error.end


codecs.register_error("sms10692_mock.windows", _windows)


def _from_utf_8(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _from_cp936(raw: bytes) -> str:
    return raw.decode("gbk", "sms10692_mock.windows")


DECODERS: Final[Mapping[str, Callable[[bytes], str]]] = {"utf-8": _from_utf_8, "gb2312": _from_cp936}
"""By the label of the page. What cannot be read becomes U+FFFD; on the GBK page a lone 0x80 is €."""


def _to_utf_8(text: str) -> bytes:
    return text.encode("utf-8")


def _to_cp936(text: str) -> bytes:
    return text.encode("gbk", "xmlcharrefreplace")


ENCODERS: Final[Mapping[str, Callable[[str], bytes]]] = {"utf-8": _to_utf_8, "gb2312": _to_cp936}
"""By the label of the page. For XML: what GBK lacks becomes a decimal reference, € among it."""
