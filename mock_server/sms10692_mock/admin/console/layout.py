"""What all pages of the console share: who is let in, whose account it is, the language, how a page is put together.

Here belongs the frame around a page. What stands in it is each page's own affair.
"""

import re
import zlib
from collections.abc import Mapping
from functools import cache, partial
from importlib.resources import files
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape
from pydantic import BaseModel, ValidationError

from sms10692 import __version__
from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.admin.console.i18n import LANGUAGES, Language, choose_language, text
from sms10692_mock.admin.origins import split_host
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import AccountDocument
from sms10692_mock.admin.services.messages import NoSuchTask
from sms10692_mock.domain.bounds import BalanceOutOfBounds
from sms10692_mock.domain.store import NoSuchAccount

Document = TypeVar("Document", bound=BaseModel)

CONSOLE: Final = "console"
"""The blueprint of all pages."""

PAGES: Final = ("messages", "handset", "requests", "queues", "account", "weather", "manual")
"""In the order of the menu."""

PUBLIC_URL: Final = "SMS10692_MOCK_PUBLIC_URL"
"""The key in Flask's configuration of the address that clients use, or None."""

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    # With no-referrer, browsers would send `Origin: null` with the form of the login.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_LANGUAGE: Final = "sms10692_language"
_THEME: Final = "sms10692_theme"
_THEMES: Final = ("light", "dark")
_A_YEAR: Final = 365 * 24 * 3600
_FIELD: Final = "X-Field"
"""The header of a refusal with the name of the field that is wrong, for the script to mark it."""
_FIELDS: Final[Mapping[str, str]] = {"charge": "points", "share": "percent"}
"""Fields of forms by what they are called in a document, where that is another name."""
_LISTED: Final = 200
"""Accounts that the switch offers."""

_SIGNATURE: Final = re.compile(r"^【[^【】]{1,30}】|【[^【】]{1,30}】$")


def key_cookie() -> str:
    """The name of the cookie of somebody who gave the token. Cookies know no ports, so it has the port in it."""
    return f"sms10692_key_{split_host(request.headers.get('Host', ''))[1] or 'default'}"


def base_url() -> str:
    """The address that clients use, as far as it is known here, without a slash at its end."""
    return current_app.config[PUBLIC_URL] or request.host_url.rstrip("/")


def plain_refusal(status: int, words: str) -> Response:
    """A refusal as a line of text."""
    return Response(f"{words}\n", status, mimetype="text/plain")


def console_pages(control: ControlService, guard: AccessPolicy) -> Blueprint:
    """The blueprint that pages are added to: guarded, with a policy that lets nothing in from outside."""
    pages = Blueprint(
        CONSOLE,
        __package__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )

    @pages.before_request
    def let_in() -> ResponseReturnValue | None:
        if request.endpoint in ("console.login", "console.log_in", "console.static"):
            refusal = guard.check_login(request.headers)
        else:
            refusal = guard.check_console(request.method, request.headers, request.cookies.get(key_cookie(), ""))
        if refusal is None:
            return None
        status, words = refusal
        if status != 401:
            return plain_refusal(status, words)
        login = url_for("console.login", next=request.full_path.rstrip("?"))
        if is_htmx():
            return Response("", 401, {"HX-Redirect": login})
        return redirect(login, 303)

    @pages.after_request
    def seal(response: Response) -> Response:
        response.headers.extend(HEADERS)
        if request.endpoint == "console.static":
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        else:
            response.headers["Cache-Control"] = "no-store"
            _remember(response)
        return response

    pages.context_processor(template_values)
    pages.add_app_template_filter(signed, "signed")
    pages.add_app_template_filter(short_time, "short_time")
    pages.add_app_template_filter(price, "price")

    @pages.errorhandler(NoSuchAccount)
    def no_such_account(error: NoSuchAccount) -> ResponseReturnValue:
        if not request.args.get("userid"):
            return error_page(control, 404, "said.nobody")
        return error_page(control, 404, "said.no_account", userid=str(error))

    @pages.errorhandler(NoSuchTask)
    def no_such_task(error: NoSuchTask) -> ResponseReturnValue:
        if error.task_id is None:
            return error_page(control, 422, "said.nothing_sent", userid=error.userid, mobile=error.mobile)
        return error_page(control, 422, "said.no_task", userid=error.userid, task=error.task_id)

    @pages.errorhandler(BalanceOutOfBounds)
    def out_of_bounds(error: BalanceOutOfBounds) -> ResponseReturnValue:
        return error_page(control, 422, "said.invalid", what=str(error))

    @pages.errorhandler(ValidationError)
    def invalid(error: ValidationError) -> ResponseReturnValue:
        first = error.errors(include_url=False)[0]
        place = ".".join(_FIELDS.get(str(part), str(part)) for part in first["loc"])
        what = f"{place}: {first['msg']}" if place else first["msg"]
        return error_page(control, 422, "said.invalid", {_FIELD: place} if place.isascii() else None, what=what)

    return pages


