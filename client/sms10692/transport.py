"""HTTP transports of both clients: a new connection per request, and a deadline for the whole call.

**Connections are never reused.** Extra bytes that a server sends after its response would be read as the response to
the next request. No check before a request can detect bytes that are still in transit.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import httpcore2
import httpx2

from sms10692.proxies import ProxyRoute

_WRITE_SIZE: Final = 16 * 1024
"""Bytes written between two checks of the deadline."""

DEADLINE: Final = "sms10692.deadline"
"""Name of the httpx2 request extension that carries the `Deadline`."""


class Deadline:
    """Deadline of one client call, retries included. `seconds` is the total time; None means no deadline."""

    def __init__(self, seconds: float | None, now: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._now = now
        self._end = None if seconds is None else now() + seconds

    @property
    def remaining(self) -> float:
        """Remaining seconds, at least 0; infinity without a deadline."""
        return float("inf") if self._end is None else max(self._end - self._now(), 0.0)

    @property
    def has_expired(self) -> bool:
        """Whether no time remains."""
        return self.remaining == 0.0

    def limit_timeout(self, timeout: float | None, error: type[httpcore2.TimeoutException]) -> float | None:
        """Return the timeout of one I/O step: `timeout` or the remaining time, whichever is shorter.

        Raises `error` if the deadline has expired.
        """
        if self._end is None:
            return timeout
        if self.has_expired:
            raise error("the deadline has expired")
        return self.remaining if timeout is None else min(timeout, self.remaining)

    def __str__(self) -> str:
        return f"no complete response within {self.seconds:g} s"


class _DeadlineStream(httpcore2.NetworkStream):
    """Network stream whose reads, writes and TLS handshakes end at a deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.limit_timeout(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_SIZE):
            limit = self._deadline.limit_timeout(timeout, httpcore2.WriteTimeout)
            self._stream.write(buffer[start : start + _WRITE_SIZE], limit)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        limit = self._deadline.limit_timeout(timeout, httpcore2.ConnectTimeout)
        return _DeadlineStream(self._stream.start_tls(ssl_context, server_hostname, limit), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _DeadlineBackend(httpcore2.NetworkBackend):
    """Network backend that connects within a deadline and returns `_DeadlineStream`s."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._backend = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        limit = self._deadline.limit_timeout(timeout, httpcore2.ConnectTimeout)
        stream = self._backend.connect_tcp(host, port, limit, local_address, socket_options)
        return _DeadlineStream(stream, self._deadline)


class _BodyStream(httpx2.SyncByteStream):
    """Response body. Closing it closes its connection, and the pool that holds only this connection."""

    def __init__(self, response: httpcore2.Response, pool: httpcore2.ConnectionPool) -> None:
        self._response = response
        self._pool = pool

    def __iter__(self) -> Iterator[bytes]:
        with _translate_exceptions():
            yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()
        self._pool.close()


class SyncTransport(httpx2.BaseTransport):
    """Transport that opens a connection per request and applies the deadline in the request's extension `DEADLINE`."""

    def __init__(self, route: ProxyRoute) -> None:
        self._route = route

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        pool = self._build_pool(request.extensions.get(DEADLINE) or Deadline(None))
        url = request.url
        try:
            with _translate_exceptions():
                response = pool.handle_request(
                    httpcore2.Request(
                        request.method,
                        httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                        headers=request.headers.raw,
                        content=request.stream,
                        extensions=request.extensions,
                    )
                )
        except BaseException:
            pool.close()
            raise
        return httpx2.Response(response.status, headers=response.headers, stream=_BodyStream(response, pool))

    def _build_pool(self, deadline: Deadline) -> httpcore2.ConnectionPool:
        proxy = self._route.proxy
        return httpcore2.ConnectionPool(
            ssl_context=self._route.tls,
            proxy=None
            if proxy is None
            else httpcore2.Proxy(
                httpcore2.URL(
                    scheme=proxy.url.raw_scheme,
                    host=proxy.url.raw_host,
                    port=proxy.url.port,
                    target=proxy.url.raw_path,
                ),
                auth=proxy.raw_auth,
                headers=proxy.headers.raw,
                ssl_context=proxy.ssl_context,
            ),
            max_keepalive_connections=0,
            network_backend=_DeadlineBackend(deadline),
        )


@contextmanager
def _translate_exceptions() -> Iterator[None]:
    """Replace exceptions of httpcore2 with those of the same name in httpx2."""
    try:
        yield
    except Exception as error:
        translated = getattr(httpx2, type(error).__name__, None)
        if type(error).__module__ != "httpcore2" or translated is None:
            raise
        raise translated(str(error)) from error


def build_async_transport(route: ProxyRoute) -> httpx2.AsyncBaseTransport:
    """Return an asynchronous transport that opens a connection per request. The caller applies the deadline."""
    import ssl

    return httpx2.AsyncHTTPTransport(
        # Without a context, httpx2 would load certificates even for http:// addresses.
        verify=route.tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        trust_env=False,
        limits=httpx2.Limits(max_connections=100, max_keepalive_connections=0),
        proxy=route.proxy,
    )


class ThreadTransport(httpx2.AsyncBaseTransport):
    """Asynchronous adapter of a synchronous transport, such as `httpx2.WSGITransport`. Requests run on threads."""

    def __init__(self, transport: httpx2.BaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await asyncio.to_thread(self._exchange, request)

    def _exchange(self, request: httpx2.Request) -> httpx2.Response:
        response = self._transport.handle_request(request)
        with closing(response):
            return httpx2.Response(response.status_code, headers=response.headers, content=response.read())

    async def aclose(self) -> None:
        self._transport.close()
