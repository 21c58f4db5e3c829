"""The vendor's pages: from a request, wholly read, to a response, wholly made.

Here belongs what HTTP adds to a call and its answer: methods, status, content type, the line in the log. No I/O: how
a request gets here and a response away is the affair of `wsgi` and `answering`, which stand side by side around this.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any, Final, NamedTuple

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.app.fault_injection import inject
from sms10692_mock.codec import json_renderer
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import Fields, parse_fields
from sms10692_mock.codec.xml import XmlRenderer
from sms10692_mock.diagnosis import Finding, PreviousFetch
from sms10692_mock.diagnosis.service import diagnose_logged, needs_diagnosis, public_findings, style_warnings
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest, parse_request
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.records import LoggedRequest
from sms10692_mock.domain.results import (
    BalanceResult,
    KeywordResult,
    Refusal,
    RepliesResult,
    ReportsResult,
    Result,
    SendResult,
)
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.domain.vendor import Vendor, VendorResult
from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.profiles import PROFILES, Profile
from sms10692_mock.server.http_types import Response, build_response, text_response
from sms10692_mock.stores.probe import StoreProbe
from sms10692_mock.stores.redaction import redact_headers

_LOGGED: Final = 64
"""Characters of a text of the client's that a line of the log has at most."""

_HINT: Final = 1000
"""Characters of a hint."""

_JOURNAL: Final = "/_mock/requests"

_FETCHES: Final = 1000
"""Queues of which the last fetch is remembered, for a hint about the next."""

_NO_FETCH: Final[tuple[int, None]] = 0, None

_EXPLAINED_BYTES: Final = 64 * 1024
"""Of a request: of a longer one the answer does not wait for the explanation, which the control address has."""

_BOXES: Final = (ReportsResult, RepliesResult)
_METHODS: Final = ("GET", "HEAD", "POST")
_READING: Final = ("GET", "HEAD")
_API: Final = "/_mock"
_HEALTH: Final = "/_mock/health"
_REFUSED: Final = 400
"""The least status of a refusal."""


class Request(NamedTuple):
    """What of a request reaches the vendor. `path` is as it came, `content_type` the whole header, or empty."""

    method: str
    query: bytes
    content_type: str
    body: bytes
    path: str = ""
    headers: Sequence[tuple[str, str]] = ()


CROSS_SITE: Final = "cross-site"
"""The value of the header Sec-Fetch-Site that a browser sends for a page of another site."""


class HandledRequest(NamedTuple):
    """A response; and where it is to be explained before it is sent, its entry in the journal and line in the log."""

    response: Response
    pending_hint: LoggedRequest | None = None
    line: str = ""


class _StorePhase:
    """A request, understood, when it came and began, and what the vendor said to it, if the store was there."""

    __slots__ = ("call", "fields", "number", "received", "started", "told")

    def __init__(
        self,
        call: ApiRequest,
        fields: Fields,
        told: VendorResult | StoreUnavailable,
        number: int,
        received: float,
        started: float,
    ) -> None:
        self.call = call
        self.fields = fields
        self.told = told
        self.number = number
        self.received = received
        self.started = started


