"""What the console says, in the languages that it speaks.

Here belongs the choice of a language and looking a text up. The texts are data, in `texts.toml`; the vendor's own
words stay the vendor's and are not among them.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal, TypeAlias

from werkzeug.datastructures import LanguageAccept

Language: TypeAlias = Literal["zh", "en"]

LANGUAGES: Final[Mapping[Language, str]] = {"zh": "中文", "en": "English"}
"""Each with its own name."""


@cache
def texts() -> Mapping[str, Mapping[str, str]]:
    """All texts: by key, and by language.

    >>> texts()["page.messages"]["zh"]
    '短信'
    """
    table = (files(__package__) / "texts.toml").read_text("utf-8")
    return dict(_flat(tomllib.loads(table), ""))


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    for name, value in table.items():
        if any(isinstance(inner, dict) for inner in value.values()):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def text(language: Language, key: str, **values: object) -> str:
    """A text with its values. Raises KeyError where there is none of this key.

    >>> text("en", "cost.one_part", units=15)
    '15 of 70 UTF-16 units: 1 part'
    """
    found = texts()[key][language]
    return found.format(**values) if values else found


def choose_language(chosen: str, accepted: LanguageAccept) -> Language:
    """The language that was chosen, or the first that the browser asks for and that there is, or English.

    >>> language_of("", LanguageAccept([("de", 1), ("zh-CN", 0.9), ("en", 0.8)]))
    'zh'
    """
    for wanted in (chosen, *accepted.values()):
        for language in LANGUAGES:
            if wanted.partition("-")[0].lower() == language:
                return language
    return "en"
