"""A consistent copy of the database file, also while emulators write to it."""

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from sms10692_mock.stores.sqlite.errors import describe
from sms10692_mock.stores.sqlite.schema import APPLICATION_ID


class BackupFailed(Exception):
    """There is no backup. The message is for the user; the file at the target path is as before."""


def back_up(source: Path, target: Path, *, overwrite: bool = False) -> None:
    """Copy the database at `source` to the file `target`, with mode 600, in one read transaction.

    Whatever was committed before the call is in the copy; writers are not delayed. The copy is checked, and gets its
    name only when it is complete. Raises BackupFailed. **Do not call it in a process that has the database open**: the
    locks of that process would be released.
    """
    source, target = source.resolve(), target.resolve()
    if not source.is_file():
        raise BackupFailed(f"there is no file {source}")
    if target == source:
        raise BackupFailed(f"{target} is the store itself: choose another path")
    for companion in (target.with_name(f"{target.name}-wal"), target.with_name(f"{target.name}-shm")):
        if companion.exists():
            raise BackupFailed(f"{companion} exists: an emulator uses {target}, choose another path")
    if target.exists() and not overwrite:
        raise BackupFailed(f"{target} exists: --force overwrites it")
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except OSError as error:
        raise BackupFailed(f"{partial} cannot be created: {error.strerror}") from None
    try:
        _copy(source, partial)
        if overwrite:
            partial.replace(target)
        else:
            _name(partial, target)
    except FileExistsError:
        raise BackupFailed(f"{target} exists: --force overwrites it") from None
    except OSError as error:
        raise BackupFailed(f"{target} cannot be written: {error.strerror}") from None
    finally:
        for path in (partial, partial.with_name(f"{partial.name}-wal"), partial.with_name(f"{partial.name}-shm")):
            with suppress(FileNotFoundError):
                path.unlink()


def _name(partial: Path, target: Path) -> None:
    """Give a file its name, unless a file with this name has appeared meanwhile: then raise FileExistsError."""
    try:
        os.link(partial, target)
    except FileExistsError:
        raise
    except OSError:  # the file system has no hard links: reserve the name, and replace the empty file
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            partial.replace(target)
        except OSError:
            target.unlink()
            raise


def _copy(source: Path, target: Path) -> None:
    with closing(_connect(source)) as reader, closing(_connect(target)) as writer:
        try:
            (application,) = reader.execute("PRAGMA application_id").fetchone()
        except sqlite3.Error as error:
            raise BackupFailed(describe(source, error)) from None
        if application != APPLICATION_ID:
            raise BackupFailed(f"{source} is not the store of an emulator")
        try:
            reader.backup(writer)
            writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            problems = writer.execute("PRAGMA quick_check(1)").fetchall()
        except sqlite3.Error as error:
            raise BackupFailed(f"{source} cannot be copied to {target}: {error}") from None
        if problems != [("ok",)]:
            raise BackupFailed(f"{source} is damaged: {problems[0][0]}")
    descriptor = os.open(target, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None)
