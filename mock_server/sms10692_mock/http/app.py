"""The Flask application: the vendor's pages in front, and behind them whatever a browser or a script may ask.

Here belongs what Flask serves. The vendor's pages are in `pages`, what runs all this is in `serve`.
"""

from flask import Flask, Response
from werkzeug.exceptions import NotFound

from sms10692 import contract
from sms10692_mock.http.pages import Pages
from sms10692_mock.http.wsgi import WsgiPages
from sms10692_mock.options import Options, vendor_of


def create_app(options: Options | None = None) -> Flask:
    """The emulator as a Flask application, with `app.test_client()` and all; `options` as in `sms10692-mock serve`.

    >>> create_app().test_client().get("/v2sms.aspx?action=overage").text.splitlines()[2]
    ' <message>用户名或密码不能为空</message>'
    """
    app = beside_the_pages()
    options = options or Options()
    pages = Pages(vendor_of(options), options.dialect)
    app.wsgi_app = WsgiPages(pages, elsewhere=app.wsgi_app)  # type: ignore[method-assign]  # Flask's way for middleware
    return app


def beside_the_pages() -> Flask:
    """What is served under all paths but the vendor's."""
    app = Flask(__package__, static_folder=None)

    @app.errorhandler(NotFound)
    def no_such_page(error: NotFound) -> Response:
        pages = "".join(f"  {page.path}\n" for page in contract.PAGES)
        return Response(f"There is no such page. The vendor's are:\n{pages}", 404, mimetype="text/plain")

    return app
