"""Text that others wrote, made safe to print: it cannot move the cursor, begin a line, or turn the line around."""

import json
import unicodedata
from collections.abc import Callable
from typing import Any, Final

_ESCAPED: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories: control, format (directions of writing), surrogates, separators of lines and paragraphs."""

_JOINERS: Final = frozenset("\u200c\u200d")
"""Format characters that emoji and some scripts need; they change no other text."""


def printable(text: str) -> str:
    r"""Return a text on one line, its control and format characters escaped as Python writes them.

    >>> print(printable("ok\r\x9b2J\u202e好 👨\u200d👩"))
    ok\r\x9b2J\u202e好 👨‍👩
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(repr(character)[1:-1] if _is_escaped(character) else character for character in text)


def json_line(row: Any, default: Callable[[object], object], *, ascii_only: bool) -> str:
    r"""Return JSON on one line, its control and format characters escaped as JSON has it: no content is changed.

    >>> print(json_line({"a": "\x9b\u202e好"}, str, ascii_only=False))
    {"a": "\u009b\u202e好"}
    """
    line = json.dumps(row, ensure_ascii=ascii_only, default=default)
    if line.isascii() and "\x7f" not in line:
        return line
    return "".join(_json_escape(character) if _is_escaped(character) else character for character in line)


def _json_escape(character: str) -> str:
    """Beyond U+FFFF, JSON escapes a pair of surrogates."""
    return "\\u" + character.encode("utf-16-be", "surrogatepass").hex(" ", 2).replace(" ", "\\u")


def _is_escaped(character: str) -> bool:
    return unicodedata.category(character) in _ESCAPED and character not in _JOINERS
