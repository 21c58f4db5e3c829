"""Who answers a request: the vendor's pages, at once or when they can, or the WSGI application beside them.

Here belongs which request may keep others waiting. How a request came and a response goes is the affair of
`connection`, how one is waited for that of `waiting` and `elsewhere`.
"""

from collections.abc import Awaitable, Callable

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.app.diagnosis_scheduler import DiagnosisScheduler
from sms10692_mock.app.execution import INLINE_LIMIT, DeferredExecution
from sms10692_mock.app.health_probes import Probes
from sms10692_mock.app.vendor_app import CROSS_SITE, Request, VendorApp, cross_site_refusal
from sms10692_mock.domain.api_request import match_endpoint
from sms10692_mock.server.client_presence import ClientPresence
from sms10692_mock.server.http1_head import BadRequest, RequestHead
from sms10692_mock.server.http1_parser import ParsedRequest
from sms10692_mock.server.http_types import AnyResponse, Response, SocketAddresses, text_response
from sms10692_mock.server.thread_pools import ThreadPools
from sms10692_mock.server.wsgi_bridge import WsgiBridge
from sms10692_mock.server.wsgi_types import Application


def dispatcher_factory(vendor_app: VendorApp, fallback: Application) -> Callable[[ThreadPools], "Dispatcher"]:
    """Return the function with which a server builds its Dispatcher, once its event loop runs."""

    def create(threads: ThreadPools) -> Dispatcher:
        return Dispatcher(vendor_app, fallback, threads, DiagnosisScheduler(vendor_app, threads.diagnosis))

    return create


class Dispatcher:
    """Answers requests to the vendor's `pages`, and leaves all other paths to `elsewhere`.

    What takes long of the vendor's runs on threads of its own, all that is elsewhere on those beside: streams and
    those who wait hold none. For the loop that runs when it is made.
    """

    def __init__(
        self, pages: VendorApp, elsewhere: Application, threads: ThreadPools, explanations: DiagnosisScheduler
    ) -> None:
        self._pages = pages
        self._elsewhere = WsgiBridge(elsewhere, threads.fallback, pages.log_other)
        self._waiting = DeferredExecution(pages, threads, explanations)
        self._probes = Probes(pages.probe)

    @property
    def is_idle(self) -> bool:
        """Whether the application beside the pages is not at work on any thread."""
        return self._elsewhere.is_idle

    def call_when_idle(self, call: Callable[[], None]) -> None:
        """Call this whenever that becomes so, on the event loop."""
        self._elsewhere.when_idle = call

    def close(self) -> None:
        """Let go of what is open for those who wait."""
        self._waiting.close()

    def dispatch(
        self, arrived: ParsedRequest, ends: SocketAddresses, presence: ClientPresence
    ) -> Response | Awaitable[AnyResponse]:
        """The answer to a request, or where it takes longer what is to be waited for."""
        head, body, failure = arrived
        page = match_endpoint(head.path)
        if failure is not None:
            return self._unread(page, _request_of(head, body), failure.response)
        if page is None:
            return self._probes.answer(head.method, head.path) or self._elsewhere.respond(head, body, ends, presence)
        request = _request_of(head, body)
        if head.headers_lower.get("sec-fetch-site") == CROSS_SITE and not self._pages.allows_cross_site:
            return self._unread(page, request, cross_site_refusal())
        if not _is_quick(page, len(head.query) + len(body)):
            return self._waiting.run_in_thread(page, request)
        if self._pages.waits:
            return self._waiting.run_batched(page, request)
        exchange = self._pages.handle_without_hint(page, request)
        return exchange.response if exchange.pending_hint is None else self._waiting.run_with_diagnosis(exchange)

    def bad_request(self, error: BadRequest, ends: SocketAddresses, beginning: str) -> Response:
        """The answer to what is no request, and begins so."""
        self._pages.log_bad_request(ends.client, error.status, str(error), beginning)
        return text_response(error.status, str(error))

    def log_unread(self, ends: SocketAddresses, size: int, seconds: float) -> None:
        """Log that a client did not read its answers."""
        self._pages.log_client(ends.client, f"read nothing of {size} bytes for {seconds:g} seconds, and was hung up on")

    def _unread(self, page: Endpoint | None, request: Request, response: Response) -> Response | Awaitable[Response]:
        if page is None:
            self._pages.log_line(request.method, request.path, response.status)
            return response
        if self._pages.waits:
            return self._waiting.run_unparsed(page, request, response)
        return self._pages.log_rejected(page, request, response)


def _request_of(head: RequestHead, body: bytes) -> Request:
    """What of a request the vendor's pages see."""
    return Request(head.method, head.query, head.headers_lower.get("content-type", ""), body, head.path, head.headers)


def _is_quick(page: Endpoint, length: int) -> bool:
    """Whether the answer is made in well under a millisecond: not 50,000 numbers, and not a page of 4,000 reports."""
    return length <= INLINE_LIMIT and page in (protocol.V2SMS, protocol.V2SMS_GBK)
