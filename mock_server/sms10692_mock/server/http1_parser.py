"""HTTP/1 request parser without I/O: bytes in pieces of any size become complete requests.

The parser finds the ends of heads and bodies, and bounds what it buffers. `protocol` feeds it.
"""

import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Final, NamedTuple, Protocol

from sms10692_mock.server.bad_request import BadRequest, explain_beginning, find_mistake, is_binary_protocol
from sms10692_mock.server.http1_head import HEAD_LIMIT, RequestHead, parse_head
from sms10692_mock.server.http_types import (
    BODY_LIMIT,
    DRAIN_LIMIT,
    BodyError,
    BodyOverload,
    BodyTimedOut,
    BodyTooLarge,
    TruncatedBody,
    overload_reason,
)

_CHUNK_LINE_LIMIT: Final = 4096
"""Maximum length in bytes of the line with the size of a chunk, and of a trailer."""

_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?")

_HEAD_CACHE_LIMIT: Final = 1024
"""Maximum size in bytes of a head that is cached. Clients repeat short heads unchanged."""

_parse_head_cached = lru_cache(maxsize=256)(parse_head)

_EMPTY_LINES: Final = re.compile(rb"(?:\r?\n)+")
"""Line ends that some clients send after a body; a server ignores them (RFC 9112, 2.2)."""

_METHOD: Final = re.compile(rb"(?:[A-Za-z_-]{1,20}(?: |\Z)|\r\Z)")
"""A method, or the part of one that has arrived, or of an empty line. The rest of a form looks different."""

_FIRST_PRINTABLE: Final = 0x20

_BEGINNING_LIMIT: Final = 1024
"""Bytes of an invalid request that are kept."""


class ParsedRequest(NamedTuple):
    """A request. With a `failure`, `body` is the received part, or empty if the body was too large."""

    head: RequestHead
    body: bytes
    failure: BodyError | None = None


class _BodyDecoder(Protocol):
    """Finds the end of a body. `length` is the declared one, None for chunks."""

    received: "_BoundedBody"
    length: int | None

    def feed(self, data: bytes) -> bytes | None:
        """Return the bytes after the body, or None while the body is incomplete. Raises BadRequest."""
        ...


