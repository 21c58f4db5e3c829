"""Forbidden words found where there are none, and not where there are.

Here belongs the text that is examined; how the verdict is spelt is in `words`.
"""

from typing import Final

from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.results import Checked
from support.mutant_vendor import Fault
from support.mutants.mutant import Broken

KEYWORDS: Final = (
    Broken(
        "forbidden words only at the beginning",
        Fault(
            call=lambda call: call._replace(
                content=call.content if call.content.startswith("发票") else call.content.replace("发票", "")
            )
        ),
        ("3.2-content", "1.3-forbidden"),
    ),
    Broken("no forbidden words", Fault(keywords=lambda: Keywords(())), ("3.3-forbidden", "1.3-forbidden")),
    Broken(
        "every text is forbidden",
        Fault(answer=lambda call, one: Checked("包含非法字符", "") if isinstance(one, Checked) else one),
        ("3.3-nothing-forbidden", "3.2-content"),
    ),
    Broken("single characters of a word are forbidden", Fault(keywords=lambda: Keywords("发票")), ("3.2-content",)),
    Broken(
        "an empty text is forbidden",
        Fault(
            answer=lambda call, one: (
                Checked("包含非法字符", call.content) if isinstance(one, Checked) and not call.content.strip() else one
            )
        ),
        ("R8-empty",),
    ),
)
