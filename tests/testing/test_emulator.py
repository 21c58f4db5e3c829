"""`Emulator`: serves in process, several at once, and leaves nothing behind.

The control API is tested in `test_emulator_control`, the fixture in `test_pytest_plugin`.
"""

import errno
import gc
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sms10692 import Client
from sms10692_mock import ControlRefused, Emulator, Options
from sms10692_mock.domain.profiles import OBSERVED
from sms10692_mock.server import thread_runner
from support import handles, timings
from support.handles import NUMBER, open_client
from support.http_client import TIMEOUT, parse_address, send_raw

emulator = handles.emulator


def test_http_and_wsgi_serve_the_same_vendor(emulator: Emulator) -> None:
    with emulator.account(points=3) as vendor:
        with open_client(vendor) as client:
            client.send([NUMBER], "内容")
        transport = httpx2.WSGITransport(app=vendor.wsgi)
        with Client(vendor.url, **vendor.credentials, transport=transport) as wsgi_client:
            assert wsgi_client.overage().overage == 2
        assert [message.mobile for message in vendor.messages()] == [NUMBER]


def test_emulators_are_independent() -> None:
    with Emulator() as first, Emulator(Options(profiles=(OBSERVED,))) as second:
        assert first.url != second.url
        assert [emulator.control.health()["profile"] for emulator in (first, second)] == ["manual", "observed"]
        vendor = first.account()
        with pytest.raises(ControlRefused, match=vendor.userid):
            second.control.get_account(vendor.userid)


def test_an_emulator_stops_at_once_and_leaves_nothing_behind() -> None:
    with Emulator():
        pass  # create the threads and files that are created once per process
    before = _count_threads_and_files()
    stops = [_measure_stop() for _ in range(8)]
    assert any(is_refused for _, is_refused in stops), "another process may reuse a free port once, but not each time"
    assert min(seconds for seconds, _ in stops) < 0.02 or not timings.TIMINGS_ASSERTED, stops
    until = time.monotonic() + TIMEOUT
    while not all(now <= then for now, then in zip(_count_threads_and_files(), before, strict=True)):
        assert time.monotonic() < until, (before, _count_threads_and_files())
        time.sleep(0.01)  # a thread of an earlier test may start or end meanwhile


def _count_threads_and_files() -> tuple[int, int]:
    """Return the numbers of threads and open files."""
    gc.collect()
    files = Path("/proc/self/fd")
    return threading.active_count(), len(list(files.iterdir())) if files.exists() else 0


def _measure_stop() -> tuple[float, bool]:
    """Return how long an emulator takes to stop, and whether a connection is refused afterwards."""
    with Emulator() as emulator:
        with emulator.account() as vendor, open_client(vendor) as client:
            client.overage()
        address = parse_address(emulator.url)
        started = time.perf_counter()
    seconds = time.perf_counter() - started
    with socket.socket() as connection:
        connection.settimeout(TIMEOUT)
        return seconds, connection.connect_ex(address) == errno.ECONNREFUSED


@pytest.mark.parametrize("pending", ["response", "half a head", "half a body", "message", "events"])
def test_an_emulator_stops_while_a_request_is_pending(pending: str, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        with socket.socket() as connection:
            connection.settimeout(TIMEOUT)
            with Emulator() as emulator:
                emulator.control.fault("hang", "overage")
                connection.connect(parse_address(emulator.url))
                connection.sendall(_PENDING_REQUESTS[pending])
                _wait_until_received(emulator, pending)
            with suppress(ConnectionResetError):  # a reset means that the connection is closed, too
                assert connection.recv(4) in {b"", b"HTTP" if pending in {"message", "events"} else b""}
    assert capfd.readouterr() == ("", "")


def _wait_until_received(emulator: Emulator, pending: str) -> None:
    """Wait until the emulator has received the pending request.

    The request is then in the request log, or subscribed to the notifier, or older than a completed request.
    """
    until = time.monotonic() + TIMEOUT
    while (pending == "response" and not emulator.control.requests()) or (
        pending in {"message", "events"} and not emulator._notifier.waiting
    ):
        assert time.monotonic() < until
        time.sleep(0.001)
    assert (
        send_raw(parse_address(emulator.url), b"GET /v2sms.aspx?action=checkkeyword HTTP/1.1\r\nHost: x\r\n\r\n").status
        == 200
    )


_HEAD = b"POST /v2sms.aspx HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\n"
_PENDING_REQUESTS = {
    "response": _HEAD + b"\r\naction=overage&",
    "half a head": _HEAD,
    "half a body": _HEAD + b"\r\naction",
    "events": b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "message": b"GET /_mock/accounts/12/messages?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


def test_an_emulator_can_be_entered_again() -> None:
    emulator = Emulator()
    with emulator:
        first = emulator.account()
    with emulator, open_client(emulator.control.get_account(first.userid)) as client:
        assert client.overage().overage == 1000


def test_use_outside_of_with_is_reported() -> None:
    emulator = Emulator()
    with pytest.raises(RuntimeError, match="with Emulator"):
        emulator.account()
    with emulator:
        pass
    with pytest.raises(RuntimeError, match="with Emulator"):
        _ = emulator.url


def test_a_server_that_cannot_start_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError("no server today")

    monkeypatch.setattr(thread_runner, "Server", broken)
    with Emulator() as emulator:
        for _ in range(2):
            with pytest.raises(RuntimeError) as raised:
                _ = emulator.url
            assert "no server today" in str(raised.value.__cause__)
        assert emulator.account().balance().points == 1000
