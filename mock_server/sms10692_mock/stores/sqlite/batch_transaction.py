"""State of a batch transaction: which thread owns it, and whether it can still be committed.

`Database.batch` begins and commits the transaction itself.
"""

import sqlite3
from threading import get_ident

from sms10692_mock.domain.store import StoreUnavailable


class BatchTransaction:
    """Operations of one thread that share one transaction. At most one batch is open at a time; no nesting.

    **An operation that raises after it wrote something makes the whole batch fail**, and so does every operation after
    it. Rolling back one operation would need a savepoint before each, which costs much of what batching gains.
    An operation that raises before it wrote anything fails alone.
    """

    def __init__(self) -> None:
        self._thread: int | None = None
        self._changes_before = 0
        self.failure: StoreUnavailable | None = None
        """Set when the batch can no longer be committed."""

    def begin(self) -> None:
        """Make this thread the owner. It holds the write lock until `end`."""
        self._thread = get_ident()

    def end(self, writer: sqlite3.Connection | None) -> StoreUnavailable | None:
        """Release the ownership. Return the failure, or None if the batch can be committed."""
        self._thread = None
        self._check_open(writer)
        failure, self.failure = self.failure, None
        return failure

    def owned_by_this_thread(self) -> bool:
        """Whether an operation of the current thread belongs to the open batch."""
        return self._thread is not None and self._thread == get_ident()

    def enter_operation(self, writer: sqlite3.Connection | None) -> sqlite3.Connection:
        """Begin an operation of the batch: return the writer. Raises the failure of an earlier operation."""
        self._check_open(writer)
        if self.failure is not None:
            raise self.failure
        if writer is None:
            raise AssertionError("no transaction was begun")
        self._changes_before = writer.total_changes
        return writer

    def exit_operation(self, writer: sqlite3.Connection, error: BaseException | None) -> None:
        """End an operation of the batch, with the exception that it raised, if any."""
        if error is not None and writer.total_changes != self._changes_before:
            self.abort(StoreUnavailable("an operation of the batch failed after it had written something"))

    def _check_open(self, writer: sqlite3.Connection | None) -> None:
        """Fail the batch if SQLite rolled back the transaction by itself, as it does when memory runs out.

        Without this check, the following statements would be committed one by one.
        """
        if self.failure is None and writer is not None and not writer.in_transaction:
            self.failure = StoreUnavailable("SQLite rolled back the transaction")

    def abort(self, error: StoreUnavailable) -> StoreUnavailable:
        """Mark the batch as failed. Returns the same error, for the caller to raise."""
        self.failure = self.failure or error
        return error