class _BoundedBody:
    """The received bytes of a body. All are dropped when they become more than `BODY_LIMIT`."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._received = 0

    def append(self, data: bytes) -> None:
        self._received += len(data)
        if self._received <= BODY_LIMIT:
            self._bytes += data
        else:
            self._bytes.clear()

    @property
    def exceeds_drain_limit(self) -> bool:
        """Whether the body is so large that the rest is not even read and dropped."""
        return self._received >= DRAIN_LIMIT

    def __len__(self) -> int:
        """Number of bytes in memory."""
        return len(self._bytes)

    def complete(self, head: RequestHead) -> ParsedRequest:
        """Return the request with this body, whose end has been reached or is not awaited any more."""
        if self._received > BODY_LIMIT:
            return ParsedRequest(head, b"", BodyTooLarge())
        return ParsedRequest(head, bytes(self._bytes))

    def incomplete(self, head: RequestHead, create_failure: Callable[[int], BodyError]) -> ParsedRequest:
        """Return the request with the received part. `create_failure` takes the number of bytes received."""
        return ParsedRequest(head, bytes(self._bytes), create_failure(self._received))


class _LengthDecoder:
    """Decoder of a body with Content-Length."""

    def __init__(self, length: int) -> None:
        self.received = _BoundedBody()
        self.length: int | None = length
        self._remaining = length

    def feed(self, data: bytes) -> bytes | None:
        own = data[: self._remaining]
        self.received.append(own)
        self._remaining -= len(own)
        return None if self._remaining else data[len(own) :]


class _ChunkedDecoder:
    """Decoder of a chunked body (RFC 9112, 7.1). Trailers are read and dropped."""

    def __init__(self) -> None:
        self.received = _BoundedBody()
        self.length: int | None = None
        self._remaining = 0
        self._is_after_chunk = False
        self._is_after_last_chunk = False
        self._trailer_size = 0
        self._incomplete_line = b""

    def feed(self, data: bytes) -> bytes | None:
        data, self._incomplete_line = self._incomplete_line + data, b""
        at = 0
        while at < len(data):
            if self._remaining:
                chunk = data[at : at + self._remaining]
                self.received.append(chunk)
                self._remaining -= len(chunk)
                at += len(chunk)
                continue
            end = data.find(b"\n", at)
            if (end + 1 if end >= 0 else len(data)) - at > _CHUNK_LINE_LIMIT:
                raise BadRequest(400, "chunk", f"a line between chunks has at most {_CHUNK_LINE_LIMIT} bytes here")
            if end < 0:
                self._incomplete_line = data[at:]
                break
            line, at = data[at:end], end + 1
            if self._is_last_line(line):
                return data[at:]
        return None

    def _is_last_line(self, line: bytes) -> bool:
        """Process a line outside of chunks; True if the body ends with it. Raises BadRequest."""
        is_empty = line in (b"", b"\r")
        if self._is_after_last_chunk:
            self._trailer_size += len(line)
            if self._trailer_size > HEAD_LIMIT:
                raise BadRequest(431, "trailers-too-long", f"trailers have at most {HEAD_LIMIT} bytes here")
            return is_empty
        if self._is_after_chunk:
            if not is_empty:
                raise BadRequest(400, "chunk", "a chunk is longer than it says")
            self._is_after_chunk = False
            return False
        size = _CHUNK_SIZE.fullmatch(line)
        if size is None:
            raise BadRequest(400, "chunk", "a chunk has no length")
        self._remaining = int(size[1], 16)
        self._is_after_last_chunk = not self._remaining
        self._is_after_chunk = not self._is_after_last_chunk
        return False


class RequestParser:
    """Parser of one connection. Its buffer holds the bytes that belong to no returned request yet."""

    def __init__(self) -> None:
        self._buffer = b""
        self._searched = 0
        """Length of the beginning of the buffer in which no head ends."""
        self._head: RequestHead | None = None
        self._body: _BodyDecoder | None = None
        self._expects_continue = False
        self._previous: RequestHead | None = None
        """Head of the previous request."""
        self._beginning = b""
        """First bytes of the request whose body is incomplete."""

    def feed(self, data: bytes) -> None:
        """Append received bytes to the buffer."""
        self._buffer = self._buffer + data if self._buffer else data

    def __len__(self) -> int:
        """Number of bytes that are not parsed yet."""
        return len(self._buffer)

    @property
    def buffered_bytes(self) -> int:
        """Number of bytes in memory, those of the incomplete body included."""
        return len(self._buffer) + (len(self._body.received) if self._body is not None else 0)

    @property
    def is_mid_request(self) -> bool:
        """Whether part of a request has arrived. Meaningful after `next_request` returned None."""
        return bool(self._buffer) or self._body is not None

    def next_request(self) -> ParsedRequest | None:
        """Return the next complete request, or None if more bytes are needed.

        Raises BadRequest. **Do not call it again afterwards**: the beginning of the next request is unknown.
        """
        head, body = self._head, self._body
        if head is None or body is None:
            received = self._buffer
            if not received or (head := self._next_head()) is None:
                return None
            length, data = head.length, self._buffer
            if length is not None and length <= len(data) and length <= BODY_LIMIT:
                self._buffer = data[length:]
                self._previous = head
                return ParsedRequest(head, data[:length])
            body = _ChunkedDecoder() if length is None else _LengthDecoder(length)
            self._head, self._body = head, body
            self._beginning = received.lstrip(b"\r\n")[:_BEGINNING_LIMIT]
            self._expects_continue = (
                not head.is_http10 and head.headers_lower.get("expect", "").lower() == "100-continue"
            )
        elif len(self._beginning) < _BEGINNING_LIMIT:
            self._beginning = (self._beginning + self._buffer)[:_BEGINNING_LIMIT]
        data, self._buffer = self._buffer, b""
        rest = body.feed(data)
        if rest is None and not body.received.exceeds_drain_limit:
            return None
        self._head = self._body = None
        self._expects_continue = False
        self._buffer = rest or b""
        self._previous = head
        return body.received.complete(head)

    def take_expect_continue(self) -> bool:
        """Whether the client waits for `100 Continue`. True once per request."""
        expects, self._expects_continue = self._expects_continue, False
        return expects

    def truncated(self) -> ParsedRequest | None:
        """At the end of the input: return the request whose body is incomplete, with a TruncatedBody, if any.

        Raises BadRequest if only part of a head has arrived.
        """
        return self._give_up(TruncatedBody, 400, "head-cut", "then the connection ended")

    def time_out(self, seconds: float) -> ParsedRequest | None:
        """Give up after so many seconds: return the request whose body is incomplete, with a BodyTimedOut, if any.

        Raises BadRequest if only part of a head has arrived.
        """
        reason = f"not the rest within {seconds:g} seconds"
        return self._give_up(partial(BodyTimedOut, seconds), 408, "head-stalled", reason)

    def refuse_overload(self, limit: int) -> ParsedRequest | None:
        """Like `time_out`, because all incomplete requests together hold more than `limit` bytes."""
        return self._give_up(partial(BodyOverload, limit), 503, "overload", overload_reason(limit))

    def _give_up(
        self, create_failure: Callable[[int, int | None], BodyError], status: int, cause: str, reason: str
    ) -> ParsedRequest | None:
        parsed = self._take_incomplete(create_failure)
        if parsed is None and self._buffer:
            if mistake := find_mistake(self._buffer):
                raise mistake
            raise BadRequest(status, cause, f"{len(self._buffer)} bytes of a request came, and {reason}")
        return parsed

    def beginning(self) -> bytes:
        """Return the first bytes of an invalid request, with the head if its body is invalid."""
        if self._head is not None:
            return self._beginning
        return self._buffer.lstrip(b"\r\n")[:_BEGINNING_LIMIT]

    def _take_incomplete(self, create_failure: Callable[[int, int | None], BodyError]) -> ParsedRequest | None:
        head, body, self._head, self._body = self._head, self._body, None, None
        if head is None or body is None:
            return None
        return body.received.incomplete(head, lambda received: create_failure(received, body.length))

    def _next_head(self) -> RequestHead | None:
        data = self._buffer
        if data[0] < _FIRST_PRINTABLE:
            if is_binary_protocol(data):
                raise explain_beginning(data)
            if empty := _EMPTY_LINES.match(data):
                data = self._buffer = data[empty.end() :]
        end = data.find(b"\n\r\n", self._searched)
        body_start = end + 3
        end_without_cr = data.find(b"\n\n", self._searched, end + 1 if end >= 0 else len(data))
        if end_without_cr >= 0:
            end, body_start = end_without_cr, end_without_cr + 2
        if end < 0:
            if len(data) > HEAD_LIMIT:
                raise BadRequest(431, "head-too-long", f"a head has at most {HEAD_LIMIT} bytes here")
            if self._previous is not None and data and not _METHOD.match(data):
                _check_rest(self._previous, len(data))
            self._searched = max(0, len(data) - 2)
            return None
        self._searched = 0
        if end > HEAD_LIMIT:
            raise BadRequest(431, "head-too-long", f"a head has at most {HEAD_LIMIT} bytes here")
        raw = data[: end + 1]
        head = _parse_head_cached(raw) if len(raw) <= _HEAD_CACHE_LIMIT else parse_head(raw)
        self._buffer = data[body_start:]
        return head


def _check_rest(previous: RequestHead, size: int) -> None:
    """Raise BadRequest if bytes that are no request belong to the body of the previous one."""
    if previous.length:
        text = f"{size} bytes follow a body whose Content-Length is {previous.length}: it counts bytes, not characters"
        raise BadRequest(400, "length-too-small", text)
    if previous.length == 0 and previous.method == "POST" and "content-length" not in previous.headers_lower:
        raise BadRequest(411, "length-missing", f"{size} bytes follow a POST without Content-Length")
