"""asyncio HTTP connections that can be broken on purpose, and builders of raw requests."""

import asyncio
import json
import socket
import struct
from typing import Any, NamedTuple
from urllib.parse import quote

from support.emulators import Address, build_request, sign


class ConnectionBroken(Exception):
    """No complete response arrived: the connection was closed, or the timeout expired."""


class RawResponse(NamedTuple):
    """An HTTP response. The names of the headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Parse the body as JSON."""
        return json.loads(self.body)


class RawConnection:
    """A keep-alive connection that is opened on first use, and again after the server has closed it."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def request(self, raw: bytes, timeout: float = 10.0) -> RawResponse:
        """Send a request and read the response. Raises ConnectionBroken, and closes the connection then."""
        try:
            async with asyncio.timeout(timeout):
                await self.write(raw)
                return await self._read_response()
        except (OSError, EOFError, TimeoutError) as error:
            self.close()
            raise ConnectionBroken(repr(error)) from None

    async def write(self, raw: bytes) -> None:
        """Send bytes without waiting for a response. Raises OSError."""
        if self._streams is None or self._streams[1].is_closing():
            self._streams = await asyncio.open_connection(*self._address, limit=2**24)
        self._streams[1].write(raw)
        await self._streams[1].drain()

    async def read_some(self, timeout: float = 10.0) -> bytes:
        """Read up to 40 bytes of a response; returns b"" when nothing arrives in time."""
        try:
            async with asyncio.timeout(timeout):
                return await self._streams[0].read(40) if self._streams else b""
        except (OSError, TimeoutError):
            return b""

    async def _read_response(self) -> RawResponse:
        if self._streams is None:
            raise EOFError
        head = (await self._streams[0].readuntil(b"\r\n\r\n")).decode("latin-1")
        first_line, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await self._streams[0].readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            self.close()
        return RawResponse(int(first_line.split(" ")[1]), headers, body)

    def close(self, *, reset: bool = False) -> None:
        """Close the connection; `reset` sends a TCP reset, as the kernel does for a killed process with unread data."""
        if self._streams is not None:
            writer = self._streams[1]
            if reset:
                raw_socket: socket.socket | None = writer.get_extra_info("socket")
                if raw_socket is not None and raw_socket.fileno() >= 0:
                    raw_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()
            self._streams = None


def build_form_request(account: dict[str, str], path: str, charset: str = "utf-8", **fields: str) -> bytes:
    """Build a signed request to a vendor endpoint. `account` is the account's document from the control API."""
    timestamp = "20120701231212"
    signed = {
        "userid": account["userid"],
        "timestamp": timestamp,
        "sign": sign(account["account"], account["password"], timestamp),
    }
    return build_request(
        path,
        "&".join(
            f"{name}={quote(value.encode(charset), safe=',')}" for name, value in (signed | fields).items()
        ).encode(),
    )


def control_request(method: str, path: str, document: object = None) -> bytes:
    """Build a request to the control API."""
    body = b"" if document is None else json.dumps(document).encode()
    return (
        f"{method} /_mock{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
