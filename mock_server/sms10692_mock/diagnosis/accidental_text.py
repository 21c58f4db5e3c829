"""Findings about texts that a program produced by accident: missing values, unfilled templates."""

import re
from collections.abc import Iterator
from typing import Final

_WORD: Final = r"(?<![A-Za-z0-9_])(?:{})(?![A-Za-z0-9_])"
_MISSING_VALUE: Final = re.compile(
    r"\[object \w+\]|" + _WORD.format(r"undefined|NaN|\[native code\]|System\.[A-Z]\w+(?:\.\w+)*")
)
_MISSING_VALUE_IN_CHINESE: Final = re.compile(_WORD.format("null|NULL|None|nil"))
"""Words of programs that are also English words: they are accidental in a Chinese text only."""

_TEMPLATE: Final = re.compile(
    r"""
      [$\#]\{[^{}\n]{0,40}\}          # ${code}, #{code}
    | \{\{?\s*[A-Za-z_][\w.]{0,39}\s*\}?\}   # {code}, {{ code }}
    | \{[0-9]?\}                        # {}, {0}
    | (?<![0-9])%(?:[sd](?![A-Za-z])|@|\([A-Za-z_]\w*\)[sd])   # %s, %d, %@, %(code)s
    | <%=?[^%\n]{0,40}%>                # <%= code %>
    | (?<![A-Za-z0-9_.+-])@[A-Z]\w*\.[A-Z]\w*   # @Model.Code, no address
    | (?<![A-Za-z0-9_$])\$[A-Za-z_]\w{1,39}   # $code
    | \#[a-z_][A-Za-z0-9_]{0,39}\#     # #code#; #Nike# is a topic
    """,
    re.VERBOSE,
)
_BRACKETS: Final = re.compile(r"【[^【】]{1,20}】")
_HEADINGS: Final = re.compile(
    "^[0-9]+$|重要|紧急|温馨|通知|提醒|提示|公告|活动|优惠|福利|注意|须知|说明|限时|最新|新品|特价|免费|必读"
)
"""Texts in brackets that are no signature but a heading."""

SUSPICIOUS: Final = re.compile(r"[{}$#%@<\[]|undefined|NaN|null|NULL|None|nil|System\.|【")
"""Without one of these, a text has no finding of this module."""


def check_accidental_text(content: str) -> Iterator[tuple[str, str]]:
    """Yield finding codes with the accidental part of the text."""
    if found := _MISSING_VALUE.search(content) or (
        None if content.isascii() else _MISSING_VALUE_IN_CHINESE.search(content)
    ):
        yield "text.missing-value", found[0]
    if found := _TEMPLATE.search(content):
        yield "text.placeholder", found[0]
    text = content.strip()
    brackets = [one for one in _BRACKETS.finditer(text) if not _HEADINGS.search(one[0][1:-1])]
    if brackets and not (text.startswith("【") or text.endswith("】")):
        yield "text.signature-in-the-middle", brackets[0][0]
