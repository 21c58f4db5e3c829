"""A readiness check whose result is cached for a short time."""

from collections.abc import Callable
from threading import Lock
from typing import Final

from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.elapsed_time import monotonic

_CACHE_SECONDS: Final = 0.5
"""Seconds for which a result is reused: the endpoint is public, and each probe writes to the store."""


class Readiness:
    """Runs a probe at most every `_CACHE_SECONDS`. Thread-safe: one thread probes, the others wait for its result."""

    def __init__(self, probe: Callable[[], None], clock: Callable[[], float] = monotonic) -> None:
        self._probe = probe
        self._clock = clock
        self._lock = Lock()
        self._probed_at = float("-inf")
        self._failure: str | None = None

    def check(self) -> None:
        """Raise StoreUnavailable if the last probe failed."""
        with self._lock:
            if self._clock() - self._probed_at >= _CACHE_SECONDS:
                self._failure = None
                try:
                    self._probe()
                except StoreUnavailable as error:
                    self._failure = str(error)
                self._probed_at = self._clock()
            failure = self._failure
        if failure is not None:
            raise StoreUnavailable(failure)
