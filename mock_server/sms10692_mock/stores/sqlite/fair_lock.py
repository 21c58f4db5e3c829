"""A fair lock: a thread that releases it and acquires it again waits behind the threads that wait already.

With a plain lock, a thread that writes in a loop starves all other writers.
"""

import threading
from types import TracebackType


class FairLock:
    """Like `threading.Lock`, but fair. Not reentrant.

    `_queue` is held while waiting for `_held`: one thread waits for the lock itself, all others wait behind that
    thread.
    """

    def __init__(self) -> None:
        self._queue = threading.Lock()
        self._held = threading.Lock()

    def acquire(self) -> None:
        """Block until the lock is acquired."""
        with self._queue:
            self._held.acquire()

    def release(self) -> None:
        """Release the lock."""
        self._held.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()
