"""Escaping of element values in XML (R17).

Markup characters and carriage returns are escaped; characters that XML 1.0 does not allow are removed.
"""

import re
from collections.abc import Sequence
from typing import Final

_NOT_ALLOWED: Final = re.compile("[\0-\b\v\f\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NEEDS_ESCAPING: Final = re.compile(f"[&<>\r{_NOT_ALLOWED.pattern[1:]}")
_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


def escape(value: str) -> str:
    """Escape markup characters and remove characters that XML does not allow."""
    if not _NEEDS_ESCAPING.search(value):
        return value
    return _NEEDS_ESCAPING.sub(lambda character: _ESCAPES.get(character[0], ""), value)


def escape_all(values: Sequence[str]) -> Sequence[str]:
    """Escape many values. All are scanned in one search, because hardly any value needs escaping."""
    return [escape(value) for value in values] if _NEEDS_ESCAPING.search("".join(values)) else values


def cdata_all(values: Sequence[str]) -> Sequence[str]:
    """Wrap each value in CDATA; a `]]>` inside is split over two sections."""
    return [f"<![CDATA[{_NOT_ALLOWED.sub('', value).replace(']]>', ']]]]><![CDATA[>')}]]>" for value in values]
