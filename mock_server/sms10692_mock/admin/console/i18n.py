"""Translation catalogue of the console: language selection and text lookup.

The texts are in `texts.toml`; those of fault kinds are in `domain.fault_kinds`. The vendor's own words are never
translated.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal, TypeAlias

from werkzeug.datastructures import LanguageAccept

from sms10692_mock.domain.fault_kinds import FAULT_KINDS

Language: TypeAlias = Literal["zh", "en"]

LANGUAGES: Final[Mapping[Language, str]] = {"zh": "中文", "en": "English"}
"""Languages, each with its own name."""


@cache
def texts() -> Mapping[str, Mapping[str, str]]:
    """Load all texts: by key, then by language.

    >>> texts()["page.messages"]["zh"]
    '短信'
    """
    table = (files(__package__) / "texts.toml").read_text("utf-8")
    labels = {f"fault.{kind}": spec.label._asdict() for kind, spec in FAULT_KINDS.items()}
    return dict(_flatten(tomllib.loads(table), "")) | labels


def _flatten(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    for name, value in table.items():
        if any(isinstance(inner, dict) for inner in value.values()):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def text(language: Language, key: str, **values: object) -> str:
    """Return the text of a key with its placeholders filled in. Raises KeyError if the key is unknown.

    >>> text("en", "cost.one_segment", units=15)
    '15 of 70 UTF-16 code units: 1 segment'
    """
    translation = texts()[key][language]
    return translation.format(**values) if values else translation


def choose_language(chosen: str, accepted: LanguageAccept) -> Language:
    """Return the chosen language, else the first available one of the browser's preferences, else English.

    >>> choose_language("", LanguageAccept([("de", 1), ("zh-CN", 0.9), ("en", 0.8)]))
    'zh'
    """
    for tag in (chosen, *accepted.values()):
        for language in LANGUAGES:
            if tag.partition("-")[0].lower() == language:
                return language
    return "en"
