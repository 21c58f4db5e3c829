"""Spool directory: `spool_dir=` and `replay_spool`, also after crashes, interrupts and disk errors.

No fetched item may be lost: each response is on disk before it is parsed.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sms10692 import (
    AsyncClient,
    Client,
    InvalidResponse,
    Reply,
    Report,
    SpoolError,
    VendorRefusal,
    replay_spool,
    responses,
)
from sms10692_mock.admin.app import create_app
from support.emulators import emulator_process
from support.http_client import TIMEOUT

SETTINGS: dict[str, Any] = {"userid": "12", "account": "test", "password": "mima"}
NUMBERS = [str(13000000000 + index) for index in range(5)]


@pytest.fixture
def client() -> Iterator[Client]:
    with Client("http://vendor", **SETTINGS, transport=httpx2.WSGITransport(create_app())) as client:
        yield client


def replayed_numbers(folder: Path) -> list[str]:
    return [item.mobile for batch in replay_spool(folder) for item in batch]


def test_a_spooled_batch_is_replayed_until_it_is_acknowledged(client: Client, tmp_path: Path) -> None:
    client.send(NUMBERS, "内容")
    batch = client.status(spool_dir=tmp_path / "new folder")
    assert [report.mobile for report in batch] == NUMBERS
    assert replayed_numbers(tmp_path / "new folder") == NUMBERS == replayed_numbers(tmp_path / "new folder")
    batch.ack()
    assert replayed_numbers(tmp_path / "new folder") == []
    batch.ack()


def test_reports_and_replies_are_replayed_in_the_order_of_their_fetches(client: Client, tmp_path: Path) -> None:
    client.send(["10000000030", *NUMBERS], "内容")
    for _ in client.status_batches(4, spool_dir=tmp_path):
        pass
    for _ in client.call_batches(spool_dir=tmp_path):
        pass
    batches = list(replay_spool(tmp_path))
    assert [len(batch) for batch in batches] == [4, 2, 1]
    assert [type(batch[0]) for batch in batches] == [Report, Report, Reply]
    for batch in batches:
        batch.ack()
    assert list(tmp_path.iterdir()) == []


def test_an_empty_response_or_refusal_is_not_spooled(client: Client, tmp_path: Path) -> None:
    assert client.status(spool_dir=tmp_path).spool_file is None
    wrong_password = SETTINGS | {"password": "wrong"}
    with Client("http://vendor", **wrong_password, transport=httpx2.WSGITransport(create_app())) as other:
        with pytest.raises(VendorRefusal):
            other.call(spool_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def fixed_response(body: bytes, status: int = 200) -> httpx2.MockTransport:
    return httpx2.MockTransport(lambda request: httpx2.Response(status, content=body))


def test_a_response_that_cannot_be_parsed_stays_in_the_spool(tmp_path: Path) -> None:
    body = b"<returnsms><statusbox><mobile>1</mobile></statusbox></returnsms>"
    with (
        Client("http://vendor", **SETTINGS, transport=fixed_response(body)) as client,
        pytest.raises(InvalidResponse) as raised,
    ):
        client.status(spool_dir=tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.read_bytes() == body
    assert raised.value.spool_file == file
    assert str(file) in str(raised.value)


def test_a_response_without_body_is_not_spooled(tmp_path: Path) -> None:
    with pytest.raises(InvalidResponse) as raised:
        Client("http://vendor", **SETTINGS, transport=fixed_response(b"")).status(spool_dir=tmp_path)
    assert (raised.value.spool_file, list(tmp_path.iterdir())) == (None, [])


def test_an_error_page_is_not_spooled(tmp_path: Path) -> None:
    with (
        Client("http://vendor", **SETTINGS, transport=fixed_response(b"x", 503)) as client,
        pytest.raises(InvalidResponse),
    ):
        client.status(spool_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_truncated_response_is_spooled(tmp_path: Path) -> None:
    body = b"<returnsms><statusbox><mobile>1</mobile>"

    class TruncatedBody(httpx2.SyncByteStream, httpx2.AsyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield body
            raise httpx2.ReadError("gone")

        async def __aiter__(self) -> Any:
            for chunk in self:
                yield chunk

    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, stream=TruncatedBody()))

    async def fetch() -> None:
        async with AsyncClient("http://vendor", **SETTINGS, transport=transport) as client:
            await client.call(spool_dir=tmp_path)

    with Client("http://vendor", **SETTINGS, transport=transport) as client, pytest.raises(InvalidResponse):
        client.call(spool_dir=tmp_path)
    with pytest.raises(InvalidResponse):
        asyncio.run(fetch())
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [body, body]


def test_an_invalid_file_does_not_prevent_the_replay_of_others(client: Client, tmp_path: Path) -> None:
    (tmp_path / "0.status.xml").write_bytes(b"nonsense")
    (tmp_path / "1.status.xml.partial").write_bytes(b"<returns")
    (tmp_path / "notes.xml").write_bytes(b"a foreign file")
    client.send(NUMBERS, "内容")
    client.status(spool_dir=tmp_path)
    batches = replay_spool(tmp_path)
    assert [item.mobile for item in next(batches)] == NUMBERS
    with pytest.raises(InvalidResponse) as raised:
        next(batches)
    assert raised.value.spool_file == tmp_path / "0.status.xml"


FETCH = """
import sys
from sms10692 import Client, responses

def pause(stage):
    print(stage, flush=True)
    sys.stdin.read()

