"""What an AsyncClient keeps is written and synced on another thread than that of the event loop."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sms10692 import AsyncClient, InvalidResponse, SpoolError
from sms10692.spool import SpoolFile
from support.client import SETTINGS
from support.emulators import TIMEOUT

BODY = (
    b"<returnsms><statusbox><mobile>15023239810</mobile><taskid>1212</taskid><status>10</status>"
    b"<receivetime>2011-12-02 22:12:11</receivetime><errorcode>DELIVRD</errorcode><extno>01</extno></statusbox>"
    b"</returnsms>"
)


class Chunks(httpx2.AsyncByteStream):
    """A body in several chunks, which then breaks off, hangs or ends."""

    def __init__(self, *chunks: bytes, then: Any = None) -> None:
        self.chunks = chunks
        self.then = then
        self.all_sent = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            yield chunk
        self.all_sent.set()
        if self.then == "hang":
            await asyncio.Event().wait()
        if self.then == "break off":
            raise httpx2.ReadError("gone")


def fetch(folder: Path, *chunks: bytes, then: Any = None) -> Any:
    async def exchange() -> Any:
        transport = httpx2.MockTransport(lambda request: httpx2.Response(200, stream=Chunks(*chunks, then=then)))
        async with AsyncClient("http://vendor", **SETTINGS, transport=transport) as vendor:
            return await vendor.status(keep=folder)

    return asyncio.run(exchange())


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The threads that opened, wrote, synced or closed a file."""
    seen: set[int] = set()

    def noted(name: str) -> None:
        method = getattr(SpoolFile, name)

        def note(*arguments: Any) -> Any:
            seen.add(threading.get_ident())
            return method(*arguments)

        monkeypatch.setattr(SpoolFile, name, note)

    for name in ("__init__", "write", "commit", "__exit__"):
        noted(name)
    fsync = os.fsync

    def synced(descriptor: int) -> None:
        seen.add(threading.get_ident())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", synced)
    return seen


@pytest.mark.parametrize("then", [None, "break off"])
def test_no_file_is_touched_on_the_thread_of_the_event_loop(tmp_path: Path, threads: set[int], then: Any) -> None:
    if then is None:
        assert len(fetch(tmp_path / "new", BODY[:100], BODY[100:])) == 1
    else:
        with pytest.raises(InvalidResponse):
            fetch(tmp_path / "new", BODY[:100], BODY[100:], then=then)
    assert [file.read_bytes() for file in (tmp_path / "new").iterdir()] == [BODY]
    assert threads
    assert threading.get_ident() not in threads


def test_a_failure_of_the_disk_is_told_as_without_a_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sms10692.spool.os.fsync", no_room)
    with pytest.raises(SpoolError) as raised:
        fetch(tmp_path, BODY)
    assert raised.value.reply.body == BODY
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        fetch(tmp_path / "file", BODY)


def test_a_fetch_that_is_cancelled_before_it_has_a_file_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening, go_on, closed = threading.Event(), threading.Event(), threading.Event()
    create, leave = SpoolFile.__init__, SpoolFile.__exit__

    def slow(keeper: SpoolFile, *arguments: Any) -> None:
        opening.set()
        assert go_on.wait(TIMEOUT)
        create(keeper, *arguments)

    def noted(keeper: SpoolFile, *arguments: Any) -> None:
        leave(keeper, *arguments)
        closed.set()

    monkeypatch.setattr(SpoolFile, "__init__", slow)
    monkeypatch.setattr(SpoolFile, "__exit__", noted)

    async def fetch_and_cancel() -> None:
        transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=BODY))
        async with AsyncClient("http://vendor", **SETTINGS, transport=transport) as vendor:
            fetching = asyncio.create_task(vendor.status(keep=tmp_path))
            assert await asyncio.to_thread(opening.wait, TIMEOUT)
            fetching.cancel()
            with pytest.raises(asyncio.CancelledError):
                await fetching
            go_on.set()
            assert await asyncio.to_thread(closed.wait, TIMEOUT)

    asyncio.run(fetch_and_cancel())
    assert list(tmp_path.iterdir()) == []


def test_a_cancellation_while_a_chunk_is_written_leaves_it_whole_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, go_on = threading.Event(), threading.Event()
    write = SpoolFile.write

    def slow(keeper: SpoolFile, chunk: bytes) -> None:
        writing.set()
        assert go_on.wait(TIMEOUT)
        write(keeper, chunk)

    monkeypatch.setattr(SpoolFile, "write", slow)

    async def fetch_and_cancel() -> None:
        transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=BODY))
        async with AsyncClient("http://vendor", **SETTINGS, transport=transport) as vendor:
            fetching = asyncio.create_task(vendor.status(keep=tmp_path))
            assert await asyncio.to_thread(writing.wait, TIMEOUT)
            fetching.cancel()
            await asyncio.sleep(0)
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await fetching

    asyncio.run(fetch_and_cancel())
    assert [file.read_bytes() for file in tmp_path.glob("*.status.xml")] == [BODY]
