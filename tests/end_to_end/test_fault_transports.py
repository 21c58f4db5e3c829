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
from sms10692_mock.domain.fault_kinds import FAULT_KINDS
from sms10692_mock.testing.account import SmsVendor
from support import faults as fault_samples
from support.emulators import STATUS, UTF8
from support.http_client import TIMEOUT, connect, parse_address

_NOT_COMPARED = ("Date", "Connection")
"""Headers of the connection, which WSGI leaves to the server."""


class ObservedResponse(NamedTuple):
    """A response as seen by a client.

    `end` is "whole" if the connection can be used again, "broken" if it was closed, "none" if there is no response.
    """

    status: int | None
    headers: list[tuple[str, str]]
    body: bytes
    end: str


GET_HINT = (
    "habit.get: The request is a GET: use POST as the manual requires, because URLs are logged and may be truncated."
)
HEAD_HINT = (
    "habit.head: The request is a HEAD, which is processed and charged like a GET, but has no response to read: use "
    "POST as the manual requires."
)

_NOTHING: list[tuple[str, str]] = []
NO_RESPONSE = ObservedResponse(None, _NOTHING, b"", "none")
DISCONNECTED = ObservedResponse(None, _NOTHING, b"", "broken")

SendRequest = Callable[[Emulator, SmsVendor, str, str, bytes], ObservedResponse]


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


def send_over_socket(emulator: Emulator, vendor: SmsVendor, method: str, target: str, body: bytes) -> ObservedResponse:
    with connect(parse_address(emulator.url)) as connection:
        head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        connection.sendall(f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode() + body)
        if is_hanging(vendor, connection):
            return NO_RESPONSE
        try:
            response = http.client.HTTPResponse(connection, method=method)
            response.begin()
        except (http.client.RemoteDisconnected, ConnectionResetError):
            return DISCONNECTED
        headers = sorted((name, value) for name, value in response.getheaders() if name not in _NOT_COMPARED)
        try:
            body = response.read()
        except http.client.IncompleteRead as error:
            return ObservedResponse(response.status, headers, error.partial, "broken")
        connection.sendall(b"GET /v2sms.aspx HTTP/1.1\r\nHost: x\r\n\r\n")
        with suppress(ConnectionError):
            next_bytes = connection.recv(9)
            assert next_bytes in (b"HTTP/1.1 ", b""), "bytes after the response"
            return ObservedResponse(response.status, headers, body, "whole" if next_bytes else "broken")
        return ObservedResponse(response.status, headers, body, "broken")


def is_hanging(vendor: SmsVendor, connection: socket.socket) -> bool:
    """Return whether the request was logged with the fault `hang`, so that no response will follow."""
    connection.settimeout(0.05)
    while True:
        with suppress(TimeoutError, ConnectionResetError):
            connection.recv(1, socket.MSG_PEEK)
            connection.settimeout(TIMEOUT)
            return False
        if any("hang" in request.faults for request in vendor.requests(1)):
            return True


def send_through_wsgi(emulator: Emulator, vendor: SmsVendor, method: str, target: str, body: bytes) -> ObservedResponse:
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
    received = b""

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
        started.append((int(status[:3]), sorted(headers)))

    try:
        chunks = validator(emulator.wsgi)(environ, start_response)
        try:
            for chunk in chunks:
                received += chunk
        finally:
            chunks.close()  # type: ignore[attr-defined]  # the validator's iterator has it
    except TimeoutError:
        return NO_RESPONSE
    except ConnectionResetError:
        return ObservedResponse(*started[0], received, "broken") if started else DISCONNECTED
    return ObservedResponse(*started[0], received, "whole")


def observe(
    emulator: Emulator, send_request: SendRequest, faults: list[dict[str, Any]], method: str, endpoint: str
) -> ObservedResponse:
    """Send one request of a new account with these faults, and return the observed response."""
    with emulator.account() as vendor:
        for fault in faults:
            settings = {"times": 1} | fault
            vendor.fault(settings.pop("kind"), **settings)
        return send_request(emulator, vendor, method, *build_target_and_body(vendor, method, endpoint))


