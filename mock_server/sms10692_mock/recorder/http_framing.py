"""Where an HTTP/1 message ends: bytes in pieces of any size, without changing or keeping them (RFC 9112, 6)."""

import re
from typing import Final, TypeAlias

Span: TypeAlias = tuple[int, int]
"""Start and end of a part of a body."""

HEAD_LIMIT: Final = 1 << 20
_CHUNK_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[^\n]*\n")
_LINE_LIMIT: Final = 64 * 1024


class InvalidMessage(Exception):
    """The bytes are no HTTP/1 message whose end can be found."""


def split_head(data: bytes) -> tuple[bytes, bytes] | None:
    """Split bytes behind the empty line of a head, or return None if it is not there yet. Raises InvalidMessage."""
    ends = [at + len(mark) for mark in (b"\n\r\n", b"\n\n") if (at := data.find(mark)) >= 0]
    if not ends:
        if len(data) > HEAD_LIMIT:
            raise InvalidMessage(f"a head has more than {HEAD_LIMIT} bytes")
        return None
    return data[: min(ends)], data[min(ends) :]


class BodyEnd:
    """Finds the end of a body. `length` is the declared one; None for chunks, -1 for a body until the connection ends.

    >>> end = BodyEnd(None)
    >>> end.feed(b"3\\r\\nab"), end.feed(b"c\\r\\n0\\r\\n"), end.feed(b"\\r\\nHTTP"), end.is_complete
    (5, 6, 2, True)
    """

    def __init__(self, length: int | None) -> None:
        self._remaining = length or 0
        self._is_chunked = length is None
        self._is_endless = length == -1
        self._line = b""
        self._is_trailer = False
        self._is_after_chunk = False
        self.is_complete = length == 0

    def feed(self, data: bytes) -> int:
        """Return how many of these bytes belong to the body. Raises InvalidMessage."""
        if self.is_complete:
            return 0
        if self._is_endless:
            return len(data)
        if not self._is_chunked:
            taken = min(self._remaining, len(data))
            self._remaining -= taken
            self.is_complete = not self._remaining
            return taken
        at = 0
        while at < len(data) and not self.is_complete:
            if self._remaining:
                taken = min(self._remaining, len(data) - at)
                self._remaining -= taken
                at += taken
                continue
            end = data.find(b"\n", at) + 1
            self._line += data[at : end or len(data)]
            at = end or len(data)
            if len(self._line) > _LINE_LIMIT:
                raise InvalidMessage("a line between chunks is too long")
            if end:
                self._read_line(self._line)
                self._line = b""
        return at

    def end_of_input(self) -> None:
        """Note that the connection ended, which is the end of a body without a length."""
        self.is_complete = self.is_complete or self._is_endless

    @property
    def is_endless(self) -> bool:
        """Whether the end of the connection is the end of the body."""
        return self._is_endless

    def _read_line(self, line: bytes) -> None:
        if self._is_trailer:
            self.is_complete = not line.strip()
            return
        if self._is_after_chunk:
            self._is_after_chunk = False
            return
        size = _CHUNK_LINE.fullmatch(line)
        if size is None:
            raise InvalidMessage("a chunk has no length")
        self._remaining = int(size[1], 16)
        self._is_trailer = not self._remaining
        self._is_after_chunk = not self._is_trailer


def is_chunked_body(body: bytes) -> bool:
    """Return whether bytes are a whole chunked body, up to the empty line at its end, and nothing more."""
    end = BodyEnd(None)
    try:
        return end.feed(body) == len(body) and end.is_complete
    except InvalidMessage:
        return False


def find_chunks(body: bytes) -> list[Span]:
    """Return the spans of the data of a chunked body, as far as it goes.

    >>> find_chunks(b"3\\r\\nabc\\r\\n2\\r\\nde\\r\\n0\\r\\n\\r\\n")
    [(3, 6), (11, 13)]
    """
    spans: list[Span] = []
    at = 0
    while (size := _CHUNK_LINE.match(body, at)) is not None and (length := int(size[1], 16)):
        end = min(size.end() + length, len(body))
        spans.append((size.end(), end))
        at = body.find(b"\n", end) + 1 or len(body)
    return spans
