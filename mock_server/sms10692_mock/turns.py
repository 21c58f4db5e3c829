"""Turns for other threads, where compiled code works through many things.

Here belongs that alone. Python lets threads change between any two steps of its own; a loop that is compiled has none.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

Item = TypeVar("Item")

_FEW: Final = 1_000
"""Small things that are worked through in far less than a millisecond."""


def in_turns(items: Sequence[Item]) -> Iterable[Item]:
    """The same items, `one_by_one` where they are many.

    >>> in_turns("ab"), list(in_turns(range(2000))) == list(range(2000))
    ('ab', True)
    """
    return items if len(items) <= _FEW else one_by_one(items)


def one_by_one(items: Iterable[Item]) -> Iterator[Item]:
    """The same items; before each, another thread may have its turn, as this is not compiled."""
    for item in items:  # noqa: UP028 - `yield from` passes this frame by
        yield item


def give_turn() -> None:
    """Another thread may have its turn, as this is not compiled."""
