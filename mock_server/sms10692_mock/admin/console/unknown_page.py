"""404 page for browsers.

The page is served without a token. **It must not show any data of an account.**
"""

from flask import Response, render_template

from sms10692 import protocol
from sms10692_mock.admin.console.layout import HEADERS, template_values


def unknown_page() -> Response:
    """Build a 404 response with the vendor's endpoints and a link to the console."""
    paths = [endpoint.path for endpoint in protocol.ENDPOINTS]
    return Response(render_template("unknown_page.html", **template_values(), paths=paths), 404, dict(HEADERS))