def template_values() -> dict[str, Any]:
    """What every template needs, also one that is about no account."""
    return {
        "t": partial(text, language()),
        "language": language(),
        "languages": LANGUAGES,
        "theme": theme(),
        "version": __version__,
        "menu": PAGES,
        "url": url,
        "here": current_url,
        "asset": static_asset,
        "host": base_url(),
    }


def is_htmx() -> bool:
    """Whether htmx asks, for a part of a page."""
    return request.headers.get("HX-Request") == "true"


def language() -> Language:
    """The language of this request. It is asked for with every text, so it is found once."""
    if "language" not in g:
        asked = request.args.get("lang", "") or request.cookies.get(_LANGUAGE, "")
        g.language = choose_language(asked if asked in LANGUAGES else "", request.accept_languages)
    found: Language = g.language
    return found


def theme() -> str:
    """`light`, `dark`, or empty where the browser decides."""
    asked = request.args.get("theme", "") or request.cookies.get(_THEME, "")
    return asked if asked in _THEMES else ""


def _remember(response: Response) -> None:
    for name, cookie, known in (("lang", _LANGUAGE, tuple(LANGUAGES)), ("theme", _THEME, _THEMES)):
        chosen = request.args.get(name, "")
        if chosen in known:
            response.set_cookie(cookie, chosen, max_age=_A_YEAR, httponly=True, samesite="Lax")


def message_partial(key: str, **values: object) -> str:
    """A text in the language of this request."""
    return text(language(), key, **values)


def selected_account(control: ControlService) -> AccountDocument:
    """The account that the address names, or the first one. Raises NoSuchAccount."""
    userid = request.args.get("userid") or control.accounts.default_userid()
    return control.accounts.document(control.accounts.get(userid))


@cache
def _path(page: str) -> str:
    return url_for(f"{CONSOLE}.{page}")


def url(page: str, **values: Any) -> str:
    """The address of a page about the same account, with other values."""
    path = f"{_path('requests')}/{values.pop('number')}" if page == "request" else _path(page)
    userid = request.args.get("userid")
    given = ({"userid": userid} if userid else {}) | values
    query = urlencode({name: value for name, value in given.items() if value not in ("", None)})
    return f"{path}?{query}" if query else path


def current_url(**changes: str | None) -> str:
    """This page's own address, with some of its values changed; None takes one away."""
    kept = {name: value for name, value in request.args.items() if name not in ("lang", "theme", "after")}
    values = {name: value for name, value in (kept | changes).items() if value}
    return f"{request.path}?{urlencode(values)}" if values else request.path


