"""Sequence numbers for many processes. Each process reserves blocks on the server, and drops them after a second."""

from collections.abc import Callable
from threading import Lock
from typing import Final

from sms10692_mock.elapsed_time import monotonic

_BLOCK_LIFETIME: Final = 1.0
"""Seconds after which the rest of a block is dropped, so that numbers of all processes increase with time (R7)."""

_MAX_BLOCK: Final = 1024


class BlockSequence:
    """A sequence of unique numbers, shared by all processes that use the same `reserve`. Thread-safe.

    `reserve(size)` reserves a block and returns its last number; with size 0, the last number of all blocks. Numbers
    increase within a process. A process may hand out smaller numbers than another one for at most `_BLOCK_LIFETIME`. At
    low rates, blocks shrink to one number. If the server has lost its counter, numbers continue after those handed out
    here.

    **The lock is not held during `reserve`.**
    """

    def __init__(self, reserve: Callable[[int], int], clock: Callable[[], float] = monotonic) -> None:
        self._reserve = reserve
        self._clock = clock
        self._lock = Lock()
        self._reserving_since = float("-inf")
        """Time at which a thread began to reserve a block; -inf if none is reserving."""
        self._minimum = 0
        """Numbers below it are never handed out again."""
        self._remaining = 0
        self._size = 1
        self._reserved_at = float("-inf")

    def next(self) -> int:
        """The next number.

        While one thread reserves a block, other threads reserve single numbers instead of waiting.
        """
        needed = 1
        while True:
            with self._lock:
                now = self._clock()
                is_expired = now - self._reserved_at >= _BLOCK_LIFETIME
                if self._remaining and not is_expired:
                    self._remaining -= 1
                    return self._hand_out(self._minimum)
                is_first = now - self._reserving_since >= _BLOCK_LIFETIME
                if is_first:
                    self._reserving_since = now
                size = max(needed, self._next_block_size(is_expired) if is_first else 1)
            try:
                last = self._reserve(size)
            finally:
                if is_first:
                    self._reserving_since = float("-inf")
            with self._lock:
                first = max(last - size + 1, self._minimum)
                needed = max(1, first - last)
                if first <= last and is_first:
                    self._size, self._remaining, self._reserved_at = size, last - first, now
                    return self._hand_out(first)
                if first <= last and not self._remaining:
                    return self._hand_out(first)
            # Meanwhile, another thread handed out greater numbers, or has smaller ones left: try again.

    def last(self) -> int:
        """The last number handed out here, or the last one reserved on the server if there is none."""
        return self._minimum - 1 if self._minimum else self._reserve(0)

    def skip(self, last: int) -> None:
        """Make every later number greater than `last`, also of other processes after `_BLOCK_LIFETIME`."""
        reserved = self._reserve(0)
        if reserved < last:
            self._reserve(last - reserved)
        with self._lock:
            if self._minimum <= last:
                self._minimum, self._remaining = last + 1, 0

    def _next_block_size(self, is_expired: bool) -> int:
        """The number used of the last block if it expired, or twice its size if it was used up before."""
        return min(max(1, self._size - self._remaining) if is_expired else 2 * self._size, _MAX_BLOCK)

    def _hand_out(self, number: int) -> int:
        self._minimum = number + 1
        return number
