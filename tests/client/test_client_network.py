"""Network failures on real sockets: disconnects, missing, oversized and malformed responses.

Every failure is an SmsError with the bytes received, and nothing is sent twice. Retries are tested in
`test_client_retries`.
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
from support.client import BODY, EACH_SEND, SETTINGS
from support.http_client import TIMEOUT, closed_port
from support.raw_servers import encode_response, raw_server

RESPONSE = encode_response(BODY)


def collect_errors(url: str, times: int) -> list[SmsError]:
    """Send `times` times, each of which must fail; return the errors."""
    errors = []
    with Client(url, **SETTINGS) as client:
        for _ in range(times):
            with pytest.raises(SmsError) as raised:
                client.send(["15023239810"], "内容")
            errors.append(raised.value)
    return errors


def collect_errors_async(url: str, times: int) -> list[SmsError]:
    async def collect() -> list[SmsError]:
        errors = []
        async with AsyncClient(url, **SETTINGS) as client:
            for _ in range(times):
                with pytest.raises(SmsError) as raised:
                    await client.send(["15023239810"], "内容")
                errors.append(raised.value)
        return errors

    return asyncio.run(collect())


@pytest.mark.parametrize("collect", [collect_errors, collect_errors_async])
def test_a_disconnect_at_any_byte_of_the_response_is_classified_correctly(collect: Any) -> None:
    lengths = iter(range(len(RESPONSE)))
    with raw_server(lambda connection: connection.sendall(RESPONSE[: next(lengths)])) as (url, received):
        errors = collect(url, len(RESPONSE))
    head_length = len(RESPONSE) - len(BODY)
    assert [error.maybe_delivered for error in errors[:head_length]] == [True] * head_length
    assert [error.body for error in errors[head_length:]] == [BODY[:length] for length in range(len(BODY))]
    assert len(received) == len(RESPONSE)


@EACH_SEND
def test_a_server_that_never_responds_may_have_received_the_request(send: Any) -> None:
    released = threading.Event()
    timeout = httpx2.Timeout(TIMEOUT, read=0.2)  # short only for reading the response
    with raw_server(lambda connection: released.wait(TIMEOUT)) as (url, received):
        with pytest.raises(ConnectionFailed) as raised:
            send(url, timeout=timeout, retries=3)
        released.set()
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=TIMEOUT) as last:
            last.sendall(b"GET /last HTTP/1.1\r\n\r\n")
            assert last.recv(1) == b""
    assert raised.value.maybe_delivered
    assert [raw[:4] for raw in received] == [b"POST", b"GET "]


@EACH_SEND
def test_a_refused_connection_means_nothing_was_sent(send: Any) -> None:
    with closed_port() as port, pytest.raises(ConnectionFailed) as raised:
        send(f"http://127.0.0.1:{port}")
    assert not raised.value.maybe_delivered


@EACH_SEND
def test_a_response_of_100_megabytes_is_read_up_to_the_limit(send: Any) -> None:
    def send_large(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x" * 1_000_000)

    with raw_server(send_large) as (url, _), pytest.raises(InvalidResponse) as raised:
        send(url)
    assert len(raised.value.body) == 64 * 1024 * 1024
    assert "longer than 67108864 bytes" in raised.value.reason


@EACH_SEND
def test_the_error_for_a_reset_connection_states_the_cause(send: Any) -> None:
    def reset(connection: socket.socket) -> None:
        connection.sendall(RESPONSE[:-20])
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with raw_server(reset) as (url, _), pytest.raises((InvalidResponse, ConnectionFailed)) as raised:
        send(url)
    assert isinstance(raised.value, InvalidResponse | ConnectionFailed)
    assert not raised.value.reason.endswith((" ", ":"))


@EACH_SEND
def test_a_redirect_is_not_followed(send: Any) -> None:
    redirect = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with (
        raw_server(lambda connection: connection.sendall(redirect)) as (url, received),
        pytest.raises(InvalidResponse) as raised,
    ):
        send(url)
    assert (raised.value.status, raised.value.headers["location"], len(received)) == (302, "http://127.0.0.1:1/", 1)


@EACH_SEND
def test_an_unrequested_gzip_response_is_read(send: Any) -> None:
    import gzip

    compressed = gzip.compress(BODY)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(compressed)}\r\n\r\n".encode()
    with raw_server(lambda connection: connection.sendall(head + compressed)) as (url, received):
        assert send(url).task_id == 100001
        assert b"accept-encoding: identity" in received[0].lower()
    invalid = head + b"y" * len(compressed)
    with raw_server(lambda connection: connection.sendall(invalid)) as (url, _), pytest.raises(InvalidResponse):
        send(url)


STATUS_LINES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 200\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 999 \xff\r\n",
        b"HTTP/2 200\r\n",
    ]
)
HEADER_LINES = st.sampled_from(
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
    lambda head, lines, body: head + b"".join(lines) + b"\r\n" + body,
    STATUS_LINES,
    st.lists(HEADER_LINES, max_size=4),
    st.binary(),
)


def test_random_bytes_from_a_server_raise_only_errors_of_this_package() -> None:
    response = b""
    with raw_server(lambda connection: connection.sendall(response)) as (url, _):
        with Client(url, **SETTINGS, timeout=TIMEOUT) as client:

            @given(data=RESPONSES)
            @settings(max_examples=300)
            def check_response(data: bytes) -> None:
                nonlocal response
                response = data
                with pytest.raises((ConnectionFailed, InvalidResponse)):
                    client.overage()

            check_response()
