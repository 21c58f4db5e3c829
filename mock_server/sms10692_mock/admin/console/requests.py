"""Requests pages: the request log, and one request with its bytes, parsed parameters and diagnosis."""

from base64 import b64decode
from dataclasses import replace
from typing import Final

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from sms10692 import protocol
from sms10692_mock.admin.console.explain import finding_text
from sms10692_mock.admin.console.export_request import as_pytest, is_copyable
from sms10692_mock.admin.console.hexdump import hex_dump, printable_text
from sms10692_mock.admin.console.layout import (
    base_url,
    build_model,
    error_page,
    form_number,
    message_response,
    render_page,
    selected_account,
    url,
)
from sms10692_mock.admin.console.list_filters import REQUEST_FILTERS, query_from_url
from sms10692_mock.admin.console.replay import replay_values
from sms10692_mock.admin.console.request_programs import PROGRAMS, as_programs
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.password_mask import MASK
from sms10692_mock.admin.services.requests import NoSuchRequest, RequestDetail, RequestDocument
from sms10692_mock.admin.services.schemas import ListDocument, RequestLogQuery
from sms10692_mock.diagnosis.service import sent_names
from sms10692_mock.domain.bounds import MAX_NUMBER
from sms10692_mock.domain.fault_kinds import FAULT_KINDS

SOURCES: Final = ("own", "all", "demos")
"""Choices of the list: the requests of the account, of all accounts and unknown userids, and those of “Try it”."""

_REPLACEMENT: Final = "\ufffd"
"""What stands for bytes that a charset cannot read."""

_MAX_PARAMETERS: Final = 200
"""Parameters of a request that are shown. The manual has ten, and a request can have hundreds of thousands."""


def add_requests(pages: Blueprint, control: ControlService) -> None:
    """Add the pages."""

    @pages.get("/requests")
    def requests() -> ResponseReturnValue:
        account, whose = selected_account(control), _chosen_source()
        query, is_filtered = query_from_url(RequestLogQuery, *REQUEST_FILTERS)
        page = list_requests(control, account.userid, query)
        if request.headers.get("HX-Target") == "older":
            return Response(render_template("requests.rows.html", requests=page))
        return render_page(
            control,
            "requests",
            account,
            requests=page,
            is_filtered=is_filtered,
            whose=whose,
            sources=SOURCES,
            has_others=whose == "own" and _has_others(control, account.userid),
            operations=[operation.name for operation in protocol.OPERATIONS],
            endpoints=[endpoint.path for endpoint in control.endpoints],
        )

    @pages.get("/requests/<int:number>", endpoint="request")
    def request_detail(number: int) -> ResponseReturnValue:
        account = selected_account(control)
        entry, detail = control.requests.logged_request(None, number), control.requests.get(None, number)
        sender = control.vendor.store.account(entry.userid)
        if sender is not None and not control.requests.may_show_secrets():
            sender = replace(sender, password=MASK)
        copyable = is_copyable(entry)
        compares_charsets = _compares_charsets(detail)
        names = list({**detail.fields_utf8, **detail.fields_gbk} if compares_charsets else detail.fields)
        return render_page(
            control,
            "request",
            account,
            request_shown=detail,
            findings=[(finding, finding_text(finding)) for finding in detail.diagnosis],
            body_hex=hex_dump(entry.body),
            body_text=printable_text(b64decode(detail.body)),
            query_text=printable_text(entry.query),
            has_response=all(FAULT_KINDS[fault.kind].has_response for fault in entry.faults),
            response_hex=hex_dump(entry.response_body),
            names=names[:_MAX_PARAMETERS],
            sent_names=sent_names(entry) if detail.charset else {},
            compares_charsets=compares_charsets,
            more_parameters=len(names[_MAX_PARAMETERS:]),
            replay=replay_values(entry) if copyable else None,
            programs=as_programs(entry, base_url()) if copyable else {},
            program_names=PROGRAMS,
            as_pytest=as_pytest(entry, sender) if copyable else "",
        )

    @pages.post("/requests/delete")
    def delete_request() -> ResponseReturnValue:
        number = form_number("number", whole=True) or 0
        control.requests.delete(number if 0 < number <= MAX_NUMBER else 0)
        headers = {"HX-Redirect": url("requests")} if "from_page" in request.form else None
        return message_response("requests.deleted", headers=headers, number=number)

    @pages.post("/requests/delete-all")
    def delete_requests() -> ResponseReturnValue:
        control.requests.delete_all()
        return message_response("requests.all_deleted")

    @pages.errorhandler(NoSuchRequest)
    def no_such_request(error: NoSuchRequest) -> ResponseReturnValue:
        return error_page(control, 404, "error.no_request", number=str(error))


def _compares_charsets(detail: RequestDetail) -> bool:
    """Whether reading the parameters in the other charset may explain something: not if this one reads them well."""
    if not detail.charset:
        return True
    if detail.fields_utf8 == detail.fields_gbk:
        return False
    if any(finding.kind == "text" for finding in detail.diagnosis):
        return True
    return any(_REPLACEMENT in value for value in detail.fields.values())


def _chosen_source() -> str:
    chosen = request.args.get("whose", "")
    return chosen if chosen in SOURCES else SOURCES[0]


def list_requests(control: ControlService, userid: str, query: RequestLogQuery) -> ListDocument[RequestDocument]:
    """List the requests of the source that the URL chooses."""
    whose = _chosen_source()
    if whose == "own":
        return control.requests.list(userid, query)
    return control.requests.list(None, query.model_copy(update={"demos": whose == "demos"}))


def _has_others(control: ControlService, userid: str) -> bool:
    """Whether the newest request is of another account or of an unknown userid, so that a person may look for it."""
    newest = control.requests.list(None, build_model(RequestLogQuery, order="desc", limit=1, demos=False)).items
    return bool(newest) and newest[0].userid != userid
