"""Request dispatcher: vendor endpoints run inline, deferred or on a thread; all other paths go to the WSGI bridge."""

from collections.abc import Awaitable, Callable

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.app.diagnosis_scheduler import DiagnosisScheduler
from sms10692_mock.app.execution import INLINE_LIMIT, DeferredExecution
from sms10692_mock.app.health_probes import HealthProbes
from sms10692_mock.app.vendor_app import CROSS_SITE, VendorApp, VendorRequest, cross_site_refusal
from sms10692_mock.domain.api_request import match_endpoint
from sms10692_mock.server.client_presence import ClientPresence
from sms10692_mock.server.http1_head import BadRequest, RequestHead
from sms10692_mock.server.http1_parser import ParsedRequest
from sms10692_mock.server.http_types import AnyResponse, Response, SocketAddresses, text_response
from sms10692_mock.server.thread_pools import ThreadPools
from sms10692_mock.server.wsgi_bridge import WsgiBridge
from sms10692_mock.server.wsgi_types import Application


def dispatcher_factory(vendor_app: VendorApp, fallback: Application) -> Callable[[ThreadPools], "Dispatcher"]:
    """Return the function with which a server creates its Dispatcher on its event loop."""

    def create(threads: ThreadPools) -> Dispatcher:
        return Dispatcher(vendor_app, fallback, threads, DiagnosisScheduler(vendor_app, threads.diagnosis))

    return create


class Dispatcher:
    """The RequestHandler of the emulator. Create and use it on the thread of a running event loop.

    Requests to vendor endpoints go to `vendor_app`, health probes are answered here, and all others go to `fallback`.
    Slow vendor requests and the fallback run in separate thread pools. Streams and long polling hold no thread.
    """

    def __init__(
        self, vendor_app: VendorApp, fallback: Application, threads: ThreadPools, diagnosis: DiagnosisScheduler
    ) -> None:
        self._vendor_app = vendor_app
        self._fallback = WsgiBridge(fallback, threads.fallback, vendor_app.log_other)
        self._execution = DeferredExecution(vendor_app, threads, diagnosis)
        self._probes = HealthProbes(vendor_app.probe)

    @property
    def is_idle(self) -> bool:
        """Whether no thread runs the fallback application."""
        return self._fallback.is_idle

    def call_when_idle(self, callback: Callable[[], None]) -> None:
        """Register the only callback that runs, on the event loop, whenever `is_idle` becomes True."""
        self._fallback.when_idle = callback

    def close(self) -> None:
        """Close the connections of the store's event-loop executor."""
        self._execution.close()

    def dispatch(
        self, parsed: ParsedRequest, addresses: SocketAddresses, presence: ClientPresence
    ) -> Response | Awaitable[AnyResponse]:
        """Return the response, or an awaitable of the response if it is not made at once."""
        head, body, failure = parsed
        endpoint = match_endpoint(head.path)
        if failure is not None:
            return self._reject(endpoint, _build_request(head, body), failure.response)
        if endpoint is None:
            probe = self._probes.respond(head.method, head.path)
            return probe or self._fallback.respond(head, body, addresses, presence)
        request = _build_request(head, body)
        if head.headers_lower.get("sec-fetch-site") == CROSS_SITE and not self._vendor_app.allows_cross_site:
            return self._reject(endpoint, request, cross_site_refusal())
        if not _may_run_inline(endpoint, len(head.query) + len(body)):
            return self._execution.run_in_thread(endpoint, request)
        if self._vendor_app.blocking:
            return self._execution.run_batched(endpoint, request)
        handled = self._vendor_app.handle_without_hint(endpoint, request)
        return handled.response if handled.pending_hint is None else self._execution.run_with_diagnosis(handled)

    def bad_request(self, error: BadRequest, addresses: SocketAddresses, beginning: str) -> Response:
        """Log bytes that are no HTTP request, and return the response."""
        self._vendor_app.log_bad_request(addresses.client, error.status, str(error), beginning)
        return text_response(error.status, str(error))

    def log_unread(self, addresses: SocketAddresses, size: int, seconds: float) -> None:
        """Log that a client was disconnected because it did not read its responses."""
        self._vendor_app.log_client(
            addresses.client, f"read nothing of {size} bytes for {seconds:g} seconds, and was disconnected"
        )

    def _reject(
        self, endpoint: Endpoint | None, request: VendorRequest, response: Response
    ) -> Response | Awaitable[Response]:
        """Log a request that gets this response without being processed."""
        if endpoint is None:
            self._vendor_app.log_line(request.method, request.path, response.status)
            return response
        if self._vendor_app.blocking:
            return self._execution.log_rejected(endpoint, request, response)
        return self._vendor_app.log_rejected(endpoint, request, response)


def _build_request(head: RequestHead, body: bytes) -> VendorRequest:
    return VendorRequest(
        head.method, head.query, head.headers_lower.get("content-type", ""), body, head.path, head.headers
    )


def _may_run_inline(endpoint: Endpoint, length: int) -> bool:
    """Whether a request takes well under a millisecond: no send to 50,000 numbers, no fetch of 4,000 reports."""
    return length <= INLINE_LIMIT and endpoint in (protocol.V2SMS, protocol.V2SMS_GBK)
