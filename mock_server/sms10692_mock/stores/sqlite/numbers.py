"""Numbers of tasks and requests, leased from the file in blocks, so that most cost no transaction (R7).

Here belongs that none is given twice, and that they rise, also where several processes ask in turn.
"""

import threading
from typing import Final

from sms10692_mock.stores.sqlite.file import File

_BLOCK: Final = 64


class _Lease:
    """A block of numbers of one kind. `seen` is the first that nobody had leased, when last looked at."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.next = 0
        self.end = 0
        self.seen = 0
        self.block = 1
        self.lock = threading.Lock()


class Numbers:
    """Gives numbers. The rest of a block is not used where another process has leased since: it would come too late."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._tasks = _Lease("tasks")
        self._requests = _Lease("requests")

    def next_task_id(self) -> int:
        """A number for a task."""
        return self._next(self._tasks)

    def next_request(self) -> int:
        """A number for a request."""
        return self._next(self._requests)

    def seen(self, tasks: int, requests: int) -> None:
        """What stands in the file now."""
        self._tasks.seen = tasks
        self._requests.seen = requests

    def _next(self, lease: _Lease) -> int:
        with lease.lock:
            if lease.next >= lease.end or lease.seen > lease.end:
                lease.block = 1 if lease.seen > lease.end > 0 else min(2 * lease.block, _BLOCK)
                kind = lease.kind
                with self._file.writing as db:
                    (first,) = db.execute(f"SELECT {kind} FROM state").fetchone()  # noqa: S608 - one of two words
                    db.execute(f"UPDATE state SET {kind} = ?", (first + lease.block,))  # noqa: S608
                lease.next, lease.end = first, first + lease.block
            number = lease.next
            lease.next += 1
            return number
