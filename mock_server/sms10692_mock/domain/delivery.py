"""What becomes of a message once the vendor has taken it: delivered, failed, silent, late, answered (R5, R13).

Here belongs the fate of a number, as data: reserved numbers, and the rules of an account. When it is told, and to
whom, is the affair of `vendor` and the store.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from sms10692 import protocol
from sms10692_mock.domain.faults import seeded_random


class DeliveryOutcome(NamedTuple):
    """The fate of one message.

    `status` and `errorcode` go into its report, `delay` seconds late (R13); a `silent` one is never reported;
    `reply` is what the handset answers; `refusal` is a message of 1.3 that refuses the whole send instead.
    """

    status: int = protocol.DELIVERED
    errorcode: str = "DELIVRD"
    delay: float = 0.0
    silent: bool = False
    reply: str | None = None
    refusal: str | None = None


_HANDSET: Final = re.compile("1[0-9]{10}")
_DELIVERED: Final = DeliveryOutcome()
_UNDELIVERABLE: Final = DeliveryOutcome(protocol.FAILED, "UNDELIV")

RESERVED_NUMBERS: Final[Mapping[str, DeliveryOutcome]] = {
    **{
        f"1000000000{place}": DeliveryOutcome(refusal=message)
        for place, message in enumerate(protocol.SEND.messages[1:], start=1)
    },
    "10000000020": _UNDELIVERABLE,
    "10000000021": DeliveryOutcome(protocol.FAILED, "MK:0011"),
    "10000000022": DeliveryOutcome(silent=True),
    "10000000023": DeliveryOutcome(delay=30.0),
    "10000000030": DeliveryOutcome(reply="T"),
    "10000000031": DeliveryOutcome(reply="<好> & 😀"),
}
"""Numbers that no handset can have, so that every outcome can be had by whoever can send (R13)."""


@dataclass(frozen=True, slots=True)
class DeliveryRule:
    """What becomes of messages to the numbers that begin with `number`; of all, where it is empty.

    It holds for the next `remaining` messages, or any number where that is None, and of them for a `share`.
    """

    number: str
    outcome: DeliveryOutcome
    share: float = 1.0
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """The rules of an account; of those that fit a number the longest holds, of equals the first.

    `seed` loads the dice for those that hold for a share.
    """

    rules: tuple[DeliveryRule, ...] = ()
    seed: int = 0


NO_DELIVERY_RULES: Final = DeliveryRules()


def default_outcome(number: str) -> DeliveryOutcome:
    """The fate of a message to this number; what is no mobile number of China cannot be delivered (R5).

    >>> outcome("15023239810").errorcode, outcome("10086").errorcode, outcome("10000000001").refusal
    ('DELIVRD', 'UNDELIV', '用户名或密码不能为空')
    """
    return RESERVED_NUMBERS.get(number) or (_DELIVERED if _HANDSET.fullmatch(number) else _UNDELIVERABLE)


def apply_rules(
    rules: DeliveryRules, numbers: Sequence[str], sent_before: int
) -> tuple[list[DeliveryOutcome], DeliveryRules]:
    """The fates of messages under the rules of an account that sent so many before, and the rules that are left.

    A rule for a whole number holds even for a reserved one; a rule for a prefix does not.

    >>> failing = Rules((Rule("150", Outcome(20, "UNDELIV"), remaining=1),))
    >>> fates, left = ruled(failing, ["15023239810", "15023239810", "13800000000"], 0)
    >>> [fate.errorcode for fate in fates], left.rules
    (['UNDELIV', 'DELIVRD', 'DELIVRD'], ())
    """
    rows = sorted(enumerate(rules.rules), key=lambda row: (-len(row[1].number), row[0]))
    remaining = [rule.remaining for rule in rules.rules]
    fates: list[DeliveryOutcome] = []
    for place, number in enumerate(numbers, start=sent_before):
        for row, rule in rows:
            fits = number == rule.number or (number.startswith(rule.number) and number not in RESERVED_NUMBERS)
            if not fits or remaining[row] == 0:
                continue
            if rule.share < 1.0 and seeded_random(f"{rules.seed}:{row}:{place}") >= rule.share:
                continue
            left = remaining[row]
            remaining[row] = None if left is None else left - 1
            fates.append(rule.outcome)
            break
        else:
            fates.append(default_outcome(number))
    if remaining == [rule.remaining for rule in rules.rules]:
        return fates, rules
    kept = tuple(replace(rule, remaining=left) for rule, left in zip(rules.rules, remaining, strict=True) if left != 0)
    return fates, replace(rules, rules=kept)
