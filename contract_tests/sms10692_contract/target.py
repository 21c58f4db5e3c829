"""The address that is examined, and one HTTP exchange with it over a socket of its own.

Here belongs how bytes go out and an answer comes in. Whether they may go out is the affair of `gate`.
"""

import http.client
import socket
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from sms10692_contract.requests import Request

TIMEOUT: Final = 15.0
"""Seconds that an answer may take."""


class Raw(NamedTuple):
    """What came back."""

    status: int
    content_type: str
    body: bytes


class NoAnswer(Exception):
    """The address cannot be reached, hung up, or did not speak HTTP."""


@dataclass(frozen=True)
class Address:
    """`http://HOST:PORT`, perhaps with a path before the pages."""

    host: str
    port: int
    prefix: str = ""

    @property
    def url(self) -> str:
        """As it is written."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{self.prefix}"


def address_of(url: str) -> Address:
    """Read an address. Raises ValueError, in words for the person who wrote it.

    >>> address_of("http://127.0.0.1:10692/"), address_of("http://[::1]").url
    (Address(host='127.0.0.1', port=10692, prefix=''), 'http://[::1]:80')
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(f"an address is written http://HOST:PORT, and not {url}")
    return Address(parts.hostname, parts.port or 80, parts.path.rstrip("/"))


def exchange(address: Address, request: Request) -> Raw:
    """Send a request, as it is, and read the answer. Raises NoAnswer."""
    head = request.head(f"{address.host}:{address.port}")
    if address.prefix:
        head = head.replace(b" /", b" " + address.prefix.encode() + b"/", 1)
    try:
        with socket.create_connection((address.host, address.port), timeout=TIMEOUT) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if any(name == "Expect" for name, _ in request.headers):
                connection.sendall(head)
                _await_continue(connection)
                connection.sendall(request.body)
            else:
                connection.sendall(head + request.body)
            response = http.client.HTTPResponse(connection, method=request.method)
            response.begin()
            return Raw(response.status, response.getheader("Content-Type", ""), response.read())
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(f"{address.url}: {error or type(error).__name__}") from error


def _await_continue(connection: socket.socket) -> None:
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        if not piece:
            raise NoAnswer("it hung up instead of saying 100 Continue")
        received += piece
    if not received.startswith(b"HTTP/1.1 100"):
        raise NoAnswer(f"it said {received[:12]!r} instead of 100 Continue")
