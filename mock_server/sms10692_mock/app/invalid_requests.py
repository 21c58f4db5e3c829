"""Records what reaches no endpoint: bytes that are no HTTP request, and parameters for a path that does not exist.

A flood of them neither fills the access log nor evicts the entries of real requests.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from sms10692 import protocol
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import parse_fields
from sms10692_mock.diagnosis.rejection import UNKNOWN_PATH, describe_beginning
from sms10692_mock.domain.records import LoggedRequest
from sms10692_mock.domain.store import Runner, StoreUnavailable
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.server.bad_request import BadRequest
from sms10692_mock.server.http1_head import RequestHead
from sms10692_mock.server.http_types import Response, SocketAddresses
from sms10692_mock.stores.request_log import redact_headers

_logger = logging.getLogger(__name__)

_MAX_BODY: Final = 64 * 1024
"""Bytes of a body that are kept if the path does not exist."""

_BURST: Final = 20
"""Invalid requests that are recorded one right after another. Later ones are recorded once per second."""

_REPORT_SECONDS: Final = 5.0
"""Seconds after the first request that was not recorded until the log says how many there were."""

_HEADER: Final = re.compile(rb"^([!#$%&'*+\-.^_`|~0-9A-Za-z]+)([ \t]*:[ \t]*)([^\r\n]*)", re.MULTILINE)


_NO_CLIENT: Final = SocketAddresses(("", 0), ("", 0))


class Timer(Protocol):
    """A call that can be cancelled."""

    def cancel(self) -> None: ...


class InvalidRequestRecorder:
    """Adds an entry of the request log for each invalid request, and counts those beyond the rate limit.

    `log_line` gets the line. `call_later` calls a function after so many seconds and returns what cancels that. Use the
    recorder on the thread of the event loop only, and `close` it.
    """

    def __init__(
        self,
        vendor: Vendor,
        runner: Runner,
        log_line: Callable[[SocketAddresses, str], None],
        notify: Callable[[str], None],
        clock: Callable[[], float] = monotonic,
        call_later: Callable[[float, Callable[[], None]], Timer] | None = None,
    ) -> None:
        self._vendor = vendor
        self._runner = runner
        self._log_line = log_line
        self._notify = notify
        self._clock = clock
        self._allowed = float(_BURST)
        self._refilled = clock()
        self._omitted = 0
        self._call_later = call_later
        self._timer: Timer | None = None
        self._last_client = _NO_CLIENT

    def record(self, error: BadRequest, response: Response, addresses: SocketAddresses, beginning: bytes) -> None:
        """Record an invalid request and the response to it, unless too many came before."""
        self._last_client = addresses
        if not self._may_record():
            self._omitted += 1
            if self._timer is None:
                call_later = self._call_later or asyncio.get_running_loop().call_later
                self._timer = call_later(_REPORT_SECONDS, self._report_omitted)
            return
        omitted = f" ({self._omitted} more were not logged)" if self._omitted else ""
        self._omitted = 0
        shown = describe_beginning(beginning)
        self._log_line(addresses, f"sent no HTTP/1 request, but '{shown}...': {error.status}, {error}{omitted}")
        self._log_request("", "", b"", (), _redact_headers(beginning), "", response, error.cause)

    def record_unknown_path(self, head: RequestHead, body: bytes, response: Response) -> None:
        """Add an entry for a request with parameters to a path that is no endpoint, unless too many came before."""
        if not self._may_record():
            return
        body = body[:_MAX_BODY]
        fields = parse_fields(head.query, head.headers_lower.get("content-type", ""), body, DECODERS["utf-8"])
        userid = fields.get(protocol.SIGNED.parameters[0], "")
        self._log_request(
            head.method, head.path, head.query, redact_headers(head.headers), body, userid, response, UNKNOWN_PATH
        )

    def _may_record(self) -> bool:
        """Return whether the rate limit allows an entry, and count the entry."""
        now = self._clock()
        self._allowed = min(_BURST, self._allowed + now - self._refilled)
        self._refilled = now
        if self._allowed < 1:
            return False
        self._allowed -= 1
        return True

    def _report_omitted(self) -> None:
        """Write how many requests were not recorded since the last line that says so."""
        self._timer = None
        if self._omitted:
            self._log_line(self._last_client, f"and others sent {self._omitted} more requests that were not logged")
            self._omitted = 0

    def close(self) -> None:
        """Write how many requests were not recorded, and stop."""
        if self._timer is not None:
            self._timer.cancel()
        self._report_omitted()

    def _log_request(
        self,
        method: str,
        path: str,
        query: bytes,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        userid: str,
        response: Response,
        cause: str,
    ) -> None:
        received = self._vendor.wall_clock()
        content_type = response.headers[0][1]

        def finish(numbered: tuple[int, float] | None) -> None:
            if numbered is None:
                return
            number, account_time = numbered
            self._vendor.store.log_request(
                LoggedRequest(
                    number,
                    received,
                    account_time,
                    0.0,
                    method,
                    path,
                    query,
                    headers,
                    body,
                    userid,
                    "",
                    "",
                    None,
                    response.status,
                    content_type,
                    response.body,
                    rejection=cause,
                )
            )
            self._notify(userid)

        submitted = self._runner.submit(self._take_number, finish)
        if isinstance(submitted, asyncio.Future):
            submitted.add_done_callback(_log_failure)

    def _take_number(self) -> tuple[int, float] | None:
        """Return number and time of the entry; None if the store is unavailable: the access log has the line."""
        try:
            return self._vendor.store.next_request(), self._vendor.now()
        except StoreUnavailable:
            return None


def _log_failure(submitted: "asyncio.Future[None]") -> None:
    if not submitted.cancelled() and (error := submitted.exception()) is not None:
        _logger.error("an invalid request is missing in the request log", exc_info=error)


def _redact_headers(beginning: bytes) -> bytes:
    """Replace the values of headers with credentials. The request line is kept.

    >>> _redact_headers(b"CONNECT a:443 HTTP/1.1\\r\\nProxy-Authorization: Basic eA==\\r\\n")
    b'CONNECT a:443 HTTP/1.1\\r\\nProxy-Authorization: [redacted]\\r\\n'
    """

    def redact(header: re.Match[bytes]) -> bytes:
        name, separator, value = header.groups()
        ((_, kept),) = redact_headers([(name.decode("latin-1"), value.decode("latin-1"))])
        return name + separator + kept.encode("latin-1")

    return _HEADER.sub(redact, beginning)
