"""SQLite errors: messages for the user, and classification."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

_MESSAGES: Final = {
    sqlite3.SQLITE_BUSY: "is locked by another program",
    sqlite3.SQLITE_LOCKED: "is locked by another program",
    sqlite3.SQLITE_READONLY: "is read-only",
    sqlite3.SQLITE_PERM: "cannot be opened: permission denied",
    sqlite3.SQLITE_FULL: "cannot be written: the disk is full, or the file size limit is reached",
    sqlite3.SQLITE_NOTADB: "is not an SQLite database",
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
}
_NO_SPACE: Final = (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_TRUNCATE, sqlite3.SQLITE_IOERR_SHMSIZE)
_LOCK_ERRORS: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def describe(path: Path, error: sqlite3.Error) -> str:
    """The message for an error of the database at this path."""
    extended = getattr(error, "sqlite_errorcode", 0)
    code = sqlite3.SQLITE_FULL if extended in _NO_SPACE else extended & 0xFF
    if code == sqlite3.SQLITE_CANTOPEN:
        if not path.exists():
            return f"{path} is gone"
        if not os.access(path.parent, os.W_OK):
            return f"{path} cannot be opened: the folder {path.parent} is not writable"
    return f"{path} {_MESSAGES.get(code) or f'cannot be read or written: {error}'}"


def is_lock_error(error: sqlite3.Error) -> bool:
    """Whether the error is temporary: another process holds the lock."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _LOCK_ERRORS


def close_quietly(connection: sqlite3.Connection) -> None:
    """Close a connection and ignore errors: its file may have been removed."""
    with suppress(sqlite3.Error):
        connection.close()
