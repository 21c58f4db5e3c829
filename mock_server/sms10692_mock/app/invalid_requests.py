"""Records received bytes that are no HTTP request: each in the access log and in the request log.

A flood of them neither fills the access log nor evicts the entries of real requests.
"""

import re
from collections.abc import Callable
from typing import Final

from sms10692_mock.app.log_lines import sanitize
from sms10692_mock.domain.records import LoggedRequest
from sms10692_mock.domain.store import RequestLogStore, Runner, StoreUnavailable
from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.server.bad_request import BadRequest
from sms10692_mock.server.http_types import Response, SocketAddresses

_BURST: Final = 20
"""Invalid requests that are recorded one right after another. Later ones are recorded once per second."""

_LOGGABLE: Final = re.compile(rb"[A-Za-z*:/ .\-]{1,24}|.{0,3}", re.DOTALL)
"""The part of an invalid request that is logged. The rest may contain phone numbers and signatures."""


class InvalidRequestRecorder:
    """Writes a line and an entry for each invalid request, and counts those beyond the rate limit.

    `log_line` gets the line. Use it on the thread of the event loop only.
    """

    def __init__(
        self,
        store: RequestLogStore,
        runner: Runner,
        wall_clock: Callable[[], float],
        log_line: Callable[[SocketAddresses, str], None],
        notify: Callable[[str], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._store = store
        self._runner = runner
        self._wall_clock = wall_clock
        self._log_line = log_line
        self._notify = notify
        self._clock = clock
        self._allowed = float(_BURST)
        self._refilled = clock()
        self._omitted = 0

    def record(self, error: BadRequest, response: Response, addresses: SocketAddresses, beginning: bytes) -> None:
        """Record an invalid request and the response to it, unless too many came before."""
        now = self._clock()
        self._allowed = min(_BURST, self._allowed + now - self._refilled)
        self._refilled = now
        if self._allowed < 1:
            self._omitted += 1
            return
        self._allowed -= 1
        omitted = f" ({self._omitted} more were not logged)" if self._omitted else ""
        self._omitted = 0
        excerpt = _LOGGABLE.match(beginning)
        shown = "" if excerpt is None else sanitize(excerpt[0].decode("latin-1"))
        self._log_line(addresses, f"sent no HTTP/1 request, but '{shown}...': {error.status}, {error}{omitted}")
        received = self._wall_clock()
        content_type = response.headers[0][1]

        def finish(number: int | None) -> None:
            if number is None:
                return
            self._store.log_request(
                LoggedRequest(
                    number,
                    received,
                    received,
                    0.0,
                    "",
                    "",
                    b"",
                    (),
                    beginning,
                    "",
                    "",
                    "",
                    None,
                    response.status,
                    content_type,
                    response.body,
                    rejection=error.cause,
                )
            )
            self._notify("")

        self._runner.submit(self._next_number, finish)

    def _next_number(self) -> int | None:
        """Return a number for the entry; None if the store is unavailable: the access log has the line already."""
        try:
            return self._store.next_request()
        except StoreUnavailable:
            return None
