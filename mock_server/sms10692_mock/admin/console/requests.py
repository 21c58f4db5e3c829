"""Requests: the journal, and each request as it came beside what it was understood as.

Here belong these two pages. What is wrong with a request is found by `sms10692_mock.diagnosis`.
"""

from base64 import b64decode
from typing import Final

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from sms10692_mock.admin.console.export_request import as_curl, as_pytest, is_copyable
from sms10692_mock.admin.console.finding_texts import in_chinese
from sms10692_mock.admin.console.hexdump import hex_dump, printable_text
from sms10692_mock.admin.console.layout import base_url, error_page, language, render_page, selected_account
from sms10692_mock.admin.console.list_filters import query_from_url
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.requests import FindingDocument, NoSuchRequest, RequestDocument
from sms10692_mock.admin.services.schemas import ListDocument

_FIELDS: Final = 200
"""Parameters that are shown: the manual has ten, and a request can have hundreds of thousands."""


def add_requests(pages: Blueprint, control: ControlService) -> None:
    """Add the pages."""

    @pages.get("/requests")
    def requests() -> ResponseReturnValue:
        account = selected_account(control)
        seek, is_filtered = query_from_url("text")
        is_own = "own" in request.args
        found: ListDocument[RequestDocument] = control.requests.list(account.userid if is_own else None, seek)
        if request.headers.get("HX-Target") == "older":
            return Response(render_template("requests.rows.html", requests=found))
        return render_page(control, "requests", account, requests=found, is_filtered=is_filtered or is_own)

    @pages.get("/requests/<int:number>", endpoint="request")
    def one_request(number: int) -> ResponseReturnValue:
        account = selected_account(control)
        entry, whole = control.requests.entry(None, number), control.requests.get(None, number)
        known = control.vendor.store.account(entry.userid)
        copyable = is_copyable(entry)
        names = list(dict.fromkeys((*whole.fields_utf8, *whole.fields_gbk)))
        return render_page(
            control,
            "request",
            account,
            request_shown=whole,
            findings=[(finding, _sentence(finding)) for finding in whole.diagnosis],
            body_hex=hex_dump(entry.body),
            body_text=printable_text(b64decode(whole.body)),
            query_text=printable_text(entry.query),
            answer_hex=hex_dump(entry.answer),
            names=names[:_FIELDS],
            more_names=len(names[_FIELDS:]),
            as_curl=as_curl(entry, base_url()) if copyable else "",
            as_pytest=as_pytest(entry, known) if copyable else "",
        )

    @pages.errorhandler(NoSuchRequest)
    def no_such_request(error: NoSuchRequest) -> ResponseReturnValue:
        return error_page(control, 404, "said.no_request", number=str(error))


def _sentence(finding: FindingDocument) -> str:
    return in_chinese(finding.code, finding.detail) if language() == "zh" else finding.sentence
