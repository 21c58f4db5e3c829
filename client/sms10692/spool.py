"""Answers of the two queues on disk before they are read: the vendor hands each over only once (4.1, 5.1).

Here belong the files of a folder that `keep=` names: one for each answer that held something, until it is `done()`.
What comes is written as it comes, so that what a crash leaves is all that came.
"""

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias

from sms10692 import responses
from sms10692.errors import InvalidResponse, RawResponse, VendorRefusal
from sms10692.models import FetchedBatch, Reply, Report

Folder: TypeAlias = str | os.PathLike[str]
Queue: TypeAlias = Literal["status", "call"]

_PARTIAL: Final = ".partial"
_STALE_SECONDS: Final = 600
"""Seconds after which nobody is writing a partial file any more."""


class SpoolFile:
    """A file for an answer that is still to come, made before it is asked for: a bad folder costs nothing yet.

    Raises OSError, when it is made, where the folder can be neither found nor made nor written to.
    """

    def __init__(self, folder: Folder, queue: Queue) -> None:
        place = Path(folder)
        new = [parent for parent in (place, *place.parents) if not parent.exists()]
        place.mkdir(parents=True, exist_ok=True)
        for parent in new:
            _fsync_directory(parent.parent)
        self._whole = place / f"{time.time_ns():020}-{uuid.uuid4().hex[:8]}.{queue}.xml"
        self._partial = place / f"{self._whole.name}{_PARTIAL}"
        descriptor = os.open(self._partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)  # people's numbers and texts
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._failure: OSError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Whatever interrupts it, what came stays, under a name that `replay` finds."""
        if not self._file.closed:
            empty = not self._file.tell()
            self._file.close()
            if empty:
                self._partial.unlink(missing_ok=True)
            else:
                self._partial.replace(self._whole)

    def write(self, piece: bytes) -> None:
        """Write what has come. A failure is told by `keep`, once all has come."""
        try:
            view = memoryview(piece)
            while view and self._failure is None:
                view = view[self._file.write(view) :]
        except OSError as error:
            self._failure = error

    def keep(self) -> Path:
        """Make what was written durable under its final name, and return that. Raises OSError."""
        if self._failure is not None:
            raise self._failure
        os.fsync(self._file.fileno())
        self._file.close()
        self._partial.replace(self._whole)
        _fsync_directory(self._whole.parent)
        return self._whole


def _fsync_directory(folder: Path) -> None:
    if os.name == "nt":  # Windows has no handle of a folder to flush
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replay_spool(folder: Folder) -> Iterator[FetchedBatch[Report] | FetchedBatch[Reply]]:
    """Yield the batches that were kept in a folder and are not yet `done()`, oldest first; none if there is no folder.

    What a crash left in the middle of being written is yielded too, if it is whole. Another process may be at work in
    the same folder: a batch may then come to both, and none is lost.

    Files that cannot be read stay where they are and hide no others: after all that can be read, the error for the
    first of them is raised, Unreadable or OSError, and a note on it (`__notes__`) names each of the rest.
    """
    first: InvalidResponse | OSError | None = None
    for file in sorted(Path(folder).glob("*.xml*")):
        queue = file.name.removesuffix(_PARTIAL).removesuffix(".xml").rpartition(".")[2]
        try:
            batch = _read(file, queue)
        except (InvalidResponse, OSError) as error:
            if first is not None and not _is_in_progress(file):
                first.add_note(f"{file} cannot be read either: {error}")
            elif not _is_in_progress(file):
                first = error
            continue
        if batch is not None:
            yield batch
    if first is not None:
        raise first


def _is_in_progress(file: Path) -> bool:
    try:
        return file.name.endswith(_PARTIAL) and time.time() - file.stat().st_mtime < _STALE_SECONDS
    except FileNotFoundError:  # it has its final name by now
        return True
    except OSError:
        return False


def _read(file: Path, queue: str) -> FetchedBatch[Report] | FetchedBatch[Reply] | None:
    """The batch in a file; None where it holds nothing to hand over, or is none of ours, or is gone by now."""
    if queue not in {"status", "call"} or not file.is_file():
        return None
    try:
        reply = RawResponse(200, {}, file.read_bytes())
    except FileNotFoundError:
        return None
    try:
        if queue == "status":
            return FetchedBatch(responses.parse_reports(reply), file) or None
        return FetchedBatch(responses.parse_replies(reply), file) or None
    except VendorRefusal:
        file.unlink(missing_ok=True)
        return None
    except InvalidResponse as error:
        raise InvalidResponse(error.why, reply, file) from None
