"""One connection of a client's: a request after another, each answered before the next is looked at.

Here belongs what goes over the wire and when. Who answers is the affair of `answering`, what is waited for that of
`giving`.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Final, cast

from sms10692_mock.server.client_presence import ClientPresence
from sms10692_mock.server.handler import RequestHandler
from sms10692_mock.server.http1_head import BadRequest, RequestHead, format_head
from sms10692_mock.server.http1_parser import ParsedRequest, RequestParser
from sms10692_mock.server.http_types import Response, SocketAddresses, text_response, transmission
from sms10692_mock.server.receive_limits import Receiving
from sms10692_mock.server.response_sender import send_deferred
from sms10692_mock.server.write_coalescer import WriteCoalescer

_READ_AHEAD: Final = 64 * 1024
"""Bytes that may come while an answer is being made: beyond, nothing is read."""

_READ_SIZE: Final = 16 * 1024
"""Bytes that are read at once, into the same place every time."""

_REFUSED: Final = 400
"""The least status of a refusal."""
_PATIENCE: Final = 2.0
"""Seconds in which a client may notice that it was refused."""

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_logger = logging.getLogger(__name__)


class HttpProtocol(asyncio.BufferedProtocol):
    """A connection, from when it is made until it is lost. `open_ones` holds it as long as it is open.

    `is_full` says that the client has not caught up with what was written, `has_ended` that nothing more will come.
    """

    def __init__(
        self,
        handler: RequestHandler,
        outbox: WriteCoalescer,
        open_ones: "set[HttpProtocol]",
        receiving: Receiving | None = None,
    ) -> None:
        self._handler = handler
        self._receiving = receiving or Receiving()
        self._is_receiving = False
        self._unread = 0
        self._unread_since = 0.0
        self._outbox = outbox
        self._open_ones = open_ones
        self._inbox = RequestParser()
        self._buffer = memoryview(bytearray(_READ_SIZE))
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self.presence = ClientPresence(self._loop)
        self._task: asyncio.Task[None] | None = None
        self.is_full = False
        self.has_ended = False
        self._has_begun = False
        self._is_deaf = False
        self._news: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        server, client = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        self._ends = SocketAddresses(server[:2], client[:2])
        self._open_ones.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self._open_ones.discard(self)
        self._end_receiving()
        self.presence.leave()
        self._end()
        # asyncio keeps a bound method of the transport in the transport. Frozen with the heap while it was open, such a
        # cycle would never be freed.
        vars(self._transport).pop("_read_ready_cb", None)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's way of calling it
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._is_deaf:
            return
        self._heard = self._loop.time()
        self._inbox.feed(bytes(self._buffer[:nbytes]))
        if self._task is None and not self.is_full:
            self._process()
            if self._task is None and self._inbox.is_mid_request:
                self._is_receiving = True
                self._receiving.hold(self, self._inbox.held, self._heard)
        elif len(self._inbox) > _READ_AHEAD:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._end()
        if self._task is None and not self.is_full:
            self._outbox.flush()
            if self._is_deaf:
                self._transport.close()
            else:
                self._handle_eof()
        else:
            self.presence.leave_soon()
        return True

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False
        self._wake()
        self.resume()

    def fileno(self) -> int:
        """The descriptor of its socket; -1 once that is closed."""
        descriptor: int = self._transport.get_extra_info("socket").fileno()
        return descriptor

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for an answer."""
        return self._task is not None

    def is_stalled(self, since: float) -> bool:
        """Whether part of a request is there, and nothing was heard of the rest since that time of the loop.

        What comes while the client does not read is not looked at, and may be whole.
        """
        return not self.is_busy and not self.is_full and self._heard < since and self._inbox.is_mid_request

    def began_receiving_before(self, time: float) -> bool:
        """Whether the request that is being received began before that time of the loop."""
        began = self._receiving.began(self)
        return began is not None and began < time

    def unread_for(self, now: float) -> float:
        """Seconds for which the client has read nothing of what waits to be sent. To be asked now and then."""
        size = self._transport.get_write_buffer_size()
        if not size or not self._unread or size < self._unread:
            self._unread_since = now
        self._unread = size
        return now - self._unread_since

    def abort_unread(self, seconds: float) -> None:
        """Close at once, as the client has read nothing for so many seconds."""
        self._handler.log_unread(self._ends, self._unread, seconds)
        self.abort()

    def refuse_overload(self, most: int) -> None:
        """Refuse the request that is being received, as all together are too large."""
        self._give_up(partial(self._inbox.crowded_out, most))

    def time_out(self, seconds: float) -> None:
        """Refuse a request of which the rest did not come for so many seconds."""
        self._give_up(partial(self._inbox.timed_out, seconds))

    def _give_up(self, take: Callable[[], ParsedRequest | None]) -> None:
        try:
            arrived = take()
        except BadRequest as error:
            self._refuse(error)
            return
        if arrived is None:
            self.abort()
        else:
            self._answer(arrived)

    def close(self) -> None:
        """Send what was written, and close."""
        self._outbox.flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once, whoever is in the middle of what."""
        self._transport.abort()
        if self._task is not None:
            self._task.cancel()

    def _end_receiving(self) -> None:
        if self._is_receiving:
            self._is_receiving = False
            self._receiving.forget(self)

    def _end(self) -> None:
        """Nothing more will come."""
        self.has_ended = True
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _process(self) -> None:
        """Answer what is wholly there, until an answer takes its time or is not read."""
        while self._task is None and not self.is_full and not self._is_deaf and not self._transport.is_closing():
            try:
                arrived = self._inbox.next_request()
            except BadRequest as error:
                self._refuse(error)
                return
            if arrived is None:
                if self.has_ended:
                    self._handle_eof()
                elif self._inbox.is_asked_to_continue():
                    self.put(_CONTINUE)
                return
            self._answer(arrived)

    def _refuse(self, error: BadRequest) -> None:
        self.write(self._handler.bad_request(error, self._ends, self._inbox.beginning()), None)

    def _handle_eof(self) -> None:
        arrived = self._inbox.truncated()
        if arrived is None:
            self.close()
        else:
            self._answer(arrived)

    def _answer(self, arrived: ParsedRequest) -> None:
        self._end_receiving()
        head = arrived.head if arrived.failure is None else arrived.head._replace(keep_alive=False)
        try:
            answer = self._handler.dispatch(arrived, self._ends, self.presence)
        except Exception:
            self.fail(head)
            return
        if isinstance(answer, Response) and not answer.is_faulty:
            self.write(answer, head)
        else:
            self._task = self._loop.create_task(send_deferred(self, answer, head))

    # For `giving`

    def wait_writable_or_closed(self) -> "asyncio.Future[None]":
        """Done when the client has caught up with what was written, or is gone."""
        self._news = self._loop.create_future()
        return self._news

    def task_done(self) -> None:
        """Nobody is at the answer any more."""
        self._task = None

    def resume(self) -> None:
        """Go on with what has come meanwhile."""
        # Asked anew each time: what goes on may end with another answer to wait for.
        if not self.is_busy and not self._transport.is_closing():
            self._process()
            if (not self.is_busy and not self.is_full) or len(self._inbox) <= _READ_AHEAD:
                self._transport.resume_reading()

    def fail(self, head: RequestHead) -> None:
        """Say that the answer cannot be made, if none of it is on its way."""
        _logger.exception("%s %s", ascii(head.method), ascii(head.path))
        if self._has_begun:
            self._transport.abort()
        else:
            self.write(text_response(500, "the emulator has failed; its log says how"), head._replace(keep_alive=False))

    def write(self, response: Response, head: RequestHead | None) -> None:
        """Send an answer as it is; it is the last where the connection is not kept, or where there was no request."""
        data = _head(response, head)
        if head is None or head.method != "HEAD":
            data += response.body
        if response.status < _REFUSED or (head is not None and head.keep_alive):
            self.put(data, last=head is None or not head.keep_alive)
        else:
            self._outbox.write(self._transport, data)
            self._outbox.flush()
            self._lingering_close()

    def put(self, data: bytes, *, last: bool = False) -> None:
        """Send soon; behind the last nothing is heard any more."""
        self._is_deaf = self._is_deaf or last
        self._outbox.write(self._transport, data, last)

    def _lingering_close(self) -> None:
        """Close when the client has, or soon: who is still sending would not get to read why it was refused."""
        self._is_deaf = True
        self._inbox = RequestParser()
        self._end_receiving()
        if self.has_ended or self._transport.is_closing() or not self._transport.can_write_eof():
            self._transport.close()
            return
        try:
            self._transport.write_eof()
        except OSError:  # the client has reset the connection already
            self._transport.abort()
            return
        self._transport.resume_reading()
        self._loop.call_later(_PATIENCE, self._transport.close)

    def write_faulty(self, response: Response, head: RequestHead) -> None:
        """Send what a fault leaves of an answer, and close where it breaks the connection."""
        sent = transmission(response, head.method)
        if sent is None:
            self.disconnect()
        elif sent.breaks:
            self.put(_head(response, head) + sent.body, last=True)
        else:
            self.write(response, head)

    def begin(self, response: Response, head: RequestHead) -> None:
        """Send the head of an answer whose body comes in pieces, until its `end`."""
        self._has_begun = True
        self.put(_head(response, head))

    def end(self, data: bytes, head: RequestHead) -> None:
        """Send the last of the pieces."""
        self._has_begun = False
        self.put(data, last=not head.keep_alive)

    def discard_input(self) -> None:
        """Keep nothing of what comes, so that its end is seen."""
        self._is_deaf = True
        self._transport.resume_reading()

    def disconnect(self) -> None:
        """Close, without a word."""
        self._transport.close()


def _head(response: Response, head: RequestHead | None) -> bytes:
    headers = response.headers
    if head is None or not head.keep_alive:
        headers = [*headers, ("Connection", "close")]
    elif head.is_http10:
        headers = [*headers, ("Connection", "keep-alive")]
    return format_head(response.status, headers, int(time.time()))
