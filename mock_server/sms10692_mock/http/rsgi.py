"""The vendor's pages on granian's own interface, RSGI, and beside them any WSGI application on threads.

Here belongs what RSGI says about reading a request and giving a response. It is used instead of WSGI because a body
that is still on its way then holds no thread, and because it tells a body that broke off from one that ended.
"""

import asyncio
import io
import sys
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from typing import Any, Final, NamedTuple, ParamSpec, Protocol, TypeVar

from granian._granian import RSGIHeaders, RSGIHTTPProtocol, RSGIProtocolClosed, RSGIProtocolError
from granian.rsgi import Scope

from sms10692 import contract
from sms10692.contract import Page
from sms10692_mock.calls import page_of
from sms10692_mock.http.explanations import Explanations
from sms10692_mock.http.hanging_up import hang_up
from sms10692_mock.http.pages import (
    BODY_LIMIT,
    DRAIN_LIMIT,
    BodyCutShort,
    BodyTooLarge,
    Pages,
    Request,
    Unreadable,
)
from sms10692_mock.http.spoiling import Response
from sms10692_mock.http.threads import Threads
from sms10692_mock.http.wsgi import Application, Environ

P = ParamSpec("P")
Made = TypeVar("Made")

_QUICK: Final = 16 * 1024
"""Bytes of a body up to which a send is answered at once, between two other requests."""

_LARGE_AT_ONCE: Final = 4
"""Larger bodies that are worked on at the same time: each may take a hundred times its bytes, and all of one core."""


_HEAD_ALONE: Final = 0.1
"""Seconds that a head is given to get away without a body: with the first bytes of one it goes at once."""

_STREAMED: Final = "text/event-stream"


class RsgiApplication(Protocol):
    """What granian calls with each request."""

    async def __call__(self, scope: Scope, connection: RSGIHTTPProtocol) -> None: ...


class _Elsewheres(NamedTuple):
    """What the WSGI application answered; `pieces` are those of a stream, which has no end of its own."""

    response: Response
    pieces: Iterable[bytes] | None = None


class RsgiPages:
    """An RSGI application that serves the vendor's pages and leaves all other paths to `elsewhere`.

    What takes long of the vendor's runs on threads of its own, all that is elsewhere on those beside: streams and
    those who wait hold theirs as long as they like.
    """

    def __init__(self, pages: Pages, elsewhere: Application, threads: Threads, explanations: Explanations) -> None:
        self._pages = pages
        self._elsewhere = elsewhere
        self._threads = threads
        self._explanations = explanations
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)

    async def __call__(self, scope: Scope, connection: RSGIHTTPProtocol) -> None:
        page, headers = page_of(scope.path), scope.headers
        try:
            body = await _body(headers, connection)
        except Unreadable as error:
            response = await self._unread(page, request_of(scope, headers, b""), error.response)
        else:
            if page is None:
                await self._elsewheres(scope, connection, body)
                return
            response = await self._vendors(page, request_of(scope, headers, body))
        if response.is_spoilt:
            await send_spoilt(response, scope, connection)
        else:
            connection.response_bytes(response.status, response.headers, response.body)

    async def _vendors(self, page: Page, request: Request) -> Response:
        if is_quick(page, len(request.body)) and not self._pages.waits:
            exchange = self._pages.exchange(page, request)
        elif len(request.body) > _QUICK:
            async with self._large:
                exchange = await _on_a_thread(self._threads.long, self._pages.exchange, page, request)
        else:
            exchange = await _on_a_thread(self._threads.long, self._pages.exchange, page, request)
        if exchange.unexplained is None:
            return exchange.response
        return await asyncio.wrap_future(self._explanations.submit(exchange))

    async def _unread(self, page: Page | None, request: Request, response: Response) -> Response:
        if page is None:
            self._pages.log_status(request.method, request.path, response.status)
            return response
        keep = self._pages.answered_without_the_vendor
        if self._pages.waits:
            return await _on_a_thread(self._threads.long, keep, page, request, response)
        return keep(page, request, response)

    async def _elsewheres(self, scope: Scope, connection: RSGIHTTPProtocol, body: bytes) -> None:
        answer = await _on_a_thread(self._threads.beside, _wsgi_answer, self._elsewhere, _environ(scope, body))
        status, headers, whole = answer.response[:3]
        self._pages.log_status(scope.method, scope.path, status)
        if answer.pieces is None:
            connection.response_bytes(status, headers, whole)
        else:
            await self._stream(answer.response, answer.pieces, connection)

    async def _stream(self, response: Response, pieces: Iterable[bytes], connection: RSGIHTTPProtocol) -> None:
        """Send pieces as they come until there are no more, or nobody is there. An empty piece is the end."""
        stream = connection.response_stream(response.status, response.headers)
        coming = iter(pieces)
        while True:
            next_piece = self._threads.beside.submit(next, coming, b"")
            try:
                piece = await asyncio.wrap_future(next_piece)
                if not piece:
                    break
                await stream.send_bytes(piece)
            except RSGIProtocolClosed:
                break
            except asyncio.CancelledError:
                # Somebody is still making the next piece, and nobody else may close what makes it.
                next_piece.add_done_callback(lambda _: _close(pieces))
                raise
        await _on_a_thread(self._threads.beside, _close, pieces)


