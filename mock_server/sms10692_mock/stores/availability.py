"""The log lines about a store that goes away and comes back."""

import logging
from collections.abc import Callable
from threading import Lock
from typing import Final

from sms10692_mock.elapsed_time import monotonic

_log: Final = logging.getLogger(__name__)

_SETTLED: Final = 1.0
"""Seconds without a failure after which a success means that the store is back: one that flickers is away."""

_NEXT_REASON: Final = 10.0
"""Seconds after which another reason for being away is logged too."""


class AvailabilityLog:
    """Logs one line when a store goes away and one when it is back, however many operations fail in between.

    Both are logged as errors, so that every log level shows them. May be used by many threads.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.is_away = False
        """Read without the lock before `succeeded`, by every operation."""
        self._clock = clock
        self._lock = Lock()
        self._why = ""
        self._was_writing = False
        self._failures = 0
        self._began = self._failed = self._logged = 0.0

    def failed(self, why: str, *, writing: bool = False) -> None:
        """An operation failed; `writing` says that it was to write."""
        with self._lock:
            now = self._clock()
            if not self.is_away:
                self.is_away, self._began, self._failures, self._was_writing = True, now, 0, False
                self._logged = float("-inf")
            self._was_writing = self._was_writing or writing
            self._failures += 1
            self._failed = now
            if why != self._why and now - self._logged >= _NEXT_REASON:
                self._why, self._logged = why, now
                _log.error("the store is away: %s", why)

    def succeeded(self, *, writing: bool = False) -> None:
        """An operation succeeded. Where writing failed, only one that writes shows that the store is back."""
        with self._lock:
            now = self._clock()
            if not self.is_away or now - self._failed < _SETTLED or (self._was_writing and not writing):
                return
            self.is_away, self._why = False, ""
            _log.error("the store is back after %.0f s; operations that failed: %d", now - self._began, self._failures)
