"""Findings about texts that a program produced by accident: missing values, unfilled templates, printed objects, and
what a program left around the text.
"""

import json
import re
from collections.abc import Iterator
from typing import Final

_END_OF_WORD: Final = r"(?![A-Za-z0-9_])(?![ \t]*[A-Za-z_])"
"""Behind a word of programs that stands alone. "None of them" and "NULL pointer" are English."""
_WORD: Final = r"(?<![A-Za-z0-9_])(?:{})" + _END_OF_WORD

_MISSING_VALUE: Final = re.compile(
    r"\[object \w+\]|\#(?:N/A|VALUE!|REF!|NAME\?|DIV/0!|NULL!|NUM!)|"
    + _WORD.format(r"undefined|NaN|Invalid Date|\[native code\]|System\.[A-Z]\w+(?:\.\w+)*")
)
_MISSING_VALUE_IN_CHINESE: Final = re.compile("(?<![A-Za-z.,] )" + _WORD.format("null|NULL|None|nil"))
"""Words of programs that are also English words: they are accidental in a Chinese text only."""
_CHINESE: Final = re.compile("[一-鿿]")

_NOTHING_ELSE: Final = re.compile(r"undefined|null|NULL|Null|None|nil|NaN|nan|Array|\(null\)|<null>|<nil>|true|false")
"""Texts of missing values that are the whole text."""

_PRINTED_OBJECT: Final = re.compile(
    r"""
      \[L?[\w.$]+;@[0-9a-f]{1,8} | \[[BCDFIJSZ]@[0-9a-f]{1,8}              # arrays of Java
    | (?<![A-Za-z0-9_.])(?:[a-z]\w*\.)+[A-Z][\w$]*@[0-9a-f]{1,8}(?![\w.])
    | (?<![A-Za-z0-9_])(?:Optional|Some)\((?:"[^"]{0,40}"|[0-9]{1,20})\)
    | (?<![A-Za-z0-9_])Optional(?:\[[^\[\]]{0,40}\]|\.empty)
    | <Buffer(?:\ [0-9a-f]{2})+ | %!(?:[A-Za-z]\(|\(EXTRA) | (?<![A-Za-z0-9])0xc0[0-9a-f]{8}(?![A-Za-z0-9])   # Node, Go
    | (?<![A-Za-z0-9_.])(?:[a-z]\w*\.){1,9}[A-Z]\w*(?:Exception|Error)(?![A-Za-z0-9_]) | ^u'[^']*'$
    | <[\w.]+\ object\ at\ 0x[0-9a-f]+> | <(?:function|bound\ method|generator|coroutine)\ [^<>]{1,60}>
    | ^\['[^']{0,40}'[,\]] | ^Traceback\ \(most\ recent\ call\ last\)
    | ^\{'\w{1,20}':\ | ^map\[\w{1,20}: | ^Array\s*\(                    # Python, Go, PHP
    """,
    re.VERBOSE,
)

_VARIABLE: Final = (
    "code|name|app|time|date|day|hour|minutes?|phone|mobile|tel|msg|message|content|text|url|link|user(?:name)?|order|"
    "amount|money|price|num(?:ber)?|count|id|sn|company|sign|vcode|captcha|pin|title|product|address|year|month|"
    "(?:var|param|arg|value)[0-9]*"
)
"""Names of variables that are also words of texts: `#code#` is a placeholder, and `#nike#` a topic."""

