"""Escaping of untrusted text for terminals: no control sequences, line breaks or changes of text direction."""

import json
import unicodedata
from collections.abc import Callable
from typing import Any, Final

_ESCAPED: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories to escape: control, format (text direction), surrogates, line and paragraph separators."""

_JOINERS: Final = frozenset("\u200c\u200d")
"""Zero-width (non-)joiners: format characters that emoji and some scripts need, and that affect no other text."""


def escape_controls(text: str) -> str:
    r"""Return the text on one line, with control and format characters escaped as in a Python string.

    >>> print(escape_controls("ok\r\x9b2J\u202e好 👨\u200d👩"))
    ok\r\x9b2J\u202e好 👨‍👩
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(repr(character)[1:-1] if _is_escaped(character) else character for character in text)


def json_line(row: Any, default: Callable[[object], object], *, ascii_only: bool) -> str:
    r"""Return a row as JSON on one line, with control and format characters as JSON escapes. The content is unchanged.

    `default` converts values that JSON lacks; `ascii_only` escapes all characters beyond ASCII.

    >>> print(json_line({"a": "\x9b\u202e好"}, str, ascii_only=False))
    {"a": "\u009b\u202e好"}
    """
    line = json.dumps(row, ensure_ascii=ascii_only, default=default)
    if line.isascii() and "\x7f" not in line:
        return line
    return "".join(_json_escape(character) if _is_escaped(character) else character for character in line)


def _json_escape(character: str) -> str:
    """Return the `\\uXXXX` escape of a character, a surrogate pair beyond U+FFFF."""
    return "\\u" + character.encode("utf-16-be", "surrogatepass").hex(" ", 2).replace(" ", "\\u")


def _is_escaped(character: str) -> bool:
    return unicodedata.category(character) in _ESCAPED and character not in _JOINERS
