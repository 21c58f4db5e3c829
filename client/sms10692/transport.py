"""HTTP for both clients: one connection for each request, and an end to waiting.

A connection is never used twice. What a server sends beyond its answer would otherwise be taken for the answer to the
next request, and no check before a request can tell bytes that are still on their way.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any, Final

import httpcore2
import httpx2

from sms10692.proxies import ProxyRoute

_SLICE: Final = 16 * 1024
"""Bytes that are written before the deadline is looked at again."""

DEADLINE: Final = "sms10692.deadline"
"""The name of the extension of a request that holds its `Deadline`."""


class Deadline:
    """The moment at which a call of a client has to be over, retries included. `seconds` None is never."""

    def __init__(self, seconds: float | None, now: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._now = now
        self._end = None if seconds is None else now() + seconds

    @property
    def left(self) -> float:
        """Seconds; not below zero."""
        return float("inf") if self._end is None else max(self._end - self._now(), 0.0)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self.left == 0.0

    def limit(self, timeout: float | None, error: type[httpcore2.TimeoutException]) -> float | None:
        """The time for one step: `timeout`, or what is left if that is less. Raises `error` when nothing is left."""
        if self._end is None:
            return timeout
        if self.is_over:
            raise error("the deadline is over")
        return self.left if timeout is None else min(timeout, self.left)

    def __str__(self) -> str:
        return f"no whole answer within {self.seconds:g} s"


class _Stream(httpcore2.NetworkStream):
    """A stream of which no step outlasts a deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.limit(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _SLICE):
            limit = self._deadline.limit(timeout, httpcore2.WriteTimeout)
            self._stream.write(buffer[start : start + _SLICE], limit)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        limit = self._deadline.limit(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, limit), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore2.NetworkBackend):
    """Connects within a deadline."""

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
        limit = self._deadline.limit(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._backend.connect_tcp(host, port, limit, local_address, socket_options), self._deadline)


class _Body(httpx2.SyncByteStream):
    """The body of a response, and the pool of the one connection that it comes from."""

    def __init__(self, response: httpcore2.Response, pool: httpcore2.ConnectionPool) -> None:
        self._response = response
        self._pool = pool

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx2():
            yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()
        self._pool.close()


class SyncTransport(httpx2.BaseTransport):
    """Sends each request over a connection of its own, which ends with the deadline in the request's extensions."""

    def __init__(self, route: ProxyRoute) -> None:
        self._route = route

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        pool = self._make_pool(request.extensions.get(DEADLINE) or Deadline(None))
        url = request.url
        try:
            with _as_httpx2():
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
        return httpx2.Response(response.status, headers=response.headers, stream=_Body(response, pool))

    def _make_pool(self, deadline: Deadline) -> httpcore2.ConnectionPool:
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
            network_backend=_Backend(deadline),
        )


@contextmanager
def _as_httpx2() -> Iterator[None]:
    """Raise what httpcore2 raises as the exception of the same name of httpx2."""
    try:
        yield
    except Exception as error:
        same = getattr(httpx2, type(error).__name__, None)
        if type(error).__module__ != "httpcore2" or same is None:
            raise
        raise same(str(error)) from error


def make_async_transport(route: ProxyRoute) -> httpx2.AsyncBaseTransport:
    """A transport that uses no connection twice; its deadline is `asyncio.timeout`'s affair."""
    import ssl

    return httpx2.AsyncHTTPTransport(
        verify=route.tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),  # or httpx2 loads certificates, for http:// too
        trust_env=False,
        limits=httpx2.Limits(max_connections=100, max_keepalive_connections=0),
        proxy=route.proxy,
    )


class ThreadTransport(httpx2.AsyncBaseTransport):
    """A transport that is not for `async`, such as `httpx2.WSGITransport`, for an AsyncClient: it runs on threads."""

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
