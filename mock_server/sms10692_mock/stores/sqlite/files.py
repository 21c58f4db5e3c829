"""The files of a database: the database itself, its write-ahead log and its shared memory.

Their mode is private to the owner, and they are identified by device and inode. **Never open one of these files here:
closing it would release the locks that SQLite holds on it for this process.**
"""

import errno
import logging
import os
import stat
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Final, TypeAlias

from sms10692_mock.domain.store import StoreUnavailable

_log: Final = logging.getLogger(__name__)

_Identity: TypeAlias = tuple[int, int] | None
"""Device and inode; None if the file does not exist."""

_GROUP_WRITABLE: Final = stat.S_IWGRP
"""A file that its group may write is shared on purpose: no usual umask allows that."""


class FileState(Enum):
    """Result of a comparison of the files at the path with those that were opened."""

    SAME = "same"
    GONE = "gone"
    REPLACED = "replaced"
    LOG_REPLACED = "log replaced"


class DatabaseFiles:
    """The files of the database at `path`. A symbolic link is resolved once."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self._log = self.path.with_name(f"{self.path.name}-wal")
        self._shared_memory = self.path.with_name(f"{self.path.name}-shm")
        self._database: _Identity = None
        self._companions: dict[Path, _Identity] = {}

    def create(self) -> None:
        """Create the database file, empty and with mode 600, if it does not exist. Raises StoreUnavailable.

        SQLite gives the log and the shared memory the mode of the database.
        """
        try:
            # The mode is set at creation, so other users can never read the file. A umask can only restrict it.
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            return
        except OSError as error:
            raise StoreUnavailable(f"{self.path} cannot be created: {error.strerror}") from None

    def make_private(self) -> None:
        """Remove the access of other users: earlier versions created files that everybody could read."""
        for path in (self.path, self._log, self._shared_memory):
            _restrict(path)

    def remember(self) -> None:
        """Record the identity of the files. Call it while SQLite has them open."""
        self._companions = {path: _identity(path) for path in (self._log, self._shared_memory)}
        self._database = _identity(self.path)

    def compare(self) -> FileState:
        """Compare the files at the path with those that were recorded."""
        current = _identity(self.path)
        if current is None:
            return FileState.GONE
        if current != self._database:
            return FileState.REPLACED
        if any(_identity(path) != identity for path, identity in self._companions.items()):
            return FileState.LOG_REPLACED
        return FileState.SAME

    def has_foreign_log(self) -> bool:
        """Whether the write-ahead log at the path is another one than the one that was recorded."""
        return _identity(self._log) not in (None, self._companions.get(self._log))

    def forget_log(self) -> None:
        """Do not compare the log and the shared memory any more. Call it when no connection is open."""
        self._companions = {}

    def log_size(self) -> int:
        """Size of the write-ahead log in bytes."""
        try:
            return self._log.stat().st_size
        except OSError:
            return 0

    def detach(self, *, is_empty: bool) -> None:
        """Remove the log and the shared memory of a database whose path now belongs to another file.

        Those that came with the other file stay. With `is_empty` false, the log is renamed instead of removed.
        """
        for path, identity in self._companions.items():
            if identity is None or _identity(path) != identity:
                continue
            with suppress(FileNotFoundError):  # another process that shares the files has removed it
                if path is self._log and not is_empty:
                    backup = path.with_name(f"{path.name}.of-replaced-file")
                    path.replace(backup)
                    _log.error(
                        "the replaced database is incomplete: its last changes are in the write-ahead log %s", backup
                    )
                else:
                    path.unlink()


def _identity(path: Path) -> _Identity:
    try:
        current = os.stat(path)  # noqa: PTH116 - Path.stat takes twice the time
    except OSError:
        return None
    return current.st_dev, current.st_ino


def _restrict(path: Path) -> None:
    """Remove the access of others, and that of the group unless the group may write."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        private_mode = mode & (0o770 if mode & _GROUP_WRITABLE else 0o700)
        if mode == private_mode or os.name == "nt":  # Windows has no such modes
            return
        path.chmod(private_mode)
    except OSError as error:
        if error.errno != errno.ENOENT:
            _log.warning(
                "%s contains passwords and can be read by other users; its mode cannot be changed: %s",
                path,
                error.strerror,
            )
    else:
        _log.warning("%s contains passwords and could be read by other users; its mode is now %03o", path, private_mode)
