"""Tests of connections to a server under load: writes, half-closed connections, time-outs and shutdown.

`test_sockets` tests the HTTP messages themselves.
"""

import asyncio
import gc
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from sms10692_mock import Emulator
from sms10692_mock.server.protocol import HttpProtocol
from sms10692_mock.server.receive_limits import ConnectionLimits
from support.emulators import UTF8, emulator_process, emulator_server, read_log, wait_exit
from support.http_client import (
    TIMEOUT,
    Address,
    build_request,
    call_control,
    connect,
    parse_address,
    read_all,
    send_raw,
)
from support.serve_cli import QUERY, SEND, get_overage

OVERAGE = build_request(UTF8, f"action=overage&{QUERY}".encode())
HEALTH = b"GET /_mock/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture
def loaded() -> Iterator[Address]:
    """An emulator under load, so that it coalesces the writes of an event-loop iteration."""
    with emulator_process() as (_, address), ExitStack() as connections:
        send_burst(address, connections)
        yield address


def send_burst(address: Address, connections: ExitStack) -> None:
    clients = [connections.enter_context(connect(address)) for _ in range(16)]
    for _ in range(3):
        for connection in clients:
            connection.sendall(OVERAGE)
        for connection in clients:
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


def receive_all(address: Address, raw: bytes) -> bytes:
    """Send bytes, close the sending side, and return everything received."""
    with connect(address) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        return read_all(connection)


@pytest.mark.parametrize(
    "raw",
    [OVERAGE, HEALTH, build_request(UTF8, b"action=overage&userid=12&sign=x&timestamp=1")],
    ids=["vendor", "fallback", "explained"],
)
def test_a_half_closed_connection_gets_its_response(loaded: Address, raw: bytes) -> None:
    assert re.findall(rb"HTTP/1.1 (\d+) ", receive_all(loaded, raw * 3)) == [b"200"] * 3


@pytest.mark.parametrize(
    "last",
    [
        OVERAGE.replace(b"Host: x", b"Connection: close"),
        OVERAGE.replace(b"HTTP/1.1", b"HTTP/1.0"),
        HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        b"nonsense\r\n\r\n",
    ],
    ids=["close", "1.0", "fallback", "nonsense"],
)
def test_bytes_after_the_last_request_are_ignored(loaded: Address, last: bytes) -> None:
    assert receive_all(loaded, last + build_request(UTF8, SEND)).count(b"HTTP/1.1 ") == 1
    assert "<overage>1000<" in get_overage(loaded)


def test_requests_after_a_truncated_response_are_ignored(loaded: Address) -> None:
    call_control(loaded, "POST", "/accounts/12/faults", {"kind": "truncate", "at": 5, "times": 1})
    assert receive_all(loaded, OVERAGE + build_request(UTF8, SEND)).endswith(b"\r\n\r\n<?xml")
    assert "<overage>1000<" in get_overage(loaded)


def test_a_thousand_requests_at_once_over_one_connection_are_all_answered(loaded: Address) -> None:
    received: list[bytes] = []
    with connect(loaded) as connection:
        reader = threading.Thread(
            target=lambda: received.extend(iter(lambda: connection.recv(65536), b"")),
        )
        reader.start()
        for _ in range(1000):
            connection.sendall(HEALTH + OVERAGE)
        connection.shutdown(socket.SHUT_WR)
        reader.join(TIMEOUT)
    assert b"".join(received).count(b"HTTP/1.1 200 OK\r\n") == 2000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither SIGSTOP nor SIGTERM")
def test_requests_processed_before_the_shutdown_get_their_responses() -> None:
    with emulator_process() as (process, address), ExitStack() as connections:
        send_burst(address, connections)
        clients = [connections.enter_context(connect(address)) for _ in range(32)]
        for connection in clients:
            connection.sendall(OVERAGE)
            assert connection.recv(65536)
        process.send_signal(signal.SIGSTOP)
        for connection in clients:
            connection.sendall(build_request(UTF8, SEND))
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        responses = sum(b"<message>ok<" in receive_next(connection) for connection in clients)
        executed = sum("task 10" in line for line in wait_exit(process)[1].splitlines())
        assert responses == executed


def receive_next(connection: socket.socket) -> bytes:
    """Return the next bytes; none if the connection was closed or reset."""
    with suppress(ConnectionError):
        return connection.recv(65536)
    return b""


def test_a_response_after_the_signal_is_the_last_of_its_connection() -> None:
    with emulator_process() as (process, address), ExitStack() as connections:
        fault = {"kind": "latency", "seconds": 0.2, "times": 1}
        call_control(address, "POST", "/accounts/12/faults", fault)
        connection = connections.enter_context(connect(address))
        connection.sendall(OVERAGE)
        read_log(process, 2)
        process.send_signal(signal.SIGTERM)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        assert connection.recv(1) == b""
        wait_exit(process)


