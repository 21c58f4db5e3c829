"""Numbers that many processes give out without asking each other for every one: each takes a block, and soon drops it.

Here belongs how large a block is, and how long it holds. Where blocks come from is the store's.
"""

from collections.abc import Callable
from threading import Lock
from typing import Final

from sms10692_mock.elapsed_time import monotonic

_HOLDS: Final = 1.0
"""Seconds after which what is left of a block is dropped, so that no number is much smaller than its elders (R7)."""

_LARGEST: Final = 1024


class BlockSequence:
    """Numbers never given before, by whoever shares the same `take`, which returns the last of so many.

    They grow within the process. Of two processes one may give smaller numbers than the other for a second, and no
    longer. Who seldom asks soon gets blocks of one, and so the very next number. Where what numbers are taken from has
    lost its count, the numbers go on behind those that were given here.
    """

    def __init__(self, take: Callable[[int], int], clock: Callable[[], float] = monotonic) -> None:
        self._take = take
        self._clock = clock
        self._lock = Lock()
        self._asked = float("-inf")
        """Since when somebody is taking a block, if anybody is."""
        self._least = 0
        """No number below it is given any more."""
        self._left = 0
        self._size = 1
        self._taken = float("-inf")

    def next(self) -> int:
        """One number. Who has to ask for it keeps nobody else waiting: they ask for numbers of their own."""
        missing = 1
        while True:
            with self._lock:
                now = self._clock()
                is_old = now - self._taken >= _HOLDS
                if self._left and not is_old:
                    self._left -= 1
                    return self._given(self._least)
                is_first = now - self._asked >= _HOLDS
                if is_first:
                    self._asked = now
                size = max(missing, self._next_size(is_old) if is_first else 1)
            try:
                last = self._take(size)
            finally:
                if is_first:
                    self._asked = float("-inf")
            with self._lock:
                first = max(last - size + 1, self._least)
                missing = max(1, first - last)
                if first <= last and is_first:
                    self._size, self._left, self._taken = size, last - first, now
                    return self._given(first)
                if first <= last and not self._left:
                    return self._given(first)
            # Others have given greater numbers meanwhile, or have smaller ones left.

    def _next_size(self, is_old: bool) -> int:
        """As many as were used of the last block while it held, or twice as many where it was used up before."""
        return min(max(1, self._size - self._left) if is_old else 2 * self._size, _LARGEST)

    def _given(self, number: int) -> int:
        self._least = number + 1
        return number
