"""Behaviour service: delivery rules and injected faults.

Their effects are in `sms10692_mock.domain.delivery` and `sms10692_mock.domain.faults`.
"""

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from hashlib import blake2b
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, Field, model_validator

from sms10692 import protocol
from sms10692.protocol import OperationName
from sms10692_mock.admin.services.accounts import AccountService
from sms10692_mock.admin.services.schemas import INTEGRAL, Seconds, Seed, StrictInput, Text, encodable, format_iso_time
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.bounds import MAX_COUNT, MAX_FAULT_SECONDS, MAX_FAULTS, MAX_MESSAGE, MAX_RULES
from sms10692_mock.domain.clock import Clock
from sms10692_mock.domain.delivery import OUTCOMES, DeliveryRule, DeliveryRules, OutcomeName, name_outcome
from sms10692_mock.domain.fault_kinds import FAULT_KINDS, FaultKind
from sms10692_mock.domain.faults import Fault
from sms10692_mock.domain.store import Store

_Probability = Field(1.0, ge=0, le=1, description="probability that a matching request or message is affected")
_Count = Annotated[
    int,
    Field(ge=1, le=MAX_COUNT, description="number of times that it still applies; without it, until removed"),
    INTEGRAL,
]

REFUSALS: Final = tuple(
    sorted({message for operation in protocol.OPERATIONS for message in operation.all_messages} - {"", protocol.OK})
)
"""The messages with which the emulator itself refuses requests."""

_CONTROL: Final = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_Message = Annotated[
    str,
    Field(max_length=MAX_MESSAGE, pattern=rf"^[^{_CONTROL}]*[^\s{_CONTROL}][^{_CONTROL}]*$"),
    AfterValidator(encodable),
]
"""A line of text that is not blank. The constraints precede the validator, so that OpenAPI shows the pattern."""


class NoSuchFault(LookupError):
    """There is no fault with this id, or it has been removed."""


class NoSuchRule(LookupError):
    """There is no rule with this name, or it has been removed."""


class TooManyEntries(ValueError):
    """There is the maximum number of faults or rules."""


class RuleDocument(StrictInput):
    """Delivery result of messages to numbers with a prefix. `delay` is in seconds; `reply` is the phone's reply."""

    number: str = Field("", pattern=r"^[0-9+]{0,32}$", description="a number or a prefix; empty: every number")
    outcome: OutcomeName = "delivered"
    errorcode: Text | None = Field(None, description="default: DELIVRD or UNDELIV")
    delay: Seconds = 0.0
    reply: Text | None = None
    probability: float = _Probability
    times: _Count | None = None


class DeliveryRulesDocument(StrictInput):
    """The delivery rules of an account. The matching rule with the longest number applies; of equals, the first."""

    rules: list[RuleDocument] = Field(default_factory=list, max_length=MAX_RULES)
    seed: Seed = 0


class NewFault(StrictInput):
    """A fault to inject. Without `operations`, it applies to all operations."""

    kind: FaultKind = Field(
        description="What the client sees. "
        + " ".join(f"{kind}: {spec.effect.en}." for kind, spec in FAULT_KINDS.items())
        + " On Windows, `serve` does not disconnect before a response: it arrives."
    )
    operations: list[OperationName] = Field(default_factory=list)
    times: _Count | None = None
    probability: float = _Probability
    seed: Seed = 0
    seconds: float = Field(0.0, ge=0, le=MAX_FAULT_SECONDS)
    seconds_max: float | None = Field(None, ge=0, le=MAX_FAULT_SECONDS)
    at: Annotated[int, Field(ge=0, le=2**31), INTEGRAL] = 0
    status: Annotated[int, Field(ge=200, le=599), INTEGRAL] = 500
    message: _Message | None = Field(
        None,
        description="any text, in one line. Without `operations`, a message of the manual is sent by the operations "
        "that have it, and any other text by all",
    )
    charset: str = Field("", pattern=r"^[A-Za-z0-9_.-]{0,40}$")
    apply: bool | None = Field(None, description="whether the request is processed anyway; default: depends on `kind`")

    @model_validator(mode="after")
    def _check_consistency(self) -> "NewFault":
        spec = FAULT_KINDS[self.kind]
        if spec.required and not getattr(self, spec.parameter):
            raise ValueError(f"a fault of the kind {self.kind} requires {spec.parameter}")
        if self.message == protocol.OK:
            raise ValueError(f"message: {protocol.OK} is the message of an accepted request")
        if self.seconds_max is not None and self.seconds_max < self.seconds:
            raise ValueError("seconds_max is less than seconds")
        if spec.operations and not set(self.operations) <= set(spec.operations):
            operations = " and ".join(spec.operations)
            raise ValueError(f"operations: a fault of the kind {self.kind} applies to {operations} only")
        if spec.executed == "never" and self.apply:
            raise ValueError(f"apply: a request with a fault of the kind {self.kind} is never executed")
        return self


