"""The vendor's pages in front of any WSGI application: for tests in process, and for other servers.

Here belongs what WSGI says about reading a request and giving a response.
"""

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any, Final, Protocol, TypeAlias

from sms10692_mock.calls import page_of
from sms10692_mock.http.pages import BODY_LIMIT, DRAIN_LIMIT, BodyCutShort, BodyTooLarge, Pages, Request, Unreadable

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]
Application: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]

_PIECE: Final = 64 * 1024


class _Input(Protocol):
    def read(self, size: int, /) -> bytes: ...


class WsgiPages:
    """A WSGI application that serves the vendor's pages and leaves all other paths to `elsewhere`."""

    def __init__(self, pages: Pages, elsewhere: Application) -> None:
        self._pages = pages
        self._elsewhere = elsewhere

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        page = page_of(environ["PATH_INFO"])
        if page is None:
            return self._elsewhere(environ, start_response)
        method = environ["REQUEST_METHOD"]
        query = environ.get("QUERY_STRING", "").encode("latin-1")
        try:
            request = Request(method, query, environ.get("CONTENT_TYPE", ""), _body(environ))
        except Unreadable as error:
            response = error.response
            self._pages.log_status(method, page.path, response.status)
        else:
            response = self._pages.respond(page, request)
        start_response(f"{response.status} {HTTPStatus(response.status).phrase}", response.headers)
        return [] if method == "HEAD" else [response.body]


def _body(environ: Environ) -> bytes:
    declared = environ.get("CONTENT_LENGTH") or ""
    if declared:
        length = int(declared)
    elif environ.get("wsgi.input_terminated"):
        length = DRAIN_LIMIT  # chunked: the server knows where it ends
    else:
        return b""
    stream: _Input = environ["wsgi.input"]
    body = b"".join(_pieces(stream, min(length, BODY_LIMIT + 1)))
    if len(body) > BODY_LIMIT:
        for _ in _pieces(stream, min(length, DRAIN_LIMIT) - len(body)):
            pass
        raise BodyTooLarge
    if declared and len(body) < length:
        raise BodyCutShort
    return body


def _pieces(stream: _Input, wanted: int) -> Iterator[bytes]:
    while wanted > 0 and (piece := stream.read(min(wanted, _PIECE))):
        wanted -= len(piece)
        yield piece
