"""The WSGI application beside the vendor's pages: called on threads, and answered with a whole body or with pieces.

Here belongs how an application is asked and what of its answer is kept. Which requests are its, `answering` says.
"""

import asyncio
import io
import sys
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import Executor
from typing import Any, Final, NamedTuple, TypeAlias

from sms10692_mock.http.heads import Head
from sms10692_mock.http.spoiling import Response
from sms10692_mock.http.threads import on_a_thread
from sms10692_mock.http.wsgi import Application, Environ

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


class Elsewhere:
    """Asks an application on `threads`: one for each that is asked, and as long as a stream makes a piece.

    `log` is told the method, path and status of each.
    """

    def __init__(self, application: Application, threads: Executor, log: Callable[[str, str, int], None]) -> None:
        self._application = application
        self._threads = threads
        self._log = log

    async def answer(self, head: Head, body: bytes, ends: Ends) -> Answer:
        """The answer to a request; of a stream the pieces are still to come."""
        answer = await on_a_thread(self._threads, self._called, _environ(head, body, ends))
        response = answer if isinstance(answer, Response) else answer.response
        self._log(head.method, head.path, response.status)
        return answer

    def _called(self, environ: Environ) -> Answer:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
            started[:] = int(status.partition(" ")[0]), headers

        pieces = self._application(environ, start_response)
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
                next_piece = self._threads.submit(next, coming, b"")
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
                await on_a_thread(self._threads, _close, pieces)


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
    if head.authority is not None:
        # It counts instead of Host (RFC 9112, 3.2.2); two that differ are one that nobody has, as two headers are.
        host = head.said.get("host", head.authority)
        is_same = host.lower() == head.authority.lower()
        environ["HTTP_HOST"] = head.authority if is_same else f"{host},{head.authority}"
    return environ


_ELSEWHERE: Final = frozenset({"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"})
"""What is said otherwise, or holds no longer."""


def _is_stream(headers: list[tuple[str, str]]) -> bool:
    return any(name.lower() == "content-type" and value.startswith(_STREAMED) for name, value in headers)


def _close(pieces: Iterable[bytes]) -> None:
    if hasattr(pieces, "close"):
        pieces.close()
