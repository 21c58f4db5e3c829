"""Numbers that many processes give out without asking each other for every one: each takes a block, and soon drops it.

Here belongs how large a block is, and how long it holds. Where blocks come from is the store's.
"""

import time
from collections.abc import Callable
from threading import Lock
from typing import Final

_HOLDS: Final = 1.0
"""Seconds after which what is left of a block is dropped, so that no number is much smaller than its elders (R7)."""

_LARGEST: Final = 1024


class Lease:
    """Numbers never given before, by whoever shares the same `take`, which returns the last of so many.

    They grow within the process. Of two processes one may give smaller numbers than the other for a second, and no
    longer. Who seldom asks gets blocks of one, and so the very next number.
    """

    def __init__(self, take: Callable[[int], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._take = take
        self._clock = clock
        self._lock = Lock()
        self._next = 0
        self._left = 0
        self._size = 1
        self._taken = float("-inf")

    def next(self) -> int:
        """One number."""
        with self._lock:
            now = self._clock()
            is_old = now - self._taken >= _HOLDS
            if is_old or not self._left:
                self._size = 1 if is_old else min(2 * self._size, _LARGEST)
                self._next = self._take(self._size) - self._size + 1
                self._left = self._size
                self._taken = now
            number = self._next
            self._next += 1
            self._left -= 1
            return number
