"""Texts in XML: what markup would be mistaken for is escaped, and what XML cannot carry is dropped (R17).

Here belongs a value. The elements around it are the affair of `render`.
"""

import re
from collections.abc import Sequence
from typing import Final

_NOT_PLAIN: Final = re.compile("[&<>\r]|[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


def escape(value: str) -> str:
    """Escape what markup would be mistaken for, and drop what XML cannot carry."""
    if not _NOT_PLAIN.search(value):
        return value
    return _NOT_PLAIN.sub(lambda character: _ESCAPES.get(character[0], ""), value)


def escape_all(values: Sequence[str]) -> Sequence[str]:
    """The same of many, which hardly ever have any of that: all are looked through at one go."""
    return [escape(value) for value in values] if _NOT_PLAIN.search("".join(values)) else values


def cdata_all(values: Sequence[str]) -> Sequence[str]:
    """Each as CDATA, which ends and begins anew where its end would stand in it."""
    return [f"<![CDATA[{_NOT_XML.sub('', value).replace(']]>', ']]]]><![CDATA[>')}]]>" for value in values]
