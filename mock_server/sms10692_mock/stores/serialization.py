"""Accounts and settings as text, for stores that keep text.

Here belongs the way there and back, with nothing lost. What a caller of the control address sees is `control`'s.
"""

import json
from dataclasses import fields, is_dataclass
from typing import Any, Final

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.clock import ClockOverride
from sms10692_mock.domain.delivery import DeliveryOutcome, DeliveryRule, DeliveryRules
from sms10692_mock.domain.faults import Fault
from sms10692_mock.domain.records import Settings

_PACKED: Final = (",", ":")


def dump_account(account: Account) -> str:
    """An account as JSON, in ASCII: halves of characters survive too."""
    return json.dumps(_plain(account), separators=_PACKED)


def load_account(text: str) -> Account:
    """The account of `account_text`. What a later version of that left out has its default."""
    told = json.loads(text)
    parts = {"clock": _turned(told["clock"]), "outcomes": _rules(told["outcomes"]), "faults": _faults(told["faults"])}
    return Account(**told | parts)


def dump_settings(settings: Settings) -> str:
    """Settings as JSON, in ASCII."""
    return json.dumps(_plain(settings), separators=_PACKED)


def load_settings(text: str) -> Settings:
    """The settings of `settings_text`."""
    told = json.loads(text)
    words = told["words"]
    return Settings(_turned(told["clock"]), None if words is None else tuple(words), _faults(told["faults"]))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        named = getattr(value, "_fields", None)
        return dict(zip(named, map(_plain, value), strict=True)) if named else [_plain(one) for one in value]
    return value


def _turned(told: dict[str, Any] | None) -> ClockOverride | None:
    return None if told is None else ClockOverride(**told)


def _rules(told: dict[str, Any]) -> DeliveryRules:
    rules = (DeliveryRule(**rule | {"outcome": DeliveryOutcome(**rule["outcome"])}) for rule in told["rules"])
    return DeliveryRules(tuple(rules), told["seed"])


def _faults(told: list[dict[str, Any]]) -> tuple[Fault, ...]:
    return tuple(Fault(**fault | {"operations": tuple(fault["operations"])}) for fault in told)
