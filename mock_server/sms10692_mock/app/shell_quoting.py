r"""Shell quoting of arbitrary bytes, for command lines that users copy.

The results mean the same to bash (also interactive), zsh, dash and fish. They contain no control characters, because a
terminal acts on those while pasting, even inside quotes.
"""

import re
from typing import Final

_UNQUOTED: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9./:_-]*")
_QUOTABLE: Final = re.compile(rb"[^'\\\0-\x1f\x7f-\xff]*")
"""Bytes that are literal between single quotes in every shell. Fish interprets a backslash there."""
_ESCAPED: Final = b"'\\!"
"""Includes "!", because bash expands history inside double quotes, even within single quotes there."""


def quote_bytes(raw: bytes) -> str:
    r"""Quote bytes as one argument. Raises ValueError for NUL and for a line feed at the end, which no shell can pass.

    >>> print(quote_bytes(b"GET"), quote_bytes(b"`id`"), quote_bytes(b"it's\n\xc4!"))
    GET '`id`' "$(printf 'it\047s\012\304\041')"
    """
    if b"\0" in raw or raw.endswith(b"\n"):
        raise ValueError("no argument of a command has NUL in it, and none made by printf ends with a line feed")
    if _QUOTABLE.fullmatch(raw):
        return _quote_if_needed(raw.decode())
    return f'"$({printf(raw)})"'


def quote_text(text: str) -> str:
    r"""Quote text as one argument in UTF-8. Printable characters of every language stay readable.

    >>> print(quote_text("商户 $x"), quote_text("\u202e"))
    '商户 $x' "$(printf '\342\200\256')"
    """
    if is_quotable(text):
        return _quote_if_needed(text)
    return quote_bytes(text.encode())


def is_quotable(text: str) -> bool:
    """Whether text between single quotes is literal in every shell, and harmless in a terminal."""
    return text.isprintable() and not {"'", "\\"} & set(text)


def printf(raw: bytes) -> str:
    r"""Return a command that writes these bytes.

    >>> print(printf(b"-n\0 100%"))
    printf '\055n\000 100%%'
    """
    return f"printf '{printf_format(raw)}'"


def printf_format(raw: bytes) -> str:
    r"""Return the format argument of a printf that writes these bytes, without quotes.

    Escapes are octal, the only ones that all shells know. A hyphen at the beginning is escaped, because it would start
    an option.
    """
    escaped = "".join(map(_escape, raw))
    return f"\\055{escaped[1:]}" if escaped.startswith("-") else escaped


def _escape(byte: int) -> str:
    if byte == ord("%"):
        return "%%"
    return chr(byte) if 32 <= byte < 127 and byte not in _ESCAPED else f"\\{byte:03o}"


def _quote_if_needed(text: str) -> str:
    return text if _UNQUOTED.fullmatch(text) else f"'{text}'"
