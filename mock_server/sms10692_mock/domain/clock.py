"""Time as the vendor writes it: `yyyy-MM-dd HH:mm:ss` in China Standard Time (1.2, 4.3, R12).

Here belong the type of a clock, how one is turned, and the two directions of that format. Inside the emulator a
moment is a number of seconds since 1970; what the time really is, only the caller's clock says.
"""

import re
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from math import floor
from typing import Final, NamedTuple, TypeAlias

from sms10692.signing import CHINA
from sms10692_mock.domain.bounds import FIRST_MOMENT, LAST_MOMENT

Clock: TypeAlias = Callable[[], float]
"""Seconds since 1970, like `time.time`."""


def system_time() -> float:
    """The machine's time. Looked up at each call: where a test has frozen the time, the vendor's is frozen too."""
    return time.time()


_MICROS: Final = 1_000_000
"""Sums of moments are made in whole microseconds: in floating point, a whole second may come out a little less."""


class ClockOverride(NamedTuple):
    """A clock that was set: it showed `at` when the real time was `since`, and runs at `speed`; 0 is standing still.

    >>> noon = Turned(at=43200.0, since=5.0, speed=2.0)
    >>> noon.now(6.0), noon.advanced(60.0, 6.0).now(6.0)
    (43202.0, 43262.0)
    """

    at: float
    since: float
    speed: float = 1.0

    def now(self, real: float) -> float:
        """What it shows when the real time is `real`: from 1970 to the year 9000, however fast.

        Where the real time went back behind `since`, it runs no faster than that: the days before it was set are days.

        >>> Turned(at=86400.0, since=86400.0, speed=1e6).now(86399.0)
        86399.0
        """
        at, since, speed = self
        passed = _micros(real) - _micros(since)
        if speed != 1.0 and not (passed < 0 and speed > 1.0):
            passed = round(passed * speed)
        return bounded((_micros(at) + passed) / _MICROS)

    def advance(self, seconds: float, real: float) -> "ClockOverride":
        """The same clock, put forward."""
        return ClockOverride(bounded(later(self.now(real), seconds)), real, self.speed)

    def advanced_to(self, moment: float, real: float) -> "ClockOverride":
        """The same clock, put forward to a moment; one that shows a later one shows it still."""
        return ClockOverride(max(self.now(real), moment), real, self.speed)


def _micros(moment: float) -> int:
    return round(moment * _MICROS)


def later(moment: float, seconds: float) -> float:
    """So many seconds after a moment, to the microsecond.

    >>> 0.7 + 0.1, later(0.7, 0.1)
    (0.7999999999999999, 0.8)
    """
    return _micros(moment + seconds) / _MICROS


def bounded(moment: float) -> float:
    """A moment as a clock can show it.

    >>> bounded(-1.0), bounded(1e12) == LAST_MOMENT
    (0.0, True)
    """
    return moment if FIRST_MOMENT <= moment <= LAST_MOMENT else min(max(moment, FIRST_MOMENT), LAST_MOMENT)


def shown(turned: ClockOverride | None, real: float) -> float:
    """What a clock shows that was set, or, without one, the real time."""
    return turned.now(real) if turned else bounded(real)


_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
_SHAPE: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_LAST_DATE: Final = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=CHINA).timestamp())


def date_of(moment: float) -> datetime:
    """A moment in China; the first or the last date for those that have none.

    >>> date_of(1322835131.5).isoformat(), date_of(1e300).isoformat(), date_of(-1e300).isoformat()
    ('2011-12-02T22:12:11.500000+08:00', '9999-12-31T23:59:59+08:00', '1970-01-01T08:00:00+08:00')
    """
    return datetime.fromtimestamp(min(max(moment, FIRST_MOMENT), _LAST_DATE), CHINA)


def format_time(moment: float) -> str:
    """Write a moment as the vendor does.

    >>> china_time(1322835131.0), china_time(1322835131.75)
    ('2011-12-02 22:12:11', '2011-12-02 22:12:11')
    """
    return _china_time(floor(moment))


def format_times(moments: Iterable[float]) -> Iterable[str]:
    """Write moments as the vendor does: thousands in half the time."""
    return map(_china_time, map(floor, moments))


@lru_cache(maxsize=4096)
def _china_time(second: int) -> str:
    return date_of(second).strftime(_FORMAT)


def parse_time(text: str) -> float | None:
    """Read what `china_time` writes; None for anything else, dates that do not exist included.

    >>> moment("2011-12-02 22:12:11")
    1322835131.0
    >>> moment("2011-02-30 00:00:00") is None
    True
    """
    if not _SHAPE.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, _FORMAT).replace(tzinfo=CHINA).timestamp()
    except ValueError:
        return None
