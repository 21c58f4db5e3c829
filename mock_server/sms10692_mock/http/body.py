"""The body of a request, read within bounds.

Here belongs how much is read and when a body counts as whole. What its bytes mean is the affair of `wire.forms`.
"""

from collections.abc import Iterator
from typing import Any, Final, Protocol

LIMIT: Final = 4 * 1024 * 1024
DRAINED: Final = 16 * 1024 * 1024
_PIECE: Final = 64 * 1024


class TooLarge(Exception):
    """The body has more bytes than `LIMIT`."""


class CutShort(Exception):
    """The body ended before its Content-Length: its sender is gone, and half a list of numbers must not be sent to."""


class _Input(Protocol):
    def read(self, size: int, /) -> bytes: ...


def body_of(environ: dict[str, Any]) -> bytes:
    """Read the whole body, or raise TooLarge or CutShort.

    Of a body that is too large up to `DRAINED` bytes are read and dropped: a client that sends all of its body
    before it reads would otherwise see a broken connection in place of the answer.
    """
    declared = environ.get("CONTENT_LENGTH") or ""
    if declared:
        length = int(declared)
    elif environ.get("wsgi.input_terminated"):
        length = DRAINED  # chunked: the server says where it ends
    else:
        return b""
    stream: _Input = environ["wsgi.input"]
    body = b"".join(_pieces(stream, min(length, LIMIT + 1)))
    if len(body) > LIMIT:
        for _ in _pieces(stream, min(length, DRAINED) - len(body)):
            pass
        raise TooLarge
    if declared and len(body) < length:
        raise CutShort
    return body


def _pieces(stream: _Input, wanted: int) -> Iterator[bytes]:
    while wanted > 0 and (piece := stream.read(min(wanted, _PIECE))):
        wanted -= len(piece)
        yield piece
