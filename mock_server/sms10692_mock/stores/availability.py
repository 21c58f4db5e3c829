"""Log messages about a store that becomes unavailable and available again."""

import logging
from collections.abc import Callable
from threading import Lock
from typing import Final

from sms10692_mock.elapsed_time import monotonic

_log: Final = logging.getLogger(__name__)

_STABLE_SECONDS: Final = 1.0
"""Seconds without a failure after which a success means that the store is available again."""

_REASON_INTERVAL: Final = 10.0
"""Seconds after which a new reason is logged too, at the earliest."""


class AvailabilityLog:
    """Logs one line when a store becomes unavailable and one when it is available again, however many operations fail.

    Both are logged as errors, so that every log level shows them. Thread-safe.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self.is_unavailable = False
        """Whether the store is unavailable.

        Every successful operation reads it, without the lock, before `succeeded`.
        """
        self._clock = clock
        self._lock = Lock()
        self._reason = ""
        self._was_writing = False
        self._failures = 0
        self._unavailable_since = self._failed_at = self._logged_at = 0.0

    def failed(self, reason: str, *, writing: bool = False) -> None:
        """Record a failed operation. `writing`: it was a write."""
        with self._lock:
            now = self._clock()
            if not self.is_unavailable:
                self.is_unavailable, self._unavailable_since, self._failures, self._was_writing = True, now, 0, False
                self._logged_at = float("-inf")
            self._was_writing = self._was_writing or writing
            self._failures += 1
            self._failed_at = now
            if reason != self._reason and now - self._logged_at >= _REASON_INTERVAL:
                self._reason, self._logged_at = reason, now
                _log.error("the store is unavailable: %s", reason)

    def succeeded(self, *, writing: bool = False) -> None:
        """Record a successful operation. After a failed write, only a successful write ends the outage."""
        with self._lock:
            now = self._clock()
            if (
                not self.is_unavailable
                or now - self._failed_at < _STABLE_SECONDS
                or (self._was_writing and not writing)
            ):
                return
            self.is_unavailable, self._reason = False, ""
            _log.error(
                "the store is available again after %.0f s; failed operations: %d",
                now - self._unavailable_since,
                self._failures,
            )
