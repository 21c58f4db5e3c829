"""Base class of `Client` and `AsyncClient`: settings, size-limited response bodies, spooling and parsing of batches.

The module does no network I/O; its only I/O is writing spool files.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Generic, TypeVar

import httpx2

from sms10692 import __version__
from sms10692.address import parse_address
from sms10692.backoff import backoff_delays
from sms10692.errors import ConnectionFailed, InvalidResponse, RawResponse, SpoolError, VendorRefusal
from sms10692.models import FetchedBatch, Reply, Report
from sms10692.proxies import ProxyRoute, find_route
from sms10692.requests import AuthenticationName, Charset, Clock, PreparedRequest, RequestBuilder, system_clock
from sms10692.spool import SpoolFile
from sms10692.transport import Deadline

Value = TypeVar("Value")
Item = TypeVar("Item", Report, Reply)
Transport = TypeVar("Transport")

DEFAULT_MAX_RESPONSE_BYTES: Final = 64 * 1024 * 1024
"""Default of `max_response_bytes`: maximum size of a response body in bytes."""

DEFAULT_TOTAL_TIMEOUT: Final = 120.0
"""Default of `total_timeout`: seconds for a whole call."""

MAX_TIMEOUT: Final = 1_000_000.0
"""Longest timeout accepted, in seconds (eleven days). System calls count milliseconds in 32 bits."""

HEADERS: Final = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Accept-Encoding": "identity",  # the size limit could not stop a decompression bomb early enough
    "Connection": "close",  # connections are not reused, see `transport`
    "User-Agent": f"sms10692/{__version__}",
}

_NOTHING_SENT_ERRORS: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)

_PROXY_STATUSES: Final = frozenset({407, 502, 503, 504})
"""HTTP statuses that a proxy may send itself."""


class ResponseBody:
    """Response body that is being received, limited to `limit` bytes.

    For each chunk, call `feed`, write the result to the spool file, then call `check_size`. **The spool file is
    written before the size check raises**, so that it contains whatever the error contains.
    """

    def __init__(self, response: httpx2.Response, limit: int) -> None:
        self._response = response
        self._limit = limit
        self._body = bytearray()

    @property
    def is_spoolable(self) -> bool:
        """Whether the body may contain items: error pages are not spooled."""
        return self._response.status_code == 200

    def feed(self, chunk: bytes) -> bytes:
        """Append a chunk up to one byte over the limit, and return the part that was appended."""
        chunk = chunk[: self._limit + 1 - len(self._body)]
        self._body += chunk
        return chunk

    def check_size(self) -> None:
        """Raise InvalidResponse if the body exceeds the limit."""
        if len(self._body) > self._limit:
            raise InvalidResponse(f"the response is longer than {self._limit} bytes", self.build_response())

    def build_truncation_error(self, reason: str) -> InvalidResponse:
        """Return the error for a body that ended early; `reason` is the cause."""
        return InvalidResponse(f"the response was cut off: {reason}", self.build_response())

    def build_response(self) -> RawResponse:
        """Return the response with the body received so far, up to the limit."""
        return RawResponse(self._response.status_code, dict(self._response.headers), bytes(self._body[: self._limit]))


def spool_and_parse(
    request: PreparedRequest[list[Item]], response: RawResponse, spool_file: SpoolFile | None
) -> FetchedBatch[Item]:
    """Commit the spool file, if any, then parse a complete queue response.

    **The response is parsed only after it is safely on disk.** Raises SpoolError if a response with items cannot be
    written. The spool file is deleted after a refusal or an empty response, and stays if the response cannot be parsed.
    """
    if spool_file is None or response.status != 200 or not response.body:
        return FetchedBatch(request.parse(response))
    try:
        path = spool_file.commit()
    except OSError as error:
        if not request.parse(response):
            return FetchedBatch(())
        raise SpoolError(error.strerror or str(error), response) from error
    try:
        batch = FetchedBatch(request.parse(response), path)
    except VendorRefusal:
        path.unlink(missing_ok=True)
        raise
    except InvalidResponse as error:
        raise InvalidResponse(error.reason, response, path) from None
    if not batch:
        path.unlink(missing_ok=True)
    return batch or FetchedBatch(())


def spool_partial(error: InvalidResponse, spool_file: SpoolFile | None) -> InvalidResponse:
    """Commit the spool file of a truncated response, which may contain items that the vendor will not return again.

    Returns an error that names the file, or the original error if there is no file or it cannot be written.
    """
    if spool_file is None or error.status != 200 or not error.body:
        return error
    try:
        return InvalidResponse(error.reason, error.response, spool_file.commit())
    except OSError:  # the error contains everything that was received
        return error


class BaseClient(ABC, Generic[Transport]):
    """Settings of a client, validated, and the error handling that both clients share."""

    def __init__(
        self,
        url: str,
        *,
        userid: str,
        account: str,
        password: str,
        charset: Charset = "utf-8",
        authentication: AuthenticationName = "signed",
        timeout: float | None = 30.0,
        total_timeout: float | None = DEFAULT_TOTAL_TIMEOUT,
        retries: int = 0,
        proxy: str | None = None,
        trust_env: bool = True,
        ca: str | Path | None = None,
        transport: Transport | None = None,
        clock: Clock = system_clock,
        max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES,
        accepts_empty_body: bool = False,
    ) -> None:
        if retries < 0:
            raise ValueError(f"retries must be 0 or more, not {retries}")
        for name, seconds in (("timeout", timeout), ("total_timeout", total_timeout)):
            if isinstance(seconds, int | float) and not 0 < seconds <= MAX_TIMEOUT:  # httpx2.Timeout is accepted too
                raise ValueError(
                    f"{name} must be more than 0 and at most {MAX_TIMEOUT:.0f} seconds, or None, not {seconds}"
                )
        if max_response_bytes < 1:
            raise ValueError(f"max_response_bytes must be 1 or more, not {max_response_bytes}")
        self._builder = RequestBuilder(userid, account, password, charset, clock, authentication, accepts_empty_body)
        self._url = parse_address(url, self._builder.endpoint_authentication)
        self._retries = retries
        self._total_timeout = total_timeout
        self._max_size = max_response_bytes
        self._route = find_route(self._url, proxy, trust_env, ca) if transport is None else None
        self._connect(timeout, self._route, transport)

    @abstractmethod
    def _connect(self, timeout: float | None, route: ProxyRoute | None, transport: Transport | None) -> None: ...

    def __repr__(self) -> str:
        address = httpx2.URL(self._url).copy_with(userinfo=b"")
        return f"{type(self).__name__}({str(address)!r}, userid={self._builder.userid!r})"

    def _retry_delays(self) -> Iterator[float]:
        return backoff_delays(self._retries)

    def _build_connection_error(self, error: httpx2.RequestError, deadline: Deadline) -> ConnectionFailed:
        """Translate an exception of httpx2.

        `maybe_delivered` is false only if the exception proves that no byte of the request was sent.
        """
        reason = str(deadline) if deadline.has_expired else ": ".join(filter(None, (type(error).__name__, str(error))))
        return ConnectionFailed(self._add_route(reason), not isinstance(error, _NOTHING_SENT_ERRORS))

    def _add_route(self, reason: str) -> str:
        """Append the proxy and certificate settings to the cause of an error."""
        return reason if self._route is None or not self._route.description else f"{reason}, {self._route.description}"

    def _parse(self, request: PreparedRequest[Value], response: RawResponse) -> Value:
        """Parse a response of an operation other than the two queues."""
        try:
            return request.parse(response)
        except InvalidResponse as error:
            raise self._add_proxy(error) from None

    def _add_proxy(self, error: InvalidResponse) -> InvalidResponse:
        """Name the proxy in the error if the response may be an error page of the proxy."""
        if self._route is None or self._route.proxy is None or error.status not in _PROXY_STATUSES:
            return error
        return InvalidResponse(self._add_route(error.reason), error.response, error.spool_file)
