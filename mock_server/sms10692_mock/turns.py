"""Turns for other threads, where compiled code works through many things.

Here belongs that alone. Python lets threads change between any two steps of its own; a loop that is compiled has none.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

Item = TypeVar("Item")

_FEW: Final = 1_000
"""Small things that are worked through in far less than a millisecond."""


def in_turns(items: Sequence[Item], few: int = _FEW) -> Iterable[Item]:
    """The same items; of more than a few, another thread may have its turn before each, as this is not compiled.

    >>> in_turns("ab"), list(in_turns(range(2000))) == list(range(2000))
    ('ab', True)
    """
    return items if len(items) <= few else _one_by_one(items)


def give_turn() -> None:
    """Another thread may have its turn, as this is not compiled."""


def _one_by_one(items: Sequence[Item]) -> Iterator[Item]:
    for item in items:  # noqa: UP028 - `yield from` passes this frame by
        yield item
