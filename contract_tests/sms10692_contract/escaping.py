"""Text of the other side made safe to show: on a terminal, in a page, in an XML file.

A hostile server could otherwise move the cursor, forge a line of the report, or turn the direction of writing.
"""

from typing import Final

_WIDE_SPACE: Final = "\u3000"  # ordinary in Chinese text, and str.isprintable() says no to it


def escape_unprintable(text: str, keep: str = "") -> str:
    """Return the text with each character that does not print as itself as a backslash escape; `keep` are left alone.

    >>> print(escape_unprintable("内容\\u3000€😀 \\x1b[2J\\u202e\\r\\n\\ud800\\x9b"))
    内容\u3000€😀 \\x1b[2J\\u202e\\r\\n\\ud800\\x9b
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one == _WIDE_SPACE or one in keep else _escape(one) for one in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
