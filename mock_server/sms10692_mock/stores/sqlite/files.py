"""The files of a database: the database itself, its write-ahead log and its shared memory.

They are private to their owner, and told apart by device and inode. No file is ever opened here: closing it would
release the locks that SQLite holds on it for this process.
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
"""Device and inode; None where there is no file."""

_SHARED_ON_PURPOSE: Final = stat.S_IWGRP
"""No usual umask lets a group write: where it may, several users share the file on purpose."""


class State(Enum):
    """What stands at the path, compared with what was remembered."""

    SAME = "same"
    GONE = "gone"
    REPLACED = "replaced"
    LOG_REPLACED = "log replaced"


class DatabaseFiles:
    """The files of the database at `path`, which may be a symbolic link."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self._log = self.path.with_name(f"{self.path.name}-wal")
        self._shared_memory = self.path.with_name(f"{self.path.name}-shm")
        self._database: _Identity = None
        self._beside: dict[Path, _Identity] = {}

    def create(self) -> None:
        """Create the database, empty and for its owner alone, where there is none. Raises StoreUnavailable.

        SQLite gives the log and the shared memory the mode of the database.
        """
        try:
            # The umask can only take away from this mode, so there is no moment in which others may read it.
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            return
        except OSError as error:
            raise StoreUnavailable(f"{self.path} cannot be created: {error.strerror}") from None

    def make_private(self) -> None:
        """Take the access of other users away: files that an earlier version made were readable by all."""
        for path in (self.path, self._log, self._shared_memory):
            _restrict(path)

    def remember(self) -> None:
        """Take the files that are there now for those of this process. Called while SQLite has them open."""
        self._beside = {path: _identity(path) for path in (self._log, self._shared_memory)}
        self._database = _identity(self.path)

    def compare(self) -> State:
        """What stands at the path now."""
        found = _identity(self.path)
        if found is None:
            return State.GONE
        if found != self._database:
            return State.REPLACED
        if any(_identity(path) != remembered for path, remembered in self._beside.items()):
            return State.LOG_REPLACED
        return State.SAME

    def has_foreign_log(self) -> bool:
        """Whether a write-ahead log is there that is not the one that was remembered."""
        return _identity(self._log) not in (None, self._beside.get(self._log))

    def forget_log(self) -> None:
        """Expect nothing of the log and the shared memory: no connection is open."""
        self._beside = {}

    def log_size(self) -> int:
        """Bytes of the write-ahead log."""
        try:
            return self._log.stat().st_size
        except OSError:
            return 0

    def detach(self, *, is_empty: bool) -> None:
        """Remove the log and the shared memory from beside a file that they do not belong to.

        Those that came with that file stay. A log that is not empty is kept under another name.
        """
        for path, remembered in self._beside.items():
            if remembered is None or _identity(path) != remembered:
                continue
            with suppress(FileNotFoundError):  # another process that shares the files was quicker
                if path is self._log and not is_empty:
                    kept = path.with_name(f"{path.name}.of-replaced-file")
                    path.replace(kept)
                    _log.error("what could not be written into the replaced file is kept in %s", kept)
                else:
                    path.unlink()


def _identity(path: Path) -> _Identity:
    try:
        found = os.stat(path)  # noqa: PTH116 - Path.stat takes twice as long
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _restrict(path: Path) -> None:
    """Take the access of others away, and that of the group where it may not write."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        private = mode & (0o770 if mode & _SHARED_ON_PURPOSE else 0o700)
        if mode == private or os.name == "nt":  # Windows has no such modes
            return
        path.chmod(private)
    except OSError as error:
        if error.errno != errno.ENOENT:
            _log.warning("%s can be read by other users, and has passwords in it: %s", path, error.strerror)
    else:
        _log.warning("%s could be read by other users, and has passwords in it; now it is mode %03o", path, private)