def test_a_disconnect_during_a_hang_is_noticed() -> None:
    with emulator_process() as (process, address):
        call_control(address, "POST", "/accounts/12/faults", {"kind": "hang", "operations": ["overage"]})
        before = count_open_files(process.pid)
        for _ in range(5):
            with connect(address) as connection:
                connection.sendall(OVERAGE + b"x" * 200_000)
        while count_open_files(process.pid) > before:
            continue


@pytest.mark.parametrize("seconds", [3600, 86_400])
def test_the_connection_of_a_client_that_disconnects_during_a_delay_is_closed(seconds: float) -> None:
    with emulator_process() as (process, address):
        fault = {"kind": "latency", "seconds": seconds, "operations": ["overage"]}
        call_control(address, "POST", "/accounts/12/faults", fault)
        before = count_open_files(process.pid)
        for _ in range(20):
            with connect(address) as connection:
                connection.sendall(OVERAGE)
        read_log(process, 21)
        while count_open_files(process.pid) > before:
            continue


def test_a_half_closed_connection_gets_a_slightly_delayed_response(loaded: Address) -> None:
    fault = {"kind": "latency", "seconds": 0.05, "times": 1}
    call_control(loaded, "POST", "/accounts/12/faults", fault)
    assert b"<overage>1000<" in receive_all(loaded, OVERAGE)


def count_open_files(pid: int) -> int:
    """Return the number of open files of a process; 0 if the system does not show it."""
    folder = Path(f"/proc/{pid}/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit on Windows")
def test_without_file_descriptors_one_line_is_logged_and_open_connections_are_served() -> None:
    with emulator_process(files=48, at_most=True) as (process, address), ExitStack() as connections:
        connected = connections.enter_context(connect(address))
        connected.sendall(OVERAGE)
        assert connected.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        for _ in range(80):
            connections.enter_context(connect(address))
        for _ in range(20):
            connected.sendall(OVERAGE)
            assert connected.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        connections.close()
        assert send_raw(address, OVERAGE).status == 200
        process.send_signal(signal.SIGTERM)
        assert wait_exit(process)[1].count("no more connections can be accepted") == 1


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/static/console.css", 200), ("HEAD", "/static/console.css", 200)]
)
def test_a_response_has_one_date(loaded: Address, method: str, path: str, status: int) -> None:
    received = receive_all(loaded, f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    assert received.startswith(f"HTTP/1.1 {status} ".encode())
    assert received.partition(b"\r\n\r\n")[0].count(b"\r\nDate: ") == 1


def test_a_response_without_a_body_has_no_content_length(loaded: Address) -> None:
    head = b"GET /static/console.css HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    tag = re.search(rb"\r\nETag: (.*)\r\n", receive_all(loaded, head + b"\r\n"))
    assert tag is not None
    received = receive_all(loaded, head + b"If-None-Match: %b\r\n\r\n" % tag[1])
    assert received.startswith(b"HTTP/1.1 304 ")
    assert received.endswith(b"\r\n\r\n")
    assert b"Content-Length" not in received


@pytest.mark.parametrize("incomplete", [OVERAGE[:30], OVERAGE[:-5]], ids=["head", "body"])
def test_an_incomplete_request_times_out(incomplete: bytes) -> None:
    with (
        emulator_server({}, ConnectionLimits(stalled=0.1, sweep=0.05)) as address,
        connect(address) as idle,
        connect(address) as stalled,
    ):
        idle.sendall(OVERAGE)
        assert idle.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        stalled.sendall(incomplete)
        assert stalled.recv(65536).startswith(b"HTTP/1.1 408 ")
        idle.sendall(OVERAGE)
        assert idle.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    "raw", [OVERAGE, HEALTH, b"no request\r\n\r\n", OVERAGE[:-5]], ids=["vendor", "fallback", "invalid", "incomplete"]
)
def test_a_closed_connection_is_freed_without_a_collection(raw: bytes) -> None:
    """If the heap was frozen while the connection was open, a collection would never free it."""
    with Emulator() as emulator:
        address = parse_address(emulator.url)
        receive_all(address, HEALTH)
        gc.collect()
        gc.disable()
        try:
            assert receive_all(address, raw).startswith(b"HTTP/1.1 ")
            deadline = time.monotonic() + TIMEOUT
            while count_open_transports() and time.monotonic() < deadline:
                time.sleep(0.01)
            assert count_open_transports() == 0
        finally:
            gc.enable()


def count_open_transports() -> int:
    """Count the connections of HTTP servers: stores of earlier tests may have connections of other protocols."""
    transports = [item for item in gc.get_objects() if isinstance(item, asyncio.Transport)]
    return sum(isinstance(transport.get_protocol(), HttpProtocol) for transport in transports)
