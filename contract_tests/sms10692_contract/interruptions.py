"""Signal handling: SIGINT, SIGTERM and SIGHUP end a run so that it can still delete its accounts."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)


class Interrupted(KeyboardInterrupt):
    """A signal ended the run. Derived from KeyboardInterrupt, which pytest and Hypothesis do not catch."""

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.exit_code = 128 + number


class Interruptions:
    """Signal handlers that raise Interrupted in the main thread, delayed while it is inside `deferred`."""

    def __init__(self) -> None:
        self._previous: dict[int, Any] = {}
        self._depth = 0
        self._pending: int | None = None

    def install(self) -> None:
        """Install handlers for the signals that are not ignored. Does nothing outside the main thread."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _SIGNALS:
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                self._previous[number] = signal.signal(number, self._handle)

    def restore(self) -> None:
        """Restore the previous handlers."""
        while self._previous:
            signal.signal(*self._previous.popitem())

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Delay the first signal until the block ends. A second signal interrupts at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._pending is not None and not self._depth:
                number, self._pending = self._pending, None
                raise Interrupted(number)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._depth and self._pending is None:
            self._pending = number
            return
        self._pending = None
        raise Interrupted(number)


INTERRUPTIONS: Final = Interruptions()
"""The only instance, because signal handlers belong to the process."""
