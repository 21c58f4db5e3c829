"""The address that a client under examination calls: a proxy before the emulator that records and alters responses.

Each connection has a thread. Requests are forwarded as they are, apart from Expect and chunks; an `Alteration` decides
what the client receives.
"""

import contextlib
import http.client
import io
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from sms10692_examine.exchange import Exchange, HttpRequest, HttpResponse

_MAX_HEAD: Final = 1 << 20
_MAX_BODY: Final = 16 << 20
_FORWARD_TIMEOUT: Final = 30.0
"""Seconds that the emulator has for an answer."""

_DROP_LINGER: Final = struct.pack("ii", 1, 0)
"""SO_LINGER that resets a connection when it is closed."""


@dataclass(frozen=True, slots=True)
class Alteration:
    """What happens to one response.

    `is_executed` is false for a request that does not reach the vendor. `change` replaces the response, `raw` the bytes
    of the whole response. Then the bytes up to `cut_at` are sent; the body takes `body_seconds`, byte by byte. `reset`
    closes the connection with RST, `close` without; `stall` keeps it open without another byte until the client or the
    proxy closes it. `is_once` is false if all later responses are altered too.
    """

    name: str
    is_executed: bool = True
    change: Callable[[HttpResponse], HttpResponse] | None = None
    raw: Callable[[HttpResponse], bytes] | None = None
    cut_at: int | None = None
    body_seconds: float = 0.0
    reset: bool = False
    stall: bool = False
    close: bool = False
    is_once: bool = True


class _ConnectionEnded(Exception):
    """The client closed the connection, or sent what is no request."""


class VendorProxy:
    """A proxy on a free port of 127.0.0.1, usable as a context manager. `exchanges` are all requests so far.

    `before` is called in a thread of the proxy with each request before it is forwarded.
    """

    def __init__(self, upstream: str, before: Callable[[HttpRequest], None] = lambda request: None) -> None:
        address = urlsplit(upstream)
        self._before = before
        self._upstream = (address.hostname or "127.0.0.1", address.port or 80)
        self.exchanges: list[Exchange] = []
        self._alterations: deque[tuple[Alteration, Callable[[HttpRequest], bool]]] = deque()
        self._lock = threading.Lock()
        self._executed = threading.Event()
        self._closed = threading.Event()
        self._connections: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, name="vendor proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closed.set()
        with contextlib.suppress(OSError):  # wakes accept(); a socket that is not connected says so
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):  # the client closed the connection
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def alter(self, alteration: Alteration, applies: Callable[[HttpRequest], bool] = lambda request: True) -> None:
        """Alter the response to the next request for which `applies` is true."""
        with self._lock:
            self._alterations.append((alteration, applies))

    def wait_for_request(self, limit: float) -> None:
        """Wait until the vendor has executed a request, at most `limit` seconds."""
        self._executed.wait(limit)

    def _take_alteration(self, request: HttpRequest) -> Alteration | None:
        with self._lock:
            for position, (alteration, applies) in enumerate(self._alterations):
                if applies(request):
                    if alteration.is_once:
                        del self._alterations[position]
                    return alteration
        return None

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # the listener was closed
            with self._lock:
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), name="vendor proxy", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as stream:
                while self._serve_request(connection, stream):
                    pass
        except (_ConnectionEnded, OSError, http.client.HTTPException):
            return  # the client closed the connection, or sent what is no HTTP
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _serve_request(self, connection: socket.socket, stream: io.BufferedReader) -> bool:
        """Answer one request; return whether the connection stays open."""
        request, raw = _read_request(connection, stream)
        alteration = self._take_alteration(request)
        exchange = Exchange(request, alteration=alteration.name if alteration else "")
        with self._lock:
            self.exchanges.append(exchange)
        exchange.is_executed = alteration is None or alteration.is_executed
        self._before(request)
        response = self._forward(raw) if exchange.is_executed else HttpResponse(200, (), b"")
        if exchange.is_executed:
            exchange.vendor_body = response.body
            self._executed.set()
        is_last = request.header("Connection").lower() == "close"
        if alteration is None:
            response = _announce_end(response) if is_last else response
            exchange.response = response.encode()
            connection.sendall(exchange.response)
        else:
            self._send_altered(connection, exchange, response, alteration, is_last)
        exchange.ended = time.monotonic()
        is_old = request.head.split(b"\r\n", 1)[0].endswith(b"HTTP/1.0")
        is_closed = alteration is not None and (alteration.close or alteration.cut_at is not None or alteration.reset)
        return not (is_closed or is_old or is_last)

    def _send_altered(
        self,
        connection: socket.socket,
        exchange: Exchange,
        response: HttpResponse,
        alteration: Alteration,
        is_last: bool,
    ) -> None:
        if alteration.change is not None:
            response = alteration.change(response)
        response = _announce_end(response) if is_last else response
        content = alteration.raw(response) if alteration.raw is not None else response.encode()
        exchange.response = content[: alteration.cut_at]
        if alteration.body_seconds:
            head, empty_line, body = exchange.response.partition(b"\r\n\r\n")
            connection.sendall(head + empty_line)
            for byte in body:
                if self._closed.wait(alteration.body_seconds / len(body)):
                    return
                connection.sendall(bytes((byte,)))
        else:
            connection.sendall(exchange.response)
        if alteration.stall:
            connection.recv(1)  # until the client closes the connection, or the proxy
        if alteration.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DROP_LINGER)

    def _forward(self, raw: bytes) -> HttpResponse:
        with socket.create_connection(self._upstream, _FORWARD_TIMEOUT) as upstream:
            upstream.sendall(raw)
            response = http.client.HTTPResponse(upstream, method=raw.split(b" ", 1)[0].decode("latin-1"))
            response.begin()
            body = response.read()
        headers = tuple((name, value) for name, value in response.getheaders() if name.lower() != "connection")
        return HttpResponse(response.status, headers, body)


