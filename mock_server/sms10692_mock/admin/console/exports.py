"""Downloads of the lists, with the filters of the page: CSV and JSON, requests also as HAR and .http files."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from flask import Blueprint, Response, abort, request, stream_with_context
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from sms10692_mock.admin.console.export_formats import csv_lines, har_chunks, http_file, json_chunks
from sms10692_mock.admin.console.layout import base_url, selected_account
from sms10692_mock.admin.console.list_filters import MESSAGE_FILTERS, QUEUE_FILTERS, REQUEST_FILTERS, query_from_url
from sms10692_mock.admin.console.requests import list_requests
from sms10692_mock.admin.services import ControlService
from sms10692_mock.admin.services.message_documents import MessageDocument, ReplyDocument, ReportDocument
from sms10692_mock.admin.services.requests import NoSuchRequest, RequestDocument
from sms10692_mock.admin.services.schemas import ListDocument, ListQuery, MessageQuery, RequestLogQuery
from sms10692_mock.domain.records import LoggedRequest

QueryT = TypeVar("QueryT", ListQuery, MessageQuery, RequestLogQuery)

_PAGE: Final = 1000
"""Rows that are read at a time."""

_MEDIA_TYPES: Final[Mapping[str, str]] = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "har": "application/json",
    "http": "text/plain; charset=utf-8",
}


def add_exports(pages: Blueprint, control: ControlService) -> None:
    """Add the downloads."""

    @pages.get("/export/<any(messages, reports, replies):name>.<any(csv, json):form>")
    def export_messages(name: str, form: str) -> ResponseReturnValue:
        userid = selected_account(control).userid
        rows: Iterable[Any]
        model: type[BaseModel]
        if name == "messages":
            query, _ = query_from_url(MessageQuery, *MESSAGE_FILTERS)
            rows, model = _read_all(lambda query: control.messages.messages(userid, query), query), MessageDocument
        else:
            list_query, _ = query_from_url(ListQuery, *QUEUE_FILTERS)
            list_items = control.messages.reports if name == "reports" else control.messages.replies
            rows = _read_all(lambda query: list_items(userid, query), list_query)
            model = ReportDocument if name == "reports" else ReplyDocument
        return _download(name, form, _render(form, tuple(model.model_fields), map(dict, rows)))

    @pages.get("/export/requests.<any(csv, json, har, http):form>")
    def export_requests(form: str) -> ResponseReturnValue:
        userid = selected_account(control).userid
        query, _ = query_from_url(RequestLogQuery, *REQUEST_FILTERS)
        rows = _read_all(lambda query: list_requests(control, userid, query), query)
        if form == "csv":
            return _download("requests", form, _render(form, tuple(RequestDocument.model_fields), map(dict, rows)))
        if form == "json":
            details = _existing(rows, lambda number: control.requests.get(None, number).model_dump())
            return _download("requests", form, _render(form, (), details))
        entries = _existing(rows, lambda number: control.requests.logged_request(None, number))
        render = har_chunks if form == "har" else http_file
        return _download("requests", form, render(entries, base_url()))


def _read_all(list_page: Callable[[QueryT], ListDocument[Any]], query: QueryT) -> Iterator[Any]:
    """Yield all rows of a list, newest first."""
    after = None
    while True:
        page = list_page(query.model_copy(update={"limit": _PAGE, "after": after}))
        yield from page.items
        after = page.next
        if after is None:
            return


RowT = TypeVar("RowT", dict[str, Any], LoggedRequest)


def _existing(rows: Iterable[RequestDocument], read: Callable[[int], RowT]) -> Iterator[RowT]:
    """Read each request, except for those that the log has lost meanwhile."""
    for row in rows:
        try:
            entry = read(row.number)
        except NoSuchRequest:
            continue
        yield entry


def _render(form: str, columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    return csv_lines(columns, rows) if form == "csv" else json_chunks(rows)


def _download(name: str, form: str, chunks: Iterator[str]) -> Response:
    """Stream a file: a list may have a hundred thousand rows."""
    if request.method == "HEAD":
        abort(405)
    encoded = (chunk.encode("utf-8", "backslashreplace") for chunk in chunks)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(stream_with_context(encoded), headers=headers, content_type=_MEDIA_TYPES[form])
