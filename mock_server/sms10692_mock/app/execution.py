"""Requests to the vendor's pages that are not answered at once: handed over to threads, or put aside, and waited for.

Here belongs how each is waited for. Which are, `answering` says.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import nullcontext
from functools import partial
from typing import Final

from sms10692.protocol import Endpoint
from sms10692_mock.app.diagnosis_scheduler import DiagnosisScheduler
from sms10692_mock.app.vendor_app import HandledRequest, Request, VendorApp
from sms10692_mock.server.batch_runner import BatchRunner
from sms10692_mock.server.http_types import Response
from sms10692_mock.server.thread_pools import ThreadPools, run_in_threadpool

INLINE_LIMIT: Final = 16 * 1024
"""Bytes of a form up to which a send is answered in well under a millisecond."""

_MAX_LARGE: Final = 4
"""Larger forms that are worked on at the same time: each may take a hundred times its bytes, and all of one core."""


class DeferredExecution:
    """Waits for exchanges of `pages`, for the loop that runs when it is made."""

    def __init__(self, pages: VendorApp, threads: ThreadPools, explanations: DiagnosisScheduler) -> None:
        self._pages = pages
        self._threads = threads
        self._explanations = explanations
        self._large = asyncio.Semaphore(_MAX_LARGE)
        self._on_loop = pages.on_loop(threads.vendor)
        self._together = BatchRunner[HandledRequest](threads.vendor, pages.gathered)

    def close(self) -> None:
        """Let go of what is open for those who wait."""
        if self._on_loop is not None:
            self._on_loop.close()

    async def run_batched(self, page: Endpoint, request: Request) -> Response:
        """The answer to a request that takes long only where the store makes it wait."""
        if self._on_loop is not None:
            exchange = await self._on_loop.submit(partial(self._pages.handle_without_hint, page, request))
        else:
            exchange = await self._together.submit(partial(self._pages.begin, page, request))
        return await self._response(exchange)

    async def run_in_thread(self, page: Endpoint, request: Request) -> Response:
        """The answer to a request that takes long: it has a thread of its own."""
        length = len(request.query) + len(request.body)
        async with self._large if length > INLINE_LIMIT else nullcontext():
            exchange = await run_in_threadpool(self._threads.vendor, self._pages.handle_without_hint, page, request)
        return await self._response(exchange)

    async def run_unparsed(self, page: Endpoint, request: Request, response: Response) -> Response:
        """The same response, once it is kept of the request that it could not be read."""
        keep = self._pages.log_rejected
        return await run_in_threadpool(self._threads.vendor, keep, page, request, response)

    def run_with_diagnosis(self, exchange: HandledRequest) -> Awaitable[Response]:
        """The response of an exchange that is unexplained, with a hint."""
        return asyncio.wrap_future(self._explanations.submit(exchange))

    async def _response(self, exchange: HandledRequest) -> Response:
        return exchange.response if exchange.pending_hint is None else await self.run_with_diagnosis(exchange)
