"""The short way through granian: a page of the vendor's is answered where its request arrives, with no event loop.

Here belongs how granian 2.8 hands over a request and its body, on a thread of its own. Its usual way makes a task of
each, and a send then changes threads four times. Requests to other paths, and bodies without a length, become tasks
as ever. On Windows granian hands bodies over another way, and all requests are tasks.
"""

import asyncio
from asyncio import Handle
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from contextvars import Context
from typing import Any, Protocol, TypeVarTuple, Unpack

import uvloop
from granian._granian import RSGIHeaders, RSGIHTTPProtocol, RSGIProtocolClosed
from granian.rsgi import Scope

from sms10692.contract import Page
from sms10692_mock.calls import page_of
from sms10692_mock.http.explanations import Explanations
from sms10692_mock.http.pages import BodyCutShort, Exchange, Pages
from sms10692_mock.http.rsgi import RsgiApplication, is_quick, length_of, request_of, send_spoilt, unless_stopped
from sms10692_mock.http.spoiling import Response

Args = TypeVarTuple("Args")


class _Watcher(Protocol):
    """One request, as granian hands it over. Who has dealt with it says `done`, or with what it failed."""

    scope: Scope
    proto: RSGIHTTPProtocol

    def done(self) -> None: ...

    def err(self, error: BaseException) -> None: ...

    def taskref(self, task: object) -> None: ...


class ShortCut:
    """Takes requests from granian: quick ones go to `pages`, all others as tasks to `application`.

    An explanation takes too long for granian's thread; so does a store that waits, and then `threads` wait.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        application: RsgiApplication,
        pages: Pages,
        threads: Executor,
        explanations: Explanations,
    ) -> None:
        self.pages = pages
        self.threads = threads
        self.explanations = explanations
        self._loop = loop
        self._application = application

    def take(self, watcher: _Watcher) -> None:
        """Deal with a request, or see that somebody does."""
        scope, headers = watcher.scope, watcher.scope.headers
        page, length = page_of(scope.path), length_of(headers)
        if page is None or length is None or not is_quick(page, length):
            self.as_task(watcher, self._application(scope, watcher.proto))
        elif length == 0:
            _Visit(self, page, watcher, headers).answer(b"")
        else:
            body: Any = watcher.proto()
            body.add_done_callback(_Visit(self, page, watcher, headers))

    def as_task(self, watcher: _Watcher, work: Coroutine[Any, Any, None]) -> None:
        """Deal with a request on the event loop."""
        self._loop.call_soon_threadsafe(self._start, watcher, work)

    def _start(self, watcher: _Watcher, work: Coroutine[Any, Any, None]) -> None:
        watcher.taskref(self._loop.create_task(_watched(watcher, work)))


async def _watched(watcher: _Watcher, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except BaseException as error:
        watcher.err(error)
        raise
    watcher.done()


class _Visit:
    """A request to a page, which granian calls as soon as its body is there, or broke off."""

    __slots__ = ("_headers", "_page", "_short_cut", "_watcher")

    def __init__(self, short_cut: ShortCut, page: Page, watcher: _Watcher, headers: RSGIHeaders) -> None:
        self._headers = headers
        self._short_cut = short_cut
        self._page = page
        self._watcher = watcher

    def __call__(self, arrived: asyncio.Future[bytes]) -> None:
        try:
            body = arrived.result()
        except RSGIProtocolClosed:
            self.answer(None)
        else:
            self.answer(body)

    def answer(self, body: bytes | None) -> None:
        """Answer at once, or on another thread where the store makes one wait. No body is one that broke off."""
        if self._short_cut.pages.waits:
            self._short_cut.threads.submit(self._exchange, body)
        else:
            self._exchange(body)

    def _exchange(self, body: bytes | None) -> None:
        try:
            exchange = self._exchanged(body)
        except Exception as error:
            self._watcher.err(error)
            return
        if exchange.unexplained is None:
            self._respond(exchange.response)
        else:
            self._short_cut.explanations.submit(exchange).add_done_callback(self._explained)

    def _exchanged(self, body: bytes | None) -> Exchange:
        pages, page = self._short_cut.pages, self._page
        if body is not None:
            return pages.exchange(page, request_of(self._watcher.scope, self._headers, body))
        request = request_of(self._watcher.scope, self._headers, b"")
        return Exchange(pages.answered_without_the_vendor(page, request, BodyCutShort().response))

    def _explained(self, future: Future[Response]) -> None:
        error = future.exception()
        if error is None:
            self._respond(future.result())
        else:
            self._watcher.err(error)

    def _respond(self, response: Response) -> None:
        watcher = self._watcher
        if response.is_spoilt:
            scope, connection = watcher.scope, watcher.proto
            sending = send_spoilt(response, scope, connection)
            self._short_cut.as_task(watcher, unless_stopped(sending, scope, connection))
        else:
            watcher.proto.response_bytes(response.status, response.headers, response.body)


class Loop(uvloop.Loop):
    """An event loop that has granian speak to a visit at once, since a visit needs no loop."""

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Args]], object], *args: *Args, context: Context | None = None
    ) -> Handle:
        if isinstance(callback, _Visit):
            return callback(*args)
        return super().call_soon_threadsafe(callback, *args, context=context)
