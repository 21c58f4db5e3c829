"""Sends responses that take time or are faulty: deferred, delayed, in pieces, truncated, never sent, or streamed."""

import math
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from sms10692_mock.server.client_presence import ClientGone
from sms10692_mock.server.http1_head import RequestHead
from sms10692_mock.server.http_types import AnyResponse, Pause, Response, StreamingResponse, transmission

if TYPE_CHECKING:
    from sms10692_mock.server.protocol import HttpProtocol

_LAST_CHUNK: Final = b"0\r\n\r\n"


async def send_deferred(
    connection: "HttpProtocol", deferred: AnyResponse | Awaitable[AnyResponse], head: RequestHead
) -> None:
    """Await a response, send it on the connection, and let the connection process its next request.

    `head` is that of the request. An exception of the awaitable becomes status 500; ClientGone closes the connection.
    """
    try:
        response = deferred if isinstance(deferred, Response | StreamingResponse) else await deferred
        if isinstance(response, StreamingResponse):
            await _send_stream(connection, response, head)
        elif response.is_faulty:
            await _send_faulty(connection, response, head)
        else:
            connection.write(response, head)
    except ClientGone:
        connection.disconnect()
    except Exception:
        connection.fail(head)
    finally:
        connection.task_done()
    connection.resume()


async def _send_faulty(connection: "HttpProtocol", response: Response, head: RequestHead) -> None:
    """Send a response late, in pieces, in part, or never, as its fields `delay`, `pauses` and `truncate_at` say."""
    if math.isinf(response.delay):
        connection.discard_input()
        while not connection.eof:
            await connection.wait_writable_or_closed()
        raise ClientGone
    if response.delay and await connection.presence.is_gone_within(response.delay):
        raise ClientGone
    sent = transmission(response, head.method)
    if sent is None:
        connection.disconnect()
    elif response.pauses or sent.breaks:
        data = connection.format_head(response, head) + sent.body
        for seconds, piece in _split(data, response.pauses):
            if seconds and await connection.presence.is_gone_within(seconds):
                raise ClientGone
            connection.write_bytes(piece)
        connection.finish_stream(b"", head._replace(keep_alive=False) if sent.breaks else head)
    else:
        connection.write(response, head)


def _split(data: bytes, pauses: Sequence[Pause]) -> Iterator[tuple[float, bytes]]:
    """Yield the pieces of a response, each with the seconds to wait before it."""
    places = sorted((data.index(after) + len(after), seconds) for after, seconds in pauses if after in data)
    start, wait = 0, 0.0
    for end, seconds in places:
        if end < len(data):
            yield wait, data[start:end]
            start, wait = end, seconds
    yield wait, data[start:]


async def _send_stream(connection: "HttpProtocol", stream: StreamingResponse, head: RequestHead) -> None:
    """Send the pieces of a stream as they come, until the last one or until the client is gone.

    HTTP/1.1 uses chunks; for HTTP/1.0 the end of the connection is the end of the body.
    """
    is_chunked = not head.is_http10
    if not is_chunked:
        head = head._replace(keep_alive=False)
    extra = [("Transfer-Encoding", "chunked")] if is_chunked else []
    connection.start_stream(stream.response._replace(headers=[*stream.response.headers, *extra]), head)
    async with aclosing(stream.pieces) as pieces:
        async for piece in pieces:
            if head.method != "HEAD":
                connection.write_bytes(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
            while connection.write_paused and not connection.eof:
                await connection.wait_writable_or_closed()
            if connection.eof:
                break
    connection.finish_stream(_LAST_CHUNK if is_chunked and head.method != "HEAD" else b"", head)
