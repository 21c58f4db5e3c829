"""WSGI bridge: calls a WSGI application for the asyncio server, on worker threads.

A response has a complete body or, for server-sent events, is streamed. An application that waits for a change (see
`domain.notifier`) holds no thread meanwhile: its wait is repeated on the event loop.
"""

import asyncio
import io
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Executor
from typing import Final, TypeVar

from sms10692_mock.domain.notifier import Wait, deferring
from sms10692_mock.server.client_presence import ClientGone, ClientPresence
from sms10692_mock.server.http1_head import RequestHead
from sms10692_mock.server.http_types import AnyResponse, Response, SocketAddresses, StreamingResponse
from sms10692_mock.server.long_polling import LongPolling
from sms10692_mock.server.wsgi_call import ApplicationCall
from sms10692_mock.server.wsgi_types import Application, Environ

Result = TypeVar("Result")

_CLIENT_GONE_STATUS: Final = 499
"""The status in the access log of a request whose client closed the connection before the response."""


class WsgiBridge:
    """Calls a WSGI application on `threads`. Create and use it on the thread of a running event loop.

    `log` is called with method, path, status and response headers of each request. `when_idle` is called on the event
    loop whenever the last running thread has finished.
    """

    def __init__(
        self,
        application: Application,
        threads: Executor,
        log: Callable[[str, str, int, Sequence[tuple[str, str]]], None],
    ) -> None:
        self._application = application
        self._threads = threads
        self._log = log
        self._long_polling = LongPolling(threads)
        self._running = 0
        self.when_idle: Callable[[], None] = lambda: None

    @property
    def is_idle(self) -> bool:
        """Whether no thread runs the application."""
        return not self._running

    async def respond(
        self, head: RequestHead, body: bytes, addresses: SocketAddresses, presence: ClientPresence
    ) -> AnyResponse:
        """Return the response to a request.

        Raises ClientGone if the client closes the connection while the application waits. The caller must exhaust or
        close the `pieces` of a StreamingResponse.
        """
        call, response, wait = await self._call(head, body, addresses)
        if wait is not None:
            await self._long_polling.wait(wait, presence)
            if presence.is_gone:
                self._log(head.method, head.path, _CLIENT_GONE_STATUS, ())
                raise ClientGone
            call, response, _ = await self._call(head, body, addresses)
        self._log(head.method, head.path, response.status, response.headers)
        return StreamingResponse(response, self._pieces(call, presence)) if call.is_stream else response

    async def _call(
        self, head: RequestHead, body: bytes, addresses: SocketAddresses
    ) -> tuple[ApplicationCall, Response, Wait | None]:
        call = ApplicationCall(self._application, _build_environ(head, body, addresses))
        response, wait = await self._run(call, call.begin)
        return call, response, None if call.is_stream else wait

    async def _pieces(self, call: ApplicationCall, presence: ClientPresence) -> AsyncGenerator[bytes, None]:
        """Yield the pieces of a streamed body, each made on a thread, and close the call."""
        is_closed = False
        try:
            while True:
                try:
                    piece, wait = await self._run(call, call.next_piece)
                except asyncio.CancelledError:
                    is_closed = True  # `_run` closes the call when its thread has finished
                    raise
                if piece is None:
                    return
                if piece:
                    yield piece
                if wait is not None:
                    await self._long_polling.wait(wait, presence)
        finally:
            if not is_closed:
                await self._run(call, call.close)

    async def _run(self, call: ApplicationCall, work: Callable[[], Result]) -> tuple[Result, Wait | None]:
        """Run `work`, a method of `call`, on a thread. Returns its result, and the wait that it asked for instead.

        **A call is closed only after its thread has finished**, also when this coroutine is cancelled.
        """
        self._running += 1
        done = self._threads.submit(_run_deferring, work)
        try:
            return await asyncio.wrap_future(done)
        except asyncio.CancelledError:
            done.add_done_callback(lambda _: call.close())
            raise
        finally:
            self._running -= 1
            if not self._running:
                self.when_idle()


def _run_deferring(work: Callable[[], Result]) -> tuple[Result, Wait | None]:
    with deferring() as waits:
        result = work()
    return result, waits[0] if waits else None


def _build_environ(head: RequestHead, body: bytes, addresses: SocketAddresses) -> Environ:
    """Build the WSGI environment of a request (PEP 3333)."""
    environ: Environ = {
        "REQUEST_METHOD": head.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": (head.path if head.path.startswith("/") else f"/{head.path}").encode().decode("latin-1"),
        "QUERY_STRING": head.query.decode("latin-1"),
        "SERVER_NAME": addresses.server[0],
        "SERVER_PORT": str(addresses.server[1]),
        "SERVER_PROTOCOL": "HTTP/1.0" if head.is_http10 else "HTTP/1.1",
        "REMOTE_ADDR": addresses.client[0],
        "REMOTE_PORT": str(addresses.client[1]),
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": head.headers_lower.get("content-type", ""),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": addresses.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in head.headers:
        key = f"HTTP_{name.upper().replace('-', '_')}"
        if "_" not in name and key not in _DROPPED_HEADERS:
            separator = "; " if key == "HTTP_COOKIE" else ","
            environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    if head.authority is not None:
        # The authority of the target replaces Host (RFC 9112, 3.2.2). If they differ, both are passed on, as with two
        # Host headers: no allowed host has a comma, so the request is refused.
        host = head.headers_lower.get("host", head.authority)
        is_same = host.lower() == head.authority.lower()
        environ["HTTP_HOST"] = head.authority if is_same else f"{host},{head.authority}"
    return environ


_DROPPED_HEADERS: Final = frozenset({"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"})
"""Headers that have a WSGI key of their own, or that do not hold for the decoded body."""
