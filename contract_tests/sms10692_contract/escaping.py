"""Escaping of text from the server before it is shown on a terminal, in HTML or in XML.

**Escape every text from the server before output.** Otherwise a hostile server could move the cursor, forge lines of
the report, or reverse the writing direction.
"""

import re
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


LINE_FEED: Final = "\u240a"
CARRIAGE_RETURN: Final = "\u240d"

_INVISIBLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that are printable according to str.isprintable() and show nothing."""


def show_invisible(text: str) -> str:
    """Show line ends as ␍ and ␊, which also ends the line, and escape other characters that cannot be seen.

    >>> print(show_invisible("内容\\r\\n\\u200b\\ufe0f"))
    内容␍␊
    \\u200b\\ufe0f
    """
    text = text.replace("\r", CARRIAGE_RETURN).replace("\n", f"{LINE_FEED}\n")
    return _INVISIBLE.sub(lambda match: _escape(match[0]), escape_unprintable(text, keep="\n"))


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
