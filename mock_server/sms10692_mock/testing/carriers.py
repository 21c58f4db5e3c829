"""Two ways in which a request gets to an emulator and its answer back: over a socket, and by a call.

Here belongs what carries bytes. What they mean is the affair of `connection`.
"""

import http.client
import selectors
import socket
from collections.abc import Mapping
from contextlib import closing
from typing import Any, Final, Protocol
from urllib.parse import unquote_to_bytes, urlsplit

_CONNECT: Final = 5.0
"""Seconds to connect."""


class NotCarried(Exception):
    """There was no answer."""


class Carrier(Protocol):
    """Brings a request to an emulator, from any thread; gives status and body of the answer. May raise NotCarried."""

    def carry(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, seconds: float
    ) -> tuple[int, bytes]: ...

    def close(self) -> None: ...


class OverSocket:
    """By HTTP, over connections that are kept.

    The standard library's client takes half the time of httpx2's, and a test waits for it at its start and its end.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"{url!a} is no address such as http://127.0.0.1:10692")
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path.rstrip("/")
        self._idle: list[http.client.HTTPConnection] = []

    def carry(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, seconds: float
    ) -> tuple[int, bytes]:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._kind(self._host, self._port)
        try:
            _ready(connection).settimeout(seconds)
            connection.request(method, self._path + target, body or None, headers)
            response = connection.getresponse()
            answer = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise NotCarried(str(error) or type(error).__name__) from error
        self._idle.append(connection)
        return answer

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _ready(connection: http.client.HTTPConnection) -> socket.socket:
    """The socket of this connection, which was opened anew where the other side has closed it."""
    if connection.sock is not None:
        with selectors.DefaultSelector() as selector:
            selector.register(connection.sock, selectors.EVENT_READ)
            if selector.select(0):  # nobody was asked anything: so this is the end
                connection.close()
    if connection.sock is None:
        connection.timeout = _CONNECT
        connection.connect()
    return connection.sock


class ByCall:
    """By a call of a WSGI application in this process."""

    def __init__(self, application: Any) -> None:
        import httpx2  # here, because the other way takes no time to load

        self._request, self._transport = httpx2.Request, httpx2.WSGITransport
        self._application = application

    def carry(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        seconds: float,  # noqa: ARG002 - a call takes as long as it takes
    ) -> tuple[int, bytes]:
        path = unquote_to_bytes(target.partition("?")[0]).decode("latin-1")

        def called(environ: dict[str, Any], start_response: Any) -> Any:
            environ["PATH_INFO"] = path  # bytes as Latin-1 (PEP 3333), where httpx2 has text
            return self._application(environ, start_response)

        request = self._request(method, f"http://localhost{target}", headers=headers, content=body)
        with closing(self._transport(app=called).handle_request(request)) as response:
            return response.status_code, response.read()

    def close(self) -> None:
        """Nothing is open."""
