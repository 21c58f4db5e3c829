"""Synchronous client: `Client`. The asynchronous one is `sms10692.async_client.AsyncClient`."""

import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import datetime
from types import TracebackType
from typing import Self

import httpx2

from sms10692.base_client import HEADERS, BaseClient, Item, ResponseBody, Value, spool_and_parse, spool_partial
from sms10692.errors import InvalidResponse, RawResponse
from sms10692.models import BalanceResult, FetchedBatch, KeywordResult, Reply, Report, SendResult
from sms10692.proxies import ProxyRoute
from sms10692.requests import PreparedRequest
from sms10692.spool import Directory, QueueName, SpoolFile
from sms10692.transport import DEADLINE, Deadline, SyncTransport


class Client(BaseClient[httpx2.BaseTransport]):
    """Synchronous client of the vendor's API. Safe for use by several threads.

    - `url`: the vendor's address, with or without the endpoint path.
    - `userid`, `account`, `password`: the credentials.
    - `charset`: `utf-8` or `gbk`; selects /v2sms.aspx or /v2smsGBK.aspx.
    - `authentication`: `signed`, or `password` for the older endpoints (/sms.aspx, /smsGBK.aspx, /statusApi.aspx,
      /callApi.aspx). **These carry the password in clear.**
    - `timeout`: seconds for each step of a request (connecting, each read), or None for no limit.
    - `total_timeout`: seconds for a whole call including retries, or None. It does not interrupt a DNS query.
    - `retries`: how often a failed connection attempt is repeated, after growing delays. **A request that may have
      been sent is never repeated.**
    - `proxy`: URL of a proxy (http, https, socks5).
    - `trust_env`: whether to use the proxy and certificates of the environment (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY,
      NO_PROXY, SSL_CERT_FILE, SSL_CERT_DIR). Loopback addresses use a proxy only if `proxy` is set.
    - `ca`: a PEM file; for https:// its CA certificates are trusted, instead of those of the system and environment.
    - `transport`: a transport of httpx2, used instead of `proxy`, `trust_env` and `ca`; for example
      `httpx2.WSGITransport(app)` for an emulator in the same process.
    - `clock`: returns the current time as an aware datetime, for timestamp and signature.
    - `max_response_bytes`: maximum size of a response body in bytes.
    - `accepts_empty_body`: whether a response of a queue without a body, with `Content-Length: 0`, is an empty queue,
      as at some brands. **A vendor that loses a body may say the same: then the items are lost without an error.**

    The constructor raises ValueError for invalid settings. Every method raises VendorRefusal, InvalidResponse or
    ConnectionFailed; some raise UnencodableText or, with `spool_dir`, SpoolError and OSError.
    """

    _http: httpx2.Client

    def _connect(self, timeout: float | None, route: ProxyRoute | None, transport: httpx2.BaseTransport | None) -> None:
        chosen = transport if route is None else SyncTransport(route)
        self._http = httpx2.Client(headers=HEADERS, timeout=timeout, transport=chosen, trust_env=False)

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
        """Send a text to the recipients, immediately or at `send_time`, an aware datetime (chapter 1).

        `mobiles` are numbers, or one text with commas between them; a number that is given twice is sent to once.

        Raises UnencodableText, before sending anything, if the endpoint's charset cannot encode the text.

        **After ConnectionFailed with `maybe_delivered` true, or InvalidResponse, the vendor may have accepted the text:
        sending again may deliver and charge twice.**
        """
        return self._request(self._builder.send(mobiles, content, send_time, extno))

    def overage(self) -> BalanceResult:
        """Return the billing type and the balance of the account (chapter 2)."""
        return self._request(self._builder.overage())

    def checkkeyword(self, content: str) -> KeywordResult:
        """Check whether a text contains a forbidden word (chapter 3)."""
        return self._request(self._builder.checkkeyword(content))

    def status(self, status_num: int | None = None, *, spool_dir: Directory | None = None) -> FetchedBatch[Report]:
        """Fetch the next batch of status reports, up to `status_num`; the vendor's default is 4000 (chapter 4).

        **The vendor returns each report only once.** With `spool_dir`, the raw response is written to that directory
        before it is parsed, and stays there until `ack()` of the batch deletes it. `replay_spool` reads it again.
        """
        return self._fetch(self._builder.status(status_num), "status", spool_dir)

    def call(self, *, spool_dir: Directory | None = None) -> FetchedBatch[Reply]:
        """Fetch the waiting replies as one batch (chapter 5). `spool_dir` is as in `status`."""
        return self._fetch(self._builder.call(), "call", spool_dir)

    def status_batches(
        self, status_num: int | None = None, *, spool_dir: Directory | None = None
    ) -> Iterator[FetchedBatch[Report]]:
        """Yield batches of reports until the queue is empty. The arguments are as in `status`."""
        while batch := self.status(status_num, spool_dir=spool_dir):
            yield batch

    def call_batches(self, *, spool_dir: Directory | None = None) -> Iterator[FetchedBatch[Reply]]:
        """Yield batches of replies until the queue is empty. `spool_dir` is as in `status`."""
        while batch := self.call(spool_dir=spool_dir):
            yield batch

    def all_status(self, status_num: int | None = None) -> Iterator[Report]:
        """Yield reports until the queue is empty.

        **A loop that ends early loses the rest of its batch.** Use `status_batches` with `spool_dir` to prevent that.
        """
        for batch in self.status_batches(status_num):
            yield from batch

    def all_calls(self) -> Iterator[Reply]:
        """Yield replies until the queue is empty. **A loop that ends early loses the rest of its batch.**"""
        for batch in self.call_batches():
            yield from batch

    def _request(self, request: PreparedRequest[Value]) -> Value:
        return self._parse(request, self._send(request))

    def _fetch(
        self, request: PreparedRequest[list[Item]], queue: QueueName, directory: Directory | None
    ) -> FetchedBatch[Item]:
        with nullcontext() if directory is None else SpoolFile(directory, queue) as spool_file:
            try:
                response = self._send(request, spool_file)
            except InvalidResponse as error:
                raise spool_partial(error, spool_file) from error.__cause__
            try:
                return spool_and_parse(request, response, spool_file)
            except InvalidResponse as error:
                raise self._add_proxy(error) from None

    def _send(self, request: PreparedRequest[Value], spool_file: SpoolFile | None = None) -> RawResponse:
        """Send a request, and retry after failed connection attempts while retries and time remain."""
        deadline = Deadline(self._total_timeout)
        delays = self._retry_delays()
        while True:
            try:
                return self._exchange(request, spool_file, deadline)
            except httpx2.RequestError as error:
                failure = self._build_connection_error(error, deadline)
                delay = next(delays, None)
                if failure.maybe_delivered or delay is None or delay >= deadline.remaining:
                    raise failure from error
            self._pause(delay)

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def _exchange(
        self, request: PreparedRequest[Value], spool_file: SpoolFile | None, deadline: Deadline
    ) -> RawResponse:
        """Send a request once and receive the response, writing its chunks to the spool file as they arrive."""
        url = self._url + request.path
        with self._http.stream("POST", url, content=request.body, extensions={DEADLINE: deadline}) as response:
            body = ResponseBody(response, self._max_size)
            try:
                for chunk in response.iter_bytes():
                    accepted = body.feed(chunk)
                    if spool_file is not None and body.is_spoolable:
                        spool_file.write(accepted)
                    body.check_size()
                    if deadline.has_expired:
                        raise body.build_truncation_error(str(deadline))
            except httpx2.RequestError as error:
                reason = str(deadline) if deadline.has_expired else str(error) or type(error).__name__
                raise body.build_truncation_error(reason) from error
            return body.build_response()
