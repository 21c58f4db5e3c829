"""HTTP server on an event loop that already runs: a listening socket, its connections, their time limits.

`process` runs it in a process of its own, `thread_runner` in a thread of another program.
"""

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from sms10692_mock.server.handler import RequestHandler
from sms10692_mock.server.protocol import HttpProtocol
from sms10692_mock.server.receive_limits import ConnectionLimits, IncompleteRequests
from sms10692_mock.server.tls import TlsProtocol
from sms10692_mock.server.write_coalescer import WriteCoalescer

BACKLOG: Final = 1024
"""Connections that the kernel may hold before they are accepted."""
_ACCEPT_BATCH: Final = 16
"""Connections accepted per iteration of the loop. Without free file descriptors asyncio also retries this often."""
_CLOSE_POLL_SECONDS: Final = 0.001
_ERROR_LOG_SECONDS: Final = 60.0
_FD_EXHAUSTED: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

_logger = logging.getLogger(__name__)


class Listener(NamedTuple):
    """A listening socket; with `tls` its connections are encrypted."""

    socket: socket.socket
    tls: ssl.SSLContext | None = None


class Server:
    """Listening sockets and their connections. All methods are for the thread of the event loop."""

    def __init__(self, handler: RequestHandler, limits: ConnectionLimits) -> None:
        self._handler = handler
        self._limits = limits
        self._connections: set[HttpProtocol] = set()
        self._handshakes: set[TlsProtocol] = set()
        self._incomplete_requests = IncompleteRequests(limits.incomplete_bytes)
        self._servers: list[asyncio.Server] = []

    async def open(self, listeners: Sequence[Listener]) -> None:
        """Accept connections at these sockets, which are closed with the server."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_LoopErrorHandler())
        tls_ports = [listener.socket.getsockname()[1] for listener in listeners if listener.tls is not None]
        create_http = partial(
            HttpProtocol,
            self._handler,
            WriteCoalescer(loop),
            self._connections,
            self._incomplete_requests,
            tls_ports[0] if tls_ports else None,
        )
        for listener in listeners:
            create_protocol = (
                create_http
                if listener.tls is None
                else partial(
                    TlsProtocol,
                    listener.tls,
                    create_http,
                    self._handler.bad_request,
                    self._handshakes,
                    self._limits.stalled,
                )
            )
            self._servers.append(await loop.create_server(create_protocol, sock=listener.socket, backlog=_ACCEPT_BATCH))
            listener.socket.listen(BACKLOG)
        self._enforce_time_limits(loop)

    def filenos(self) -> list[int]:
        """File descriptors of the open connections."""
        return [connection.fileno() for connection in self._connections]

    def _enforce_time_limits(self, loop: asyncio.AbstractEventLoop) -> None:
        """Refuse requests that stay incomplete, close connections of clients that do not read; repeat later."""
        now, limits = loop.time(), self._limits
        for connection in list(self._connections):
            if connection.unread_for(now) >= limits.unread:
                connection.abort_unread(limits.unread)
            elif connection.is_stalled(now - limits.stalled):
                connection.time_out(limits.stalled)
            elif connection.began_receiving_before(now - limits.receive):
                connection.time_out(limits.receive)
        self._next_sweep = loop.call_later(limits.sweep, self._enforce_time_limits, loop)

    async def close(self, grace: float) -> None:
        """Stop accepting and close all connections: idle ones now, busy ones after `grace` seconds at the latest."""
        for server in self._servers:
            server.close()
        self._next_sweep.cancel()
        for handshake in list(self._handshakes):
            handshake.abort()
        until = asyncio.get_running_loop().time() + grace
        while self._connections and asyncio.get_running_loop().time() < until:
            for connection in list(self._connections):
                if not connection.is_busy:
                    connection.close()
            await asyncio.sleep(_CLOSE_POLL_SECONDS)
        for connection in list(self._connections):
            connection.abort()
        self._handler.close()
        await asyncio.sleep(0)


class _LoopErrorHandler:
    """Exception handler of the loop. It logs a lack of file descriptors once a minute, not once per client."""

    def __init__(self) -> None:
        self._last_logged = -_ERROR_LOG_SECONDS

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _FD_EXHAUSTED:
            loop.default_exception_handler(context)
        elif loop.time() - self._last_logged >= _ERROR_LOG_SECONDS:
            self._last_logged = loop.time()
            _logger.error("no more connections can be accepted for now: %s", error.strerror)