_TEMPLATE: Final = re.compile(
    r"""
      [$\#]\{\s*[A-Za-z_][^{}\n]{0,40}\} | [$\#]\{\}   # ${code}, #{code}, but not ${99}, a price
    | \{\{?\s*\$?[A-Za-z_一-鿿][\w.]{0,39}\s*(?:[:!|][^{}\n]{0,20})?\}?\}   # {code}, {{ code }}, {$code}, {code:04d}
    | (?<![$])\{[0-9]?\}                 # {}, {0}
    | (?<![0-9])%(?:[sd](?![A-Za-z])|@|\([A-Za-z_]\w*\)[sd]|[0-9]\$[sd])   # %s, %d, %@, %(code)s, %1$s
    | (?<![0-9])%(?![0-9A-Fa-f]{2})[A-Za-z_]{3,20}%       # %code%, but not %E5abc%
    | \{%-?\s*[a-z][^{}\n]{0,60}%\} | «(?:[一-鿿]{1,10}|[A-Za-z]+_\w{1,30})»   # Jinja, a mail merge
    | <%=?[^%\n]{0,40}%>                # <%= code %>
    | (?<![A-Za-z0-9_.+-])@(?:Model|ViewBag|ViewData|TempData|Html|item|this)\.[A-Z]\w*   # Razor; no mention
    | (?<![A-Za-z0-9_$])\$(?![A-Z]{1,5}(?![A-Za-z0-9_])|\w+://)[A-Za-z_]\w{1,39}   # $code; $AAPL is a share
    | (?<![A-Za-z0-9_$])\$(?:CODE|NAME|MSG|TEXT|PHONE|USER|TIME|DATE|URL)(?![A-Za-z0-9_])
    | \#(?:__VARIABLE__|[a-z]+(?:_[a-z0-9]+|[A-Z][a-z0-9]*)+)\#     # #code#, #order_no#; #nike# is a topic
    | (?<!\w)__[A-Za-z]\w{0,39}__(?!\w) | 【\s*】   # __CODE__, and a signature without a name
    """.replace("__VARIABLE__", _VARIABLE),
    re.VERBOSE,
)

_LINE_END: Final = re.compile(r"\\r\\n|\\[nrt]")
_WINDOWS_PATH: Final = re.compile(r"(?<![A-Za-z])[A-Za-z]:\\|\\\\")

_NAME_PATTERN: Final = "(?:content|msg|message|text|body|sms)="
_TAG_PATTERN: Final = (
    r"</?(?:br|div|span|strong|em|html|body|font|h[1-6]|ul|ol|li|table|tr|td|img|script|content|message|text|sms)"
    r"(?:\s[^<>]{0,200})?/?>|</[abiup]>|<!\[CDATA\[|\]\]>|<!DOCTYPE[^<>]{0,200}>|<\?xml[^<>]{0,200}>"
)
"""Markup. A tag of one letter counts when it is closed: `<b>` alone may be a part of a text."""
_NAME: Final = re.compile(_NAME_PATTERN, re.IGNORECASE)
_TAG: Final = re.compile(_TAG_PATTERN, re.IGNORECASE)
_QUOTED: Final = re.compile(r"""(["'`])[^"'`]+\1""")
_QUOTE_BEFORE_SIGNATURE: Final = re.compile("[\"'`“‘「]【")
_SURROUNDINGS: Final = re.compile(
    rf"(?:{_NAME_PATTERN}|{_TAG_PATTERN}|<[abiup]>|&lt;/?\w{{1,10}}&gt;|[\s\"'`“”‘’「」?\ufeff\u200b])+", re.IGNORECASE
)
"""What may stand before or behind a text without being a part of it; each part has a finding of its own."""

_BRACKETS: Final = re.compile(r"【[^【】]{2,20}】")
_HEADINGS: Final = re.compile(
    "^[0-9]+$|重要|紧急|温馨|通知|提醒|提示|公告|活动|优惠|福利|注意|须知|说明|限时|最新|新品|特价|免费|必读"
)
"""Texts in brackets that are no signature but a heading."""

_MARKS: Final = re.compile(r"[{}$#%@<\[\\«]")
_WORDS: Final = re.compile(
    r"undefined|NaN|NULL|Null|None|null|nil|nan|Invalid Date|System\.|Optional|Some\(|Array|true|false|]]>|__|"
    r"Traceback|Exception|Error|0xc0"
)
"""Words of programs. **Literals only**: then the search tries them only where a first letter of them stands."""
_BEGINNING: Final = re.compile(rf"\A\s*(?:[\"'`]|u'|{_NAME_PATTERN})", re.IGNORECASE)
_SIGNATURE: Final = re.compile(r"\A\s*【[^【】]{2,20}】")


