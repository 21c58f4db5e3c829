"""Headers whose values are not kept in the request log: whoever reads them can pass for whoever sent them."""

from collections.abc import Sequence
from typing import Final

REDACTED: Final = "[redacted]"

_SECRET: Final = frozenset(
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
"""Names in lower case."""


def redact_headers(headers: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """The headers with `[redacted]` for each value that is a secret; the same object where there is none.

    >>> redact_headers([("Host", "x"), ("Cookie", "key=1")])
    [('Host', 'x'), ('Cookie', '[redacted]')]
    """
    for name, _ in headers:
        if name.lower() in _SECRET:
            return [(name, REDACTED if name.lower() in _SECRET else value) for name, value in headers]
    return headers
