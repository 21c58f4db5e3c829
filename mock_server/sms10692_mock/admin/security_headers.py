"""Security headers of the control API and its description."""

import base64
import hashlib
import re
from typing import Final

from flask import Response

_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def add_security_headers(response: Response) -> Response:
    """Add missing headers: no sniffing, no framing, no caching, and a content security policy."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if "Content-Security-Policy" not in response.headers:
        page = response.get_data(as_text=True) if response.mimetype == "text/html" else ""
        response.headers["Content-Security-Policy"] = content_security_policy(page)
    return response


def content_security_policy(page: str) -> str:
    """Build the policy of a page. It allows the page's own inline scripts, by their hashes.

    Inline styles are allowed, since Swagger UI creates some at run time.

    >>> content_security_policy("<script>go()</script>").split("; ")[1]
    "script-src 'self' 'sha256-5KYv+PUboo5h+0+YAtGRPbwv5d/QxzHslP4YGnUaxRw='"
    """
    digests = [hashlib.sha256(script.encode()).digest() for script in _SCRIPT.findall(page)]
    return _POLICY.format(scripts="".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests))
