"""No server holds a client longer than its deadline, and no answer is taken for that to another request."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from sms10692 import AsyncClient, Client, ConnectionFailed, InvalidResponse
from sms10692.transport import Deadline
from support.client import BODY, EACH_WAY, SETTINGS
from support.emulators import TIMEOUT, read_response
from support.raw_servers import http_answer, server

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


def dripping(before: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    """Sends something at once, and then drop after drop until the client has enough."""

    def serve(connection: socket.socket) -> None:
        connection.sendall(before)
        while True:  # until the client hangs up, which is an OSError
            connection.sendall(drop)
            time.sleep(0.02)  # what a drip is

    return serve


@EACH_WAY
@pytest.mark.parametrize(
    ("before", "drop"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
        (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["first line", "header", "103", "100"],
)
def test_a_head_that_never_ends_is_left_at_the_deadline(send: Any, before: bytes, drop: bytes) -> None:
    with server(dripping(before, drop)) as (url, asked), pytest.raises(ConnectionFailed) as raised:
        send(url, timeout=TIMEOUT, total_timeout=0.5, retries=3)
    assert raised.value.sent
    assert "no complete response within 0.5 s" in str(raised.value)
    assert len(asked) == 1


@EACH_WAY
def test_a_body_that_drips_is_left_at_the_deadline(send: Any) -> None:
    with server(dripping(HEAD, b"x")) as (url, _), pytest.raises(InvalidResponse) as raised:
        send(url, timeout=TIMEOUT, total_timeout=0.5)
    assert "no complete response within 0.5 s" in str(raised.value)
    assert 0 < len(raised.value.body) < 1000
    assert set(raised.value.body) == {ord("x")}


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_what_came_before_the_deadline_is_kept(kind: Any, tmp_path: Any) -> None:
    def fetch(url: str) -> Any:
        settings = SETTINGS | {"timeout": TIMEOUT, "total_timeout": 0.5}
        if kind is Client:
            with Client(url, **settings) as vendor:
                return vendor.status(keep=tmp_path)

        async def fetch_and_await() -> Any:
            async with AsyncClient(url, **settings) as vendor:
                return await vendor.status(keep=tmp_path)

        return asyncio.run(fetch_and_await())

    with server(dripping(HEAD, b"x")) as (url, _), pytest.raises(InvalidResponse) as raised:
        fetch(url)
    assert raised.value.kept is not None
    assert raised.value.kept.read_bytes() == raised.value.body


@EACH_WAY
def test_a_deadline_while_connecting_says_that_nothing_was_sent(send: Any) -> None:
    """The queue of connections is full, so that the next one is never accepted."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        with pytest.raises(ConnectionFailed) as raised:
            send(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=TIMEOUT, total_timeout=0.3)
        for one in waiting:
            one.close()
    assert not raised.value.sent


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_total_timeout_is_a_number_of_seconds_or_none(seconds: float) -> None:
    with pytest.raises(ValueError, match="total_timeout"):
        Client("http://vendor", **SETTINGS, total_timeout=seconds)
    Client("http://vendor", **SETTINGS, total_timeout=None)


def test_a_deadline_leaves_each_step_the_time_that_is_left() -> None:
    now = [100.0]
    deadline = Deadline(10, lambda: now[0])
    assert (deadline.limit_timeout(30, TimeoutError), deadline.limit_timeout(None, TimeoutError)) == (10, 10)  # type: ignore[arg-type]
    now[0] = 109.0
    assert (deadline.limit_timeout(30, TimeoutError), deadline.limit_timeout(0.5, TimeoutError)) == (1, 0.5)  # type: ignore[arg-type]
    now[0] = 110.0
    with pytest.raises(TimeoutError):
        deadline.limit_timeout(30, TimeoutError)  # type: ignore[arg-type]
    assert Deadline(None).limit_timeout(30, TimeoutError) == 30  # type: ignore[arg-type]


def answer(task_id: int) -> bytes:
    return http_answer(BODY.replace(b"100001", str(task_id).encode()))


@pytest.mark.parametrize("late", [False, True], ids=["at once", "before the next answer"])
def test_an_answer_too_many_is_never_taken_for_that_to_the_next_request(late: bool) -> None:
    """Each connection is answered twice, at once or when the next request may be under way."""
    tasks = iter(range(1, 100))
    closed = threading.Semaphore(0)

    def serve(connection: socket.socket) -> None:
        number = next(tasks)
        connection.sendall(answer(number) if late else answer(number) + answer(number * 1000))
        threading.Thread(target=say_more, args=(connection.dup(), number)).start()

    def say_more(connection: socket.socket, number: int) -> None:
        with connection:
            connection.settimeout(TIMEOUT)
            try:
                connection.sendall(answer(number * 1000))
                while read_response(connection):
                    connection.sendall(answer(number * 1000000))
            except OSError:
                pass
        closed.release()

    def sends(url: str) -> list[int]:
        with Client(url, **SETTINGS) as vendor:
            return [vendor.send(["15023239810"], "x").task_id for _ in range(3)]

    async def sends_awaited(url: str) -> list[int]:
        async with AsyncClient(url, **SETTINGS) as vendor:
            return [(await vendor.send(["15023239810"], "x")).task_id for _ in range(3)]

    with server(serve) as (url, asked):
        assert sends(url) == [1, 2, 3]
        assert asyncio.run(sends_awaited(url)) == [4, 5, 6]
        for _ in range(6):
            assert closed.acquire(timeout=TIMEOUT)
    assert len(asked) == 6
    assert all(b"\r\nconnection: close\r\n" in raw.lower() for raw in asked)
