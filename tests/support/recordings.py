"""The recorder for tests: in a thread of this process, or as the command; and vendors that fail in a chosen way."""

import asyncio
import gc
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sms10692.signing import CHINA
from sms10692_mock.recorder.proxy import RecordingProxy, parse_target
from sms10692_mock.recorder.recorder import Recorder
from sms10692_mock.recording.exchange_folder import StoredExchange, find_exchanges, read_exchange
from support.emulators import killed_after
from support.http_client import TIMEOUT, Address, parse_address, read_request

STARTED = datetime(2026, 11, 30, 20, 0, tzinfo=CHINA)


@contextmanager
def recording(
    vendor_url: str,
    folder: Path,
    *words: str,
    ca: str | None = None,
    problems: list[str] | None = None,
    retry_seconds: float = 5.0,
) -> Iterator[Address]:
    """Record into a folder while the context is active. Yields the address; `problems` gets what is reported."""
    folder.mkdir(exist_ok=True)
    report = (problems if problems is not None else []).append
    recorder = Recorder(folder, STARTED, words, report, retry_seconds=retry_seconds)
    recorder.start()
    listener = socket.create_server(("127.0.0.1", 0))
    loop = asyncio.new_event_loop()
    proxy = RecordingProxy(parse_target(vendor_url, ca), recorder.record, report)
    loop.run_until_complete(proxy.open([listener]))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield listener.getsockname()[:2]
    finally:
        asyncio.run_coroutine_threadsafe(proxy.close(), loop).result(TIMEOUT)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(TIMEOUT)
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        gc.collect()
        assert recorder.close() == 0


@contextmanager
def recorder_process(
    vendor_url: str, folder: Path, *arguments: str
) -> Iterator[tuple["subprocess.Popen[str]", Address]]:
    """Start `sms10692-mock record` on a free port. Yields the process and its address."""
    command = [sys.executable, "-m", "sms10692_mock", "record", "--to", vendor_url, "--out", str(folder), "--port", "0"]
    with subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            assert process.stdout is not None
            with killed_after(process, TIMEOUT):
                first_line = process.stdout.readline()
            assert first_line.startswith("listening on http://"), process.communicate()[1]
            yield process, parse_address(first_line.partition(",")[0])
        finally:
            process.kill()


def read_recording(folder: Path) -> list[StoredExchange]:
    """Read the exchanges of a recording."""
    return [read_exchange(each) for each in find_exchanges(folder)]


Serve = Callable[[socket.socket, bytes], object]


class ScriptedVendor:
    """A vendor that answers as `serve` does, which gets the connection and a request. `requests` are all of them."""

    def __init__(self, serve: Serve) -> None:
        self._serve = serve
        self.requests: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> "ScriptedVendor":
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join(TIMEOUT)
        self._listener.close()
        for thread in self._threads[1:]:
            thread.join(TIMEOUT)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._answer, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(TIMEOUT)
            try:
                while request := read_request(connection):
                    self.requests.append(request)
                    if not self._serve(connection, request):
                        return
            except OSError:
                return


def reset(connection: socket.socket) -> None:
    """Make the connection end with a TCP reset when it is closed."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
