"""One connection to a server, on an event loop: what is asked in one turn of it goes together; nobody is held up.

Here belong bytes and patience. What is asked, and who goes on with the answer, is the affair of `pieces`.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, cast

from libvalkey import Reader, pack_command
from valkey.exceptions import NoScriptError, ResponseError

from sms10692_mock.stores.valkey.connection_pool import RETRY_AFTER, Address, Command, Unavailable

OnReply: TypeAlias = Callable[[Any], None]
"""Is told an answer, which may be a ResponseError, or Away."""

_LARGE: Final = 512 * 1024
"""Bytes of a command that has a connection of its own. A server that takes less (`proto-max-bulk-len`) is none."""

_NEXT_ADDRESS: Final = 0.1
"""Seconds after which the next address of a name is tried as well."""


class Endpoint(NamedTuple):
    """A server: its address, what is said first on a connection, and the seconds for connecting and for an answer."""

    address: Address
    hello: Sequence[Command]
    connect_seconds: float
    answer_seconds: float


class PipelinedConnection(asyncio.Protocol):
    """Takes commands while it is open, opens itself where one would like to ask, and tells the answers in their order.

    Where an answer does not come in time the connection ends, and all that waits is told so.
    """

    def __init__(self, far: Endpoint) -> None:
        self._far = far
        self._loop = asyncio.get_running_loop()
        self._opening: asyncio.Task[None] | None = None
        self._next_try = float("-inf")
        self._transport: asyncio.Transport | None = None
        self._greetings = 0
        self._is_closed = False
        self._why = ""
        self._unsent: list[bytes] = []
        self._waiting: deque[tuple[float, OnReply]] = deque()
        self._patience: asyncio.TimerHandle | None = None

    def __str__(self) -> str:
        host, port = self._far.address
        return f"{host}:{port}"

    def send(self, command: Command, tell: OnReply) -> bool:
        """Ask, and have the answer told; or say False, where nothing was done.

        That is so while nobody is there yet, and for a command so large that the server may hang up on it: what others
        have asked on this connection would go with it.
        """
        if not self.is_open:
            self._open()
            return False
        packed = pack_command(tuple(command))
        if len(packed) > _LARGE:
            return False
        self._enqueue(packed, tell)
        return True

    @property
    def is_open(self) -> bool:
        """Whether questions go over it now."""
        return self._transport is not None and not self._transport.is_closing() and not self._greetings

    def close(self) -> None:
        """Hang up, for good."""
        self._is_closed = True
        if self._opening is not None:
            self._opening.cancel()
        self._hang_up("the emulator has ended")

    def _hang_up(self, why: str) -> None:
        if self._transport is not None:
            self._why = why
            self._transport.abort()

    def _enqueue(self, packed: bytes, tell: OnReply) -> None:
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(packed)
        self._waiting.append((self._loop.time() + self._far.answer_seconds, tell))
        if self._patience is None:
            self._wait()

    def _send(self) -> None:
        unsent, self._unsent = self._unsent, []
        if self._transport is not None:
            self._transport.write(b"".join(unsent))

    def _wait(self) -> None:
        """Look again when the patience with the oldest question ends."""
        self._patience = self._loop.call_at(self._waiting[0][0], self._look) if self._waiting else None

    def _look(self) -> None:
        if self._waiting and self._waiting[0][0] <= self._loop.time():
            self._patience = None
            self._hang_up("it did not answer in time")
        else:
            self._wait()

    def _open(self) -> None:
        is_here = self._is_closed or self._transport is not None or self._opening is not None
        if not is_here and self._loop.time() >= self._next_try:
            self._next_try = self._loop.time() + RETRY_AFTER
            self._opening = self._loop.create_task(self._connect())

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(self._far.connect_seconds):
                await self._loop.create_connection(lambda: self, *self._far.address, happy_eyeballs_delay=_NEXT_ADDRESS)
        except OSError:  # TimeoutError is one: whoever asks meanwhile is told otherwise
            return
        finally:
            self._opening = None

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._why = "it hung up"
        self._reader: Any = Reader(replyError=_error)
        self._greetings = len(self._far.hello)
        for command in self._far.hello:
            self._enqueue(pack_command(tuple(command)), self._greeted)

    def _greeted(self, answer: Any) -> None:
        if isinstance(answer, Exception):
            self._hang_up(str(answer))
        else:
            self._greetings -= 1

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            self._waiting.popleft()[1](answer)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        waiting, self._waiting = self._waiting, deque()
        self._unsent.clear()
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        away = Unavailable(f"{self}: {error or self._why}")
        for _, tell in waiting:
            tell(away)


def _error(text: str) -> ResponseError:
    return NoScriptError(text) if text.startswith("NOSCRIPT ") else ResponseError(text)
