"""HTTP client of tests and tools: raw requests over sockets, sessions, and asyncio connections that can be broken."""

import asyncio
import http.client
import json
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import httpx2

Address = tuple[str, int]

TIMEOUT: Final = 60.0
"""Seconds after which an expected event counts as missing. Generous, because a busy machine must not fail tests."""


class Response(NamedTuple):
    """The parts of an HTTP response that tests compare."""

    status: int
    content_type: str
    body: bytes

    def json(self) -> Any:
        """Parse the body as JSON."""
        return json.loads(self.body)


class ConnectionBroken(Exception):
    """No complete response arrived: the connection was closed, or the timeout expired."""


def free_port() -> int:
    """Return a free port, for a process that must know its port before it listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def closed_port() -> Iterator[int]:
    """Yield a port that refuses connections: the port is bound, so that no other process can listen on it."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        yield port


def parse_address(url: str) -> Address:
    """Return the address in a URL such as http://127.0.0.1:80, or in a line that ends with one."""
    host, _, port = url.strip().rpartition("http://")[2].rpartition(":")
    return host.strip("[]"), int(port)


def connect(address: Address) -> socket.socket:
    """Open a connection whose operations fail after `TIMEOUT`."""
    return socket.create_connection(address, timeout=TIMEOUT)


def read_all(connection: socket.socket) -> bytes:
    """Receive until the other side closes the connection."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def build_request(path: str, body: bytes, content_type: str = "application/x-www-form-urlencoded") -> bytes:
    """Build a raw POST request."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def build_control_request(method: str, path: str, document: object = None) -> bytes:
    """Build a raw request to the control API."""
    body = b"" if document is None else json.dumps(document).encode()
    return (
        f"{method} /_mock{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def send_raw(address: Address, raw: bytes) -> Response:
    """Send a raw HTTP request over a new socket and read the response."""
    with connect(address) as connection:
        connection.sendall(raw)
        response = http.client.HTTPResponse(connection, method=raw[:4].decode("latin-1").strip())
        response.begin()
        return Response(response.status, response.getheader("Content-Type", ""), response.read())


def call_control(address: Address, method: str, path: str, document: object = None) -> Any:
    """Send a request to the control API, which must succeed, and return the document."""
    response = send_raw(address, build_control_request(method, path, document))
    assert response.status in {200, 201}, response
    return response.json()


def read_request(connection: socket.socket) -> bytes:
    """Read one complete request, which may arrive in parts; returns b"" if the client closes early."""
    raw = b""
    while not _is_complete(raw):
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        raw += chunk
    return raw


def _is_complete(raw: bytes) -> bool:
    head, end, body = raw.lower().partition(b"\r\n\r\n")
    if b"\r\ntransfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    return bool(end) and len(body) >= int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)


def open_session(address: Address, tls: ssl.SSLContext | None = None) -> httpx2.Client:
    """Open a session that keeps its connection, for requests of which a test needs the headers."""
    scheme = "http" if tls is None else "https"
    # Without a context, CA certificates are not loaded: that takes 30 ms.
    return httpx2.Client(base_url=f"{scheme}://{address[0]}:{address[1]}", timeout=TIMEOUT, verify=tls or False)


class RawConnection:
    """A keep-alive asyncio connection that is opened on first use, and again after the server has closed it.

    `get_address` is called before each opening, because the address of a restarted server changes.
    """

    def __init__(self, get_address: Callable[[], Address]) -> None:
        self._get_address = get_address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(self, raw: bytes, timeout: float = 10.0) -> Response:
        """Send a request and read the response. Raises ConnectionBroken, and closes the connection then."""
        try:
            async with asyncio.timeout(timeout):
                await self.write(raw)
                return await self._read_response()
        except (OSError, EOFError, TimeoutError) as error:
            self.close()
            raise ConnectionBroken(repr(error)) from None

    async def write(self, raw: bytes) -> None:
        """Send bytes without waiting for a response. Raises OSError."""
        if self._streams is None or self._streams[1].is_closing():
            self._streams = await asyncio.open_connection(*self._get_address(), limit=2**24)
        self._streams[1].write(raw)
        await self._streams[1].drain()

    async def read_some(self, timeout: float = 10.0) -> bytes:
        """Read up to 40 bytes of a response; returns b"" when nothing arrives in time."""
        try:
            async with asyncio.timeout(timeout):
                return await self._streams[0].read(40) if self._streams else b""
        except (OSError, TimeoutError):
            return b""

    async def _read_response(self) -> Response:
        if self._streams is None:
            raise EOFError
        head = (await self._streams[0].readuntil(b"\r\n\r\n")).decode("latin-1")
        first_line, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await self._streams[0].readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            self.close()
        return Response(int(first_line.split(" ")[1]), headers.get("content-type", ""), body)

    def close(self, *, reset: bool = False) -> None:
        """Close the connection; `reset` sends a TCP reset, as the kernel does for a killed process with unread data."""
        if self._streams is not None:
            writer = self._streams[1]
            if reset:
                raw_socket: socket.socket | None = writer.get_extra_info("socket")
                if raw_socket is not None and raw_socket.fileno() >= 0:
                    raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()
            self._streams = None