def render_page(control: ControlService, name: str, account: AccountDocument, **values: Any) -> ResponseReturnValue:
    """A page, or, where the script asks for it, the part of it that lives: nothing if that is as it was.

    A page is `NAME.html`; what of it changes by itself is `NAME.live.html`.
    """
    surroundings = _surroundings(control, account, name) | values
    banner = render_template("banner.html", **surroundings)
    body = render_template(f"{name}.live.html", **surroundings)
    seen = f"{zlib.crc32(f'{banner}{body}'.encode()):x}"
    live = {"body": Markup(body), "seen": seen, "banner": Markup(banner)}  # noqa: S704 - both just rendered
    if request.headers.get("HX-Target") != "live":
        return render_template(f"{name}.html", **surroundings, **live)
    if request.headers.get("X-Seen") == seen:
        return "", 204
    # What was filtered for stays in the address bar, without fields that are empty.
    headers = {"HX-Push-Url": current_url()} if request.headers.get("HX-Trigger") == "filter" else {}
    return Response(render_template("live.html", **surroundings, **live, alone=True), headers=headers)


@cache
def _fingerprint(name: str) -> str:
    return f"{zlib.crc32((files(__package__) / 'static' / name).read_bytes()):x}"


def static_asset(name: str) -> str:
    """The address of a static file, another one when its content is another: browsers may keep it for ever."""
    return url_for("console.static", filename=name, v=_fingerprint(name))


def _surroundings(control: ControlService, account: AccountDocument, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "account": account,
        "userids": control.accounts.userids(_LISTED, account.userid),
        "signs": control.anomalies(account.userid),
    }


def translated_message(
    key: str, status: int = 200, headers: Mapping[str, str] | None = None, **values: object
) -> Response:
    """A sentence about what was just done, or why it was not."""
    words = render_template("said.html", words=message_partial(key, **values), is_bad=status >= 400)
    return Response(words, status, dict(headers or {}))


def error_page(
    control: ControlService, status: int, key: str, headers: Mapping[str, str] | None = None, /, **values: object
) -> ResponseReturnValue:
    """A sentence about why not: for a part of a page that sentence alone, else a page with it, account or not."""
    if is_htmx():
        return translated_message(key, status, headers, **values)
    try:
        account = control.accounts.document(control.accounts.get(control.accounts.default_userid()))
        surroundings = _surroundings(control, account, "")
    except NoSuchAccount:  # there is none whose menu could stand around the sentence
        return render_template("nobody.html", words=message_partial(key, **values)), status
    return render_template("nothing.html", words=message_partial(key, **values), **surroundings), status


def signed(content: str) -> Markup:
    """A text with its 【signature】 marked.

    >>> signed("【a<b】hello")
    Markup('<mark>【a&lt;b】</mark>hello')
    """
    found = _SIGNATURE.search(content)
    if found is None:
        return escape(content)
    before, after = content[: found.start()], content[found.end() :]
    return Markup("{}<mark>{}</mark>{}").format(before, found[0], after)


def short_time(moment: str | None) -> str:
    """A moment as a document has it, fit for a table.

    >>> short_time("2011-12-02T22:12:11.25+08:00")
    '12-02 22:12:11'
    """
    return f"{moment[5:10]} {moment[11:19]}" if moment else ""


def price(message: Any) -> str:
    """Why a message costs what it costs, in the language of this request."""
    units, parts, cost = message.units, message.parts, message.cost
    if cost != parts:
        return message_partial("cost.flat", cost=cost, units=units, parts=parts)
    return (
        message_partial("cost.one_part", units=units)
        if parts == 1
        else message_partial("cost.parts", units=units, parts=parts)
    )


def form_field(name: str) -> str | None:
    """A field of the form that was sent, without white space around it; None where it is blank."""
    return request.form.get(name, "").strip() or None


def form_number(name: str, *, whole: bool = False) -> Any:
    """A field of the form as a number; None where it is blank. Ends the request with 422 where it is none."""
    written = form_field(name)
    if written is None:
        return None
    try:
        return int(written) if whole else float(written)
    except ValueError:
        abort(translated_message("said.no_number", 422, {_FIELD: name}, field=name, what=written[:40]))


def build_model(kind: type[Document], /, **values: Any) -> Document:
    """A document with these values, but for those that are None. Raises ValidationError."""
    return kind(**{name: value for name, value in values.items() if value is not None})
