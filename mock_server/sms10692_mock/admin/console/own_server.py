"""Requests of the console to the emulator that serves it: over a socket, as a client's.

So signature check, faults, request log and findings apply to them.
"""

import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from sms10692_mock.admin.forwarding import OWN_SCHEME

TIMEOUT: Final = 10.0
"""Seconds that the console waits for each part of a response."""

Problem: TypeAlias = Literal["", "disconnected", "truncated", "timeout", "not_http"]
"""Why there is no response, or only a part of one; empty if it is complete."""


class ServerAddress(NamedTuple):
    """Where a socket of this emulator listens, and whether with TLS."""

    host: str
    port: int
    is_tls: bool = False


class Exchange(NamedTuple):
    """What a client receives. Status 0 and an empty body if nothing arrived."""

    status: int
    content_type: str
    body: bytes
    problem: Problem = ""

    @property
    def text(self) -> str:
        """The body as text, in the declared charset of the two that the vendor has, or in the one that fits."""
        content_type = self.content_type.lower()
        if "gb2312" in content_type:
            return self.body.decode("gbk", "replace")
        try:
            return self.body.decode("utf-8")
        except UnicodeDecodeError:  # also of a page of the web server, which declares no charset
            return self.body.decode("utf-8" if "utf-8" in content_type else "gbk", "replace")


class ServerUnreachable(Exception):
    """This emulator cannot be reached at the address that its requests name."""


def find_server(environ: Mapping[str, Any]) -> ServerAddress:
    """Return the address at which the emulator received a WSGI request, as reachable from this machine."""
    host = str(environ["SERVER_NAME"]).strip("[]")
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - nothing is bound here
    scheme = environ.get(OWN_SCHEME) or environ.get("wsgi.url_scheme")
    return ServerAddress(reachable.get(host, host), int(environ["SERVER_PORT"]), scheme == "https")


def exchange(raw: bytes, server: ServerAddress) -> Exchange:
    """Send the bytes of one request and return what arrives. Raises ServerUnreachable if nothing accepts connections.

    The request should contain `Connection: close`.
    """
    try:
        connection = _connect(server)
    except OSError as error:
        raise ServerUnreachable(f"{server.host}:{server.port}: {error or type(error).__name__}") from error
    with connection:
        try:
            connection.sendall(raw)
            return _receive(connection, raw.partition(b" ")[0].decode("latin-1"))
        except TimeoutError:
            return Exchange(0, "", b"", "timeout")
        except OSError:
            return Exchange(0, "", b"", "disconnected")


def _connect(server: ServerAddress) -> socket.socket:
    connection = socket.create_connection((server.host, server.port), timeout=TIMEOUT)
    if not server.is_tls:
        return connection
    # The other end is this process, whose certificate need not name the address.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(connection)


def _receive(connection: socket.socket, method: str) -> Exchange:
    response = HTTPResponse(connection, method=method)
    try:
        response.begin()
    except ConnectionError:
        return Exchange(0, "", b"", "disconnected")
    except HTTPException:
        return Exchange(0, "", b"", "not_http")
    content_type = response.headers.get("Content-Type", "")
    body = b""
    try:
        while chunk := response.read1():
            body += chunk
    except IncompleteRead as error:
        body += error.partial
        return Exchange(response.status, content_type, body, "truncated")
    except TimeoutError:
        return Exchange(response.status, content_type, body, "timeout")
    except OSError:
        return Exchange(response.status, content_type, body, "truncated")
    if response.length:  # read1 reports an early end of the connection as the end of the body
        return Exchange(response.status, content_type, body, "truncated")
    return Exchange(response.status, content_type, body)
