"""What both clients share: their settings, and what becomes of an HTTP response. No I/O but a spool file's."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

import httpx2

from sms10692 import __version__
from sms10692.address import parse_address
from sms10692.backoff import backoff_delays
from sms10692.errors import ConnectionFailed, InvalidResponse, RawResponse, SpoolError, VendorRefusal
from sms10692.models import FetchedBatch, Reply, Report
from sms10692.proxies import ProxyRoute, find_route
from sms10692.requests import Charset, Clock, PreparedRequest, RequestBuilder, system_clock
from sms10692.spool import SpoolFile
from sms10692.transport import Deadline

Value = TypeVar("Value")
Item = TypeVar("Item", Report, Reply)
Transport = TypeVar("Transport")

MAX_ANSWER: Final = 64 * 1024 * 1024
"""Bytes of an answer that are read, unless `max_answer` says otherwise."""

TOTAL_TIMEOUT: Final = 120.0
"""Seconds for a whole call, unless `total_timeout` says otherwise."""

LONGEST_TIMEOUT: Final = 1_000_000.0
"""Seconds: eleven days. The system's calls count milliseconds in 32 bits."""

HEADERS: Final = {
    "Content-Type": "application/x-www-form-urlencoded",
    "Accept-Encoding": "identity",  # a small answer that unpacks to a large one would be bounded late
    "Connection": "close",  # `transport` says why
    "User-Agent": f"sms10692/{__version__}",
}

_NOTHING_SENT: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)

_STATUSES_OF_PROXIES: Final = frozenset({407, 502, 503, 504})


class ResponseBody:
    """The body of a response while it comes in, up to a limit of bytes."""

    def __init__(self, response: httpx2.Response, limit: int) -> None:
        self._response = response
        self._limit = limit
        self._body = bytearray()

    @property
    def is_kept(self) -> bool:
        """Whether it is worth a spool file: an error page is not."""
        return self._response.status_code == 200

    def add(self, chunk: bytes) -> bytes:
        """Take a chunk, and return what of it is to be kept. `check` comes after that is on disk."""
        chunk = chunk[: self._limit + 1 - len(self._body)]
        self._body += chunk
        return chunk

    def check(self) -> None:
        """Raise Unreadable where it is too long."""
        if len(self._body) > self._limit:
            raise InvalidResponse(f"the answer is longer than {self._limit} bytes", self.reply())

    def cut_short(self, why: str) -> InvalidResponse:
        """The error for a body that ended too soon."""
        return InvalidResponse(f"the answer broke off: {why}", self.reply())

    def reply(self) -> RawResponse:
        """What has come, up to the limit."""
        return RawResponse(self._response.status_code, dict(self._response.headers), bytes(self._body[: self._limit]))


def read_batch(call: PreparedRequest[list[Item]], reply: RawResponse, keeper: SpoolFile | None) -> FetchedBatch[Item]:
    """Read the whole answer of a queue; where it is to be kept, not before it is safe on disk."""
    if keeper is None or reply.status != 200 or not reply.body:
        return FetchedBatch(call.read(reply))
    try:
        kept = keeper.keep()
    except OSError as error:
        if not call.read(reply):
            return FetchedBatch(())
        raise SpoolError(error.strerror or str(error), reply) from error
    try:
        batch = FetchedBatch(call.read(reply), kept)
    except VendorRefusal:
        kept.unlink(missing_ok=True)
        raise
    except InvalidResponse as error:
        raise InvalidResponse(error.why, reply, kept) from None
    if not batch:
        kept.unlink(missing_ok=True)
    return batch or FetchedBatch(())


def keep_partial(error: InvalidResponse, keeper: SpoolFile | None) -> InvalidResponse:
    """Keep an answer that broke off: it may hold reports that the vendor will not hand over again."""
    if keeper is None or error.status != 200 or not error.body:
        return error
    try:
        return InvalidResponse(error.why, error.reply, keeper.keep())
    except OSError:  # the error has all that came
        return error


class BaseClient(ABC, Generic[Transport]):
    """The settings of a client."""

    def __init__(
        self,
        url: str,
        *,
        userid: str,
        account: str,
        password: str,
        charset: Charset = "utf-8",
        timeout: float | None = 30.0,
        total_timeout: float | None = TOTAL_TIMEOUT,
        retries: int = 0,
        proxy: str | None = None,
        trust_env: bool = True,
        transport: Transport | None = None,
        clock: Clock = system_clock,
        max_answer: int = MAX_ANSWER,
    ) -> None:
        if retries < 0:
            raise ValueError(f"retries is how often to try again, and not {retries}")
        for name, seconds in (("timeout", timeout), ("total_timeout", total_timeout)):
            if isinstance(seconds, int | float) and not 0 < seconds <= LONGEST_TIMEOUT:  # httpx2.Timeout is taken too
                raise ValueError(f"{name} is up to {LONGEST_TIMEOUT:.0f} seconds, above 0, or None, and not {seconds}")
        if max_answer < 1:
            raise ValueError(f"max_answer is a number of bytes above 0, and not {max_answer}")
        self._url = parse_address(url)
        self._calls = RequestBuilder(userid, account, password, charset, clock)
        self._retries = retries
        self._total_timeout = total_timeout
        self._max_answer = max_answer
        self._route = find_route(self._url, proxy, trust_env) if transport is None else None
        self._connect(timeout, self._route, transport)

    @abstractmethod
    def _connect(self, timeout: float | None, route: ProxyRoute | None, transport: Transport | None) -> None: ...

    def __repr__(self) -> str:
        address = httpx2.URL(self._url).copy_with(userinfo=b"")
        return f"{type(self).__name__}({str(address)!r}, userid={self._calls.userid!r})"

    def _delays(self) -> Iterator[float]:
        return backoff_delays(self._retries)

    def _unreachable(self, error: httpx2.RequestError, deadline: Deadline) -> ConnectionFailed:
        why = str(deadline) if deadline.is_over else ": ".join(filter(None, (type(error).__name__, str(error))))
        return ConnectionFailed(self._remarked(why), not isinstance(error, _NOTHING_SENT))

    def _remarked(self, why: str) -> str:
        return why if self._route is None or not self._route.remark else f"{why}, {self._route.remark}"

    def _read(self, call: PreparedRequest[Value], reply: RawResponse) -> Value:
        """Read an answer that is not a queue's."""
        try:
            return call.read(reply)
        except InvalidResponse as error:
            raise self._named_proxy(error) from None

    def _named_proxy(self, error: InvalidResponse) -> InvalidResponse:
        """An error page may be the proxy's own: the error names the proxy."""
        if self._route is None or self._route.proxy is None or error.status not in _STATUSES_OF_PROXIES:
            return error
        return InvalidResponse(self._remarked(error.why), error.reply, error.kept)
