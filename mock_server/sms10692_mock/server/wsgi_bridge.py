"""The WSGI application beside the vendor's pages: called on threads, and answered with a whole body or with pieces.

Here belongs how an application is asked and what of its answer is kept. Which requests are its, `answering` says.
"""

import asyncio
import io
import sys
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from typing import Final, TypeVar

from sms10692_mock.domain.notifier import Wait, deferring
from sms10692_mock.server.client_presence import ClientGone, ClientPresence
from sms10692_mock.server.http1_head import RequestHead
from sms10692_mock.server.http_types import AnyResponse, Response, SocketAddresses, StreamingResponse
from sms10692_mock.server.long_polling import LongPolling
from sms10692_mock.server.wsgi_call import ApplicationCall
from sms10692_mock.server.wsgi_types import Application, Environ

Made = TypeVar("Made")

_CLIENT_GONE: Final = 499
"""What the log says of a request whose client did not wait for the answer."""


class WsgiBridge:
    """Asks an application on `threads`, each time for as long as it works: nothing that waits holds one.

    `log` is told the method, path and status of each request. `when_idle` is called whenever the last thread that was
    at work is done. For the loop that runs when it is made.
    """

    def __init__(self, application: Application, threads: Executor, log: Callable[[str, str, int], None]) -> None:
        self._application = application
        self._threads = threads
        self._log = log
        self._long_polling = LongPolling(threads)
        self._working = 0
        self.when_idle: Callable[[], None] = lambda: None

    @property
    def is_idle(self) -> bool:
        """Whether no thread is at work for a request."""
        return not self._working

    async def respond(
        self, head: RequestHead, body: bytes, ends: SocketAddresses, presence: ClientPresence
    ) -> AnyResponse:
        """The answer to a request; of a stream the pieces are still to come. Raises ClientGone."""
        call, response, wait = await self._call(head, body, ends)
        if wait is not None:
            await self._long_polling.wait(wait, presence)
            if presence.is_gone:
                self._log(head.method, head.path, _CLIENT_GONE)
                raise ClientGone
            call, response, _ = await self._call(head, body, ends)
        self._log(head.method, head.path, response.status)
        return StreamingResponse(response, self._pieces(call, presence)) if call.is_stream else response

    async def _call(
        self, head: RequestHead, body: bytes, ends: SocketAddresses
    ) -> tuple[ApplicationCall, Response, Wait | None]:
        call = ApplicationCall(self._application, _environ(head, body, ends))
        response, wait = await self._work(call, call.begin)
        return call, response, None if call.is_stream else wait

    async def _pieces(self, call: ApplicationCall, presence: ClientPresence) -> AsyncGenerator[bytes, None]:
        """The pieces of a body that has begun, each made on a thread."""
        is_closed = False
        try:
            while True:
                try:
                    piece, wait = await self._work(call, call.next_piece)
                except asyncio.CancelledError:
                    is_closed = True  # by the thread that is at work for it
                    raise
                if piece is None:
                    return
                if piece:
                    yield piece
                if wait is not None:
                    await self._long_polling.wait(wait, presence)
        finally:
            if not is_closed:
                await self._work(call, call.close)

    async def _work(self, call: ApplicationCall, work: Callable[[], Made]) -> tuple[Made, Wait | None]:
        """What the work returns, done on a thread, and what it would have waited for there."""
        self._working += 1
        done = self._threads.submit(_deferring, work)
        try:
            return await asyncio.wrap_future(done)
        except asyncio.CancelledError:
            done.add_done_callback(lambda _: call.close())  # nobody else may while a thread is at work
            raise
        finally:
            self._working -= 1
            if not self._working:
                self.when_idle()


def _deferring(work: Callable[[], Made]) -> tuple[Made, Wait | None]:
    with deferring() as waits:
        made = work()
    return made, waits[0] if waits else None


def _environ(head: RequestHead, body: bytes, ends: SocketAddresses) -> Environ:
    """The same request as PEP 3333 has it."""
    environ: Environ = {
        "REQUEST_METHOD": head.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": (head.path if head.path.startswith("/") else f"/{head.path}").encode().decode("latin-1"),
        "QUERY_STRING": head.query.decode("latin-1"),
        "SERVER_NAME": ends.server[0],
        "SERVER_PORT": str(ends.server[1]),
        "SERVER_PROTOCOL": "HTTP/1.0" if head.is_http10 else "HTTP/1.1",
        "REMOTE_ADDR": ends.client[0],
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": head.headers_lower.get("content-type", ""),
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
        if "_" not in name and key not in _DROPPED_HEADERS:
            separator = "; " if key == "HTTP_COOKIE" else ","
            environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value
    if head.authority is not None:
        # It counts instead of Host (RFC 9112, 3.2.2); two that differ are one that nobody has, as two headers are.
        host = head.headers_lower.get("host", head.authority)
        is_same = host.lower() == head.authority.lower()
        environ["HTTP_HOST"] = head.authority if is_same else f"{host},{head.authority}"
    return environ


_DROPPED_HEADERS: Final = frozenset({"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"})
"""What is said otherwise, or holds no longer."""
