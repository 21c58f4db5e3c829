"""HTTP over a socket, asked in the middle of an event loop, and broken where a client breaks it.

Here belong bytes and connections. What is asked, and what an answer means, is in `clients`.
"""

import asyncio
import json
import socket
import struct
from typing import Any, NamedTuple
from urllib.parse import quote

from support.emulators import Address, request, sign


class ConnectionBroken(Exception):
    """No whole answer came: the connection was closed, or nothing came for too long."""


class Answer(NamedTuple):
    """What of an HTTP response matters here. The names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class RawConnection:
    """One connection at a time, made when needed and kept as long as the server keeps it."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, raw: bytes, patience: float = 10.0) -> Answer:
        """Send a request and read the answer. Raises Broken, with the connection closed."""
        try:
            async with asyncio.timeout(patience):
                await self.say(raw)
                return await self._answer()
        except (OSError, EOFError, TimeoutError) as error:
            self.close()
            raise ConnectionBroken(repr(error)) from None

    async def say(self, raw: bytes) -> None:
        """Send some bytes and expect nothing. Raises OSError."""
        if self._streams is None or self._streams[1].is_closing():
            self._streams = await asyncio.open_connection(*self._address, limit=2**24)
        self._streams[1].write(raw)
        await self._streams[1].drain()

    async def some(self, patience: float = 10.0) -> bytes:
        """The first bytes of an answer, as many as come; none where there is none."""
        try:
            async with asyncio.timeout(patience):
                return await self._streams[0].read(40) if self._streams else b""
        except (OSError, TimeoutError):
            return b""

    async def _answer(self) -> Answer:
        if self._streams is None:
            raise EOFError
        head = (await self._streams[0].readuntil(b"\r\n\r\n")).decode("latin-1")
        first_line, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await self._streams[0].readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            self.close()
        return Answer(int(first_line.split(" ")[1]), headers, body)

    def close(self, *, rudely: bool = False) -> None:
        """Hang up; rudely is with a reset, as a process does that is killed with bytes unread."""
        if self._streams is not None:
            writer = self._streams[1]
            if rudely:
                opened: socket.socket | None = writer.get_extra_info("socket")
                if opened is not None and opened.fileno() >= 0:
                    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()
            self._streams = None


def form(account: dict[str, str], path: str, charset: str = "utf-8", **fields: str) -> bytes:
    """A signed request of an account, which is given as its document."""
    timestamp = "20120701231212"
    signed = {
        "userid": account["userid"],
        "timestamp": timestamp,
        "sign": sign(account["account"], account["password"], timestamp),
    }
    return request(
        path,
        "&".join(
            f"{name}={quote(value.encode(charset), safe=',')}" for name, value in (signed | fields).items()
        ).encode(),
    )


def control(method: str, path: str, document: object = None) -> bytes:
    """A request to the control address."""
    body = b"" if document is None else json.dumps(document).encode()
    return (
        f"{method} /_mock{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
