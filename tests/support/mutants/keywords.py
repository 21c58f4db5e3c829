"""Defects of the forbidden-word check: words found where there are none, or not found. Their spelling: `spelling`."""

import re
from typing import Final

from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.results import CheckedText
from support.mutant_vendor import Defect
from support.mutants.mutant import Mutant, changing_sent_text


def deleting_from_sent_texts(pattern: str) -> Defect:
    """Return the defect that a send looks for forbidden words in its text without what matches this pattern."""
    return changing_sent_text(lambda text: re.sub(pattern, "", text))


KEYWORDS: Final = (
    Mutant("white space in a forbidden word is ignored in sends", deleting_from_sent_texts(r"\s"), ("R8-places-send",)),
    Mutant("tags in a forbidden word are ignored in sends", deleting_from_sent_texts("<[^>]*>"), ("R8-places-send",)),
    Mutant("marks in a forbidden word are ignored in sends", deleting_from_sent_texts("[-。&]"), ("R8-places-send",)),
    Mutant(
        "forbidden words are found at the beginning only",
        Defect(
            api_request=lambda request: request._replace(
                content=request.content if request.content.startswith("发票") else request.content.replace("发票", "")
            )
        ),
        ("3.2-content", "1.3-forbidden"),
    ),
    Mutant("no forbidden words", Defect(keywords=lambda: Keywords(())), ("3.3-forbidden", "1.3-forbidden")),
    Mutant(
        "every text is forbidden",
        Defect(
            result=lambda request, result: (
                CheckedText("包含非法字符", "") if isinstance(result, CheckedText) else result
            )
        ),
        ("3.3-nothing-forbidden", "3.2-content"),
    ),
    Mutant(
        "single characters of a forbidden word are forbidden",
        Defect(keywords=lambda: Keywords("发票")),
        ("R8-word",),
    ),
    Mutant(
        "an empty text is forbidden",
        Defect(
            result=lambda request, result: (
                CheckedText("包含非法字符", request.content)
                if isinstance(result, CheckedText) and not request.content.strip()
                else result
            )
        ),
        ("R8-empty",),
    ),
)
