"""Escaping of text from the server before it is shown on a terminal, in HTML or in XML.

**Escape every text from the server before output.** Otherwise a hostile server could move the cursor, forge lines of
the report, or reverse the writing direction.
"""

from typing import Final

_WIDE_SPACE: Final = "\u3000"  # ordinary in Chinese text, but not printable according to str.isprintable()


def escape_unprintable(text: str, keep: str = "") -> str:
    """Replace each unprintable character by a backslash escape, except the characters in `keep`.

    >>> print(escape_unprintable("内容\\u3000€😀 \\x1b[2J\\u202e\\r\\n\\ud800\\x9b"))
    内容\u3000€😀 \\x1b[2J\\u202e\\r\\n\\ud800\\x9b
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == _WIDE_SPACE or c in keep else _escape(c) for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