url, folder, stage = sys.argv[1:]
if stage == "before parsing":
    def parse_reports(response):
        pause("spooled")
    responses.parse_reports = parse_reports
with Client(url, userid="12", account="test", password="mima") as client:
    batch = client.status(spool_dir=folder)
    pause("fetched")
    batch.ack()
"""


@pytest.mark.parametrize("stage", ["before parsing", "before ack"])
def test_a_process_killed_between_fetch_and_ack_loses_no_items(stage: str, tmp_path: Path) -> None:
    with emulator_process("--log-level", "error") as (_, (host, port)):
        url = f"http://{host}:{port}"
        with Client(url, **SETTINGS) as client:
            client.send(NUMBERS, "内容")
            with subprocess.Popen(
                [sys.executable, "-c", FETCH, url, str(tmp_path), stage],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            ) as process:
                assert process.stdout is not None
                assert process.stdout.readline() == ("spooled\n" if stage == "before parsing" else "fetched\n")
                process.kill()
                assert process.wait(TIMEOUT) == -signal.SIGKILL
            assert list(client.status()) == []
    assert replayed_numbers(tmp_path) == NUMBERS


def test_an_unusable_directory_is_reported_before_anything_is_fetched(client: Client, tmp_path: Path) -> None:
    client.send(NUMBERS, "内容")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        client.status(spool_dir=tmp_path / "file")
    assert len(client.status()) == len(NUMBERS)


def test_a_response_that_the_disk_has_no_room_for_is_in_the_error(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_disk_full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    client.send(NUMBERS, "内容")
    monkeypatch.setattr("sms10692.spool.os.fsync", raise_disk_full)
    with pytest.raises(SpoolError) as raised:
        client.status(spool_dir=tmp_path)
    assert list(client.status(spool_dir=tmp_path)) == []
    assert [report.mobile for report in responses.parse_reports(raised.value.response)] == NUMBERS


def test_a_refusal_left_by_a_killed_process_is_deleted(client: Client, tmp_path: Path) -> None:
    refusal = "<returnsms><errorstatus><error>1</error><remark>用户名或密码不能为空</remark></errorstatus></returnsms>"
    (tmp_path / "0.status.xml").write_text(refusal, "utf-8")
    client.send(NUMBERS, "内容")
    client.status(spool_dir=tmp_path)
    assert replayed_numbers(tmp_path) == NUMBERS
    assert not (tmp_path / "0.status.xml").exists()


def test_a_complete_response_in_a_partial_file_is_replayed(client: Client, tmp_path: Path) -> None:
    client.send(NUMBERS, "内容")
    file = client.status(spool_dir=tmp_path).spool_file
    assert file is not None
    file.rename(f"{file}.partial")
    (batch,) = replay_spool(tmp_path)
    batch.ack()
    assert list(tmp_path.iterdir()) == []


def test_an_incomplete_partial_file_is_reported_only_when_stale(tmp_path: Path) -> None:
    partial = tmp_path / "0.status.xml.partial"
    partial.write_bytes(b"<returnsms><statusbox>")
    assert list(replay_spool(tmp_path)) == []
    os.utime(partial, (0, 0))
    with pytest.raises(InvalidResponse) as raised:
        list(replay_spool(tmp_path))
    assert raised.value.spool_file == partial


def test_batches_completed_by_another_process_are_skipped(client: Client, tmp_path: Path) -> None:
    (tmp_path / "0.status.xml").mkdir()
    client.send(NUMBERS, "内容")
    for _ in client.status_batches(2, spool_dir=tmp_path):
        pass
    batches = replay_spool(tmp_path)
    first = next(batches)
    for batch in replay_spool(tmp_path):
        batch.ack()
    first.ack()
    assert list(batches) == []


class InterruptedBody(httpx2.SyncByteStream):
    """Response body that raises KeyboardInterrupt after its first chunk."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"<returnsms><statusbox>"
        raise KeyboardInterrupt


class HangingBody(httpx2.AsyncByteStream):
    """Response body that hangs after its first chunk; `is_hanging` is set when the second is requested."""

    def __init__(self) -> None:
        self.is_hanging = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"<returnsms><statusbox>"
        self.is_hanging.set()
        await asyncio.Event().wait()


def test_chunks_received_before_an_interrupt_are_on_disk(tmp_path: Path) -> None:
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, stream=InterruptedBody()))
    with Client("http://vendor", **SETTINGS, transport=transport) as client, pytest.raises(KeyboardInterrupt):
        client.status(spool_dir=tmp_path)
    assert [file.read_bytes() for file in tmp_path.glob("*.status.xml")] == [b"<returnsms><statusbox>"]


def test_chunks_received_before_a_cancellation_are_on_disk(tmp_path: Path) -> None:
    async def fetch_and_cancel() -> None:
        stream = HangingBody()
        transport = httpx2.MockTransport(lambda request: httpx2.Response(200, stream=stream))
        async with AsyncClient("http://vendor", **SETTINGS, transport=transport) as client:
            task = asyncio.create_task(client.status(spool_dir=tmp_path))
            await asyncio.wait_for(stream.is_hanging.wait(), TIMEOUT)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(fetch_and_cancel())
    assert [file.read_bytes() for file in tmp_path.glob("*.status.xml")] == [b"<returnsms><statusbox>"]


def test_spool_files_are_readable_by_their_owner_only(client: Client, tmp_path: Path) -> None:
    client.send(NUMBERS, "内容")
    file = client.status(spool_dir=tmp_path).spool_file
    assert file is not None
    assert file.stat().st_mode & 0o077 == 0
