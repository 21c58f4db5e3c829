"""Texts of findings in the languages of the documents.

They are in `messages` and `findings.zh.toml`, and those of refusals in `domain.evidence`.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final, Literal, TypeAlias

from sms10692_mock.diagnosis.context import Finding
from sms10692_mock.domain.evidence import EVIDENCE

Language: TypeAlias = Literal["en", "zh"]


@cache
def chinese_texts() -> Mapping[str, str]:
    """Load all texts, by code (`kind.name`)."""
    table = tomllib.loads((files(__package__) / "findings.zh.toml").read_text("utf-8"))
    others = {f"{kind}.{name}": text for kind, group in table.items() for name, text in group.items()}
    return {f"refusal.{code}": text.zh for code, text in EVIDENCE.items()} | others


def in_chinese(code: str, *values: str) -> str:
    """Return the text of a code, with the finding's values filled in and its time spans translated.

    >>> in_chinese("habit.polling", "3")
    '这个队列 3 秒前刚获取过：30 秒一次就够了。'
    >>> in_chinese("habit.stale", "2 hours old")
    '时间戳偏差过大（慢 2 小时），会检查时间的服务器将拒绝它：请在发送时取当前时间。'
    >>> in_chinese("signature.minutes-off", "2 min 5 s later")
    '计算 sign 用的时间戳比发送的晚 2 分 5 秒：时钟只读一次。'
    """
    return chinese_texts()[code].format(*(_TIME_SPAN.sub(_translate_span, value) for value in values))


def translate(finding: Finding, language: Language) -> str:
    """Return the sentence of a finding in a language."""
    return in_chinese(finding.code, *finding.values) if language == "zh" else finding.sentence


_UNITS: Final = {"second": "秒", "minute": "分钟", "hour": "小时", "day": "天", "s": "秒", "min": "分钟", "h": "小时"}
_DIRECTIONS: Final = {"old": "慢", "ahead": "快", "earlier": "早", "later": "晚"}
_TIME_SPAN: Final = re.compile(rf"\b(?:(\d+) min )?(\d+) ({'|'.join(_UNITS)})s? ({'|'.join(_DIRECTIONS)})\b")


def _translate_span(match: re.Match[str]) -> str:
    minutes = f"{match[1]} 分 " if match[1] else ""
    return f"{_DIRECTIONS[match[4]]} {minutes}{match[2]} {_UNITS[match[3]]}"
