"""Checks that are missing, and checks in another order.

Here belongs what a call is not refused for, or too early. How a signature is compared is in `signatures`.
"""

from collections.abc import Sequence
from typing import Final

from faults.broken import Broken
from sms10692 import contract
from sms10692_mock.checks import Check
from vendors import Fault


def _unchecked(message: str, chapter: str) -> Fault:
    def left(checks: tuple[Check, ...]) -> tuple[Check, ...]:
        return tuple(check for check in checks if check[0] != message) if _of(checks, chapter) else checks

    return Fault(checks=left)


def _of(checks: Sequence[Check], chapter: str) -> bool:
    kinds = {7: "send", 2: "asking", 5: "queue", 4: "queue", 3: "none"}
    return kinds[len(checks)] == chapter


def _swapped(place: int, chapter: str) -> Fault:
    def swap(checks: tuple[Check, ...]) -> tuple[Check, ...]:
        if not _of(checks, chapter):
            return checks
        return (*checks[:place], checks[place + 1], checks[place], *checks[place + 2 :])

    return Fault(checks=swap)


_UNCHECKED: Final = (
    (contract.CREDENTIALS_EMPTY, "send", ("1.3-credentials-empty", "R1-send")),
    (contract.SQL_INJECTION, "send", ("1.3-sql", "R8-injections", "R1-send")),
    (contract.CREDENTIALS_WRONG, "send", ("1.3-credentials-wrong", "R1-send")),
    (contract.MOBILE_EMPTY, "send", ("1.3-mobile-empty", "R5-none", "R1-send")),
    (contract.CONTENT_EMPTY, "send", ("1.3-content-empty", "R18", "R1-send")),
    (contract.FORBIDDEN_IN_SEND, "send", ("1.3-forbidden", "R1-send")),
    (contract.OTHER_ERROR, "send", ("1.3-other", "R9-extno", "R9-sendTime", "R1-send")),
    (contract.CREDENTIALS_EMPTY, "asking", ("2.3-credentials-empty", "3.3-credentials-empty", "R2-blank")),
    (contract.CREDENTIALS_WRONG, "asking", ("2.3-credentials-wrong", "3.3-credentials-wrong", "1.2-sign-wrong")),
    (contract.CREDENTIALS_EMPTY, "queue", ("4.4-1", "5.4-1")),
    (contract.CREDENTIALS_WRONG, "queue", ("4.4-2", "5.4-2")),
    (contract.REPORTS_NOT_ALLOWED, "queue", ("4.4-3", "5.4-3")),
    (contract.PARAMETER_WRONG, "queue", ("4.4-4", "5.4-4")),
    (contract.OTHER_ERROR, "none", ("1.2-action",)),
)

CHECKS: Final = (
    *(
        Broken(f"{chapter} without the check {message}", _unchecked(message, chapter), clauses)
        for message, chapter, clauses in _UNCHECKED
    ),
    *(
        Broken(f"the checks {place + 1} and {place + 2} of send swapped", _swapped(place, "send"), ("R1-send",))
        for place in range(6)
        if place != 4
    ),  # a text of white space holds no word: these two never both apply
    *(
        Broken(
            f"the checks {place + 1} and {place + 2} of the queues swapped", _swapped(place, "queue"), ("R1-queues",)
        )
        for place in range(3)
    ),
    Broken(
        "the first two checks of overage swapped",
        _swapped(0, "asking"),
        ("2.3-credentials-empty", "3.3-credentials-empty"),
    ),
)
