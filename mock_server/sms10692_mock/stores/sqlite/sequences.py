"""Sequence numbers of tasks and requests (R7), reserved in the database in blocks: most numbers cost no transaction.

**No number is handed out twice**, also not after a rollback or by two processes, and task numbers increase across all
processes that share the file. A block reserved in a transaction is used by other threads only after its commit.
"""

import threading
from typing import Final

from sms10692_mock.stores.sqlite.database import Database

_MAX_BLOCK: Final = 64
"""Numbers that are reserved at once, at most."""


class _NumberRange:
    """The numbers from `first` up to, and not including, `end`."""

    def __init__(self, first: int, end: int) -> None:
        self.next = first
        self.end = end

    def next_number(self) -> int | None:
        """The next number; None if the range is used up."""
        if self.next >= self.end:
            return None
        self.next += 1
        return self.next - 1


class _Sequence:
    """The reserved numbers of one sequence.

    `column`: the column of `state` that holds the start of the unreserved range.
    `next_unreserved`: that start, as of the last read.
    `pending`: a block reserved by the open transaction and not committed yet. Only that transaction uses it.
    `high_water`: one past the largest number handed out from rolled-back blocks. **Never reuse numbers below it.**
    `lock` guards `block`, `block_size` and `next_unreserved`. **Do not access the database while holding it.**
    """

    def __init__(self, column: str) -> None:
        self.column = column
        self.block = _NumberRange(0, 0)
        self.next_unreserved = 0
        self.block_size = 1
        self.lock = threading.Lock()
        self.pending: _NumberRange | None = None
        self.high_water = 0

    def observe(self, first: int) -> None:
        """Record the start of the unreserved range, as read from the database."""
        with self.lock:
            self.next_unreserved = max(self.next_unreserved, first)

    def next_number(self) -> int | None:
        """The next number of the block; None if it is used up, or if another process has reserved numbers since."""
        with self.lock:
            return None if self.next_unreserved > self.block.end else self.block.next_number()

    def last_number(self) -> int:
        """The last number handed out: the one before the next."""
        with self.lock:
            is_usable = self.next_unreserved <= self.block.end and self.block.next < self.block.end
            return (self.block.next if is_usable else max(self.next_unreserved, self.high_water)) - 1

    def next_block_size(self) -> int:
        """How many numbers to reserve next: doubles up to `_MAX_BLOCK`, and is 1 while other processes reserve too."""
        with self.lock:
            self.block_size = 1 if self.next_unreserved > self.block.end > 0 else min(2 * self.block_size, _MAX_BLOCK)
            return self.block_size

    def on_transaction_end(self, committed: bool) -> None:
        """The transaction that reserved `pending` has ended: use the block, or remember what was handed out of it."""
        block, self.pending = self.pending, None
        if block is None:
            return
        if committed:
            with self.lock:
                self.block = block
        else:
            self.high_water = block.next


class Sequences:
    """Hands out sequence numbers. Thread-safe.

    When another process has reserved a block since, the rest of our block is dropped: its numbers would be too small.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tasks = _Sequence("tasks")
        self._requests = _Sequence("requests")
        self._read_in_batch = False
        """Whether the open batch has read the unreserved ranges."""

    def next_task_id(self) -> int:
        """A task number, greater than every number handed out before this call, by any process (R7)."""
        self._refresh()
        return self._next_number(self._tasks)

    def last_task_id(self) -> int:
        """The last task number handed out."""
        self._refresh()
        return self._tasks.last_number()

    def skip_task_ids(self, last: int) -> None:
        """Make every later task number greater than `last`, by dropping the rest of our block and of all others."""
        if self.last_task_id() >= last:
            return
        sequence = self._tasks
        with self._database.writing as db:
            (first,) = db.execute("SELECT tasks FROM state").fetchone()
            first = max(first, sequence.high_water, last + 1)
            db.execute("UPDATE state SET tasks = ?", (first,))
            sequence.pending = _NumberRange(first, first)
            self._database.on_commit(sequence.on_transaction_end)

    def next_request(self) -> int:
        """A request number. With several processes, numbers increase per process only."""
        return self._next_number(self._requests)

    def observe(self, tasks: int, requests: int) -> None:
        """Record the unreserved ranges as read from the database. Ignored inside a batch, which may be rolled back."""
        if not self._database.in_batch():
            self._observe_all(tasks, requests)

    def _observe_all(self, tasks: int, requests: int) -> None:
        self._tasks.observe(tasks)
        self._requests.observe(requests)

    def _refresh(self) -> None:
        """Read what other processes have reserved: a task number from an older block would be smaller than theirs.

        Inside a batch no other process can write, so one read is enough for all of it.
        """
        if self._database.in_batch():
            if self._read_in_batch:
                return
            self._read_in_batch = True
            self._database.on_commit(self._on_batch_end)
        self._observe_all(
            *self._database.read_row("SELECT tasks, requests FROM state")
        )  # the batch has reserved nothing yet

    def _on_batch_end(self, _: bool) -> None:
        self._read_in_batch = False

    def _next_number(self, sequence: _Sequence) -> int:
        pending = sequence.pending if self._database.in_batch() else None
        number = sequence.next_number() if pending is None else pending.next_number()
        return self._reserve(sequence) if number is None else number

    def _reserve(self, sequence: _Sequence) -> int:
        with self._database.writing as db:
            if sequence.pending is None and (number := sequence.next_number()) is not None:
                return number  # another thread reserved a block while this one waited for the lock
            column, block_size = sequence.column, sequence.next_block_size()
            (first,) = db.execute(f"SELECT {column} FROM state").fetchone()
            first = max(first, sequence.high_water)
            db.execute(f"UPDATE state SET {column} = ?", (first + block_size,))
            sequence.pending = _NumberRange(first + 1, first + block_size)
            self._database.on_commit(sequence.on_transaction_end)
            return int(first)
