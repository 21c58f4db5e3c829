"""The vendor as an object to call: `Client`. Its twin for `async` is in `async_client`."""

import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import datetime
from types import TracebackType
from typing import Self

import httpx2

from sms10692.base_client import HEADERS, BaseClient, Item, ResponseBody, Value, keep_partial, read_batch
from sms10692.errors import InvalidResponse, RawResponse
from sms10692.models import BalanceResult, FetchedBatch, KeywordResult, Reply, Report, SendResult
from sms10692.proxies import ProxyRoute
from sms10692.requests import PreparedRequest
from sms10692.spool import Folder, Queue, SpoolFile
from sms10692.transport import DEADLINE, Deadline, SyncTransport


class Client(BaseClient[httpx2.BaseTransport]):
    """The vendor, one call at a time; safe for several threads.

    `url` is the vendor's address, with or without the page. `charset` chooses between its two pages, UTF-8 and GBK.
    `timeout` is in seconds, for each step of a request (connecting, each read), or None to wait for ever;
    `total_timeout` is for a whole call, retries included, or None; the system's look-up of a name is not ended by it.
    `retries` is how often a failure to connect is tried again, with growing pauses; nothing that may have been sent
    ever is. `proxy` is the address of a proxy (http, https, socks5). `trust_env` says whether a proxy and certificates
    are taken from the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE, SSL_CERT_DIR);
    loopback addresses are reached directly unless `proxy` is given. `transport` is httpx2's, for example
    `httpx2.WSGITransport(app)` for an emulator in this process; it takes the place of both. `clock` gives an aware
    moment for timestamp and signature. `max_answer` bounds an answer in bytes.

    Raises ValueError for settings that cannot be right. Every method raises Refused, Unreadable or Unreachable, and
    nothing else that is the vendor's doing.
    """

    _http: httpx2.Client

    def _connect(self, timeout: float | None, route: ProxyRoute | None, transport: httpx2.BaseTransport | None) -> None:
        used = transport if route is None else SyncTransport(route)
        self._http = httpx2.Client(headers=HEADERS, timeout=timeout, transport=used, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the client. It cannot be used afterwards."""
        self._http.close()

    def send(
        self, mobiles: Iterable[str] | str, content: str, *, send_time: datetime | None = None, extno: str = ""
    ) -> SendResult:
        """Send a text to every number, at once or at an aware moment (chapter 1).

        Raises UnencodableText, before anything is sent, where the page has no bytes for the text. After
        Unreachable with `sent` true, or Unreadable, the text may be on its way: sending again may pay twice.
        """
        return self._ask(self._calls.send(mobiles, content, send_time, extno))

    def overage(self) -> BalanceResult:
        """Tell how the account pays and what it has left (chapter 2)."""
        return self._ask(self._calls.overage())

    def checkkeyword(self, content: str) -> KeywordResult:
        """Tell whether a text holds a forbidden word (chapter 3)."""
        return self._ask(self._calls.checkkeyword(content))

    def status(self, status_num: int | None = None, *, keep: Folder | None = None) -> FetchedBatch[Report]:
        """Fetch once: a batch of the next reports, 4000 unless `status_num` says otherwise (chapter 4).

        Each is handed over once. With `keep`, a folder, the answer is on disk before it is read, until the batch is
        `done()`; see `replay`.
        """
        return self._fetch(self._calls.status(status_num), "status", keep)

    def call(self, *, keep: Folder | None = None) -> FetchedBatch[Reply]:
        """Fetch once: a batch of the replies that wait (chapter 5). `keep` is as in `status`."""
        return self._fetch(self._calls.call(), "call", keep)

    def status_batches(
        self, status_num: int | None = None, *, keep: Folder | None = None
    ) -> Iterator[FetchedBatch[Report]]:
        """Fetch until no report is left, and yield batch after batch. `keep` is as in `status`."""
        while batch := self.status(status_num, keep=keep):
            yield batch

    def call_batches(self, *, keep: Folder | None = None) -> Iterator[FetchedBatch[Reply]]:
        """Fetch until no reply is left, and yield batch after batch. `keep` is as in `status`."""
        while batch := self.call(keep=keep):
            yield batch

    def all_status(self, status_num: int | None = None) -> Iterator[Report]:
        """Fetch until no report is left, and yield report after report.

        A loop that ends early loses the rest of its batch: where that matters, `status_batches` takes `keep`.
        """
        for batch in self.status_batches(status_num):
            yield from batch

    def all_calls(self) -> Iterator[Reply]:
        """Fetch until no reply is left, and yield reply after reply; see `all_status`."""
        for batch in self.call_batches():
            yield from batch

    def _ask(self, call: PreparedRequest[Value]) -> Value:
        return self._read(call, self._reply(call))

    def _fetch(self, call: PreparedRequest[list[Item]], queue: Queue, folder: Folder | None) -> FetchedBatch[Item]:
        with nullcontext() if folder is None else SpoolFile(folder, queue) as keeper:
            try:
                reply = self._reply(call, keeper)
            except InvalidResponse as error:
                raise keep_partial(error, keeper) from error.__cause__
            try:
                return read_batch(call, reply, keeper)
            except InvalidResponse as error:
                raise self._named_proxy(error) from None

    def _reply(self, call: PreparedRequest[Value], keeper: SpoolFile | None = None) -> RawResponse:
        deadline = Deadline(self._total_timeout)
        delays = self._delays()
        while True:
            try:
                return self._exchange(call, keeper, deadline)
            except httpx2.RequestError as error:
                unreachable = self._unreachable(error, deadline)
                delay = next(delays, None)
                if unreachable.sent or delay is None or delay >= deadline.left:
                    raise unreachable from error
            self._pause(delay)

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def _exchange(self, call: PreparedRequest[Value], keeper: SpoolFile | None, deadline: Deadline) -> RawResponse:
        url = self._url + call.path
        with self._http.stream("POST", url, content=call.body, extensions={DEADLINE: deadline}) as response:
            body = ResponseBody(response, self._max_answer)
            try:
                for chunk in response.iter_bytes():
                    kept = body.add(chunk)
                    if keeper is not None and body.is_kept:
                        keeper.write(kept)
                    body.check()
                    if deadline.is_over:
                        raise body.cut_short(str(deadline))
            except httpx2.RequestError as error:
                raise body.cut_short(
                    str(deadline) if deadline.is_over else str(error) or type(error).__name__
                ) from error
            return body.reply()
