"""WSGI middleware that serves the vendor's endpoints in front of any WSGI application.

Tests use it inside their process, and `create_app()` for other WSGI servers.
"""

import math
import re
from collections.abc import Iterable, Iterator
from typing import Final, Protocol

from sms10692_mock.app.path_prefix import cut_prefix
from sms10692_mock.app.vendor_app import CROSS_SITE, Preset, VendorApp, VendorRequest, reject_cross_site, take_replayed
from sms10692_mock.domain.api_request import match_endpoint
from sms10692_mock.elapsed_time import sleep
from sms10692_mock.server.http1_head import REASON_PHRASES
from sms10692_mock.server.http_types import (
    BODY_LIMIT,
    DRAIN_LIMIT,
    BodyError,
    BodyTooLarge,
    Response,
    TruncatedBody,
    text_response,
    transmission,
)
from sms10692_mock.server.wsgi_types import Application, Environ, StartResponse

_READ_SIZE: Final = 64 * 1024
_CONTENT_LENGTH: Final = re.compile("[0-9]{1,18}")


class _WsgiInput(Protocol):
    def read(self, size: int, /) -> bytes: ...


class WsgiVendorApp:
    """A WSGI application that serves the vendor's endpoints and passes all other paths to `fallback`.

    WSGI has no connection to close or to leave hanging, so such faults raise: TimeoutError for a response that is never
    sent, ConnectionResetError for one that breaks off. A pause within a response is one before it.

    A path may begin with `prefix`, which `fallback` removes itself.
    """

    def __init__(self, vendor_app: VendorApp, fallback: Application, prefix: str = "") -> None:
        self._vendor_app = vendor_app
        self._fallback = fallback
        self._prefix = prefix

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "backslashreplace")
        path = cut_prefix(path, self._prefix)
        endpoint = match_endpoint(path, self._vendor_app.endpoints)
        if endpoint is None:
            return self._fallback(environ, start_response)
        method = environ["REQUEST_METHOD"]
        query = environ.get("QUERY_STRING", "").encode("latin-1")
        content_type = environ.get("CONTENT_TYPE", "")
        body, failure = _read_body(environ)
        request = VendorRequest(method, query, content_type, body, path, _headers(environ))
        preset: Preset | None = None
        if failure is not None:
            preset = failure.rejection
        elif environ.get("HTTP_SEC_FETCH_SITE") == CROSS_SITE and not self._vendor_app.allows_cross_site:
            preset = reject_cross_site()
        elif self._vendor_app.replay is not None:
            preset = take_replayed(self._vendor_app.replay, endpoint, request)
        response = self._vendor_app.respond(endpoint, request, preset)
        return _send(response, method, start_response)


def _send(response: Response, method: str, start_response: StartResponse) -> Iterable[bytes]:
    """Start the response and return its body; apply the faults of its transmission."""
    if math.isinf(response.delay):
        raise TimeoutError("fault hang: the response is never sent")
    sleep(response.delay + sum(seconds for _, seconds in response.pauses))
    sent = transmission(response, method)
    if sent is None:
        raise ConnectionResetError("fault disconnect or drop_fetch: the connection closes before the response")
    start_response(f"{response.status} {REASON_PHRASES.get(response.status, 'Unknown')}", response.headers)
    return _truncated_body(sent.body) if sent.breaks else [sent.body]


def _truncated_body(body: bytes) -> Iterator[bytes]:
    yield body
    raise ConnectionResetError("fault truncate: the connection closes in the middle of the response")


def _headers(environ: Environ) -> list[tuple[str, str]]:
    named = [(key[5:].replace("_", "-").lower(), value) for key, value in environ.items() if key.startswith("HTTP_")]
    content_type = environ.get("CONTENT_TYPE")
    return [*named, ("content-type", content_type)] if content_type else named


def _read_body(environ: Environ) -> tuple[bytes, BodyError | None]:
    """Return the received part of the body, empty if it is too large, and the error if that is not the whole body."""
    declared = environ.get("CONTENT_LENGTH") or ""
    if declared and not _CONTENT_LENGTH.fullmatch(declared):
        return b"", BodyError("length-not-a-number", text_response(400, "the length of the body is no number"))
    if declared:
        length = int(declared)
    elif environ.get("wsgi.input_terminated"):
        length = DRAIN_LIMIT  # a chunked body, whose end the WSGI server finds
    else:
        return b"", None
    stream: _WsgiInput = environ["wsgi.input"]
    body = b"".join(_read_pieces(stream, min(length, BODY_LIMIT + 1)))
    if len(body) > BODY_LIMIT:
        for _ in _read_pieces(stream, min(length, DRAIN_LIMIT) - len(body)):
            pass
        return b"", BodyTooLarge()
    return body, TruncatedBody(len(body), length) if declared and len(body) < length else None


def _read_pieces(stream: _WsgiInput, size: int) -> Iterator[bytes]:
    """Yield up to `size` bytes of the stream."""
    while size > 0 and (piece := stream.read(min(size, _READ_SIZE))):
        size -= len(piece)
        yield piece
