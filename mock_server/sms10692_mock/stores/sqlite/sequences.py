"""Numbers of tasks and requests, leased from the file in blocks, so that most cost no transaction (R7).

Here belongs that none is given twice, and that those of tasks rise, also where several processes ask in turn. What is
leased in a transaction is everybody's when that is written.
"""

import threading
from typing import Final

from sms10692_mock.stores.sqlite.database import Database

_BLOCK: Final = 64


class _Range:
    """Numbers in a row."""

    def __init__(self, first: int, end: int) -> None:
        self.next = first
        self.end = end

    def take(self) -> int | None:
        """The next of them, if there is one left."""
        if self.next >= self.end:
            return None
        self.next += 1
        return self.next - 1


class _Sequence:
    """A block of numbers of one kind. `seen` is the first that nobody had leased, when last looked at.

    `unwritten` is one whose lease is not written yet, for the transaction alone that leased it; `given` is behind all
    that were given of such blocks. `lock` is held for a moment, and never while the file is waited for.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.block = _Range(0, 0)
        self.seen = 0
        self.length = 1
        self.lock = threading.Lock()
        self.unwritten: _Range | None = None
        self.given = 0

    def see(self, first: int) -> None:
        """This is the first that nobody has leased, or was a moment ago."""
        with self.lock:
            self.seen = max(self.seen, first)

    def take(self) -> int | None:
        """The next number, if one is left that does not come too late."""
        with self.lock:
            return None if self.seen > self.block.end else self.block.take()

    def longer(self) -> int:
        """How many to lease next."""
        with self.lock:
            self.length = 1 if self.seen > self.block.end > 0 else min(2 * self.length, _BLOCK)
            return self.length

    def over(self, is_written: bool) -> None:
        """The transaction is over that leased."""
        block, self.unwritten = self.unwritten, None
        if block is None:
            return
        if is_written:
            with self.lock:
                self.block = block
        else:
            self.given = block.next


class Sequences:
    """Gives numbers. The rest of a block is not used where another process has leased since: it would come too late."""

    def __init__(self, file: Database) -> None:
        self._file = file
        self._tasks = _Sequence("tasks")
        self._requests = _Sequence("requests")
        self._is_seen_inside = False
        """Whether the gathering that is going on has looked."""

    def next_task_id(self) -> int:
        """A number for a task: greater than each that was given, to any process, before this was called (R7)."""
        self._look()
        return self._next(self._tasks)

    def next_request(self) -> int:
        """A number for a request. Of several processes, one may give smaller numbers than another for a moment."""
        return self._next(self._requests)

    def seen(self, tasks: int, requests: int) -> None:
        """What stands in the file now. Inside a gathering it may never be written, and says nothing."""
        if not self._file.is_gathering():
            self._see(tasks, requests)

    def _see(self, tasks: int, requests: int) -> None:
        self._tasks.see(tasks)
        self._requests.see(requests)

    def _look(self) -> None:
        """See what other processes have leased: a task number from an older block would be smaller than theirs.

        Inside a gathering nobody else leases, so one look is enough for all of it.
        """
        if self._file.is_gathering():
            if self._is_seen_inside:
                return
            self._is_seen_inside = True
            self._file.on_commit(self._over)
        self._see(*self._file.read_row("SELECT tasks, requests FROM state"))  # nothing is leased inside yet

    def _over(self, _: bool) -> None:
        self._is_seen_inside = False

    def _next(self, lease: _Sequence) -> int:
        unwritten = lease.unwritten if self._file.is_gathering() else None
        number = lease.take() if unwritten is None else unwritten.take()
        return self._leased(lease) if number is None else number

    def _leased(self, lease: _Sequence) -> int:
        with self._file.writing as db:
            if lease.unwritten is None and (number := lease.take()) is not None:
                return number  # another has leased while this one waited
            kind, length = lease.kind, lease.longer()
            (first,) = db.execute(f"SELECT {kind} FROM state").fetchone()  # noqa: S608 - one of two words
            first = max(first, lease.given)
            db.execute(f"UPDATE state SET {kind} = ?", (first + length,))  # noqa: S608
            lease.unwritten = _Range(first + 1, first + length)
            self._file.on_commit(lease.over)
            return int(first)
