"""Layout and request helpers of the console: access check, selected account, language, rendering, forms."""

import re
import zlib
from collections.abc import Mapping
from difflib import SequenceMatcher
from functools import cache, lru_cache, partial
from importlib.resources import files
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    g,
    has_request_context,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import InternalServerError
from werkzeug.wrappers import Response as BaseResponse

from sms10692 import __version__
from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.admin.console.i18n import LANGUAGES, Language, choose_language, text
from sms10692_mock.admin.origins import split_host
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import AccountDocument
from sms10692_mock.admin.services.messages import NoSuchTask
from sms10692_mock.admin.services.password_mask import MASK
from sms10692_mock.admin.services.schemas import format_iso_time
from sms10692_mock.diagnosis.numbers import are_plain
from sms10692_mock.domain.bounds import BalanceOutOfBounds
from sms10692_mock.domain.profile_table import UnknownProfile
from sms10692_mock.domain.store import NoSuchAccount, StoreUnavailable
from sms10692_mock.testing.verification_code import AmbiguousCode, find_code

Document = TypeVar("Document", bound=BaseModel)

CONSOLE: Final = "console"
"""Name of the blueprint of all pages."""

PAGES: Final = ("messages", "phone", "requests", "queues", "account", "faults", "contract")
"""Endpoints of the pages, in the order of the menu."""

READING_FORMS: Final = frozenset({"console.check_draft", "console.explain", "console.log_in", "console.log_out"})
"""Endpoints of forms that change nothing of the emulator, so that open pages need no update."""

PUBLIC_URL: Final = "SMS10692_MOCK_PUBLIC_URL"
"""Key in Flask's configuration of the URL that clients use, or None."""

_CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # With no-referrer, browsers send `Origin: null` with the login form.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_WITHOUT_LOGIN: Final = ("console.login", "console.log_in", "console.log_out", "console.static")
"""Endpoints that need no session."""

_LANGUAGE_COOKIE: Final = "sms10692_language"
_THEME_COOKIE: Final = "sms10692_theme"
_THEMES: Final = ("light", "dark")
_COOKIE_MAX_AGE: Final = 365 * 24 * 3600
INVALID_FIELD_HEADER: Final = "X-Field"
"""Header of an error response with the name of the invalid field. The script marks that field."""
_FORM_FIELD_NAMES: Final[Mapping[str, str]] = {"top_up": "points", "probability": "percent"}
"""Names of form fields that differ from the name in the model, by the name in the model."""

_SHORT_TEXT: Final = 80
_SHOWN_LINES: Final = 4
"""Characters of a text that fit into a list at every width, and lines of a text that a list shows."""

_SIGNATURE: Final = re.compile(r"^【[^【】]{1,30}】|【[^【】]{1,30}】$")


def session_cookie_name() -> str:
    """Return the name of the session cookie. Cookies are not separated by port, so the name contains the port."""
    return f"sms10692_key_{split_host(request.headers.get('Host', ''))[1] or 'default'}"


def base_url() -> str:
    """Return the URL that clients use, without a trailing slash: the public URL, else that of this request."""
    return current_app.config[PUBLIC_URL] or request.root_url.rstrip("/")


def page_path() -> str:
    """Return the path of this page, as the client knows it: with the prefix of a proxy."""
    return request.script_root + request.path


def is_reader_read_only() -> bool:
    """Whether the request of now came with the read-only token, so that its response must not contain secrets."""
    return has_request_context() and bool(g.get("is_read_only"))


def plain_text_error(status: int, message: str) -> Response:
    """Build an error response with one line of text."""
    return Response(f"{message}\n", status, mimetype="text/plain")


