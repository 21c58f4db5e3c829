"""Nothing fetched is lost: what the vendor hands over once is on disk before it is read.

Here belongs `keep=` and `replay`, and processes that are killed in between.
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
from support.emulators import TIMEOUT, emulator_process

SETTINGS: dict[str, Any] = {"userid": "12", "account": "test", "password": "mima"}
NUMBERS = [str(13000000000 + place) for place in range(5)]


@pytest.fixture
def vendor() -> Iterator[Client]:
    with Client("http://vendor", **SETTINGS, transport=httpx2.WSGITransport(create_app())) as vendor:
        yield vendor


def replayed(folder: Path) -> list[str]:
    return [item.mobile for batch in replay_spool(folder) for item in batch]


def test_a_kept_batch_is_replayed_until_it_is_done(vendor: Client, tmp_path: Path) -> None:
    vendor.send(NUMBERS, "内容")
    batch = vendor.status(keep=tmp_path / "new folder")
    assert [report.mobile for report in batch] == NUMBERS
    assert replayed(tmp_path / "new folder") == NUMBERS == replayed(tmp_path / "new folder")
    batch.done()
    assert replayed(tmp_path / "new folder") == []
    batch.done()


def test_reports_and_replies_are_replayed_in_the_order_of_their_fetches(vendor: Client, tmp_path: Path) -> None:
    vendor.send(["10000000030", *NUMBERS], "内容")
    for _ in vendor.status_batches(4, keep=tmp_path):
        pass
    for _ in vendor.call_batches(keep=tmp_path):
        pass
    batches = list(replay_spool(tmp_path))
    assert [len(batch) for batch in batches] == [4, 2, 1]
    assert [type(batch[0]) for batch in batches] == [Report, Report, Reply]
    for batch in batches:
        batch.done()
    assert list(tmp_path.iterdir()) == []


def test_an_answer_with_nothing_in_it_is_not_kept(vendor: Client, tmp_path: Path) -> None:
    assert vendor.status(keep=tmp_path).kept is None
    wrong = SETTINGS | {"password": "wrong"}
    with Client("http://vendor", **wrong, transport=httpx2.WSGITransport(create_app())) as other:
        with pytest.raises(VendorRefusal):
            other.call(keep=tmp_path)
    assert list(tmp_path.iterdir()) == []


def answering(body: bytes, status: int = 200) -> httpx2.MockTransport:
    return httpx2.MockTransport(lambda request: httpx2.Response(status, content=body))


def test_an_answer_that_cannot_be_read_is_kept_for_whoever_can(tmp_path: Path) -> None:
    body = b"<returnsms><statusbox><mobile>1</mobile></statusbox></returnsms>"
    with (
        Client("http://vendor", **SETTINGS, transport=answering(body)) as vendor,
        pytest.raises(InvalidResponse) as raised,
    ):
        vendor.status(keep=tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.read_bytes() == body
    assert raised.value.kept == file
    assert str(file) in str(raised.value)


def test_an_answer_without_a_byte_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(InvalidResponse) as raised:
        Client("http://vendor", **SETTINGS, transport=answering(b"")).status(keep=tmp_path)
    assert (raised.value.kept, list(tmp_path.iterdir())) == (None, [])


def test_an_error_page_is_not_kept(tmp_path: Path) -> None:
    with Client("http://vendor", **SETTINGS, transport=answering(b"x", 503)) as vendor, pytest.raises(InvalidResponse):
        vendor.status(keep=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_came_of_an_answer_that_broke_off_is_kept(tmp_path: Path) -> None:
    body = b"<returnsms><statusbox><mobile>1</mobile>"

    class BreaksOff(httpx2.SyncByteStream, httpx2.AsyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield body
            raise httpx2.ReadError("gone")

        async def __aiter__(self) -> Any:
            for piece in self:
                yield piece

    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, stream=BreaksOff()))

    async def fetch() -> None:
        async with AsyncClient("http://vendor", **SETTINGS, transport=transport) as vendor:
            await vendor.call(keep=tmp_path)

    with Client("http://vendor", **SETTINGS, transport=transport) as vendor, pytest.raises(InvalidResponse):
        vendor.call(keep=tmp_path)
    with pytest.raises(InvalidResponse):
        asyncio.run(fetch())
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [body, body]


def test_a_file_that_cannot_be_read_keeps_no_other_from_being_replayed(vendor: Client, tmp_path: Path) -> None:
    (tmp_path / "0.status.xml").write_bytes(b"nonsense")
    (tmp_path / "1.status.xml.partial").write_bytes(b"<returns")
    (tmp_path / "notes.xml").write_bytes(b"of somebody else")
    vendor.send(NUMBERS, "内容")
    vendor.status(keep=tmp_path)
    batches = replay_spool(tmp_path)
    assert [item.mobile for item in next(batches)] == NUMBERS
    with pytest.raises(InvalidResponse) as raised:
        next(batches)
    assert raised.value.kept == tmp_path / "0.status.xml"


FETCH = """
import sys
from sms10692 import Client, responses

def pause(word):
    print(word, flush=True)
    sys.stdin.read()

url, folder, moment = sys.argv[1:]
if moment == "before it is read":
    def parse_reports(response):
        pause("kept")
    responses.parse_reports = parse_reports
with Client(url, userid="12", account="test", password="mima") as vendor:
    batch = vendor.status(keep=folder)
    pause("fetched")
    batch.done()
