"""Who answers a request: the vendor's pages, at once or on a thread, or the WSGI application beside them.

Here belongs which request may keep others waiting. How a request came and a response goes is the affair of
`connection`.
"""

import asyncio
import io
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from concurrent.futures import Executor
from contextlib import nullcontext
from functools import partial
from typing import Any, Final, NamedTuple, ParamSpec, TypeAlias, TypeVar

from sms10692 import contract
from sms10692.contract import Page
from sms10692_mock.calls import page_of
from sms10692_mock.http.explanations import Explanations
from sms10692_mock.http.heads import Head, NoHttp
from sms10692_mock.http.inbox import Arrived
from sms10692_mock.http.pages import Exchange, Pages, Request, plain
from sms10692_mock.http.spoiling import Response
from sms10692_mock.http.threads import Threads
from sms10692_mock.http.together import Together
from sms10692_mock.http.wsgi import Application, Environ

P = ParamSpec("P")
Made = TypeVar("Made")

_QUICK: Final = 16 * 1024
"""Bytes of a form up to which a send is answered at once, between two other requests."""

_LARGE_AT_ONCE: Final = 4
"""Larger forms that are worked on at the same time: each may take a hundred times its bytes, and all of one core."""

_BODILESS: Final = (204, 304)
_STREAMED: Final = "text/event-stream"


class Ends(NamedTuple):
    """The two ends of a connection, each a host and a port."""

    server: tuple[str, int]
    client: tuple[str, int]


class Stream(NamedTuple):
    """A response whose body comes in pieces, as long as there are any. Who has enough of them closes them."""

    response: Response
    pieces: AsyncGenerator[bytes, None]


Answer: TypeAlias = Response | Stream


class Answering:
    """Answers requests to the vendor's `pages`, and leaves all other paths to `elsewhere`.

    What takes long of the vendor's runs on threads of its own, all that is elsewhere on those beside: streams and
    those who wait hold theirs as long as they like. For the loop that runs when it is made.
    """

    def __init__(self, pages: Pages, elsewhere: Application, threads: Threads, explanations: Explanations) -> None:
        self._pages = pages
        self._elsewhere = elsewhere
        self._threads = threads
        self._explanations = explanations
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)
        self._on_loop = pages.on_loop(threads.long)
        self._together = Together[Exchange](threads.long, pages.gathered)

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
            return self._elsewheres(head, body, ends)
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
        if not _is_quick(page, length):
            async with self._large if length > _QUICK else nullcontext():
                exchange = await _on_a_thread(self._threads.long, self._pages.exchange, page, request)
        elif self._on_loop is not None:
            exchange = await self._on_loop.submit(partial(self._pages.exchange, page, request))
        else:
            exchange = await self._together.submit(partial(self._pages.asked, page, request))
        return exchange.response if exchange.unexplained is None else await self._explained(exchange)

    def _explained(self, exchange: Exchange) -> Awaitable[Response]:
        return asyncio.wrap_future(self._explanations.submit(exchange))

    def _unread(self, page: Page | None, request: Request, response: Response) -> Response | Awaitable[Response]:
        if page is None:
            self._pages.log_status(request.method, request.path, response.status)
            return response
        keep = self._pages.answered_without_the_vendor
        if self._pages.waits:
            return _on_a_thread(self._threads.long, keep, page, request, response)
        return keep(page, request, response)

    async def _elsewheres(self, head: Head, body: bytes, ends: Ends) -> Answer:
        answer = await _on_a_thread(self._threads.beside, self._called, _environ(head, body, ends))
        response = answer if isinstance(answer, Response) else answer.response
        self._pages.log_status(head.method, head.path, response.status)
        return answer

    def _called(self, environ: Environ) -> Answer:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            started[:] = int(status.partition(" ")[0]), headers

        pieces = self._elsewhere(environ, start_response)
        status, headers = started
        if _is_stream(headers):
            return Stream(Response(status, headers, b""), self._pieces(pieces))
        try:
            body = b"".join(pieces)
        finally:
            _close(pieces)
        # The date is set where the head is written, for all.
        headers = [(name, value) for name, value in headers if name.lower() != "date"]
        if status not in _BODILESS and not any(name.lower() == "content-length" for name, _ in headers):
            headers.append(("Content-Length", str(len(body))))
        return Response(status, headers, body)

    async def _pieces(self, pieces: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
        """The pieces, each made on a thread, until an empty one."""
        coming = iter(pieces)
        is_left_to_others = False
        try:
            while True:
                next_piece = self._threads.beside.submit(next, coming, b"")
                try:
                    piece = await asyncio.wrap_future(next_piece)
                except asyncio.CancelledError:
                    # Somebody is still making the next piece, and nobody else may close what makes it.
                    is_left_to_others = True
                    next_piece.add_done_callback(lambda _: _close(pieces))
                    raise
                if not piece:
                    return
                yield piece
        finally:
            if not is_left_to_others:
                await _on_a_thread(self._threads.beside, _close, pieces)


def _request_of(head: Head, body: bytes) -> Request:
    """What of a request the vendor's pages see."""
    return Request(head.method, head.query, head.said.get("content-type", ""), body, head.path, head.headers)


def _is_quick(page: Page, length: int) -> bool:
    """Whether the answer is made in well under a millisecond: not 50,000 numbers, and not a page of 4,000 reports."""
    return length <= _QUICK and page in (contract.V2SMS, contract.V2SMS_GBK)


async def _on_a_thread(threads: Executor, work: Callable[P, Made], *args: P.args, **kwargs: P.kwargs) -> Made:
    return await asyncio.get_running_loop().run_in_executor(threads, partial(work, *args, **kwargs))


def _environ(head: Head, body: bytes, ends: Ends) -> Environ:
    """The same request as PEP 3333 has it."""
    environ: Environ = {
        "REQUEST_METHOD": head.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": head.path.encode().decode("latin-1"),
        "QUERY_STRING": head.query.decode("latin-1"),
        "SERVER_NAME": ends.server[0],
        "SERVER_PORT": str(ends.server[1]),
        "SERVER_PROTOCOL": "HTTP/1.0" if head.is_1_0 else "HTTP/1.1",
        "REMOTE_ADDR": ends.client[0],
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": head.said.get("content-type", ""),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in head.headers:
        key = f"HTTP_{name.upper().replace('-', '_')}"
        if "_" not in name and key not in _ELSEWHERE:
            environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


_ELSEWHERE: Final = frozenset({"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"})
"""What is said otherwise, or holds no longer."""


def _is_stream(headers: list[tuple[str, str]]) -> bool:
    return any(name.lower() == "content-type" and value.startswith(_STREAMED) for name, value in headers)


def _close(pieces: Iterable[bytes]) -> None:
    if hasattr(pieces, "close"):
        pieces.close()
