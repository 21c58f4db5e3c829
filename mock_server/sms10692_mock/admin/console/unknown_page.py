"""The page that a browser gets at a path where nothing is served.

Everybody gets it, without a token too. It must show nothing of an account.
"""

from flask import Response, render_template

from sms10692 import protocol
from sms10692_mock.admin.console.layout import HEADERS, template_values


def unknown_page() -> Response:
    """Answer 404 with the vendor's pages and a way back to the console."""
    paths = [page.path for page in protocol.ENDPOINTS]
    return Response(render_template("unknown_page.html", **template_values(), paths=paths), 404, dict(HEADERS))