"""


@pytest.mark.parametrize("moment", ["before it is read", "before it is done"])
def test_a_process_that_is_killed_between_fetch_and_commit_loses_nothing(moment: str, tmp_path: Path) -> None:
    with emulator_process("--log-level", "error") as (_, (host, port)):
        url = f"http://{host}:{port}"
        with Client(url, **SETTINGS) as vendor:
            vendor.send(NUMBERS, "内容")
            with subprocess.Popen(
                [sys.executable, "-c", FETCH, url, str(tmp_path), moment],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            ) as process:
                assert process.stdout is not None
                assert process.stdout.readline() == ("kept\n" if moment == "before it is read" else "fetched\n")
                process.kill()
                assert process.wait(TIMEOUT) == -signal.SIGKILL
            assert list(vendor.status()) == []
    assert replayed(tmp_path) == NUMBERS


def test_a_folder_that_cannot_be_used_is_told_before_anything_is_fetched(vendor: Client, tmp_path: Path) -> None:
    vendor.send(NUMBERS, "内容")
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        vendor.status(keep=tmp_path / "file")
    assert len(vendor.status()) == len(NUMBERS)


def test_an_answer_that_the_disk_has_no_room_for_is_in_the_error(
    vendor: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    vendor.send(NUMBERS, "内容")
    monkeypatch.setattr("sms10692.spool.os.fsync", no_room)
    with pytest.raises(SpoolError) as raised:
        vendor.status(keep=tmp_path)
    assert list(vendor.status(keep=tmp_path)) == []
    assert [report.mobile for report in responses.parse_reports(raised.value.reply)] == NUMBERS


def test_a_refusal_that_a_killed_process_left_is_no_obstacle(vendor: Client, tmp_path: Path) -> None:
    refusal = "<returnsms><errorstatus><error>1</error><remark>用户名或密码不能为空</remark></errorstatus></returnsms>"
    (tmp_path / "0.status.xml").write_text(refusal, "utf-8")
    vendor.send(NUMBERS, "内容")
    vendor.status(keep=tmp_path)
    assert replayed(tmp_path) == NUMBERS
    assert not (tmp_path / "0.status.xml").exists()


def test_a_whole_answer_that_was_not_yet_renamed_is_replayed(vendor: Client, tmp_path: Path) -> None:
    vendor.send(NUMBERS, "内容")
    kept = vendor.status(keep=tmp_path).kept
    assert kept is not None
    kept.rename(f"{kept}.partial")
    (batch,) = replay_spool(tmp_path)
    batch.done()
    assert list(tmp_path.iterdir()) == []


def test_half_an_answer_is_told_when_nobody_writes_it_any_more(tmp_path: Path) -> None:
    half = tmp_path / "0.status.xml.partial"
    half.write_bytes(b"<returnsms><statusbox>")
    assert list(replay_spool(tmp_path)) == []
    os.utime(half, (0, 0))
    with pytest.raises(InvalidResponse) as raised:
        list(replay_spool(tmp_path))
    assert raised.value.kept == half


def test_batches_that_somebody_else_has_done_are_passed_over(vendor: Client, tmp_path: Path) -> None:
    (tmp_path / "0.status.xml").mkdir()
    vendor.send(NUMBERS, "内容")
    for _ in vendor.status_batches(2, keep=tmp_path):
        pass
    batches = replay_spool(tmp_path)
    first = next(batches)
    for batch in replay_spool(tmp_path):
        batch.done()
    first.done()
    assert list(batches) == []


class Interrupted(httpx2.SyncByteStream):
    """An answer in the middle of which somebody presses Ctrl-C."""

    def __iter__(self) -> Iterator[bytes]:
        yield b"<returnsms><statusbox>"
        raise KeyboardInterrupt


class Hangs(httpx2.AsyncByteStream):
    """An answer that goes no further after its first piece, and says when it was asked for the second."""

    def __init__(self) -> None:
        self.hangs = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"<returnsms><statusbox>"
        self.hangs.set()
        await asyncio.Event().wait()


def test_what_came_before_an_interrupt_is_on_disk(tmp_path: Path) -> None:
    transport = httpx2.MockTransport(lambda request: httpx2.Response(200, stream=Interrupted()))
    with Client("http://vendor", **SETTINGS, transport=transport) as vendor, pytest.raises(KeyboardInterrupt):
        vendor.status(keep=tmp_path)
    assert [file.read_bytes() for file in tmp_path.glob("*.status.xml")] == [b"<returnsms><statusbox>"]


def test_what_came_before_a_cancellation_is_on_disk(tmp_path: Path) -> None:
    async def fetch_and_cancel() -> None:
        stream = Hangs()
        transport = httpx2.MockTransport(lambda request: httpx2.Response(200, stream=stream))
        async with AsyncClient("http://vendor", **SETTINGS, transport=transport) as vendor:
            fetching = asyncio.create_task(vendor.status(keep=tmp_path))
            await asyncio.wait_for(stream.hangs.wait(), TIMEOUT)
            fetching.cancel()
            with pytest.raises(asyncio.CancelledError):
                await fetching

    asyncio.run(fetch_and_cancel())
    assert [file.read_bytes() for file in tmp_path.glob("*.status.xml")] == [b"<returnsms><statusbox>"]


def test_kept_answers_are_for_their_owner_alone(vendor: Client, tmp_path: Path) -> None:
    vendor.send(NUMBERS, "内容")
    kept = vendor.status(keep=tmp_path).kept
    assert kept is not None
    assert kept.stat().st_mode & 0o077 == 0
