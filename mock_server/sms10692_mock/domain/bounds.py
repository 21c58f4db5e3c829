"""Limits of every number that the emulator accepts and stores.

A value beyond its limit is rejected on input: by the command line, the initial state, the control API and every store.
Within the limits all stores calculate exactly (SQLite has 64-bit integers, Lua has floating point), and every time can
be written as a date. `docs/limits.md` has the same limits as a table.
"""

from typing import Final

MAX_POINTS: Final = 10**15
"""Maximum of a balance and of all points added; the minimum is `-MAX_POINTS`."""

MAX_NUMBER: Final = 2**53
"""Maximum number of a task, request or item, and of a random seed: JSON numbers are exact up to here."""

MAX_TASK_ID: Final = 10**15
"""Maximum number of a task in a state document, so that enough numbers up to `MAX_NUMBER` are left."""

MAX_COUNT: Final = 10**9
"""Maximum of `times`, the requests or messages to which a fault or a rule applies."""

EARLIEST_TIME: Final = 0.0
"""Minimum time of a clock: the beginning of 1970 (UTC)."""

LATEST_TIME: Final = 221_845_392_000.0
"""Maximum time of a clock: the beginning of the year 9000, so that a later due time still has a date."""

MAX_SECONDS: Final = 10.0**10
"""Maximum of a delay or a clock step: about 317 years."""

MAX_SPEED: Final = 1_000_000.0
"""Maximum clock speed, in seconds per second."""

MAX_FAULT_SECONDS: Final = 24 * 3600.0
"""Maximum latency of a fault."""

MAX_RULES: Final = 1000
"""Maximum delivery rules of an account."""

MAX_FAULTS: Final = 100
"""Maximum faults of an account, and of the global faults: each request evaluates both."""

MAX_TEXT: Final = 10_000
"""Maximum characters of a text in the control API or an initial state."""


MAX_MESSAGE: Final = 200
"""Maximum characters of the message of a fault."""


class BalanceOutOfBounds(ValueError):
    """A balance, or the sum of all points added, would exceed `MAX_POINTS`. Nothing was changed."""

    def __init__(self, points: int, total_added: int) -> None:
        super().__init__(
            f"a balance is from -{MAX_POINTS} to {MAX_POINTS} points, and so is the total charged up: "
            f"they would be {points} and {total_added}"
        )


def check_balance(points: int, total_added: int) -> None:
    """Raise BalanceOutOfBounds unless both numbers are within the limits."""
    if not (-MAX_POINTS <= points <= MAX_POINTS and -MAX_POINTS <= total_added <= MAX_POINTS):
        raise BalanceOutOfBounds(points, total_added)


def add_to_balance(points: int, total_added: int, more: int) -> tuple[int, int]:
    """Return the balance and the sum of all points added, after adding `more` points. Raises BalanceOutOfBounds.

    >>> add_to_balance(5, 10, 3)
    (8, 13)
    """
    check_balance(points + more, total_added + more)
    return points + more, total_added + more
