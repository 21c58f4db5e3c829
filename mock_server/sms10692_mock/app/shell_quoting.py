r"""Quoting for the command lines that users copy: words of one line that any shell reads as the bytes they stand for.

The words mean the same to bash (also interactive), zsh, dash and fish. They have no control characters, because those
act on a terminal at the moment of pasting, whatever is quoted.
"""

import re
from typing import Final

_BARE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9./:_-]*")
_QUOTABLE: Final = re.compile(rb"[^'\\\0-\x1f\x7f-\xff]*")
"""What is literal between single quotes in every shell; fish reads a backslash there."""
_ESCAPED: Final = b"'\\!"
"""Also "!": bash expands the history within double quotes, single quotes inside them or not."""


def quote_bytes(raw: bytes) -> str:
    r"""One argument of a command. Raises ValueError for bytes that no shell can pass: NUL, or a line feed at the end.

    >>> print(quote_bytes(b"GET"), quote_bytes(b"`id`"), quote_bytes(b"it's\n\xc4!"))
    GET '`id`' "$(printf 'it\047s\012\304\041')"
    """
    if b"\0" in raw or raw.endswith(b"\n"):
        raise ValueError("no argument of a command has NUL in it, and none made by printf ends with a line feed")
    if _QUOTABLE.fullmatch(raw):
        return _quoted(raw.decode())
    return f'"$({printf(raw)})"'


def quote_text(text: str) -> str:
    r"""One argument in UTF-8. Letters of every language stay readable.

    >>> print(quote_text("商户 $x"), quote_text("\u202e"))
    '商户 $x' "$(printf '\342\200\256')"
    """
    if is_quotable(text):
        return _quoted(text)
    return quote_bytes(text.encode())


def is_quotable(text: str) -> bool:
    """Whether a text can stand between single quotes as it is, in every shell and in every terminal."""
    return text.isprintable() and not {"'", "\\"} & set(text)


def printf(raw: bytes) -> str:
    r"""A command that writes these bytes.

    >>> print(printf(b"-n\0 100%"))
    printf '\055n\000 100%%'
    """
    return f"printf '{printf_format(raw)}'"


def printf_format(raw: bytes) -> str:
    """The same bytes as the format of a printf, without the quotes. An octal escape is the only one that all know.

    A hyphen at the beginning is escaped, or it would begin an option.
    """
    escaped = "".join(map(_escape, raw))
    return f"\\055{escaped[1:]}" if escaped.startswith("-") else escaped


def _escape(byte: int) -> str:
    if byte == ord("%"):
        return "%%"
    return chr(byte) if 32 <= byte < 127 and byte not in _ESCAPED else f"\\{byte:03o}"


def _quoted(text: str) -> str:
    return text if _BARE.fullmatch(text) else f"'{text}'"
