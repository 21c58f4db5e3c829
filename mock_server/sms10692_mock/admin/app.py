"""The Flask application: the vendor's pages in front, and behind them whatever a browser or a script may ask.

Here belongs what Flask serves, that it is guarded, and how an error is told. The vendor's pages are in `pages`, what
runs all is in `serve`.
"""

import re
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from sms10692 import protocol
from sms10692_mock.admin.api import add_control_api
from sms10692_mock.admin.api.body import JsonRequest
from sms10692_mock.admin.api.health import PROBES
from sms10692_mock.admin.api.routing import BEARER, PREFIX
from sms10692_mock.admin.auth import SAFE_METHODS, AccessPolicy
from sms10692_mock.admin.console import add_console
from sms10692_mock.admin.console.layout import CONSOLE, PUBLIC_URL, plain_text_error, session_cookie_name
from sms10692_mock.admin.console.unknown_page import unknown_page
from sms10692_mock.admin.forwarding import TrustedProxies
from sms10692_mock.admin.openapi import INFO, DescribedApp
from sms10692_mock.admin.security_headers import add_security_headers
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import AccountExists
from sms10692_mock.admin.services.behaviour import NoSuchFault, TooManyFaults, TooManyRules
from sms10692_mock.admin.services.clocks import NoPendingEvent
from sms10692_mock.admin.services.messages import NoSuchTask
from sms10692_mock.admin.services.requests import NoSuchRequest
from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.app.wsgi import WsgiVendorApp
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.bounds import BalanceOutOfBounds
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.store import NoSuchAccount, Store, StoreUnavailable
from sms10692_mock.domain.vendor import Vendor


def create_app(options: Options | None = None, guard: AccessPolicy | None = None, store: Store | None = None) -> Flask:
    """The emulator as a Flask application, with `app.test_client()` and all; `options` as in `sms10692-mock serve`.

    What happens is kept in `store`, or in memory.

    >>> create_app().test_client().get("/v2sms.aspx?action=overage").text.splitlines()[2]
    ' <message>用户名或密码不能为空</message>'
    """
    options = options or Options()
    vendor, bell = build_vendor(options, store), ChangeNotifier()
    app = create_admin_app(build_control(vendor, options, bell), guard or AccessPolicy())
    pages = VendorApp(vendor, options.dialect, notifier=bell, allows_cross_site=options.allow_cross_site)
    app.wsgi_app = WsgiVendorApp(pages, fallback=app.wsgi_app)  # type: ignore[method-assign]  # Flask's way for middleware
    return app


def build_control(vendor: Vendor, options: Options, bell: ChangeNotifier) -> ControlService:
    """What can be seen and turned of an emulator that was made with these options."""
    return ControlService(vendor, options.dialect.name, bell, options.accounts, options.unused)


