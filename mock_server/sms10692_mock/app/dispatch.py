"""Who answers a request: the vendor's pages, at once or when they can, or the WSGI application beside them.

Here belongs which request may keep others waiting. How a request came and a response goes is the affair of
`connection`, how one is waited for that of `waiting` and `elsewhere`.
"""

from collections.abc import Awaitable, Callable

from sms10692 import protocol
from sms10692.protocol import Page
from sms10692_mock.app.diagnosis_scheduler import Explanations
from sms10692_mock.app.execution import QUICK, Waiting
from sms10692_mock.app.fault_injection import Response
from sms10692_mock.app.health_probes import Probes
from sms10692_mock.app.vendor_app import CROSS_SITE, Pages, Request, cross_site_refusal, plain
from sms10692_mock.app.wsgi import Application
from sms10692_mock.domain.api_request import page_of
from sms10692_mock.server.client_presence import Presence
from sms10692_mock.server.http1_head import Head, NoHttp
from sms10692_mock.server.http1_parser import Arrived
from sms10692_mock.server.thread_pools import Threads
from sms10692_mock.server.wsgi_bridge import Answer, Elsewhere, Ends


class Answering:
    """Answers requests to the vendor's `pages`, and leaves all other paths to `elsewhere`.

    What takes long of the vendor's runs on threads of its own, all that is elsewhere on those beside: streams and
    those who wait hold none. For the loop that runs when it is made.
    """

    def __init__(self, pages: Pages, elsewhere: Application, threads: Threads, explanations: Explanations) -> None:
        self._pages = pages
        self._elsewhere = Elsewhere(elsewhere, threads.beside, pages.log_other)
        self._waiting = Waiting(pages, threads, explanations)
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

    def answer(self, arrived: Arrived, ends: Ends, presence: Presence) -> Response | Awaitable[Answer]:
        """The answer to a request, or where it takes longer what is to be waited for."""
        head, body, failure = arrived
        page = page_of(head.path)
        if failure is not None:
            return self._unread(page, _request_of(head, body), failure.response)
        if page is None:
            return self._probes.answer(head.method, head.path) or self._elsewhere.answer(head, body, ends, presence)
        request = _request_of(head, body)
        if head.said.get("sec-fetch-site") == CROSS_SITE and not self._pages.allows_cross_site:
            return self._unread(page, request, cross_site_refusal())
        if not _is_quick(page, len(head.query) + len(body)):
            return self._waiting.long(page, request)
        if self._pages.waits:
            return self._waiting.quick(page, request)
        exchange = self._pages.exchange(page, request)
        return exchange.response if exchange.unexplained is None else self._waiting.explained(exchange)

    def refusal(self, error: NoHttp, ends: Ends, beginning: str) -> Response:
        """The answer to what is no request, and begins so."""
        self._pages.log_bad_request(ends.client, error.status, str(error), beginning)
        return plain(error.status, str(error))

    def log_unread(self, ends: Ends, size: int, seconds: float) -> None:
        """Log that a client did not read its answers."""
        self._pages.log_client(ends.client, f"read nothing of {size} bytes for {seconds:g} seconds, and was hung up on")

    def _unread(self, page: Page | None, request: Request, response: Response) -> Response | Awaitable[Response]:
        if page is None:
            self._pages.log_status(request.method, request.path, response.status)
            return response
        if self._pages.waits:
            return self._waiting.unread(page, request, response)
        return self._pages.answered_without_the_vendor(page, request, response)


def _request_of(head: Head, body: bytes) -> Request:
    """What of a request the vendor's pages see."""
    return Request(head.method, head.query, head.said.get("content-type", ""), body, head.path, head.headers)


def _is_quick(page: Page, length: int) -> bool:
    """Whether the answer is made in well under a millisecond: not 50,000 numbers, and not a page of 4,000 reports."""
    return length <= QUICK and page in (protocol.V2SMS, protocol.V2SMS_GBK)
