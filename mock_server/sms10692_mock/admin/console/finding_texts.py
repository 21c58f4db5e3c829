"""What is wrong with a request, in Chinese: a sentence for each code of the diagnosis.

Here belongs looking a sentence up. The sentences are data, in `findings.zh.toml`; the English ones are the
diagnosis' own.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final


@cache
def sentences() -> Mapping[str, str]:
    """All of them, by code."""
    table = tomllib.loads((files(__package__) / "findings.zh.toml").read_text("utf-8"))
    return {f"{kind}.{code}": sentence for kind, some in table.items() for code, sentence in some.items()}


def in_chinese(code: str, detail: str) -> str:
    """The sentence of this code, with its detail.

    >>> in_chinese("habit.polling", "3")
    '这个队列 3 秒前刚获取过：30 秒一次就够了。'
    >>> in_chinese("habit.stale", "2 hours old")
    '时间戳偏差过大（慢 2 小时），会检查时间的服务器将拒绝它：请在发送时取当前时间。'
    >>> in_chinese("signature.minutes-off", "2 min 5 s later")
    '签名用的时间戳比发送的晚 2 分 5 秒：时钟只读一次。'
    """
    return sentences()[code].format(_SPAN.sub(_span, detail))


_UNITS: Final = {"second": "秒", "minute": "分钟", "hour": "小时", "day": "天", "s": "秒", "min": "分钟", "h": "小时"}
_DIRECTIONS: Final = {"old": "慢", "ahead": "快", "earlier": "早", "later": "晚"}
_SPAN: Final = re.compile(rf"\b(?:(\d+) min )?(\d+) ({'|'.join(_UNITS)})s? ({'|'.join(_DIRECTIONS)})\b")


def _span(found: re.Match[str]) -> str:
    minutes = f"{found[1]} 分 " if found[1] else ""
    return f"{_DIRECTIONS[found[4]]} {minutes}{found[2]} {_UNITS[found[3]]}"
