"""Tests of `server.wsgi_bridge` over a socket: every rule of PEP 3333."""

import logging
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from wsgiref.validate import validator

import pytest

from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.config import build_vendor
from sms10692_mock.server.thread_runner import ThreadRunner
from support.emulators import build_options
from support.http_client import TIMEOUT, connect, open_session, parse_address, read_all

App = Callable[[dict[str, Any], Any], Iterable[bytes]]
TEXT = [("Content-Type", "text/plain")]
EVENTS = [("Content-Type", "text/event-stream")]


@contextmanager
def serving(application: App, *, validated: bool = True) -> Iterator[tuple[str, int]]:
    chosen = build_options()
    with ThreadRunner(
        dispatcher_factory(
            VendorApp(build_vendor(chosen), chosen), validator(application) if validated else application
        )
    ) as running:
        yield parse_address(running.url)


def raw_response(address: tuple[str, int], method: str = "GET", version: str = "1.1") -> bytes:
    with connect(address) as connection:
        connection.sendall(f"{method} /app HTTP/{version}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return read_all(connection)


def split_response(raw: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name: value for name, _, value in (line.partition(": ") for line in lines[1:])}
    assert len(headers) == len(lines) - 1, "a header is there twice"
    return int(lines[0].split(" ")[1]), headers, body


class ClosableIterable:
    """The result of an application; records whether it was closed."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self.closed = threading.Event()

    def __iter__(self) -> "ClosableIterable":
        return self

    def __next__(self) -> bytes:
        return next(self._chunks)

    def close(self) -> None:
        self.closed.set()


def as_list(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", list(TEXT))
    return [b"a", b"", b"b"]


def lazy_start(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", list(TEXT))
    yield b"a"
    yield b""
    yield b"b"


def with_write(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    write = start_response("200 OK", list(TEXT))
    write(b"a")
    return [b"b"]


def with_exc_info(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("201 Created", [*TEXT, ("X-First", "1")])
    try:
        raise ValueError("no")
    except ValueError:
        start_response("200 OK", list(TEXT), sys.exc_info())
    return [b"ab"]


def with_wrong_content_length(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [*TEXT, ("Content-Length", "7")])
    return [b"ab"]


@pytest.mark.parametrize("application", [as_list, lazy_start, with_write, with_exc_info, with_wrong_content_length])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_complete_response_has_its_body_and_content_length(application: App, version: str) -> None:
    with serving(application) as address:
        status, headers, body = split_response(raw_response(address, version=version))
    assert (status, body) == (200, b"ab")
    assert headers["Content-Length"] == "2"
    assert "X-First" not in headers


@pytest.mark.parametrize("application", [as_list, lazy_start, with_wrong_content_length])
def test_a_head_request_gets_no_body(application: App) -> None:
    with serving(application, validated=False) as address:
        status, headers, body = split_response(raw_response(address, "HEAD"))
    assert (status, body) == (200, b"")
    assert "Transfer-Encoding" not in headers


def test_a_head_request_for_an_endless_stream_gets_the_head_and_closes_the_stream() -> None:
    chunks = ClosableIterable(iter(lambda: b"data: 1\n\n", b""))

    def endless(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", list(EVENTS))
        return chunks

    with serving(endless, validated=False) as address:
        assert split_response(raw_response(address, "HEAD"))[2] == b""
        assert chunks.closed.wait(TIMEOUT)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_status_204_and_304_have_no_body_even_if_the_application_returns_one(status: str) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response(status, [("Transfer-Encoding", "chunked"), ("Connection", "keep-alive")])
        return [b"x"]

    with serving(application, validated=False) as address:
        received = raw_response(address)
    assert received.startswith(b"HTTP/1.1 %b\r\n" % status.encode())
    assert received.endswith(b"\r\n\r\n")
    assert b"chunked" not in received
    assert b"keep-alive" not in received


def test_a_stream_is_sent_chunk_by_chunk_and_an_empty_chunk_does_not_end_it() -> None:
    def events(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        yield b""
        write = start_response("200 OK", list(EVENTS))
        write(b"data: 0\n\n")
        yield b""
        yield b"data: 1\n\n"
        yield b""
        yield b"data: 2\n\n"

    with serving(events, validated=False) as address:  # the validator demands start_response before the first chunk
        with open_session(address) as session:
            for _ in range(2):  # over one connection
                response = session.get("/app")
                assert (response.status_code, response.headers["Transfer-Encoding"]) == (200, "chunked")
                assert response.content == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
        assert split_response(raw_response(address, version="1.0"))[2] == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"


def test_the_result_is_closed_at_its_end_after_an_error_and_when_the_client_disconnects() -> None:
    made: list[ClosableIterable] = []

    def failing() -> Iterator[bytes]:
        yield b"a"
        raise ValueError("in the middle")

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        kind = environ["QUERY_STRING"]
        start_response("200 OK", list(EVENTS if kind == "events" else TEXT))
        made.append(
            ClosableIterable({"whole": [b"a"], "failing": failing()}.get(kind, iter(lambda: b"data: 1\n\n", b"")))
        )
        return made[-1]

    with serving(application) as address:
        for kind in ("whole", "failing", "events"):
            with connect(address) as connection:
                connection.sendall(f"GET /app?{kind} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                assert connection.recv(9) == b"HTTP/1.1 "
            assert made[-1].closed.wait(TIMEOUT), kind


def never_started(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    return [b"a"]


def empty_without_start(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    return []


def started_twice(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", list(TEXT))
    start_response("201 Created", list(TEXT))
    return [b"a"]


def text_instead_of_bytes(environ: dict[str, Any], start_response: Any) -> Iterable[Any]:
    start_response("200 OK", list(TEXT))
    return ["a"]


def line_break_in_header(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("X", "a\r\nSet-Cookie: b")])
    return [b"a"]


def error_after_head(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", list(TEXT))
    yield b"a"
    try:
        raise ValueError("too late")
    except ValueError:
        start_response("500 Internal Server Error", list(TEXT), sys.exc_info())
    yield b"b"


@pytest.mark.parametrize(
    "application",
    [
        never_started,
        empty_without_start,
        started_twice,
        text_instead_of_bytes,
        line_break_in_header,
        error_after_head,
    ],
)
def test_a_violation_of_pep_3333_is_status_500_and_a_traceback_in_the_log(
    application: App, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), serving(application, validated=False) as address:
        status, _, body = split_response(raw_response(address))
    assert (status, body) == (500, b"the emulator has failed; its log says how\n")
    assert caplog.records[0].exc_info is not None


def test_the_environment_of_any_request_satisfies_the_wsgiref_validator() -> None:
    def echo(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", list(TEXT))
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        return [f"{environ['PATH_INFO']} {environ.get('HTTP_COOKIE')} ".encode("latin-1") + body]

    with serving(echo) as address, connect(address) as connection:
        connection.sendall(
            b"POST /\xe5\x86\x85 HTTP/1.1\r\nHost: x\r\nCookie: a=1\r\nCookie: b=2\r\nX_Y: z\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nOPTIONS * HTTP/1.1\r\nConnection: close\r\n\r\n"
        )
        received = read_all(connection)
    assert b"/\xe5\x86\x85 a=1; b=2 abc" in received
    assert received.endswith(b"/* None ")
