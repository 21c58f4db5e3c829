"""The bounds of every number that the emulator takes from outside and keeps.

A value beyond its bound is refused where it comes in: on the command line, in a start state, by the control API, and by
every store. Inside these bounds all stores count exactly, SQLite's 64-bit integers and the floating point of Lua
included, and every moment can be written as a date. `docs/limits.md` is the same as a table.
"""

from typing import Final

MAX_POINTS: Final = 10**15
"""Of a balance, which may be as far below zero, and of all points ever charged up."""

MAX_NUMBER: Final = 2**53
"""Of the number of a task, a request or an item, and of a random seed: up to here JSON numbers are exact."""

MAX_COUNT: Final = 10**9
"""Of `remaining`: requests or messages for which a fault or a rule holds."""

FIRST_MOMENT: Final = 0.0
"""The beginning of 1970 (UTC): no clock shows an earlier moment."""

LAST_MOMENT: Final = 221_845_392_000.0
"""The beginning of the year 9000: no clock shows a later moment, so that what is due later still has a date."""

MAX_SECONDS: Final = 10.0**10
"""Of a delay, or of a step of a clock: about 317 years."""

MAX_SPEED: Final = 1_000_000.0
"""Of a clock: seconds a second."""

MAX_FAULT_SECONDS: Final = 24 * 3600.0
"""Of the delay of an answer by a fault."""

MAX_RULES: Final = 1000
"""Of an account."""

MAX_FAULTS: Final = 100
"""Of an account, and of those for all: each request looks through both."""

MAX_TEXT: Final = 10_000
"""Characters of a text in a document of the control API or in a start state."""


class BalanceOutOfBounds(ValueError):
    """A balance, or all points ever charged up, would be beyond `MAX_POINTS`; nothing was changed."""

    def __init__(self, points: int, charged_up: int) -> None:
        super().__init__(
            f"a balance is from -{MAX_POINTS} to {MAX_POINTS} points, and so is the total charged up: "
            f"they would be {points} and {charged_up}"
        )


def check_balance(points: int, charged_up: int) -> None:
    """Raise BalanceOutOfBounds for numbers that no account may have."""
    if not (-MAX_POINTS <= points <= MAX_POINTS and -MAX_POINTS <= charged_up <= MAX_POINTS):
        raise BalanceOutOfBounds(points, charged_up)


def charged(points: int, charged_up: int, more: int) -> tuple[int, int]:
    """A balance and the total charged up after `more` points. Raises BalanceOutOfBounds.

    >>> charged(5, 10, 3)
    (8, 13)
    """
    check_balance(points + more, charged_up + more)
    return points + more, charged_up + more
