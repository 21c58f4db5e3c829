"""The vendor as two objects to call, one for each way of waiting: `Client` and `AsyncClient`.

Here belongs the only I/O of the package: a request out, an answer in, an answer kept. What is said and how it is
read is in `calls` and `replies`, and is the same for both. The two classes say everything twice but nothing else.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Final, Generic, Self, TypeAlias, TypeVar

import httpx2

from sms10692 import __version__, keeping
from sms10692.calls import Call, Calls, Charset, Clock, system_clock
from sms10692.errors import RawReply, Refused, Unreachable, Unreadable
from sms10692.values import Batch, Checked, Overage, Reply, Report, Sent

Folder: TypeAlias = str | os.PathLike[str]
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
    """An answer on its way in, up to a limit."""

    def __init__(self, response: httpx2.Response, limit: int) -> None:
        self._response = response
        self._limit = limit
        self._body = bytearray()

    def add(self, piece: bytes) -> None:
        self._body += piece
        if len(self._body) > self._limit:
            del self._body[self._limit :]
            raise Unreadable(f"the answer is longer than {self._limit} bytes", self.reply())

    def broken_off(self, error: httpx2.RequestError) -> Unreadable:
        return Unreadable(f"the answer broke off: {error or type(error).__name__}", self.reply())

    def reply(self) -> RawReply:
        return RawReply(self._response.status_code, dict(self._response.headers), bytes(self._body))


def _unreachable(error: httpx2.RequestError) -> Unreachable:
    return Unreachable(f"{type(error).__name__}: {error}", sent=not isinstance(error, _NOTHING_SENT))


def _read_kept(call: Call[list[Item]], reply: RawReply, kind: str, folder: Folder | None) -> Batch[Item]:
    """Put a whole answer of a queue on disk, and only then read it."""
    if folder is None or reply.status != 200:
        return Batch(call.read(reply))
    kept = keeping.keep(folder, kind, reply.body)
    try:
        items = call.read(reply)
    except Refused:
        kept.unlink()
        raise
    except Unreadable as error:
        error.add_note(f"kept in {kept}")
        raise
    if not items:
        kept.unlink()
        return Batch(items)
    return Batch(items, kept)


def _keep_what_came(error: Unreadable, kind: str, folder: Folder | None) -> None:
    """An answer that broke off may hold reports that the vendor will not hand over again."""
    if folder is not None and error.status == 200 and error.body:
        error.add_note(f"kept in {keeping.keep(folder, kind, error.body)}")


def _is_an_address(url: str) -> bool:
    try:
        parsed = httpx2.URL(url)
        parsed.host.encode("idna")  # as every look-up does, with an error that is none of httpx2's
    except (httpx2.InvalidURL, UnicodeError):
        return False
    return parsed.scheme in {"http", "https"} and bool(parsed.host) and not (parsed.query or parsed.fragment)


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
        timeout: float = 30.0,
        retries: int = 0,
        transport: Transport | None = None,
        clock: Clock = system_clock,
        max_answer: int = MAX_ANSWER,
    ) -> None:
        if not _is_an_address(url):
            raise ValueError(f"the vendor's address is like http://127.0.0.1:10692, and not {url!a}")
        self._url = url.rstrip("/")
        self._calls = Calls(userid, account, password, charset, clock)
        self._attempts = retries + 1
        self._max_answer = max_answer
        self._connect(timeout, transport)

    @abstractmethod
    def _connect(self, timeout: float, transport: Transport | None) -> None: ...

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._url!r}, userid={self._calls.userid!r})"


class Client(_Vendor[httpx2.BaseTransport]):
    """The vendor, one call at a time; safe for several threads.

    `url` is the vendor's address without the page. `charset` chooses between its two pages, UTF-8 and GBK. `timeout`
    is in seconds, for each step of a request. `retries` is how often a failure to connect is tried again; nothing that
    may have been sent ever is. `clock` gives an aware moment for timestamp and signature. `max_answer` bounds an
    answer in bytes. `transport` is httpx2's, for example `httpx2.WSGITransport(app)` for an emulator in this process.

    Every method raises Refused, Unreadable or Unreachable, and nothing else that is the vendor's doing.
    """

    _http: httpx2.Client

    def _connect(self, timeout: float, transport: httpx2.BaseTransport | None) -> None:
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

    def _fetch(self, call: Call[list[Item]], kind: str, folder: Folder | None) -> Batch[Item]:
        try:
            reply = self._reply(call)
        except Unreadable as error:
            _keep_what_came(error, kind, folder)
            raise
        return _read_kept(call, reply, kind, folder)

    def _reply(self, call: Call[Value]) -> RawReply:
        attempts_left = self._attempts
        while True:
            attempts_left -= 1
            try:
                with self._http.stream("POST", self._url + call.path, content=call.body) as response:
                    return self._received(response)
            except httpx2.RequestError as error:
                unreachable = _unreachable(error)
                if unreachable.sent or not attempts_left:
                    raise unreachable from error

    def _received(self, response: httpx2.Response) -> RawReply:
        answer = _Answer(response, self._max_answer)
        try:
            for piece in response.iter_bytes():
                answer.add(piece)
        except httpx2.RequestError as error:
            raise answer.broken_off(error) from error
        return answer.reply()


class AsyncClient(_Vendor[httpx2.AsyncBaseTransport]):
    """The vendor, awaited. Everything is as in `Client`; `transport` is one of httpx2's for `async`."""

    _http: httpx2.AsyncClient

    def _connect(self, timeout: float, transport: httpx2.AsyncBaseTransport | None) -> None:
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

    async def _fetch(self, call: Call[list[Item]], kind: str, folder: Folder | None) -> Batch[Item]:
        try:
            reply = await self._reply(call)
        except Unreadable as error:
            _keep_what_came(error, kind, folder)
            raise
        return _read_kept(call, reply, kind, folder)

    async def _reply(self, call: Call[Value]) -> RawReply:
        attempts_left = self._attempts
        while True:
            attempts_left -= 1
            try:
                async with self._http.stream("POST", self._url + call.path, content=call.body) as response:
                    return await self._received(response)
            except httpx2.RequestError as error:
                unreachable = _unreachable(error)
                if unreachable.sent or not attempts_left:
                    raise unreachable from error

    async def _received(self, response: httpx2.Response) -> RawReply:
        answer = _Answer(response, self._max_answer)
        try:
            async for piece in response.aiter_bytes():
                answer.add(piece)
        except httpx2.RequestError as error:
            raise answer.broken_off(error) from error
        return answer.reply()