def _announce_end(response: HttpResponse) -> HttpResponse:
    """Say that the connection ends, as the client asked: clients that read no `close` use the connection again."""
    return replace(response, headers=(*response.headers, ("Connection", "close")))


def _read_request(connection: socket.socket, stream: io.BufferedReader) -> tuple[HttpRequest, bytes]:
    """Read a request; return it, and its bytes with a Content-Length for a body that was chunked."""
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline(_MAX_HEAD)
        if not line or len(head) > _MAX_HEAD:
            raise _ConnectionEnded
        head += line
    request = HttpRequest(bytes(head), b"")
    if request.header("Expect").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if request.header("Transfer-Encoding").lower() == "chunked":
        body = _read_chunks(stream)
        lines = [line for line in bytes(head[:-4]).split(b"\r\n") if not line.lower().startswith(b"transfer-encoding:")]
        forwarded = b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", b""])
    else:
        length = request.header("Content-Length")
        body = _read_exactly(stream, int(length) if length.isascii() and length.isdecimal() else 0)
        forwarded = bytes(head)
    forwarded = b"\r\n".join(line for line in forwarded.split(b"\r\n") if not line.lower().startswith(b"expect:"))
    return HttpRequest(bytes(head), body), forwarded + body


def _read_exactly(stream: io.BufferedReader, length: int) -> bytes:
    if length > _MAX_BODY:
        raise _ConnectionEnded
    content = stream.read(length)
    if len(content) < length:
        raise _ConnectionEnded
    return content


def _read_chunks(stream: io.BufferedReader) -> bytes:
    body = bytearray()
    while True:
        size = stream.readline(_MAX_HEAD).split(b";")[0].strip()
        try:
            length = int(size, 16)
        except ValueError:
            raise _ConnectionEnded from None
        if length < 0:
            raise _ConnectionEnded
        body += _read_exactly(stream, length)
        stream.readline(_MAX_HEAD)
        if not length:
            return bytes(body)
        if len(body) > _MAX_BODY:
            raise _ConnectionEnded
