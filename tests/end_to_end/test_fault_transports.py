"""Tests that every fault looks the same over a socket and through WSGI, for every method."""

import http.client
import io
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import quote
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from sms10692_mock import Emulator
from sms10692_mock.testing.account import SmsVendor
from support.emulators import STATUS, TIMEOUT, UTF8

_NOT_COMPARED = ("Date", "Connection")
"""Headers of the connection, which WSGI leaves to the server."""


class Seen(NamedTuple):
    """What a client sees of one response. `end` says whether it can use the connection again."""

    status: int | None
    headers: list[tuple[str, str]]
    body: bytes
    end: str


_NOTHING: list[tuple[str, str]] = []
NEVER = Seen(None, _NOTHING, b"", "unreported")
BROKEN = Seen(None, _NOTHING, b"", "broken")

Asking = Callable[[Emulator, SmsVendor, str, str, bytes], Seen]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


def over_a_socket(emulator: Emulator, vendor: SmsVendor, method: str, target: str, body: bytes) -> Seen:
    host, _, port = emulator.url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=TIMEOUT) as connection:
        head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        connection.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode() + body)
        if hangs(vendor, connection):
            return NEVER
        try:
            response = http.client.HTTPResponse(connection, method=method)
            response.begin()
        except (http.client.RemoteDisconnected, ConnectionResetError):
            return BROKEN
        headers = sorted((name, value) for name, value in response.getheaders() if name not in _NOT_COMPARED)
        try:
            body = response.read()
        except http.client.IncompleteRead as error:
            return Seen(response.status, headers, error.partial, "broken")
        connection.sendall(b"GET /v2sms.aspx HTTP/1.1\r\nHost: x\r\n\r\n")
        with suppress(ConnectionError):
            came = connection.recv(9)
            assert came in (b"HTTP/1.1 ", b""), "bytes behind the response"
            return Seen(response.status, headers, body, "whole" if came else "broken")
        return Seen(response.status, headers, body, "broken")


def hangs(vendor: SmsVendor, connection: socket.socket) -> bool:
    """Whether the request was logged with a `hang`, so that nothing will come."""
    connection.settimeout(0.05)
    while True:
        with suppress(TimeoutError, ConnectionResetError):
            connection.recv(1, socket.MSG_PEEK)
            connection.settimeout(TIMEOUT)
            return False
        if any("hang" in request.faults for request in vendor.requests(1)):
            return True


def through_wsgi(emulator: Emulator, vendor: SmsVendor, method: str, target: str, body: bytes) -> Seen:
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "wsgi.input": io.BytesIO(body),
    }
    setup_testing_defaults(environ)
    started: list[tuple[int, list[tuple[str, str]]]] = []
    came = b""

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
        started.append((int(status[:3]), sorted(headers)))

    try:
        pieces = validator(emulator.wsgi)(environ, start_response)
        try:
            for piece in pieces:
                came += piece
        finally:
            pieces.close()  # type: ignore[attr-defined]  # the validator's has it
    except TimeoutError:
        return NEVER
    except ConnectionResetError:
        return Seen(*started[0], came, "broken") if started else BROKEN
    return Seen(*started[0], came, "whole")


def asked(emulator: Emulator, asking: Asking, faults: list[dict[str, Any]], method: str, page: str) -> Seen:
    """What a new account sees of one request that these faults strike."""
    with emulator.account() as vendor:
        for fault in faults:
            given = {"times": 1} | fault
            vendor.fault(given.pop("kind"), **given)
        return asking(emulator, vendor, method, *of_form(vendor, method, page))


def of_form(vendor: SmsVendor, method: str, page: str) -> tuple[str, bytes]:
    action = "overage" if page == UTF8 else "query"
    form = "&".join(f"{name}={quote(value)}" for name, value in fields(vendor, action).items())
    return (page, form.encode()) if method == "POST" else (f"{page}?{form}", b"")


def fields(vendor: SmsVendor, action: str) -> dict[str, str]:
    from sms10692.signing import sign

    stamp = "20120701231212"
    signature = sign(vendor.credentials["account"], vendor.credentials["password"], stamp)
    return {"action": action, "userid": vendor.userid, "timestamp": stamp, "sign": signature}


FAULTS: list[list[dict[str, Any]]] = [
    [],
    [{"kind": "latency", "seconds": 0.01}],
    [{"kind": "hang"}],
    [{"kind": "status", "status": 503}],
    [{"kind": "status", "status": 204}],
    [{"kind": "status", "status": 304}],
    [{"kind": "empty_body"}],
    [{"kind": "truncate", "at": 0}],
    [{"kind": "truncate", "at": 5}],
    [{"kind": "truncate", "at": 10_000}],
    [{"kind": "disconnect"}],
    [{"kind": "wrong_charset", "charset": "gbk"}],
    [{"kind": "bom"}],
    [{"kind": "vendor_error", "message": "其他错误"}],
    [{"kind": "drop_fetch"}],
    [{"kind": "bom", "apply": False}, {"kind": "truncate", "at": 2}],
    [{"kind": "status", "status": 204}, {"kind": "bom"}],
    [{"kind": "empty_body"}, {"kind": "truncate", "at": 0}],
    [{"kind": "hang"}, {"kind": "disconnect"}],
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("faults", FAULTS, ids=json.dumps)
def test_a_fault_is_the_same_on_a_socket_and_through_wsgi(
    emulator: Emulator, faults: list[dict[str, Any]], method: str
) -> None:
    page = STATUS if any(fault["kind"] == "drop_fetch" for fault in faults) else UTF8
    socket_saw, wsgi_saw = (asked(emulator, way, faults, method, page) for way in (over_a_socket, through_wsgi))
    assert socket_saw == wsgi_saw
    if method == "HEAD":
        assert socket_saw.body == b""
        get = asked(emulator, over_a_socket, faults, "GET", page)
        assert socket_saw == get._replace(body=b"")


@pytest.mark.parametrize(
    ("faults", "method", "status", "body", "end"),
    [
        ([{"kind": "truncate", "at": 5}], "GET", 200, b"<?xml", "broken"),
        ([{"kind": "truncate", "at": 5}], "HEAD", 200, b"", "broken"),
        ([{"kind": "truncate", "at": 0}], "GET", 200, b"", "broken"),
        ([{"kind": "empty_body"}, {"kind": "truncate", "at": 0}], "GET", 200, b"", "whole"),
        ([{"kind": "status", "status": 204}], "GET", 204, b"", "whole"),
        ([{"kind": "disconnect"}], "HEAD", None, b"", "broken"),
        ([{"kind": "hang"}], "HEAD", None, b"", "unreported"),
    ],
)
@pytest.mark.parametrize("asking", [over_a_socket, through_wsgi])
def test_what_a_client_sees_of_a_broken_response(
    emulator: Emulator,
    asking: Asking,
    faults: list[dict[str, Any]],
    method: str,
    status: int | None,
    body: bytes,
    end: str,
) -> None:
    seen = asked(emulator, asking, faults, method, UTF8)
    assert (seen.status, seen.body, seen.end) == (status, body, end)


def test_a_path_in_chinese_is_logged_alike(emulator: Emulator) -> None:
    target = "/v2sms.aspx/内?action=x".encode().decode("latin-1")
    with emulator.account() as vendor:
        through_wsgi(emulator, vendor, "GET", target, b"")
        over_a_socket(emulator, vendor, "GET", "/v2sms.aspx/%E5%86%85?action=x", b"")
    over_socket, over_wsgi = (one for one in emulator.control.requests(4) if "action=x" in one.path)
    assert over_socket.path == over_wsgi.path == "/v2sms.aspx/内?action=x"
