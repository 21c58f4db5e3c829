"""Asynchronous client: `AsyncClient`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import nullcontext
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import httpcore2
import httpx2

from sms10692.base_client import HEADERS, BaseClient, Item, ResponseBody, Value, spool_and_parse, spool_partial
from sms10692.errors import ConnectionFailed, InvalidResponse, RawResponse
from sms10692.models import BalanceResult, FetchedBatch, KeywordResult, Reply, Report, SendResult
from sms10692.proxies import ProxyRoute
from sms10692.requests import PreparedRequest
from sms10692.spool import Directory, QueueName
from sms10692.threaded_spool import ThreadedSpoolFile
from sms10692.transport import Deadline, ThreadTransport, build_async_transport

_THREAD_PARSE_BYTES: Final = 64 * 1024
"""Bodies longer than this, in bytes, are parsed on a thread, so that parsing does not block the event loop."""


class _AsyncItems(AsyncIterator[Value]):
    """Async iterator whose misuse with `await` or `for` raises a TypeError that shows the correct form."""

    def __init__(self, items: AsyncIterator[Value], method: str) -> None:
        self._items = items
        self._method = method

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Value:
        return await anext(self._items)

    if not TYPE_CHECKING:  # without these methods, type checkers report the misuse

        def __await__(self) -> Any:
            raise self._build_misuse_error()

        def __iter__(self) -> Any:
            raise self._build_misuse_error()

    def _build_misuse_error(self) -> TypeError:
        return TypeError(f"{self._method}() returns an async iterator: async for item in client.{self._method}()")


class AsyncClient(BaseClient[httpx2.AsyncBaseTransport | httpx2.BaseTransport]):
    """Asynchronous client of the vendor's API, with the settings and methods of `Client`.

    `status_batches`, `call_batches`, `all_status` and `all_calls` return async iterators; the other methods are
    coroutines. A synchronous `transport` runs on threads. A client may be used by several event loops, one after
    another.
    """

    _http: httpx2.AsyncClient

    def _connect(
        self,
        timeout: float | None,
        route: ProxyRoute | None,
        transport: httpx2.AsyncBaseTransport | httpx2.BaseTransport | None,
    ) -> None:
        if route is not None:
            transport = build_async_transport(route)
        elif isinstance(transport, httpx2.BaseTransport) and not isinstance(transport, httpx2.AsyncBaseTransport):
            transport = ThreadTransport(transport)
        self._http = httpx2.AsyncClient(headers=HEADERS, timeout=timeout, transport=transport, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the client. It cannot be used afterwards."""
        await self._http.aclose()

    async def send(
        self, mobiles: Iterable[str] | str, content: str, *, send_time: datetime | None = None, extno: str = ""
    ) -> SendResult:
        """Send a text to the recipients; see `Client.send`."""
        return await self._request(self._builder.send(mobiles, content, send_time, extno))

    async def overage(self) -> BalanceResult:
        """Return the billing type and the balance of the account; see `Client.overage`."""
        return await self._request(self._builder.overage())

    async def checkkeyword(self, content: str) -> KeywordResult:
        """Check whether a text contains a forbidden word; see `Client.checkkeyword`."""
        return await self._request(self._builder.checkkeyword(content))

    async def status(
        self, status_num: int | None = None, *, spool_dir: Directory | None = None
    ) -> FetchedBatch[Report]:
        """Fetch the next batch of status reports; see `Client.status`."""
        return await self._fetch(self._builder.status(status_num), "status", spool_dir)

    async def call(self, *, spool_dir: Directory | None = None) -> FetchedBatch[Reply]:
        """Fetch the waiting replies as one batch; see `Client.call`."""
        return await self._fetch(self._builder.call(), "call", spool_dir)

    def status_batches(
        self, status_num: int | None = None, *, spool_dir: Directory | None = None
    ) -> AsyncIterator[FetchedBatch[Report]]:
        """Iterate over batches of reports until the queue is empty: `async for batch in client.status_batches()`."""
        return _AsyncItems(_fetch_until_empty(lambda: self.status(status_num, spool_dir=spool_dir)), "status_batches")

    def call_batches(self, *, spool_dir: Directory | None = None) -> AsyncIterator[FetchedBatch[Reply]]:
        """Iterate over batches of replies until the queue is empty: `async for batch in client.call_batches()`."""
        return _AsyncItems(_fetch_until_empty(lambda: self.call(spool_dir=spool_dir)), "call_batches")

    def all_status(self, status_num: int | None = None) -> AsyncIterator[Report]:
        """Iterate over reports until the queue is empty: `async for report in client.all_status()`.

        **A loop that ends early loses the rest of its batch.**
        """
        return _AsyncItems(_flatten(self.status_batches(status_num)), "all_status")

    def all_calls(self) -> AsyncIterator[Reply]:
        """Iterate over replies until the queue is empty: `async for reply in client.all_calls()`.

        **A loop that ends early loses the rest of its batch.**
        """
        return _AsyncItems(_flatten(self.call_batches()), "all_calls")

    async def _request(self, request: PreparedRequest[Value]) -> Value:
        response = await self._send(request, None)
        if len(response.body) > _THREAD_PARSE_BYTES:
            return await asyncio.to_thread(self._parse, request, response)
        return self._parse(request, response)

    async def _fetch(
        self, request: PreparedRequest[list[Item]], queue: QueueName, directory: Directory | None
    ) -> FetchedBatch[Item]:
        async with nullcontext() if directory is None else ThreadedSpoolFile(directory, queue) as spool:
            run = asyncio.to_thread if spool is None else spool.run
            spool_file = None if spool is None else spool.file
            try:
                response = await self._send(request, spool)
            except InvalidResponse as error:
                raise await run(spool_partial, error, spool_file) from error.__cause__
            try:
                return await run(spool_and_parse, request, response, spool_file)
            except InvalidResponse as error:
                raise self._add_proxy(error) from None

    async def _send(self, request: PreparedRequest[Value], spool: ThreadedSpoolFile | None) -> RawResponse:
        """Send a request, and retry after failed connection attempts while retries and time remain."""
        exchange = _Exchange(self._http, self._url + request.path, request.body, self._max_size, spool)
        exchange.maybe_delivered = self._route is None  # a transport set by the caller does not report what it sent
        deadline = Deadline(self._total_timeout)
        delays = self._retry_delays()
        try:
            async with asyncio.timeout(self._total_timeout) as timeout:
                while True:
                    try:
                        return await exchange.run()
                    except httpx2.RequestError as error:
                        failure = self._build_connection_error(error, deadline)
                        delay = next(delays, None)
                        if failure.maybe_delivered or delay is None or delay >= deadline.remaining:
                            raise failure from error
                    await self._pause(delay)
        except TimeoutError:
            if not timeout.expired():
                raise
            if exchange.body is not None:
                raise exchange.body.build_truncation_error(str(deadline)) from None
            raise ConnectionFailed(self._add_route(str(deadline)), exchange.maybe_delivered) from None

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Exchange:
    """A request and its response, with the progress that is needed after a timeout.

    `body` is the response body received so far, or None. `maybe_delivered` is true once the
    vendor may have received the request.
    """

    def __init__(
        self, http: httpx2.AsyncClient, url: str, content: bytes, max_size: int, spool: ThreadedSpoolFile | None
    ) -> None:
        self._http = http
        self._url = url
        self._content = content
        self._max_size = max_size
        self._spool = spool
        self.body: ResponseBody | None = None
        self.maybe_delivered = False
        self._stream: httpcore2.AsyncNetworkStream | None = None

    async def run(self) -> RawResponse:
        """Send the request and receive the response.

        Raises httpx2.RequestError, and InvalidResponse for a body that is truncated or too long.
        """
        try:
            return await self._run()
        except BaseException:
            if self._stream is not None:  # httpx2 leaves the connection open when a TLS handshake is cancelled
                await self._stream.aclose()
            raise

    async def _run(self) -> RawResponse:
        self._stream = None
        extensions = {"trace": self._trace}
        async with self._http.stream("POST", self._url, content=self._content, extensions=extensions) as response:
            body = self.body = ResponseBody(response, self._max_size)
            try:
                async for chunk in response.aiter_bytes():
                    accepted = body.feed(chunk)
                    if self._spool is not None and body.is_spoolable:
                        await self._spool.write(accepted)
                    body.check_size()
            except httpx2.RequestError as error:
                raise body.build_truncation_error(str(error) or type(error).__name__) from error
            return body.build_response()

    async def _trace(self, event: str, info: dict[str, Any]) -> None:
        """Trace hook of httpcore2: note the connection, and that sending has begun."""
        if event == "http11.send_request_headers.started" and info["request"].method == b"POST":
            self.maybe_delivered = True
        elif event.endswith(".connect_tcp.complete"):
            self._stream = info["return_value"]


async def _fetch_until_empty(fetch: Callable[[], Any]) -> AsyncIterator[Any]:
    while batch := await fetch():
        yield batch


async def _flatten(batches: AsyncIterator[FetchedBatch[Item]]) -> AsyncIterator[Item]:
    async for batch in batches:
        for item in batch:
            yield item
