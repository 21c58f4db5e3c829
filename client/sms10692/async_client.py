"""The vendor as an object to await: `AsyncClient`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import nullcontext
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import httpcore2
import httpx2

from sms10692.base_client import HEADERS, BaseClient, Item, ResponseBody, Value, keep_partial, read_batch
from sms10692.errors import ConnectionFailed, InvalidResponse, RawResponse
from sms10692.models import BalanceResult, FetchedBatch, KeywordResult, Reply, Report, SendResult
from sms10692.proxies import ProxyRoute
from sms10692.requests import PreparedRequest
from sms10692.spool import Folder, Queue
from sms10692.threaded_spool import ThreadedSpoolFile
from sms10692.transport import Deadline, ThreadTransport, make_async_transport

_LONG: Final = 64 * 1024
"""Bytes of an answer from which on it is read on a thread: the event loop would stand still meanwhile."""


class _Items(AsyncIterator[Value]):
    """What `async for` goes through. To await it, or to go through it with `for`, is an error that says so."""

    def __init__(self, items: AsyncIterator[Value], method: str) -> None:
        self._items = items
        self._method = method

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Value:
        return await anext(self._items)

    if not TYPE_CHECKING:  # type checkers see that it has neither

        def __await__(self) -> Any:
            raise self._misused()

        def __iter__(self) -> Any:
            raise self._misused()

    def _misused(self) -> TypeError:
        return TypeError(f"{self._method}() is neither awaited nor a list: async for item in client.{self._method}()")


class AsyncClient(BaseClient[httpx2.AsyncBaseTransport | httpx2.BaseTransport]):
    """The vendor, awaited. Everything is as in `Client`, but for what is gone through: `async for` does that.

    A `transport` that is not for `async` is used on threads. It may be used by one event loop after another.
    """

    _http: httpx2.AsyncClient

    def _connect(
        self,
        timeout: float | None,
        route: ProxyRoute | None,
        transport: httpx2.AsyncBaseTransport | httpx2.BaseTransport | None,
    ) -> None:
        if route is not None:
            transport = make_async_transport(route)
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
        """Send a text to every number, as `Client.send`."""
        return await self._ask(self._calls.send(mobiles, content, send_time, extno))

    async def overage(self) -> BalanceResult:
        """Tell what is left, as `Client.overage`."""
        return await self._ask(self._calls.overage())

    async def checkkeyword(self, content: str) -> KeywordResult:
        """Tell whether a text holds a forbidden word, as `Client.checkkeyword`."""
        return await self._ask(self._calls.checkkeyword(content))

    async def status(self, status_num: int | None = None, *, keep: Folder | None = None) -> FetchedBatch[Report]:
        """Fetch once: a batch of the next reports, as `Client.status`."""
        return await self._fetch(self._calls.status(status_num), "status", keep)

    async def call(self, *, keep: Folder | None = None) -> FetchedBatch[Reply]:
        """Fetch once: a batch of the replies that wait, as `Client.call`."""
        return await self._fetch(self._calls.call(), "call", keep)

    def status_batches(
        self, status_num: int | None = None, *, keep: Folder | None = None
    ) -> AsyncIterator[FetchedBatch[Report]]:
        """Fetch until no report is left: `async for batch in client.status_batches()`."""
        return _Items(_until_empty(lambda: self.status(status_num, keep=keep)), "status_batches")

    def call_batches(self, *, keep: Folder | None = None) -> AsyncIterator[FetchedBatch[Reply]]:
        """Fetch until no reply is left: `async for batch in client.call_batches()`."""
        return _Items(_until_empty(lambda: self.call(keep=keep)), "call_batches")

    def all_status(self, status_num: int | None = None) -> AsyncIterator[Report]:
        """Fetch until no report is left: `async for report in client.all_status()`. See `Client.all_status`."""
        return _Items(_each(self.status_batches(status_num)), "all_status")

    def all_calls(self) -> AsyncIterator[Reply]:
        """Fetch until no reply is left: `async for reply in client.all_calls()`. See `Client.all_status`."""
        return _Items(_each(self.call_batches()), "all_calls")

    async def _ask(self, call: PreparedRequest[Value]) -> Value:
        reply = await self._reply(call, None)
        if len(reply.body) > _LONG:
            return await asyncio.to_thread(self._read, call, reply)
        return self._read(call, reply)

    async def _fetch(
        self, call: PreparedRequest[list[Item]], queue: Queue, folder: Folder | None
    ) -> FetchedBatch[Item]:
        async with nullcontext() if folder is None else ThreadedSpoolFile(folder, queue) as keeper:
            run = asyncio.to_thread if keeper is None else keeper.run
            file = None if keeper is None else keeper.file
            try:
                reply = await self._reply(call, keeper)
            except InvalidResponse as error:
                raise await run(keep_partial, error, file) from error.__cause__
            try:
                return await run(read_batch, call, reply, file)
            except InvalidResponse as error:
                raise self._named_proxy(error) from None

    async def _reply(self, call: PreparedRequest[Value], keeper: ThreadedSpoolFile | None) -> RawResponse:
        exchange = _Exchange(self._http, self._url + call.path, call.body, self._max_answer, keeper)
        exchange.may_be_sent = self._route is None  # a transport that was given says nothing of what it sent
        deadline = Deadline(self._total_timeout)
        delays = self._delays()
        try:
            async with asyncio.timeout(self._total_timeout) as limit:
                while True:
                    try:
                        return await exchange.run()
                    except httpx2.RequestError as error:
                        unreachable = self._unreachable(error, deadline)
                        delay = next(delays, None)
                        if unreachable.sent or delay is None or delay >= deadline.left:
                            raise unreachable from error
                    await self._pause(delay)
        except TimeoutError:
            if not limit.expired():
                raise
            if exchange.response is not None:
                raise exchange.response.cut_short(str(deadline)) from None
            raise ConnectionFailed(self._remarked(str(deadline)), exchange.may_be_sent) from None

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Exchange:
    """A request and its response. It knows, when it is cancelled, what has come, and whether anything was sent."""

    def __init__(
        self, http: httpx2.AsyncClient, url: str, content: bytes, max_answer: int, keeper: ThreadedSpoolFile | None
    ) -> None:
        self._http = http
        self._url = url
        self._content = content
        self._max_answer = max_answer
        self._keeper = keeper
        self.response: ResponseBody | None = None
        self.may_be_sent = False
        self._stream: httpcore2.AsyncNetworkStream | None = None

    async def run(self) -> RawResponse:
        """Send the request and take in the response. Raises httpx2.RequestError, and Unreadable for half a body."""
        try:
            return await self._run()
        except BaseException:
            if self._stream is not None:  # httpx2 leaves it open where a TLS handshake is cancelled
                await self._stream.aclose()
            raise

    async def _run(self) -> RawResponse:
        self._stream = None
        tracing = {"trace": self._trace}
        async with self._http.stream("POST", self._url, content=self._content, extensions=tracing) as response:
            body = self.response = ResponseBody(response, self._max_answer)
            try:
                async for chunk in response.aiter_bytes():
                    kept = body.add(chunk)
                    if self._keeper is not None and body.is_kept:
                        await self._keeper.write(kept)
                    body.check()
            except httpx2.RequestError as error:
                raise body.cut_short(str(error) or type(error).__name__) from error
            return body.reply()

    async def _trace(self, event: str, info: dict[str, Any]) -> None:
        if event == "http11.send_request_headers.started" and info["request"].method == b"POST":
            self.may_be_sent = True
        elif event.endswith(".connect_tcp.complete"):
            self._stream = info["return_value"]


async def _until_empty(fetch: Callable[[], Any]) -> AsyncIterator[Any]:
    while batch := await fetch():
        yield batch


async def _each(batches: AsyncIterator[FetchedBatch[Item]]) -> AsyncIterator[Item]:
    async for batch in batches:
        for item in batch:
            yield item
