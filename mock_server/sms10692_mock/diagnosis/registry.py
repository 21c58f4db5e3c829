"""Registry of finding codes: meaning, fix, example request and remedy of each, in English and Chinese.

It joins `messages`, `findings.zh.toml`, `examples.toml`, `domain.evidence` and `remedies.toml`. The pages
`docs/findings` are generated from it, and a test explains every example.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any, Final, NamedTuple

from sms10692_mock.diagnosis.explain import Explanation, explain
from sms10692_mock.diagnosis.messages import MESSAGES
from sms10692_mock.diagnosis.pasted import parse_pasted
from sms10692_mock.diagnosis.translations import chinese_texts
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account
from sms10692_mock.domain.evidence_texts import EVIDENCE
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.profiles import MANUAL

EXAMPLE_TIME: Final = 1341155532.0
"""The time of the manual's timestamp, 2012-07-01 23:12:12 in China, in Unix seconds."""

EXAMPLE_ACCOUNTS: Final = (
    DEFAULT_ACCOUNT,
    Account("5", "商店", "密 码&"),
    Account("6", " spaced ", "secret"),
    Account("7", "shop", "geheim-shop"),
    Account("008", "店铺", "geheim-店铺"),
    Account("13", "reader", "secret", can_read_queues=False),
    Account("14", "poor", "secret", points=1),
    Account("15", "a+b", "secret"),
)
"""The accounts of the examples, which are not secret."""

_REMEDIES: Final = (
    ("text.number-", "mobile"),
    ("text.mobile-", "mobile"),
    ("refusal.mobile-", "mobile"),
    ("habit.send-time-", "send_time"),
    ("refusal.send-time-", "send_time"),
    ("habit.twelve-hour", "sign"),
    ("habit.utc", "sign"),
    ("habit.stale", "sign"),
    ("habit.timestamp-form", "sign"),
    ("refusal.timestamp-", "sign"),
    ("refusal.credentials-", "sign"),
    ("signature.", "sign"),
    ("password.", ""),
    ("habit.polling", ""),
    ("habit.fetched-after-empty", ""),
    ("habit.", "form"),
    ("text.", "form"),
    ("http.", ""),
    ("refusal.", ""),
)
"""The remedy of the codes with a prefix; the first prefix counts."""


class FindingSpec(NamedTuple):
    """One code in both languages. `example` is empty if the code depends on a connection or on state.

    `profile` has the keys of a profile in which the example is refused. `remedy` is a key of `load_remedies`, or empty.
    """

    code: str
    en: str
    zh: str
    example: str
    profile: Mapping[str, Any]
    remedy: str


@cache
def load_registry() -> Mapping[str, FindingSpec]:
    """Load every code, in the order of the messages."""
    examples = {f"refusal.{code}": text.example for code, text in EVIDENCE.items()}
    for kind, group in _load("examples.toml").items():
        examples |= {f"{kind}.{name}": example["request"] for name, example in group.items()}
    profiles = {f"refusal.{code}": text.profile for code, text in EVIDENCE.items()}
    registry = {}
    for code, en in MESSAGES.items():
        remedy = next(remedy for prefix, remedy in _REMEDIES if code.startswith(prefix))
        registry[code] = FindingSpec(
            code, en, chinese_texts()[code], examples.get(code, ""), profiles.get(code, {}), remedy
        )
    return registry


def explain_example(spec: FindingSpec) -> Explanation:
    """Explain the example of a code, at the time and with the accounts of all examples."""
    by_userid = {account.userid: account for account in EXAMPLE_ACCOUNTS}
    return explain(
        parse_pasted(spec.example),
        by_userid.get,
        EXAMPLE_ACCOUNTS,
        Keywords(),
        lambda account: EXAMPLE_TIME,
        profile_of=lambda account: replace(MANUAL, **spec.profile),
        get_points=lambda account: account.points,
    )


@cache
def load_remedies() -> Mapping[str, Mapping[str, str]]:
    """Load the remedies: a title in English and Chinese, and the code in each language of the documents."""
    return _load("remedies.toml")


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads((files(__package__) / name).read_text("utf-8"))
