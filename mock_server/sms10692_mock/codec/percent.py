"""The escapes of forms: `+`, `%E5` for a byte, and `%u5bb9` for a character, as some clients write it (R14, R16).

Here belongs one name or value. Where in a form it stands is the affair of `forms`.
"""

import re
from collections.abc import Callable
from typing import Final, TypeAlias

Decoder: TypeAlias = Callable[[bytes], str]

_UNICODE_ESCAPE: Final = re.compile("%u([0-9A-Fa-f]{4})")
_BYTE_ESCAPES: Final = re.compile("(?:%[0-9A-Fa-f]{2}){1,8192}")  # not more at one go: other threads wait meanwhile


def decode_component(token: str, decode: Decoder) -> str:
    """The text that a name or a value of a form means, one character for each byte as it came.

    >>> unescaped("%E5%86%85+%u5bb9", bytes.decode)
    '内 容'
    """
    token = token.replace("+", " ")
    if "%u" not in token:
        return decode(_bytes_of(token))
    # Bytes and UTF-16 units take turns: an escape ends a run of bytes, also in the middle of a character.
    runs = _UNICODE_ESCAPE.split(token)
    runs_of_bytes = [decode(_bytes_of(run)) for run in runs[::2]]
    units = [chr(int(digits, 16)) for digits in runs[1::2]]
    text = runs_of_bytes[0] + "".join(unit + run for unit, run in zip(units, runs_of_bytes[1:], strict=True))
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _bytes_of(token: str) -> bytes:
    if "%" in token:
        token = _BYTE_ESCAPES.sub(_unescape, token)
    return token.encode("latin-1")


def _unescape(escapes: re.Match[str]) -> str:
    return bytes.fromhex(escapes[0].replace("%", "")).decode("latin-1")