def build_target_and_body(vendor: SmsVendor, method: str, endpoint: str) -> tuple[str, bytes]:
    action = "overage" if endpoint == UTF8 else "query"
    form = "&".join(f"{name}={quote(value)}" for name, value in build_fields(vendor, action).items())
    return (endpoint, form.encode()) if method == "POST" else (f"{endpoint}?{form}", b"")


def build_fields(vendor: SmsVendor, action: str) -> dict[str, str]:
    from sms10692.signing import sign

    stamp = "20120701231212"
    signature = sign(vendor.credentials["account"], vendor.credentials["password"], stamp)
    return {"action": action, "userid": vendor.userid, "timestamp": stamp, "sign": signature}


FAULTS: list[list[dict[str, Any]]] = [
    [],
    *([fault] for fault in fault_samples.FAULTS.values()),
    [{"kind": "status", "status": 204}],
    [{"kind": "status", "status": 304}],
    [{"kind": "truncate", "at": 0}],
    [{"kind": "truncate", "at": 10_000}],
    [{"kind": "bom", "apply": False}, {"kind": "truncate", "at": 2}],
    [{"kind": "status", "status": 204}, {"kind": "bom"}],
    [{"kind": "empty_body"}, {"kind": "truncate", "at": 0}],
    [{"kind": "hang"}, {"kind": "disconnect"}],
]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("faults", FAULTS, ids=json.dumps)
def test_a_fault_has_the_same_effect_over_a_socket_and_through_wsgi(
    emulator: Emulator, faults: list[dict[str, Any]], method: str
) -> None:
    endpoint = STATUS if any(FAULT_KINDS[fault["kind"]].operations for fault in faults) else UTF8
    over_socket, over_wsgi = (
        observe(emulator, send, faults, method, endpoint) for send in (send_over_socket, send_through_wsgi)
    )
    assert over_socket == over_wsgi
    if method == "HEAD":
        assert over_socket.body == b""
        get = observe(emulator, send_over_socket, faults, "GET", endpoint)
        # The hints name the method; nothing else differs.
        headers = [(name, value.replace(GET_HINT, HEAD_HINT)) for name, value in get.headers]
        assert over_socket == get._replace(body=b"", headers=headers)


@pytest.mark.parametrize(
    ("faults", "method", "status", "body", "end"),
    [
        ([{"kind": "truncate", "at": 5}], "GET", 200, b"<?xml", "broken"),
        ([{"kind": "truncate", "at": 5}], "HEAD", 200, b"", "broken"),
        ([{"kind": "truncate", "at": 0}], "GET", 200, b"", "broken"),
        ([{"kind": "empty_body"}, {"kind": "truncate", "at": 0}], "GET", 200, b"", "whole"),
        ([{"kind": "status", "status": 204}], "GET", 204, b"", "whole"),
        ([{"kind": "disconnect"}], "HEAD", None, b"", "broken"),
        ([{"kind": "hang"}], "HEAD", None, b"", "none"),
    ],
)
@pytest.mark.parametrize("send_request", [send_over_socket, send_through_wsgi])
def test_a_broken_response_has_this_status_body_and_end(
    emulator: Emulator,
    send_request: SendRequest,
    faults: list[dict[str, Any]],
    method: str,
    status: int | None,
    body: bytes,
    end: str,
) -> None:
    response = observe(emulator, send_request, faults, method, UTF8)
    assert (response.status, response.body, response.end) == (status, body, end)


def test_a_chinese_path_is_logged_the_same_over_a_socket_and_through_wsgi(emulator: Emulator) -> None:
    target = "/v2sms.aspx/内?action=x".encode().decode("latin-1")
    with emulator.account() as vendor:
        send_through_wsgi(emulator, vendor, "GET", target, b"")
        send_over_socket(emulator, vendor, "GET", "/v2sms.aspx/%E5%86%85?action=x", b"")
    over_socket, over_wsgi = (request for request in emulator.control.requests(4) if "action=x" in request.path)
    assert over_socket.path == over_wsgi.path == "/v2sms.aspx/内?action=x"
