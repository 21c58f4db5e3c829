"""404 page for browsers.

The page is served without a token. **It must not show any data of an account.**
"""

from collections.abc import Iterable

from flask import Response, render_template

from sms10692.protocol import Endpoint
from sms10692_mock.admin.console.layout import HEADERS, template_values


def unknown_page(endpoints: Iterable[Endpoint]) -> Response:
    """Build a 404 response with the endpoints that are served, and a link to the console."""
    paths = [endpoint.path for endpoint in endpoints]
    return Response(render_template("unknown_page.html", **template_values(), paths=paths), 404, dict(HEADERS))
