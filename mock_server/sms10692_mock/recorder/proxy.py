"""The proxy between a client and its vendor: bytes go through as they come, and a copy of them to the recorder.

Each connection of a client has one connection to the vendor. Only the Host header of a request, and a target with a
host, are rewritten. **A request is sent once and never again; the client gets the vendor's bytes and no other ones.**
Where the vendor refuses, resets or closes its connection, the client's connection ends too. When the client is gone,
the rest of the vendor's response is still read, so that the exchange is recorded.
"""

import asyncio
import socket
import ssl
import struct
import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from sms10692.signing import CHINA
from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.recorder.captured_body import CapturedBody
from sms10692_mock.recorder.http_framing import BodyEnd, InvalidMessage, split_head
from sms10692_mock.recorder.recorder import CapturedExchange, CapturedResponse
from sms10692_mock.recorder.request_mask import CapturedRequest, parse_captured_head
from sms10692_mock.recording.exchange_folder import LENGTH, Outcome
from sms10692_mock.server.http1_head import RequestHead

_READ_SIZE: Final = 64 * 1024
_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER that resets a connection when it is closed."""

_NO_BODY: Final = (204, 304)
_FIRST_FINAL: Final = 200
_SWITCHING: Final = 101


class Target(NamedTuple):
    """Where the vendor is. `authority` is what stands in the Host header; `prefix` is put before each path."""

    host: str
    port: int
    authority: str
    prefix: str
    tls: ssl.SSLContext | None


def parse_target(url: str, ca: str | None = None) -> Target:
    """Parse the vendor's URL. Raises ValueError, and OSError of the certificate."""
    parts = urlsplit(url)
    try:
        (parts.hostname or "").encode("idna")
    except UnicodeError:
        raise ValueError(f"{url!a} has no valid host name") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(f"{url!a} is not the URL of a vendor: http://HOST:PORT")
    is_https = parts.scheme == "https"
    tls = ssl.create_default_context(cafile=ca) if is_https else None
    port = parts.port or (443 if is_https else 80)
    return Target(parts.hostname, port, parts.netloc, parts.path.rstrip("/"), tls)


@dataclass(slots=True, eq=False)
class _Exchange:
    """An exchange in progress."""

    number: int
    head: bytes
    parsed: RequestHead | None
    time: float = field(default_factory=time.time)
    started: float = field(default_factory=monotonic)
    body: CapturedBody = field(default_factory=CapturedBody)
    is_request_complete: bool = False
    response_head: bytes = b""
    response_body: CapturedBody = field(default_factory=CapturedBody)
    response_end: BodyEnd | None = None

    @property
    def is_answered(self) -> bool:
        """Whether the whole response has come."""
        return self.response_end is not None and self.response_end.is_complete

    def capture(self, outcome: Outcome) -> CapturedExchange:
        request = CapturedRequest(
            self.head, self.body.get_bytes(), self.parsed, self.is_request_complete, self.body.not_stored
        )
        body = self.response_body
        response = (
            CapturedResponse(self.response_head, body.get_bytes(), body.not_stored) if self.response_head else None
        )
        when = datetime.fromtimestamp(self.time, CHINA)
        return CapturedExchange(self.number, when, monotonic() - self.started, outcome, request, response)