def create_admin_app(control: ControlService, guard: AccessPolicy) -> Flask:
    """What is served under all paths but the vendor's: the console, and the control address with its description."""
    app = DescribedApp(
        __package__,
        info=INFO,
        security_schemes={BEARER: {"type": "http", "scheme": "bearer", "description": "where others can reach it"}},
        static_folder=None,
        doc_prefix=PREFIX,
        doc_url="/openapi.json",
        validation_error_callback=_invalid,
    )
    # Otherwise Swagger UI tells a validator on the Internet the address of the description.
    app.config["SWAGGER_CONFIG"] = {"validatorUrl": None}
    app.config[PUBLIC_URL] = guard.public and guard.public.url
    app.request_class = JsonRequest
    add_control_api(app, control)
    add_console(app, control, guard)
    if guard.proxies:
        app.wsgi_app = TrustedProxies(app.wsgi_app, guard.proxies)  # type: ignore[method-assign]  # as in create_app

    @app.before_request
    def refuse_forwarded() -> ResponseReturnValue | None:
        refusal = None if _is_nowhere() or request.endpoint in PROBES else guard.check_forwarded(request.environ)
        if refusal is None:
            return None
        return plain_text_error(*refusal) if request.blueprint == CONSOLE else _error(refusal[1], refusal[0])

    @app.before_request
    def let_in() -> ResponseReturnValue | None:
        # The console guards itself: a person has no JSON to send.
        if _is_nowhere() or request.endpoint in PROBES or request.blueprint == CONSOLE:
            return None
        try:
            query = request.query_string.decode()
        except UnicodeDecodeError:
            return _error("the query is not UTF-8", 400)
        if _CONTROL.search(query):  # which only comes without a socket, and would stand in a header of a redirection
            return _error("the query has a control character in it", 400)
        refusal = guard.check_api(request.method, request.headers)
        if refusal is not None and refusal[0] == HTTPStatus.UNAUTHORIZED and _is_description():
            # A link of the console's leads there, and a browser sends the console's cookie.
            refusal = guard.check_console(
                request.method, request.headers, request.cookies.get(session_cookie_name(), "")
            )
        if refusal is None:
            return redirect(f"{PREFIX}/swagger") if request.endpoint == _DESCRIPTION_INDEX else None
        response, status = _error(refusal[1], refusal[0])
        if status == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response, status

    @app.after_request
    def tell(response: Response) -> Response:
        if request.method not in SAFE_METHODS:
            control.notifier.notify((request.view_args or {}).get("userid"))
        return add_security_headers(response)

    for error, status, words in _ERRORS:
        app.register_error_handler(error, partial(_told, words, status))

    @app.errorhandler(NotFound)
    def no_such_page(error: NotFound) -> tuple[Response, int] | Response:
        if not _is_nowhere():
            return _error("there is no such address; GET /_mock/openapi.json has them all", 404)
        if "application/xhtml+xml" in request.accept_mimetypes.values():  # a browser, and no client of the vendor's
            return unknown_page()
        pages = "".join(f"  {page.path}\n" for page in protocol.ENDPOINTS)
        return Response(f"There is no such page. The vendor's are:\n{pages}", 404, mimetype="text/plain")

    @app.errorhandler(HTTPException)
    def other(error: HTTPException) -> tuple[Response, int]:
        response, status = _error(error.description or error.name, error.code or 500)
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return response, status

    return app


def _is_nowhere() -> bool:
    """Whether nothing is served there: not the path is asked, which can be written in many ways, but the routing."""
    return isinstance(request.routing_exception, NotFound) and not request.path.startswith(f"{PREFIX}/")


def _is_description() -> bool:
    """Whether the description of the control address is read, or the page that shows it."""
    return request.method in SAFE_METHODS and request.blueprint in _DESCRIPTION


_CONTROL: Final = re.compile(r"[\0-\x1f\x7f]")
_DESCRIPTION: Final = frozenset({"openapi", "swagger"})
"""The blueprints of flask-openapi3 for the description, and for the page that shows it."""

_DESCRIPTION_INDEX: Final = "openapi.openapi"
"""The endpoint of a page of flask-openapi3 with one link, to Swagger, in a script that no policy would let run."""

_ERRORS: Final[tuple[tuple[type[Exception], int, str], ...]] = (
    (NoSuchAccount, 404, "there is no account of the userid {}"),
    (NoSuchRequest, 404, "there is no request {}, or it is too old to be kept"),
    (NoSuchFault, 404, "there is no fault {}"),
    (TooManyRules, 422, "{}"),
    (TooManyFaults, 422, "{}"),
    (BalanceOutOfBounds, 422, "{}"),
    (NoSuchTask, 422, "{}"),
    (AccountExists, 409, "{}"),
    (NoPendingEvent, 409, "{}"),
    (StoreUnavailable, 503, "the store is unavailable: {}"),
)


def _told(words: str, status: int, error: Exception) -> tuple[Response, int]:
    return _error(words.format(error), status)


def _error(words: str, status: int) -> tuple[Response, int]:
    return jsonify(error=words), status


def _invalid(error: ValidationError) -> Any:
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"])) or "the body"
    response = jsonify(error=f"{place}: {first['msg']}")
    response.status_code = 422
    return response
