"""Rate limit of the requests of a run: one connection at a time, and a minimum time between two.

The time is measured from the end of an exchange: measured from its start, requests could reach a slow server together.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Final

DEFAULT_RATE: Final = 2.0
"""Requests per second to a server without a control API, which may be a real vendor."""

_MARGIN: Final = 1.02
"""Factor of the time between two requests, for clocks and networks that are not exact."""


@dataclass
class RateLimit:
    """At most `rate` requests per second, one at a time; 0 limits nothing. May be used by several threads.

    `clock` returns seconds, `sleep` waits for some.
    """

    rate: float = 0
    clock: Callable[[], float] = monotonic
    sleep: Callable[[float], object] = sleep
    _next_start: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def wait_for_turn(self) -> Iterator[None]:
        """Wait until the next request may start, and keep others waiting until the block ends."""
        if not self.rate:
            yield
            return
        with self._lock:
            delay = self._next_start - self.clock()
            if delay > 0:
                self.sleep(delay)
            try:
                yield
            finally:
                self._next_start = self.clock() + _MARGIN / self.rate
