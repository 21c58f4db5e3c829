"""The SQLite database: its connections, read and write transactions, batch transactions and recovery after errors.

Common to all operations. The statements themselves are in the other modules of this package.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple

from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.stores.availability import AvailabilityLog
from sms10692_mock.stores.sqlite.batch_transaction import BatchTransaction
from sms10692_mock.stores.sqlite.connections import Connections
from sms10692_mock.stores.sqlite.errors import close_quietly, describe, is_lock_error
from sms10692_mock.stores.sqlite.fair_lock import FairLock
from sms10692_mock.stores.sqlite.files import FileState

_MAX_IDLE_READERS: Final = 4
"""Read connections kept open for reuse."""

_CHECKPOINT_THRESHOLD: Final = 4 * 1024 * 1024
"""Size of the write-ahead log, in bytes, from which `checkpoint` does something."""


class DatabaseTimeouts(NamedTuple):
    """Times in seconds.

    - `busy`: how long a write waits for the lock of another process. Other processes hold it for milliseconds.
    - `attempt`: the `busy_timeout` of one attempt to begin a write, and the lock timeout of a batch. SQLite's
      busy handler backs off to sleeps of 100 ms; beginning again keeps the polling interval at a few ms. When a batch
      cannot begin, its jobs run individually, since those that only read need no lock.
    - `retry_after`: how long after a failure operations fail at once with the same message. Without this back-off,
      every thread in turn would wait for the timeout.
    - `check_interval`: how often it is checked whether the file was removed or replaced.
    """

    busy: float = 2.0
    attempt: float = 0.015
    retry_after: float = 0.25
    check_interval: float = 0.25


class Database:
    """A SQLite database in WAL mode, with one writer connection and a pool of readers. Thread-safe.

    With `durable`, a commit returns only when the transaction is on the disk.

    Raises StoreUnavailable, with a message for the user, if the file cannot be created, opened or migrated.
    """

    def __init__(self, path: Path, durable: bool = False, timeouts: DatabaseTimeouts | None = None) -> None:
        self._timeouts = timeouts or DatabaseTimeouts()
        self._connections = Connections(path, busy_seconds=self._timeouts.busy, durable=durable)
        self._path = self._connections.path
        self._lock = FairLock()
        self._batch = BatchTransaction()
        self._availability = AvailabilityLog()
        self._commit_callbacks: list[Callable[[bool], None]] = []
        self._writer: sqlite3.Connection | None = None
        self._writer_is_stale = False
        self._idle: list[sqlite3.Connection] = []
        self._checked_at = monotonic()
        self._backoff: tuple[float, str] = (0.0, "")
        if not self._path.parent.is_dir():
            raise StoreUnavailable(f"{self._path} cannot be opened: there is no folder {self._path.parent}")
        if self._path.is_dir():
            raise StoreUnavailable(f"{self._path} cannot be opened: it is a folder")
        try:
            self._writer = self._set_busy_timeout(self._connections.create())
        except sqlite3.Error as error:
            raise StoreUnavailable(describe(self._path, error)) from error
        self.in_batch: Final = self._batch.owned_by_this_thread
        self.writing: Final = _WriteTransaction(self)
        """Context manager: a write transaction.

        Yields the writer connection, commits on exit, and rolls back on an exception.
        Write transactions run one at a time. Inside `batch`, the operation joins the transaction of the batch.
        """

    def _set_busy_timeout(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        connection.execute(f"PRAGMA busy_timeout = {self._timeouts.attempt * 1000:.0f}")
        return connection

    def _check_files(self, *, is_locked: bool = False) -> None:
        """Raise StoreUnavailable if the file was removed or replaced, or during the back-off after a failure.

        `is_locked`: this thread already holds `_lock`.
        """
        now = monotonic()
        until, message = self._backoff
        if now < until:
            raise StoreUnavailable(message)
        if now - self._checked_at < self._timeouts.check_interval and self._connections.is_anchored:
            return
        self._checked_at = now
        if self._connections.are_unchanged():
            return
        if is_locked:
            self._recheck_files()
        else:
            with self._lock:
                self._recheck_files()

    def _recheck_files(self) -> None:
        """Compare the files with those that were opened, and close all connections if they differ. Requires `_lock`."""
        try:
            if self._connections.check() is FileState.GONE:
                raise StoreUnavailable(f"{self._path} is gone")
            if not self._connections.is_anchored:
                self._connections.anchor()
        except sqlite3.Error as error:
            raise self.mark_unavailable(error) from error
        except StoreUnavailable as error:
            if self._connections.is_anchored:
                self._close_all()
            self._backoff = (monotonic() + self._timeouts.retry_after, str(error))
            raise self._record_failure(error) from None

    def _close_all(self) -> None:
        """Close all idle connections and the writer. Requires `_lock`.

        Connections in use are closed by their users, because they no longer belong to the current pool.
        """
        idle, self._idle = self._idle, []
        writer, self._writer = self._writer, None
        self._connections.close_all([*idle, *([writer] if writer else [])])

    def watch(self) -> None:
        """Check the file while no operation uses it. Raises StoreUnavailable."""
        self._check_files()

    def _record_failure(self, error: StoreUnavailable, *, writing: bool = False) -> StoreUnavailable:
        self._availability.failed(str(error), writing=writing)
        return error

    def _discard_connections(self) -> None:
        """Close idle connections and replace the writer at its next use.

        Readers in use are not returned to the pool.
        """
        idle, self._idle = self._idle, []
        self._writer_is_stale = True
        for connection in idle:
            close_quietly(connection)

    def mark_unavailable(self, error: sqlite3.Error, *, writing: bool = False) -> StoreUnavailable:
        """Translate an SQLite error to StoreUnavailable and start the back-off.

        Returns the error, for the caller to raise.
        """
        unavailable = self._record_failure(self._batch_error(error), writing=writing)
        self._backoff = (monotonic() + self._timeouts.retry_after, str(unavailable))
        return unavailable

    def _batch_error(self, error: sqlite3.Error) -> StoreUnavailable:
        """Translate an SQLite error without a back-off: the jobs of a failed batch are retried individually at once."""
        if not is_lock_error(error):
            self._discard_connections()
        return StoreUnavailable(describe(self._path, error))

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Context manager: a read transaction. Yields a connection that sees one snapshot of the database.

        Inside `batch`, yields the writer connection, which also sees the uncommitted changes of the batch.
        """
        if self._batch.owned_by_this_thread():
            try:
                yield self._batch.enter_operation(self._writer)
            except sqlite3.Error as error:
                raise self._batch.abort(self._batch_error(error)) from error
            return
        self._check_files()
        idle = self._idle
        connection: sqlite3.Connection | None = None
        try:
            try:
                connection = idle.pop()
            except IndexError:
                connection = self._connections.open()
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection is not None:
                close_quietly(connection)
            raise self.mark_unavailable(error) from error
        except BaseException:
            if connection is not None:
                close_quietly(connection)
            raise
        if self._availability.is_unavailable:
            self._availability.succeeded()
        if len(idle) < _MAX_IDLE_READERS and idle is self._idle:
            idle.append(connection)
        else:
            connection.close()

    def read_row(self, statement: str) -> tuple[Any, ...]:
        """Return the single row of a statement, without an explicit transaction: a fast path for every request."""
        idle = self._idle
        if self._batch.owned_by_this_thread() or not idle:
            with self.reading() as connection:
                return _fetch_row(connection, statement)
        self._check_files()
        try:
            connection = idle.pop()
        except IndexError:  # another thread took the last idle connection
            return self.read_row(statement)
        try:
            row = _fetch_row(connection, statement)
        except sqlite3.Error as error:
            close_quietly(connection)
            raise self.mark_unavailable(error) from error
        if idle is self._idle:
            idle.append(connection)
        else:
            connection.close()
        return row

    def checkpoint(self) -> None:
        """Copy a large write-ahead log into the database and truncate it.

        Runs on the maintenance thread, so that SQLite's automatic checkpoint does not delay a writer.
        """
        if self._connections.files.log_size() < _CHECKPOINT_THRESHOLD:
            return
        self._check_files()
        connection = self._connections.open()
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            connection.execute("PRAGMA busy_timeout = 0")
            with self._lock:  # little is left to copy; if a reader still uses the log, the next call truncates it
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            if not is_lock_error(error):
                raise self.mark_unavailable(error, writing=True) from error
        finally:
            connection.close()

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            if self._connections.is_anchored:
                self._close_all()

    def begin(self) -> sqlite3.Connection:
        """Begin a write operation: for `_WriteTransaction`."""
        if self._batch.owned_by_this_thread():
            return self._batch.enter_operation(self._writer)
        self._lock.acquire()
        try:
            connection = self._get_writer()
            until = monotonic() + self._timeouts.busy
            while not _try_begin(connection, until):
                pass
        except sqlite3.Error as error:
            self._lock.release()
            raise self.mark_unavailable(error, writing=True) from error
        except BaseException:
            self._lock.release()
            raise
        return connection

    def _get_writer(self) -> sqlite3.Connection:
        self._check_files(is_locked=True)
        if self._writer is not None and self._writer_is_stale:
            close_quietly(self._writer)
            self._writer = None
        if self._writer is None:
            self._writer = self._set_busy_timeout(self._connections.open())
            self._writer_is_stale = False
        return self._writer

    def end(self, error: BaseException | None) -> None:
        """Commit, or roll back after an error: for `_WriteTransaction`."""
        connection = self._writer
        if connection is None:
            raise AssertionError("no transaction was begun")
        if self._batch.owned_by_this_thread():
            if isinstance(error, sqlite3.Error):
                raise self._batch.abort(self._batch_error(error)) from error
            self._batch.exit_operation(connection, error)
            return
        self._finish(connection, error, partial(self.mark_unavailable, writing=True))
        if isinstance(error, sqlite3.Error):
            raise self.mark_unavailable(error, writing=True) from error

    def _finish(
        self,
        connection: sqlite3.Connection,
        error: BaseException | None,
        unavailable: Callable[[sqlite3.Error], StoreUnavailable],
    ) -> None:
        committed = False
        try:
            if error is None:
                connection.execute("COMMIT")
                committed = True
                if self._availability.is_unavailable:
                    self._availability.succeeded(writing=True)
            elif connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error as failure:
            close_quietly(connection)  # rolls back
            self._writer = None
            raise unavailable(failure) from failure
        finally:
            try:
                callbacks, self._commit_callbacks = self._commit_callbacks, []
                for callback in callbacks:
                    callback(committed)
            finally:
                self._lock.release()

    def on_commit(self, callback: Callable[[bool], None]) -> None:
        """Register a callback inside a write transaction: `callback(committed)` runs after its end.

        It runs while the write lock is still held, so before the next write transaction begins.
        """
        self._commit_callbacks.append(callback)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Context manager: the operations of this thread share one transaction, committed at the exit (group commit).

        Operations see the effects of earlier ones. An operation that raises NoSuchAccount or a similar error of its own
        rolls back alone. Other threads and processes see nothing before the commit, and cannot write meanwhile.

        **Publish no result before the block has been left without an error. Do not block inside, because every other
        writer waits. Call no listing inside** (`messages`, `reports`, `replies`, `requests`).

        Entering raises StoreUnavailable if another process holds the lock for too long, leaving raises it if the commit
        failed. In both cases nothing was written: run the operations one by one. Numbers allocated inside
        (`next_task_id`, `next_request`) are never allocated again, even after a rollback.
        """
        connection = self._begin_batch()
        self._batch.begin()
        raised: BaseException | None = None
        try:
            yield
        except BaseException as error:
            raised = error
            raise
        finally:
            failure = self._batch.end(connection)
            self._finish(connection, raised or failure, self._batch_error)
        if failure is not None:
            raise failure

    def _begin_batch(self) -> sqlite3.Connection:
        self._lock.acquire()
        try:
            connection = self._get_writer()
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._lock.release()
            raise self._batch_error(error) from error
        except BaseException:
            self._lock.release()
            raise
        return connection


def _try_begin(connection: sqlite3.Connection, until: float) -> bool:
    """Begin a write transaction; False if another process holds the lock and `until` has not come yet."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if not is_lock_error(error) or monotonic() >= until:
            raise
        return False
    return True


def _fetch_row(connection: sqlite3.Connection, statement: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] = connection.execute(statement).fetchone()
    return row


class _WriteTransaction:
    """A write transaction as a context manager: cheaper than a generator. Reusable, also by many threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> sqlite3.Connection:
        return self._database.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._database.end(error)
