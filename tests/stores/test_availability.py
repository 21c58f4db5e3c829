"""Log lines about a store that goes away and comes back: neither silence nor a line for each request."""

import logging

import pytest

from sms10692_mock.stores.availability import AvailabilityLog


class Away:
    """A store, its log, and a clock."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.now = 0.0
        self._caplog = caplog
        self.log = AvailabilityLog(lambda: self.now)

    @property
    def lines(self) -> list[str]:
        assert {record.levelno for record in self._caplog.records} <= {logging.ERROR}, "which every log level shows"
        return [record.getMessage() for record in self._caplog.records]


@pytest.fixture
def away(caplog: pytest.LogCaptureFixture) -> Away:
    return Away(caplog)


def test_many_failures_are_one_line_and_the_return_another(away: Away) -> None:
    for _ in range(1000):
        away.log.failed("the disk is full")
    away.now = 12.0
    for _ in range(1000):
        away.log.succeeded()
    assert away.lines == [
        "the store is unavailable: the disk is full",
        "the store is available again after 12 s; failed operations: 1000",
    ]


def test_a_store_that_flickers_is_away_until_nothing_fails_for_a_second(away: Away) -> None:
    for second in range(100):
        away.now = second / 10
        away.log.failed("the disk is full")
        away.log.succeeded()
    assert len(away.lines) == 1
    away.now += 1.0
    away.log.succeeded()
    assert len(away.lines) == 2
    away.log.failed("the disk is full")
    assert len(away.lines) == 3


def test_reading_does_not_show_that_writing_is_possible_again(away: Away) -> None:
    away.log.failed("the disk is full", writing=True)
    away.now = 5.0
    away.log.succeeded()
    assert away.log.is_unavailable
    away.log.succeeded(writing=True)
    assert not away.log.is_unavailable


def test_another_reason_is_logged_but_not_more_often_than_every_ten_seconds(away: Away) -> None:
    for second in range(23):
        away.now = float(second)
        away.log.failed("locked" if second % 2 else "gone")
    assert away.lines == [
        "the store is unavailable: gone",
        "the store is unavailable: locked",
        "the store is unavailable: gone",
    ]
