"""asyncio protocol of one HTTP/1 connection: requests are answered one after another, in their order.

The class decides what is read and written, and when. The handler makes the responses; `response_sender` sends those
that are not sent at once. Everything here runs on the thread of the event loop.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Final, cast

from sms10692_mock.server.bad_request import BadRequest, name_tls_port
from sms10692_mock.server.client_presence import ClientPresence
from sms10692_mock.server.handler import RequestHandler
from sms10692_mock.server.http1_head import RequestHead, format_head
from sms10692_mock.server.http1_parser import ParsedRequest, RequestParser
from sms10692_mock.server.http_types import Response, SocketAddresses, text_response
from sms10692_mock.server.receive_limits import IncompleteRequests
from sms10692_mock.server.response_sender import send_deferred
from sms10692_mock.server.write_coalescer import WriteCoalescer

_READ_AHEAD: Final = 64 * 1024
"""Bytes that are buffered while a response is being made. Beyond, reading is paused."""

_READ_SIZE: Final = 16 * 1024
"""Size of the receive buffer, which every read reuses."""

_FIRST_ERROR_STATUS: Final = 400

_LINGER_SECONDS: Final = 2.0
"""Time for a client to read an error response before the connection is closed."""

_MAPPED: Final = "::ffff:"
"""Prefix of an IPv4 address that an IPv6 socket shows."""

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_logger = logging.getLogger(__name__)


def read_addresses(transport: asyncio.BaseTransport) -> SocketAddresses:
    """Return the addresses of a connection that was just made."""
    server, client = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
    host = client[0].removeprefix(_MAPPED) if "." in client[0] else client[0]
    scheme = "http" if transport.get_extra_info("ssl_object") is None else "https"
    return SocketAddresses(server[:2], (host, client[1]), scheme)


class HttpProtocol(asyncio.BufferedProtocol):
    """The server side of one connection. It is a member of the set `connections` while it is open.

    `tls_port` is the port to name to a client that sends a TLS handshake here.
    `write_paused`: the send buffer is full, so no further request is processed.
    `eof`: the client has closed its side, or the connection is lost.
    """

    def __init__(
        self,
        handler: RequestHandler,
        coalescer: WriteCoalescer,
        connections: "set[HttpProtocol]",
        incomplete_requests: IncompleteRequests | None = None,
        tls_port: int | None = None,
    ) -> None:
        self._tls_port = tls_port
        self._handler = handler
        self._incomplete_requests = incomplete_requests or IncompleteRequests()
        self._is_counted_incomplete = False
        self._unread = 0
        self._unread_since = 0.0
        self._coalescer = coalescer
        self._connections = connections
        self._parser = RequestParser()
        self._buffer = memoryview(bytearray(_READ_SIZE))
        self._loop = asyncio.get_running_loop()
        self._last_received = self._loop.time()
        self.presence = ClientPresence(self._loop)
        self._task: asyncio.Task[None] | None = None
        self.write_paused = False
        self.eof = False
        self._stream_started = False
        self._ignores_input = False
        self._waiter: asyncio.Future[None] | None = None

    # Callbacks of asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._addresses = read_addresses(transport)
        self._connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._connections.discard(self)
        self._forget_incomplete()
        self.presence.leave()
        self._set_eof()
        # The transport of asyncio refers to itself through this bound method. If the heap was frozen while the
        # connection was open, such a cycle would never be freed.
        vars(self._transport).pop("_read_ready_cb", None)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._ignores_input:
            return
        self._last_received = self._loop.time()
        self._parser.feed(bytes(self._buffer[:nbytes]))
        if self._task is None and not self.write_paused:
            self._process()
            if self._task is None and self._parser.is_mid_request:
                self._is_counted_incomplete = True
                self._incomplete_requests.update(self, self._parser.buffered_bytes, self._last_received)
        elif len(self._parser) > _READ_AHEAD:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._set_eof()
        if self._task is None and not self.write_paused:
            self._coalescer.flush()
            if self._ignores_input:
                self._transport.close()
            else:
                self._handle_eof()
        else:
            self.presence.leave_soon()
        return True

    def pause_writing(self) -> None:
        self.write_paused = True

    def resume_writing(self) -> None:
        self.write_paused = False
        self._wake()
        self.resume()

    # Called by the server

    def fileno(self) -> int:
        """The file descriptor of the socket; -1 after it was closed."""
        descriptor: int = self._transport.get_extra_info("socket").fileno()
        return descriptor

    @property
    def is_busy(self) -> bool:
        """Whether a response is being made or sent."""
        return self._task is not None

    def is_stalled(self, since: float) -> bool:
        """Whether part of a request has arrived and nothing more since this time of the loop.

        While writing is paused, received bytes are not parsed and may be a complete request: then it is False.
        """
        return (
            not self.is_busy and not self.write_paused and self._last_received < since and self._parser.is_mid_request
        )

    def began_receiving_before(self, time: float) -> bool:
        """Whether the incomplete request began to arrive before this time of the loop."""
        began = self._incomplete_requests.began(self)
        return began is not None and began < time

    def unread_for(self, now: float) -> float:
        """Seconds for which the client has read nothing of the send buffer.

        The measurement compares the size of the buffer with that of the previous call, so call it regularly.
        """
        size = self._transport.get_write_buffer_size()
        if not size or not self._unread or size < self._unread:
            self._unread_since = now
        self._unread = size
        return now - self._unread_since

    def abort_unread(self, seconds: float) -> None:
        """Close at once because the client has read nothing for so many seconds, and log that."""
        self._handler.log_unread(self._addresses, self._unread, seconds)
        self.abort()

    def refuse_overload(self, limit: int) -> None:
        """Refuse the incomplete request, because all of them together hold more than `limit` bytes."""
        self._refuse_incomplete(partial(self._parser.refuse_overload, limit))

    def time_out(self, seconds: float) -> None:
        """Refuse the incomplete request, because its rest did not arrive within so many seconds."""
        self._refuse_incomplete(partial(self._parser.time_out, seconds))

    def _refuse_incomplete(self, take: Callable[[], ParsedRequest | None]) -> None:
        try:
            parsed = take()
        except BadRequest as error:
            self._refuse(error)
            return
        if parsed is None:
            self.abort()
        else:
            self._answer(parsed)

    def close(self) -> None:
        """Send what was written, and close."""
        self._coalescer.flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once, discard unsent bytes, and cancel the response that is being made."""
        self._transport.abort()
        if self._task is not None:
            self._task.cancel()

    # Parsing and answering

    def _forget_incomplete(self) -> None:
        if self._is_counted_incomplete:
            self._is_counted_incomplete = False
            self._incomplete_requests.remove(self)

    def _set_eof(self) -> None:
        self.eof = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _process(self) -> None:
        """Answer the complete requests of the buffer, up to one whose response is deferred or fills the send buffer."""
        next_request = self._parser.next_request
        while (
            self._task is None
            and not self.write_paused
            and not self._ignores_input
            and not self._transport.is_closing()
        ):
            try:
                parsed = next_request()
            except BadRequest as error:
                self._refuse(error)
                return
            if parsed is None:
                if self.eof:
                    self._handle_eof()
                elif self._parser.take_expect_continue():
                    self.write_bytes(_CONTINUE)
                return
            self._answer(parsed)

    def _refuse(self, error: BadRequest) -> None:
        error = name_tls_port(error, self._tls_port)
        self.write(self._handler.bad_request(error, self._addresses, self._parser.beginning()), None)

    def _handle_eof(self) -> None:
        try:
            parsed = self._parser.truncated()
        except BadRequest as error:
            self._refuse(error)
            return
        if parsed is None:
            self.close()
        else:
            self._answer(parsed)

    def _answer(self, parsed: ParsedRequest) -> None:
        head, _, failure = parsed
        if self._is_counted_incomplete:
            self._forget_incomplete()
        if failure is not None:
            head = head._replace(keep_alive=False)
        try:
            response = self._handler.dispatch(parsed, self._addresses, self.presence)
        except Exception:
            self.fail(head)
            return
        if isinstance(response, Response) and not response.is_faulty:
            self.write(response, head)
        else:
            self._task = self._loop.create_task(send_deferred(self, response, head))

    # Called by response_sender

    def wait_writable_or_closed(self) -> "asyncio.Future[None]":
        """Return a future that is done when writing may go on or `eof` was set. Only one may be pending."""
        self._waiter = self._loop.create_future()
        return self._waiter

    def task_done(self) -> None:
        """Note that the deferred response was sent or given up. Call `resume` afterwards."""
        self._task = None

    def resume(self) -> None:
        """Process the requests that arrived meanwhile."""
        # `is_busy` is read again below, because `_process` may start another deferred response.
        if not self.is_busy and not self._transport.is_closing():
            self._process()
            if (not self.is_busy and not self.write_paused) or len(self._parser) <= _READ_AHEAD:
                self._transport.resume_reading()

    def fail(self, head: RequestHead) -> None:
        """Log the current exception and send status 500, or close at once if part of a stream was sent already."""
        _logger.exception("%s %s", ascii(head.method), ascii(head.path))
        if self._stream_started:
            self._transport.abort()
        else:
            self.write(text_response(500, "the emulator has failed; its log says how"), head._replace(keep_alive=False))

    def write(self, response: Response, head: RequestHead | None) -> None:
        """Send a complete response.

        `head` is that of the request; None if there was no valid request. The connection is closed afterwards unless
        the request keeps it alive.
        """
        data = self.format_head(response, head)
        if head is None or head.method != "HEAD":
            data += response.body
        if head is not None and head.keep_alive:
            self._coalescer.write(self._transport, data)
        elif response.status < _FIRST_ERROR_STATUS:
            self.write_bytes(data, last=True)
        else:
            self._coalescer.write(self._transport, data)
            self._coalescer.flush()
            self._lingering_close()

    def write_bytes(self, data: bytes, *, last: bool = False) -> None:
        """Send bytes, at the latest at the end of this iteration of the loop; with `last`, then close."""
        self._ignores_input = self._ignores_input or last
        self._coalescer.write(self._transport, data, last)

    def _lingering_close(self) -> None:
        """Close the write side now, and the connection when the client closes its side or after `_LINGER_SECONDS`.

        Closed at once with unread input, the socket would be reset, and a client that is still sending could not read
        the response.
        """
        self._ignores_input = True
        self._parser = RequestParser()
        self._forget_incomplete()
        if self.eof or self._transport.is_closing() or not self._transport.can_write_eof():
            self._transport.close()
            return
        try:
            self._transport.write_eof()
        except OSError:  # the client has reset the connection
            self._transport.abort()
            return
        self._transport.resume_reading()
        self._loop.call_later(_LINGER_SECONDS, self._transport.close)

    def format_head(self, response: Response, head: RequestHead | None) -> bytes:
        """Return the bytes of the head of a response to the request with this head."""
        headers = response.headers
        if head is None or not head.keep_alive:
            headers = [*headers, ("Connection", "close")]
        elif head.is_http10:
            headers = [*headers, ("Connection", "keep-alive")]
        return format_head(response.status, headers, int(time.time()))

    def start_stream(self, response: Response, head: RequestHead) -> None:
        """Send the head of a streaming response. `finish_stream` must follow."""
        self._stream_started = True
        self.write_bytes(self.format_head(response, head))

    def finish_stream(self, data: bytes, head: RequestHead) -> None:
        """Send the last bytes of a streaming response, and close unless the request keeps the connection alive."""
        self._stream_started = False
        self.write_bytes(data, last=not head.keep_alive)

    def discard_input(self) -> None:
        """Read on, but discard what arrives, in order to notice when the client closes."""
        self._ignores_input = True
        self._transport.resume_reading()

    def disconnect(self) -> None:
        """Close without a response."""
        self._transport.close()
