"""Tests of HTTP over a socket to the `serve` command, one client at a time.

Incomplete, too large and invalid requests, and persistent connections. `test_concurrent_clients` tests several clients.
"""

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.emulators import CALL, GBK, STATUS, UTF8, emulator_process
from support.http_client import Address, build_request, connect, read_all, send_raw
from support.serve_cli import QUERY, SEND, get_overage


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with emulator_process() as (_, address):
        yield address


def test_incomplete_requests_do_not_delay_others(address: Address) -> None:
    with ExitStack() as connections:
        for _ in range(300):
            connection = connections.enter_context(connect(address))
            connection.sendall(build_request(UTF8, SEND)[:-5])
        assert "Sucess" in get_overage(address)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_request_with_a_truncated_body_has_no_effect(framing: str) -> None:
    with emulator_process() as (_, address), connect(address) as connection:
        if framing == "length":
            raw = build_request(UTF8, SEND).replace(b"Content-Length: ", b"Content-Length: 1")
        else:
            head = f"POST {UTF8} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{len(SEND):x}\r\n".encode()
            raw = head + SEND + b"\r\n"
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")
        assert "<overage>1000<" in get_overage(address)


@pytest.mark.parametrize("size", [4 * 1024 * 1024 + 1, 16 * 1024 * 1024])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_sends_too_large_a_body_can_read_413(address: Address, size: int, chunked: bool) -> None:
    with connect(address) as connection:
        if chunked:
            connection.sendall(f"POST {UTF8} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
            connection.sendall(f"{size:x}\r\n".encode() + b"x" * size + b"\r\n0\r\n\r\n")
        else:
            connection.sendall(f"POST {UTF8} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode())
            connection.sendall(b"x" * size)
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


PATHS = st.sampled_from(
    [UTF8, GBK, STATUS, CALL, "//v2SMS.aspx/x", "/_mock/accounts", "/_mock/swagger", "/"]
) | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"])).map(lambda text: "/" + text)
TARGETS = st.builds(lambda path, query: f"{path}?{query}".encode(), PATHS, st.text("&=%+u0aé内;?/"))
LINES = st.sampled_from(
    [
        b"Content-Type: \xc4\xda",
        b"Content-Type: multipart/form-data; boundary=",
        b"Content-Type: application/json",
        b"Content-Encoding: gzip",
        b"Content-Length: 3",
        b"Content-Length: 0",
        b"Transfer-Encoding: chunked",
        b"Expect: 100-continue",
        b"Cookie: \xff",
        b"Authorization: Bearer \xff",
        b"Host: \xe5\x86\x85",
        b"Accept-Encoding: gzip, \xff",
    ]
)
REQUESTS = st.builds(
    lambda method, target, lines, body: (
        b"%s %s HTTP/1.1\r\nConnection: close\r\n%s\r\n%s"
        % (method, target, b"".join(line + b"\r\n" for line in lines), body)
    ),
    st.sampled_from([b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"X-\xff"]),
    TARGETS,
    st.lists(LINES, max_size=4),
    st.sampled_from([b"", b"a=b", b"3\r\na=b\r\n0\r\n\r\n", b"zz"]) | st.binary(max_size=100),
)


@given(raw=REQUESTS)
def test_no_request_causes_status_500(address: Address, raw: bytes) -> None:
    with connect(address) as connection:
        try:
            connection.sendall(raw)
            with suppress(OSError):  # the server may have closed the connection
                connection.shutdown(socket.SHUT_WR)
            received = read_all(connection)
        except ConnectionError:  # the server refused the request before it had read all of it
            return
    assert not received.startswith(b"HTTP/1.1 5"), received


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\nX: " + b"x" * 8 * 1024 * 1024 + b"\r\n\r\n",
        b"GET /" + b"x" * 8 * 1024 * 1024 + b" HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n" + b"x" * 8 * 1024 * 1024,
    ],
    ids=["header", "target", "nonsense"],
)
def test_a_client_that_is_refused_while_sending_can_read_the_response(address: Address, raw: bytes) -> None:
    with connect(address) as connection:
        connection.sendall(raw)
        received = read_all(connection)
    assert re.match(rb"HTTP/1.1 4\d\d ", received)


