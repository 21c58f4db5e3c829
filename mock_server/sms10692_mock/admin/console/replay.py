"""Replay of a logged request with edits: method, target, Content-Type and body; signed again if wanted."""

import re
from typing import Any, Final
from urllib.parse import unquote

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from sms10692 import protocol
from sms10692.signing import format_timestamp, sign
from sms10692_mock.admin.console.editable_body import InvalidEscape, read_body, show_body
from sms10692_mock.admin.console.export_request import request_target
from sms10692_mock.admin.console.layout import INVALID_FIELD_HEADER, message_response
from sms10692_mock.admin.console.own_server import find_server
from sms10692_mock.admin.console.send import CODECS, send_entry
from sms10692_mock.admin.services import ControlService
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import FORM, parse_fields
from sms10692_mock.diagnosis.service import content_type
from sms10692_mock.domain.api_request import match_endpoint
from sms10692_mock.domain.clock import to_china_datetime
from sms10692_mock.domain.records import LoggedRequest

_USERID, _TIMESTAMP, _SIGN = (name.encode() for name in protocol.SIGNED.parameters)
_METHOD: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,40}")
_MAX_TARGET: Final = 60_000
_SHOWN: Final = 40
"""Characters of an invalid value that an error shows."""

_USER_AGENT: Final = "sms10692-mock console"


def add_replay(pages: Blueprint, control: ControlService) -> None:
    """Add the form's action. The form is on the page of a request."""

    @pages.post("/requests/replay")
    def replay() -> ResponseReturnValue:
        form = request.form
        method, target, kind = form.get("method", ""), form.get("target", "").strip(), form.get("kind", "").strip()
        if not _METHOD.fullmatch(method):
            return message_response(
                "replay.invalid_method", 422, {INVALID_FIELD_HEADER: "method"}, value=method[:_SHOWN]
            )
        if not target.startswith("/") or not target.isascii() or len(target) > _MAX_TARGET:
            return message_response(
                "replay.invalid_target", 422, {INVALID_FIELD_HEADER: "target"}, value=target[:_SHOWN]
            )
        path, _, query = target.partition("?")
        if match_endpoint(unquote(path)) is None:
            # The other paths of this server would answer as this server, with the secrets of all accounts.
            return message_response("replay.no_endpoint", 422, {INVALID_FIELD_HEADER: "target"}, value=target[:_SHOWN])
        try:
            # Browsers send the line ends of a text area as CR LF.
            body = read_body(form.get("body", "").replace("\r\n", "\n"), _codec(path), is_form=_is_form(kind))
        except InvalidEscape as error:
            return message_response("replay.invalid_body", 422, {INVALID_FIELD_HEADER: "body"}, value=error)
        entry = _build_entry(method, unquote(path), query.encode(), kind, body)
        if "sign_again" in form:
            signed = _sign_again(control, entry)
            if signed is None:
                return message_response("replay.not_signed", 422, {INVALID_FIELD_HEADER: "sign_again"})
            entry = signed
        return send_entry(control, entry, find_server(request.environ))


def replay_values(entry: LoggedRequest) -> dict[str, Any]:
    """Return the values of the form for a request: method, target, Content-Type and body as text."""
    kind = content_type(entry)
    return {
        "method": entry.method,
        "target": request_target(entry),
        "kind": kind,
        "body": show_body(entry.body, _codec(entry.path), is_form=_is_form(kind)),
    }


def _codec(path: str) -> str:
    endpoint = match_endpoint(path)
    return CODECS[endpoint.charset] if endpoint else "utf-8"


def _is_form(kind: str) -> bool:
    return kind.partition(";")[0].strip().lower() in {FORM, ""}


def _build_entry(method: str, path: str, query: bytes, kind: str, body: bytes) -> LoggedRequest:
    headers = [("User-Agent", _USER_AGENT), *([("Content-Type", kind)] if kind else [])]
    endpoint = match_endpoint(path)
    fields = parse_fields(query, kind, body, DECODERS[endpoint.charset if endpoint else "utf-8"])
    userid = fields.get(_USERID.decode(), "")
    return LoggedRequest(0, 0.0, 0.0, 0.0, method, path, query, headers, body, userid, "", "", None, 0, "", b"")


def _sign_again(control: ControlService, entry: LoggedRequest) -> LoggedRequest | None:
    """Replace timestamp and sign of the request by those of now.

    Returns None if the account does not exist, or if query and body lack one of the two parameters.
    """
    account = control.vendor.store.account(entry.userid)
    if account is None:
        return None
    timestamp = format_timestamp(to_china_datetime(control.vendor.now(account)))
    values = {_TIMESTAMP: timestamp, _SIGN: sign(account.account, account.password, timestamp)}
    query, body = entry.query, entry.body
    for name, value in values.items():
        pattern = re.compile(rb"((?:^|&)%b=)[^&]*" % name, re.IGNORECASE)
        replacement = rb"\g<1>" + value.encode()
        (query, in_query), (body, in_body) = (pattern.subn(replacement, raw) for raw in (query, body))
        if not in_query + in_body:
            return None
    return entry._replace(query=query, body=body)
