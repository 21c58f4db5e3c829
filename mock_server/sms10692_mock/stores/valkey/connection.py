"""Pipelined connections to the servers, on an event loop: they connect, time out, and fail fast during an outage.

**Each command is sent once and never repeated.** All commands of one loop iteration are sent in one write.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from ssl import SSLContext
from typing import Any, Final, NamedTuple, TypeAlias, cast

from libvalkey import Reader

Address: TypeAlias = tuple[str, int]
OnReplies: TypeAlias = Callable[[list[Any]], object]
"""Callback for the replies to a batch: each may be an ErrorReply, or Unavailable from one on."""

RETRY_AFTER: Final = 0.25
"""Seconds after a failure during which commands fail at once instead of waiting for the server."""

_MAX_SHARED_BYTES: Final = 512 * 1024
"""Larger batches get a connection of their own: the server may close it, which fails all other commands on it.

`proto-max-bulk-len` is always at least this.
"""

_HAPPY_EYEBALLS_DELAY: Final = 0.1
"""Seconds after which the next address of a host name is tried in parallel."""


_CLOSED: Final = "the store was closed"


class ErrorReply(Exception):
    """An error that the server returned."""

    @property
    def code(self) -> str:
        """The first word, such as `NOSCRIPT`."""
        return str(self).partition(" ")[0]


class Unavailable(Exception):
    """The server did not reply. **A command that was sent may have been executed.**"""


class Batch(NamedTuple):
    """Packed commands that are sent together, and how many they are."""

    packed: bytes
    size: int


class ConnectionOptions(NamedTuple):
    """How to connect: commands to send first (log-in, database), and seconds for connecting and for each reply."""

    hello: Batch
    timeout: float
    tls: SSLContext | None


class _Pending(NamedTuple):
    """A batch that was sent. `replies` has those received until now."""

    deadline: float
    size: int
    on_replies: OnReplies
    replies: list[Any]


class Connection(asyncio.Protocol):
    """A connection to one server. Use it on the thread of its event loop only.

    Connects at construction. After a failure it stays closed: `error` is the reason, and a new connection should not be
    opened before `retry_at`, a time of the loop. Batches without a reply receive Unavailable.
    """

    def __init__(self, address: Address, options: ConnectionOptions, loop: asyncio.AbstractEventLoop) -> None:
        self.error = ""
        self.retry_at = float("-inf")
        self._address = address
        self._options = options
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._is_open = False
        self._waiting: list[tuple[Batch, OnReplies]] = []
        self._unsent: list[bytes] = []
        self._pending: deque[_Pending] = deque()
        self._reader: Any = Reader(replyError=ErrorReply)
        self._timer: asyncio.TimerHandle | None = loop.call_later(
            options.timeout, self.close, "no connection in time", RETRY_AFTER
        )
        self._connecting = loop.create_task(self._connect())

    def execute(self, batch: Batch, on_replies: OnReplies) -> None:
        """Send commands, as soon as the connection is open, and pass their replies to the callback."""
        if self._is_open:
            self._send(batch, on_replies)
        elif self.error:
            on_replies([Unavailable(self.error)] * batch.size)
        else:
            self._waiting.append((batch, on_replies))

    def close(self, reason: str, retry_after: float = 0.0) -> None:
        """Close the connection. All commands without a reply fail for this reason."""
        if self.error:
            return
        self.error = f"{self._address[0]}:{self._address[1]}: {reason}"
        self.retry_at = self._loop.time() + retry_after
        self._is_open = False
        self._connecting.cancel()
        self._stop_timer()
        if self._transport is not None:
            self._transport.abort()
        failed = [(size - len(replies), on_replies, replies) for _, size, on_replies, replies in self._pending]
        failed += [(batch.size, on_replies, []) for batch, on_replies in self._waiting]
        self._pending.clear()
        self._waiting.clear()
        for missing, on_replies, replies in failed:
            on_replies(replies + [Unavailable(self.error)] * missing)

    def _send(self, batch: Batch, on_replies: OnReplies) -> None:
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(batch.packed)
        self._pending.append(_Pending(self._loop.time() + self._options.timeout, batch.size, on_replies, []))
        if self._timer is None:
            self._start_timer()

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        if self._transport is not None and not self.error:
            self._transport.write(b"".join(unsent))

    def _start_timer(self) -> None:
        """Start the timer for the deadline of the oldest pending batch."""
        self._timer = self._loop.call_at(self._pending[0].deadline, self._check_timeout) if self._pending else None

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check_timeout(self) -> None:
        if self._pending and self._pending[0].deadline <= self._loop.time():
            self.close("no reply in time", RETRY_AFTER)
        else:
            self._start_timer()

    async def _connect(self) -> None:
        try:
            await self._loop.create_connection(
                lambda: self, *self._address, ssl=self._options.tls, happy_eyeballs_delay=_HAPPY_EYEBALLS_DELAY
            )
        except ConnectionError as error:
            self.close(os.strerror(error.errno) if error.errno else str(error) or type(error).__name__, RETRY_AFTER)
        except Exception as error:  # an invalid host name raises UnicodeError
            self.close(str(error), RETRY_AFTER)

    def _on_hello_replies(self, replies: list[Any]) -> None:
        error = next((reply for reply in replies if isinstance(reply, Exception)), None)
        if error is not None:
            self.close(str(error), RETRY_AFTER)
            return
        self._is_open = True
        waiting, self._waiting = self._waiting, []
        for batch, on_replies in waiting:
            self._send(batch, on_replies)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self.error:
            self._transport.abort()
        else:
            self._stop_timer()  # that of connecting
            self._send(self._options.hello, self._on_hello_replies)

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while not self.error and (reply := self._reader.gets()) is not False:
            _, size, on_replies, replies = self._pending[0]
            replies.append(reply)
            if len(replies) == size:
                self._pending.popleft()
                on_replies(replies)

    def connection_lost(self, error: Exception | None) -> None:
        self.close(str(error or "the server closed the connection"), 0.0 if self._is_open else RETRY_AFTER)


class ConnectionPool:
    """The connections of one event loop, one to each server. Use it on the thread of the loop only."""

    def __init__(self, options: ConnectionOptions, loop: asyncio.AbstractEventLoop) -> None:
        self._options = options
        self._loop = loop
        self._connections: dict[Address, Connection] = {}
        self._single_connections: set[Connection] = set()
        self._is_closed = False

    def execute(self, address: Address, batch: Batch, on_replies: OnReplies) -> None:
        """Send commands to a server at most once, and pass their replies to the callback."""
        if self._is_closed:
            on_replies([Unavailable(_CLOSED)] * batch.size)
            return
        if len(batch.packed) > _MAX_SHARED_BYTES:
            single = Connection(address, self._options, self._loop)
            self._single_connections.add(single)

            def close_and_pass(replies: list[Any]) -> None:
                self._single_connections.discard(single)
                single.close("not needed any more")
                on_replies(replies)

            single.execute(batch, close_and_pass)
            return
        connection = self._connections.get(address)
        if connection is None or (connection.error and connection.retry_at <= self._loop.time()):
            connection = self._connections[address] = Connection(address, self._options, self._loop)
        connection.execute(batch, on_replies)

    def close(self) -> None:
        """Close all connections."""
        self._is_closed = True
        for connection in [*self._connections.values(), *self._single_connections]:
            connection.close(_CLOSED)
