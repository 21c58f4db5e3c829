"""A pipelined connection to one Valkey server, on an event loop: bytes, time-outs and reconnects.

All commands of one loop iteration are sent in one write.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, cast

from libvalkey import Reader, pack_command
from valkey.exceptions import NoScriptError, ResponseError

from sms10692_mock.stores.valkey.connection_pool import RETRY_AFTER, Address, Command, Unavailable

OnReply: TypeAlias = Callable[[Any], None]
"""Callback for a reply, which may be a ResponseError or Unavailable."""

_MAX_COMMAND_BYTES: Final = 512 * 1024
"""Larger commands are not sent here but on a pooled connection. `proto-max-bulk-len` is always at least this."""

_HAPPY_EYEBALLS_DELAY: Final = 0.1
"""Seconds after which the next address of a host name is tried in parallel."""


class ConnectionSettings(NamedTuple):
    """A server: address, commands to send first on a connection (log-in, database), and time-outs in seconds."""

    address: Address
    hello: Sequence[Command]
    connect_seconds: float
    reply_seconds: float


class PipelinedConnection(asyncio.Protocol):
    """A pipelined Valkey connection. Use it on the thread of its event loop only.

    Connects on first use. Replies are delivered to callbacks in order. If a reply times out, the connection is closed
    and all pending callbacks receive an Unavailable error: their commands may have been executed.
    """

    def __init__(self, endpoint: ConnectionSettings) -> None:
        self._endpoint = endpoint
        self._loop = asyncio.get_running_loop()
        self._connecting: asyncio.Task[None] | None = None
        self._next_try = float("-inf")
        self._transport: asyncio.Transport | None = None
        self._pending_hello = 0
        self._is_closed = False
        self._close_reason = ""
        self._unsent: list[bytes] = []
        self._pending: deque[tuple[float, OnReply]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __str__(self) -> str:
        host, port = self._endpoint.address
        return f"{host}:{port}"

    def send(self, command: Command, on_reply: OnReply) -> bool:
        """Send a command and pass its reply to the callback. Returns False if nothing was sent.

        Nothing is sent while the connection is not open, or if the command is so large that the server might close the
        connection, which would fail all other pending commands.
        """
        if not self.is_open:
            self._start_connecting()
            return False
        packed = pack_command(tuple(command))
        if len(packed) > _MAX_COMMAND_BYTES:
            return False
        self._enqueue(packed, on_reply)
        return True

    @property
    def is_open(self) -> bool:
        """Whether commands can be sent now."""
        return self._transport is not None and not self._transport.is_closing() and not self._pending_hello

    def close(self) -> None:
        """Close the connection permanently."""
        self._is_closed = True
        if self._connecting is not None:
            self._connecting.cancel()
        self._abort("the emulator has stopped")

    def _abort(self, reason: str) -> None:
        if self._transport is not None:
            self._close_reason = reason
            self._transport.abort()

    def _enqueue(self, packed: bytes, on_reply: OnReply) -> None:
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(packed)
        self._pending.append((self._loop.time() + self._endpoint.reply_seconds, on_reply))
        if self._timer is None:
            self._start_timer()

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        if self._transport is not None:
            self._transport.write(b"".join(unsent))

    def _start_timer(self) -> None:
        """Start the timer for the deadline of the oldest pending command."""
        self._timer = self._loop.call_at(self._pending[0][0], self._check_timeout) if self._pending else None

    def _check_timeout(self) -> None:
        if self._pending and self._pending[0][0] <= self._loop.time():
            self._timer = None
            self._abort("no reply in time")
        else:
            self._start_timer()

    def _start_connecting(self) -> None:
        is_busy = self._is_closed or self._transport is not None or self._connecting is not None
        if not is_busy and self._loop.time() >= self._next_try:
            self._next_try = self._loop.time() + RETRY_AFTER
            self._connecting = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(self._endpoint.connect_seconds):
                await self._loop.create_connection(
                    lambda: self, *self._endpoint.address, happy_eyeballs_delay=_HAPPY_EYEBALLS_DELAY
                )
        except OSError:  # includes TimeoutError; meanwhile, calls use the connection pool and get its errors
            return
        finally:
            self._connecting = None

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._close_reason = "the server closed the connection"
        self._reader: Any = Reader(replyError=_build_error)
        self._pending_hello = len(self._endpoint.hello)
        for command in self._endpoint.hello:
            self._enqueue(pack_command(tuple(command)), self._on_hello_reply)

    def _on_hello_reply(self, reply: Any) -> None:
        if isinstance(reply, Exception):
            self._abort(str(reply))
        else:
            self._pending_hello -= 1

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            self._pending.popleft()[1](reply)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        pending, self._pending = self._pending, deque()
        self._unsent.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        error_for_pending = Unavailable(f"{self}: {error or self._close_reason}")
        for _, on_reply in pending:
            on_reply(error_for_pending)


def _build_error(text: str) -> ResponseError:
    return NoScriptError(text) if text.startswith("NOSCRIPT ") else ResponseError(text)
