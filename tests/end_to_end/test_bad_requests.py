"""Tests of invalid and incomplete requests over sockets: response, close of the connection, line in the log."""

import asyncio
import socket
import ssl
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any, NamedTuple, cast

import pytest

from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.config import build_vendor
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.server.bad_request import BadRequest
from sms10692_mock.server.http_types import text_response
from sms10692_mock.server.protocol import HttpProtocol
from sms10692_mock.server.receive_limits import ConnectionLimits
from sms10692_mock.server.thread_runner import ThreadRunner
from sms10692_mock.server.write_coalescer import WriteCoalescer
from support.diagnosis import find_english
from support.emulators import UTF8, admin_app, build_options
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
from support.serve_cli import QUERY, SEND


class ServedEmulator(NamedTuple):
    """An emulator in this process and the lines of its log."""

    address: Address
    lines: list[str]


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Iterator[ServedEmulator]:
    options, lines = build_options(), list[str]()
    vendor, notifier = build_vendor(options), ChangeNotifier()
    with ThreadRunner(
        dispatcher_factory(
            VendorApp(vendor, options, lambda entry: lines.append(str(entry)), notifier),
            admin_app(vendor, options, notifier),
        ),
        getattr(request, "param", ConnectionLimits()),
    ) as runner:
        yield ServedEmulator(parse_address(runner.url), lines)


def with_limits(**limits: Any) -> pytest.MarkDecorator:
    """Run a test on a server with these limits, which it checks often."""
    return pytest.mark.parametrize("served", [ConnectionLimits(sweep=0.05)._replace(**limits)], indirect=True, ids=[""])


