"""The bridge from a socket to a WSGI application, by the letter of PEP 3333."""

import http.client
import logging
import socket
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
from support.emulators import TIMEOUT, options

App = Callable[[dict[str, Any], Any], Iterable[bytes]]
TEXT = [("Content-Type", "text/plain")]
EVENTS = [("Content-Type", "text/event-stream")]


@contextmanager
def served(application: App, *, validated: bool = True) -> Iterator[tuple[str, int]]:
    chosen = options()
    with ThreadRunner(
        dispatcher_factory(
            VendorApp(build_vendor(chosen), chosen.dialect), validator(application) if validated else application
        )
    ) as running:
        host, _, port = running.url.removeprefix("http://").rpartition(":")
        yield host, int(port)


def raw_response(address: tuple[str, int], method: str = "GET", version: str = "1.1") -> bytes:
    with socket.create_connection(address, timeout=TIMEOUT) as connection:
        connection.sendall(f"{method} /app HTTP/{version}\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def parts(raw: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = {name: value for name, _, value in (line.partition(": ") for line in lines[1:])}
    assert len(headers) == len(lines) - 1, "a header is there twice"
    return int(lines[0].split(" ")[1]), headers, body


class Pieces:
    """The result of an application that remembers whether it was closed."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self.closed = threading.Event()

    def __iter__(self) -> "Pieces":
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        self.closed.set()


def as_list(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", list(TEXT))
    return [b"a", b"", b"b"]


def lazily(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", list(TEXT))
    yield b"a"
    yield b""
    yield b"b"


def with_write(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    write = start_response("200 OK", list(TEXT))
    write(b"a")
    return [b"b"]


def after_an_error(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("201 Created", [*TEXT, ("X-First", "1")])
    try:
        raise ValueError("no")
    except ValueError:
        start_response("200 OK", list(TEXT), sys.exc_info())
    return [b"ab"]


def with_a_wrong_length(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [*TEXT, ("Content-Length", "7")])
    return [b"ab"]


@pytest.mark.parametrize("application", [as_list, lazily, with_write, after_an_error, with_a_wrong_length])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_whole_response_has_its_body_and_the_length_of_it(application: App, version: str) -> None:
    with served(application) as address:
        status, headers, body = parts(raw_response(address, version=version))
    assert (status, body) == (200, b"ab")
    assert headers["Content-Length"] == "2"
    assert "X-First" not in headers


@pytest.mark.parametrize("application", [as_list, lazily, with_a_wrong_length])
def test_a_head_request_gets_no_body_and_ends_a_body_that_never_ends(application: App) -> None:
    with served(application, validated=False) as address:
        status, headers, body = parts(raw_response(address, "HEAD"))
    assert (status, body) == (200, b"")
    assert "Transfer-Encoding" not in headers


def test_a_head_request_for_endless_events_gets_their_head_and_closes_them() -> None:
    pieces = Pieces(iter(lambda: b"data: 1\n\n", b""))

    def endless(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", list(EVENTS))
        return pieces

    with served(endless, validated=False) as address:
        assert parts(raw_response(address, "HEAD"))[2] == b""
        assert pieces.closed.wait(TIMEOUT)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_a_response_without_content_has_no_body_whatever_the_application_says(status: str) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response(status, [("Transfer-Encoding", "chunked"), ("Connection", "keep-alive")])
        return [b"x"]

    with served(application, validated=False) as address:
        received = raw_response(address)
    assert received.startswith(b"HTTP/1.1 %b\r\n" % status.encode())
    assert received.endswith(b"\r\n\r\n")
    assert b"chunked" not in received
    assert b"keep-alive" not in received


def test_events_come_piece_by_piece_and_an_empty_one_does_not_end_them() -> None:
    def events(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        yield b""
        write = start_response("200 OK", list(EVENTS))
        write(b"data: 0\n\n")
        yield b""
        yield b"data: 1\n\n"
        yield b""
        yield b"data: 2\n\n"

    with served(events, validated=False) as address:  # the validator demands start_response at the first piece
        connection = http.client.HTTPConnection(*address, timeout=TIMEOUT)
        for _ in range(2):  # over one connection
            connection.request("GET", "/app")
            response = connection.getresponse()
            assert (response.status, response.getheader("Transfer-Encoding")) == (200, "chunked")
            assert response.read() == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
        connection.close()
        assert parts(raw_response(address, version="1.0"))[2] == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"


def test_the_result_is_closed_when_all_is_taken_when_it_fails_and_when_the_client_goes() -> None:
    made: list[Pieces] = []

    def failing() -> Iterator[bytes]:
        yield b"a"
        raise ValueError("in the middle")

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        kind = environ["QUERY_STRING"]
        start_response("200 OK", list(EVENTS if kind == "events" else TEXT))
        made.append(Pieces({"whole": [b"a"], "failing": failing()}.get(kind, iter(lambda: b"data: 1\n\n", b""))))
        return made[-1]

    with served(application) as address:
        for kind in ("whole", "failing", "events"):
            with socket.create_connection(address, timeout=TIMEOUT) as connection:
                connection.sendall(f"GET /app?{kind} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                assert connection.recv(9) == b"HTTP/1.1 "
            assert made[-1].closed.wait(TIMEOUT), kind


def never_started(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    return [b"a"]


def not_started_and_empty(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    return []


def started_twice(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", list(TEXT))
    start_response("201 Created", list(TEXT))
    return [b"a"]


def text_instead_of_bytes(environ: dict[str, Any], start_response: Any) -> Iterable[Any]:
    start_response("200 OK", list(TEXT))
    return ["a"]


def line_end_in_a_header(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("X", "a\r\nSet-Cookie: b")])
    return [b"a"]


def error_behind_the_head(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
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
        not_started_and_empty,
        started_twice,
        text_instead_of_bytes,
        line_end_in_a_header,
        error_behind_the_head,
    ],
)
def test_an_application_that_breaks_the_rules_is_a_500_and_a_traceback(
    application: App, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), served(application, validated=False) as address:
        status, _, body = parts(raw_response(address))
    assert (status, body) == (500, b"the emulator has failed; its log says how\n")
    assert caplog.records[0].exc_info is not None


def test_the_environment_is_as_the_validator_wants_it_for_any_request() -> None:
    def echo(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response("200 OK", list(TEXT))
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        return [f"{environ['PATH_INFO']} {environ.get('HTTP_COOKIE')} ".encode("latin-1") + body]

    with served(echo) as address, socket.create_connection(address, timeout=TIMEOUT) as connection:
        connection.sendall(
            b"POST /\xe5\x86\x85 HTTP/1.1\r\nHost: x\r\nCookie: a=1\r\nCookie: b=2\r\nX_Y: z\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nOPTIONS * HTTP/1.1\r\nConnection: close\r\n\r\n"
        )
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b"/\xe5\x86\x85 a=1; b=2 abc" in received
    assert received.endswith(b"/* None ")
