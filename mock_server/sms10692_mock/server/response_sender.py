"""Answers that take their time, or that are not to arrive as they should: late, cut short, never, or in pieces.

Here belongs what is waited for before and while an answer is sent. What is sent at once is the affair of `connection`.
"""

from collections.abc import Awaitable
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from sms10692_mock.app.fault_injection import Response
from sms10692_mock.server.client_presence import ClientGone
from sms10692_mock.server.http1_head import Head
from sms10692_mock.server.wsgi_bridge import Answer, Stream

if TYPE_CHECKING:
    from sms10692_mock.server.protocol import Connection

_LAST_CHUNK: Final = b"0\r\n\r\n"


async def give(connection: "Connection", coming: Answer | Awaitable[Answer], head: Head) -> None:
    """Send what is the answer to the request of this head, once it is there."""
    try:
        answer = coming if isinstance(coming, Response | Stream) else await coming
        if isinstance(answer, Stream):
            await _give_stream(connection, answer, head)
        elif answer.is_spoilt:
            await _give_spoilt(connection, answer, head)
        else:
            connection.write(answer, head)
    except ClientGone:
        connection.hang_up()
    except Exception:
        connection.fail(head)
    finally:
        connection.given()
    connection.resume()


async def _give_spoilt(connection: "Connection", response: Response, head: Head) -> None:
    """Send late, or less than all, or nothing, as the response wants it."""
    if response.delay and await connection.presence.is_gone_within(response.delay):
        connection.hang_up()
    elif response.hangs:
        connection.hear_nothing()
        while not connection.has_ended:
            await connection.news()
        connection.hang_up()
    else:
        connection.write_spoilt(response, head)


async def _give_stream(connection: "Connection", stream: Stream, head: Head) -> None:
    """Send pieces as they come until there are no more, or nobody is there."""
    in_chunks = not head.is_1_0
    if not in_chunks:  # the end of the connection is that of the body
        head = head._replace(persists=False)
    extra = [("Transfer-Encoding", "chunked")] if in_chunks else []
    connection.begin(stream.response._replace(headers=[*stream.response.headers, *extra]), head)
    async with aclosing(stream.pieces) as pieces:
        async for piece in pieces:
            if head.method != "HEAD":
                connection.put(b"%x\r\n%b\r\n" % (len(piece), piece) if in_chunks else piece)
            while connection.is_full and not connection.has_ended:
                await connection.news()
            if connection.has_ended:
                break
    connection.end(_LAST_CHUNK if in_chunks and head.method != "HEAD" else b"", head)
