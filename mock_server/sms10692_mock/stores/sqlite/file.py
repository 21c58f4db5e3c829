"""The file: opened, brought to this version, read and written in transactions, and found again when it was away.

Here belongs what is true of any operation. What is read and written is the affair of the others.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final

from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.stores.protocol import StoreUnavailable
from sms10692_mock.stores.sqlite.gathering import Gathering
from sms10692_mock.stores.sqlite.in_turn import InTurn
from sms10692_mock.stores.sqlite.schema import APPLICATION_ID, MIGRATIONS, VERSION

_BUSY: Final = 2.0
"""Seconds to wait for other processes, which hold the file for milliseconds."""

_SPELL: Final = 0.015
"""Seconds for which SQLite looks whether another process still writes: begun anew, it looks every few ms, and not 100.

As long do many operations together wait for other processes: one by one, some need not wait at all.
"""

_AWAY: Final = 0.25
"""Seconds for which a file that was away is not tried again: nobody shall wait for it in turn."""

_LOOK_EVERY: Final = 0.25
"""Seconds after which it is seen that the file is gone, or another is in its place."""

_IDLE: Final = 4
_PAGE: Final = 2048
"""Bytes of a page: a send changes six of them a little, and each goes whole into the log."""

_CACHE_KIB: Final = 32 * 1024
_WAL_PAGES: Final = 16_384
"""So many pages in the write-ahead log, and a writer moves them itself; before, it is done beside the writers."""

_MOVED_FROM: Final = 4 * 1024 * 1024
"""Bytes of the write-ahead log from which it is moved into the file."""

_SENTENCES: Final = {
    sqlite3.SQLITE_BUSY: "is locked by another program",
    sqlite3.SQLITE_LOCKED: "is locked by another program",
    sqlite3.SQLITE_READONLY: "can only be read",
    sqlite3.SQLITE_PERM: "must not be opened by this user",
    sqlite3.SQLITE_FULL: "cannot be written: the disk is full, or the file may not grow",
    sqlite3.SQLITE_NOTADB: "is no SQLite database",
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
}
_NO_SPACE: Final = (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_TRUNCATE, sqlite3.SQLITE_IOERR_SHMSIZE)
_PASSING: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class File:
    """A SQLite file in write-ahead mode. `durable` makes every transaction reach the disk before it is done.

    Raises StoreUnavailable, in words for the person who named the file, where it cannot be had.
    """

    def __init__(self, path: Path, durable: bool = False) -> None:
        self._path = path.absolute()
        self._synchronous = "FULL" if durable else "NORMAL"
        self._lock = InTurn()
        self._gathering = Gathering()
        self._afterwards: list[Callable[[bool], None]] = []
        self._writer: sqlite3.Connection | None = None
        self._writer_is_stale = False
        self._idle: list[sqlite3.Connection] = []
        self._identity: tuple[int, int] | None = None
        self._looked = 0.0
        self._away: tuple[float, str] = (0.0, "")
        if not self._path.parent.is_dir():
            raise StoreUnavailable(f"{self._path} cannot be opened: there is no folder {self._path.parent}")
        if self._path.is_dir():
            raise StoreUnavailable(f"{self._path} cannot be opened: it is a folder")
        try:
            self._writer = _waiting_for_a_spell(self._prepared())
        except sqlite3.Error as error:
            raise StoreUnavailable(self._sentence(error)) from error
        self._identity = self._seen()
        self.is_gathering: Final = self._gathering.is_mine
        self.writing: Final = _Writing(self)
        """A transaction that is written whole or not at all, one after another."""

    def _connected(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._path.as_uri()}?mode={mode}",
            uri=True,
            timeout=_BUSY,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _prepared(self) -> sqlite3.Connection:
        connection = self._connected("rwc")
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if tables and application != APPLICATION_ID:
                raise StoreUnavailable(f"{self._path} is a database of another program")
            if version > VERSION:
                raise StoreUnavailable(
                    f"{self._path} is of the newer version {version}; this program knows none later than {VERSION}"
                )
            connection.execute(f"PRAGMA page_size = {_PAGE}")  # of effect where the file is empty
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            (version,) = connection.execute("PRAGMA user_version").fetchone()  # another may have been quicker
            for statements in MIGRATIONS[version:]:
                for statement in statements:
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
            connection.execute("COMMIT")
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()  # noqa: S608 - it is one of ours
        except BaseException:
            connection.close()
            raise
        return connection

    def _seen(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self._path)  # noqa: PTH116 - Path.stat takes twice as long
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _be_there(self) -> None:
        now = monotonic()
        until, sentence = self._away
        if now < until:
            raise StoreUnavailable(sentence)
        if now - self._looked < _LOOK_EVERY:
            return
        self._looked = now
        seen = self._seen()
        if seen != self._identity:
            self._identity = seen
            self._forget_connections()

    def _forget_connections(self) -> None:
        """Those at work are closed when they are done with: they are not given back."""
        idle, self._idle = self._idle, []
        self._writer_is_stale = True
        for connection in idle:
            _close(connection)

    def _sentence(self, error: sqlite3.Error) -> str:
        extended = getattr(error, "sqlite_errorcode", 0)
        code = sqlite3.SQLITE_FULL if extended in _NO_SPACE else extended & 0xFF
        if code == sqlite3.SQLITE_CANTOPEN and self._seen() is None:
            return f"{self._path} is gone"
        return f"{self._path} {_SENTENCES.get(code) or f'cannot be read or written: {error}'}"

    def unavailable(self, error: sqlite3.Error) -> StoreUnavailable:
        """The error to raise in place of this one; for a moment, the file is not tried again."""
        unavailable = self._not_together(error)
        self._away = (monotonic() + _AWAY, str(unavailable))
        return unavailable

    def _not_together(self, error: sqlite3.Error) -> StoreUnavailable:
        """The same in a gathering, of which each operation is tried again alone, at once."""
        if not _is_passing(error):
            self._forget_connections()
        return StoreUnavailable(self._sentence(error))

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One moment of the file, whatever is written meanwhile. Inside a gathering, what was written in it."""
        if self._gathering.is_mine():
            try:
                yield self._gathering.begin_one(self._writer)
            except sqlite3.Error as error:
                raise self._gathering.spoil(self._not_together(error)) from error
            return
        self._be_there()
        idle = self._idle
        connection: sqlite3.Connection | None = None
        try:
            try:
                connection = idle.pop()
            except IndexError:
                connection = self._connected("rw")
            connection.execute("BEGIN")
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection is not None:
                _close(connection)
            raise self.unavailable(error) from error
        except BaseException:
            if connection is not None:
                _close(connection)
            raise
        if len(idle) < _IDLE and idle is self._idle:
            idle.append(connection)
        else:
            connection.close()

    def move_log(self) -> None:
        """Move a long write-ahead log into the file, beside the writers, so that none of them has to."""
        try:
            if self._path.with_name(f"{self._path.name}-wal").stat().st_size < _MOVED_FROM:
                return
        except OSError:
            return
        with self._lock:
            self._be_there()
        connection = self._connected("rw")
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
            connection.execute("PRAGMA busy_timeout = 0")
            with self._lock:  # what is left is little; a reader who is at it makes it wait for the next time
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            if not _is_passing(error):
                raise self.unavailable(error) from error
        finally:
            connection.close()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._forget_connections()
            if self._writer is not None:
                _close(self._writer)
                self._writer = None

    def begin(self) -> sqlite3.Connection:
        """Begin to write: for `_Writing`."""
        if self._gathering.is_mine():
            return self._gathering.begin_one(self._writer)
        self._lock.acquire()
        try:
            connection = self._ready_writer()
            until = monotonic() + _BUSY
            while not _has_begun(connection, until):
                pass
        except sqlite3.Error as error:
            self._lock.release()
            raise self.unavailable(error) from error
        except BaseException:
            self._lock.release()
            raise
        return connection

    def _ready_writer(self) -> sqlite3.Connection:
        self._be_there()
        if self._writer is not None and self._writer_is_stale:
            _close(self._writer)
            self._writer = None
        if self._writer is None:
            self._writer = _waiting_for_a_spell(self._connected("rw"))
            self._writer_is_stale = False
        return self._writer

    def end(self, error: BaseException | None) -> None:
        """Write all of it, or, after an error, nothing: for `_Writing`."""
        connection = self._writer
        if connection is None:
            raise AssertionError("nothing was begun")
        if self._gathering.is_mine():
            if isinstance(error, sqlite3.Error):
                raise self._gathering.spoil(self._not_together(error)) from error
            self._gathering.end_one(connection, error)
            return
        self._end(connection, error, self.unavailable)
        if isinstance(error, sqlite3.Error):
            raise self.unavailable(error) from error

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
            elif connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error as failure:
            _close(connection)  # which undoes what was begun
            self._writer = None
            raise unavailable(failure) from failure
        finally:
            try:
                afterwards, self._afterwards = self._afterwards, []
                for call in afterwards:
                    call(is_written)
            finally:
                self._lock.release()

    def afterwards(self, call: Callable[[bool], None]) -> None:
        """Inside a transaction: have this called when it is over, and before the next, with whether it is written."""
        self._afterwards.append(call)

    @contextmanager
    def gathering(self) -> Iterator[None]:
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
            self._end(connection, raised or spoilt, self._not_together)
        if spoilt is not None:
            raise spoilt

    def _begun_together(self) -> sqlite3.Connection:
        self._lock.acquire()
        try:
            connection = self._ready_writer()
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._lock.release()
            raise self._not_together(error) from error
        except BaseException:
            self._lock.release()
            raise
        return connection


def _waiting_for_a_spell(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.execute(f"PRAGMA busy_timeout = {_SPELL * 1000:.0f}")
    return connection


def _has_begun(connection: sqlite3.Connection, until: float) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if not _is_passing(error) or monotonic() >= until:
            raise
        return False
    return True


def _is_passing(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _PASSING


def _close(connection: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):  # the file may be gone: there is nothing to be saved
        connection.close()


class _Writing:
    def __init__(self, file: File) -> None:
        self._file = file

    def __enter__(self) -> sqlite3.Connection:
        return self._file.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.end(error)
