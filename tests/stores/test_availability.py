"""Log messages about outages of a store: one line at the start, one at the end."""

import logging

import pytest

from sms10692_mock.stores.availability import AvailabilityLog


class LoggedOutage:
    """An `AvailabilityLog` with a controllable clock."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.now = 0.0
        self._caplog = caplog
        self.log = AvailabilityLog(lambda: self.now)

    @property
    def lines(self) -> list[str]:
        assert {record.levelno for record in self._caplog.records} <= {logging.ERROR}, "every log level shows errors"
        return [record.getMessage() for record in self._caplog.records]


@pytest.fixture
def outage(caplog: pytest.LogCaptureFixture) -> LoggedOutage:
    return LoggedOutage(caplog)


def test_an_outage_is_logged_once_and_its_end_once(outage: LoggedOutage) -> None:
    for _ in range(1000):
        outage.log.failed("the disk is full")
    outage.now = 12.0
    for _ in range(1000):
        outage.log.succeeded()
    assert outage.lines == [
        "the store is unavailable: the disk is full",
        "the store is available again after 12 s; failed operations: 1000",
    ]


def test_an_outage_ends_after_a_second_without_failures(outage: LoggedOutage) -> None:
    for second in range(100):
        outage.now = second / 10
        outage.log.failed("the disk is full")
        outage.log.succeeded()
    assert len(outage.lines) == 1
    outage.now += 1.0
    outage.log.succeeded()
    assert len(outage.lines) == 2
    outage.log.failed("the disk is full")
    assert len(outage.lines) == 3


def test_a_read_does_not_end_an_outage_of_writes(outage: LoggedOutage) -> None:
    outage.log.failed("the disk is full", writing=True)
    outage.now = 5.0
    outage.log.succeeded()
    assert outage.log.is_unavailable
    outage.log.succeeded(writing=True)
    assert not outage.log.is_unavailable


def test_a_new_reason_is_logged_at_most_every_ten_seconds(outage: LoggedOutage) -> None:
    for second in range(23):
        outage.now = float(second)
        outage.log.failed("locked" if second % 2 else "gone")
    assert outage.lines == [
        "the store is unavailable: gone",
        "the store is unavailable: locked",
        "the store is unavailable: gone",
    ]
