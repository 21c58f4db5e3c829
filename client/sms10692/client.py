"""The vendor as two objects to call, one for each way of waiting: `Client` and `AsyncClient`.

Here belongs the only I/O of the package but for `keeping`: a request out, an answer in. What is said and how it is
read is in `calls` and `replies`, and is the same for both; what differs is said twice, once with `await`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import closing, nullcontext
from datetime import datetime
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

import httpx2

from sms10692 import __version__
from sms10692.calls import Call, Calls, Charset, Clock, system_clock
from sms10692.errors import RawReply, Refused, Unkept, Unreachable, Unreadable
from sms10692.keeping import Folder, Keeper, Queue
from sms10692.values import Batch, Checked, Overage, Reply, Report, Sent

Value = TypeVar("Value")
Item = TypeVar("Item", Report, Reply)
Transport = TypeVar("Transport")

MAX_ANSWER: Final = 64 * 1024 * 1024
"""Bytes of an answer that are read, unless said otherwise."""

_HEADERS: Final = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Accept-Encoding": "identity",  # a small answer that unpacks to a large one would be bounded late
    "User-Agent": f"sms10692/{__version__}",
}

_NOTHING_SENT: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


class _Answer:
    """An answer on its way in, up to a limit, and onto disk where it is to be kept."""

    def __init__(self, response: httpx2.Response, limit: int, keeper: Keeper | None) -> None:
        self._response = response
        self._limit = limit
        self._keeper = keeper if response.status_code == 200 else None
        self._body = bytearray()

    def add(self, piece: bytes) -> None:
        piece = piece[: self._limit + 1 - len(self._body)]
        self._body += piece
        if self._keeper is not None:
            self._keeper.write(piece)
        if len(self._body) > self._limit:
            raise Unreadable(f"the answer is longer than {self._limit} bytes", self.reply())

    def broken_off(self, error: httpx2.RequestError) -> Unreadable:
        return Unreadable(f"the answer broke off: {error or type(error).__name__}", self.reply())

    def reply(self) -> RawReply:
        return RawReply(self._response.status_code, dict(self._response.headers), bytes(self._body[: self._limit]))


def _unreachable(error: httpx2.RequestError) -> Unreachable:
    return Unreachable(f"{type(error).__name__}: {error}", not isinstance(error, _NOTHING_SENT))


def _read_kept(call: Call[list[Item]], reply: RawReply, keeper: Keeper | None) -> Batch[Item]:
    """Read a whole answer of a queue, but where it is to be kept not before it is safe on disk."""
    if keeper is None or reply.status != 200:
        return Batch(call.read(reply))
    try:
        kept = keeper.keep()
    except OSError as error:
        if not call.read(reply):
            return Batch(())
        raise Unkept(error.strerror or str(error), reply) from error
    try:
        batch = Batch(call.read(reply), kept)
    except Refused:
        kept.unlink(missing_ok=True)
        raise
    except Unreadable as error:
        raise Unreadable(error.why, reply, kept) from None
    if not batch:
        kept.unlink(missing_ok=True)
    return batch or Batch(())


def _kept_in_part(error: Unreadable, keeper: Keeper | None) -> Unreadable:
    """An answer that broke off may hold reports that the vendor will not hand over again."""
    if keeper is None or error.status != 200 or not error.body:
        return error
    try:
        return Unreadable(error.why, error.reply, keeper.keep())
    except OSError:  # the error has all that came
        return error


def _is_an_address(url: str) -> bool:
    try:
        parsed = httpx2.URL(url)
        parsed.host.encode("idna")  # as every look-up does, with an error that is none of httpx2's
    except (httpx2.InvalidURL, UnicodeError):
        return False
    port_exists = parsed.port is None or parsed.port < 65536
    is_bare = not (parsed.query or parsed.fragment)
    return parsed.scheme in {"http", "https"} and bool(parsed.host) and port_exists and is_bare


class _Vendor(ABC, Generic[Transport]):
    """What both clients are made with."""

    def __init__(
        self,
        url: str,
        *,
        userid: str,
        account: str,
        password: str,
        charset: Charset = "utf-8",
        timeout: float | None = 30.0,
        retries: int = 0,
        transport: Transport | None = None,
        clock: Clock = system_clock,
        max_answer: int = MAX_ANSWER,
    ) -> None:
        if not _is_an_address(url):
            raise ValueError("the vendor's address is like http://127.0.0.1:10692, and what was given is not")
        if retries < 0:
            raise ValueError(f"retries is how often to try again, and not {retries}")
        self._url = url.rstrip("/")
        self._calls = Calls(userid, account, password, charset, clock)
        self._attempts = retries + 1
        self._max_answer = max_answer
        self._connect(timeout, transport)

    @abstractmethod
    def _connect(self, timeout: float | None, transport: Transport | None) -> None: ...

    def __repr__(self) -> str:
        address = httpx2.URL(self._url).copy_with(userinfo=b"")
        return f"{type(self).__name__}({str(address)!r}, userid={self._calls.userid!r})"


class Client(_Vendor[httpx2.BaseTransport]):
    """The vendor, one call at a time; safe for several threads.

    `url` is the vendor's address without the page. `charset` chooses between its two pages, UTF-8 and GBK. `timeout`
    is in seconds, for each step of a request, or None to wait for ever. `retries` is how often a failure to connect is
    tried again; nothing that may have been sent ever is. `clock` gives an aware moment for timestamp and signature.
    `max_answer` bounds an answer in bytes. `transport` is httpx2's, for example `httpx2.WSGITransport(app)` for an
    emulator in this process.

    Proxies are taken from the environment, as httpx2 does. Raises ValueError for settings that cannot be right. Every
    method raises Refused, Unreadable or Unreachable, and nothing else that is the vendor's doing.
    """

    _http: httpx2.Client

    def _connect(self, timeout: float | None, transport: httpx2.BaseTransport | None) -> None:
        self._http = httpx2.Client(headers=_HEADERS, timeout=timeout, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(
        self, mobiles: Iterable[str] | str, content: str, *, send_time: datetime | None = None, extno: str = ""
    ) -> Sent:
        """Send a text to every number, at once or at an aware moment (chapter 1).

        Raises UnencodableText, before anything is sent, where the page has no bytes for the text. After
        Unreachable with `sent` true, or Unreadable, the text may be on its way: sending again may pay twice.
        """
        return self._ask(self._calls.send(mobiles, content, send_time, extno))

    def overage(self) -> Overage:
        """Tell how the account pays and what it has left (chapter 2)."""
        return self._ask(self._calls.overage())

    def checkkeyword(self, content: str) -> Checked:
        """Tell whether a text holds a forbidden word (chapter 3)."""
        return self._ask(self._calls.checkkeyword(content))

    def status(self, status_num: int | None = None, *, keep: Folder | None = None) -> Batch[Report]:
        """Fetch the next reports, 4000 unless `status_num` says otherwise: they are handed over once (chapter 4).

        With `keep`, a folder, the answer is on disk before it is read, until the batch is `done()`; see `replay`.
        """
        return self._fetch(self._calls.status(status_num), "status", keep)

    def call(self, *, keep: Folder | None = None) -> Batch[Reply]:
        """Fetch the replies that wait: they are handed over once (chapter 5). `keep` is as in `status`."""
        return self._fetch(self._calls.call(), "call", keep)

    def all_status(self, status_num: int | None = None, *, keep: Folder | None = None) -> Iterator[Batch[Report]]:
        """Fetch batch after batch of reports, until none is left."""
        while batch := self.status(status_num, keep=keep):
            yield batch

    def all_calls(self, *, keep: Folder | None = None) -> Iterator[Batch[Reply]]:
        """Fetch batch after batch of replies, until none is left."""
        while batch := self.call(keep=keep):
            yield batch

    def _ask(self, call: Call[Value]) -> Value:
        return call.read(self._reply(call))

    def _fetch(self, call: Call[list[Item]], queue: Queue, folder: Folder | None) -> Batch[Item]:
        with nullcontext() if folder is None else Keeper(folder, queue) as keeper:
            try:
                reply = self._reply(call, keeper)
            except Unreadable as error:
                raise _kept_in_part(error, keeper) from error.__cause__
            return _read_kept(call, reply, keeper)

    def _reply(self, call: Call[Value], keeper: Keeper | None = None) -> RawReply:
        attempts_left = self._attempts
        while True:
            attempts_left -= 1
            try:
                with self._http.stream("POST", self._url + call.path, content=call.body) as response:
                    return self._received(response, keeper)
            except httpx2.RequestError as error:
                unreachable = _unreachable(error)
                if unreachable.sent or not attempts_left:
                    raise unreachable from error

    def _received(self, response: httpx2.Response, keeper: Keeper | None) -> RawReply:
        answer = _Answer(response, self._max_answer, keeper)
        try:
            for piece in response.iter_bytes():
                answer.add(piece)
        except httpx2.RequestError as error:
            raise answer.broken_off(error) from error
        return answer.reply()


class _OnThreads(httpx2.AsyncBaseTransport):
    """A transport that is not for `async`, such as `httpx2.WSGITransport`, in the hands of an AsyncClient."""

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


class AsyncClient(_Vendor[httpx2.AsyncBaseTransport | httpx2.BaseTransport]):
    """The vendor, awaited. Everything is as in `Client`; a `transport` that is not for `async` is used on threads."""

    _http: httpx2.AsyncClient

    def _connect(
        self, timeout: float | None, transport: httpx2.AsyncBaseTransport | httpx2.BaseTransport | None
    ) -> None:
        if isinstance(transport, httpx2.BaseTransport) and not isinstance(transport, httpx2.AsyncBaseTransport):
            transport = _OnThreads(transport)
        self._http = httpx2.AsyncClient(headers=_HEADERS, timeout=timeout, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(
        self, mobiles: Iterable[str] | str, content: str, *, send_time: datetime | None = None, extno: str = ""
    ) -> Sent:
        """Send a text to every number, as `Client.send`."""
        return await self._ask(self._calls.send(mobiles, content, send_time, extno))

    async def overage(self) -> Overage:
        """Tell what is left, as `Client.overage`."""
        return await self._ask(self._calls.overage())

    async def checkkeyword(self, content: str) -> Checked:
        """Tell whether a text holds a forbidden word, as `Client.checkkeyword`."""
        return await self._ask(self._calls.checkkeyword(content))

    async def status(self, status_num: int | None = None, *, keep: Folder | None = None) -> Batch[Report]:
        """Fetch the next reports, as `Client.status`."""
        return await self._fetch(self._calls.status(status_num), "status", keep)

    async def call(self, *, keep: Folder | None = None) -> Batch[Reply]:
        """Fetch the replies that wait, as `Client.call`."""
        return await self._fetch(self._calls.call(), "call", keep)

    async def all_status(
        self, status_num: int | None = None, *, keep: Folder | None = None
    ) -> AsyncIterator[Batch[Report]]:
        """Fetch batch after batch of reports, until none is left."""
        while batch := await self.status(status_num, keep=keep):
            yield batch

    async def all_calls(self, *, keep: Folder | None = None) -> AsyncIterator[Batch[Reply]]:
        """Fetch batch after batch of replies, until none is left."""
        while batch := await self.call(keep=keep):
            yield batch

    async def _ask(self, call: Call[Value]) -> Value:
        return call.read(await self._reply(call))

    async def _fetch(self, call: Call[list[Item]], queue: Queue, folder: Folder | None) -> Batch[Item]:
        with nullcontext() if folder is None else Keeper(folder, queue) as keeper:
            try:
                reply = await self._reply(call, keeper)
            except Unreadable as error:
                raise _kept_in_part(error, keeper) from error.__cause__
            return await asyncio.to_thread(_read_kept, call, reply, keeper)

    async def _reply(self, call: Call[Value], keeper: Keeper | None = None) -> RawReply:
        attempts_left = self._attempts
        while True:
            attempts_left -= 1
            try:
                async with self._http.stream("POST", self._url + call.path, content=call.body) as response:
                    return await self._received(response, keeper)
            except httpx2.RequestError as error:
                unreachable = _unreachable(error)
                if unreachable.sent or not attempts_left:
                    raise unreachable from error

    async def _received(self, response: httpx2.Response, keeper: Keeper | None) -> RawReply:
        answer = _Answer(response, self._max_answer, keeper)
        try:
            async for piece in response.aiter_bytes():
                answer.add(piece)
        except httpx2.RequestError as error:
            raise answer.broken_off(error) from error
        return answer.reply()
