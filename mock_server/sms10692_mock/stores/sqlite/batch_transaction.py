"""Many operations of one thread in one transaction: whose they are, and whether one of them has spoilt it.

Here belongs what an operation may do inside. How a transaction is begun and written is the affair of `file`.
"""

import sqlite3
from threading import get_ident

from sms10692_mock.domain.store import StoreUnavailable


class BatchTransaction:
    """One after another, each of the thread that has the writer.

    An operation that fails when it has written something spoils all, and what follows fails too: for undoing it alone
    there would have to be a savepoint before each, which costs a good part of what is gained. They are not nested.
    """

    def __init__(self) -> None:
        self._thread: int | None = None
        self._changes = 0
        self.spoilt: StoreUnavailable | None = None
        """Why nothing of it can be written, if so."""

    def begin(self) -> None:
        """This thread has the writer, and keeps it for many operations."""
        self._thread = get_ident()

    def end(self, writer: sqlite3.Connection | None) -> StoreUnavailable | None:
        """No operation is inside any more; why nothing of it can be written, if so."""
        self._thread = None
        self._see(writer)
        spoilt, self.spoilt = self.spoilt, None
        return spoilt

    def owned_by_this_thread(self) -> bool:
        """Whether what this thread reads and writes now is inside."""
        return self._thread is not None and self._thread == get_ident()

    def enter_operation(self, writer: sqlite3.Connection | None) -> sqlite3.Connection:
        """Begin an operation inside."""
        self._see(writer)
        if self.spoilt is not None:
            raise self.spoilt
        if writer is None:
            raise AssertionError("nothing was begun")
        self._changes = writer.total_changes
        return writer

    def exit_operation(self, writer: sqlite3.Connection, error: BaseException | None) -> None:
        """End an operation inside."""
        if error is not None and writer.total_changes != self._changes:
            self.abort(StoreUnavailable("an operation was left when it was half done"))

    def _see(self, writer: sqlite3.Connection | None) -> None:
        """SQLite undoes all after some errors, as a want of memory, and would then write each statement at once."""
        if self.spoilt is None and writer is not None and not writer.in_transaction:
            self.spoilt = StoreUnavailable("SQLite has undone what was begun")

    def abort(self, why: StoreUnavailable) -> StoreUnavailable:
        """Nothing of it can be written any more; the same error."""
        self.spoilt = self.spoilt or why
        return why
