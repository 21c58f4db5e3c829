"""The server that is checked: its pace, repetition of lost responses, and the reasons for which it ends a run."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import sleep
from typing import Final, Protocol

from sms10692_contract.http import (
    Address,
    ConnectionRefused,
    ExchangeLimitExceeded,
    ExchangeTimeout,
    HttpResponse,
    TargetUnreachable,
    send_request,
)
from sms10692_contract.kept_connection import Connection, open_connection
from sms10692_contract.network_errors import (
    GATEWAY_STATUSES,
    PAUSE_LIMIT,
    RETRY_DELAYS,
    ConnectionLost,
    TargetStopped,
    find_request_limit,
)
from sms10692_contract.rate_limit import RateLimit
from sms10692_contract.requests import WireRequest
from sms10692_contract.run_clock import RunClock

_PAUSES: Final = (5.0, 30.0)
"""Seconds to wait after a response that says "too often", unless it names another time."""

CLOCK_TOLERANCE: Final = 120
"""Difference in seconds between the clocks of two machines that is named when the server refuses the account."""


class RequestGate(Protocol):
    """What every request on the wire and every response passes, repetitions included."""

    def count_request(self, request: WireRequest) -> None:
        """Count a request that is sent again; the first time is counted before."""

    def may_repeat(self, request: WireRequest) -> bool:
        """Return whether a request whose response is lost may be sent again."""

    @property
    def seconds_left(self) -> float:
        """Time that is left for an exchange, or for waiting before the next."""

    def record_response(self, request: WireRequest, response: HttpResponse) -> None:
        """Keep a response, complete or not, before anything is concluded from it."""


@dataclass
class Target:
    """A server. `sleep` waits for some seconds. `pauses` is whether responses that say "too often" are obeyed.

    Such responses are texts, which an emulator may return for other reasons: `pauses` is for real vendors.
    """

    address: Address
    rate_limit: RateLimit = field(default_factory=RateLimit)
    sleep: Callable[[float], object] = sleep
    pauses: bool = False

    def send(self, request: WireRequest, gate: RequestGate, may_be_absent: bool = False) -> HttpResponse:
        """Send a request; repeat it if its response is lost and `gate` permits that.

        Raises ConnectionLost if there is no response, TargetStopped if the server limits requests, and
        ExchangeLimitExceeded if the response is too large. With `may_be_absent` a refused connection is final.
        """
        delays, pauses = iter(RETRY_DELAYS), iter(_PAUSES)
        partial: list[HttpResponse] = []
        is_repeated = False
        while True:
            lost = ""
            partial.clear()
            try:
                with self.rate_limit.wait_for_turn():
                    if is_repeated:
                        gate.count_request(request)
                    is_repeated = True
                    response = send_request(self.address, request, partial.append, gate.seconds_left)
            except ExchangeTimeout as error:
                lost = str(error)
                next(delays, None)  # a stalled response has taken its time already
                self._record(gate, request, partial)
            except ExchangeLimitExceeded:
                self._record(gate, request, partial)
                raise
            except TargetUnreachable as error:
                if may_be_absent and isinstance(error, ConnectionRefused):
                    raise
                lost = str(error)
                self._record(gate, request, partial)
            else:
                self._record(gate, request, [response])
                if response.status in GATEWAY_STATUSES:
                    lost = f"{self.address.url}: HTTP {response.status} instead of a response"
                elif self.pauses and (limit := find_request_limit(request, response)):
                    pause = next(pauses, None) if gate.may_repeat(request) else None
                    self._pause(response, limit, pause, min(PAUSE_LIMIT, gate.seconds_left))
                    continue
                else:
                    return response
            delay = next(delays, None)
            if delay is None or delay > gate.seconds_left or not gate.may_repeat(request):
                raise ConnectionLost(request, lost)
            self.sleep(delay)

    def open_connection(self, continue_seconds: float, seconds: float) -> AbstractContextManager[Connection]:
        """Open a connection for several requests, for at most so many seconds. Raises TargetUnreachable."""
        return open_connection(self.address, continue_seconds, seconds)

    @staticmethod
    def _record(gate: RequestGate, request: WireRequest, responses: list[HttpResponse]) -> None:
        for response in responses:
            gate.record_response(request, response)

    def _pause(self, response: HttpResponse, limit: str, pause: float | None, longest: float) -> None:
        """Wait as long as the server asks for. Raises TargetStopped if that is too long, or did not help."""
        named = float(response.retry_after) if response.retry_after.isdecimal() else None
        seconds = pause if named is None or pause is None else named
        if seconds is None or seconds > longest:
            raise TargetStopped(f"{limit}; try again later, with a lower --rate")
        self.sleep(seconds)


def build_target(address: Address, rate: float, clock: RunClock) -> Target:
    """Return a server that may be a real vendor."""
    return Target(address, RateLimit(rate, clock.monotonic, clock.sleep), clock.sleep, pauses=True)


def compute_clock_difference(response: HttpResponse, now: datetime) -> float | None:
    """Return by how many seconds this machine's clock is ahead of the server's; None if the server names no time."""
    try:
        date = parsedate_to_datetime(response.date)
    except ValueError:
        return None
    return (now - (date if date.tzinfo else date.replace(tzinfo=UTC))).total_seconds()
