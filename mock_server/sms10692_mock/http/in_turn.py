"""Work beside what is urgent: one piece after another, and no more than slows nothing else down.

Here belongs the account of seconds, and the one thread. What is done, and what instead, is the affair of whoever asks.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic, thread_time
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
Made = TypeVar("Made")

_WAITING: Final = 64
"""Pieces that wait for their turn: who came later would wait too long."""

SHARE: Final = 0.1
MOST: Final = 1.0


class Allowance:
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

    def left(self) -> float:
        """Seconds that may be spent now; below 0 where more was spent than there was."""
        with self._lock:
            now = self._clock()
            self._saved = min(self._most, self._saved + (now - self._since) * self._share)
            self._since = now
            return self._saved

    def is_left(self) -> bool:
        """Whether anything may be spent now."""
        return self.left() > 0

    def spend(self, seconds: float) -> None:
        """Note what was spent."""
        with self._lock:
            self._saved -= seconds


class InTurn:
    """Does one piece of work after another: two at once would keep everybody else waiting twice as long."""

    def __init__(self, allowance: Allowance | None = None) -> None:
        self._allowance = allowance or Allowance()
        self._thread = ThreadPoolExecutor(1, "in turn")
        self._lock = threading.Lock()
        self._waiting = 0

    def submit(self, work: Callable[P, Made], *args: P.args, **kwargs: P.kwargs) -> Future[Made] | None:
        """What the work will make; None where it is not to be done, because too much was or waits."""
        with self._lock:
            if self._waiting >= _WAITING or not self._allowance.is_left():
                return None
            self._waiting += 1

        def done() -> Made:
            begun = thread_time()
            try:
                return work(*args, **kwargs)
            finally:
                self._allowance.spend(thread_time() - begun)
                with self._lock:
                    self._waiting -= 1

        return self._thread.submit(done)