def console_pages(control: ControlService, policy: AccessPolicy) -> Blueprint:
    """Build the blueprint for the pages, with access checks, security headers and error handlers."""
    pages = Blueprint(
        CONSOLE,
        __package__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )

    @pages.before_request
    def authorize() -> ResponseReturnValue | None:
        key = request.cookies.get(session_cookie_name(), "")
        g.is_read_only = policy.is_read_only(request.headers, key, is_console=True)
        g.can_log_out = policy.token is not None
        if request.endpoint in _WITHOUT_LOGIN:
            refusal = policy.check_login(request.headers)
        else:
            refusal = policy.check_console(request.method, request.headers, key)
        if refusal is None:
            return None
        status, message = refusal
        if status == 403 and g.is_read_only and is_htmx():
            return message_response("login.is_read_only", 403)
        if status != 401:
            return plain_text_error(status, message)
        login = url_for("console.login", next=f"{request.script_root}{request.full_path}".rstrip("?"))
        if is_htmx():
            return Response("", 401, {"HX-Redirect": login})
        return redirect(login, 303)

    @pages.after_request
    def add_headers(response: Response) -> Response:
        response.headers.extend(HEADERS)
        if request.endpoint == "console.static":
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        else:
            response.headers["Cache-Control"] = "no-store"
            _remember_choices(response, policy)
        return response

    pages.context_processor(template_values)
    pages.add_app_template_filter(mark_content, "mark_content")
    pages.add_app_template_filter(mark_difference, "mark_difference")
    pages.add_app_template_filter(show_signature, "show_signature")
    pages.add_app_template_filter(verification_code, "verification_code")
    pages.add_app_template_filter(is_long, "is_long")
    pages.add_app_template_test(are_plain, "mobile_number")
    pages.add_app_template_filter(format_time, "format_time")
    pages.add_app_template_filter(explain_cost, "explain_cost")

    @pages.errorhandler(NoSuchAccount)
    def no_such_account(error: NoSuchAccount) -> ResponseReturnValue:
        if not request.args.get("userid"):
            return error_page(control, 404, "error.no_accounts")
        return error_page(control, 404, "error.no_account", userid=str(error))

    @pages.errorhandler(StoreUnavailable)
    def store_unavailable(error: StoreUnavailable) -> ResponseReturnValue:
        control.request_metrics.count_store_error("control")
        return failure_page(503, "error.store_unavailable", reason=str(error))

    @pages.errorhandler(InternalServerError)
    def internal_error(_: InternalServerError) -> ResponseReturnValue:
        return failure_page(500, "error.internal")

    @pages.errorhandler(NoSuchTask)
    def no_such_task(error: NoSuchTask) -> ResponseReturnValue:
        if error.task_id is None:
            return error_page(control, 422, "error.nothing_sent", userid=error.userid, mobile=error.mobile)
        return error_page(control, 422, "error.no_task", userid=error.userid, task=error.task_id)

    @pages.errorhandler(BalanceOutOfBounds)
    @pages.errorhandler(UnknownProfile)
    def invalid_value(error: ValueError) -> ResponseReturnValue:
        return error_page(control, 422, "error.invalid", reason=str(error))

    @pages.errorhandler(ValidationError)
    def invalid(error: ValidationError) -> ResponseReturnValue:
        first = error.errors(include_url=False)[0]
        field = ".".join(_FORM_FIELD_NAMES.get(str(part), str(part)) for part in first["loc"])
        reason = f"{field}: {first['msg']}" if field else first["msg"]
        return error_page(
            control, 422, "error.invalid", {INVALID_FIELD_HEADER: field} if field.isascii() else None, reason=reason
        )

    return pages


def template_values() -> dict[str, Any]:
    """Return the variables that every template needs."""
    return {
        "t": partial(text, language()),
        "language": language(),
        "languages": LANGUAGES,
        "theme": theme(),
        "version": __version__,
        "menu": PAGES,
        "url": url,
        "here": current_url,
        "export_url": export_url,
        "page_path": page_path(),
        "asset": static_asset,
        "host": base_url(),
        "mask": MASK,
        "read_only": is_reader_read_only(),
        "can_log_out": bool(g.get("can_log_out")),
    }