async def unless_stopped(work: Coroutine[Any, Any, None], scope: Scope, connection: RSGIHTTPProtocol) -> None:
    """Deal with a request, and hang up where that is cancelled: granian would answer 500 and log a traceback."""
    try:
        await work
    except asyncio.CancelledError:
        hang_up(scope.client, scope.server)
        with suppress(RSGIProtocolError):  # the answer has begun
            connection.response_empty(503, [])


async def _on_a_thread(threads: Executor, work: Callable[P, Made], *args: P.args, **kwargs: P.kwargs) -> Made:
    return await asyncio.get_running_loop().run_in_executor(threads, partial(work, *args, **kwargs))


def request_of(scope: Scope, headers: RSGIHeaders, body: bytes) -> Request:
    """What of a request the vendor's pages see. `headers` are those of the scope, which copies them at every look."""
    content_type = headers.get("content-type") or ""
    return Request(scope.method, scope.query_string.encode(), content_type, body, scope.path, headers.items())


async def send_spoilt(response: Response, scope: Scope, connection: RSGIHTTPProtocol) -> None:
    """Send late, or less than all, or nothing, as the response wants it."""
    await asyncio.sleep(response.delay)
    if response.hangs:
        await connection.client_disconnect()
    elif response.cut is not None and response.cut < 0:
        hang_up(scope.client, scope.server)
    elif response.cut is not None:
        stream = connection.response_stream(response.status, response.headers)
        # Fewer bytes than the head has promised: the connection is closed behind them, if it is still there.
        with suppress(RSGIProtocolClosed):
            if response.cut:
                await stream.send_bytes(response.body[: response.cut])
            else:
                await asyncio.sleep(_HEAD_ALONE)
        return
    connection.response_bytes(response.status, response.headers, response.body)


def is_quick(page: Page, length: int) -> bool:
    """Whether the answer is made in well under a millisecond: not 50,000 numbers, and not a page of 4,000 reports."""
    return length <= _QUICK and page in (contract.V2SMS, contract.V2SMS_GBK)


def length_of(headers: RSGIHeaders) -> int | None:
    """The bytes of a body, or None where only its end will tell."""
    declared = headers.get("content-length")
    if declared is not None:
        return int(declared)
    return 0 if headers.get("transfer-encoding") is None else None


async def _body(headers: RSGIHeaders, connection: RSGIHTTPProtocol) -> bytes:
    length = length_of(headers)
    if length is None or length > BODY_LIMIT:
        return await _bounded_body(connection)
    if length == 0:
        return b""
    try:
        return await connection()
    except RSGIProtocolClosed:
        raise BodyCutShort from None


async def _bounded_body(connection: RSGIHTTPProtocol) -> bytes:
    pieces: list[bytes] = []
    read = 0
    ended = False
    async for piece in connection:
        # A body ends with one empty piece. Another piece after it means that it broke off in between.
        if ended:
            raise BodyCutShort
        ended = not piece
        read += len(piece)
        if read <= BODY_LIMIT:
            pieces.append(piece)
        elif read >= DRAIN_LIMIT:
            break
    if read > BODY_LIMIT:
        raise BodyTooLarge
    return b"".join(pieces)


def _environ(scope: Scope, body: bytes) -> Environ:
    """The same request as PEP 3333 has it."""
    host, _, port = scope.server.rpartition(":")
    environ: Environ = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0],
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": scope.headers.get("content-type") or "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        if name in {"content-type", "content-length"}:
            continue
        key = f"HTTP_{name.upper().replace('-', '_')}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ


def _wsgi_answer(application: Application, environ: Environ) -> _Elsewheres:
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        started[:] = int(status.partition(" ")[0]), headers

    pieces = application(environ, start_response)
    if started and _is_stream(started[1]):
        return _Elsewheres(Response(started[0], started[1], b""), pieces)
    try:
        body = b"".join(pieces)
    finally:
        _close(pieces)
    return _Elsewheres(Response(started[0], started[1], body))


def _is_stream(headers: list[tuple[str, str]]) -> bool:
    return any(name.lower() == "content-type" and value.startswith(_STREAMED) for name, value in headers)


def _close(pieces: Iterable[bytes]) -> None:
    if hasattr(pieces, "close"):
        pieces.close()
