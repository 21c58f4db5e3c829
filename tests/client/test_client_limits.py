"""Deadlines, and the rule that a response is never taken for the response to another request."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from sms10692 import AsyncClient, Client, ConnectionFailed, InvalidResponse
from sms10692.transport import Deadline
from support.client import BODY, EACH_SEND, SETTINGS
from support.http_client import TIMEOUT, read_request
from support.raw_servers import encode_response, raw_server

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


def slow_response(before: bytes, drip: bytes) -> Callable[[socket.socket], None]:
    """Return a handler that sends `before` at once, then repeats `drip` until the client disconnects."""

    def serve(connection: socket.socket) -> None:
        connection.sendall(before)
        while True:  # the disconnect raises OSError
            connection.sendall(drip)
            time.sleep(0.02)  # the drip rate

    return serve


@pytest.mark.slow("Waits for deadlines.")
@EACH_SEND
@pytest.mark.parametrize(
    ("before", "drip"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["first line", "header", "103", "100"],
)
def test_an_endless_response_head_ends_at_the_deadline(send: Any, before: bytes, drip: bytes) -> None:
    with raw_server(slow_response(before, drip)) as (url, received), pytest.raises(ConnectionFailed) as raised:
        send(url, timeout=TIMEOUT, total_timeout=0.5, retries=3)
    assert raised.value.maybe_delivered
    assert "no complete response within 0.5 s" in str(raised.value)
    assert len(received) == 1


@EACH_SEND
def test_a_slow_response_body_ends_at_the_deadline(send: Any) -> None:
    with raw_server(slow_response(HEAD, b"x")) as (url, _), pytest.raises(InvalidResponse) as raised:
        send(url, timeout=TIMEOUT, total_timeout=0.5)
    assert "no complete response within 0.5 s" in str(raised.value)
    assert 0 < len(raised.value.body) < 1000
    assert set(raised.value.body) == {ord("x")}


@pytest.mark.parametrize("client_class", [Client, AsyncClient])
def test_chunks_received_before_the_deadline_are_spooled(client_class: Any, tmp_path: Any) -> None:
    def fetch(url: str) -> Any:
        settings = SETTINGS | {"timeout": TIMEOUT, "total_timeout": 0.5}
        if client_class is Client:
            with Client(url, **settings) as client:
                return client.status(spool_dir=tmp_path)

        async def fetch_async() -> Any:
            async with AsyncClient(url, **settings) as client:
                return await client.status(spool_dir=tmp_path)

        return asyncio.run(fetch_async())

    with raw_server(slow_response(HEAD, b"x")) as (url, _), pytest.raises(InvalidResponse) as raised:
        fetch(url)
    assert raised.value.spool_file is not None
    assert raised.value.spool_file.read_bytes() == raised.value.body


@EACH_SEND
def test_a_deadline_while_connecting_reports_that_nothing_was_sent(send: Any) -> None:
    """The listen backlog is full, so that the next connection is never accepted."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        backlog = [socket.socket() for _ in range(3)]
        for waiting in backlog:
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        with pytest.raises(ConnectionFailed) as raised:
            send(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=TIMEOUT, total_timeout=0.3)
        for waiting in backlog:
            waiting.close()
    assert not raised.value.maybe_delivered


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_an_invalid_total_timeout_raises_value_error(seconds: float) -> None:
    with pytest.raises(ValueError, match="total_timeout"):
        Client("http://vendor", **SETTINGS, total_timeout=seconds)
    Client("http://vendor", **SETTINGS, total_timeout=None)


def test_a_deadline_limits_the_timeout_of_each_step() -> None:
    now = [100.0]
    deadline = Deadline(10, lambda: now[0])
    assert (deadline.limit_timeout(30, TimeoutError), deadline.limit_timeout(None, TimeoutError)) == (10, 10)  # type: ignore[arg-type]
    now[0] = 109.0
    assert (deadline.limit_timeout(30, TimeoutError), deadline.limit_timeout(0.5, TimeoutError)) == (1, 0.5)  # type: ignore[arg-type]
    now[0] = 110.0
    with pytest.raises(TimeoutError):
        deadline.limit_timeout(30, TimeoutError)  # type: ignore[arg-type]
    assert Deadline(None).limit_timeout(30, TimeoutError) == 30  # type: ignore[arg-type]


def build_response(task_id: int) -> bytes:
    return encode_response(BODY.replace(b"100001", str(task_id).encode()))


@pytest.mark.parametrize("late", [False, True], ids=["at once", "before the next response"])
def test_an_extra_response_is_never_taken_for_the_response_to_the_next_request(late: bool) -> None:
    """Every connection receives an extra response, at once or while the next request may be in progress."""
    task_ids = iter(range(1, 100))
    closed = threading.Semaphore(0)

    def serve(connection: socket.socket) -> None:
        number = next(task_ids)
        connection.sendall(build_response(number) if late else build_response(number) + build_response(number * 1000))
        threading.Thread(target=send_more, args=(connection.dup(), number)).start()

    def send_more(connection: socket.socket, number: int) -> None:
        with connection:
            connection.settimeout(TIMEOUT)
            try:
                connection.sendall(build_response(number * 1000))
                while read_request(connection):
                    connection.sendall(build_response(number * 1000000))
            except OSError:
                pass
        closed.release()

    def send_three(url: str) -> list[int]:
        with Client(url, **SETTINGS) as client:
            return [client.send(["15023239810"], "x").task_id for _ in range(3)]

    async def send_three_async(url: str) -> list[int]:
        async with AsyncClient(url, **SETTINGS) as client:
            return [(await client.send(["15023239810"], "x")).task_id for _ in range(3)]

    with raw_server(serve) as (url, received):
        assert send_three(url) == [1, 2, 3]
        assert asyncio.run(send_three_async(url)) == [4, 5, 6]
        for _ in range(6):
            assert closed.acquire(timeout=TIMEOUT)
    assert len(received) == 6
    assert all(b"\r\nconnection: close\r\n" in raw.lower() for raw in received)
