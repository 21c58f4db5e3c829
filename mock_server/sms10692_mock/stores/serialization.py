"""Serialization of accounts and settings as JSON, for stores that store text. Lossless in both directions."""

import json
from dataclasses import fields, is_dataclass
from typing import Any, Final

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.clock import ClockOverride
from sms10692_mock.domain.delivery import DeliveryOutcome, DeliveryRule, DeliveryRules
from sms10692_mock.domain.faults import Fault
from sms10692_mock.domain.profiles import Profile
from sms10692_mock.domain.records import Settings

_SEPARATORS: Final = (",", ":")


def dump_account(account: Account) -> str:
    """Serialize an account as ASCII JSON, which also preserves lone surrogates."""
    return json.dumps(_to_plain(account), separators=_SEPARATORS)


def load_account(text: str) -> Account:
    """Load an account. Missing fields get their default values."""
    document = json.loads(text)
    parts = {
        "clock": _load_clock(document["clock"]),
        "delivery_rules": _load_rules(document["delivery_rules"]),
        "faults": _load_faults(document["faults"]),
    }
    return Account(**document | parts)


def dump_settings(settings: Settings) -> str:
    """Serialize settings as ASCII JSON."""
    return json.dumps(_to_plain(settings), separators=_SEPARATORS)


def load_settings(text: str) -> Settings:
    """Load settings."""
    document = json.loads(text)
    words = document["words"]
    return Settings(
        _load_clock(document["clock"]),
        None if words is None else tuple(words),
        _load_faults(document["faults"]),
        tuple(map(_load_profile, document.get("profiles", ()))),
    )


def _to_plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _to_plain(getattr(value, field.name)) for field in fields(value) if field.init}
    if isinstance(value, tuple):
        names = getattr(value, "_fields", None)
        return dict(zip(names, map(_to_plain, value), strict=True)) if names else [_to_plain(one) for one in value]
    return value


def _load_clock(document: dict[str, Any] | None) -> ClockOverride | None:
    return None if document is None else ClockOverride(**document)


def _load_profile(document: dict[str, Any]) -> Profile:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in document.items()
    }
    return Profile(**values)


def _load_rules(document: dict[str, Any]) -> DeliveryRules:
    rules = (DeliveryRule(**rule | {"outcome": DeliveryOutcome(**rule["outcome"])}) for rule in document["rules"])
    return DeliveryRules(tuple(rules), document["seed"])


def _load_faults(document: list[dict[str, Any]]) -> tuple[Fault, ...]:
    return tuple(Fault(**fault | {"operations": tuple(fault["operations"])}) for fault in document)
