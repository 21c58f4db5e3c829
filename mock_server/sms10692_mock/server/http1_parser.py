"""From the bytes of a connection, in whatever pieces they come, to requests that are wholly there.

Here belongs where a head and a body end, and how much of them is kept. No I/O: who reads is the affair of `connection`.
"""

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Final, NamedTuple, Protocol

from sms10692_mock.server.http1_head import HEAD_LIMIT, BadRequest, RequestHead, parse_head
from sms10692_mock.server.http_types import (
    BODY_LIMIT,
    DRAIN_LIMIT,
    BodyCrowdedOut,
    BodyError,
    BodyTimedOut,
    BodyTooLarge,
    TruncatedBody,
    unfinished,
)

_LINE_LIMIT: Final = 4096
"""Bytes of the line before a chunk."""

_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?")


_HEAD_CACHE_LIMIT: Final = 1024
"""Bytes of a head, up to which it may be one that the same client has sent before, and will again."""

_parse_head_cached = lru_cache(maxsize=256)(parse_head)


_EMPTY_LINES: Final = re.compile(rb"(?:\r?\n)+")
"""What some clients send behind a body, and a server passes over (RFC 9112, 2.2)."""

_TLS: Final = b"\x16\x03"
"""A TLS handshake begins so, and no method does."""

_BEGINNING: Final = re.compile(rb"[A-Za-z*:/ .\-]{1,24}|.{0,3}", re.DOTALL)
"""What is shown of bytes that are no request: they may be the rest of a body, with numbers and signatures in it."""


class ParsedRequest(NamedTuple):
    """A request. With a `failure` the body is only what came of it, or nothing of one that was too large."""

    head: RequestHead
    body: bytes
    failure: BodyError | None = None


class _Body(Protocol):
    """A body on its way."""

    kept: "_BoundedBody"
    length: int | None

    def take(self, data: bytes) -> bytes | None:
        """What follows the body in what came, or None where more of the body must come. Raises NoHttp."""
        ...


