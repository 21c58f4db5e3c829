"""Hypothesis strategy of requests with errors at the HTTP level: truncated, with wrong framing, or invalid headers."""

from collections.abc import Callable
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from fuzz.corpus import FuzzInput
from fuzz.mutators import change_bytes, draw_position, malformed_control_requests, malformed_requests

_CHUNKED_BODIES: Final = st.sampled_from(
    (
        b"",
        b"0\r\n\r\n",
        b"3\r\na=b\r\n0\r\n\r\n",
        b"zz\r\n",
        b"-1\r\n",
        b"ffffffffffffffffff\r\n",
        b"3\r\na=b",
        b"3;x=y\r\na=b\r\n0\r\nx: y\r\n\r\n",
    )
)
_HEADER_LINES: Final = st.sampled_from(
    (
        *(
            b"Expect: 100-continue",
            b"Expect: x",
            b"Connection: close",
            b"Connection: upgrade\r\nUpgrade: websocket",
            b"X: \xff",
        ),
        *(
            b"Content-Length: 5",
            b": x",
            b"x",
            b" folded",
            b"Content-Encoding: gzip",
            b"Cookie: " + b"x" * 9000,
            b"Host: \xe5",
        ),
        *(b"X: y\r\n" * 150, b"Transfer-Encoding: gzip", b"Origin: http://[", b"Host: [::1", b"Range: bytes=0-1"),
    )
)


_LENGTH_PREFIXES: Final = st.sampled_from((b"-", b"+", b"9", b"0x", b" "))
_VERSIONS: Final = st.sampled_from((b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9", b"http/1.1", b""))


def _add_header(draw: DrawFn, raw: bytes) -> bytes:
    return raw.replace(b"\r\n\r\n", b"\r\n" + draw(_HEADER_LINES) + b"\r\n\r\n", 1)


def _add_chunks(draw: DrawFn, raw: bytes) -> bytes:
    return raw.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n" + draw(_CHUNKED_BODIES), 1)


_DEFECTS: Final[tuple[Callable[[DrawFn, bytes], bytes], ...]] = (
    *(change_bytes, _add_header, _add_chunks),
    lambda draw, raw: raw[: draw_position(draw, len(raw))],
    lambda draw, raw: raw.replace(b"Content-Length: ", b"Content-Length: " + draw(_LENGTH_PREFIXES)),
    lambda draw, raw: raw + raw,
    lambda draw, raw: raw.replace(b"HTTP/1.1", draw(_VERSIONS), 1),
    lambda draw, raw: raw.replace(b"\r\n", b"\n", 1 + draw_position(draw, 2)),
)


@st.composite
def malformed_bytes(draw: DrawFn) -> bytes:
    """Requests as bytes, two of three with an error at the HTTP level."""
    control = draw(st.sampled_from([*[False] * 9, True]))
    request: FuzzInput = draw(malformed_control_requests() if control else malformed_requests())
    raw = request.to_bytes()
    return draw(st.sampled_from(_DEFECTS))(draw, raw) if draw(st.sampled_from((False, True, True))) else raw
