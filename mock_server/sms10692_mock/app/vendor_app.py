"""Handler of the vendor's endpoints: a complete HTTP request in, a complete HTTP response out, without network I/O.

Adds to the domain what belongs to HTTP: methods, status, content type, the request log, the access log, hints.
`dispatch` calls it in the HTTP server, `wsgi` in front of any WSGI application.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any, Final, NamedTuple

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.app.fault_injection import inject
from sms10692_mock.app.log_lines import format_line, sanitize
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
from sms10692_mock.domain.results import Refusal, RepliesResult, ReportsResult, Result
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.domain.vendor import Vendor, VendorResult
from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.profiles import PROFILES, Profile
from sms10692_mock.server.http_types import Response, build_response, text_response
from sms10692_mock.stores.probe import StoreProbe
from sms10692_mock.stores.redaction import redact_headers

_HINT_LIMIT: Final = 1000
"""Maximum length of a hint in characters."""

_REQUEST_LOG_PATH: Final = "/_mock/requests"

_MAX_REMEMBERED_FETCHES: Final = 1000
"""Number of queues whose last fetch is remembered for a hint about the next one."""

_NO_FETCH: Final[tuple[int, None]] = 0, None

_DIAGNOSIS_LIMIT: Final = 64 * 1024
"""Size in bytes up to which a request is diagnosed before its response. The control API diagnoses longer ones."""

_FETCH_RESULTS: Final = (ReportsResult, RepliesResult)
_ALLOWED_METHODS: Final = ("GET", "HEAD", "POST")
_SAFE_METHODS: Final = ("GET", "HEAD")
_API_PREFIX: Final = "/_mock"
_HEALTH_PREFIX: Final = "/_mock/health"
_FIRST_ERROR_STATUS: Final = 400

CROSS_SITE: Final = "cross-site"
"""The value of the header Sec-Fetch-Site with which a browser marks a request of a page of another site."""


class VendorRequest(NamedTuple):
    """An HTTP request to an endpoint of the vendor.

    `path`: as received. `query`: without percent-decoding. `content_type`: the whole header, or empty.
    """

    method: str
    query: bytes
    content_type: str
    body: bytes
    path: str = ""
    headers: Sequence[tuple[str, str]] = ()


class HandledRequest(NamedTuple):
    """A response. With a `pending_hint`, the request is to be diagnosed before the response is sent.

    `pending_hint` is the entry in the request log, `line` the line that the access log does not have yet.
    """

    response: Response
    pending_hint: LoggedRequest | None = None
    line: str = ""


class _StorePhase:
    """The result of the first phase of a request: everything that needs the transaction of the store.

    `received`: Unix time. `started`: monotonic time. `outcome`: a StoreUnavailable if the store failed.
    """

    __slots__ = ("api_request", "fields", "number", "outcome", "received", "started")

    def __init__(
        self,
        api_request: ApiRequest,
        fields: Fields,
        outcome: VendorResult | StoreUnavailable,
        number: int,
        received: float,
        started: float,
    ) -> None:
        self.api_request = api_request
        self.fields = fields
        self.outcome = outcome
        self.number = number
        self.received = received
        self.started = started


class VendorApp:
    """Handles requests to the vendor's endpoints. All methods may be called from any thread.

    `profile`: how responses look for accounts without a profile of their own.
    `log`: gets a line for each request, followed by indented lines that say what is wrong with the request.
    `debug_log`: gets the lines about requests that the console and health checks send all the time.
    `notifier`: is notified after each request.
    `is_exposed`: hosts other than this one can read hints. Then hints use no secrets but those of the sender's account.
    `allows_cross_site`: accept requests that browsers send for pages of other sites.

    A hint is the response header X-Mock-Hint; the body never changes.
    """

    def __init__(
        self,
        vendor: Vendor,
        profile: Profile,
        log: Callable[[str], None] | None = None,
        notifier: ChangeNotifier | None = None,
        *,
        debug_log: Callable[[str], None] | None = None,
        is_exposed: bool = False,
        allows_cross_site: bool = False,
    ) -> None:
        self._vendor = vendor
        self._default_profile = profile.name
        self._renderers = {name: XmlRenderer(known) for name, known in PROFILES.items()}
        self._log = log
        self._debug_log = debug_log
        self._is_exposed = is_exposed
        self.allows_cross_site = allows_cross_site
        self._last_fetches: dict[tuple[str, str], tuple[int, PreviousFetch]] = {}
        self._last_fetches_lock = Lock()
        self._notify = (notifier or ChangeNotifier()).notify
        self.blocking = vendor.store.blocking
        self.loop_executor = vendor.store.loop_executor
        self.batch_transaction = vendor.store.batch_transaction
        self.probe = StoreProbe(vendor.store)

    def handle(self, endpoint: Endpoint, request: VendorRequest) -> Response:
        """Handle a request and diagnose it. Status 200 for every allowed method, also for a refusal; 405 otherwise."""
        handled = self.handle_without_hint(endpoint, request)
        if handled.pending_hint is None:
            return handled.response
        response = self.add_hint(handled)
        self.log_explanation(handled)
        return response

    def handle_without_hint(self, endpoint: Endpoint, request: VendorRequest) -> HandledRequest:
        """Handle a request without slow diagnosis. With a `pending_hint`, `add_hint` is still to be called."""
        return self._finish(endpoint, request, self._run_store_phase(endpoint, request))

    def begin(self, endpoint: Endpoint, request: VendorRequest) -> Callable[[], HandledRequest]:
        """Run the first phase of a request, which may be part of a store transaction. Returns the second phase.

        **Call the second phase only after the commit**: it logs the request and notifies waiting clients.
        """
        return partial(self._finish, endpoint, request, self._run_store_phase(endpoint, request))

    def _run_store_phase(self, endpoint: Endpoint, request: VendorRequest) -> "_StorePhase | None":
        """Parse the request and let the vendor process it; None if the method is not allowed."""
        started = monotonic()
        if request.method not in _ALLOWED_METHODS:
            return None
        vendor = self._vendor
        received = vendor.wall_clock()
        fields = parse_fields(request.query, request.content_type, request.body, DECODERS[endpoint.charset])
        api_request = parse_request(endpoint, fields)
        try:
            number = vendor.store.next_request()
            return _StorePhase(api_request, fields, vendor.handle(api_request, number), number, received, started)
        except StoreUnavailable as error:
            return _StorePhase(api_request, fields, error, 0, received, started)

    def _finish(self, endpoint: Endpoint, request: VendorRequest, phase: "_StorePhase | None") -> HandledRequest:
        """Make the response, write the request log, notify, and write the access log unless a hint is pending."""
        if phase is None:
            allowed = ", ".join(_ALLOWED_METHODS)
            response = text_response(405, f"this page answers {allowed}", ("Allow", allowed))
            return HandledRequest(self.log_rejected(endpoint, request, response))
        api_request, outcome = phase.api_request, phase.outcome
        if isinstance(outcome, StoreUnavailable):
            if self._log:
                self._log(f"{request.method} {endpoint.path}: the store is unavailable: {outcome}")
            if api_request.operation is not protocol.SEND:
                return HandledRequest(text_response(503, f"the store is unavailable: {outcome}"))
            return HandledRequest(self._render(endpoint, api_request, Refusal(protocol.OTHER_ERROR), None))
        result = outcome.result
        response = self._render(endpoint, api_request, result, outcome.account)
        if outcome.faults:
            response = inject(response, outcome.faults)
        took = monotonic() - phase.started
        entry = LoggedRequest(
            phase.number,
            phase.received,
            outcome.now,
            took,
            request.method,
            request.path or endpoint.path,
            request.query,
            redact_headers(request.headers),
            request.body,
            api_request.userid,
            api_request.operation.name if api_request.operation else "",
            result.message if isinstance(result, Refusal) else "",
            len(result.items) if isinstance(result, _FETCH_RESULTS) else None,
            response.status,
            response.headers[0][1] if response.headers else "",
            response.body,
            tuple([fault.kind for fault in outcome.faults]) if outcome.faults else (),
        )
        self._vendor.store.log_request(entry)
        self._notify(entry.userid)
        line = format_line(request.method, api_request, outcome, took) if self._log else ""
        previous = self._previous_fetch(entry)
        if outcome.faults:
            return HandledRequest(self._log_and_hint(response, line, ()))
        if isinstance(result, Refusal) or needs_diagnosis(api_request):
            return HandledRequest(response, entry, line)
        warnings = style_warnings(entry, api_request, phase.fields, outcome.account, previous)
        return HandledRequest(self._log_and_hint(response, line, warnings))

    def _previous_fetch(self, entry: LoggedRequest) -> PreviousFetch | None:
        """Return the previous fetch of the same queue, if it is remembered and still in the request log."""
        if entry.fetched is None:
            return None
        queue = (entry.userid, entry.operation)
        with self._last_fetches_lock:
            number, previous = self._last_fetches.pop(queue, _NO_FETCH)
            self._last_fetches[queue] = entry.number, PreviousFetch(entry.account_time, entry.fetched)
            if len(self._last_fetches) > _MAX_REMEMBERED_FETCHES:
                del self._last_fetches[next(iter(self._last_fetches))]
        try:
            return previous if previous and self._vendor.store.is_logged(number) else None
        except StoreUnavailable:
            return None

    def add_hint(self, handled: HandledRequest) -> Response:
        """Diagnose a request, write the access log, and return the response with a hint.

        Takes milliseconds of CPU time. A long request gets only a pointer, see `add_hint_pointer`.
        """
        response, entry, line = handled
        if entry is None or _is_long(entry):
            return self.add_hint_pointer(handled)
        try:
            if self._is_exposed:
                findings, is_partial = public_findings(entry, self._vendor.store)
                rest = [f"explained by GET {_REQUEST_LOG_PATH}/{entry.number} alone"] if is_partial else []
                return _with_hint(response, " | ".join([*map(_format_finding, findings), *rest]))
            findings = diagnose_logged(entry, self._vendor.store)
        except StoreUnavailable:
            return self.add_hint_pointer(handled)
        return self._log_and_hint(response, line, findings)

    def log_explanation(self, handled: HandledRequest) -> None:
        """Write the access log of a request whose diagnosis is not public. Does nothing unless `is_exposed`.

        **Call it only after the response was sent**: its duration depends on secrets.
        """
        response, entry, line = handled
        if not self._is_exposed or self._log is None or entry is None or _is_long(entry):
            return
        with suppress(StoreUnavailable):  # then `add_hint` has logged the line
            self._log_and_hint(response, line, diagnose_logged(entry, self._vendor.store))

    def add_hint_pointer(self, handled: HandledRequest) -> Response:
        """Write the access log and return the response with a hint that names the address of the diagnosis.

        For long requests, and when too many requests wait for their diagnosis.
        """
        response, entry, line = handled
        if self._log:
            self._log(line)
        if entry is None:
            return response
        return _with_hint(response, f"not explained at once: GET {_REQUEST_LOG_PATH}/{entry.number}")

    def _log_and_hint(self, response: Response, line: str, findings: Sequence[Finding]) -> Response:
        if not findings:
            if self._log:
                self._log(line)
            return response
        texts = list(map(_format_finding, findings))
        if self._log:
            self._log("\n  ".join([line, *texts]))
        return _with_hint(response, " | ".join(texts))

    def _render(
        self, endpoint: Endpoint, api_request: ApiRequest, result: Result | None, account: Account | None
    ) -> Response:
        if result is None:
            return build_response(200, f"text/xml; charset={endpoint.charset}", b"")
        if api_request.wants_json:
            body = json_renderer.render(result, api_request.operation, endpoint)
            return build_response(200, "application/json", body)
        renderer = self._renderers[(account and account.profile) or self._default_profile]
        body = renderer.render(result, api_request.operation, endpoint)
        return build_response(200, f"text/xml; charset={endpoint.charset}", body)

    def log_rejected(self, endpoint: Endpoint, request: VendorRequest, response: Response) -> Response:
        """Log a request that the vendor does not get, in the request log and the access log. Returns `response`.

        If the body is incomplete, `request.body` is the received part.
        """
        store, received = self._vendor.store, self._vendor.wall_clock()
        fields = parse_fields(request.query, request.content_type, request.body, DECODERS[endpoint.charset])
        api_request = parse_request(endpoint, fields)
        operation = api_request.operation.name if api_request.operation else ""
        try:
            entry = LoggedRequest(
                number=store.next_request(),
                received=received,
                account_time=self._vendor.now(store.account(api_request.userid)),
                duration=0.0,
                method=request.method,
                path=request.path or endpoint.path,
                query=request.query,
                headers=redact_headers(request.headers),
                body=request.body,
                userid=api_request.userid,
                operation=operation,
                refusal="",
                fetched=None,
                status=response.status,
                content_type=response.headers[0][1],
                response_body=response.body,
            )
        except StoreUnavailable as error:
            if self._log:
                self._log(f"{sanitize(request.method)} {endpoint.path}: the store is unavailable: {error}")
        else:
            store.log_request(entry)
            self._notify(entry.userid)
        self.log_line(request.method, endpoint.path, response.status)
        return response

    def log_line(self, method: str, path: str, status: int) -> None:
        """Write a line of the access log, without an entry in the request log."""
        if self._log:
            self._log(f"{sanitize(method)} {sanitize(path)}: {status}")

    def log_other(self, method: str, path: str, status: int) -> None:
        """Write the access log of a request to the console or the control API.

        Successful reads by the console, which polls, and health checks go to `debug_log`.
        """
        is_polling = path.startswith(_HEALTH_PREFIX) or not path.startswith(_API_PREFIX)
        if status >= _FIRST_ERROR_STATUS or method not in _SAFE_METHODS or not is_polling:
            self.log_line(method, path, status)
        elif self._debug_log:
            self._debug_log(f"{method} {sanitize(path)}: {status}")

    def log_bad_request(self, client: Sequence[Any], status: int, reason: str, beginning: str) -> None:
        """Write the access log of bytes that are no HTTP request. `client` is host and port."""
        self.log_client(client, f"sent no HTTP/1 request, but '{beginning}...': {status}, {reason}")

    def log_client(self, client: Sequence[Any], event: str) -> None:
        """Write a line of the access log about a client. `client` is host and port."""
        if self._log:
            self._log(f"{client[0]}:{client[1]} {event}")


def cross_site_refusal() -> Response:
    """The response to a browser's request for a page of another site, which could empty a queue unnoticed."""
    return text_response(403, "a page of another site sent this request; --allow-cross-site lets such requests in")


def _is_long(entry: LoggedRequest) -> bool:
    return len(entry.query) + len(entry.body) > _DIAGNOSIS_LIMIT


def _format_finding(finding: Finding) -> str:
    return f"{finding.code}: {finding.sentence}"


def _with_hint(response: Response, hint: str) -> Response:
    if not hint:
        return response
    return response._replace(headers=[*response.headers, ("X-Mock-Hint", ascii(hint)[1:-1][:_HINT_LIMIT])])
