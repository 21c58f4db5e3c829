"""Send page: composes a request of the shown account, sends it as a client does, and shows request and response."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692.signing import format_timestamp, sign
from sms10692_mock.admin.console.explain import finding_text
from sms10692_mock.admin.console.export_request import build_raw_request
from sms10692_mock.admin.console.hexdump import printable_text
from sms10692_mock.admin.console.layout import form_number, message_response, render_page, selected_account
from sms10692_mock.admin.console.own_server import ServerAddress, ServerUnreachable, exchange, find_server
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.accounts import AccountDocument
from sms10692_mock.admin.services.requests import NoSuchRequest
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import FORM, parse_fields
from sms10692_mock.diagnosis.service import content_type
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import match_endpoint
from sms10692_mock.domain.billing import PRICINGS, segment_price, utf16_length
from sms10692_mock.domain.clock import to_china_datetime
from sms10692_mock.domain.delivery import RESERVED_NUMBERS
from sms10692_mock.domain.records import LoggedRequest
from sms10692_mock.domain.sample_text import build_sample_text

_MOBILE, _CONTENT, _SEND_TIME, _ACTION, _EXTNO = protocol.SEND.parameters
CODECS: Final[Mapping[str, str]] = {"utf-8": "utf-8", "gb2312": "gbk"}
_SAMPLE_NUMBER: Final = "15023239810"
_SAMPLE_TEXT: Final = "您的验证码是 1234"
_USER_AGENT: Final = "sms10692-mock console"
_MAX_LISTED: Final = 20
"""Characters that GBK lacks and that the page lists, at most."""


class Draft(NamedTuple):
    """The fields of the form, as typed."""

    mobile: str
    content: str
    send_time: str
    extno: str
    endpoint: Endpoint


class DraftCheck(NamedTuple):
    """What the page says about a draft while it is typed.

    `price` is for one number, `points` the balance. `missing` are characters that GBK lacks.
    """

    units: int
    segments: int
    price: int
    numbers: int
    points: int
    is_too_little: bool
    missing: str


def add_send(pages: Blueprint, control: ControlService) -> None:
    """Add the page, its form, and the check of what is typed."""

    @pages.get("/send")
    def send() -> ResponseReturnValue:
        account = selected_account(control)
        source, draft = None, _draft_from_url(control, account)
        number = request.args.get("request", "")
        if number.isascii() and number.isdigit() and len(number) < 19:
            source = control.requests.logged_request(None, int(number))
            draft = _draft_from_request(source, control) or draft
        return render_page(
            control,
            "send",
            account,
            draft=draft,
            source=source if source is not None and source.method else None,
            endpoints=_send_endpoints(control),
            reserved=RESERVED_NUMBERS,
            **_describe(control, account, draft),
        )

    @pages.post("/send/check")
    def check_draft() -> ResponseReturnValue:
        account = selected_account(control)
        return Response(render_template("send.check.html", **_describe(control, account, _draft_from_form(control))))

    @pages.post("/send/message")
    def send_message() -> ResponseReturnValue:
        account = control.accounts.get(selected_account(control).userid)
        draft, server = _draft_from_form(control), find_server(request.environ)
        return send_entry(control, _build_entry(control, account, draft), server)

    @pages.post("/send/again")
    def send_again() -> ResponseReturnValue:
        number = form_number("number", whole=True) or 0
        entry = control.requests.original(number)
        if not entry.method:
            raise NoSuchRequest(number)
        return send_entry(control, entry, find_server(request.environ))


def _send_endpoints(control: ControlService) -> list[Endpoint]:
    return [endpoint for endpoint in protocol.SEND.endpoints if endpoint in control.endpoints]


def _choose_endpoint(control: ControlService, path: str) -> Endpoint:
    served = _send_endpoints(control)
    return next((endpoint for endpoint in served if endpoint.path == path), served[0])


def _draft_from_url(control: ControlService, account: AccountDocument) -> Draft:
    profile = control.vendor.profile_of(control.accounts.get(account.userid))
    given = request.args
    return Draft(
        given.get(_MOBILE, _SAMPLE_NUMBER),
        given.get(_CONTENT, build_sample_text(profile, _SAMPLE_TEXT, is_signed=True)),
        given.get(_SEND_TIME, ""),
        given.get(_EXTNO, ""),
        _choose_endpoint(control, given.get("endpoint", "")),
    )


def _draft_from_form(control: ControlService) -> Draft:
    given = request.form
    # Browsers send the line ends of a text area as CR LF.
    content = given.get(_CONTENT, "").replace("\r\n", "\n")
    return Draft(
        given.get(_MOBILE, "").strip(),
        content,
        given.get(_SEND_TIME, "").strip(),
        given.get(_EXTNO, "").strip(),
        _choose_endpoint(control, given.get("endpoint", "")),
    )


def _draft_from_request(entry: LoggedRequest, control: ControlService) -> Draft | None:
    """Return the draft of a logged send; None for any other request."""
    endpoint = match_endpoint(entry.path, control.endpoints)
    if endpoint is None or entry.operation != protocol.SEND.name:
        return None
    fields = parse_fields(entry.query, content_type(entry), entry.body, DECODERS[endpoint.charset])
    mobile, content, send_time, extno = (
        fields.get(name.lower(), "") for name in (_MOBILE, _CONTENT, _SEND_TIME, _EXTNO)
    )
    return Draft(mobile, content, send_time, extno, endpoint)


def _describe(control: ControlService, account: AccountDocument, draft: Draft) -> dict[str, Any]:
    """Return the values of the template `send.check.html`."""
    stored = control.accounts.get(account.userid)
    price = PRICINGS[control.vendor.profile_of(stored).billing](draft.content)
    numbers = sum(1 for number in draft.mobile.split(",") if number.strip())
    missing = "".join(dict.fromkeys(char for char in draft.content if not _is_encodable(char, "gbk")))
    check = DraftCheck(
        utf16_length(draft.content),
        segment_price(draft.content),
        price,
        numbers,
        account.points,
        account.payinfo == "prepaid" and price * numbers > account.points,
        missing[:_MAX_LISTED],
    )
    shown = control.requests.hide_secrets(_build_entry(control, stored, draft))
    raw = build_raw_request(shown, _host(find_server(request.environ)))
    return {"check": check, "preview": printable_text(raw)}


def _is_encodable(text: str, charset: str) -> bool:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def _build_entry(control: ControlService, account: Account, draft: Draft) -> LoggedRequest:
    """Build the request of a draft, in the form of the request log. Characters that the charset lacks become `?`."""
    endpoint, charset = draft.endpoint, CODECS[draft.endpoint.charset]
    if endpoint.authentication is protocol.SIGNED:
        timestamp = format_timestamp(to_china_datetime(control.vendor.now(account)))
        credentials = (account.userid, timestamp, sign(account.account, account.password, timestamp))
    else:
        credentials = (account.userid, account.account, account.password)
    fields = {
        _ACTION: protocol.SEND.action,
        **dict(zip(endpoint.authentication.parameters, credentials, strict=True)),
        _MOBILE: draft.mobile,
        _CONTENT: draft.content,
        _SEND_TIME: draft.send_time,
        _EXTNO: draft.extno,
    }
    body = "&".join(f"{name}={quote(value.encode(charset, 'replace'), safe=',')}" for name, value in fields.items())
    headers = (("Content-Type", FORM), ("User-Agent", _USER_AGENT))
    return LoggedRequest(
        0, 0.0, 0.0, 0.0, "POST", endpoint.path, b"", headers, body.encode(), account.userid, "", "", None, 0, "", b""
    )


def _host(server: ServerAddress) -> str:
    host = f"[{server.host}]" if ":" in server.host else server.host
    return f"{host}:{server.port}"


def send_entry(control: ControlService, entry: LoggedRequest, server: ServerAddress) -> ResponseReturnValue:
    """Send a request to this emulator, and render what was sent and received."""
    raw = build_raw_request(entry, _host(server))
    try:
        received = exchange(raw, server)
    except ServerUnreachable as error:
        return message_response("contract.unreachable", 503, reason=str(error))
    logged = control.requests.find_newest(entry)
    shown = build_raw_request(control.requests.hide_secrets(entry), _host(server))
    detail = None if logged is None else control.requests.get(None, logged.number)
    was_sent = detail is not None and detail.operation == protocol.SEND.name and bool(_TASK_ID.search(received.body))
    numbers = _numbers_of(entry, control) if was_sent else []
    return Response(
        render_template(
            "send.result.html",
            sent=printable_text(shown),
            received=received,
            logged=detail,
            findings=[(finding, finding_text(finding)) for finding in detail.diagnosis] if detail else [],
            mobile=numbers[0].strip() if numbers else "",
            is_send=detail is not None and detail.operation == protocol.SEND.name,
            points=selected_account(control).points,
        )
    )


_TASK_ID: Final = re.compile(rb"<taskID>[1-9]")
"""What the response to an accepted send contains."""


def _numbers_of(entry: LoggedRequest, control: ControlService) -> list[str]:
    endpoint = match_endpoint(entry.path, control.endpoints)
    if endpoint is None:
        return []
    fields = parse_fields(entry.query, content_type(entry), entry.body, DECODERS[endpoint.charset])
    return [number for number in fields.get(_MOBILE, "").split(",") if number.strip()]
