"""Tests of `app.invalid_requests`: a flood is recorded once per second, and an unavailable store loses only entries."""

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


class Recorded:
    """A recorder whose clock stands still until `advance`, the lines of its log, and the store."""

    def __init__(self) -> None:
        self.vendor = build_vendor(build_options())
        self.lines: list[str] = []
        self._now = 0.0
        self._recorder = InvalidRequestRecorder(
            self.vendor, InlineRunner(), lambda _, line: self.lines.append(line), lambda _: None, lambda: self._now
        )

    def advance(self, seconds: float) -> None:
        self._now += seconds

    def record(self, times: int = 1) -> None:
        for _ in range(times):
            self._recorder.record(ERROR, text_response(400, "no"), ADDRESSES, b"\x16\x03\x01")

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


def test_an_unavailable_store_loses_the_entry_and_not_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_unavailable() -> int:
        raise StoreUnavailable("away")

    recorded = Recorded()
    monkeypatch.setattr(recorded.vendor.store, "next_request", raise_unavailable)
    recorded.record()
    assert (len(recorded.lines), recorded.count_entries()) == (1, 0)
