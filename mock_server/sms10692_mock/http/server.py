"""A listening socket and its connections, on an event loop that runs already.

Here belongs letting clients in, and their end. Who begins and who ends it is the affair of `serve`, for a process of
its own, and of `in_thread`, for somebody else's.
"""

import asyncio
import socket
from typing import Final

from sms10692_mock.http.answering import Answering
from sms10692_mock.http.connection import Connection
from sms10692_mock.http.outbox import Outbox

BACKLOG: Final = 1024


class Server:
    """Connections at one listener, from `open` on."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._connections: set[Connection] = set()

    async def open(self, listener: socket.socket) -> None:
        """Let clients in, at this socket, which is closed with the server."""
        loop = asyncio.get_running_loop()
        outbox = Outbox(loop)
        self._server = await loop.create_server(
            lambda: Connection(self._answering, outbox, self._connections), sock=listener, backlog=BACKLOG
        )

    async def close(self, grace: float) -> None:
        """Let nobody in any more, and hang up on everybody, on those who wait for an answer after so many seconds."""
        self._server.close()
        for connection in list(self._connections):
            if not connection.is_busy:
                connection.close()
        until = asyncio.get_running_loop().time() + grace
        while self._connections and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(_LOOK_AGAIN)
        for connection in list(self._connections):
            connection.abort()
        await asyncio.sleep(0)


_LOOK_AGAIN: Final = 0.001