class FaultDocument(BaseModel):
    """An active fault.

    `evaluated` is the number of requests for which its probability was evaluated, `triggered` of those it affected.
    `since` is when it was added, null if that is unknown; `preset` the name of the console's preset that added it, or
    empty.
    """

    id: str
    kind: FaultKind
    operations: list[str]
    times: int | None
    probability: float
    seed: int
    seconds: float
    seconds_max: float | None
    at: int
    status: int
    message: str | None
    charset: str
    apply: bool
    evaluated: int
    triggered: int
    since: str | None
    preset: str


class FaultsDocument(BaseModel):
    """Active faults."""

    faults: Sequence[FaultDocument]


class BehaviourService:
    """Reads and changes delivery rules and faults. A userid of None means the faults for all accounts."""

    def __init__(self, store: Store, accounts: AccountService, wall_clock: Clock) -> None:
        self._store = store
        self._accounts = accounts
        self._wall_clock = wall_clock

    def delivery_rules(self, userid: str) -> DeliveryRulesDocument:
        """Return the rules of an account. Raises NoSuchAccount."""
        return rules_document(self._accounts.get(userid).delivery_rules)

    def set_delivery_rules(self, userid: str, document: DeliveryRulesDocument) -> DeliveryRulesDocument:
        """Replace the rules of an account. Raises NoSuchAccount."""
        rules = parse_rules(document, self._wall_clock())
        return rules_document(
            self._store.update_account(userid, lambda account: replace(account, delivery_rules=rules)).delivery_rules
        )

    def add_rule(self, userid: str, document: RuleDocument, preset: str = "") -> DeliveryRulesDocument:
        """Add a rule before the others, for the preset of this name. Raises NoSuchAccount and TooManyEntries."""
        rule = replace(_parse_rule(document, self._wall_clock()), preset=preset)
        return self._update_rules(userid, lambda rules: _limit_rules((rule, *rules)))

    def rules_with_names(self, userid: str) -> list[tuple[str, RuleDocument, DeliveryRule]]:
        """Return the rules of an account, each with a name for `remove_rule`, and as stored.

        A name stays valid when other rules are added or used up.
        """
        rules = self._accounts.get(userid).delivery_rules.rules
        return [(name, _rule_document(rule), rule) for name, rule in zip(_rule_names(rules), rules, strict=True)]

    def remove_rule(self, userid: str, name: str) -> None:
        """Remove one rule. Raises NoSuchAccount and NoSuchRule."""

        def remove(rules: tuple[DeliveryRule, ...]) -> tuple[DeliveryRule, ...]:
            names = _rule_names(rules)
            if name not in names:
                raise NoSuchRule(name)
            return tuple(rule for candidate, rule in zip(names, rules, strict=True) if candidate != name)

        self._update_rules(userid, remove)

    def remove_preset(self, userid: str, preset: str) -> None:
        """Remove the faults and rules of an account that the preset of this name added, and nothing else."""
        self._update_faults(userid, lambda faults: tuple(fault for fault in faults if fault.preset != preset))
        self._update_rules(userid, lambda rules: tuple(rule for rule in rules if rule.preset != preset))

    def set_rule_for_number(self, userid: str, number: str, document: RuleDocument | None) -> DeliveryRulesDocument:
        """Replace all rules for exactly this number by one rule before the others, or by none.

        Raises NoSuchAccount and TooManyEntries.
        """
        first = () if document is None else (_parse_rule(document, self._wall_clock()),)
        return self._update_rules(
            userid, lambda rules: _limit_rules((*first, *(rule for rule in rules if rule.number != number)))
        )

    def _update_rules(
        self, userid: str, change: Callable[[tuple[DeliveryRule, ...]], tuple[DeliveryRule, ...]]
    ) -> DeliveryRulesDocument:
        def with_changed_rules(account: Account) -> Account:
            return replace(
                account, delivery_rules=replace(account.delivery_rules, rules=change(account.delivery_rules.rules))
            )

        return rules_document(self._store.update_account(userid, with_changed_rules).delivery_rules)

    def active_faults(self, userid: str | None) -> tuple[Fault, ...]:
        """Return the active faults of an account, or those for all accounts. Raises NoSuchAccount."""
        return self._store.settings().faults if userid is None else self._accounts.get(userid).faults

    def faults(self, userid: str | None) -> FaultsDocument:
        """Return the documents of `active_faults`."""
        return FaultsDocument.model_construct(faults=[_fault_document(fault) for fault in self.active_faults(userid)])

    def add_fault(self, userid: str | None, new: NewFault, preset: str = "") -> FaultDocument:
        """Activate a fault, for the preset of this name. Raises NoSuchAccount and TooManyEntries."""
        spec = FAULT_KINDS[new.kind]
        fault = Fault(
            **new.model_dump()
            | {
                "id": secrets.token_hex(4),
                "operations": tuple(new.operations) or spec.operations,
                "message": new.message or "",
                "apply": spec.executed == "yes" if new.apply is None else new.apply,
                "since": self._wall_clock(),
                "preset": preset,
            }
        )

        def add(faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
            if len(faults) >= MAX_FAULTS:
                scope = "for all accounts" if userid is None else "for one account"
                raise TooManyEntries(f"at most {MAX_FAULTS} faults can be active {scope}; delete some first")
            return (*faults, fault)

        self._update_faults(userid, add)
        return _fault_document(fault)

    def remove_fault(self, userid: str | None, fault_id: str) -> None:
        """Remove a fault. Raises NoSuchAccount and NoSuchFault."""

        def remove(faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
            remaining = tuple(fault for fault in faults if fault.id != fault_id)
            if len(remaining) == len(faults):
                raise NoSuchFault(fault_id)
            return remaining

        self._update_faults(userid, remove)

    def clear_faults(self, userid: str | None) -> None:
        """Remove all faults. Raises NoSuchAccount."""
        self._update_faults(userid, lambda faults: ())

    def _update_faults(self, userid: str | None, change: Callable[[tuple[Fault, ...]], tuple[Fault, ...]]) -> None:
        if userid is None:
            self._store.change_settings(lambda settings: replace(settings, faults=change(settings.faults)))
        else:
            self._store.update_account(userid, lambda account: replace(account, faults=change(account.faults)))


def parse_rules(document: DeliveryRulesDocument, since: float = 0.0) -> DeliveryRules:
    """Return the rules that a document describes, set at this Unix time (0: unknown)."""
    return DeliveryRules(tuple(_parse_rule(rule, since) for rule in document.rules), document.seed)


def _parse_rule(document: RuleDocument, since: float) -> DeliveryRule:
    outcome = OUTCOMES[document.outcome]._replace(delay=document.delay, reply=document.reply)
    if document.errorcode is not None:
        outcome = outcome._replace(errorcode=document.errorcode)
    return DeliveryRule(document.number, outcome, document.probability, document.times, since)


def _limit_rules(rules: tuple[DeliveryRule, ...]) -> tuple[DeliveryRule, ...]:
    if len(rules) > MAX_RULES:
        raise TooManyEntries(f"an account can have at most {MAX_RULES} rules; remove some first")
    return rules


def _rule_names(rules: Sequence[DeliveryRule]) -> list[str]:
    """Return a name for each rule: a hash of its content, and the number of equal rules after it.

    New rules are added at the front, and of equal rules the first is used up first, so a remaining rule keeps its name.
    """
    equal_rules: Counter[str] = Counter()
    names: list[str] = []
    for rule in reversed(rules):
        digest = blake2b(repr(replace(rule, times=None)).encode(), digest_size=8).hexdigest()
        names.append(f"{digest}-{equal_rules[digest]}")
        equal_rules[digest] += 1
    return names[::-1]


def rules_document(rules: DeliveryRules) -> DeliveryRulesDocument:
    """Return the document that describes rules."""
    return DeliveryRulesDocument.model_construct(rules=[_rule_document(rule) for rule in rules.rules], seed=rules.seed)


def _rule_document(rule: DeliveryRule) -> RuleDocument:
    outcome = rule.outcome
    return RuleDocument.model_construct(
        number=rule.number,
        outcome=name_outcome(outcome),
        errorcode=outcome.errorcode,
        delay=outcome.delay,
        reply=outcome.reply,
        probability=rule.probability,
        times=rule.times,
    )


def _fault_document(fault: Fault) -> FaultDocument:
    values = {field.name: getattr(fault, field.name) for field in fields(fault)}
    return FaultDocument.model_construct(
        **values
        | {
            "operations": list(fault.operations),
            "message": fault.message or None,
            "since": format_iso_time(fault.since) if fault.since else None,
        }
    )
