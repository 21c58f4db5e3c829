"""Spool directory for raw queue responses: written to disk before parsing, because each item is returned only once.

The vendor removes items from its queues when it sends them (4.1, 5.1). With `spool_dir=`, each response that
contains items has its own file in that directory until `FetchedBatch.ack()` deletes it. Chunks are written as they
arrive, so that a crash loses none that was received.
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

Directory: TypeAlias = str | os.PathLike[str]
QueueName: TypeAlias = Literal["status", "call"]

_PARTIAL_SUFFIX: Final = ".partial"
"""Suffix of a file that is still being written."""

_STALE_SECONDS: Final = 600
"""Age after which a partial file is considered abandoned."""


class SpoolFile:
    """Spool file of one response. Create it before sending the request, so that a bad directory costs no items.

    The constructor creates missing directories and raises OSError if a directory or the file cannot be created. The
    file is written under a partial name; `commit` gives it the final one. Use it as a context manager.
    """

    def __init__(self, directory: Directory, queue: QueueName) -> None:
        folder = Path(directory)
        missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        for parent in missing:
            _fsync_directory(parent.parent)
        self._final = folder / f"{time.time_ns():020}-{uuid.uuid4().hex[:8]}.{queue}.xml"
        self._partial = folder / f"{self._final.name}{_PARTIAL_SUFFIX}"
        # Readable by the owner only: the file contains phone numbers and message texts.
        descriptor = os.open(self._partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._write_error: OSError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the file. Without `commit`, a file that is not empty gets its final name, for `replay_spool`."""
        if not self._file.closed:
            is_empty = not self._file.tell()
            self._file.close()
            if is_empty:
                self._partial.unlink(missing_ok=True)
            else:
                self._partial.replace(self._final)

    def write(self, chunk: bytes) -> None:
        """Append a chunk of the response. An OSError is raised later, by `commit`, after the whole response arrived."""
        try:
            view = memoryview(chunk)
            while view and self._write_error is None:
                view = view[self._file.write(view) :]
        except OSError as error:
            self._write_error = error

    def commit(self) -> Path:
        """Flush the file to disk, give it the final name, and return its path. Raises OSError, also that of `write`.

        **The order matters for durability: fsync the file, rename, fsync the directory.**
        """
        if self._write_error is not None:
            raise self._write_error
        os.fsync(self._file.fileno())
        self._file.close()
        self._partial.replace(self._final)
        _fsync_directory(self._final.parent)
        return self._final


def _fsync_directory(directory: Path) -> None:
    if os.name == "nt":  # Windows cannot flush a directory
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replay_spool(directory: Directory) -> Iterator[FetchedBatch[Report] | FetchedBatch[Reply]]:
    """Yield the batches in a spool directory that were not acknowledged with `ack()`, oldest first.

    A missing directory yields none.

    Partial files of a crashed process are included if the response is complete. Other processes may use the directory
    at the same time: a batch can then be yielded to both, and none is lost.

    **Files that cannot be read or parsed stay on disk and do not stop the iteration.** After all readable batches,
    the error of the first such file is raised (InvalidResponse or OSError); its notes (`__notes__`) name the others.
    """
    first_error: InvalidResponse | OSError | None = None
    for file in sorted(Path(directory).glob("*.xml*")):
        queue = file.name.removesuffix(_PARTIAL_SUFFIX).removesuffix(".xml").rpartition(".")[2]
        try:
            batch = _read_batch(file, queue)
        except (InvalidResponse, OSError) as error:
            if first_error is not None and not _is_in_progress(file):
                first_error.add_note(f"{file} cannot be read either: {error}")
            elif not _is_in_progress(file):
                first_error = error
            continue
        if batch is not None:
            yield batch
    if first_error is not None:
        raise first_error


def _is_in_progress(file: Path) -> bool:
    try:
        return file.name.endswith(_PARTIAL_SUFFIX) and time.time() - file.stat().st_mtime < _STALE_SECONDS
    except FileNotFoundError:  # renamed to its final name meanwhile
        return True
    except OSError:
        return False


def _read_batch(file: Path, queue: str) -> FetchedBatch[Report] | FetchedBatch[Reply] | None:
    """Parse a spool file. Return None for an empty batch, a refusal, a foreign file, or a file that has disappeared.

    Raises InvalidResponse and OSError. A file that contains a refusal is deleted.
    """
    if queue not in {"status", "call"} or not file.is_file():
        return None
    try:
        response = RawResponse(200, {}, file.read_bytes())
    except FileNotFoundError:
        return None
    try:
        if queue == "status":
            return FetchedBatch(responses.parse_reports(response), file) or None
        return FetchedBatch(responses.parse_replies(response), file) or None
    except VendorRefusal:
        file.unlink(missing_ok=True)
        return None
    except InvalidResponse as error:
        raise InvalidResponse(error.reason, response, file) from None
