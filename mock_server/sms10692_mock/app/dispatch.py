"""Request dispatcher: vendor endpoints go to the vendor application, all other paths to the WSGI bridge."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import partial
from typing import Final

from sms10692.protocol import Endpoint
from sms10692_mock.app.diagnosis_scheduler import DiagnosisScheduler
from sms10692_mock.app.health_probes import HealthProbes
from sms10692_mock.app.hints import FinishedRequest, has_hint
from sms10692_mock.app.path_prefix import cut_prefix
from sms10692_mock.app.vendor_app import (
    CROSS_SITE,
    HandledRequest,
    Preset,
    VendorApp,
    VendorRequest,
    reject_cross_site,
    take_replayed,
)
from sms10692_mock.domain.api_request import QUEUES, match_endpoint
from sms10692_mock.server.bad_request import BadRequest
from sms10692_mock.server.client_presence import ClientPresence
from sms10692_mock.server.http1_head import RequestHead
from sms10692_mock.server.http1_parser import ParsedRequest
from sms10692_mock.server.http_types import AnyResponse, Response, SocketAddresses, text_response
from sms10692_mock.server.thread_pools import ThreadPools
from sms10692_mock.server.wsgi_bridge import WsgiBridge
from sms10692_mock.server.wsgi_types import Application

_SHORT_REQUEST: Final = 16 * 1024
"""Bytes of query and body up to which a send takes well under a millisecond, also with the most recipients."""

_MAX_LONG: Final = 4
"""Longer requests that are processed concurrently. Each may take a hundred times its size in memory, and a core."""

_LARGE_FETCH: Final = 100
"""Items from which on a fetch takes more than a millisecond."""

_QUEUE_ENDPOINTS: Final = frozenset(endpoint for operation in QUEUES for endpoint in operation.endpoints)


def dispatcher_factory(
    vendor_app: VendorApp, fallback: Application, prefix: str = ""
) -> Callable[[ThreadPools], "Dispatcher"]:
    """Return the function with which a server creates its Dispatcher on its event loop."""
    return partial(Dispatcher, vendor_app, fallback, prefix)


class Dispatcher:
    """The RequestHandler of the emulator. Create and use it on the thread of a running event loop.

    Requests to vendor endpoints go to `vendor_app`, through the runner of its store or, if they may take long, on a
    thread. Health probes are answered here, and all others go to `fallback` on threads of its own. Streams and long
    polling hold no thread. A path may begin with `prefix`, which a proxy may also have removed.
    """

    def __init__(self, vendor_app: VendorApp, fallback: Application, prefix: str, threads: ThreadPools) -> None:
        self._vendor_app = vendor_app
        self._prefix = prefix
        self._fallback = WsgiBridge(fallback, threads.fallback, vendor_app.log_other)
        self._runner = vendor_app.create_runner(threads.vendor)
        self._invalid_requests = vendor_app.create_invalid_request_recorder(self._runner)
        self._threads = threads.vendor
        self._long_requests = asyncio.Semaphore(_MAX_LONG)
        self._diagnosis = DiagnosisScheduler(vendor_app.hints, threads.diagnosis)
        self._probes = HealthProbes(vendor_app.probe)

    @property
    def is_idle(self) -> bool:
        """Whether no thread runs the fallback application."""
        return self._fallback.is_idle

    def call_when_idle(self, callback: Callable[[], None]) -> None:
        """Register the only callback that runs, on the event loop, whenever `is_idle` becomes True."""
        self._fallback.when_idle = callback

    def close(self) -> None:
        """Write what is still to be logged, and close the connections of the runner."""
        self._invalid_requests.close()
        self._runner.close()

    def dispatch(
        self, parsed: ParsedRequest, addresses: SocketAddresses, presence: ClientPresence
    ) -> Response | Awaitable[AnyResponse]:
        """Return the response, or an awaitable of the response if it is not made at once."""
        head, body, failure = parsed
        received = head
        if self._prefix:
            head = head._replace(path=cut_prefix(head.path, self._prefix))
        endpoint = match_endpoint(head.path, self._vendor_app.endpoints)
        if endpoint is None:
            if failure is not None:
                response = failure.rejection.response
                self._vendor_app.log_rejection(head.method, head.path, response)
                return response
            probe = self._probes.respond(head.method, head.path)
            return probe or self._respond_other(received, head, body, addresses, presence)
        headers = head.headers_lower
        request = VendorRequest(
            head.method, head.query, headers.get("content-type", ""), body, head.path, head.headers, headers.keys()
        )
        preset: Preset | None = None
        if failure is not None:
            preset = failure.rejection
        elif headers.get("sec-fetch-site") == CROSS_SITE and not self._vendor_app.allows_cross_site:
            preset = reject_cross_site()
        elif self._vendor_app.replay is not None:
            preset = take_replayed(self._vendor_app.replay, endpoint, request)
        handle = partial(self._vendor_app.handle, endpoint, request, preset)
        length = len(request.query) + len(body)
        if length > _SHORT_REQUEST or (endpoint in _QUEUE_ENDPOINTS and self._is_large_fetch(endpoint, request)):
            return self._run_on_thread(handle, length)
        finished = self._runner.submit(handle, self._vendor_app.finish)
        if isinstance(finished, FinishedRequest):
            return finished.response if finished.pending_hint is None else self._add_hint(finished)
        return self._await_finished(finished)

    async def _respond_other(
        self,
        received: RequestHead,
        head: RequestHead,
        body: bytes,
        addresses: SocketAddresses,
        presence: ClientPresence,
    ) -> AnyResponse:
        """Return the response of the fallback. A client that sends parameters to a wrong path finds them logged.

        `head` is `received` without the prefix. **The fallback gets `received`**: it removes the prefix itself.
        """
        response = await self._fallback.respond(received, body, addresses, presence)
        if (head.query or body) and isinstance(response, Response) and has_hint(response.headers):
            self._invalid_requests.record_unknown_path(head, body, response)
        return response

    def _is_large_fetch(self, endpoint: Endpoint, request: VendorRequest) -> bool:
        """Whether a fetch may take long. **A blocking store cannot be asked on the event loop.**"""
        app = self._vendor_app
        return app.blocking or app.count_waiting(endpoint, request) > _LARGE_FETCH

    async def _run_on_thread(self, handle: "partial[HandledRequest]", length: int) -> Response:
        """Handle a request that may take long: a send to 50,000 recipients, or a fetch of 4,000 reports from a disk."""
        loop, finish = asyncio.get_running_loop(), self._vendor_app.finish
        async with self._long_requests if length > _SHORT_REQUEST else nullcontext():
            finished = await loop.run_in_executor(self._threads, lambda: finish(handle()))
        return finished.response if finished.pending_hint is None else await self._add_hint(finished)

    async def _await_finished(self, future: "asyncio.Future[FinishedRequest]") -> Response:
        finished = await future
        return finished.response if finished.pending_hint is None else await self._add_hint(finished)

    def _add_hint(self, finished: FinishedRequest) -> Awaitable[Response]:
        return asyncio.wrap_future(self._diagnosis.submit(finished))

    def bad_request(self, error: BadRequest, addresses: SocketAddresses, beginning: bytes) -> Response:
        """Record bytes that are no HTTP request, and return the response."""
        response = text_response(error.status, str(error))
        self._invalid_requests.record(error, response, addresses, beginning)
        return response

    def log_unread(self, addresses: SocketAddresses, size: int, seconds: float) -> None:
        """Log that a client was disconnected because it did not read its responses."""
        self._vendor_app.log_client(
            addresses, f"read nothing of {size} bytes for {seconds:g} seconds, and was disconnected"
        )