def may_be_accidental(content: str) -> bool:
    """Return whether `check_accidental_text` has to examine a text. False for most texts, within microseconds.

    >>> may_be_accidental("【商店】您的验证码是1234，退订回T"), may_be_accidental("您好【商店】")
    (False, True)
    """
    signature = _SIGNATURE.match(content)
    start = 0 if signature is None else signature.end()
    return (
        _MARKS.search(content, start) is not None
        or _WORDS.search(content, start) is not None
        or content.find("【", start) >= 0
        or _BEGINNING.match(content) is not None
    )


def check_accidental_text(content: str) -> Iterator[tuple[str, str]]:
    """Yield finding codes with the accidental part of the text."""
    text = content.strip()
    unsigned = _BRACKETS.sub("", text).strip()
    if found := _PRINTED_OBJECT.search(unsigned):
        yield "text.printed-object", found[0]
    elif _NOTHING_ELSE.fullmatch(unsigned):
        yield "text.missing-value", unsigned
    elif found := _MISSING_VALUE.search(content) or (
        _MISSING_VALUE_IN_CHINESE.search(content) if _CHINESE.search(unsigned) else None
    ):
        yield "text.missing-value", found[0]
    if is_json := _is_json(unsigned):
        yield "text.json", unsigned
    elif found := _TEMPLATE.search(content):
        yield "text.placeholder", found[0]
    yield from _check_surroundings(text)
    if not is_json:
        yield from _check_signature(text)
    if not _WINDOWS_PATH.search(content) and (found := _LINE_END.search(content)):
        yield "text.escaped-line-end", found[0]


def _is_json(text: str) -> bool:
    if text[:1] + text[-1:] not in ("{}", "[]") or '"' not in text:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _check_surroundings(text: str) -> Iterator[tuple[str, str]]:
    """Yield what stands around the text."""
    if found := _NAME.match(text):
        yield "text.begins-with-name", found[0]
    if found := _TAG.search(text):
        yield "text.markup", found[0]
    if _QUOTED.fullmatch(text) or _QUOTE_BEFORE_SIGNATURE.match(text):
        yield "text.quotes", text[0]
    if text.startswith("?【"):
        yield "text.lost-byte-order-mark", "?"


def _check_signature(text: str) -> Iterator[tuple[str, str]]:
    """Yield a signature that is neither at the beginning of the text nor at its end.

    Brackets also emphasise: then a text leads to them, as in "点击【我的订单】查看", or no new sentence follows.
    """
    brackets = [one for one in _BRACKETS.finditer(text) if not _HEADINGS.search(one[0][1:-1])]
    if len(brackets) != 1 or text.startswith("【") or text.endswith("】"):
        return
    (bracket,) = brackets
    before, behind = text[: bracket.start()], text[bracket.end() :]
    is_signature = (
        _COMPANY.fullmatch(bracket[0][1:-1]) and _BEFORE_EMPHASIS.search(before) is None and _BEGINS_TEXT.match(behind)
    )
    if is_signature and not _SURROUNDINGS.fullmatch(before) and not _SURROUNDINGS.fullmatch(behind):
        yield "text.signature-in-the-middle", bracket[0]


_COMPANY: Final = re.compile(r"(?![0-9]+\Z)(?:[一-鿿A-Za-z0-9]|(?<=.)[·&（） -](?=.)){2,20}")
"""Names of companies and shops: no links, times or digits."""
_BEFORE_EMPHASIS: Final = re.compile(
    "(?:点|点击|击|进入|打开|登[录陆]|搜索?|关注|回复|发送|[在到至于从选按扫用请的为是和或与及即把将、：:“《]|择|领取|参加|下载|使用|访问|"
    "查看|加入|购买|成为|开通|获得|获赠|送|推出|关于|输入|申请|办理|订购|查询|微信|公众号|小程序|APP|App)[ ]?$"
)
_BEGINS_TEXT: Final = re.compile(
    "[ ，,。：:]{0,4}(?:您|你|尊敬|亲爱|亲[，,：:]|恭喜|感谢|欢迎|(?:本次|登录|注册|动态|短信)?(?:验证|校验)码|"
    "(?i:your|dear|hello|hi)(?![a-z])|退订|拒收|回复?TD?(?![A-Za-z]))"
)
"""What begins a text: a salutation or a code. Also the note on unsubscribing, before which a signature may stand."""