class RecordingProxy:
    """The proxy. `record` gets each exchange when it has ended, `report` a line about each problem.

    All methods are for the thread of the event loop.
    """

    def __init__(
        self, target: Target, record: Callable[[CapturedExchange], None], report: Callable[[str], None]
    ) -> None:
        self.target = target
        self.record = record
        self.report = report
        self._count = 0
        self._connections: set[_Connection] = set()
        self._is_closing = False
        self._servers: list[asyncio.Server] = []

    async def open(self, listeners: list[socket.socket]) -> None:
        """Accept connections at these sockets."""
        for listener in listeners:
            self._servers.append(await asyncio.start_server(self._serve, sock=listener, limit=_READ_SIZE))

    @property
    def is_busy(self) -> bool:
        """Whether a request waits for its response."""
        return any(connection.is_busy for connection in self._connections)

    def next_number(self) -> int:
        """Return the number of the next exchange."""
        self._count += 1
        return self._count

    async def close(self) -> None:
        """Accept nothing more, and wait until the vendor has answered all requests that were begun."""
        loop = asyncio.get_running_loop()
        for server in self._servers:
            for listener in server.sockets:
                loop.remove_reader(listener.fileno())
        # A server that is closed drops a connection that is just being accepted, and does not close it.
        await asyncio.sleep(0)
        for server in self._servers:
            server.close()
        self._is_closing = True
        for connection in list(self._connections):
            connection.finish()
        # Also of connections that are being accepted: their tasks exist before that of `_serve`.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)

    def abort(self) -> None:
        """Close all connections at once. What has come of their exchanges is recorded."""
        for connection in list(self._connections):
            connection.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self, reader, writer)
        self._connections.add(connection)
        if self._is_closing:
            connection.finish()
        try:
            await connection.run()
        except Exception as error:  # any error of one connection, which must not end the others, and must be seen
            trace = "".join(traceback.format_exception(error))
            self.report(f"internal error: a connection has ended\n{trace}")
        finally:
            self._connections.discard(connection)