class _BoundedBody:
    """The bytes of a body, as long as they are few enough."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._read = 0

    def add(self, piece: bytes) -> None:
        self._read += len(piece)
        if self._read <= BODY_LIMIT:
            self._bytes += piece
        else:
            self._bytes.clear()

    @property
    def exceeds_drain_limit(self) -> bool:
        """Whether even those who send all before they read have sent enough."""
        return self._read >= DRAIN_LIMIT

    def __len__(self) -> int:
        """Bytes that are kept."""
        return len(self._bytes)

    def arrived(self, head: RequestHead) -> ParsedRequest:
        if self._read > BODY_LIMIT:
            return ParsedRequest(head, b"", BodyTooLarge())
        return ParsedRequest(head, bytes(self._bytes))

    def unfinished(self, head: RequestHead, failure: Callable[[int], BodyError]) -> ParsedRequest:
        """The same of a body of which no more is waited for; `failure` is given the number of bytes that came."""
        return ParsedRequest(head, bytes(self._bytes), failure(self._read))


class _LengthDecoder:
    """A body of which the length is known."""

    def __init__(self, length: int) -> None:
        self.kept = _BoundedBody()
        self.length: int | None = length
        self._left = length

    def take(self, data: bytes) -> bytes | None:
        piece = data[: self._left]
        self.kept.add(piece)
        self._left -= len(piece)
        return None if self._left else data[len(piece) :]


class _ChunkedDecoder:
    """A body that comes in chunks, each behind a line with its length; behind the last, of none, come trailers."""

    def __init__(self) -> None:
        self.kept = _BoundedBody()
        self.length: int | None = None
        self._left = 0
        self._behind_chunk = False
        self._behind_last = False
        self._trailed = 0
        self._line = b""

    def take(self, data: bytes) -> bytes | None:
        data, self._line = self._line + data, b""
        at = 0
        while at < len(data):
            if self._left:
                piece = data[at : at + self._left]
                self.kept.add(piece)
                self._left -= len(piece)
                at += len(piece)
                continue
            end = data.find(b"\n", at)
            if (end + 1 if end >= 0 else len(data)) - at > _LINE_LIMIT:
                raise BadRequest(400, f"a line between chunks has at most {_LINE_LIMIT} bytes here")
            if end < 0:
                self._line = data[at:]
                break
            line, at = data[at:end], end + 1
            if self._ends(line):
                return data[at:]
        return None

    def _ends(self, line: bytes) -> bool:
        """Whether the body ends with this line, which is one between chunks."""
        is_empty = line in (b"", b"\r")
        if self._behind_last:
            self._trailed += len(line)
            if self._trailed > HEAD_LIMIT:
                raise BadRequest(431, f"trailers have at most {HEAD_LIMIT} bytes here")
            return is_empty
        if self._behind_chunk:
            if not is_empty:
                raise BadRequest(400, "a chunk is longer than it says")
            self._behind_chunk = False
            return False
        size = _SIZE.fullmatch(line)
        if size is None:
            raise BadRequest(400, "a chunk has no length")
        self._left = int(size[1], 16)
        self._behind_last = not self._left
        self._behind_chunk = not self._behind_last
        return False


class RequestParser:
    """What came on one connection and is not taken yet."""

    def __init__(self) -> None:
        self._bytes = b""
        self._searched = 0
        """Bytes in which no head ends."""
        self._head: RequestHead | None = None
        self._body: _Body | None = None
        self._is_asked_to_continue = False

    def feed(self, data: bytes) -> None:
        """Add what came."""
        self._bytes = self._bytes + data if self._bytes else data

    def __len__(self) -> int:
        """Bytes that nobody has looked at."""
        return len(self._bytes)

    @property
    def held(self) -> int:
        """Bytes that are kept in memory."""
        return len(self._bytes) + (len(self._body.kept) if self._body is not None else 0)

    @property
    def is_mid_request(self) -> bool:
        """Whether a request has begun and is not wholly there, once there is no next one."""
        return bool(self._bytes) or self._body is not None

    def next_request(self) -> ParsedRequest | None:
        """The next request, or None where more of it must come. Raises NoHttp, and then there is no next one."""
        head, body = self._head, self._body
        if head is None or body is None:
            head = self._next_head()
            if head is None:
                return None
            length, data = head.length, self._bytes
            if length is not None and length <= len(data) and length <= BODY_LIMIT:
                self._bytes = data[length:]
                return ParsedRequest(head, data[:length])
            body = _ChunkedDecoder() if length is None else _LengthDecoder(length)
            self._head, self._body = head, body
            self._is_asked_to_continue = (
                not head.is_http10 and head.headers_lower.get("expect", "").lower() == "100-continue"
            )
        data, self._bytes = self._bytes, b""
        rest = body.take(data)
        if rest is None and not body.kept.exceeds_drain_limit:
            return None
        self._head = self._body = None
        self._is_asked_to_continue = False
        self._bytes = rest or b""
        return body.kept.arrived(head)

    def is_asked_to_continue(self) -> bool:
        """Whether the client waits to be told that its body is wanted; once for each that does."""
        is_asked, self._is_asked_to_continue = self._is_asked_to_continue, False
        return is_asked

    def truncated(self) -> ParsedRequest | None:
        """The request of which the body is not wholly there, once the client has said that nothing more will come."""
        return self._unfinished(TruncatedBody)

    def timed_out(self, seconds: float) -> ParsedRequest | None:
        """The same once the client took too many seconds. Raises NoHttp where it has sent only part of a head."""
        why = f"not the rest within {seconds:g} seconds"
        return self._given_up(partial(BodyTimedOut, seconds), 408, why)

    def crowded_out(self, most: int) -> ParsedRequest | None:
        """The same where all unfinished requests hold more than so many bytes. Raises NoHttp likewise."""
        return self._given_up(partial(BodyCrowdedOut, most), 503, unfinished(most))

    def _given_up(self, failure: Callable[[int, int | None], BodyError], status: int, why: str) -> ParsedRequest | None:
        arrived = self._unfinished(failure)
        if arrived is None and self._bytes:
            raise BadRequest(status, f"{len(self._bytes)} bytes of a request came, and {why}")
        return arrived

    def beginning(self) -> str:
        """How that begins which is no request, in ASCII, and without what may be secret."""
        if self._head is not None:
            return f"{self._head.method} "
        beginning = _BEGINNING.match(self._bytes.lstrip(b"\r\n"))
        return "" if beginning is None else ascii(beginning[0])[2:-1]

    def _unfinished(self, failure: Callable[[int, int | None], BodyError]) -> ParsedRequest | None:
        head, body, self._head, self._body = self._head, self._body, None, None
        if head is None or body is None:
            return None
        return body.kept.unfinished(head, lambda came: failure(came, body.length))

    def _next_head(self) -> RequestHead | None:
        data = self._bytes
        if data.startswith((b"\r", b"\n")) and (empty := _EMPTY_LINES.match(data)):
            data = self._bytes = data[empty.end() :]
        if data.startswith(_TLS):
            raise BadRequest(400, "a TLS handshake came to a plain HTTP port: use http://")
        end = data.find(b"\n\r\n", self._searched)
        begin = end + 3
        bare = data.find(b"\n\n", self._searched, end + 1 if end >= 0 else len(data))
        if bare >= 0:
            end, begin = bare, bare + 2
        if end < 0:
            if len(data) > HEAD_LIMIT:
                raise BadRequest(431, f"a head has at most {HEAD_LIMIT} bytes here")
            self._searched = max(0, len(data) - 2)
            return None
        self._searched = 0
        if end > HEAD_LIMIT:
            raise BadRequest(431, f"a head has at most {HEAD_LIMIT} bytes here")
        raw = data[: end + 1]
        head = _parse_head_cached(raw) if len(raw) <= _HEAD_CACHE_LIMIT else parse_head(raw)
        self._bytes = data[begin:]
        return head