def send_chunks(address: Address, *chunks: bytes) -> bytes:
    """Send chunks and return everything received until the server closes. The client does not close its side."""
    with connect(address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for chunk in chunks:
            connection.sendall(chunk)
        return read_all(connection)


def test_a_tls_client_is_refused_at_once_with_the_reason_in_the_log(served: ServedEmulator) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with connect(served.address) as connection:
        with pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"):
            context.wrap_socket(connection)
    (line,) = served.lines
    assert last_entry(served.address)[1]["diagnosis"][0]["code"] == "http.tls"
    assert "'\\x16\\x03\\x01...': 400, a TLS handshake came to a plain HTTP port: use http://" in line


SPACE_IN_URL = b"GET /v2sms.aspx?sign=5cc68982f55a&sendTime=2026-12-01 10:00:00 HTTP/1.1\r\n\r\n"
END_OF_A_FORM = b"5023239810&sign=5cc68982f55ac74348e3d819f868fbe1\r\n\r\n"

INVALID_REQUESTS = [
    (b"CONNECT sms10692.com:443 HTTP/1.1\r\n\r\n", "CONNECT sms...", "http.connect", "use http://"),
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PRI * HTTP/...", "http.http2", "let the client use HTTP/1.1"),
    (
        b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n\r\n\r\n",
        "PROXY TCP...",
        "http.proxy-protocol",
        "turn it off",
    ),
    (b"\xef\xbb\xbfPOST /v2sms.aspx HTTP/1.1\r\n\r\n", "\\xef\\xbb\\xbf...", "http.byte-order-mark", "remove it"),
    (b"GET /v2sms.aspx HTTP/1.1\r\nA: b\r\n c\r\n\r\n", "GET /v...", "http.folded-header", "on one line"),
    (b"GET /v2sms.aspx HTTP/1.1\r\nnonsense\r\n\r\n", "GET /v...", "http.header", "no header ('nonsense')"),
    (b"GET /v2sms.aspx http/1.1\r\n\r\n", "GET /v...", "http.http-version", "write HTTP/1.1"),
    (b"GET /v2sms.aspx\r\n\r\n", "GET /v...", "http.no-version", "end the line with HTTP/1.1"),
    (b"POST /v2sms.aspx HTTP/1.1\r\nContent-Length: 14, 14\r\n\r\n", "POST /v...", "http.length-twice", "once"),
    (
        b"POST /v2sms.aspx HTTP/1.1\r\nContent-Length: 14\r\nContent-Length: 14\r\n\r\n",
        "POST /v...",
        "http.length-twice",
        "once",
    ),
    (b"POST /v2sms.aspx HTTP/1.1\r\nContent-Length: x\r\n\r\n", "POST /v...", "http.length-not-a-number", "bytes"),
    (
        b"POST /v2sms.aspx HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /v...",
        "http.length-and-chunks",
        "Content-Length or Transfer-Encoding",
    ),
    (
        b"POST /v2sms.aspx HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        "POST /v...",
        "http.transfer-encoding",
        "send Content-Length",
    ),
    (
        b"POST /v2sms.aspx HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        "POST /v...",
        "http.chunk",
        "a chunk has no length",
    ),
    (b"GET /v2sms.aspx?a=\tb HTTP/1.1\r\n\r\n", "GET /v...", "http.control-character-in-url", "a tab"),
    (b"GET  /v2sms.aspx HTTP/1.1\r\n\r\n", "GET  /v...", "http.extra-space", "write one"),
    (b"GET /v2sms.aspx HTTP/1.1\r\nHost : x\r\n\r\n", "GET /v...", "http.space-before-colon", "the header 'Host '"),
    (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + b"\x7f" * 12, "\\x00\\r\\n...", "http.proxy-protocol", "turn it off"),
    ("\ufeffGET / HTTP/1.1\r\n".encode("utf-16-le"), "\\xff\\xfeG...", "http.byte-order-mark", "remove it"),
    (SPACE_IN_URL, "GET /v...", "http.space-in-url", "a space as %20"),
    (b"GET v2sms.aspx HTTP/1.1\r\n\r\n", "GET v...", "http.target", "for example /v2sms.aspx"),
    (b"GET /" + b"a" * 65534 + b" HTTP/1.1\r\n\r\n", "GET /aaaaaaaaaaaaaaaaaaa...", "http.url-too-long", "in the body"),
    (
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 101 + b"\r\n",
        "GET / HTTP/...",
        "http.too-many-headers",
        "too many headers",
    ),
    (b"GET / HTTP/1.1\r\nA: " + b"b" * 262144 + b"\r\n\r\n", "GET / HTTP/...", "http.head-too-long", "too long"),
    (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"A: b\r\n" * 65536 + b"\r\n",
        "POST / HTTP/...",
        "http.trailers-too-long",
        "after the last chunk",
    ),
    (END_OF_A_FORM, "502...", "http.request-line", "use an HTTP library"),
    (b"GET /v2sms.aspx HTTP/1.1\r\nHost", "GET /v...", "http.head-stalled", "CR LF CR LF"),
]


@pytest.mark.parametrize(
    ("raw", "excerpt", "code", "sentence"), INVALID_REQUESTS, ids=[row[2] for row in INVALID_REQUESTS]
)
@with_limits(stalled=0.1)
def test_every_request_that_is_not_valid_http_has_a_line_in_the_log_and_an_entry_with_the_cause(
    served: ServedEmulator, raw: bytes, excerpt: str, code: str, sentence: str
) -> None:
    received = send_chunks(served.address, raw)
    assert received.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501 "))
    (line,) = served.lines
    assert line.startswith("127.0.0.1:")
    assert f": {received[9:12].decode()}, " in line
    assert "5cc6" not in line
    assert "023239810" not in line
    assert f"'{excerpt}'" in line
    summary, request = last_entry(served.address)
    assert (summary["method"], summary["userid"], summary["rejection"]) == ("", "", code.removeprefix("http."))
    assert summary["status"] == int(received[9:12])
    (finding,) = request["diagnosis"]
    assert finding["code"] == code
    assert "5cc6" not in finding["sentence"]
    assert "023239810" not in finding["sentence"]
    assert sentence in finding["sentence"]
    assert b64decode(request["body"]) in raw
    assert b64decode(request["response_body"]) == received.partition(b"\r\n\r\n")[2]


def last_entry(address: Address) -> tuple[Any, Any]:
    """Return the summary and the details of the last entry in the request log, whose findings exist in Chinese."""
    (summary,) = call_control(address, "GET", "/requests?order=desc&limit=1")["items"]
    request = call_control(address, "GET", f"/requests/{summary['number']}")
    chinese = call_control(address, "GET", f"/requests/{summary['number']}?lang=zh")
    for finding in chinese["diagnosis"]:
        assert find_english(finding["sentence"], ascii(b64decode(request["body"]).decode("latin-1"))) == []
    return summary, request


def test_a_head_that_ends_with_the_connection_is_recorded(served: ServedEmulator) -> None:
    with connect(served.address) as connection:
        connection.sendall(b"POST /v2sms.aspx HTT")
        connection.shutdown(socket.SHUT_WR)
        assert b"20 bytes of a request came, and then the connection ended" in read_all(connection)
    summary, request = last_entry(served.address)
    assert summary["rejection"] == "head-cut"
    assert "'POST /v...': 400" in served.lines[0]
    assert request["diagnosis"][0]["values"][0] == "'POST /v…'"


def test_a_content_length_that_counts_characters_is_recorded_after_the_request(served: ServedEmulator) -> None:
    form = f"action=checkkeyword&{QUERY}&content=【签名】您的验证码是1234".encode()
    raw = build_request(UTF8, form).replace(
        f"Content-Length: {len(form)}".encode(), f"Content-Length: {len(form.decode())}".encode()
    )
    missing = len(form) - len(form.decode())
    received = send_chunks(served.address, raw)
    assert "没有包含屏蔽词".encode() in received
    assert f"{missing} bytes follow a body whose Content-Length is {len(form.decode())}".encode() in received
    summary, request = last_entry(served.address)
    assert summary["rejection"] == "length-too-small"
    assert b64decode(request["body"]) == form[-missing:]
    assert "it counts bytes, not characters" in request["diagnosis"][0]["sentence"]
    (previous,) = call_control(served.address, "GET", "/accounts/12/requests")["items"]
    assert request["diagnosis"][1]["code"] == "http.rest-of-body"
    assert request["diagnosis"][1]["values"] == [str(previous["number"])]


def test_a_form_without_a_content_length_is_explained_in_both_entries(served: ServedEmulator) -> None:
    head = b"POST /v2sms.aspx HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
    received = send_chunks(served.address, head + SEND)
    assert b"X-Mock-Hint: habit.length-missing: " in received
    assert received.endswith(f"{len(SEND)} bytes follow a POST without Content-Length\n".encode())
    assert b"HTTP/1.1 411 Length Required" in received
    summary, request = last_entry(served.address)
    assert (summary["rejection"], summary["status"]) == ("length-missing", 411)
    assert "were not read as a body" in request["diagnosis"][0]["sentence"]


@pytest.mark.parametrize("split", [1, 3, 4, 5])
def test_a_second_request_that_arrives_in_pieces_is_no_rest_of_the_first(served: ServedEmulator, split: int) -> None:
    first = build_request(UTF8, f"action=overage&{QUERY}".encode())
    second = first.replace(b"Host: x", b"Host: x\r\nConnection: close")
    received = send_chunks(served.address, first + second[:split], second[split:])
    assert received.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize(
    ("raw", "status", "code", "detail"),
    [
        (b"PUT /v2sms.aspx HTTP/1.1\r\n\r\n", 405, "http.method", "PUT"),
        (b"POST /v2sms.aspx HTTP/1.1\r\nSec-Fetch-Site: cross-site\r\n\r\n", 403, "http.cross-site", "POST"),
        (b"POST /v2sms.aspx HTTP/1.1\r\nContent-Length: 9\r\n\r\nabcd", 400, "http.body-cut", "4 / 9"),
        (
            b"POST /v2sms.aspx HTTP/1.1\r\nContent-Length: 4194305\r\n\r\n" + b"a" * 4194305,
            413,
            "http.body-too-large",
            "a body has at most 4194304 bytes here",
        ),
    ],
    ids=["method", "cross-site", "body-cut", "body-too-large"],
)
def test_a_request_that_the_vendor_did_not_get_has_an_entry_with_the_cause(
    served: ServedEmulator, raw: bytes, status: int, code: str, detail: str
) -> None:
    with connect(served.address) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        assert read_all(connection).startswith(f"HTTP/1.1 {status} ".encode())
    summary, request = last_entry(served.address)
    assert (summary["status"], summary["rejection"]) == (status, code.removeprefix("http."))
    assert [(finding["code"], *finding["values"]) for finding in request["diagnosis"]] == [(code, detail)]


def test_the_console_shows_no_parameters_of_bytes_that_are_no_http_request(served: ServedEmulator) -> None:
    send_chunks(served.address, SPACE_IN_URL)
    summary, request = last_entry(served.address)
    assert (request["fields_utf8"], request["fields_gbk"], request["charset"]) == ({}, {}, "")
    page = send_raw(served.address, f"GET /requests/{summary['number']} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    assert "percent-encode the values" in page.body.decode()
    assert 'id="parsed"' not in page.body.decode()


def test_credentials_in_the_headers_of_an_invalid_request_are_not_kept(served: ServedEmulator) -> None:
    send_chunks(served.address, b"CONNECT a:443 HTTP/1.1\r\nProxy-Authorization: Basic c2VjcmV0\r\nHost: a\r\n\r\n")
    body = b64decode(last_entry(served.address)[1]["body"])
    assert body == b"CONNECT a:443 HTTP/1.1\r\nProxy-Authorization: [redacted]\r\nHost: a\r\n\r\n"


def test_a_chunk_with_a_wrong_size_is_refused_with_the_method_in_the_log(served: ServedEmulator) -> None:
    raw = f"POST {UTF8} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n".encode()
    assert b"a chunk is longer than it says" in send_chunks(served.address, raw)
    assert "'POST /v...': 400, a chunk is longer than it says" in served.lines[0]
    assert b64decode(last_entry(served.address)[1]["body"]) == raw


def test_the_entry_of_an_invalid_chunk_begins_with_the_head_when_the_chunk_comes_later(served: ServedEmulator) -> None:
    head = f"POST {UTF8} HTTP/1.1\r\nHost: h\r\nCookie: a=b\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    send_chunks(served.address, head + b"3\r\na", b"=1\r\n", b"x\r\n")
    body = b64decode(last_entry(served.address)[1]["body"])
    assert body == head.replace(b"a=b", b"[redacted]") + b"3\r\na=1\r\nx\r\n"


@with_limits(stalled=0.1)
def test_a_content_length_too_large_is_answered_408_logged_and_in_the_request_log(served: ServedEmulator) -> None:
    length = len(SEND)
    raw = build_request(UTF8, SEND).replace(
        f"Content-Length: {length}".encode(), f"Content-Length: {length + 2}".encode()
    )
    received = send_chunks(served.address, raw)
    message = f"{length} of {length + 2} bytes came (Content-Length is {length + 2}, and counts bytes, not characters)"
    assert received.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert received.endswith(f"{message}, and not the rest within 0.1 seconds\n".encode())
    assert served.lines == [f"POST /v2sms.aspx: 408, {message}, and not the rest within 0.1 seconds"]
    (request,) = call_control(served.address, "GET", "/accounts/12/requests")["items"]
    assert (request["status"], request["userid"], request["request_bytes"]) == (408, "12", length)
    finding = last_entry(served.address)[1]["diagnosis"][0]
    assert (finding["code"], *finding["values"]) == ("http.body-stalled", f"{length} / {length + 2}")
    assert (
        "<overage>1000<"
        in send_raw(served.address, build_request(UTF8, f"action=overage&{QUERY}".encode())).body.decode()
    )


@with_limits(stalled=0.1)
def test_half_a_head_is_answered_408_and_logged(served: ServedEmulator) -> None:
    received = send_chunks(served.address, b"GET /v2sms.aspx HTTP/1.1\r\nHost")
    assert received.startswith(b"HTTP/1.1 408 ")
    assert received.endswith(b"30 bytes of a request came, and not the rest within 0.1 seconds\n")
    assert "'GET /v...': 408, 30 bytes of a request came" in served.lines[0]


def test_the_response_to_a_truncated_body_names_the_byte_counts(served: ServedEmulator) -> None:
    with connect(served.address) as connection:
        connection.sendall(f"POST {UTF8} HTTP/1.1\r\nContent-Length: 9\r\n\r\nabcd".encode())
        connection.shutdown(socket.SHUT_WR)
        assert b"the body broke off: 4 of 9 bytes came" in read_all(connection)


@pytest.mark.parametrize(
    "chunks",
    [
        (b"\r\n\r", b"\nGET /v2sms.aspx HTTP/1.1\r\nConnection: close\r\n\r\n"),
        (b"\r", b"\n", b"\r", b"\nGET /v2sms.aspx HTTP/1.1\r\nConnection: close\r\n\r\n"),
        (b"\n\n\r\nGET /v2sms.aspx HTTP/1.1\r\nConnection: close\r\n\r\n",),
    ],
)
def test_empty_lines_before_a_request_are_ignored(served: ServedEmulator, chunks: tuple[bytes, ...]) -> None:
    assert send_chunks(served.address, *chunks).startswith(b"HTTP/1.1 200 OK\r\n")


class ResetTransport:
    """A transport whose client has reset the connection before the event loop notices it."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def get_extra_info(self, name: str) -> tuple[str, int]:
        return ("127.0.0.1", 1)

    def is_closing(self) -> bool:
        return "abort" in self.calls

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        raise OSError(107, "Transport endpoint is not connected")

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self.calls.append(name)


class RefusingDispatcher:
    """A RequestHandler that refuses all requests, valid and invalid."""

    def dispatch(self, *_: object) -> object:
        return text_response(404, "no such page")

    def bad_request(self, error: BadRequest, *_: object) -> object:
        return text_response(error.status, str(error))


@pytest.mark.parametrize("raw", [b"GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n", b"nonsense\r\n\r\n"])
def test_a_client_that_reset_the_connection_before_its_refusal_causes_no_exception(raw: bytes) -> None:
    async def refuse() -> list[str]:
        transport = ResetTransport()
        open_connections: set[HttpProtocol] = set()
        connection = HttpProtocol(
            cast(Any, RefusingDispatcher()), WriteCoalescer(asyncio.get_running_loop()), open_connections
        )
        connection.connection_made(cast(Any, transport))
        connection.get_buffer(-1)[: len(raw)] = raw
        connection.buffer_updated(len(raw))
        return transport.calls

    assert asyncio.run(refuse())[-1] == "abort"


# Many incomplete requests, slow requests, and unread responses


def build_incomplete_request(size: int, missing: int) -> bytes:
    """Build a request with `size` bytes of its body, of which `missing` more are declared."""
    return f"POST {UTF8} HTTP/1.1\r\nContent-Length: {size + missing}\r\n\r\n".encode() + b"x" * size


@with_limits(incomplete_bytes=250_000)
def test_with_too_many_incomplete_bodies_the_oldest_is_refused_and_the_newest_is_received(
    served: ServedEmulator,
) -> None:
    size = 100_000
    with ExitStack() as opened:
        connections = [opened.enter_context(connect(served.address)) for _ in "abc"]
        for connection in connections:
            connection.sendall(build_incomplete_request(size, 10))
            send_raw(served.address, build_request(UTF8, b"action=overage"))  # complete requests are served meanwhile
        assert connections[0].recv(1000).startswith(b"HTTP/1.1 503 ")
        for connection in connections[1:]:
            connection.sendall(b"x" * 10)
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    requests = call_control(served.address, "GET", "/requests")["items"]
    assert [request["status"] for request in requests].count(503) == 1
    assert sum("POST /v2sms.aspx: 503" in line for line in served.lines) == 1
    complete = build_incomplete_request(size, 10) + b"x" * 10  # bytes of closed and complete requests no longer count
    for _ in range(5):
        assert send_raw(served.address, complete).status == 200


@with_limits(incomplete_bytes=1000)
def test_with_too_many_incomplete_heads_the_oldest_is_refused(served: ServedEmulator) -> None:
    with connect(served.address) as connection:
        connection.sendall(b"GET /v2sms.aspx?" + b"x" * 1000)
        assert connection.recv(1000).startswith(b"HTTP/1.1 503 ")
    (line,) = served.lines
    assert "'GET /v...': 503, 1016 bytes of a request came, and more than 1000 bytes of unfinished requests" in line
    assert last_entry(served.address)[1]["diagnosis"][0]["code"] == "http.overload"


@with_limits(stalled=0.1)
def test_complete_requests_wait_for_a_client_that_reads_slowly(served: ServedEmulator) -> None:
    request = b"GET /_mock/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(TIMEOUT)
        connection.connect(served.address)
        connection.sendall(request * 100 + request.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n"))
        assert not threading.Event().wait(1.0)
        received = b"".join(iter(lambda: connection.recv(1024 * 1024), b""))
    assert received.count(b"HTTP/1.1 200 ") == 101


@with_limits(receive=0.3)
def test_a_request_that_arrives_byte_by_byte_times_out(served: ServedEmulator) -> None:
    received = b""
    with socket.create_connection(served.address, timeout=0.02) as connection:
        connection.sendall(build_incomplete_request(0, 10_000))
        while not received:
            connection.sendall(b"x")
            with suppress(TimeoutError):
                received = connection.recv(1000)
    assert received.startswith(b"HTTP/1.1 408 ")
    assert b"and not the rest within 0.3 seconds" in received


@pytest.mark.slow("Waits for a time-out.")
@with_limits(unread=0.2)
def test_a_client_that_never_reads_is_disconnected(served: ServedEmulator) -> None:
    raw = b"GET /v2sms.aspx HTTP/1.1\r\n\r\n" * 1000
    with connect(served.address) as connection:
        connection.setblocking(False)
        while not any("bytes for 0.2 seconds, and was disconnected" in line for line in served.lines):
            with suppress(BlockingIOError, ConnectionError):
                connection.send(raw)
    assert send_raw(served.address, build_request(UTF8, b"action=overage")).status == 200


@pytest.mark.parametrize("path", ["/", "/v2.aspx", "/v2sms", "/api/send"])
def test_a_form_for_a_path_that_does_not_exist_is_answered_with_the_endpoints_and_logged(
    served: ServedEmulator, path: str
) -> None:
    response = send_raw(served.address, build_request(path, SEND))
    assert (response.status, response.content_type) == (404, "text/plain; charset=utf-8")
    assert "  /v2sms.aspx\n  /v2smsGBK.aspx\n" in response.body.decode()
    cause = f"http.unknown-path: {path} is no endpoint of the vendor: use one of /v2sms.aspx, /v2smsGBK.aspx, "
    assert f"POST {path}: 404\n  {cause}" in served.lines[0]
    (entry,) = call_control(served.address, "GET", "/accounts/12/requests")["items"]
    assert (entry["rejection"], entry["status"], entry["path"]) == ("unknown-path", 404, path)
    detail = call_control(served.address, "GET", f"/requests/{entry['number']}")
    assert cause in f"{detail['diagnosis'][0]['code']}: {detail['diagnosis'][0]['sentence']}"
    page = send_raw(served.address, f"GET /requests/{entry['number']} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    assert page.status == 200
    assert f"{path} is no endpoint" in page.body.decode()


@pytest.mark.parametrize("path", ["/requests/99999?lang=zh", "/?userid=deleted", "/_mock/requests/99999?lang=zh"])
def test_a_404_response_of_a_path_that_exists_has_no_finding(served: ServedEmulator, path: str) -> None:
    response = send_raw(served.address, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    assert response.status == 404
    assert call_control(served.address, "GET", "/requests")["items"] == []
    assert [line for line in served.lines if "http.unknown-path" in line] == []


def test_a_path_that_does_not_exist_without_parameters_is_not_in_the_request_log(served: ServedEmulator) -> None:
    assert send_raw(served.address, b"GET /favicon.ico HTTP/1.1\r\nHost: x\r\n\r\n").status in {200, 404}
    assert call_control(served.address, "GET", "/requests")["items"] == []
