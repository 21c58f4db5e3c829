"""Serializes requests with errors at the HTTP level: truncated, with wrong framing, or with invalid headers."""

from random import Random
from typing import Final

from fuzz.corpus import FuzzInput
from fuzz.mutators import change_bytes

_CHUNKED_BODIES: Final = (
    b"",
    b"0\r\n\r\n",
    b"3\r\na=b\r\n0\r\n\r\n",
    b"zz\r\n",
    b"-1\r\n",
    b"ffffffffffffffffff\r\n",
    b"3\r\na=b",
    b"3;x=y\r\na=b\r\n0\r\nx: y\r\n\r\n",
)
_HEADER_LINES: Final = (
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


def corrupt_http(rng: Random, request: FuzzInput) -> bytes:
    """Serialize a request with an error at the HTTP level: truncated, wrong framing, invalid headers."""
    raw = request.to_bytes()
    defect = rng.randrange(8)
    head, _, body = raw.partition(b"\r\n\r\n")
    if defect == 0:
        return change_bytes(rng, raw)
    if defect == 1:
        return raw[: rng.randrange(len(raw) + 1)]
    if defect == 2:
        return head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + rng.choice(_CHUNKED_BODIES) + body
    if defect == 3:
        return (
            head.replace(b"Content-Length: ", b"Content-Length: " + rng.choice((b"-", b"+", b"9", b"0x", b" ")))
            + b"\r\n\r\n"
            + body
        )
    if defect == 4:
        return head + b"\r\n" + rng.choice(_HEADER_LINES) + b"\r\n\r\n" + body
    if defect == 5:
        return raw + raw
    if defect == 6:
        return raw.replace(b"HTTP/1.1", rng.choice((b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9", b"http/1.1", b"")), 1)
    return raw.replace(b"\r\n", b"\n", rng.randrange(1, 4))
