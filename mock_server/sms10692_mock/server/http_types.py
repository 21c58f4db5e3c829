"""Types that the HTTP server and its applications share: responses, socket addresses, errors of request bodies."""

from collections.abc import AsyncGenerator
from typing import Final, NamedTuple, TypeAlias

BODY_LIMIT: Final = 4 * 1024 * 1024
"""Maximum size of a request body in bytes. 50,000 numbers take 600,000 (Q15)."""

DRAIN_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of a body that is too large that are still read.

A client that sends its whole body before it reads can then read the response 413.
"""

BODILESS: Final = frozenset({204, 304})
"""Statuses of responses that never have a body (RFC 9110)."""


class SocketAddresses(NamedTuple):
    """The two ends of a connection, each a host and a port, and the scheme of its URLs.

    An IPv4 client of an IPv6 socket has an IPv4 address, not `::ffff:10.0.0.1`.
    """

    server: tuple[str, int]
    client: tuple[str, int]
    scheme: str = "http"


class Pause(NamedTuple):
    """A wait of some seconds in a response, after the first occurrence of these bytes."""

    after: bytes
    seconds: float


class Response(NamedTuple):
    """A complete HTTP response, and how its transmission fails, if a fault was injected.

    It is sent after `delay` seconds; if they are infinite, the client gets nothing and the connection stays open.
    `pauses` interrupt it. The connection is closed after `truncate_at` bytes of the body; a negative
    value closes it before the head.
    """

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    delay: float = 0.0
    truncate_at: int | None = None
    pauses: tuple[Pause, ...] = ()

    @property
    def is_faulty(self) -> bool:
        """Whether the response is to be sent late, in pieces, in part, or never."""
        return bool(self.delay or self.pauses) or self.truncate_at is not None


class StreamingResponse(NamedTuple):
    """A streaming response. A consumer that stops early must close the `pieces` generator."""

    response: Response
    pieces: AsyncGenerator[bytes, None]


AnyResponse: TypeAlias = Response | StreamingResponse


class Transmission(NamedTuple):
    """The part of a body that is sent, and whether the connection is closed in the middle of the response."""

    body: bytes
    breaks: bool


def transmission(response: Response, method: str) -> Transmission | None:
    """What to send in response to a request with this method; None if the connection closes before the head."""
    body, cut = response.body, response.truncate_at
    if cut is not None and cut < 0:
        return None
    breaks = cut is not None and cut < len(body)
    return Transmission(b"" if method == "HEAD" else body[:cut], breaks)


def build_response(status: int, content_type: str, body: bytes, *headers: tuple[str, str]) -> Response:
    """Build a response with the headers Content-Type, Content-Length and those given."""
    return Response(status, [("Content-Type", content_type), ("Content-Length", str(len(body))), *headers], body)


def text_response(status: int, text: str, *headers: tuple[str, str]) -> Response:
    """Build a response of one line of plain text."""
    return build_response(status, "text/plain; charset=utf-8", f"{text}\n".encode(), *headers)


class Rejection(NamedTuple):
    """The response to a request that does not reach the application. `cause` names the reason, for programs."""

    cause: str
    response: Response


class BodyError(Exception):
    """The body of a request is incomplete or too large. **The request must have no effect.**

    `rejection` is the response to send, and why.
    """

    def __init__(self, cause: str, response: Response) -> None:
        super().__init__(response.body.decode())
        self.rejection = Rejection(cause, response)


class BodyTooLarge(BodyError):
    """The body has more than `BODY_LIMIT` bytes."""

    def __init__(self) -> None:
        super().__init__("body-too-large", text_response(413, f"a body has at most {BODY_LIMIT} bytes here"))


class TruncatedBody(BodyError):
    """The client closed its side before the end of the body. `received` is the number of bytes received."""

    def __init__(self, received: int, length: int | None) -> None:
        super().__init__("body-cut", text_response(400, f"the body broke off: {_received_part(received, length)}"))


class BodyTimedOut(BodyError):
    """The rest of the body did not arrive in time."""

    def __init__(self, seconds: float, received: int, length: int | None) -> None:
        super().__init__(
            "body-stalled",
            text_response(408, f"{_received_part(received, length)}, and not the rest within {seconds:g} seconds"),
        )


class BodyOverload(BodyError):
    """The body is incomplete, and all incomplete requests together hold more than `limit` bytes."""

    def __init__(self, limit: int, received: int, length: int | None) -> None:
        super().__init__(
            "overload", text_response(503, f"{_received_part(received, length)}, and {overload_reason(limit)}")
        )


def overload_reason(limit: int) -> str:
    """The reason for refusing an incomplete request when all together hold more than `limit` bytes."""
    return f"more than {limit} bytes of unfinished requests are being received: try again"


def _received_part(received: int, length: int | None) -> str:
    if length is None:
        return f"{received} bytes of a chunked body came without its last chunk"
    return f"{received} of {length} bytes came (Content-Length is {length}, and counts bytes, not characters)"
