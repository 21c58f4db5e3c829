"""Tests of `app.invalid_requests`: a flood is recorded once per second, and an unavailable store loses only entries."""

from collections.abc import Callable

import pytest

from sms10692_mock.app.invalid_requests import InvalidRequestRecorder
from sms10692_mock.config import build_vendor
from sms10692_mock.domain.records import Query
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.server.bad_request import BadRequest
from sms10692_mock.server.http_types import SocketAddresses, text_response
from sms10692_mock.stores.memory.runner import InlineRunner
from support.emulators import build_options

ADDRESSES = SocketAddresses(("127.0.0.1", 1), ("127.0.0.1", 2))
ERROR = BadRequest(400, "tls", "a TLS handshake")


class Call:
    """A call that a test makes in place of a timer."""

    def __init__(self, function: Callable[[], None]) -> None:
        self.function = function
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Recorded:
    """A recorder whose clock stands still until `advance`, the lines of its log, and the store."""

    def __init__(self) -> None:
        self.vendor = build_vendor(build_options())
        self.lines: list[str] = []
        self._now = 0.0
        self.recorder = InvalidRequestRecorder(
            *(self.vendor, InlineRunner(), lambda _, line: self.lines.append(line), lambda _: None, lambda: self._now),
            call_later=self._call_later,
        )
        self.timers: list[Call] = []

    def _call_later(self, seconds: float, function: Callable[[], None]) -> "Call":
        self.timers.append(Call(function))
        return self.timers[-1]

    def advance(self, seconds: float) -> None:
        self._now += seconds

    def record(self, times: int = 1) -> None:
        for _ in range(times):
            self.recorder.record(ERROR, text_response(400, "no"), ADDRESSES, b"\x16\x03\x01")

    def count_entries(self) -> int:
        return len(self.vendor.store.requests(None, Query(limit=1000)).items)


def test_of_a_flood_twenty_are_recorded_and_then_one_per_second() -> None:
    recorded = Recorded()
    recorded.record(100)
    assert (len(recorded.lines), recorded.count_entries()) == (20, 20)
    recorded.advance(0.9)
    recorded.record()
    assert len(recorded.lines) == 20
    recorded.advance(0.2)
    recorded.record(2)
    assert recorded.count_entries() == 21
    assert recorded.lines[-1] == (
        "sent no HTTP/1 request, but '\\x16\\x03\\x01...': 400, a TLS handshake (81 more were not logged)"
    )
    recorded.advance(3600)
    recorded.record(100)
    assert recorded.count_entries() == 41


def test_after_a_flood_the_log_says_how_many_were_omitted() -> None:
    recorded = Recorded()
    recorded.record(100)
    (timer,) = recorded.timers
    timer.function()
    assert recorded.lines[20:] == ["and others sent 80 more requests that were not logged"]
    recorded.record()
    assert len(recorded.timers) == 2
    recorded.recorder.close()
    assert recorded.timers[1].is_cancelled
    assert recorded.lines[21:] == ["and others sent 1 more requests that were not logged"]
    recorded.recorder.close()
    assert len(recorded.lines) == 22


def test_a_flood_whose_number_was_logged_is_not_reported_again() -> None:
    recorded = Recorded()
    recorded.record(21)
    recorded.advance(1)
    recorded.record()
    assert "(1 more were not logged)" in recorded.lines[-1]
    recorded.timers[0].function()
    assert len(recorded.lines) == 21


def test_an_unavailable_store_loses_the_entry_and_not_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_unavailable() -> int:
        raise StoreUnavailable("away")

    recorded = Recorded()
    monkeypatch.setattr(recorded.vendor.store, "next_request", raise_unavailable)
    recorded.record()
    assert (len(recorded.lines), recorded.count_entries()) == (1, 0)