def is_htmx() -> bool:
    """Whether htmx sent the request, for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def language() -> Language:
    """Return the language of this request, cached for the request because every text needs it."""
    if "language" not in g:
        chosen = request.args.get("lang", "") or request.cookies.get(_LANGUAGE_COOKIE, "")
        g.language = choose_language(chosen if chosen in LANGUAGES else "", request.accept_languages)
    result: Language = g.language
    return result


def theme() -> str:
    """Return "light", "dark", or "" if the browser decides."""
    chosen = request.args.get("theme", "") or request.cookies.get(_THEME_COOKIE, "")
    return chosen if chosen in _THEMES else ""


def set_cookie(response: BaseResponse, policy: AccessPolicy, name: str, value: str, **attributes: Any) -> None:
    """Set a cookie of the console: hidden from scripts, below the prefix only and, if the client uses TLS, secure."""
    secure = policy.is_secure(request.headers.get("Origin", ""), request.scheme)
    path = f"{request.script_root}/"
    response.set_cookie(name, value, path=path, secure=secure, httponly=True, **attributes)


def _remember_choices(response: Response, policy: AccessPolicy) -> None:
    for name, cookie, known in (("lang", _LANGUAGE_COOKIE, tuple(LANGUAGES)), ("theme", _THEME_COOKIE, _THEMES)):
        chosen = request.args.get(name, "")
        if chosen in known:
            set_cookie(response, policy, cookie, chosen, max_age=_COOKIE_MAX_AGE, samesite="Lax")


def translate(key: str, **values: object) -> str:
    """Return a text in the language of this request."""
    return text(language(), key, **values)


def selected_account(control: ControlService) -> AccountDocument:
    """Return the account that the URL names, or the first one. Raises NoSuchAccount."""
    userid = request.args.get("userid") or control.accounts.default_userid()
    return control.accounts.to_document(control.accounts.get(userid))


@lru_cache
def _path(page: str, script_root: str) -> str:
    return url_for(f"{CONSOLE}.{page}")


def url(page: str, **values: Any) -> str:
    """Build the URL of a page for the same account, with these query parameters."""
    root = request.script_root
    path = f"{_path('requests', root)}/{values.pop('number')}" if page == "request" else _path(page, root)
    userid = request.args.get("userid")
    parameters = ({"userid": userid} if userid else {}) | values
    query = urlencode({name: value for name, value in parameters.items() if value not in ("", None)})
    return f"{path}?{query}" if query else path


def current_url(**changes: str | None) -> str:
    """Build the URL of this page with some query parameters changed. None removes a parameter."""
    kept = {name: value for name, value in request.args.items() if name not in ("lang", "theme", "after")}
    values = {name: value for name, value in (kept | changes).items() if value}
    return f"{page_path()}?{urlencode(values)}" if values else page_path()


def export_url(name: str, form: str) -> str:
    """Build the URL of a download of this list, with the same filters."""
    path = f"{request.script_root}/export/{name}.{form}"
    query = urlencode([(key, value) for key, value in request.args.items() if key not in ("lang", "theme", "after")])
    return f"{path}?{query}" if query else path


def render_page(control: ControlService, name: str, account: AccountDocument, **values: Any) -> ResponseReturnValue:
    """Render a page, or its live part if htmx requests that; 204 if the live part is unchanged.

    `NAME.html` is the page, `NAME.live.html` its live part, which changes while the page is open.
    """
    context = _build_context(control, account, name) | values
    banner = render_template("banner.html", **context)
    body = render_template(f"{name}.live.html", **context)
    seen = f"{zlib.crc32(f'{banner}{body}'.encode()):x}"
    live = {"body": Markup(body), "seen": seen, "banner": Markup(banner)}  # noqa: S704 - both just rendered
    if request.headers.get("HX-Target") != "live":
        return render_template(f"{name}.html", **context, **live)
    if request.headers.get("X-Seen") == seen:
        return "", 204
    # Keep the filters in the address bar, without empty fields.
    headers = {"HX-Push-Url": current_url()} if request.headers.get("HX-Trigger") == "filter" else {}
    return Response(render_template("live.html", **context, **live, is_update=True), headers=headers)


@cache
def _fingerprint(name: str) -> str:
    return f"{zlib.crc32((files(__package__) / 'static' / name).read_bytes()):x}"


def static_asset(name: str) -> str:
    """Build the URL of a static file. It contains a hash of the content, so browsers may cache the file for ever."""
    return url_for("console.static", filename=name, v=_fingerprint(name))


def _build_context(control: ControlService, account: AccountDocument, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "account": account,
        "anomalies": control.anomalies(account.userid),
        "wall_now": format_iso_time(control.vendor.wall_clock()),
    }


def message_response(
    key: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: object
) -> Response:
    """Build a response with a notice: what was done, or why it failed."""
    body = render_template("notice.html", message=translate(key, **values), is_error=status >= 400)
    return Response(body, status, dict(headers or {}))


def failure_page(status: int, key: str, **values: object) -> ResponseReturnValue:
    """Build the response to a request that failed without a fault of its own. Uses no store.

    It is a page with a way back; for htmx a notice, or nothing if an update of the live part failed: then the script
    says that the rows are from before.
    """
    if not is_htmx():
        return render_template("failure.html", message=translate(key, **values), status=status), status
    if request.headers.get("HX-Target") == "live":
        return "", status
    return message_response(key, status, {"HX-Retarget": "#notice", "HX-Reswap": "innerHTML"}, **values)


def error_page(
    control: ControlService, status: int, key: str, headers: Mapping[str, str] | None = None, /, **values: object
) -> ResponseReturnValue:
    """Build an error response: for htmx the notice alone, otherwise a page with the error message."""
    if is_htmx():
        return message_response(key, status, headers, **values)
    try:
        account = control.accounts.to_document(control.accounts.get(control.accounts.default_userid()))
        context = _build_context(control, account, "")
    except NoSuchAccount:  # without an account, the page has no menu
        return render_template("no_account.html", message=translate(key, **values)), status
    return render_template("not_found.html", message=translate(key, **values), **context), status


def mark_content(content: str, code_id: str) -> Markup:
    """Mark the 【signature】 at the start or the end of a text, and the verification code, whose mark has this id.

    >>> mark_content("【a<b】hello", "c")
    Markup('<mark>【a&lt;b】</mark>hello')
    >>> mark_content("code: 4827", "c")
    Markup('code: <mark id="c" class="code">4827</mark>')
    """
    marks: list[tuple[int, int, Markup]] = []
    signature = _SIGNATURE.search(content)
    if signature:
        marks.append((*signature.span(), Markup("<mark>{}</mark>").format(signature[0])))
    code = verification_code(content)
    if code:
        places = (match.span() for match in re.finditer(rf"(?<![0-9]){code}(?![0-9])", content))
        outside = (place for place in places if not any(start <= place[0] < end for start, end, _ in marks))
        marked = Markup('<mark id="{}" class="code">{}</mark>').format(code_id, code)
        marks += [(*place, marked) for place in outside][:1]
    parts, end = [], 0
    for start, stop, marked in sorted(marks):
        parts += [escape(content[end:start]), marked]
        end = stop
    return Markup("").join([*parts, escape(content[end:])])


def mark_difference(received: str, expected: str) -> Markup:
    """Mark what is in the received text and not in the expected one.

    >>> mark_difference("***test<", "test***")
    Markup('<mark class="differs">***</mark>test<mark class="differs">&lt;</mark>')
    """
    parts = []
    for tag, _, _, start, end in SequenceMatcher(None, expected, received, autojunk=False).get_opcodes():
        text = received[start:end]
        parts.append(escape(text) if tag == "equal" else Markup('<mark class="differs">{}</mark>').format(text))
    return Markup("").join(part for part in parts if part != Markup('<mark class="differs"></mark>'))


def show_signature(received: str, expected: str) -> Markup:
    """Return a received signature; what differs is marked only if the digest is the right one, written otherwise.

    Two digests differ everywhere, so that marks would say nothing.

    >>> show_signature("aB", "ab"), show_signature("cd", "ab")
    (Markup('a<mark class="differs">B</mark>'), Markup('cd'))
    """
    cut = 2 * len(expected)
    shown = received[:cut]
    marked = mark_difference(shown, expected) if shown.lower() == expected else escape(shown)
    return marked + ("…" if len(received) > cut else "")


def verification_code(content: str) -> str:
    """Return the verification code of a text, or an empty text if there is none, or more than one."""
    try:
        return find_code(content) or ""
    except AmbiguousCode:
        return ""


def is_long(content: str) -> bool:
    """Whether a text may take more lines of a list than the list shows.

    >>> is_long("短"), is_long("字" * 81), is_long("a\\n\\n\\n\\n")
    (False, True, True)
    """
    return len(content) > _SHORT_TEXT or content.count("\n") >= _SHOWN_LINES


def format_time(time: str | None) -> str:
    """Format an ISO 8601 time without fractions of a second, for people.

    >>> format_time("2011-12-02T22:12:11.25+08:00")
    '2011-12-02 22:12:11 +08:00'
    """
    return f"{time[:10]} {time[11:19]} {time[-6:]}" if time else ""


def explain_cost(message: Any) -> str:
    """Explain the cost of a message, in the language of this request."""
    units, segments, cost = message.units, message.segments, message.cost
    if cost != segments:
        return translate("cost.flat", cost=cost, units=units, segments=segments)
    if segments == 1:
        return translate("cost.one_segment", units=units)
    return translate("cost.segments", units=units, segments=segments)


def form_field(name: str) -> str | None:
    """Return a form field without surrounding white space, or None if it is blank or missing."""
    return request.form.get(name, "").strip() or None


def form_number(name: str, *, whole: bool = False) -> Any:
    """Return a form field as a number, or None if it is blank. Aborts the request with 422 if it is not a number."""
    value = form_field(name)
    if value is None:
        return None
    try:
        return int(value) if whole else float(value)
    except ValueError:
        error = message_response("error.not_a_number", 422, {INVALID_FIELD_HEADER: name}, field=name, value=value[:40])
        abort(error)


def build_model(kind: type[Document], /, **values: Any) -> Document:
    """Build a model from the values that are not None. Raises ValidationError."""
    return kind(**{name: value for name, value in values.items() if value is not None})
