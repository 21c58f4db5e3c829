"""Requests to the vendor's pages that are not answered at once: handed over to threads, or put aside, and waited for.

Here belongs how each is waited for. Which are, `answering` says.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import nullcontext
from functools import partial
from typing import Final

from sms10692.protocol import Page
from sms10692_mock.app.diagnosis_scheduler import Explanations
from sms10692_mock.app.fault_injection import Response
from sms10692_mock.app.vendor_app import Exchange, Pages, Request
from sms10692_mock.server.batch_runner import Together
from sms10692_mock.server.thread_pools import Threads, on_a_thread

QUICK: Final = 16 * 1024
"""Bytes of a form up to which a send is answered in well under a millisecond."""

_LARGE_AT_ONCE: Final = 4
"""Larger forms that are worked on at the same time: each may take a hundred times its bytes, and all of one core."""


class Waiting:
    """Waits for exchanges of `pages`, for the loop that runs when it is made."""

    def __init__(self, pages: Pages, threads: Threads, explanations: Explanations) -> None:
        self._pages = pages
        self._threads = threads
        self._explanations = explanations
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)
        self._on_loop = pages.on_loop(threads.long)
        self._together = Together[Exchange](threads.long, pages.gathered)

    def close(self) -> None:
        """Let go of what is open for those who wait."""
        if self._on_loop is not None:
            self._on_loop.close()

    async def quick(self, page: Page, request: Request) -> Response:
        """The answer to a request that takes long only where the store makes it wait."""
        if self._on_loop is not None:
            exchange = await self._on_loop.submit(partial(self._pages.exchange, page, request))
        else:
            exchange = await self._together.submit(partial(self._pages.asked, page, request))
        return await self._response(exchange)

    async def long(self, page: Page, request: Request) -> Response:
        """The answer to a request that takes long: it has a thread of its own."""
        length = len(request.query) + len(request.body)
        async with self._large if length > QUICK else nullcontext():
            exchange = await on_a_thread(self._threads.long, self._pages.exchange, page, request)
        return await self._response(exchange)

    async def unread(self, page: Page, request: Request, response: Response) -> Response:
        """The same response, once it is kept of the request that it could not be read."""
        keep = self._pages.answered_without_the_vendor
        return await on_a_thread(self._threads.long, keep, page, request, response)

    def explained(self, exchange: Exchange) -> Awaitable[Response]:
        """The response of an exchange that is unexplained, with a hint."""
        return asyncio.wrap_future(self._explanations.submit(exchange))

    async def _response(self, exchange: Exchange) -> Response:
        return exchange.response if exchange.unexplained is None else await self.explained(exchange)
