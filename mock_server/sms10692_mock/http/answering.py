"""Who answers a request: the vendor's pages, at once or on a thread, or the WSGI application beside them.

Here belongs which request may keep others waiting. How a request came and a response goes is the affair of
`connection`.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import nullcontext
from functools import partial
from typing import Final

from sms10692 import contract
from sms10692.contract import Page
from sms10692_mock.calls import page_of
from sms10692_mock.http.elsewhere import Answer, Elsewhere, Ends
from sms10692_mock.http.explanations import Explanations
from sms10692_mock.http.heads import Head, NoHttp
from sms10692_mock.http.inbox import Arrived
from sms10692_mock.http.pages import Exchange, Pages, Request, plain
from sms10692_mock.http.spoiling import Response
from sms10692_mock.http.threads import Threads, on_a_thread
from sms10692_mock.http.together import Together
from sms10692_mock.http.wsgi import Application

_QUICK: Final = 16 * 1024
"""Bytes of a form up to which a send is answered at once, between two other requests."""

_LARGE_AT_ONCE: Final = 4
"""Larger forms that are worked on at the same time: each may take a hundred times its bytes, and all of one core."""


class Answering:
    """Answers requests to the vendor's `pages`, and leaves all other paths to `elsewhere`.

    What takes long of the vendor's runs on threads of its own, all that is elsewhere on those beside: streams and
    those who wait hold theirs as long as they like. For the loop that runs when it is made.
    """

    def __init__(self, pages: Pages, elsewhere: Application, threads: Threads, explanations: Explanations) -> None:
        self._pages = pages
        self._elsewhere = Elsewhere(elsewhere, threads.beside)
        self._threads = threads
        self._explanations = explanations
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)
        self._on_loop = pages.on_loop(threads.long)
        self._short = self._on_loop or Together[Exchange](threads.long)

    def close(self) -> None:
        """Let go of what is open for those who wait."""
        if self._on_loop is not None:
            self._on_loop.close()

    def answer(self, arrived: Arrived, ends: Ends) -> Response | Awaitable[Answer]:
        """The answer to a request, or where it takes longer what is to be waited for."""
        head, body, failure = arrived
        page = page_of(head.path)
        if failure is not None:
            return self._unread(page, _request_of(head, b""), failure.response)
        if page is None:
            return self._beside(head, body, ends)
        request = _request_of(head, body)
        length = len(head.query) + len(body)
        if self._pages.waits or not _is_quick(page, length):
            return self._slowly(page, request, length)
        exchange = self._pages.exchange(page, request)
        return exchange.response if exchange.unexplained is None else self._explained(exchange)

    def refusal(self, error: NoHttp) -> Response:
        """The answer to what is no request."""
        self._pages.log_status("no HTTP", str(error), error.status)
        return plain(error.status, str(error))

    async def _slowly(self, page: Page, request: Request, length: int) -> Response:
        if _is_quick(page, length):
            exchange = await self._short.submit(partial(self._pages.exchange, page, request))
        else:
            async with self._large if length > _QUICK else nullcontext():
                exchange = await on_a_thread(self._threads.long, self._pages.exchange, page, request)
        return exchange.response if exchange.unexplained is None else await self._explained(exchange)

    async def _beside(self, head: Head, body: bytes, ends: Ends) -> Answer:
        answer = await self._elsewhere.answer(head, body, ends)
        response = answer if isinstance(answer, Response) else answer.response
        self._pages.log_status(head.method, head.path, response.status)
        return answer

    def _explained(self, exchange: Exchange) -> Awaitable[Response]:
        return asyncio.wrap_future(self._explanations.submit(exchange))

    def _unread(self, page: Page | None, request: Request, response: Response) -> Response | Awaitable[Response]:
        if page is None:
            self._pages.log_status(request.method, request.path, response.status)
            return response
        keep = self._pages.answered_without_the_vendor
        if self._pages.waits:
            return on_a_thread(self._threads.long, keep, page, request, response)
        return keep(page, request, response)


def _request_of(head: Head, body: bytes) -> Request:
    """What of a request the vendor's pages see."""
    return Request(head.method, head.query, head.said.get("content-type", ""), body, head.path, head.headers)


def _is_quick(page: Page, length: int) -> bool:
    """Whether the answer is made in well under a millisecond: not 50,000 numbers, and not a page of 4,000 reports."""
    return length <= _QUICK and page in (contract.V2SMS, contract.V2SMS_GBK)
