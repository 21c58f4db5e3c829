"""A lock that goes round: who has just let go of it waits behind who is waiting.

Here belongs nothing else. With a plain one, a thread that writes again and again keeps all others away for as long.
"""

import threading
from types import TracebackType


class FairLock:
    """Like `threading.Lock`. Only one waits for the lock itself, and all others behind that one."""

    def __init__(self) -> None:
        self._first = threading.Lock()
        self._held = threading.Lock()

    def acquire(self) -> None:
        """Take it, as soon as it is to be had."""
        with self._first:
            self._held.acquire()

    def release(self) -> None:
        """Let go of it."""
        self._held.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()
