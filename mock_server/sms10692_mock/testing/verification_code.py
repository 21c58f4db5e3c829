"""`find_code`: the verification code in the text of a message, Chinese or English."""

import re
from typing import Final

_DIGITS: Final = r"(?<![0-9A-Za-z_*￥¥$])(?<![0-9][-./:])[0-9]{4,8}(?![0-9A-Za-z_*])(?![-./:][0-9])(?! ?[年元])"
"""4 to 8 digits that are no part of a word, a masked number, a date, a time, a decimal number or an amount of money."""
_WORDS: Final = (
    r"(?:验证码|校验码|动态码|动态密码|确认码|激活码|识别码|随机码|短信码|口令|"
    r"(?<![A-Za-z])(?:code|OTP|PIN|passcode)(?![A-Za-z]))"
)
_LINK: Final = r"(?:[\s:：=【\[(（\"“'是为]|is\b)*"
"""What may stand between a keyword and its code."""
_NUMBER: Final = re.compile(_DIGITS)
_KEYWORD: Final = re.compile(_WORDS, re.IGNORECASE)
_NAMED_CODE: Final = re.compile(f"{_WORDS}{_LINK}({_DIGITS})", re.IGNORECASE)
_CLAUSE_END: Final = re.compile(r"[，。；！？、,;!?\n]|\.(?![0-9])")
_LEADING_SIGNATURE: Final = re.compile(r"\s*【[^】]*】")


class AmbiguousCode(ValueError):
    """Several numbers of a text could be the verification code: `numbers`, in their order."""

    def __init__(self, text: str, numbers: list[str]) -> None:
        super().__init__(f"{', '.join(numbers)}: each could be the verification code in {text!r}")
        self.numbers = numbers


def find_code(text: str) -> str | None:
    """Return the verification code in a text, or None if the text has none.

    A code has 4 to 8 digits. It is no part of a longer number or word, of a masked number (`138****1234`), a date, a
    time, a decimal number or an amount of money; the signature 【】 at the beginning is no code. Of several numbers,
    the code is the one directly after a keyword, else the only one in the clause of a keyword. Keywords are 验证码,
    校验码, 动态码, code, OTP, PIN and others; between keyword and code may be 是, 为, is, colons, brackets and spaces.
    Full-width digits, and digits with spaces between them (`123 456`), are no code. Raises AmbiguousCode if this leaves
    several.

    >>> find_code("【12306】尾号8888的用户，您的验证码是 1234，5分钟内有效。")
    '1234'
    >>> find_code("204817 is your code. It expires at 12:30, no. 5000.")
    '204817'
    >>> find_code("您的包裹已到达") is None
    True
    """
    signature = _LEADING_SIGNATURE.match(text)
    body = text[signature.end() :] if signature else text
    found = list(dict.fromkeys(_NUMBER.findall(body)))
    if len(found) <= 1:
        return found[0] if found else None
    named = _NAMED_CODE.search(body)
    if named is not None:
        return named[1]
    for clause in filter(_KEYWORD.search, _CLAUSE_END.split(body)):
        numbers = set(_NUMBER.findall(clause))
        if len(numbers) == 1:
            return str(numbers.pop())
    raise AmbiguousCode(text, found)
