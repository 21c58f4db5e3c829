"""`BufferedRequestLog` with a writer in memory: nothing is lost or counted twice while the store is unavailable."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from sms10692_mock.domain.records import Limits, LoggedRequest, Page, Query
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.stores.request_log import BufferedRequestLog
from sms10692_mock.stores.valkey.request_log import ValkeyRequestLogWriter


class FakeWriter:
    """Keeps the numbers of written entries. `before_write` is called first, and may raise."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.lost = 0
        self.before_write: Callable[[], object] = lambda: None

    def dump(self, entry: LoggedRequest) -> tuple[Any, ...]:
        if not entry.method:
            raise ValueError("no method")
        return (entry.number,)

    def write(self, rows: Sequence[tuple[Any, ...]], lost: int) -> None:
        self.before_write()
        self.numbers += [number for (number,) in rows]
        self.lost += lost

    def query(self, userid: str | None, query: Query) -> Page[LoggedRequest]:
        raise AssertionError("no test queries this writer")

    def get(self, number: int) -> LoggedRequest | None:
        return None

    def has(self, number: int) -> bool:
        return number in self.numbers

    def delete(self, number: int) -> bool:
        was_logged = number in self.numbers
        self.numbers = [logged for logged in self.numbers if logged != number]
        return was_logged

    def clear(self) -> None:
        self.numbers.clear()


def raise_unavailable() -> None:
    raise StoreUnavailable("away")


def build_entry(number: int, method: str = "GET") -> LoggedRequest:
    return LoggedRequest(number, 0.0, 0.0, 0.0, method, "/", b"", [], b"", "1", "", "", None, 200, "", b"")


def test_after_an_outage_all_entries_are_written_in_order_and_losses_are_counted_once() -> None:
    writer, wakes = FakeWriter(), list[None]()
    log = BufferedRequestLog(Limits(requests=500), writer, lambda: wakes.append(None))
    for number in range(1, 503):
        log.record(build_entry(number, "" if number == 10 else "GET"))
    assert len(wakes) == 502
    writer.before_write = raise_unavailable
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            log.flush()
    assert log.is_logged(3)
    assert not log.is_logged(2)
    writer.before_write = lambda: None
    log.flush()
    assert writer.numbers == [number for number in range(3, 503) if number != 10]
    assert writer.lost == 3, "two beyond the limit, and one that cannot be serialized"


def test_a_batch_that_a_defective_writer_refuses_is_counted_as_lost_once() -> None:
    def raise_error() -> None:
        raise ValueError("a defect")

    writer = FakeWriter()
    log = BufferedRequestLog(Limits(), writer, lambda: None)
    log.record(build_entry(1))
    log.record(build_entry(2))
    writer.before_write = raise_error
    for _ in range(2):
        with pytest.raises(ValueError, match="a defect"):
            log.flush()
    writer.before_write = lambda: None
    log.record(build_entry(3))
    log.flush()
    assert (writer.numbers, writer.lost) == ([3], 2)


def test_an_entry_is_logged_while_it_is_being_written() -> None:
    writer, found = FakeWriter(), list[bool]()
    log = BufferedRequestLog(Limits(), writer, lambda: None)
    writer.before_write = lambda: found.append(log.is_logged(1))
    log.record(build_entry(1))
    log.flush()
    assert found == [True]


def test_an_entry_that_is_still_in_the_buffer_can_be_deleted() -> None:
    writer = FakeWriter()
    log = BufferedRequestLog(Limits(), writer, lambda: None)
    log.record(build_entry(1))
    log.record(build_entry(2))
    assert (log.delete(1), log.delete(1)) == (True, False)
    log.flush()
    assert writer.numbers == [2]


def test_a_cleared_buffer_is_not_written() -> None:
    writer = FakeWriter()
    log = BufferedRequestLog(Limits(), writer, lambda: None)
    log.record(build_entry(1))
    log.clear()
    log.flush()
    assert writer.numbers == []


class RejectingClient:
    """A script client whose server rejects the entry `bad`, and is unavailable for the write number `outage`."""

    def __init__(self, bad: int, outage: int | None = None) -> None:
        self.written: set[int] = set()
        self.lost = self.writes = 0
        self._bad, self._outage = bad, outage

    def run(self, script: object, keys: object, limit: int, byte_limit: int, lost: int, *fields: Any) -> None:
        self.writes += 1
        if self._bad in fields[::4] or self.writes == self._outage:
            raise StoreUnavailable("rejected")
        self.written.update(fields[::4])
        self.lost += lost

    def check_writable(self) -> None:
        if self.writes == self._outage:
            raise StoreUnavailable("away")


@pytest.mark.parametrize("outage", [None, *range(1, 8)])
def test_an_entry_that_valkey_rejects_is_dropped_and_counted_once(outage: int | None) -> None:
    client: Any = RejectingClient(3, outage)  # seven writes: all, 1-2, 3-5, 3, 3, 4-5, and the losses
    writer = ValkeyRequestLogWriter(client, Limits())
    rows = [writer.dump(build_entry(number)) for number in range(1, 6)]
    if outage is not None:
        with pytest.raises(StoreUnavailable):
            writer.write(rows, 4)
    writer.write(rows, 4)
    assert client.written == {1, 2, 4, 5}
    assert client.lost == 5
