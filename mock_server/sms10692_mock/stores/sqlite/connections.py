"""Connections to the file of a database, and to no other file that is put in its place.

SQLite finds the write-ahead log of a database by its path alone. If another database is moved to the path while this
process is running, the log of the old one is applied to the new one, which ruins it. So the file is compared before
and after each connection is opened, and nothing is read through a connection that might be to another file.
"""

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.stores.sqlite.errors import close_quietly
from sms10692_mock.stores.sqlite.files import DatabaseFiles, State
from sms10692_mock.stores.sqlite.schema import APPLICATION_ID, FUNCTIONS, MIGRATIONS, VERSION

_PAGE: Final = 2048
"""Bytes of a page: a send changes six of them a little, and each goes whole into the log."""

_CACHE_KIB: Final = 32 * 1024
_WAL_PAGES: Final = 16_384
"""So many pages in the write-ahead log, and a writer moves them itself; before, it is done beside the writers."""

_LAST_CHECKPOINT: Final = 1.0
"""Seconds for which the last move of the log into the file waits for readers."""

_abandoned: Final[list[sqlite3.Connection]] = []
"""Connections that must never be closed: SQLite would delete another database's log. They end with the process."""


class Connections:
    """Opens connections to the file at `path`.

    One connection, the anchor, stays open and idle: while it is there, SQLite neither deletes the log nor makes a new
    one, so a change of the log's identity is the work of somebody else.
    """

    def __init__(self, path: Path, *, busy_seconds: float, durable: bool) -> None:
        self.files = DatabaseFiles(path)
        self.path: Final = self.files.path
        self._busy = busy_seconds
        self._synchronous = "FULL" if durable else "NORMAL"
        self._anchor: sqlite3.Connection | None = None
        self._replaced = ""

    def create(self) -> sqlite3.Connection:
        """The first connection, to a file that is created or brought to this version if need be.

        Raises sqlite3.Error, and StoreUnavailable where the file is not ours to use.
        """
        self.files.create()
        connection = self._connect()
        try:
            self._configure(connection)
            self._upgrade(connection)
            self.files.make_private()  # now that they are known to be ours
            self.files.remember()
            self._anchor = self.open()
        except BaseException:
            connection.close()
            raise
        return connection

    def open(self) -> sqlite3.Connection:
        """Another connection to the same file. Raises sqlite3.Error, and StoreUnavailable where it is not the same."""
        self._check_same()
        connection = self._connect()
        try:
            self._check_same()  # before anything is read: reading opens the log at the path
            self._configure(connection)
            self._check_same()
        except BaseException:
            close_quietly(connection)
            raise
        return connection

    def check(self) -> State:
        """Raise StoreUnavailable where another file is in the place of the database, or of its log, from now on."""
        if self._replaced:
            raise StoreUnavailable(self._replaced)
        state = self.files.compare()
        if state is State.REPLACED:
            self._replaced = f"another file is in the place of {self.path}: start again"
        elif state is State.LOG_REPLACED:
            self._replaced = f"{self.path.name}-wal or -shm was removed or replaced beside {self.path}: start again"
        if self._replaced:
            raise StoreUnavailable(self._replaced)
        return state

    def _check_same(self) -> None:
        if self.check() is State.GONE:
            raise StoreUnavailable(f"{self.path} is gone")

    def are_the_same(self) -> bool:
        """Whether the files are held, and are those that are at the path."""
        return self._anchor is not None and not self._replaced and self.files.compare() is State.SAME

    @property
    def is_anchored(self) -> bool:
        """Whether the files are held."""
        return self._anchor is not None

    def anchor(self) -> None:
        """Hold the files again after they were let go of."""
        self._anchor = self.open()
        self.files.remember()

    def let_go(self, others: list[sqlite3.Connection]) -> None:
        """Close the anchor and these connections, with the log in the file to which it belongs.

        Called once for each time that the files are held, by one thread, while nobody writes.
        """
        anchor, self._anchor = self._anchor, None
        state = self.files.compare()
        is_empty = False
        if anchor is not None and state in (State.REPLACED, State.GONE):
            # Through its own connection the log reaches the old file, wherever that is now.
            is_empty = _checkpoint(anchor, "TRUNCATE")
        elif anchor is not None and state is State.LOG_REPLACED and self.files.has_foreign_log():
            _checkpoint(anchor, "PASSIVE")
            _abandoned.append(anchor)  # the last one to be closed would delete the log at the path
            anchor = None
        for connection in [*others, *([anchor] if anchor else [])]:
            close_quietly(connection)
        if state is State.REPLACED:
            self.files.detach(is_empty=is_empty)
        self.files.forget_log()

    def _connect(self) -> sqlite3.Connection:
        """Nothing is read of the file yet."""
        return sqlite3.connect(
            f"{self.path.as_uri()}?mode=rw",
            uri=True,
            timeout=self._busy,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )

    def _configure(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # opens the log

    def _upgrade(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and application != APPLICATION_ID:
            raise StoreUnavailable(f"{self.path} is a database of another program")
        if version > VERSION:
            raise StoreUnavailable(
                f"{self.path} is of the newer version {version}; this program knows none later than {VERSION}"
            )
        connection.execute(f"PRAGMA page_size = {_PAGE}")  # of effect where the file is empty
        connection.execute("PRAGMA journal_mode = WAL")
        for name, function in FUNCTIONS.items():
            connection.create_function(name, 1, function)
        (secure_delete,) = connection.execute("PRAGMA secure_delete").fetchone()
        connection.execute("PRAGMA secure_delete = ON")  # what a migration removes is overwritten
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()  # another may have been quicker
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
        connection.execute(f"PRAGMA secure_delete = {secure_delete}")
        if version < VERSION:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log had it too
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()  # noqa: S608 - it is one of ours


def _checkpoint(connection: sqlite3.Connection, mode: str) -> bool:
    """Move the log into the file; whether all of it is there."""
    with suppress(sqlite3.Error):
        connection.execute(f"PRAGMA busy_timeout = {_LAST_CHECKPOINT * 1000:.0f}")
        is_busy, pages, moved = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return not is_busy and pages == moved
    return False
