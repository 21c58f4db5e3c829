"""Transports of the control API: HTTP over a socket, and calls of a WSGI application.

Neither uses an HTTP library's connections, `http.client` included: what a test replaces there (vcrpy, responses, respx)
is for the application under test, and must neither record nor answer the requests of the test itself.
"""

import http.client
import io
import os
import selectors
import socket
import ssl
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import Any, Final, Protocol
from urllib.parse import quote, unquote_to_bytes, urlsplit

_CONNECT_TIMEOUT: Final = 5.0
"""Timeout of connecting, in seconds."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class TransportError(Exception):
    """There was no response."""


class Transport(Protocol):
    """Sends a request to an emulator, from any thread, and returns status and body. Raises TransportError."""

    def request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, seconds: float
    ) -> tuple[int, bytes]: ...

    def close(self) -> None: ...


class HttpTransport:
    """HTTP over persistent connections. Thread-safe."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError(f"{url!a} is not a base URL such as http://127.0.0.1:10692")
        self._address = parts.hostname, parts.port or _DEFAULT_PORTS[parts.scheme]
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        host = parts.netloc.rpartition("@")[2]
        self._host = host if host.isascii() else host.encode("idna").decode("ascii")
        self._path = quote(parts.path.rstrip("/"), safe="/%")
        self._idle: list[socket.socket] = []
        self._process = os.getpid()

    def request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes, seconds: float
    ) -> tuple[int, bytes]:
        request = _encode_request(method, self._path + target, {"Host": self._host, **headers}, body)
        try:
            connection = self._get_connection()
        except OSError as error:
            raise TransportError(str(error) or type(error).__name__) from error
        try:
            connection.settimeout(seconds)
            connection.sendall(request)
            with closing(http.client.HTTPResponse(connection, method=method)) as response:
                response.begin()
                result = response.status, response.read()
                reusable = not response.will_close
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise TransportError(str(error) or type(error).__name__) from error
        except BaseException:  # e.g. KeyboardInterrupt: the late response must not be read as that of a later request
            connection.close()
            raise
        if reusable:
            self._idle.append(connection)
        else:
            connection.close()
        return result

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _get_connection(self) -> socket.socket:
        """Return an idle connection or a new one. **A forked child never uses a connection of its parent.**"""
        if self._process != os.getpid():
            self.close()
            self._process = os.getpid()
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self._connect()
            if not _is_closed(connection):
                return connection
            connection.close()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(self._address, timeout=_CONNECT_TIMEOUT)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return self._tls.wrap_socket(connection, server_hostname=self._address[0]) if self._tls else connection
        except BaseException:
            connection.close()
            raise


def _encode_request(method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Encode a request. Raises ValueError for a line end in a header, such as in a token."""
    if body or method != "GET":
        headers = {**headers, "Content-Length": str(len(body))}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a request header contains a line end")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def _is_closed(connection: socket.socket) -> bool:
    """Return whether the server closed an idle connection: nothing but the end can be readable."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        return bool(selector.select(0))


class WsgiTransport:
    """Calls a WSGI application in this process.

    **A forked child has a copy of the application, which is never called.**
    """

    def __init__(self, application: Any) -> None:
        self._application = application
        self._process = os.getpid()

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        seconds: float,  # noqa: ARG002 - a call has no timeout
    ) -> tuple[int, bytes]:
        if self._process != os.getpid():
            raise TransportError(
                f"the emulator runs in process {self._process}, from which this process was forked: "
                "use EmulatorControl(url) here, with the url read before the fork"
            )
        statuses: list[str] = []
        written: list[bytes] = []

        def start_response(status: str, headers: Any, exc_info: Any = None) -> Callable[[bytes], object]:
            if exc_info:
                raise exc_info[1]
            statuses.append(status)
            return written.append

        content: Iterable[bytes] = self._application(_environ(method, target, headers, body), start_response)
        try:
            written.extend(content)
        finally:
            close = getattr(content, "close", None)
            if close is not None:
                close()
        return int(statuses[-1].partition(" ")[0]), b"".join(written)

    def close(self) -> None:
        """Do nothing: there are no connections."""


def _environ(method: str, target: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),  # PEP 3333
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": "localhost",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return environ
