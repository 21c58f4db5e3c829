"""Flask application factories: control API and console, optionally behind the vendor's endpoints."""

import re
from collections.abc import Iterable
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, Response, g, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from sms10692.protocol import Endpoint
from sms10692_mock.admin.api import add_control_api
from sms10692_mock.admin.api.body import JsonRequest
from sms10692_mock.admin.api.health import PROBES
from sms10692_mock.admin.api.routing import BEARER, PREFIX
from sms10692_mock.admin.auth import SAFE_METHODS, AccessPolicy, may_show_secrets
from sms10692_mock.admin.console import add_console
from sms10692_mock.admin.console.layout import (
    CONSOLE,
    PUBLIC_URL,
    READING_FORMS,
    is_reader_read_only,
    plain_text_error,
    session_cookie_name,
)
from sms10692_mock.admin.console.unknown_page import unknown_page
from sms10692_mock.admin.forwarding import BehindProxy
from sms10692_mock.admin.openapi import INFO, DescribedApp
from sms10692_mock.admin.security_headers import add_security_headers
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import AccountExists
from sms10692_mock.admin.services.behaviour import NoSuchFault, TooManyEntries
from sms10692_mock.admin.services.clocks import NoPendingEvent
from sms10692_mock.admin.services.initial_state import InvalidState
from sms10692_mock.admin.services.messages import NoSuchMessage, NoSuchTask
from sms10692_mock.admin.services.profiles import NoSuchProfile, ProfileFixed
from sms10692_mock.admin.services.requests import NoSuchRequest
from sms10692_mock.admin.services.state import AccountInUse, SecretsHidden, StateBeingReplaced
from sms10692_mock.app.hints import build_hint_header
from sms10692_mock.app.request_metrics import RequestMetrics
from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.app.wsgi import WsgiVendorApp
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.diagnosis.pasted import NotARequest
from sms10692_mock.diagnosis.rejection import explain_unknown_path
from sms10692_mock.domain.bounds import BalanceOutOfBounds
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.profile_table import UnknownProfile
from sms10692_mock.domain.store import NoSuchAccount, Store, StoreUnavailable
from sms10692_mock.profile_values import InvalidValue


def create_app(
    options: Options | None = None, access_policy: AccessPolicy | None = None, store: Store | None = None
) -> Flask:
    """Create the whole emulator as a Flask application; `options` as in `sms10692-mock serve`.

    Without a `store`, data is kept in memory.

    >>> create_app().test_client().get("/v2sms.aspx?action=overage").text.splitlines()[2]
    ' <message>用户名或密码不能为空</message>'
    """
    options = options or Options()
    vendor, notifier, metrics = build_vendor(options, store), ChangeNotifier(), RequestMetrics()
    access_policy = access_policy or AccessPolicy()
    app = create_admin_app(ControlService(vendor, options, notifier, metrics), access_policy)
    vendor_app = VendorApp(vendor, options, notifier=notifier, metrics=metrics)
    prefix = access_policy.public.prefix if access_policy.public else ""
    app.wsgi_app = WsgiVendorApp(vendor_app, app.wsgi_app, prefix)  # type: ignore[method-assign]  # Flask's way for middleware
    return app


def create_admin_app(control: ControlService, access_policy: AccessPolicy) -> Flask:
    """Create the application for all paths except the vendor's: console, control API and its description."""
    app = DescribedApp(
        __package__,
        info=INFO,
        security_schemes={
            BEARER: {
                "type": "http",
                "scheme": "bearer",
                "description": "required if other machines can reach the emulator",
            }
        },
        static_folder=None,
        doc_prefix=PREFIX,
        doc_url="/openapi.json",
        validation_error_callback=_validation_error,
    )
    # Otherwise Swagger UI sends the URL of the description to a validator on the Internet.
    app.config["SWAGGER_CONFIG"] = {"validatorUrl": None}
    public = access_policy.public
    app.config[PUBLIC_URL] = public and public.url
    app.request_class = JsonRequest
    control.requests.may_show_secrets = lambda: (
        not is_reader_read_only() and may_show_secrets(request.remote_addr or "", access_policy)
    )
    control.requests.may_show_signatures = lambda: not is_reader_read_only()
    control.accounts.may_show_passwords = lambda: not is_reader_read_only()
    add_control_api(app, control)
    app.describe = partial(add_control_api, control=control, is_described=True)
    add_console(app, control, access_policy)
    if public or access_policy.proxies:
        prefix = public.prefix if public else ""
        app.wsgi_app = BehindProxy(app.wsgi_app, access_policy.proxies, prefix)  # type: ignore[method-assign]  # as in create_app

    @app.before_request
    def check_forwarded() -> ResponseReturnValue | None:
        refusal = (
            None if _is_unrouted() or request.endpoint in PROBES else access_policy.check_forwarded(request.environ)
        )
        if refusal is None:
            return None
        return plain_text_error(*refusal) if request.blueprint == CONSOLE else _error(refusal[1], refusal[0])

    @app.before_request
    def authorize() -> ResponseReturnValue | None:
        # The console has its own check, since browsers send forms and no JSON.
        if _is_unrouted() or request.endpoint in PROBES or request.blueprint == CONSOLE:
            return None
        try:
            query = request.query_string.decode()
        except UnicodeDecodeError:
            return _error("the query is not UTF-8", 400)
        if _CONTROL_CHARACTER.search(query):  # only possible without a socket; it would end up in a redirect's header
            return _error("the query contains a control character", 400)
        refusal = access_policy.check_api(request.method, request.headers)
        if refusal is not None and refusal[0] == HTTPStatus.UNAUTHORIZED and _is_description():
            # The console links to the description, and the browser sends the console's cookie.
            refusal = access_policy.check_console(
                request.method, request.headers, request.cookies.get(session_cookie_name(), "")
            )
        key = request.cookies.get(session_cookie_name(), "")
        g.is_read_only = access_policy.is_read_only(request.headers, key, is_console=False)
        if refusal is None:
            return redirect(f"{request.script_root}{PREFIX}/swagger") if request.endpoint == _OPENAPI_INDEX else None
        response, status = _error(refusal[1], refusal[0])
        if status == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response, status

    @app.after_request
    def notify_changes(response: Response) -> Response:
        if request.method not in SAFE_METHODS and request.endpoint not in READING_FORMS:
            control.notifier.notify((request.view_args or {}).get("userid"))
        return add_security_headers(response)

    for error, status, template in _ERROR_RESPONSES:
        app.register_error_handler(error, partial(_error_from_exception, template, status))

    @app.errorhandler(StoreUnavailable)
    def store_unavailable(error: StoreUnavailable) -> tuple[Response, int]:
        control.request_metrics.count_store_error("control")
        return _error(f"the store is unavailable: {error}", 503)

    app.register_error_handler(NotARequest, _refuse_pasted)

    @app.errorhandler(NotFound)
    def not_found(error: NotFound) -> tuple[Response, int] | Response:
        if not _is_unrouted():
            return _error("there is no such path; GET /_mock/openapi.json lists all paths", 404)
        return _respond_unknown_path(control.endpoints)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> tuple[Response, int] | Response:
        if _is_unrouted():
            return _respond_unknown_path(control.endpoints)
        response, status = _error(error.description or error.name, error.code or 500)
        if isinstance(error, MethodNotAllowed):
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return response, status

    return app


