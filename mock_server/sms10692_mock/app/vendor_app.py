"""Handler of the vendor's endpoints: a complete HTTP request in, a complete HTTP response out, without network I/O.

Adds to the domain what belongs to HTTP: methods, status, content type, the request log, the access log, hints.
`dispatch` calls it in the HTTP server, `wsgi` in front of any WSGI application.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.app.fault_injection import inject
from sms10692_mock.app.hints import FinishedRequest, HintWriter, LastFetches, has_hint
from sms10692_mock.app.invalid_requests import InvalidRequestRecorder
from sms10692_mock.app.log_lines import RequestEntry, VendorEntry
from sms10692_mock.app.password_notes import PasswordNotes
from sms10692_mock.app.request_metrics import OTHER, RequestMetrics
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import ParsedForm, parse_fields, parse_form
from sms10692_mock.codec.json_renderer import JsonRenderer
from sms10692_mock.codec.xml import XmlRenderer
from sms10692_mock.config import Options
from sms10692_mock.diagnosis.context import make_finding
from sms10692_mock.diagnosis.pre_check import Suspicion, find_suspicion
from sms10692_mock.diagnosis.refusals import fault_findings
from sms10692_mock.diagnosis.rejection import cut_parameters, explain_unknown_path, rejection_findings
from sms10692_mock.diagnosis.service import BEFORE_CREDENTIALS, style_warnings
from sms10692_mock.diagnosis.translations import Language
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ALLOWED_METHODS, QUEUES, ApiRequest, parse_request
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.faults import Fault
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.profiles import Profile, apply_profile
from sms10692_mock.domain.records import LoggedRequest
from sms10692_mock.domain.results import Refusal, RepliesResult, ReportsResult, Result
from sms10692_mock.domain.store import NoSuchAccount, Runner, StoreUnavailable
from sms10692_mock.domain.vendor import Vendor, VendorResult
from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.recording.replay import Replay, ReplayedResponse
from sms10692_mock.server.access_log import LogMessage
from sms10692_mock.server.http_types import Rejection, Response, SocketAddresses, build_response, text_response
from sms10692_mock.stores.probe import StoreProbe
from sms10692_mock.stores.request_log import redact_headers

_FETCH_RESULTS: Final = (ReportsResult, RepliesResult)
_SAFE_METHODS: Final = ("GET", "HEAD")
API_PREFIX: Final = "/_mock"
_HEALTH_PREFIX: Final = "/_mock/health"
_FIRST_ERROR_STATUS: Final = 400

CROSS_SITE: Final = "cross-site"
"""The value of the header Sec-Fetch-Site with which a browser marks a request of a page of another site."""


class VendorRequest(NamedTuple):
    """An HTTP request to an endpoint of the vendor.

    `path`: as received. `query`: without percent-decoding. `content_type`: the whole header, or empty.
    `header_names`: the names of `headers` in lower case, if they are known already.
    """

    method: str
    query: bytes
    content_type: str
    body: bytes
    path: str = ""
    headers: Sequence[tuple[str, str]] = ()
    header_names: Collection[str] | None = None


Preset: TypeAlias = Rejection | ReplayedResponse
"""A response that is decided before the vendor gets the request."""


@dataclass(slots=True, eq=False)
class HandledRequest:
    """The result of `VendorApp.handle`. Nothing of it is published yet: the transaction of the store may still fail.

    `outcome`: a StoreUnavailable if the store failed, a Rejection if the vendor did not get the request, a
    ReplayedResponse if a recording has its response.
    `received`: Unix time. `started`: monotonic time.
    """

    endpoint: Endpoint
    request: VendorRequest
    api_request: ApiRequest
    form: ParsedForm
    outcome: VendorResult | Preset | StoreUnavailable
    account_time: float
    number: int
    received: float
    started: float


class _Renderers(NamedTuple):
    profile: Profile
    xml: XmlRenderer
    json: JsonRenderer


class VendorApp:
    """Handles requests to the vendor's endpoints. All methods may be called from any thread.

    A request is handled in two phases: `handle` uses the store, `finish` publishes the result. A `Runner` of the store
    runs both. `respond` is both and the hint, for callers without a runner.

    `options`: the endpoints that are served, and whether browsers may send requests for pages of other sites.
    `log`: gets an entry for each request, with what is wrong with the request.
    `debug_log`: gets the entries about requests that the console and health checks send all the time.
    `notifier`: is notified after each request. `metrics`: counts each request.
    `language`: that of the findings and notes in the log.
    `replay`: a recording; what it has is answered from it.
    `is_exposed`: hosts other than this one can read hints. Then hints use no secrets but those of the sender's account.
    """

    def __init__(
        self,
        vendor: Vendor,
        options: Options,
        log: Callable[[LogMessage], None] | None = None,
        notifier: ChangeNotifier | None = None,
        *,
        debug_log: Callable[[LogMessage], None] | None = None,
        is_exposed: bool = False,
        language: Language = "en",
        metrics: RequestMetrics | None = None,
        replay: Replay | None = None,
    ) -> None:
        self._vendor = vendor
        self.replay = replay
        self._metrics = metrics or RequestMetrics()
        self.endpoints = frozenset(options.endpoints)
        self._brand_renderers: dict[str, _Renderers] = {}
        self._log = log
        self._debug_log = debug_log
        self.allows_cross_site = options.allow_cross_site
        self._last_fetches = LastFetches()
        self._notify = (notifier or ChangeNotifier()).notify
        self.blocking = vendor.store.blocking
        self.create_runner = vendor.store.create_runner
        self._password_notes = PasswordNotes(language)
        self.probe = StoreProbe(vendor.store)
        self.hints = HintWriter(vendor.store, log, is_exposed, language, self._metrics)

    def respond(self, endpoint: Endpoint, request: VendorRequest, preset: Preset | None = None) -> Response:
        """Handle a request, and diagnose it if necessary. Status 200 for every allowed method, also for a refusal."""
        finished = self.finish(self.handle(endpoint, request, preset))
        if finished.pending_hint is None:
            return finished.response
        response = self.hints.add_hint(finished)
        self.hints.log_explanation(finished)
        return response

    def count_waiting(self, endpoint: Endpoint, request: VendorRequest) -> int:
        """Return how many items wait in the queue that a request would fetch from; 0 for an unknown account."""
        fields = parse_fields(request.query, request.content_type, request.body, DECODERS[endpoint.charset])
        api_request, store = parse_request(endpoint, fields), self._vendor.store
        queue = QUEUES.get(api_request.operation) if api_request.operation else None
        account = store.account(api_request.userid)
        if account is None or queue is None:
            return 0
        with suppress(NoSuchAccount):  # deleted since the look-up
            return store.queue_stats(account.userid, queue, self._vendor.now(account)).waiting
        return 0

    def handle(self, endpoint: Endpoint, request: VendorRequest, preset: Preset | None = None) -> HandledRequest:
        """First phase: parse the request and let the vendor process it, unless `preset` is its response.

        **Publishes nothing**: may be part of a transaction that fails, and then runs again. If the body is incomplete,
        `request.body` is the received part.
        """
        started = monotonic()
        vendor = self._vendor
        received = vendor.wall_clock()
        form = parse_form(request.query, request.content_type, request.body, DECODERS[endpoint.charset])
        api_request = parse_request(endpoint, form.fields)
        if preset is None and request.method not in ALLOWED_METHODS:
            allowed = ", ".join(ALLOWED_METHODS)
            preset = Rejection("method", text_response(405, f"this page answers {allowed}", ("Allow", allowed)))
        outcome: VendorResult | Preset | StoreUnavailable
        number, account_time = 0, 0.0
        try:
            number = vendor.store.next_request()
            if preset is None:
                outcome = vendor.handle(api_request, number)
                account_time, api_request = outcome.now, outcome.request or api_request
            else:
                outcome = preset
                account_time = vendor.now(vendor.store.account(api_request.userid))
        except StoreUnavailable as error:
            outcome = error
        return HandledRequest(endpoint, request, api_request, form, outcome, account_time, number, received, started)

    def finish(self, handled: HandledRequest) -> FinishedRequest:
        """Second phase: make the response, write the request log, notify, and write the access log.

        **Call it only after the commit.** The access log is not written yet if a hint is pending.
        """
        endpoint, request, api_request, outcome = (
            handled.endpoint,
            handled.request,
            handled.api_request,
            handled.outcome,
        )
        operation = api_request.operation.name if api_request.operation else ""
        if isinstance(outcome, StoreUnavailable):
            self._metrics.count_request(operation or OTHER, "unavailable", monotonic() - handled.started)
            self._metrics.count_store_error("vendor")
            return FinishedRequest(self._respond_unavailable(endpoint, request, api_request, outcome))
        result: Result | None = None
        evidence: Evidence | None = None
        faults: Sequence[Fault] = ()
        rejection = ""
        if isinstance(outcome, Rejection):
            rejection, response = outcome
        elif isinstance(outcome, ReplayedResponse):
            response = outcome.response
        else:
            result, faults = outcome.result, outcome.faults
            evidence = result.evidence if isinstance(result, Refusal) else outcome.remark
            response = self._render(endpoint, api_request, result, outcome.profile)
            if faults:
                response = inject(response, faults)
        duration = monotonic() - handled.started
        self._metrics.count_request(
            operation or OTHER,
            "rejected" if rejection else "fault" if faults else "accepted" if evidence is None else "refused",
            duration,
        )
        header_names = request.header_names
        if header_names is None:
            header_names = [name.lower() for name, _ in request.headers]
        entry = LoggedRequest(
            handled.number,
            handled.received,
            handled.account_time,
            duration,
            request.method,
            request.path or endpoint.path,
            request.query,
            redact_headers(request.headers, header_names),
            request.body,
            api_request.userid,
            operation,
            result.message if isinstance(result, Refusal) else "",
            len(result.items) if isinstance(result, _FETCH_RESULTS) else None,
            response.status,
            response.headers[0][1] if response.headers else "",
            response.body,
            tuple([fault.get_trigger() for fault in faults]) if faults else (),
            rejection,
            evidence,
        )
        self._vendor.store.log_request(entry)
        self._notify(entry.userid)
        if isinstance(outcome, Rejection):
            self.log_rejection(request.method, endpoint.path, response)
            return FinishedRequest(self.hints.add_findings(response, rejection_findings(entry)))
        if isinstance(outcome, ReplayedResponse):
            if self._log:
                note = f"replayed {outcome.exchange}"
                self._log(RequestEntry(request.method, endpoint.path, response.status, note))
            return FinishedRequest(response)
        log_entry = VendorEntry(request.method, api_request, outcome, duration)
        if self._log and endpoint.authentication is protocol.PASSWORD and outcome.account is not None:
            self._note_password(self._log, endpoint, outcome.account, result)
        previous = None if entry.fetched is None else self._last_fetches.replace(entry, self._vendor.store)
        suspicion: Suspicion = (
            "text"
            if evidence is not None
            else find_suspicion(
                api_request, handled.form, request.method, header_names, request.body, handled.account_time
            )
        )
        if suspicion == "text":
            return FinishedRequest(response, entry, log_entry)
        if faults:
            return FinishedRequest(self.hints.log_and_hint(response, log_entry, fault_findings(entry.faults)))
        if not suspicion and previous is None:
            if self._log:
                self._log(log_entry)
            return FinishedRequest(response)
        warnings = style_warnings(entry, api_request, handled.form.fields, outcome.account, previous)
        return FinishedRequest(self.hints.log_and_hint(response, log_entry, warnings))

    def _note_password(
        self, log: Callable[[LogMessage], None], endpoint: Endpoint, account: Account, result: Result | None
    ) -> None:
        """Write the note about an account that an older endpoint carries its password in clear, once."""
        if not isinstance(result, Refusal) or result.evidence.code not in BEFORE_CREDENTIALS:
            note = self._password_notes.note(account.userid, endpoint.path)
            if note:
                log(note)

    def _respond_unavailable(
        self, endpoint: Endpoint, request: VendorRequest, api_request: ApiRequest, error: StoreUnavailable
    ) -> Response:
        """Log that the store failed. A send is refused with `OTHER_ERROR`, anything else gets status 503.

        The account's own profile is in the store: that of the emulator counts.
        """
        note = f"the store is unavailable: {error}"
        if api_request.operation is not protocol.SEND:
            if self._log:
                self._log(RequestEntry(request.method, endpoint.path, 503, note))
            return text_response(503, note)
        profile = self._vendor.default_profile
        refusal = Refusal(protocol.OTHER_ERROR, Evidence("store-unavailable"))
        response = self._render(endpoint, apply_profile(api_request, profile), refusal, profile)
        entry = RequestEntry(request.method, endpoint.path, response.status, note)
        return self.hints.log_and_hint(response, entry, (make_finding("refusal.store-unavailable"),))

    def _render(self, endpoint: Endpoint, api_request: ApiRequest, result: Result | None, profile: Profile) -> Response:
        if result is None:
            return build_response(200, f"text/xml; charset={endpoint.charset}", b"")
        renderers = self._brand_renderers.get(profile.name)
        if renderers is None or renderers.profile is not profile:  # new, or replaced at run time
            renderers = _Renderers(profile, XmlRenderer(profile), JsonRenderer(profile))
            self._brand_renderers[profile.name] = renderers
        if api_request.wants_json:
            body = renderers.json.render(result, api_request.operation, endpoint)
            return build_response(200, "application/json", body)
        body = renderers.xml.render(result, api_request.operation, endpoint, api_request.userid)
        headers = [("Content-Type", f"text/xml; charset={endpoint.charset}"), ("Content-Length", str(len(body)))]
        return Response(200, headers, body)

    def log_rejection(self, method: str, path: str, response: Response) -> None:
        """Write a line of the access log about a request that reached no application, with the reason."""
        if self._log:
            self._log(RequestEntry(method, path, response.status, response.body.decode().strip()))

    def log_line(self, method: str, path: str, status: int) -> None:
        """Write a line of the access log, without an entry in the request log."""
        if self._log:
            self._log(RequestEntry(method, cut_parameters(path), status))

    def log_other(self, method: str, path: str, status: int, headers: Sequence[tuple[str, str]]) -> None:
        """Write the access log of a request to the console, the control API, or a path that does not exist.

        `headers` are those of the response. Successful reads by the console, which polls, and health checks go to
        `debug_log`.
        """
        is_polling = path.startswith(_HEALTH_PREFIX) or not path.startswith(API_PREFIX)
        if status >= _FIRST_ERROR_STATUS and has_hint(headers):
            self.hints.log_findings(RequestEntry(method, cut_parameters(path), status), [explain_unknown_path(path)])
        elif status >= _FIRST_ERROR_STATUS or method not in _SAFE_METHODS or not is_polling:
            self.log_line(method, path, status)
        elif self._debug_log:
            self._debug_log(RequestEntry(method, path, status))

    def create_invalid_request_recorder(self, runner: Runner) -> InvalidRequestRecorder:
        """Create the recorder of bytes that are no HTTP request. `runner` runs its work on the store."""
        return InvalidRequestRecorder(self._vendor, runner, self.log_client, self._notify)

    def log_client(self, addresses: SocketAddresses, event: str) -> None:
        """Write a line of the access log about a client."""
        if self._log:
            host, port = addresses.client
            self._log(f"{host}:{port} {event}")


def take_replayed(replay: Replay, endpoint: Endpoint, request: VendorRequest) -> ReplayedResponse | None:
    """Take the response of a recording, if it has one. **Call it once per request**: the response is used up."""
    return replay.take(endpoint, request.method, request.query, request.content_type, request.body)


def reject_cross_site() -> Rejection:
    """The response to a browser's request for a page of another site, which could empty a queue unnoticed."""
    return Rejection(
        "cross-site",
        text_response(403, "a page of another site sent this request; --allow-cross-site lets such requests in"),
    )
