"""Weather: what becomes of messages, and what goes wrong on the way.

Here belong outcomes and faults as documents. What they bring about is in `sms10692_mock.domain.delivery` and `.faults`.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from hashlib import blake2b
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field, model_validator

from sms10692 import protocol
from sms10692_mock.admin.services.accounts import AccountService
from sms10692_mock.admin.services.schemas import INTEGRAL, Seconds, Seed, StrictInput, Text
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.bounds import MAX_COUNT, MAX_FAULT_SECONDS, MAX_FAULTS, MAX_RULES
from sms10692_mock.domain.delivery import DeliveryOutcome, DeliveryRule, DeliveryRules
from sms10692_mock.domain.faults import APPLY_BY_DEFAULT, Fault, Kind
from sms10692_mock.domain.store import Store

OperationName = Literal["send", "overage", "checkkeyword", "status", "call"]
Share = Field(1.0, ge=0, le=1, description="of the requests or messages that fit, by dice")
Remaining = Annotated[
    int, Field(ge=1, le=MAX_COUNT, description="for the next so many; without it, until removed"), INTEGRAL
]

_MESSAGES: Final = frozenset(message for operation in protocol.OPERATIONS for message in operation.messages) - {
    protocol.OK
}
_NEEDS: Final[dict[Kind, str]] = {"latency": "seconds", "message": "message", "charset": "charset"}
_QUEUES: Final = (protocol.STATUS.name, protocol.CALL.name)


class NoSuchFault(LookupError):
    """There is no fault of this id, or none any more."""


class NoSuchRule(LookupError):
    """There is no such rule, or none any more."""


class TooManyFaults(ValueError):
    """As many faults are on as can be, for an account or for all."""


class TooManyRules(ValueError):
    """An account has as many rules as it can have."""


class RuleDocument(StrictInput):
    """What becomes of messages to numbers that begin so; `delay` is in seconds, `reply` what the handset answers."""

    number: str = Field("", pattern=r"^[0-9+]{0,32}$", description="a number, or how it begins; empty: every number")
    outcome: Literal["delivered", "failed", "silent"] = "delivered"
    errorcode: Text | None = Field(None, description="DELIVRD or UNDELIV, if nothing else is said")
    delay: Seconds = 0.0
    reply: Text | None = None
    share: float = Share
    remaining: Remaining | None = None


class OutcomesDocument(StrictInput):
    """The rules of an account: of those that fit, the longest number holds, of equals the first."""

    rules: list[RuleDocument] = Field(default_factory=list, max_length=MAX_RULES)
    seed: Seed = 0


class NewFault(StrictInput):
    """What is to go wrong, for which operations (none: all), how often."""

    kind: Kind = Field(
        description="latency: late by `seconds`, up to `seconds_max`. hang: never answered. status: HTTP `status` with "
        "a page like IIS's. empty: no body. cut: closed before byte `at` of the body. close: closed before the answer. "
        "charset: says it is `charset`. bom: a byte order mark. message: refused with `message`. lose: a queue hands "
        "out, and then the connection is closed. On Windows close and lose close no connection of `serve`: the answer "
        "arrives."
    )
    operations: list[OperationName] = Field(default_factory=list)
    remaining: Remaining | None = None
    share: float = Share
    seed: Seed = 0
    seconds: float = Field(0.0, ge=0, le=MAX_FAULT_SECONDS)
    seconds_max: float | None = Field(None, ge=0, le=MAX_FAULT_SECONDS)
    at: Annotated[int, Field(ge=0, le=2**31), INTEGRAL] = 0
    status: Annotated[int, Field(ge=200, le=599), INTEGRAL] = 500
    message: Literal[tuple(sorted(_MESSAGES))] | None = None  # type: ignore[valid-type]  # the manual's, from contract
    charset: str = Field("", pattern=r"^[A-Za-z0-9_.-]{0,40}$")
    acts: bool | None = Field(None, description="whether the vendor does all the same what it was asked")

    @model_validator(mode="after")
    def _complete(self) -> "NewFault":
        needed = _NEEDS.get(self.kind)
        if needed and not getattr(self, needed):
            raise ValueError(f"a fault of the kind {self.kind} needs {needed}")
        if self.seconds_max is not None and self.seconds_max < self.seconds:
            raise ValueError("seconds_max is less than seconds")
        if self.kind == "lose" and not set(self.operations) <= set(_QUEUES):
            raise ValueError("only status and call have something to lose")
        if self.kind == "message" and self.acts:
            raise ValueError("acts: what is refused with a message is not done")
        return self


class FaultDocument(BaseModel):
    """A fault that is on; `seen` is for how many requests its dice were thrown."""

    id: str
    kind: Kind
    operations: list[str]
    remaining: int | None
    share: float
    seed: int
    seconds: float
    seconds_max: float | None
    at: int
    status: int
    message: str | None
    charset: str
    acts: bool
    seen: int


class FaultsDocument(BaseModel):
    """The faults that are on."""

    faults: Sequence[FaultDocument]


class BehaviourService:
    """What can be done about outcomes and faults; where a userid is None, about the faults for all."""

    def __init__(self, store: Store, accounts: AccountService) -> None:
        self._store = store
        self._accounts = accounts

    def outcomes(self, userid: str) -> OutcomesDocument:
        """The rules of an account."""
        return _rules_document(self._accounts.get(userid).outcomes)

    def put_outcomes(self, userid: str, wanted: OutcomesDocument) -> OutcomesDocument:
        """Other rules in place of those of an account."""
        rules = DeliveryRules(tuple(map(_rule, wanted.rules)), wanted.seed)
        return _rules_document(
            self._store.update_account(userid, lambda account: replace(account, outcomes=rules)).outcomes
        )

    def add_rule(self, userid: str, wanted: RuleDocument) -> OutcomesDocument:
        """One more rule, before the others. Raises TooManyRules."""
        rule = _rule(wanted)
        return self._rule_otherwise(userid, lambda rules: _bounded((rule, *rules)))

    def rules_with_ids(self, userid: str) -> list[tuple[str, RuleDocument]]:
        """The rules of an account, each with a name for `remove_rule`, whatever is added or used up meanwhile."""
        rules = self._accounts.get(userid).outcomes.rules
        return [(name, _rule_document(rule)) for name, rule in zip(_names(rules), rules, strict=True)]

    def remove_rule(self, userid: str, name: str) -> None:
        """Forget one rule. Raises NoSuchRule."""
        found: list[str] = []

        def without(rules: tuple[DeliveryRule, ...]) -> tuple[DeliveryRule, ...]:
            names = _names(rules)
            found[:] = [one for one in names if one == name]
            return tuple(rule for one, rule in zip(names, rules, strict=True) if one != name)

        self._rule_otherwise(userid, without)
        if not found:
            raise NoSuchRule(name)

    def set_rule_for_number(self, userid: str, number: str, wanted: RuleDocument | None) -> OutcomesDocument:
        """One rule for exactly this number, before the others, in place of those that there are for it; or none.

        Raises TooManyRules.
        """
        first = () if wanted is None else (_rule(wanted),)
        return self._rule_otherwise(
            userid, lambda rules: _bounded((*first, *(rule for rule in rules if rule.number != number)))
        )

    def _rule_otherwise(
        self, userid: str, change: Callable[[tuple[DeliveryRule, ...]], tuple[DeliveryRule, ...]]
    ) -> OutcomesDocument:
        def ruled(account: Account) -> Account:
            return replace(account, outcomes=replace(account.outcomes, rules=change(account.outcomes.rules)))

        return _rules_document(self._store.update_account(userid, ruled).outcomes)

    def faults(self, userid: str | None) -> FaultsDocument:
        """The faults that are on for an account, or for all."""
        on = self._store.settings().faults if userid is None else self._accounts.get(userid).faults
        return FaultsDocument.model_construct(faults=[_fault_document(fault) for fault in on])

    def add_fault(self, userid: str | None, wanted: NewFault) -> FaultDocument:
        """Let something go wrong. Raises TooManyFaults."""
        given = wanted.model_dump()
        fault = Fault(
            **given
            | {
                "id": secrets.token_hex(4),
                "operations": tuple(_QUEUES if wanted.kind == "lose" and not wanted.operations else wanted.operations),
                "message": wanted.message or "",
                "acts": wanted.kind in APPLY_BY_DEFAULT if wanted.acts is None else wanted.acts,
            }
        )
        self._change(userid, lambda faults: _bounded_faults((*faults, fault), userid))
        return _fault_document(fault)

    def remove_fault(self, userid: str | None, fault_id: str) -> None:
        """Let it go right again. Raises NoSuchFault."""
        found: list[Fault] = []

        def without(faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
            found[:] = [fault for fault in faults if fault.id == fault_id]
            return tuple(fault for fault in faults if fault.id != fault_id)

        self._change(userid, without)
        if not found:
            raise NoSuchFault(fault_id)

    def clear_faults(self, userid: str | None) -> None:
        """Let everything go right again."""
        self._change(userid, lambda faults: ())

    def _change(self, userid: str | None, change: Callable[[tuple[Fault, ...]], tuple[Fault, ...]]) -> None:
        if userid is None:
            self._store.change_settings(lambda settings: replace(settings, faults=change(settings.faults)))
        else:
            self._store.update_account(userid, lambda account: replace(account, faults=change(account.faults)))


def _rule(wanted: RuleDocument) -> DeliveryRule:
    failed = wanted.outcome == "failed"
    outcome = DeliveryOutcome(
        status=protocol.FAILED if failed else protocol.DELIVERED,
        errorcode=wanted.errorcode if wanted.errorcode is not None else "UNDELIV" if failed else "DELIVRD",
        delay=wanted.delay,
        silent=wanted.outcome == "silent",
        reply=wanted.reply,
    )
    return DeliveryRule(wanted.number, outcome, wanted.share, wanted.remaining)


def _bounded(rules: tuple[DeliveryRule, ...]) -> tuple[DeliveryRule, ...]:
    if len(rules) > MAX_RULES:
        raise TooManyRules(f"an account has at most {MAX_RULES} rules")
    return rules


def _bounded_faults(faults: tuple[Fault, ...], userid: str | None) -> tuple[Fault, ...]:
    if len(faults) > MAX_FAULTS:
        whose = "for all accounts" if userid is None else "for an account"
        raise TooManyFaults(f"at most {MAX_FAULTS} faults can be on {whose}: delete some first")
    return faults


def _names(rules: Sequence[DeliveryRule]) -> list[str]:
    """A name for each rule: what it says, and how many behind it say the same.

    New rules stand before the others, and of equals the first is used up: so the name of one that stays is the same.
    """
    behind: Counter[str] = Counter()
    names: list[str] = []
    for rule in reversed(rules):
        said = blake2b(repr(replace(rule, remaining=None)).encode(), digest_size=8).hexdigest()
        names.append(f"{said}-{behind[said]}")
        behind[said] += 1
    return names[::-1]


def _rules_document(rules: DeliveryRules) -> OutcomesDocument:
    return OutcomesDocument.model_construct(rules=[_rule_document(rule) for rule in rules.rules], seed=rules.seed)


def _rule_document(rule: DeliveryRule) -> RuleDocument:
    outcome = rule.outcome
    name: Literal["delivered", "failed", "silent"] = (
        "silent" if outcome.silent else "failed" if outcome.status == protocol.FAILED else "delivered"
    )
    return RuleDocument.model_construct(
        number=rule.number,
        outcome=name,
        errorcode=outcome.errorcode,
        delay=outcome.delay,
        reply=outcome.reply,
        share=rule.share,
        remaining=rule.remaining,
    )


def _fault_document(fault: Fault) -> FaultDocument:
    values = {field.name: getattr(fault, field.name) for field in fields(fault)}
    return FaultDocument.model_construct(
        **values | {"operations": list(fault.operations), "message": fault.message or None}
    )
