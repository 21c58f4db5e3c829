"""Received bytes that are not a valid HTTP/1 request: the exception, and the causes that their first bytes show."""

import re
from typing import Final, NamedTuple


class BadRequest(Exception):
    """The received bytes are not a valid HTTP/1 request.

    `status` is that of the response to send. `cause` names the mistake, for programs; the message explains it.
    """

    def __init__(self, status: int, cause: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.cause = cause


class _Mistake(NamedTuple):
    """A mistake that many clients make. `pattern` matches the beginning of what they send."""

    pattern: re.Pattern[bytes]
    cause: str
    reason: str


_TLS: Final = _Mistake(re.compile(rb"\x16\x03"), "tls", "a TLS handshake came to a plain HTTP port: use http://")

_PROXY: Final = _Mistake(
    re.compile(rb"PROXY (?:TCP|UNKNOWN)|\r\n\r\n\0\r\nQUIT\n"),
    "proxy-protocol",
    "the connection begins with a PROXY protocol header, which this port does not read: turn it off",
)

_MISTAKES: Final = (
    _TLS,
    _Mistake(
        re.compile(rb"PRI \* HTTP/2"), "http2", "the connection begins with HTTP/2, and this port speaks HTTP/1.1 only"
    ),
    _PROXY,
    _Mistake(
        re.compile(rb"\xef\xbb\xbf|\xff\xfe|\xfe\xff"), "byte-order-mark", "the request begins with a byte order mark"
    ),
    _Mistake(
        re.compile(rb"CONNECT [^\r\n ]+ HTTP/1\.[01]\r?\n"),
        "connect",
        "CONNECT asks for a tunnel, as clients do for https:// through a proxy: use http://",
    ),
    _Mistake(
        re.compile(rb"[A-Z]+ [^\r\n ]+ (?!HTTP/)[Hh][Tt][Tt][Pp]/1\.[01]\r?\n"),
        "http-version",
        "the version is not written HTTP/1.1, in capitals",
    ),
    _Mistake(
        re.compile(rb"[A-Z]+ [^\r\n ]*[\0-\x09\x0b\x0c\x0e-\x1f\x7f][^\r\n]*HTTP/1\.[01]\r?\n"),
        "control-character-in-url",
        "the URL contains a tab or another control character: percent-encode the values",
    ),
    _Mistake(
        re.compile(rb"[A-Z]+ {2,}[^\r\n ]+ +HTTP/1\.[01]\r?\n"),
        "extra-space",
        "more than one space stands between method and URL",
    ),
    _Mistake(
        re.compile(rb"[A-Z]+ [^\r\n ]+ [^\r\n]+ HTTP/1\.[01]\r?\n"),
        "space-in-url",
        "the URL contains a space: percent-encode the values, a space as %20",
    ),
    _Mistake(
        re.compile(rb"[A-Z]+ [^\r\n ]+\r?\n"), "no-version", "the first line does not end with the version, HTTP/1.1"
    ),
)


def is_binary_protocol(received: bytes) -> bool:
    """Return whether the bytes begin TLS or version 2 of the PROXY protocol, which end in no empty line."""
    return any(mistake.pattern.match(received) for mistake in (_TLS, _PROXY))


def explain_beginning(received: bytes) -> BadRequest:
    """Return the reason why bytes that do not begin with a valid request line are refused.

    >>> explain_beginning(b"GET /a?t=2026-12-01 10:00:00 HTTP/1.1\\r\\n").cause
    'space-in-url'
    """
    return find_mistake(received) or BadRequest(
        400, "request-line", "the request does not begin with a method, a target and HTTP/1.1"
    )


def find_mistake(received: bytes) -> BadRequest | None:
    """Return the known mistake that the first bytes show, also if no empty line follows; None without one."""
    for mistake in _MISTAKES:
        if mistake.pattern.match(received):
            return BadRequest(400, mistake.cause, mistake.reason)
    return None
