"""The vendor's pages in front of any WSGI application: for tests in process, and for other servers.

Here belongs what WSGI says about reading a request and giving a response.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Protocol, TypeAlias

from sms10692_mock.calls import page_of
from sms10692_mock.http.heads import PHRASES
from sms10692_mock.http.pages import BODY_LIMIT, DRAIN_LIMIT, BodyCutShort, BodyTooLarge, Pages, Request, Unreadable
from sms10692_mock.http.spoiling import Response

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
        content_type = environ.get("CONTENT_TYPE", "")
        request = Request(method, query, content_type, b"", environ["PATH_INFO"], _headers(environ))
        try:
            request = request._replace(body=_body(environ))
        except Unreadable as error:
            response = self._pages.answered_without_the_vendor(page, request, error.response)
        else:
            response = self._pages.respond(page, request)
        _wait_or_break(response)
        start_response(f"{response.status} {PHRASES.get(response.status, 'Unknown')}", response.headers)
        if method == "HEAD":
            return []
        return [response.body] if response.cut is None else _cut_short(response.body[: response.cut])


def _wait_or_break(response: Response) -> None:
    """What a fault demands before the head. There is no connection here, so a broken one is an exception."""
    if response.delay:
        time.sleep(response.delay)
    if response.hangs:
        raise TimeoutError("a fault: the vendor never answers")
    if response.cut is not None and response.cut < 0:
        raise ConnectionResetError("a fault: the vendor hung up before its answer")


def _cut_short(body: bytes) -> Iterator[bytes]:
    yield body
    raise ConnectionResetError("a fault: the vendor hung up in the middle of its answer")


def _headers(environ: Environ) -> list[tuple[str, str]]:
    named = [(key[5:].replace("_", "-").lower(), value) for key, value in environ.items() if key.startswith("HTTP_")]
    content_type = environ.get("CONTENT_TYPE")
    return [*named, ("content-type", content_type)] if content_type else named


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
