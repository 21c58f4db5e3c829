"""What the examiner says it observed, in English and Chinese.

The code has the English text as a template; `observations.zh.toml` has the Chinese one of each.
"""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Literal, Protocol, TypeAlias, runtime_checkable

Language: TypeAlias = Literal["en", "zh"]


@runtime_checkable
class HasChinese(Protocol):
    """A value whose `str()` is English, and which has its own Chinese."""

    def in_chinese(self) -> str: ...


class Observation(Exception):
    """An observation: an English template of `str.format` and its values, which may be observations themselves.

    `str()` is the English text. `cause` is the id of what it shows to be wrong, a row of `[[cause]]` in
    `client_cases.toml`; without one, the case itself says how to mend it. Subclasses are raised to end a case.
    """

    def __init__(self, template: str, *values: object, cause: str = "") -> None:
        super().__init__(template, *values)
        self.template = template
        self.values = values
        self.cause = cause

    def __str__(self) -> str:
        return self.template.format(*self.values)

    def in_language(self, language: Language) -> str:
        return self.in_chinese() if language == "zh" else str(self)

    def in_chinese(self) -> str:
        """Return the Chinese text. Raises KeyError for a template that the table does not have."""
        values = (value.in_chinese() if isinstance(value, HasChinese) else value for value in self.values)
        return _load_chinese()[self.template].format(*values)


class Translated(Observation):
    """A text that has its own Chinese, such as a sentence of the emulator or of a table."""

    def __init__(self, english: str, chinese: str) -> None:
        super().__init__("{}", english)
        self._chinese = chinese

    def in_chinese(self) -> str:
        return self._chinese


def join_texts(texts: Sequence[Observation]) -> Translated:
    """Return several texts as one, with a space between the English ones."""
    return Translated(" ".join(map(str, texts)), "".join(text.in_chinese() for text in texts))


def translate(text: str, language: Language) -> str:
    """Return a text without values in a language. Raises KeyError for one that the table does not have."""
    return _load_chinese()[text] if language == "zh" else text


@cache
def _load_chinese() -> Mapping[str, str]:
    """Read the table: the Chinese templates by the English ones."""
    text = (resources.files("sms10692_examine") / "observations.zh.toml").read_text("utf-8")
    table: Mapping[str, str] = tomllib.loads(text)
    return table