class VendorApp:
    """Answers requests to the vendor's pages, in `dialect` where the account has none.

    `log` is given a line about each request, and below it what is wrong with it; an answer to a request that seems
    wrong says so in a header, `X-Mock-Hint`. The body never changes. `bell` is rung after each. `debug_log` is given
    the lines that are many and that nobody misses.

    Where `is_exposed`, strangers may read the hints: they use no account's secrets but the sender's own.
    `allows_cross_site` lets requests in that browsers send for pages of other sites.
    """

    def __init__(
        self,
        vendor: Vendor,
        dialect: Profile,
        log: Callable[[str], None] | None = None,
        bell: ChangeNotifier | None = None,
        *,
        debug_log: Callable[[str], None] | None = None,
        is_exposed: bool = False,
        allows_cross_site: bool = False,
    ) -> None:
        self._vendor = vendor
        self._dialect = dialect.name
        self._xml = {name: XmlRenderer(one) for name, one in PROFILES.items()}
        self._log = log
        self._debug_log = debug_log
        self._is_exposed = is_exposed
        self.allows_cross_site = allows_cross_site
        self._fetches: dict[tuple[str, str], tuple[int, PreviousFetch]] = {}
        self._fetching = Lock()
        self._ring = (bell or ChangeNotifier()).notify
        self.waits = vendor.store.blocking
        self.on_loop = vendor.store.loop_executor
        self.gathered = vendor.store.batch_transaction
        self.probe = StoreProbe(vendor.store)

    def handle(self, page: Endpoint, request: Request) -> Response:
        """Answer a request to one of the pages: HTTP 200 to whatever it says, 405 to another method."""
        exchange = self.handle_without_hint(page, request)
        if exchange.pending_hint is None:
            return exchange.response
        response = self.add_hint(exchange)
        self.log_explanation(exchange)
        return response

    def handle_without_hint(self, page: Endpoint, request: Request) -> HandledRequest:
        """The same without what takes long: one with an entry that is `unexplained` is still to be `explained`."""
        return self._answered(page, request, self._asked(page, request))

    def begin(self, page: Endpoint, request: Request) -> Callable[[], HandledRequest]:
        """The first half of an exchange, which asks the store; what it returns is the second, for when that holds."""
        return partial(self._answered, page, request, self._asked(page, request))

    def _asked(self, page: Endpoint, request: Request) -> "_StorePhase | None":
        """What the vendor says; None of a method that its pages do not have."""
        started = monotonic()
        if request.method not in _METHODS:
            return None
        vendor = self._vendor
        received = vendor.real_time()
        fields = parse_fields(request.query, request.content_type, request.body, DECODERS[page.charset])
        call = parse_request(page, fields)
        try:
            number = vendor.store.next_request()
            return _StorePhase(call, fields, vendor.handle(call, number), number, received, started)
        except StoreUnavailable as error:
            return _StorePhase(call, fields, error, 0, received, started)

    def _answered(self, page: Endpoint, request: Request, asked: "_StorePhase | None") -> HandledRequest:
        if asked is None:
            allowed = ", ".join(_METHODS)
            response = text_response(405, f"this page answers {allowed}", ("Allow", allowed))
            return HandledRequest(self.log_rejected(page, request, response))
        call, told = asked.call, asked.told
        if isinstance(told, StoreUnavailable):
            if self._log:
                self._log(f"{request.method} {page.path}: the store is away: {told}")
            if call.operation is not protocol.SEND:
                return HandledRequest(text_response(503, f"the store is away: {told}"))
            return HandledRequest(self._written(page, call, Refusal(protocol.OTHER_ERROR), None))
        answer = told.result
        response = self._written(page, call, answer, told.account)
        if told.faults:
            response = inject(response, told.faults)
        took = monotonic() - asked.started
        entry = LoggedRequest(
            asked.number,
            asked.received,
            told.now,
            took,
            request.method,
            request.path or page.path,
            request.query,
            redact_headers(request.headers),
            request.body,
            call.userid,
            call.operation.name if call.operation else "",
            answer.message if isinstance(answer, Refusal) else "",
            len(answer.boxes) if isinstance(answer, _BOXES) else None,
            response.status,
            response.headers[0][1] if response.headers else "",
            response.body,
            tuple([fault.kind for fault in told.faults]) if told.faults else (),
        )
        self._vendor.store.log_request(entry)
        self._ring(entry.userid)
        line = _line(request.method, call, told, took) if self._log else ""
        previous = self._previous_fetch(entry)
        if told.faults:
            return HandledRequest(self._said(response, line, ()))
        if isinstance(answer, Refusal) or needs_diagnosis(call):
            return HandledRequest(response, entry, line)
        return HandledRequest(
            self._said(response, line, style_warnings(entry, call, asked.fields, told.account, previous))
        )

    def _previous_fetch(self, entry: LoggedRequest) -> PreviousFetch | None:
        """The fetch of the same queue before this one, if it was one of the last here and is in the journal still."""
        if entry.handed_out is None:
            return None
        fetch = (entry.userid, entry.operation)
        with self._fetching:
            number, previous = self._fetches.pop(fetch, _NO_FETCH)
            self._fetches[fetch] = entry.number, PreviousFetch(entry.now, entry.handed_out)
            if len(self._fetches) > _FETCHES:
                del self._fetches[next(iter(self._fetches))]
        try:
            return previous if previous and self._vendor.store.is_logged(number) else None
        except StoreUnavailable:
            return None

    def add_hint(self, exchange: HandledRequest) -> Response:
        """The response with a hint. It takes milliseconds, of a long request too many."""
        response, entry, line = exchange
        if entry is None or _is_long(entry):
            return self.add_hint_pointer(exchange)
        try:
            if self._is_exposed:
                found, is_part = public_findings(entry, self._vendor.store)
                more = [f"explained by GET {_JOURNAL}/{entry.number} alone"] if is_part else []
                return _hinted(response, " | ".join([*map(_sentence, found), *more]))
            found = diagnose_logged(entry, self._vendor.store)
        except StoreUnavailable:
            return self.add_hint_pointer(exchange)
        return self._said(response, line, found)

    def log_explanation(self, exchange: HandledRequest) -> None:
        """Log what `explained` could not log where strangers may read the hints.

        It must not run before the response is sent: how long it takes depends on secrets.
        """
        response, entry, line = exchange
        if not self._is_exposed or self._log is None or entry is None or _is_long(entry):
            return
        with suppress(StoreUnavailable):  # then `explained` has logged the line
            self._said(response, line, diagnose_logged(entry, self._vendor.store))

    def add_hint_pointer(self, exchange: HandledRequest) -> Response:
        """The response with a hint of where to ask why: for a long request, and for one of a flood."""
        response, entry, line = exchange
        if self._log:
            self._log(line)
        if entry is None:
            return response
        return _hinted(response, f"not explained at once: GET {_JOURNAL}/{entry.number}")

    def _said(self, response: Response, line: str, found: Sequence[Finding]) -> Response:
        if not found:
            if self._log:
                self._log(line)
            return response
        said = list(map(_sentence, found))
        if self._log:
            self._log("\n  ".join([line, *said]))
        return _hinted(response, " | ".join(said))

    def _written(self, page: Endpoint, call: ApiRequest, answer: Result | None, account: Account | None) -> Response:
        if answer is None:
            return build_response(200, f"text/xml; charset={page.charset}", b"")
        if call.wants_json:
            return build_response(200, "application/json", json_renderer.render(answer, call.operation, page))
        dialect = (account and account.dialect) or self._dialect
        body = self._xml[dialect].render(answer, call.operation, page)
        return build_response(200, f"text/xml; charset={page.charset}", body)

    def log_rejected(self, page: Endpoint, request: Request, response: Response) -> Response:
        """Keep a request to one of the pages that the vendor was not asked about, and log it; the response as it was.

        Where the body could not be had whole, that of `request` is what came of it.
        """
        store, received = self._vendor.store, self._vendor.real_time()
        call = parse_request(
            page, parse_fields(request.query, request.content_type, request.body, DECODERS[page.charset])
        )
        operation = call.operation.name if call.operation else ""
        try:
            entry = LoggedRequest(
                number=store.next_request(),
                received=received,
                now=self._vendor.now(store.account(call.userid)),
                took=0.0,
                method=request.method,
                path=request.path or page.path,
                query=request.query,
                headers=redact_headers(request.headers),
                body=request.body,
                userid=call.userid,
                operation=operation,
                refusal="",
                handed_out=None,
                status=response.status,
                content_type=response.headers[0][1],
                answer=response.body,
            )
        except StoreUnavailable as error:
            if self._log:
                self._log(f"{sanitize(request.method)} {page.path}: the store is away: {error}")
        else:
            store.log_request(entry)
            self._ring(entry.userid)
        self.log_line(request.method, page.path, response.status)
        return response

    def log_line(self, method: str, path: str, status: int) -> None:
        """Write a line of the access log, without an entry in the request log."""
        if self._log:
            self._log(f"{sanitize(method)} {sanitize(path)}: {status}")

    def log_other(self, method: str, path: str, status: int) -> None:
        """Log a request to a page of the console, or to the control API.

        What the console reads, in the background too, and what asks for health, is of interest to few.
        """
        is_quiet = status < _REFUSED and method in _READING and (path.startswith(_HEALTH) or not path.startswith(_API))
        if not is_quiet:
            self.log_line(method, path, status)
        elif self._debug_log:
            self._debug_log(f"{method} {sanitize(path)}: {status}")

    def log_bad_request(self, client: Sequence[Any], status: int, why: str, beginning: str) -> None:
        """Log bytes that are no HTTP request, with the address that they came from."""
        self.log_client(client, f"sent no HTTP/1 request, but '{beginning}...': {status}, {why}")

    def log_client(self, client: Sequence[Any], what: str) -> None:
        """Log what the client at an address did."""
        if self._log:
            self._log(f"{client[0]}:{client[1]} {what}")


