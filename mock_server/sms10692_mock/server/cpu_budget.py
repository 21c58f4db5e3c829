"""CPU-time budget (token bucket) for optional work, so that much of it does not slow down responses."""

import threading
from collections.abc import Callable
from typing import Final

from sms10692_mock.elapsed_time import monotonic

_SHARE: Final = 0.1
_CAPACITY: Final = 1.0


class CpuBudget:
    """A bucket that fills by `share` seconds of CPU time per second, up to `capacity` seconds. Any thread may use it.

    >>> budget = CpuBudget(share=0.5, capacity=1.0, clock=iter([0.0, 0.0, 1.0, 5.0]).__next__)
    >>> budget.spend(1.2), budget.has_remaining(), budget.has_remaining(), budget.remaining()
    (None, False, True, 1.0)
    """

    def __init__(
        self, share: float = _SHARE, capacity: float = _CAPACITY, clock: Callable[[], float] = monotonic
    ) -> None:
        self._share = share
        self._capacity = capacity
        self._clock = clock
        self._lock = threading.Lock()
        self._available = capacity
        self._updated = clock()

    def remaining(self) -> float:
        """Seconds that may be spent now; negative after overspending."""
        with self._lock:
            now = self._clock()
            self._available = min(self._capacity, self._available + (now - self._updated) * self._share)
            self._updated = now
            return self._available

    def has_remaining(self) -> bool:
        """Whether `remaining` is positive."""
        return self.remaining() > 0

    def spend(self, seconds: float) -> None:
        """Subtract the CPU time that was used."""
        with self._lock:
            self._available -= seconds
