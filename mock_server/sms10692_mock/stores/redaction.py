"""Redaction of credentials in the headers of logged requests."""

from collections.abc import Sequence
from typing import Final

REDACTED: Final = "[redacted]"

_SECRET_HEADERS: Final = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "cookie2",
        "set-cookie",
        "set-cookie2",
        "x-access-token",
        "x-amz-security-token",
        "x-api-key",
        "x-auth-token",
        "x-csrf-token",
        "x-forwarded-access-token",
        "x-xsrf-token",
        "api-key",
        "authentication-info",
        "proxy-authentication-info",
    }
)
"""Names of headers with credentials, in lower case."""


def redact_headers(headers: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """Replace the values of headers with credentials by `[redacted]`. Returns the same object if there are none.

    >>> redact_headers([("Host", "x"), ("Cookie", "key=1")])
    [('Host', 'x'), ('Cookie', '[redacted]')]
    """
    if _SECRET_HEADERS.isdisjoint([name.lower() for name, _ in headers]):
        return headers
    return [(name, REDACTED if name.lower() in _SECRET_HEADERS else value) for name, value in headers]
