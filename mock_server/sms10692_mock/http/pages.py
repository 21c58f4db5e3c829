"""The vendor's pages as one small WSGI callable, beside which the Flask application serves everything else.

Here belongs what HTTP adds to a call and its answer: methods, body sizes, content types, the line in the log. It is
no Flask view because a view costs three times the whole of the vendor's work.
"""

import logging
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import Any, Final, TypeAlias

from sms10692.contract import Page

from sms10692_mock.answers import Answer, Balance, Checked, Refusal, Replies, Reports, Sent
from sms10692_mock.calls import Call, call_of, page_of
from sms10692_mock.dialects import Dialect
from sms10692_mock.http.body import LIMIT, CutShort, TooLarge, body_of
from sms10692_mock.vendor import Vendor
from sms10692_mock.wire import render_json
from sms10692_mock.wire.charsets import DECODERS
from sms10692_mock.wire.forms import fields_of
from sms10692_mock.wire.render import Xml

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]
Application: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]

_METHODS: Final = ("GET", "HEAD", "POST")

log: Final = logging.getLogger("sms10692_mock")


class _Unanswerable(Exception):
    """No call can be made of this request: the HTTP status and a line that says why."""

    def __init__(self, status: str, why: str, *headers: tuple[str, str]) -> None:
        super().__init__(why)
        self.status = status
        self.headers = headers


class Pages:
    """Serves the vendor's pages, and leaves all other paths to `elsewhere`."""

    def __init__(self, vendor: Vendor, dialect: Dialect, elsewhere: Application) -> None:
        self._vendor = vendor
        self._xml = Xml(dialect)
        self._elsewhere = elsewhere

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        page = page_of(environ["PATH_INFO"])
        if page is None:
            return self._elsewhere(environ, start_response)
        started = perf_counter()
        try:
            call = _call(page, environ)
        except _Unanswerable as error:
            body = f"{error}\n".encode()
            start_response(error.status, [*_headers("text/plain; charset=utf-8", body), *error.headers])
            log.warning("%s %s -> %s: %s", environ["REQUEST_METHOD"], page.path, error.status, error)
            return [body]
        answer = self._vendor.answer(call)
        if call.wants_json:
            body, content_type = render_json.write(answer, call.operation, page), "application/json"
        else:
            body = self._xml.write(answer, call.operation, page)
            content_type = f"text/xml; charset={page.charset}"
        start_response("200 OK", _headers(content_type, body))
        if log.isEnabledFor(logging.INFO):
            log.info(
                "%s %s %s userid=%s -> %s (%.2f ms)",
                environ["REQUEST_METHOD"],
                page.path,
                call.operation.name if call.operation else "?",
                ascii(call.userid[:64]),
                _in_short(answer),
                (perf_counter() - started) * 1000,
            )
        return [body]


def _headers(content_type: str, body: bytes) -> list[tuple[str, str]]:
    return [("Content-Type", content_type), ("Content-Length", str(len(body)))]


def _call(page: Page, environ: Environ) -> Call:
    if environ["REQUEST_METHOD"] not in _METHODS:
        allowed = ", ".join(_METHODS)
        raise _Unanswerable("405 Method Not Allowed", f"this page answers {allowed}", ("Allow", allowed))
    try:
        body = body_of(environ)
    except TooLarge:
        why = f"a body has at most {LIMIT} bytes here"
        raise _Unanswerable("413 Content Too Large", why, ("Connection", "close")) from None
    except CutShort:
        raise _Unanswerable("400 Bad Request", "the body ended before its Content-Length") from None
    query = environ.get("QUERY_STRING", "").encode("latin-1")
    return call_of(page, fields_of(query, environ.get("CONTENT_TYPE", ""), body, DECODERS[page.charset]))


def _in_short(answer: Answer) -> str:
    match answer:
        case Refusal(message):
            return f"refused: {message}"
        case Sent(remainpoint, task_id, success_counts):
            return f"ok, task {task_id}, {success_counts} numbers, {remainpoint} points left"
        case Balance(_, overage, _):
            return f"{overage} points"
        case Checked(message, _):
            return message
        case Reports(boxes) | Replies(boxes):
            return f"{len(boxes)} handed over"
