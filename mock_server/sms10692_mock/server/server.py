"""A listening socket and its connections, on an event loop that runs already.

Here belongs letting clients in, and their end. Who begins and who ends it is the affair of `serve`, for a process of
its own, and of `in_thread`, for somebody else's.
"""

import asyncio
import errno
import logging
import socket
from typing import Any, Final

from sms10692_mock.server.handler import RequestHandler
from sms10692_mock.server.protocol import HttpProtocol
from sms10692_mock.server.receive_limits import Receiving
from sms10692_mock.server.write_coalescer import WriteCoalescer

BACKLOG: Final = 1024
_ACCEPT_BATCH: Final = 16
"""Clients between two looks at those who are in: as often asyncio tries again where there are no more files."""
_PATIENCE: Final = 30.0
"""Seconds for which part of a request waits for the rest."""
_RECEIVING: Final = 120.0
"""Seconds for a whole request, from its first byte to its last."""
_UNREAD: Final = 60.0
"""Seconds for which an answer waits for a client that reads nothing of it."""
_SWEEP: Final = 7.5
"""Seconds between two looks for those whose time is over."""
_LOOK_AGAIN: Final = 0.001
_MINUTE: Final = 60.0
_FD_EXHAUSTED: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

_logger = logging.getLogger(__name__)


class Server:
    """Connections at one listener, from `open` on."""

    def __init__(self, handler: RequestHandler) -> None:
        self._handler = handler
        self._connections: set[HttpProtocol] = set()
        self._receiving = Receiving()

    async def open(self, listener: socket.socket) -> None:
        """Let clients in, at this socket, which is closed with the server."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_LoopErrorHandler())
        outbox = WriteCoalescer(loop)
        self._server = await loop.create_server(
            lambda: HttpProtocol(self._handler, outbox, self._connections, self._receiving),
            sock=listener,
            backlog=_ACCEPT_BATCH,
        )
        listener.listen(BACKLOG)
        self._reap_stalled(loop)

    def filenos(self) -> list[int]:
        """The descriptors of the connections that are open."""
        return [connection.fileno() for connection in self._connections]

    def _reap_stalled(self, loop: asyncio.AbstractEventLoop) -> None:
        """Refuse requests that do not come to their end, and close connections of which nothing is read."""
        now = loop.time()
        for connection in list(self._connections):
            if connection.unread_for(now) >= _UNREAD:
                connection.abort_unread(_UNREAD)
            elif connection.is_stalled(now - _PATIENCE):
                connection.time_out(_PATIENCE)
            elif connection.began_receiving_before(now - _RECEIVING):
                connection.time_out(_RECEIVING)
        self._next_look = loop.call_later(_SWEEP, self._reap_stalled, loop)

    async def close(self, grace: float) -> None:
        """Let nobody in any more, and hang up on everybody, on who waits for an answer after so many seconds."""
        self._server.close()
        self._next_look.cancel()
        until = asyncio.get_running_loop().time() + grace
        while self._connections and asyncio.get_running_loop().time() < until:
            for connection in list(self._connections):
                if not connection.is_busy:
                    connection.close()
            await asyncio.sleep(_LOOK_AGAIN)
        for connection in list(self._connections):
            connection.abort()
        self._handler.close()
        await asyncio.sleep(0)


class _LoopErrorHandler:
    """What is said of failures that nobody waits for; of a want of files once a minute, and not for each client."""

    def __init__(self) -> None:
        self._said = -_MINUTE

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _FD_EXHAUSTED:
            loop.default_exception_handler(context)
        elif loop.time() - self._said >= _MINUTE:
            self._said = loop.time()
            _logger.error("no more clients can be let in for now: %s", error.strerror)
