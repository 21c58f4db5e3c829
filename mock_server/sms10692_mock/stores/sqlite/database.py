"""The file: opened, brought to this version, read and written in transactions, and found again when it was away.

Here belongs what is true of any operation. What is read and written is the affair of the others.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.stores.availability import AvailabilityLog
from sms10692_mock.stores.sqlite.batch_transaction import BatchTransaction
from sms10692_mock.stores.sqlite.connections import Connections
from sms10692_mock.stores.sqlite.errors import close_quietly, describe, is_passing
from sms10692_mock.stores.sqlite.fair_lock import FairLock
from sms10692_mock.stores.sqlite.files import State

_BUSY: Final = 2.0
"""Seconds to wait for other processes, which hold the file for milliseconds."""

_BUSY_SLICE: Final = 0.015
"""Seconds for which SQLite looks whether another process still writes: begun anew, it looks every few ms, and not 100.

As long do many operations together wait for other processes: one by one, some need not wait at all.
"""

_AWAY: Final = 0.25
"""Seconds for which a file that was away is not tried again: nobody shall wait for it in turn."""

_LOOK_EVERY: Final = 0.25
"""Seconds after which it is seen that the file is gone, or another is in its place."""

_IDLE: Final = 4
_MOVED_FROM: Final = 4 * 1024 * 1024
"""Bytes of the write-ahead log from which it is moved into the file."""


class Database:
    """A SQLite file in write-ahead mode. `durable` makes every transaction reach the disk before it is done.

    Raises StoreUnavailable, in words for the person who named the file, where it cannot be had.
    """

    def __init__(self, path: Path, durable: bool = False) -> None:
        self._connections = Connections(path, busy_seconds=_BUSY, durable=durable)
        self._path = self._connections.path
        self._lock = FairLock()
        self._gathering = BatchTransaction()
        self._availability = AvailabilityLog()
        self._afterwards: list[Callable[[bool], None]] = []
        self._writer: sqlite3.Connection | None = None
        self._writer_is_stale = False
        self._idle: list[sqlite3.Connection] = []
        self._looked = monotonic()
        self._away: tuple[float, str] = (0.0, "")
        if not self._path.parent.is_dir():
            raise StoreUnavailable(f"{self._path} cannot be opened: there is no folder {self._path.parent}")
        if self._path.is_dir():
            raise StoreUnavailable(f"{self._path} cannot be opened: it is a folder")
        try:
            self._writer = _waiting_for_a_spell(self._connections.create())
        except sqlite3.Error as error:
            raise StoreUnavailable(describe(self._path, error)) from error
        self.is_gathering: Final = self._gathering.owned_by_this_thread
        self.writing: Final = _WriteTransaction(self)
        """A transaction that is written whole or not at all, one after another."""

    def _check_file(self, *, is_locked: bool = False) -> None:
        """Raise StoreUnavailable where the file is away. `is_locked` says that this thread holds the lock."""
        now = monotonic()
        until, sentence = self._away
        if now < until:
            raise StoreUnavailable(sentence)
        if now - self._looked < _LOOK_EVERY and self._connections.is_anchored:
            return
        self._looked = now
        if self._connections.are_the_same():
            return
        if is_locked:
            self._look()
        else:
            with self._lock:
                self._look()

    def _look(self) -> None:
        """See whether the file is still the same, and let go of it where it is not. The lock is held."""
        try:
            if self._connections.check() is State.GONE:
                raise StoreUnavailable(f"{self._path} is gone")
            if not self._connections.is_anchored:
                self._connections.anchor()
        except sqlite3.Error as error:
            raise self.mark_unavailable(error) from error
        except StoreUnavailable as error:
            if self._connections.is_anchored:
                self._let_go()
            self._away = (monotonic() + _AWAY, str(error))
            raise self._failed(error) from None

    def _let_go(self) -> None:
        """Close all connections but those at work, which are closed when they are done with. The lock is held."""
        idle, self._idle = self._idle, []
        writer, self._writer = self._writer, None
        self._connections.let_go([*idle, *([writer] if writer else [])])

    def watch(self) -> None:
        """Look at the file although nobody uses it. Raises StoreUnavailable."""
        self._check_file()

    def _failed(self, error: StoreUnavailable, *, writing: bool = False) -> StoreUnavailable:
        self._availability.failed(str(error), writing=writing)
        return error

    def _drop_connections(self) -> None:
        """Those at work are closed when they are done with: they are not given back."""
        idle, self._idle = self._idle, []
        self._writer_is_stale = True
        for connection in idle:
            close_quietly(connection)

    def mark_unavailable(self, error: sqlite3.Error, *, writing: bool = False) -> StoreUnavailable:
        """The error to raise in place of this one; for a moment, the file is not tried again."""
        unavailable = self._failed(self._batch_error(error), writing=writing)
        self._away = (monotonic() + _AWAY, str(unavailable))
        return unavailable

    def _batch_error(self, error: sqlite3.Error) -> StoreUnavailable:
        """The same in a gathering, of which each operation is tried again alone, at once."""
        if not is_passing(error):
            self._drop_connections()
        return StoreUnavailable(describe(self._path, error))

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One moment of the file, whatever is written meanwhile. Inside a gathering, what was written in it."""
        if self._gathering.owned_by_this_thread():
            try:
                yield self._gathering.enter_operation(self._writer)
            except sqlite3.Error as error:
                raise self._gathering.abort(self._batch_error(error)) from error
            return
        self._check_file()
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
        if self._availability.is_away:
            self._availability.succeeded()
        if len(idle) < _IDLE and idle is self._idle:
            idle.append(connection)
        else:
            connection.close()

    def read_row(self, statement: str) -> tuple[Any, ...]:
        """The only row of a statement, as it stands in the file now: for what every request reads."""
        idle = self._idle
        if self._gathering.owned_by_this_thread() or not idle:
            with self.reading() as connection:
                return _only_row(connection, statement)
        self._check_file()
        try:
            connection = idle.pop()
        except IndexError:  # another thread was quicker
            return self.read_row(statement)
        try:
            row = _only_row(connection, statement)
        except sqlite3.Error as error:
            close_quietly(connection)
            raise self.mark_unavailable(error) from error
        if idle is self._idle:
            idle.append(connection)
        else:
            connection.close()
        return row

    def checkpoint(self) -> None:
        """Move a long write-ahead log into the file, beside the writers, so that none of them has to."""
        if self._connections.files.log_size() < _MOVED_FROM:
            return
        self._check_file()
        connection = self._connections.open()
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            connection.execute("PRAGMA busy_timeout = 0")
            with self._lock:  # what is left is little; a reader who is at it makes it wait for the next time
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            if not is_passing(error):
                raise self.mark_unavailable(error, writing=True) from error
        finally:
            connection.close()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            if self._connections.is_anchored:
                self._let_go()

    def begin(self) -> sqlite3.Connection:
        """Begin to write: for `_Writing`."""
        if self._gathering.owned_by_this_thread():
            return self._gathering.enter_operation(self._writer)
        self._lock.acquire()
        try:
            connection = self._ready_writer()
            until = monotonic() + _BUSY
            while not _try_begin(connection, until):
                pass
        except sqlite3.Error as error:
            self._lock.release()
            raise self.mark_unavailable(error, writing=True) from error
        except BaseException:
            self._lock.release()
            raise
        return connection

    def _ready_writer(self) -> sqlite3.Connection:
        self._check_file(is_locked=True)
        if self._writer is not None and self._writer_is_stale:
            close_quietly(self._writer)
            self._writer = None
        if self._writer is None:
            self._writer = _waiting_for_a_spell(self._connections.open())
            self._writer_is_stale = False
        return self._writer

    def end(self, error: BaseException | None) -> None:
        """Write all of it, or, after an error, nothing: for `_Writing`."""
        connection = self._writer
        if connection is None:
            raise AssertionError("nothing was begun")
        if self._gathering.owned_by_this_thread():
            if isinstance(error, sqlite3.Error):
                raise self._gathering.abort(self._batch_error(error)) from error
            self._gathering.exit_operation(connection, error)
            return
        self._end(connection, error, partial(self.mark_unavailable, writing=True))
        if isinstance(error, sqlite3.Error):
            raise self.mark_unavailable(error, writing=True) from error

    def _end(
        self,
        connection: sqlite3.Connection,
        error: BaseException | None,
        unavailable: Callable[[sqlite3.Error], StoreUnavailable],
    ) -> None:
        is_written = False
        try:
            if error is None:
                connection.execute("COMMIT")
                is_written = True
                if self._availability.is_away:
                    self._availability.succeeded(writing=True)
            elif connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error as failure:
            close_quietly(connection)  # which undoes what was begun
            self._writer = None
            raise unavailable(failure) from failure
        finally:
            try:
                afterwards, self._afterwards = self._afterwards, []
                for call in afterwards:
                    call(is_written)
            finally:
                self._lock.release()

    def on_commit(self, call: Callable[[bool], None]) -> None:
        """Inside a transaction: have this called when it is over, and before the next, with whether it is written."""
        self._afterwards.append(call)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """One transaction for all that this thread reads and writes inside: see `Store.gathered`."""
        connection = self._begun_together()
        self._gathering.begin()
        raised: BaseException | None = None
        try:
            yield
        except BaseException as error:
            raised = error
            raise
        finally:
            spoilt = self._gathering.end(connection)
            self._end(connection, raised or spoilt, self._batch_error)
        if spoilt is not None:
            raise spoilt

    def _begun_together(self) -> sqlite3.Connection:
        self._lock.acquire()
        try:
            connection = self._ready_writer()
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._lock.release()
            raise self._batch_error(error) from error
        except BaseException:
            self._lock.release()
            raise
        return connection


def _waiting_for_a_spell(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_SLICE * 1000:.0f}")
    return connection


def _try_begin(connection: sqlite3.Connection, until: float) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if not is_passing(error) or monotonic() >= until:
            raise
        return False
    return True


def _only_row(connection: sqlite3.Connection, statement: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] = connection.execute(statement).fetchone()
    return row


class _WriteTransaction:
    def __init__(self, file: Database) -> None:
        self._file = file

    def __enter__(self) -> sqlite3.Connection:
        return self._file.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.end(error)
