"""Defects of the forbidden-word check: words found where there are none, or not found. Spelling: `words`."""

from typing import Final

from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.results import KeywordResult
from support.mutant_vendor import Defect
from support.mutants.mutant import Mutant

KEYWORDS: Final = (
    Mutant(
        "forbidden words only at the beginning",
        Defect(
            api_request=lambda call: call._replace(
                content=call.content if call.content.startswith("发票") else call.content.replace("发票", "")
            )
        ),
        ("3.2-content", "1.3-forbidden"),
    ),
    Mutant("no forbidden words", Defect(keywords=lambda: Keywords(())), ("3.3-forbidden", "1.3-forbidden")),
    Mutant(
        "every text is forbidden",
        Defect(result=lambda call, one: KeywordResult("包含非法字符", "") if isinstance(one, KeywordResult) else one),
        ("3.3-nothing-forbidden", "3.2-content"),
    ),
    Mutant("single characters of a word are forbidden", Defect(keywords=lambda: Keywords("发票")), ("3.2-content",)),
    Mutant(
        "an empty text is forbidden",
        Defect(
            result=lambda call, one: (
                KeywordResult("包含非法字符", call.content)
                if isinstance(one, KeywordResult) and not call.content.strip()
                else one
            )
        ),
        ("R8-empty",),
    ),
)
