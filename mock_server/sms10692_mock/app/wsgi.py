"""The vendor's pages in front of any WSGI application: for tests in process, and for other servers.

Here belongs what WSGI says about reading a request and giving a response.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from sms10692_mock.app.vendor_app import CROSS_SITE, Request, VendorApp, cross_site_refusal
from sms10692_mock.domain.api_request import match_endpoint
from sms10692_mock.elapsed_time import sleep
from sms10692_mock.server.http1_head import REASON_PHRASES
from sms10692_mock.server.http_types import (
    BODY_LIMIT,
    DRAIN_LIMIT,
    BodyError,
    BodyTooLarge,
    TruncatedBody,
    text_response,
    transmission,
)
from sms10692_mock.server.wsgi_types import Application, Environ, StartResponse

_PIECE: Final = 64 * 1024
_LENGTH: Final = re.compile("[0-9]{1,18}")


class _Input(Protocol):
    def read(self, size: int, /) -> bytes: ...


class WsgiVendorApp:
    """A WSGI application that serves the vendor's pages and leaves all other paths to `elsewhere`."""

    def __init__(self, pages: VendorApp, elsewhere: Application) -> None:
        self._pages = pages
        self._elsewhere = elsewhere

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "backslashreplace")
        page = match_endpoint(path)
        if page is None:
            return self._elsewhere(environ, start_response)
        method = environ["REQUEST_METHOD"]
        query = environ.get("QUERY_STRING", "").encode("latin-1")
        content_type = environ.get("CONTENT_TYPE", "")
        body, failure = _body(environ)
        request = Request(method, query, content_type, body, path, _headers(environ))
        if failure is None and environ.get("HTTP_SEC_FETCH_SITE") == CROSS_SITE and not self._pages.allows_cross_site:
            response = self._pages.log_rejected(page, request, cross_site_refusal())
        elif failure is not None:
            response = self._pages.log_rejected(page, request, failure.response)
        else:
            response = self._pages.handle(page, request)
        sleep(response.delay)
        if response.never_send:
            raise TimeoutError("a fault: the vendor never answers")
        sent = transmission(response, method)
        if sent is None:
            raise ConnectionResetError("a fault: the vendor hung up before its answer")
        start_response(f"{response.status} {REASON_PHRASES.get(response.status, 'Unknown')}", response.headers)
        return _broken_behind(sent.body) if sent.breaks else [sent.body]


def _broken_behind(body: bytes) -> Iterator[bytes]:
    """There is no connection here to break, so that is an exception."""
    yield body
    raise ConnectionResetError("a fault: the vendor hung up in the middle of its answer")


def _headers(environ: Environ) -> list[tuple[str, str]]:
    named = [(key[5:].replace("_", "-").lower(), value) for key, value in environ.items() if key.startswith("HTTP_")]
    content_type = environ.get("CONTENT_TYPE")
    return [*named, ("content-type", content_type)] if content_type else named


def _body(environ: Environ) -> tuple[bytes, BodyError | None]:
    """What came of the body, and why that is not all of it; nothing of one that was too large."""
    declared = environ.get("CONTENT_LENGTH") or ""
    if declared and not _LENGTH.fullmatch(declared):
        return b"", BodyError(text_response(400, "the length of the body is no number"))
    if declared:
        length = int(declared)
    elif environ.get("wsgi.input_terminated"):
        length = DRAIN_LIMIT  # chunked: the server knows where it ends
    else:
        return b"", None
    stream: _Input = environ["wsgi.input"]
    body = b"".join(_pieces(stream, min(length, BODY_LIMIT + 1)))
    if len(body) > BODY_LIMIT:
        for _ in _pieces(stream, min(length, DRAIN_LIMIT) - len(body)):
            pass
        return b"", BodyTooLarge()
    return body, TruncatedBody(len(body), length) if declared and len(body) < length else None


def _pieces(stream: _Input, wanted: int) -> Iterator[bytes]:
    while wanted > 0 and (piece := stream.read(min(wanted, _PIECE))):
        wanted -= len(piece)
        yield piece