class _Connection:
    """A client's connection, and the vendor's. Requests and responses are relayed by two tasks."""

    def __init__(self, proxy: RecordingProxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader, self._writer = reader, writer
        self._vendor: asyncio.StreamWriter | None = None
        self._pending: deque[_Exchange] = deque()
        self._requests: asyncio.Task[None] | None = None
        self._responses: asyncio.Task[None] | None = None
        self._is_finishing = False
        self._is_client_gone = False
        self._must_reset = False
        writer.transport.set_write_buffer_limits(0)

    async def run(self) -> None:
        """Relay until one side has ended and all responses have come. **Whatever fails, no exchange is lost.**"""
        try:
            await self._relay()
        finally:
            self._record_rest()
            await self._close()

    async def _relay(self) -> None:
        self._requests = asyncio.create_task(self._relay_requests())
        try:
            await self._requests
        except asyncio.CancelledError:
            if not self._requests.cancelled():
                raise
        if self._responses is not None:
            await self._responses

    def _record_rest(self) -> None:
        """Record the exchanges for which the vendor was never reached, or had closed its connection."""
        while self._pending:
            exchange = self._pending.popleft()
            outcome: Outcome = "refused" if self._vendor is None else "cut"
            self._proxy.record(exchange.capture(outcome if exchange.is_request_complete else "request-cut"))

    async def _close(self) -> None:
        for task in (self._requests, self._responses):
            if task is not None:
                task.cancel()
        if self._vendor is not None:
            self._vendor.transport.abort()
            with suppress(OSError):  # the vendor has ended it
                await self._vendor.wait_closed()
        if self._must_reset:
            with suppress(OSError):  # the client is gone
                self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._writer.close()
        with suppress(OSError):  # the client is gone
            await self._writer.wait_closed()

    @property
    def is_busy(self) -> bool:
        """Whether a request waits for its response."""
        return not all(exchange.is_answered for exchange in self._pending)

    def finish(self) -> None:
        """Take no further request."""
        self._is_finishing = True
        if not self.is_busy and self._requests is not None:
            self._requests.cancel()
            self._close_vendor()

    def abort(self) -> None:
        """End both connections at once."""
        if self._requests is not None:
            self._requests.cancel()
        self._writer.transport.abort()
        if self._vendor is not None:
            self._vendor.transport.abort()

    # Requests

    async def _relay_requests(self) -> None:
        """Send what the client sends to the vendor, until the client has ended."""
        data = b""
        try:
            while not self._is_finishing:
                while (split := _split(data)) is None:
                    data = data.lstrip(b"\r\n") if not data.strip(b"\r\n") else data
                    received = await self._reader.read(_READ_SIZE)
                    if not received:
                        if data:
                            await self._forward_invalid(data)
                        return
                    data += received
                data = await self._relay_request(*split)
                if self._responses is not None and self._responses.done():
                    return
        except OSError:
            self._is_client_gone = True
        finally:
            self._end_of_requests()

    async def _relay_request(self, head: bytes, data: bytes) -> bytes:
        """Relay one request, of which `data` has begun to come; return what follows it."""
        parsed = parse_captured_head(head)
        exchange = _Exchange(self._proxy.next_number(), head, parsed)
        self._pending.append(exchange)
        end = BodyEnd(-1 if parsed is None else parsed.length)
        if await self._connect():
            self._send(head if parsed is None else self._rewrite(head))
        elif parsed is None or "expect" in parsed.headers_lower:
            return b""  # the rest is not awaited: the client may wait for the vendor
        while True:
            try:
                taken = end.feed(data)
            except InvalidMessage:  # the vendor decides about the rest
                end, taken = BodyEnd(-1), len(data)
            exchange.body.append(data[:taken])
            self._send(data[:taken])
            await self._drain_vendor()
            data = data[taken:]
            if end.is_complete:
                exchange.is_request_complete = True
                if exchange.is_answered and exchange in self._pending:
                    self._complete(exchange, "complete")
                return data
            data = await self._reader.read(_READ_SIZE)
            if not data:
                return b""

    async def _forward_invalid(self, data: bytes) -> None:
        """Forward bytes that are no complete head: the vendor decides about them."""
        exchange = _Exchange(self._proxy.next_number(), data, None)
        self._pending.append(exchange)
        if await self._connect():
            self._send(data)
            await self._drain_vendor()

    def _end_of_requests(self) -> None:
        """Pass the end of the client's input on if a request is incomplete: the vendor sees what it would see."""
        if self._pending and self._pending[0].is_answered:
            self._complete(self._pending[0], "request-cut")
        is_incomplete = bool(self._pending) and not self._pending[-1].is_request_complete
        if self._vendor is None or self._is_finishing:
            return
        if is_incomplete and self._vendor.can_write_eof():
            with suppress(OSError):  # the vendor has closed the connection
                self._vendor.write_eof()
        elif not self._pending or is_incomplete:
            self._close_vendor()

    async def _connect(self) -> bool:
        """Connect to the vendor, once. False if that failed: then the client's connection is closed without a byte."""
        if self._vendor is not None:
            return True
        target = self._proxy.target
        try:
            reader, self._vendor = await asyncio.open_connection(
                target.host, target.port, ssl=target.tls, server_hostname=target.host if target.tls else None
            )
        except OSError as error:
            self._proxy.report(f"the vendor cannot be reached: {error.strerror or error}")
            self._must_reset = True
            self._is_finishing = True
            return False
        self._responses = asyncio.create_task(self._relay_responses(reader))
        return True

    def _rewrite(self, head: bytes) -> bytes:
        """Put the vendor's authority in place of the recorder's; nothing else changes."""
        line, newline, rest = head.partition(b"\n")
        method, target, version = line.split(b" ")
        if not target.startswith(b"/") and b"://" in target:
            target = b"/" + target.partition(b"://")[2].partition(b"/")[2]
        line = b" ".join((method, self._proxy.target.prefix.encode() + target, version))
        lines = rest.split(b"\n")
        for index, field_line in enumerate(lines):
            name, colon, value = field_line.partition(b":")
            if colon and name.lower() == b"host":
                end = b"\r" if value.endswith(b"\r") else b""
                lines[index] = b"%b: %b%b" % (name, self._proxy.target.authority.encode(), end)
        return line + newline + b"\n".join(lines)

    def _send(self, data: bytes) -> None:
        if self._vendor is not None and data:
            self._vendor.write(data)

    async def _drain_vendor(self) -> None:
        if self._vendor is not None:
            with suppress(OSError):  # the responses end too, and say how
                await self._vendor.drain()

    def _close_vendor(self) -> None:
        if self._vendor is not None:
            self._vendor.close()

    # Responses

    async def _relay_responses(self, reader: asyncio.StreamReader) -> None:
        """Send what the vendor sends to the client, and find the ends of the responses."""
        outcome: Outcome = "cut"
        data = b""
        try:
            while received := await reader.read(_READ_SIZE):
                await self._send_to_client(received)
                data = self._follow(data + received)
                if self._is_done():
                    return
        except OSError:
            outcome = "reset"
        finally:
            self._end_of_responses(outcome, data)

    def _is_done(self) -> bool:
        """Whether all responses have come, and no request can follow."""
        ended = self._requests is None or self._requests.done() or self._is_finishing
        return ended and not self._pending

    async def _send_to_client(self, data: bytes) -> None:
        if self._is_client_gone:
            return
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError:
            self._is_client_gone = True

    def _follow(self, data: bytes) -> bytes:
        """Assign bytes to the exchanges that wait for a response; return what is too little to tell."""
        while data and self._pending:
            exchange = self._pending[0]
            if exchange.response_end is None:
                split = _split(data)
                if split is None:
                    return data
                head, data = split
                status = _parse_status(head)
                if status < _FIRST_FINAL and status != _SWITCHING:
                    continue
                exchange.response_head = head
                exchange.response_end = _find_end(exchange, head, status)
            taken = self._feed(exchange.response_end, data)
            exchange.response_body.append(data[:taken])
            data = data[taken:]
            if exchange.is_answered:
                if not exchange.is_request_complete and not self._is_finishing:
                    return b""  # the rest of the request is recorded too
                self._complete(exchange, "complete" if exchange.is_request_complete else "request-cut")
            elif not taken:
                return b""
        return data if self._pending else b""

    def _feed(self, end: BodyEnd, data: bytes) -> int:
        try:
            return end.feed(data)
        except InvalidMessage as error:
            self._proxy.report(f"the vendor's response cannot be followed: {error}")
            return len(data)

    def _complete(self, exchange: _Exchange, outcome: Outcome) -> None:
        self._pending.popleft()
        self._proxy.record(exchange.capture(outcome))
        if self._is_finishing and not self._pending and self._requests is not None:
            self._requests.cancel()

    def _end_of_responses(self, outcome: Outcome, data: bytes) -> None:
        """The vendor's connection has ended: so does the client's, and each exchange without a whole response."""
        if self._pending and data and not self._pending[0].response_head:
            self._pending[0].response_head = data  # a part of a head
        while self._pending:
            exchange = self._pending[0]
            end = exchange.response_end
            if end is not None and outcome == "cut":
                end.end_of_input()
            self._must_reset = self._must_reset or (outcome == "reset" and (end is None or end.is_endless))
            is_whole = end is not None and end.is_complete
            result: Outcome = "complete" if is_whole else outcome
            self._complete(exchange, result if exchange.is_request_complete else "request-cut")
        if self._requests is not None:
            self._requests.cancel()


def _split(data: bytes) -> tuple[bytes, bytes] | None:
    """Split bytes behind a head, or return None if it is not there yet. What cannot be one counts as a head."""
    try:
        return split_head(data)
    except InvalidMessage:
        return data, b""


def _parse_status(head: bytes) -> int:
    words = head.split(b" ", 2)
    return int(words[1][:3]) if len(words) > 1 and words[1][:3].isdigit() else _FIRST_FINAL


def _find_end(exchange: _Exchange, head: bytes, status: int) -> BodyEnd:
    """Find out how the body of a response ends (RFC 9112, 6.3)."""
    method = exchange.head.split(b" ", 1)[0]
    if method == b"HEAD" or status in _NO_BODY:
        return BodyEnd(0)
    headers: dict[bytes, bytes] = {}
    for line in head.split(b"\n")[1:]:
        name, _, value = line.partition(b":")
        headers[name.strip().lower()] = value.strip()
    if b"chunked" in headers.get(b"transfer-encoding", b"").lower():
        return BodyEnd(None)
    length = headers.get(b"content-length", b"")
    return BodyEnd(int(length) if LENGTH.fullmatch(length.decode("latin-1")) else -1)
