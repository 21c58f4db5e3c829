"""What an error of SQLite means, in words for the person who named the file."""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

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


def describe(path: Path, error: sqlite3.Error) -> str:
    """What is wrong with the file at this path."""
    extended = getattr(error, "sqlite_errorcode", 0)
    code = sqlite3.SQLITE_FULL if extended in _NO_SPACE else extended & 0xFF
    if code == sqlite3.SQLITE_CANTOPEN:
        if not path.exists():
            return f"{path} is gone"
        if not os.access(path.parent, os.W_OK):
            return f"{path} cannot be opened: nothing can be created in the folder {path.parent}"
    return f"{path} {_SENTENCES.get(code) or f'cannot be read or written: {error}'}"


def is_passing(error: sqlite3.Error) -> bool:
    """Whether the file is only locked."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _PASSING


def close_quietly(connection: sqlite3.Connection) -> None:
    """Close a connection whose file may be gone: there is nothing to be saved then."""
    with suppress(sqlite3.Error):
        connection.close()
