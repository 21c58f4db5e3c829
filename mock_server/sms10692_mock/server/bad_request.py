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


NO_ALERT: Final = "CLOSED_BY_CLIENT"
"""Reason of a handshake that the client ended without saying why, beside those of OpenSSL."""

_UNTRUSTED: Final = re.compile("UNKNOWN_CA|CERTIFICATE|CERT_")
"""Alerts of clients that do not accept the certificate."""


def explain_handshake(reason: str) -> BadRequest:
    """Return why a TLS handshake failed, from OpenSSL's name of the reason.

    >>> explain_handshake("TLSV1_ALERT_UNKNOWN_CA").cause, explain_handshake("UNSUPPORTED_PROTOCOL").cause
    ('tls-untrusted', 'tls-handshake')
    """
    if _UNTRUSTED.search(reason):
        return BadRequest(400, "tls-untrusted", f"the client does not accept the certificate ({reason})")
    event = "failed" if reason != NO_ALERT else "was ended by the client, which may not accept the certificate"
    return BadRequest(400, "tls-handshake", f"the TLS handshake {event} ({reason})")


def plain_on_tls() -> BadRequest:
    """Return the refusal of a request without TLS at the TLS port."""
    return BadRequest(400, "tls-missing", "a request without TLS came to the TLS port: use https://")


def name_tls_port(error: BadRequest, port: int | None) -> BadRequest:
    """Return the refusal of a TLS handshake at the plain port with the TLS port, if there is one; others unchanged."""
    if error.cause != _TLS.cause or port is None:
        return error
    return BadRequest(400, "tls-port", f"a TLS handshake came to the plain HTTP port: https:// is on port {port}")


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
