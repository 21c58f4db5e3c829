"""A readiness probe that many callers share."""

from collections.abc import Callable
from threading import Lock
from typing import Final

from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.elapsed_time import monotonic

_HOLDS: Final = 0.5
"""Seconds for which a result is reused: anybody may ask for readiness, and each probe writes to the store."""


class Readiness:
    """Runs a probe at most every `_HOLDS` seconds. May be used by many threads; one probes, the others wait for it."""

    def __init__(self, probe: Callable[[], None], clock: Callable[[], float] = monotonic) -> None:
        self._probe = probe
        self._clock = clock
        self._lock = Lock()
        self._probed = float("-inf")
        self._failure: str | None = None

    def check(self) -> None:
        """Raise StoreUnavailable where the last probe failed."""
        with self._lock:
            if self._clock() - self._probed >= _HOLDS:
                self._failure = None
                try:
                    self._probe()
                except StoreUnavailable as error:
                    self._failure = str(error)
                self._probed = self._clock()
            failure = self._failure
        if failure is not None:
            raise StoreUnavailable(failure)
