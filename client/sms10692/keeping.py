"""Answers of the two queues on disk before they are read: the vendor hands each over only once (4.1, 5.1).

Here belong the files of a folder that `keep=` names: one for each answer that held something, until it is `done()`.
"""

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from sms10692 import replies
from sms10692.errors import RawReply, Unreadable
from sms10692.values import Batch, Reply, Report


def keep(folder: str | os.PathLike[str], kind: str, body: bytes) -> Path:
    """Write an answer so that it is there after a crash, or not at all: file, rename and folder are made durable."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{time.time_ns():020}-{uuid.uuid4().hex[:8]}.{kind}.xml"
    whole = folder / name
    partial = folder / f"{name}.partial"
    with partial.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(whole)
    _make_durable(folder)
    return whole


def _make_durable(folder: Path) -> None:
    if os.name == "nt":  # Windows has no handle of a folder to flush
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replay(folder: str | os.PathLike[str]) -> Iterator[Batch[Report] | Batch[Reply]]:
    """Yield the batches that were kept in a folder and are not yet `done()`, oldest first.

    Raises Unreadable, after all that can be read, for the first file that cannot; it stays where it is.
    """
    unreadable: Unreadable | None = None
    for file in sorted(Path(folder).glob("*.xml")):
        try:
            reply = RawReply(200, {}, file.read_bytes())
            if file.name.endswith(".status.xml"):
                yield Batch(replies.reports(reply), file)
            elif file.name.endswith(".call.xml"):
                yield Batch(replies.replies(reply), file)
        except Unreadable as error:
            error.add_note(f"kept in {file}")
            unreadable = unreadable or error
    if unreadable is not None:
        raise unreadable
