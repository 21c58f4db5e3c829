"""An `Emulator` in a test's process answers, is one of several, and ends when it is told to, leaving nothing behind.

Here belongs where it is, and its end. What is turned in it is in `test_emulator_control`, its fixture in
`test_pytest_plugin`.
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
from sms10692_mock.profiles import OBSERVED
from sms10692_mock.server import thread_runner
from support import handles, timings
from support.emulators import TIMEOUT, ask
from support.handles import NUMBER, client

emulator = handles.emulator


def test_it_answers_on_a_socket_and_without_one_as_the_same_vendor(emulator: Emulator) -> None:
    with emulator.account(points=3) as vendor:
        with client(vendor) as there:
            there.send([NUMBER], "内容")
        transport = httpx2.WSGITransport(app=vendor.wsgi)
        with Client(vendor.url, **vendor.credentials, transport=transport) as here:
            assert here.overage().overage == 2
        assert [message.mobile for message in vendor.messages()] == [NUMBER]


def test_several_at_once_know_nothing_of_each_other() -> None:
    with Emulator() as one, Emulator(Options(dialect=OBSERVED)) as other:
        assert one.url != other.url
        assert [emulator.control.health()["dialect"] for emulator in (one, other)] == ["manual", "observed"]
        vendor = one.account()
        with pytest.raises(ControlRefused, match=vendor.userid):
            other.control.get_account(vendor.userid)


def test_one_after_the_other_ends_at_once_and_leaves_nothing_behind() -> None:
    with Emulator():
        pass  # what is only made once
    before = _what_is_held()
    ends = [_end() for _ in range(8)]
    assert any(is_refused for _, is_refused in ends), "a free port may be somebody else's at once, but not each time"
    assert min(took for took, _ in ends) < 0.02 or not timings.TIMINGS_ASSERTED, ends
    until = time.monotonic() + TIMEOUT
    while not all(now <= then for now, then in zip(_what_is_held(), before, strict=True)):
        assert time.monotonic() < until, (before, _what_is_held())
        time.sleep(0.01)  # a thread of an earlier test may come and go


def _what_is_held() -> tuple[int, int]:
    """How many threads and open files there are."""
    gc.collect()
    files = Path("/proc/self/fd")
    return threading.active_count(), len(list(files.iterdir())) if files.exists() else 0


def _end() -> tuple[float, bool]:
    """How long one takes to end, and whether whoever then connects is refused."""
    with Emulator() as emulator:
        with emulator.account() as vendor, client(vendor) as there:
            there.overage()
        address = _address(emulator)
        begun = time.perf_counter()
    took = time.perf_counter() - begun
    with socket.socket() as connection:
        connection.settimeout(TIMEOUT)
        return took, connection.connect_ex(address) == errno.ECONNREFUSED


@pytest.mark.parametrize(
    "waiting", ["for an answer", "with half a head", "with half a body", "for a message", "for events"]
)
def test_it_ends_though_somebody_is_still_waiting(waiting: str, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        with socket.socket() as connection:
            connection.settimeout(TIMEOUT)
            with Emulator() as emulator:
                emulator.control.fault("hang", "overage")
                connection.connect(_address(emulator))
                connection.sendall(_WAITING[waiting])
                _until_heard(emulator, waiting)
            with suppress(ConnectionResetError):  # an end as well
                assert connection.recv(4) in {b"", b"HTTP" if waiting in {"for a message", "for events"} else b""}
    assert capfd.readouterr() == ("", "")


def _until_heard(emulator: Emulator, waiting: str) -> None:
    """Until the emulator knows of whoever waits: he is in its journal, or at its bell, or before somebody answered."""
    until = time.monotonic() + TIMEOUT
    while (waiting == "for an answer" and not emulator.control.requests()) or (
        waiting in {"for a message", "for events"} and not emulator._bell.waiting
    ):
        assert time.monotonic() < until
        time.sleep(0.001)
    assert ask(_address(emulator), b"GET /v2sms.aspx?action=checkkeyword HTTP/1.1\r\nHost: x\r\n\r\n").status == 200


_HEAD = b"POST /v2sms.aspx HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\n"
_WAITING = {
    "for an answer": _HEAD + b"\r\naction=overage&",
    "with half a head": _HEAD,
    "with half a body": _HEAD + b"\r\naction",
    "for events": b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "for a message": b"GET /_mock/accounts/12/messages?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


def _address(emulator: Emulator) -> tuple[str, int]:
    host, _, port = emulator.url.removeprefix("http://").rpartition(":")
    return host, int(port)


def test_it_can_be_entered_again() -> None:
    emulator = Emulator()
    with emulator:
        first = emulator.account()
    with emulator, client(emulator.control.get_account(first.userid)) as there:
        assert there.overage().overage == 1000


def test_outside_of_with_it_says_so() -> None:
    emulator = Emulator()
    with pytest.raises(RuntimeError, match="with Emulator"):
        emulator.account()
    with emulator:
        pass
    with pytest.raises(RuntimeError, match="with Emulator"):
        _ = emulator.url


def test_a_thread_that_cannot_begin_is_no_thread_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError("no server today")

    monkeypatch.setattr(thread_runner, "Server", broken)
    with Emulator() as emulator:
        for _ in range(2):
            with pytest.raises(RuntimeError) as raised:
                _ = emulator.url
            assert "no server today" in str(raised.value.__cause__)
        assert emulator.account().balance().points == 1000
