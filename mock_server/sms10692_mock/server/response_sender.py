"""Answers that take their time, or that are not to arrive as they should: late, cut short, never, or in pieces.

Here belongs what is waited for before and while an answer is sent. What is sent at once is the affair of `connection`.
"""

from collections.abc import Awaitable
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from sms10692_mock.server.client_presence import ClientGone
from sms10692_mock.server.http1_head import RequestHead
from sms10692_mock.server.http_types import AnyResponse, Response, StreamingResponse

if TYPE_CHECKING:
    from sms10692_mock.server.protocol import HttpProtocol

_LAST_CHUNK: Final = b"0\r\n\r\n"


async def send_deferred(
    connection: "HttpProtocol", coming: AnyResponse | Awaitable[AnyResponse], head: RequestHead
) -> None:
    """Send what is the answer to the request of this head, once it is there."""
    try:
        answer = coming if isinstance(coming, Response | StreamingResponse) else await coming
        if isinstance(answer, StreamingResponse):
            await _send_stream(connection, answer, head)
        elif answer.is_faulty:
            await _send_faulty(connection, answer, head)
        else:
            connection.write(answer, head)
    except ClientGone:
        connection.disconnect()
    except Exception:
        connection.fail(head)
    finally:
        connection.task_done()
    connection.resume()


async def _send_faulty(connection: "HttpProtocol", response: Response, head: RequestHead) -> None:
    """Send late, or less than all, or nothing, as the response wants it."""
    if response.delay and await connection.presence.is_gone_within(response.delay):
        connection.disconnect()
    elif response.never_send:
        connection.discard_input()
        while not connection.has_ended:
            await connection.wait_writable_or_closed()
        connection.disconnect()
    else:
        connection.write_faulty(response, head)


async def _send_stream(connection: "HttpProtocol", stream: StreamingResponse, head: RequestHead) -> None:
    """Send pieces as they come until there are no more, or nobody is there."""
    in_chunks = not head.is_http10
    if not in_chunks:  # the end of the connection is that of the body
        head = head._replace(keep_alive=False)
    extra = [("Transfer-Encoding", "chunked")] if in_chunks else []
    connection.begin(stream.response._replace(headers=[*stream.response.headers, *extra]), head)
    async with aclosing(stream.pieces) as pieces:
        async for piece in pieces:
            if head.method != "HEAD":
                connection.put(b"%x\r\n%b\r\n" % (len(piece), piece) if in_chunks else piece)
            while connection.is_full and not connection.has_ended:
                await connection.wait_writable_or_closed()
            if connection.has_ended:
                break
    connection.end(_LAST_CHUNK if in_chunks and head.method != "HEAD" else b"", head)