def cross_site_refusal() -> Response:
    """The answer to a request that a browser sent for a page of another site: it could empty a queue unseen."""
    return text_response(403, "a page of another site sent this request; --allow-cross-site lets such requests in")


def _is_long(entry: LoggedRequest) -> bool:
    return len(entry.query) + len(entry.body) > _EXPLAINED_BYTES


def _sentence(finding: Finding) -> str:
    return f"{finding.code}: {finding.sentence}"


def _hinted(response: Response, hint: str) -> Response:
    if not hint:
        return response
    return response._replace(headers=[*response.headers, ("X-Mock-Hint", ascii(hint)[1:-1][:_HINT])])


def _line(method: str, call: ApiRequest, told: VendorResult, seconds: float) -> str:
    """One line about a request: no number, no text, no signature, and nothing in the userid's place but a userid."""
    action = call.operation.name if call.operation else "no such action"
    userid = "unknown" if told.account is None and call.userid else f"'{sanitize(call.userid)}'"
    return f"{method} {call.page.path} {action}, userid {userid}: {_summary(told.result)} ({seconds * 1e3:.2f} ms)"


def sanitize(text: str) -> str:
    """A text of somebody else's, cut to a bearable length, in which nothing can move a cursor or begin a line.

    >>> printable("shop"), printable("a\\nb")
    ('shop', 'a\\\\nb')
    """
    return text if text.isalnum() and len(text) < _LOGGED else ascii(text[:_LOGGED])[1:-1]


def _summary(answer: Result | None) -> str:
    match answer:
        case SendResult():
            return f"task {answer.task_id}, numbers {answer.success_counts}, points left {answer.remainpoint}"
        case None:
            return "kept away by a fault"
        case Refusal(message):
            return f"refused, {message}"
        case BalanceResult(_, overage, _):
            return f"points {overage}"
        case KeywordResult(message, _):
            return message
        case ReportsResult(boxes):
            return f"reports handed over {len(boxes)}"
        case RepliesResult(boxes):
            return f"replies handed over {len(boxes)}"
