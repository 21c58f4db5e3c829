"""Texts of findings in the languages of the documents.

They are in `messages` and `findings.zh.toml`, and those of refusals in `domain.evidence`.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

from sms10692_mock.diagnosis.context import Finding
from sms10692_mock.diagnosis.phrases import Phrase
from sms10692_mock.domain.evidence_texts import EVIDENCE

Language: TypeAlias = Literal["en", "zh"]


@cache
def _load_table() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files(__package__) / "findings.zh.toml").read_text("utf-8"))


@cache
def chinese_texts() -> Mapping[str, str]:
    """Load all texts, by code (`kind.name`)."""
    kinds = _load_table().items()
    others = {f"{kind}.{name}": text for kind, group in kinds if kind != "phrases" for name, text in group.items()}
    return {f"refusal.{code}": text.zh for code, text in EVIDENCE.items()} | others


def in_chinese(code: str, *values: str) -> str:
    """Return the text of a code, with the finding's values filled in: phrases in Chinese, all others as they are.

    >>> in_chinese("habit.polling", "3")
    '这个队列 3 秒前刚获取过：30 秒一次就够了。'
    >>> in_chinese("habit.stale", Phrase("{} old", Phrase("{} hours", "2")))
    '时间戳偏差过大（慢 2 小时），会检查时间的服务器将拒绝它：请在发送时取当前时间。'
    >>> in_chinese("refusal.extno-not-digits", "2 hours old")
    'extno 是“2 hours old”，只能是数字：请发送数字或留空。'
    """
    return chinese_texts()[code].format(*map(_translate_value, values))


def _translate_value(value: str) -> str:
    if not isinstance(value, Phrase):
        return value
    return _load_table()["phrases"][value.template].format(*map(_translate_value, value.arguments))


def translate(finding: Finding, language: Language) -> str:
    """Return the sentence of a finding in a language."""
    return in_chinese(finding.code, *finding.values) if language == "zh" else finding.sentence
