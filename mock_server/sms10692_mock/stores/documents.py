"""Accounts, settings and entries of the journal as texts, for the stores that outlive the process.

Here belongs the form in which they are kept: JSON, in which every value comes back equal. How tasks and queues are
kept is each store's own affair.
"""

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final

from sms10692_mock.accounts import Account
from sms10692_mock.clock import Turned
from sms10692_mock.faults import Fault
from sms10692_mock.outcomes import Outcome, Rule, Rules
from sms10692_mock.stores.records import Entry, Settings

_FAULT_FIELDS: Final = tuple(field.name for field in fields(Fault))
_BYTES: Final = tuple(Entry._fields.index(name) for name in ("query", "body", "answer"))

written: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""A value as JSON in one line. Characters stand for themselves, also halves of one that is written in two."""


def account_text(account: Account) -> str:
    """An account as JSON."""
    return written(
        {
            "userid": account.userid,
            "account": account.account,
            "password": account.password,
            "points": account.points,
            "postpaid": account.postpaid,
            "may_read_reports": account.may_read_reports,
            "clock": account.clock,
            "dialect": account.dialect,
            "outcomes": {"rules": [_rule_row(rule) for rule in account.outcomes.rules], "seed": account.outcomes.seed},
            "faults": [_fault_document(fault) for fault in account.faults],
            "throwaway": account.throwaway,
        }
    )


def account_of(text: str) -> Account:
    """The account that `account_text` wrote."""
    document = json.loads(text)
    outcomes = document["outcomes"]
    return Account(
        **{
            **document,
            "clock": _clock(document["clock"]),
            "outcomes": Rules(tuple(_rule(*row) for row in outcomes["rules"]), outcomes["seed"]),
            "faults": _faults(document["faults"]),
        }
    )


def settings_text(settings: Settings) -> str:
    """Settings as JSON, without the words, which may be many and seldom change."""
    return written({"clock": settings.clock, "faults": [_fault_document(fault) for fault in settings.faults]})


def settings_of(text: str, words: tuple[str, ...] | None) -> Settings:
    """The settings that `settings_text` wrote, with these words."""
    document = json.loads(text)
    return Settings(_clock(document["clock"]), words, _faults(document["faults"]))


def entry_text(entry: Entry) -> str:
    """An entry of the journal as JSON; bytes as the characters of the same numbers."""
    row: list[Any] = list(entry)
    for place in _BYTES:
        row[place] = row[place].decode("latin-1")
    return written(row)


def entry_of(text: str) -> Entry:
    """The entry that `entry_text` wrote."""
    row: list[Any] = json.loads(text)
    for place in _BYTES:
        row[place] = row[place].encode("latin-1")
    entry = Entry(*row)
    return entry._replace(headers=[(name, value) for name, value in entry.headers], faults=tuple(entry.faults))


def _clock(parts: Sequence[float] | None) -> Turned | None:
    return None if parts is None else Turned(*parts)


def _fault_document(fault: Fault) -> dict[str, Any]:
    return {name: getattr(fault, name) for name in _FAULT_FIELDS}


def _faults(documents: Sequence[dict[str, Any]]) -> tuple[Fault, ...]:
    return tuple(Fault(**{**document, "operations": tuple(document["operations"])}) for document in documents)


def _rule_row(rule: Rule) -> list[Any]:
    return [rule.number, list(rule.outcome), rule.share, rule.remaining]


def _rule(number: str, outcome: Sequence[Any], share: float, remaining: int | None) -> Rule:
    return Rule(number, Outcome(*outcome), share, remaining)
