"""The vendor's pages: from a request, wholly read, to a response, wholly made.

Here belongs what HTTP adds to a call and its answer: methods, status, content type, the line in the log. No I/O: how
a request gets here and a response away is the affair of `wsgi` and `rsgi`, which stand side by side around this.
"""

from collections.abc import Callable
from time import perf_counter
from typing import Final, NamedTuple

from sms10692.contract import Page
from sms10692_mock.answers import Answer, Balance, Checked, Refusal, Replies, Reports, Sent
from sms10692_mock.calls import Call, call_of
from sms10692_mock.dialects import DIALECTS, Dialect
from sms10692_mock.http.explaining import Refused
from sms10692_mock.vendor import Vendor
from sms10692_mock.wire import render_json
from sms10692_mock.wire.charsets import DECODERS
from sms10692_mock.wire.forms import fields_of
from sms10692_mock.wire.render import Xml

BODY_LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a body that are read. 50,000 numbers take 600,000 (Q15)."""

DRAIN_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of a body that are taken off the wire: who sends all before reading gets to read that it was too much."""

_LOGGED: Final = 64
"""Characters of a text of the client's that a line of the log has at most."""

_METHODS: Final = ("GET", "HEAD", "POST")


class Request(NamedTuple):
    """What of a request reaches the vendor. `content_type` is the whole header, or empty."""

    method: str
    query: bytes
    content_type: str
    body: bytes


class Response(NamedTuple):
    """A status, headers, and the whole body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Unreadable(Exception):
    """The body of a request cannot be had whole, so nothing was done. Holds the response that says so."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.body.decode())
        self.response = response


class BodyTooLarge(Unreadable):
    """The body has more bytes than `BODY_LIMIT`."""

    def __init__(self) -> None:
        super().__init__(_plain(413, f"a body has at most {BODY_LIMIT} bytes here", ("Connection", "close")))


class BodyCutShort(Unreadable):
    """The sender was gone before the end of the body: half a list of numbers must not be sent to."""

    def __init__(self) -> None:
        super().__init__(_plain(400, "the body broke off", ("Connection", "close")))


class Pages:
    """Answers requests to the vendor's pages, in `dialect` where the account has none.

    `log` is given a line about each, `explain` each that is refused.
    """

    def __init__(
        self,
        vendor: Vendor,
        dialect: Dialect,
        log: Callable[[str], None] | None = None,
        explain: Callable[[Refused], None] | None = None,
    ) -> None:
        self._vendor = vendor
        self._explain = explain
        self._dialect = dialect.name
        self._xml = {name: Xml(one) for name, one in DIALECTS.items()}
        self._log = log

    def respond(self, page: Page, request: Request) -> Response:
        """Answer a request to one of the pages: HTTP 200 to whatever it says, 405 to another method."""
        started = perf_counter()
        if request.method not in _METHODS:
            allowed = ", ".join(_METHODS)
            response = _plain(405, f"this page answers {allowed}", ("Allow", allowed))
            self.log_status(request.method, page.path, response.status)
            return response
        decode = DECODERS[page.charset]
        fields = fields_of(request.query, request.content_type, request.body, decode)
        call = call_of(page, fields)
        answer, account = self._vendor.answer(call)
        if call.wants_json:
            content_type, body = "application/json", render_json.write(answer, call.operation, page)
        else:
            content_type = f"text/xml; charset={page.charset}"
            dialect = (account and account.dialect) or self._dialect
            body = self._xml[dialect].write(answer, call.operation, page)
        if self._log:
            self._log(_line(request.method, call, answer, perf_counter() - started))
        if self._explain and isinstance(answer, Refusal):
            self._explain(Refused(*request, fields, call, account, self._vendor.now(account)))
        return _response(200, content_type, body)

    def log_status(self, method: str, path: str, status: int) -> None:
        """Log a request that was answered without the vendor."""
        if self._log:
            self._log(f"{printable(method)} {printable(path)}: {status}")


def _response(status: int, content_type: str, body: bytes, *headers: tuple[str, str]) -> Response:
    return Response(status, [("Content-Type", content_type), ("Content-Length", str(len(body))), *headers], body)


def _plain(status: int, why: str, *headers: tuple[str, str]) -> Response:
    return _response(status, "text/plain; charset=utf-8", f"{why}\n".encode(), *headers)


def _line(method: str, call: Call, answer: Answer, seconds: float) -> str:
    """One line about a request: no number, no text, no signature."""
    action = call.operation.name if call.operation else "no such action"
    userid = printable(call.userid)
    return f"{method} {call.page.path} {action}, userid '{userid}': {_gist(answer)} ({seconds * 1e3:.2f} ms)"


def printable(text: str) -> str:
    """A text of somebody else's, cut to a bearable length, in which nothing can move a cursor or begin a line.

    >>> printable("shop"), printable("a\\nb")
    ('shop', 'a\\\\nb')
    """
    return text if text.isalnum() and len(text) < _LOGGED else ascii(text[:_LOGGED])[1:-1]


def _gist(answer: Answer) -> str:
    match answer:
        case Refusal(message):
            return f"refused, {message}"
        case Sent(remainpoint, task_id, success_counts):
            return f"task {task_id}, numbers {success_counts}, points left {remainpoint}"
        case Balance(_, overage, _):
            return f"points {overage}"
        case Checked(message, _):
            return message
        case Reports(boxes):
            return f"reports handed over {len(boxes)}"
        case Replies(boxes):
            return f"replies handed over {len(boxes)}"
