"""One call of a WSGI application (PEP 3333): from its environment to a response."""

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from types import TracebackType
from typing import Final, TypeAlias

from sms10692_mock.server.http_types import BODILESS, Response
from sms10692_mock.server.wsgi_types import Application, Environ

ExceptionInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]

_STREAMED_CONTENT_TYPE: Final = "text/event-stream"

_SERVER_HEADERS: Final = frozenset(
    {"connection", "date", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Hop-by-hop headers and Date, which only the server sets. Those of the application are dropped."""


class ApplicationCall:
    """A call of an application. Its methods may run on any thread, but only on one at a time.

    `begin` returns a complete response and closes the call, unless `is_stream` is set, which means server-sent events.
    **The caller must `close` a stream**; until then `next_piece` returns the parts of its body.
    """

    def __init__(self, application: Application, environ: Environ) -> None:
        self._application = application
        self._environ = environ
        self._started: tuple[int, list[tuple[str, str]]] | None = None
        self._written: list[bytes] = []
        self._headers_are_final = False
        self._result: Iterable[bytes] = ()
        self._pieces: Iterator[bytes] = iter(())
        self._is_closed = False
        self.is_stream = False

    def begin(self) -> Response:
        """Call the application and return its response; that of a stream has no body. Exceptions of it pass through."""
        try:
            response = self._begin()
        except BaseException:
            self.close()
            raise
        if not self.is_stream:
            self.close()
        return response

    def next_piece(self) -> bytes | None:
        """Return the next piece of a stream, which may be empty; None at its end."""
        if not self._written:
            piece = next(self._pieces, None)
            if piece is None:
                return None
            self._write(piece)
        return self._take_written()

    def close(self) -> None:
        """Close the iterable of the application (PEP 3333). Idempotent."""
        if not self._is_closed:
            self._is_closed = True
            close = getattr(self._result, "close", None)
            if close is not None:
                close()

    def _begin(self) -> Response:
        self._result = self._application(self._environ, self._start_response)
        self._pieces = iter(self._result)
        # The application may delay start_response until its first piece that is not empty.
        while self._started is None and (piece := next(self._pieces, None)) is not None:
            self._write(piece)
        if self._started is None:
            raise AssertionError("the application did not call start_response")
        status, headers = self._started
        if self._environ["REQUEST_METHOD"] == "HEAD" or status in BODILESS:
            return Response(status, self._headers_without_body(status, headers), b"")
        names = {name.lower(): value for name, value in headers}
        if names.get("content-type", "").startswith(_STREAMED_CONTENT_TYPE) and "content-length" not in names:
            self.is_stream = True
            return Response(status, headers, b"")
        for piece in self._pieces:
            self._write(piece)
        body = self._take_written()
        headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
        return Response(self._started[0], [*headers, ("Content-Length", str(len(body)))], body)

    def _headers_without_body(self, status: int, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        if status == HTTPStatus.NO_CONTENT:
            return [(name, value) for name, value in headers if name.lower() != "content-length"]
        has_length = any(name.lower() == "content-length" for name, _ in headers)
        if has_length or status in BODILESS or not isinstance(self._result, list | tuple) or not any(self._result):
            return headers
        return [*headers, ("Content-Length", str(sum(map(len, self._result))))]

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExceptionInfo | None = None
    ) -> Callable[[bytes], None]:
        if exc_info is not None:
            if self._headers_are_final:
                raise exc_info[1].with_traceback(exc_info[2])
        elif self._started is not None:
            raise AssertionError("start_response was called twice, and without exc_info")
        if any(character in f"{name}{value}" for name, value in headers for character in "\r\n\0"):
            raise ValueError("a header of the application has a line end in it")
        kept = [(name, value) for name, value in headers if name.lower() not in _SERVER_HEADERS]
        self._started = int(status.split(" ", 1)[0]), kept
        return self._write

    def _write(self, piece: bytes) -> None:
        if not isinstance(piece, bytes):
            raise TypeError(f"a piece of a body is bytes, and not {type(piece).__name__}")
        if piece:
            if self._started is None:
                raise AssertionError("the application began a body before it called start_response")
            self._headers_are_final = True
            self._written.append(piece)

    def _take_written(self) -> bytes:
        body = b"".join(self._written)
        self._written.clear()
        return body
