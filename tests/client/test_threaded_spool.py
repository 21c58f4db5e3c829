"""Spool files of AsyncClient: all file I/O runs off the event loop's thread, and cancellation loses no chunk."""

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
from support.http_client import TIMEOUT

BODY = (
    b"<returnsms><statusbox><mobile>15023239810</mobile><taskid>1212</taskid><status>10</status>"
    b"<receivetime>2011-12-02 22:12:11</receivetime><errorcode>DELIVRD</errorcode><extno>01</extno></statusbox>"
    b"</returnsms>"
)


class ChunkedBody(httpx2.AsyncByteStream):
    """Response body in several chunks that then ends, hangs or fails, depending on `then`."""

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
        if self.then == "fail":
            raise httpx2.ReadError("gone")


def fetch(folder: Path, *chunks: bytes, then: Any = None) -> Any:
    async def fetch_status() -> Any:
        transport = httpx2.MockTransport(lambda request: httpx2.Response(200, stream=ChunkedBody(*chunks, then=then)))
        async with AsyncClient("http://vendor", **SETTINGS, transport=transport) as client:
            return await client.status(spool_dir=folder)

    return asyncio.run(fetch_status())


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Record the IDs of the threads that open, write, sync or close a file."""
    recorded: set[int] = set()

    def record_method(name: str) -> None:
        method = getattr(SpoolFile, name)

        def call_and_record(*arguments: Any) -> Any:
            recorded.add(threading.get_ident())
            return method(*arguments)

        monkeypatch.setattr(SpoolFile, name, call_and_record)

    for name in ("__init__", "write", "commit", "__exit__"):
        record_method(name)
    fsync = os.fsync

    def sync_and_record(descriptor: int) -> None:
        recorded.add(threading.get_ident())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", sync_and_record)
    return recorded


@pytest.mark.parametrize("then", [None, "fail"])
def test_no_file_io_runs_on_the_event_loop_thread(tmp_path: Path, threads: set[int], then: Any) -> None:
    if then is None:
        assert len(fetch(tmp_path / "new", BODY[:100], BODY[100:])) == 1
    else:
        with pytest.raises(InvalidResponse):
            fetch(tmp_path / "new", BODY[:100], BODY[100:], then=then)
    assert [file.read_bytes() for file in (tmp_path / "new").iterdir()] == [BODY]
    assert threads
    assert threading.get_ident() not in threads


def test_a_disk_error_is_raised_as_by_the_synchronous_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_disk_full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sms10692.spool.os.fsync", raise_disk_full)
    with pytest.raises(SpoolError) as raised:
        fetch(tmp_path, BODY)
    assert raised.value.response.body == BODY
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        fetch(tmp_path / "file", BODY)


def test_a_fetch_cancelled_while_its_file_is_created_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening, released, closed = threading.Event(), threading.Event(), threading.Event()
    create, close = SpoolFile.__init__, SpoolFile.__exit__

    def create_slowly(spool_file: SpoolFile, *arguments: Any) -> None:
        opening.set()
        assert released.wait(TIMEOUT)
        create(spool_file, *arguments)

    def close_and_record(spool_file: SpoolFile, *arguments: Any) -> None:
        close(spool_file, *arguments)
        closed.set()

    monkeypatch.setattr(SpoolFile, "__init__", create_slowly)
    monkeypatch.setattr(SpoolFile, "__exit__", close_and_record)

    async def fetch_and_cancel() -> None:
        transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=BODY))
        async with AsyncClient("http://vendor", **SETTINGS, transport=transport) as client:
            task = asyncio.create_task(client.status(spool_dir=tmp_path))
            assert await asyncio.to_thread(opening.wait, TIMEOUT)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            released.set()
            assert await asyncio.to_thread(closed.wait, TIMEOUT)

    asyncio.run(fetch_and_cancel())
    assert list(tmp_path.iterdir()) == []


def test_a_chunk_being_written_during_cancellation_reaches_the_disk_completely(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, released = threading.Event(), threading.Event()
    write = SpoolFile.write

    def write_slowly(spool_file: SpoolFile, chunk: bytes) -> None:
        writing.set()
        assert released.wait(TIMEOUT)
        write(spool_file, chunk)

    monkeypatch.setattr(SpoolFile, "write", write_slowly)

    async def fetch_and_cancel() -> None:
        transport = httpx2.MockTransport(lambda request: httpx2.Response(200, content=BODY))
        async with AsyncClient("http://vendor", **SETTINGS, transport=transport) as client:
            task = asyncio.create_task(client.status(spool_dir=tmp_path))
            assert await asyncio.to_thread(writing.wait, TIMEOUT)
            task.cancel()
            await asyncio.sleep(0)
            released.set()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(fetch_and_cancel())
    assert [file.read_bytes() for file in tmp_path.glob("*.status.xml")] == [BODY]
