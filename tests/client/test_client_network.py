"""Nothing is sent twice, nothing that came is lost, and every failure is one of the tree.

Servers that hang up, hang, or never stop, on real sockets. What is tried again is in `test_client_retries`.
"""

import asyncio
import socket
import struct
import threading
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sms10692 import AsyncClient, Client, ConnectionFailed, InvalidResponse, SmsError
from support.client import BODY, EACH_WAY, SETTINGS
from support.emulators import TIMEOUT, closed_port
from support.raw_servers import http_answer, server

ANSWER = http_answer(BODY)


def failures(url: str, times: int) -> list[SmsError]:
    """The errors of so many sends."""
    errors = []
    with Client(url, **SETTINGS) as vendor:
        for _ in range(times):
            with pytest.raises(SmsError) as raised:
                vendor.send(["15023239810"], "内容")
            errors.append(raised.value)
    return errors


def failures_awaited(url: str, times: int) -> list[SmsError]:
    async def exchanges() -> list[SmsError]:
        errors = []
        async with AsyncClient(url, **SETTINGS) as vendor:
            for _ in range(times):
                with pytest.raises(SmsError) as raised:
                    await vendor.send(["15023239810"], "内容")
                errors.append(raised.value)
        return errors

    return asyncio.run(exchanges())


@pytest.mark.parametrize("failures", [failures, failures_awaited])
def test_a_server_that_hangs_up_at_any_byte_of_the_answer_is_told_apart(failures: Any) -> None:
    cuts = iter(range(len(ANSWER)))
    with server(lambda connection: connection.sendall(ANSWER[: next(cuts)])) as (url, asked):
        errors = failures(url, len(ANSWER))
    head = len(ANSWER) - len(BODY)
    assert [error.sent for error in errors[:head]] == [True] * head
    assert [error.body for error in errors[head:]] == [BODY[:length] for length in range(len(BODY))]
    assert len(asked) == len(ANSWER)


@EACH_WAY
def test_a_server_that_never_answers_may_have_received_it(send: Any) -> None:
    hold = threading.Event()
    patient = httpx2.Timeout(TIMEOUT, read=0.2)  # only for the answer that never comes
    with server(lambda connection: hold.wait(TIMEOUT)) as (url, asked):
        with pytest.raises(ConnectionFailed) as raised:
            send(url, timeout=patient, retries=3)
        hold.set()
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=TIMEOUT) as last:
            last.sendall(b"GET /last HTTP/1.1\r\n\r\n")
            assert last.recv(1) == b""
    assert raised.value.sent
    assert [raw[:4] for raw in asked] == [b"POST", b"GET "]


@EACH_WAY
def test_nobody_at_the_address_means_nothing_was_sent(send: Any) -> None:
    with closed_port() as port, pytest.raises(ConnectionFailed) as raised:
        send(f"http://127.0.0.1:{port}")
    assert not raised.value.sent


@EACH_WAY
def test_an_answer_of_100_megabytes_is_read_up_to_the_limit(send: Any) -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x" * 1_000_000)

    with server(endless) as (url, _), pytest.raises(InvalidResponse) as raised:
        send(url)
    assert len(raised.value.body) == 64 * 1024 * 1024
    assert "longer than 67108864 bytes" in raised.value.why


@EACH_WAY
def test_a_connection_that_is_reset_says_why(send: Any) -> None:
    def reset(connection: socket.socket) -> None:
        connection.sendall(ANSWER[:-20])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with server(reset) as (url, _), pytest.raises((InvalidResponse, ConnectionFailed)) as raised:
        send(url)
    assert isinstance(raised.value, InvalidResponse | ConnectionFailed)
    assert not raised.value.why.endswith((" ", ":"))


@EACH_WAY
def test_a_redirection_is_not_followed(send: Any) -> None:
    elsewhere = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with (
        server(lambda connection: connection.sendall(elsewhere)) as (url, asked),
        pytest.raises(InvalidResponse) as raised,
    ):
        send(url)
    assert (raised.value.status, raised.value.headers["location"], len(asked)) == (302, "http://127.0.0.1:1/", 1)


@EACH_WAY
def test_an_answer_that_was_compressed_unasked_is_read(send: Any) -> None:
    import gzip

    packed = gzip.compress(BODY)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with server(lambda connection: connection.sendall(head + packed)) as (url, asked):
        assert send(url).task_id == 100001
        assert b"accept-encoding: identity" in asked[0].lower()
    broken = head + b"y" * len(packed)
    with server(lambda connection: connection.sendall(broken)) as (url, _), pytest.raises(InvalidResponse):
        send(url)


HEADS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 200\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 999 \xff\r\n",
        b"HTTP/2 200\r\n",
    ]
)
LINES = st.sampled_from(
    [
        b"Content-Length: 5\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 5, 6\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Encoding: nonsense, br, zstd\r\n",
        b"Content-Type: text/xml; charset=\xc4\xda\r\n",
        b"Set-Cookie: a=b; Max-Age=x; Domain=\xff\r\n",
        b"Location: http://[\r\n",
        b"Connection: upgrade\r\n",
        b" folded\r\n",
        b"no colon\r\n",
    ]
)
RESPONSES = st.binary() | st.builds(
    lambda head, lines, body: head + b"".join(lines) + b"\r\n" + body, HEADS, st.lists(LINES, max_size=4), st.binary()
)


def test_any_bytes_of_a_server_are_a_value_or_an_error_of_the_tree() -> None:
    response = b""
    with server(lambda connection: connection.sendall(response)) as (url, _):
        with Client(url, **SETTINGS, timeout=TIMEOUT) as vendor:

            @given(drawn=RESPONSES)
            @settings(max_examples=300)
            def holds(drawn: bytes) -> None:
                nonlocal response
                response = drawn
                with pytest.raises((ConnectionFailed, InvalidResponse)):
                    vendor.overage()

            holds()
