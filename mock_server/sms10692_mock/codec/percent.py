"""Percent-decoding of one form name or value: `+`, `%E5` for a byte, and `%u5bb9` for a character (R14, R16).

Some clients write `%u5bb9`, the format of JavaScript's `escape`.
"""

import re
from collections.abc import Callable
from typing import Final, TypeAlias

Decoder: TypeAlias = Callable[[bytes], str]

_UNICODE_ESCAPE: Final = re.compile("%u([0-9A-Fa-f]{4})")
_BYTE_ESCAPES: Final = re.compile("(?:%[0-9A-Fa-f]{2}){1,8192}")  # bounded: a match holds the interpreter lock


def decode_component(token: str, decode: Decoder) -> str:
    """Decode a name or value. `token` has one character per received byte (Latin-1).

    >>> decode_component("%E5%86%85+%u5bb9", bytes.decode)
    '内 容'
    """
    if token.isalnum() and token.isascii():
        return token
    token = token.replace("+", " ")
    if _BYTE_ESCAPES.fullmatch(token):  # the usual case: a Chinese text
        return decode(bytes.fromhex(token.replace("%", "")))
    if "%u" not in token:
        return decode(_decode_bytes(token))
    # Runs of bytes alternate with UTF-16 code units: a %u escape ends a run, even in the middle of a character.
    runs = _UNICODE_ESCAPE.split(token)
    texts = [decode(_decode_bytes(run)) for run in runs[::2]]
    units = [chr(int(digits, 16)) for digits in runs[1::2]]
    text = texts[0] + "".join(unit + run for unit, run in zip(units, texts[1:], strict=True))
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _decode_bytes(token: str) -> bytes:
    if "%" in token:
        token = _BYTE_ESCAPES.sub(_unescape, token)
    return token.encode("latin-1")


def _unescape(escapes: re.Match[str]) -> str:
    return bytes.fromhex(escapes[0].replace("%", "")).decode("latin-1")