def _is_unrouted() -> bool:
    """Whether the routing found no route outside the control API. Paths can be written in many ways, routes cannot.

    A method that a page of the console does not have counts too: clients of the vendor post to `/` by mistake.
    """
    is_found = not isinstance(request.routing_exception, (NotFound, MethodNotAllowed))
    return not is_found and not request.path.startswith(f"{PREFIX}/")


def _respond_unknown_path(endpoints: Iterable[Endpoint]) -> Response:
    """Return the response with the list of the served endpoints, as a page for a browser."""
    if "application/xhtml+xml" in request.accept_mimetypes.values():  # a browser, not an API client
        response = unknown_page(endpoints)
    else:
        paths = "".join(f"  {endpoint.path}\n" for endpoint in endpoints)
        text = f"There is no such path. The vendor's endpoints are:\n{paths}"
        response = Response(text, HTTPStatus.NOT_FOUND, mimetype="text/plain")
    name, hint = build_hint_header([explain_unknown_path(request.path)])
    response.headers[name] = hint
    return response


def _is_description() -> bool:
    """Whether the request reads the OpenAPI description or the Swagger page."""
    return request.method in SAFE_METHODS and request.blueprint in _DESCRIPTION_BLUEPRINTS


_CONTROL_CHARACTER: Final = re.compile(r"[\0-\x1f\x7f]")
_DESCRIPTION_BLUEPRINTS: Final = frozenset({"openapi", "swagger"})
"""Blueprints of flask-openapi3 for the description and for the Swagger page."""

_OPENAPI_INDEX: Final = "openapi.openapi"
"""Endpoint of flask-openapi3's index page. Its only link is in a script that the security policy blocks."""

_ERROR_RESPONSES: Final[tuple[tuple[type[Exception], int, str], ...]] = (
    (NoSuchAccount, 404, "there is no account with the userid {}"),
    (NoSuchMessage, 404, "the account has no message {}, or it is no longer kept"),
    (NoSuchRequest, 404, "there is no request {}, or it is no longer kept"),
    (NoSuchFault, 404, "there is no fault {}"),
    (UnknownProfile, 422, "profile: {}"),
    (NoSuchProfile, 404, "there is no profile {}"),
    (ProfileFixed, 409, "the profile {} is built in or was loaded at the start: choose another name"),
    (InvalidValue, 422, "{}"),
    (InvalidState, 422, "state: {}"),
    (SecretsHidden, 403, "{}"),
    (AccountInUse, 409, "{}"),
    (StateBeingReplaced, 409, "{}"),
    (TooManyEntries, 422, "{}"),
    (BalanceOutOfBounds, 422, "{}"),
    (NoSuchTask, 422, "{}"),
    (AccountExists, 409, "{}"),
    (NoPendingEvent, 409, "{}"),
)


def _error_from_exception(template: str, status: int, error: Exception) -> tuple[Response, int]:
    return _error(template.format(error), status)


def _refuse_pasted(error: NotARequest) -> tuple[Response, int]:
    is_chinese = request.args.get("lang") == "zh"
    return _error(f"无法识别这个请求：{error.describe('zh')}" if is_chinese else f"not a request: {error}", 422)


def _error(message: str, status: int) -> tuple[Response, int]:
    return jsonify(error=message), status


def _validation_error(error: ValidationError) -> Any:
    first = error.errors(include_url=False)[0]
    field = ".".join(map(str, first["loc"])) or "the body"
    response = jsonify(error=f"{field}: {first['msg']}")
    response.status_code = 422
    return response
