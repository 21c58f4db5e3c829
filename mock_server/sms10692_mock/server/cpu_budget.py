"""How much may be done beside what is urgent, so that a flood of it slows nothing else down.

Here belongs the account of seconds. What is done with them, and what without, is the affair of whoever has them.
"""

import threading
from collections.abc import Callable
from typing import Final

from sms10692_mock.elapsed_time import monotonic

SHARE: Final = 0.1
MOST: Final = 1.0


class CpuBudget:
    """A `share` of the time may be spent, and what is not spent is saved, up to `most` seconds of work.

    >>> allowance = Allowance(share=0.5, most=1.0, clock=iter([0.0, 0.0, 1.0, 5.0]).__next__)
    >>> allowance.spend(1.2), allowance.is_left(), allowance.is_left(), allowance.left()
    (None, False, True, 1.0)
    """

    def __init__(self, share: float = SHARE, most: float = MOST, clock: Callable[[], float] = monotonic) -> None:
        self._share = share
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._saved = most
        self._since = clock()

    def remaining(self) -> float:
        """Seconds that may be spent now; below 0 where more was spent than there was."""
        with self._lock:
            now = self._clock()
            self._saved = min(self._most, self._saved + (now - self._since) * self._share)
            self._since = now
            return self._saved

    def has_remaining(self) -> bool:
        """Whether anything may be spent now."""
        return self.remaining() > 0

    def spend(self, seconds: float) -> None:
        """Note what was spent."""
        with self._lock:
            self._saved -= seconds
