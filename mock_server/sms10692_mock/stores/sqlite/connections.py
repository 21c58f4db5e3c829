"""Connections to the database file, protected against a file that another program puts in its place.

SQLite finds the write-ahead log of a database by its path alone. If another database is moved to the path while this
process is running, the log of the old one would be applied to the new one and corrupt it. **So the identity of the
files is compared before and after each connection is opened, and nothing is read through a connection before.**
"""

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.stores.sqlite.errors import close_quietly
from sms10692_mock.stores.sqlite.files import DatabaseFiles, FileState
from sms10692_mock.stores.sqlite.schema import APPLICATION_ID, FUNCTIONS, MIGRATIONS, VERSION

_PAGE_BYTES: Final = 2048
"""Page size. Small, because a send changes a few bytes in each of six pages, and whole pages are written to the log."""

_CACHE_KIB: Final = 32 * 1024
_AUTOCHECKPOINT_PAGES: Final = 16_384
"""Size of the log from which SQLite checkpoints during a commit. Below, the maintenance thread does it."""

_FINAL_CHECKPOINT_SECONDS: Final = 1.0
"""Seconds for which the last checkpoint of a replaced file waits for readers."""

_MIGRATION_SECONDS: Final = 60.0
"""Seconds for which the opening of a file waits while another process migrates the file."""

_never_closed: Final[list[sqlite3.Connection]] = []
"""**Connections that must never be closed**: SQLite would delete the log of another database. The process ends them."""


class Connections:
    """Opens connections to the database file at `path`.

    One connection, the anchor, stays open and idle. While it is open, SQLite neither deletes the log nor creates a new
    one, so a change of the identity of the log is caused by another program.
    """

    def __init__(self, path: Path, *, busy_seconds: float, durable: bool) -> None:
        self.files = DatabaseFiles(path)
        self.path: Final = self.files.path
        self._busy_seconds = busy_seconds
        self._synchronous = "FULL" if durable else "NORMAL"
        self._anchor: sqlite3.Connection | None = None
        self._replaced_message = ""

    def create(self) -> sqlite3.Connection:
        """Open the first connection; create the file or migrate its schema if necessary.

        Raises sqlite3.Error, and StoreUnavailable if the file belongs to another program or a newer version.
        """
        self.files.create()
        connection = self._connect()
        try:
            self._configure(connection)
            self._upgrade(connection)
            self.files.make_private()  # only now is it certain that the file belongs to this program
            self.files.remember()
            self._anchor = self.open()
        except BaseException:
            connection.close()
            raise
        return connection

    def open(self) -> sqlite3.Connection:
        """Open another connection. Raises sqlite3.Error, and StoreUnavailable if the file was removed or replaced."""
        self._check_same()
        connection = self._connect()
        try:
            self._check_same()  # before the first read, which opens the log at the path
            self._configure(connection)
            self._check_same()
        except BaseException:
            close_quietly(connection)
            raise
        return connection

    def check(self) -> FileState:
        """Compare the files with those that were opened.

        Raises StoreUnavailable if the database or its log was replaced, now or at an earlier check.
        """
        if self._replaced_message:
            raise StoreUnavailable(self._replaced_message)
        state = self.files.compare()
        if state is FileState.REPLACED:
            self._replaced_message = f"{self.path} was replaced by another file: restart the server"
        elif state is FileState.LOG_REPLACED:
            self._replaced_message = (
                f"{self.path.name}-wal or -shm was removed or replaced while {self.path} is in use: restart the server"
            )
        if self._replaced_message:
            raise StoreUnavailable(self._replaced_message)
        return state

    def _check_same(self) -> None:
        if self.check() is FileState.GONE:
            raise StoreUnavailable(f"{self.path} is gone")

    def are_unchanged(self) -> bool:
        """Whether the anchor is open and the files at the path are those that were opened."""
        return self._anchor is not None and not self._replaced_message and self.files.compare() is FileState.SAME

    @property
    def is_anchored(self) -> bool:
        """Whether the anchor is open."""
        return self._anchor is not None

    def anchor(self) -> None:
        """Open the anchor again after `close_all`."""
        self._anchor = self.open()
        self.files.remember()

    def close_all(self, others: list[sqlite3.Connection]) -> None:
        """Close the anchor and these connections, and write the log into the file to which it belongs.

        **Call it once per anchor, from one thread, while no write transaction is open.**
        """
        anchor, self._anchor = self._anchor, None
        state = self.files.compare()
        is_empty = False
        if anchor is not None and state in (FileState.REPLACED, FileState.GONE):
            # The open connection still writes to the old file, even if it was moved or unlinked.
            is_empty = _checkpoint(anchor, "TRUNCATE")
        elif anchor is not None and state is FileState.LOG_REPLACED and self.files.has_foreign_log():
            _checkpoint(anchor, "PASSIVE")
            _never_closed.append(anchor)  # closing the last connection would delete the log at the path
            anchor = None
        for connection in [*others, *([anchor] if anchor else [])]:
            close_quietly(connection)
        if state is FileState.REPLACED:
            self.files.detach(is_empty=is_empty)
        self.files.forget_log()

    def _connect(self) -> sqlite3.Connection:
        """Connect without reading: SQLite opens the file lazily."""
        return sqlite3.connect(
            f"{self.path.as_uri()}?mode=rw",
            uri=True,
            timeout=self._busy_seconds,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )

    def _configure(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_AUTOCHECKPOINT_PAGES}")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # opens the log

    def _upgrade(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and application != APPLICATION_ID:
            raise StoreUnavailable(f"{self.path} is a database of another program: choose another path")
        if version > VERSION:
            raise StoreUnavailable(
                f"{self.path} has schema version {version}; this program supports versions up to {VERSION}"
            )
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")  # has an effect on an empty file only
        connection.execute("PRAGMA journal_mode = WAL")
        for name, function in FUNCTIONS.items():
            connection.create_function(name, 1, function)
        (secure_delete,) = connection.execute("PRAGMA secure_delete").fetchone()
        connection.execute("PRAGMA secure_delete = ON")  # overwrite what a migration deletes
        if 0 < version < VERSION:  # another process may be migrating the file now
            connection.execute(f"PRAGMA busy_timeout = {_MIGRATION_SECONDS * 1000:.0f}")
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute(
            "PRAGMA user_version"
        ).fetchone()  # another process may have migrated it meanwhile
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
        connection.execute(f"PRAGMA busy_timeout = {self._busy_seconds * 1000:.0f}")
        connection.execute(f"PRAGMA secure_delete = {secure_delete}")
        if version < VERSION:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log also contains what was deleted
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()


def _checkpoint(connection: sqlite3.Connection, mode: str) -> bool:
    """Checkpoint the write-ahead log. Returns whether all of it was copied into the file."""
    with suppress(sqlite3.Error):
        connection.execute(f"PRAGMA busy_timeout = {_FINAL_CHECKPOINT_SECONDS * 1000:.0f}")
        is_busy, pages, checkpointed = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        return not is_busy and pages == checkpointed
    return False
