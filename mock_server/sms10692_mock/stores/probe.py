"""Whether a store is ready, in a bounded time, however long the store takes to say so."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Final

from sms10692_mock.domain.store import Store, StoreUnavailable

DEADLINE: Final = 0.8
"""Seconds after which a store that has not answered is not ready: less than the second that a kubelet waits."""

_NO_ANSWER: Final = "it does not answer"


class StoreProbe:
    """Checks a store on a thread of its own, one check at a time: callers that come meanwhile share its result.

    May be used by many threads.
    """

    def __init__(self, store: Store, deadline: float = DEADLINE) -> None:
        self._check: Callable[[], None] = store.check_ready
        self._waits = store.blocking
        self._deadline = deadline
        self._lock = Lock()
        self._running: Future[str] | None = None

    def start(self) -> "Future[str]":
        """The result to come: empty where the store is ready, else why it is not. Blocks nobody."""
        with self._lock:
            running = self._running
            if running is None or running.done():
                running = self._running = Future()
                if self._waits:
                    Thread(target=self._run, args=(running,), name="sms10692-mock-probe", daemon=True).start()
                else:
                    self._run(running)
            return running

    def failure(self) -> str:
        """Why the store is not ready, or nothing. Blocks at most until the deadline."""
        try:
            return self.start().result(self._deadline)
        except TimeoutError:
            return _NO_ANSWER

    def _run(self, running: "Future[str]") -> None:
        try:
            self._check()
        except StoreUnavailable as error:
            running.set_result(str(error))
        except Exception as error:
            running.set_exception(error)
        else:
            running.set_result("")
