"""Delivery outcomes: delivered, failed, unreported, delayed, replied to (R5, R13).

The outcome of a message depends on reserved numbers and the rules of its account. `vendor` turns outcomes into reports
and replies; the store queues them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, NamedTuple, TypeAlias

from sms10692 import protocol
from sms10692_mock.domain.faults import seeded_random

OutcomeName: TypeAlias = Literal["delivered", "failed", "unreported"]


class DeliveryOutcome(NamedTuple):
    """What will happen to one message.

    `status` and `errorcode` go into its report, which is `delay` seconds late (R13). An `unreported` message gets no
    report. `reply` is the text that the phone sends back. `refusal` is a message of 1.3: the whole send is refused with
    that text.
    """

    status: int = protocol.DELIVERED
    errorcode: str = "DELIVRD"
    delay: float = 0.0
    unreported: bool = False
    reply: str | None = None
    refusal: str | None = None


_MOBILE_NUMBER: Final = re.compile("1[0-9]{10}")
_DELIVERED: Final = DeliveryOutcome()
_UNDELIVERABLE: Final = DeliveryOutcome(protocol.FAILED, "UNDELIV")

OUTCOMES: Final[Mapping[OutcomeName, DeliveryOutcome]] = {
    "delivered": _DELIVERED,
    "failed": _UNDELIVERABLE,
    "unreported": DeliveryOutcome(unreported=True),
}
"""The outcomes that a rule can have, by name, with their defaults."""

RESERVED_NUMBERS: Final[Mapping[str, DeliveryOutcome]] = {
    **{
        f"100000000{index:02}": DeliveryOutcome(refusal=message)
        for index, message in enumerate(protocol.SEND.all_messages[1:], start=1)
    },
    "10000000020": _UNDELIVERABLE,
    "10000000021": DeliveryOutcome(protocol.FAILED, "MK:0011"),
    "10000000022": DeliveryOutcome(unreported=True),
    "10000000023": DeliveryOutcome(delay=30.0),
    "10000000030": DeliveryOutcome(reply="T"),
    "10000000031": DeliveryOutcome(reply="<好> & 😀"),
}
"""Numbers that no phone can have; each triggers one outcome, so that every client can test every outcome (R13)."""


@dataclass(frozen=True, slots=True)
class DeliveryRule:
    """A rule for messages to numbers that start with `number`; an empty `number` matches all.

    The rule applies to the next `times` messages (None: no limit), and to each with probability `probability`. `since`
    and `preset` are shown only, as those of a fault.
    """

    number: str
    outcome: DeliveryOutcome
    probability: float = 1.0
    times: int | None = None
    since: float = field(default=0.0, compare=False)
    preset: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """The rules of an account. The longest matching `number` wins; of equals, the first.

    `seed` makes the random decisions repeatable.
    """

    rules: tuple[DeliveryRule, ...] = ()
    seed: int = 0


NO_DELIVERY_RULES: Final = DeliveryRules()


def name_outcome(outcome: DeliveryOutcome) -> OutcomeName:
    """Return the name of an outcome.

    >>> name_outcome(DeliveryOutcome(protocol.FAILED, "MK:0011"))
    'failed'
    """
    key = outcome.status, outcome.unreported
    return next(name for name, known in OUTCOMES.items() if (known.status, known.unreported) == key)


def default_outcome(number: str) -> DeliveryOutcome:
    """Return the outcome of a message without rules: only mobile numbers of China are deliverable (R5).

    >>> default_outcome("15023239810").errorcode, default_outcome("10086").errorcode
    ('DELIVRD', 'UNDELIV')
    >>> default_outcome("10000000001").refusal
    '用户名或密码不能为空'
    """
    return RESERVED_NUMBERS.get(number) or (_DELIVERED if _MOBILE_NUMBER.fullmatch(number) else _UNDELIVERABLE)


def apply_rules(
    rules: DeliveryRules, numbers: Sequence[str], sent_before: int
) -> tuple[list[DeliveryOutcome], DeliveryRules]:
    """Return the outcome of each message, and the rules that remain.

    `sent_before` is the number of messages that the account sent before; it makes each random decision depend on the
    message. A rule for a whole number applies to reserved numbers too; a rule for a prefix does not.

    >>> failing = DeliveryRules((DeliveryRule("150", DeliveryOutcome(20, "UNDELIV"), times=1),))
    >>> outcomes, left = apply_rules(failing, ["15023239810", "15023239810", "13800000000"], 0)
    >>> [outcome.errorcode for outcome in outcomes], left.rules
    (['UNDELIV', 'DELIVRD', 'DELIVRD'], ())
    """
    sorted_rules = sorted(enumerate(rules.rules), key=lambda pair: (-len(pair[1].number), pair[0]))
    remaining = [rule.times for rule in rules.rules]
    outcomes: list[DeliveryOutcome] = []
    for message_index, number in enumerate(numbers, start=sent_before):
        for rule_index, rule in sorted_rules:
            matches = number == rule.number or (number.startswith(rule.number) and number not in RESERVED_NUMBERS)
            if not matches or remaining[rule_index] == 0:
                continue
            if (
                rule.probability < 1.0
                and seeded_random(f"{rules.seed}:{rule_index}:{message_index}") >= rule.probability
            ):
                continue
            left = remaining[rule_index]
            remaining[rule_index] = None if left is None else left - 1
            outcomes.append(rule.outcome)
            break
        else:
            outcomes.append(default_outcome(number))
    if remaining == [rule.times for rule in rules.rules]:
        return outcomes, rules
    remaining_rules = tuple(
        replace(rule, times=left) for rule, left in zip(rules.rules, remaining, strict=True) if left != 0
    )
    return outcomes, replace(rules, rules=remaining_rules)