def test_the_head_of_a_stream_has_no_body(address: Address) -> None:
    with connect(address) as connection:
        connection.sendall(f"HEAD /live HTTP/1.1\r\nHost: {address[0]}\r\nConnection: close\r\n\r\n".encode())
        received = read_all(connection)
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.endswith(b"\r\n\r\n")
    assert received.count(b"\r\n\r\n") == 1


def test_405_names_the_allowed_methods_and_413_closes(address: Address) -> None:
    def get_head(raw: bytes) -> bytes:
        with connect(address) as connection:
            connection.sendall(raw)
            return connection.recv(1000)

    assert b"\r\nAllow: GET, HEAD, POST\r\n" in get_head(b"PUT /v2sms.aspx HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"\r\nConnection: close\r\n" in get_head(build_request(UTF8, b"x" * (4 * 1024 * 1024 + 1)))


def test_a_client_that_expects_100_continue_gets_it(address: Address) -> None:
    with connect(address) as connection:
        head, _, body = build_request(UTF8, SEND).partition(b"\r\n\r\n")
        connection.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


def test_raw_bytes_are_decoded_in_the_charset_of_the_endpoint(address: Address) -> None:
    for path, charset in ((UTF8, "utf-8"), (GBK, "gbk")):
        target = f"{path}?action=checkkeyword&{QUERY}&content=".encode() + "发票".encode(charset)
        response = send_raw(address, b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % target)
        assert "包含非法字符" in response.body.decode(charset)


def test_pipelined_requests_are_answered_in_their_order(address: Address) -> None:
    numbers = range(20)
    with connect(address) as connection:
        for number in numbers:
            # Every other request runs on another thread.
            path = "/_mock/accounts" if number % 2 else UTF8
            connection.sendall(f"GET {path}/{number} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        connection.shutdown(socket.SHUT_WR)
        received = read_all(connection)
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"403" if number % 2 else b"200" for number in numbers]


def test_a_connection_serves_one_request_after_another(address: Address) -> None:
    with connect(address) as connection:
        for _ in range(3):
            connection.sendall(build_request(UTF8, b"action=overage"))
            received = b""
            while not received.endswith(b"</returnsms>"):
                received += connection.recv(1000)
            assert received.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        *(
            (b"GET /v2sms.aspx?content=" + character + b" HTTP/1.1\r\nHost: x\r\n\r\n", 200)
            for character in (b"\xc4\xda", b'"', b"<", b">", b"#")
        ),
        *(
            (b"GET /v2sms.aspx?content=" + character + b" HTTP/1.1\r\nHost: x\r\n\r\n", 400)
            for character in (b" ", b"\t", b"\0")
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET /v2sms.aspx?content=" + b"x" * 65_600 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /v2sms.aspx HTTP/1.1\r\n" + b"X: x\r\n" * 101 + b"\r\n", 431),
        (b"GET /v2sms.aspx?content=" + b"x" * 65_000 + b" HTTP/1.1\r\n" + b"X: x\r\n" * 100 + b"\r\n", 200),
    ],
    ids=lambda value: value[:26] if isinstance(value, bytes) else None,
)
def test_invalid_http_is_refused_as_documented(address: Address, raw: bytes, status: int) -> None:
    assert send_raw(address, raw).status == status


def test_a_head_request_has_the_headers_of_a_get_and_no_body(address: Address) -> None:
    with connect(address) as connection:
        connection.sendall(b"HEAD /v2sms.aspx?action=overage HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(1000), b""))
    length = len(send_raw(address, b"GET /v2sms.aspx?action=overage HTTP/1.1\r\nHost: x\r\n\r\n").body)
    assert received.endswith(b"\r\n\r\n")
    assert f"Content-Length: {length}\r\n".encode() in received
