"""A readiness check of a store with a deadline."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Final

from sms10692_mock.domain.store import Store, StoreUnavailable

DEADLINE: Final = 0.8
"""Seconds after which a store counts as not ready: less than the default time-out of a kubelet, which is 1 s."""

_TIMEOUT_MESSAGE: Final = "no response in time"


class StoreProbe:
    """Checks a store on a separate thread, one check at a time. Concurrent callers share the result. Thread-safe."""

    def __init__(self, store: Store, deadline: float = DEADLINE) -> None:
        self._check: Callable[[], None] = store.check_ready
        self._is_blocking = store.blocking
        self._deadline = deadline
        self._lock = Lock()
        self._running: Future[str] | None = None

    def start(self) -> "Future[str]":
        """Start a check, or join the running one.

        The result is an empty string if the store is ready, else the reason.
        """
        with self._lock:
            running = self._running
            if running is None or running.done():
                running = self._running = Future()
                if self._is_blocking:
                    Thread(target=self._run, args=(running,), name="sms10692-mock-probe", daemon=True).start()
                else:
                    self._run(running)
            return running

    def failure(self) -> str:
        """The reason why the store is not ready, or an empty string. Blocks at most until the deadline."""
        try:
            return self.start().result(self._deadline)
        except TimeoutError:
            return _TIMEOUT_MESSAGE

    def _run(self, running: "Future[str]") -> None:
        try:
            self._check()
        except StoreUnavailable as error:
            running.set_result(str(error))
        except Exception as error:
            running.set_exception(error)
        else:
            running.set_result("")
