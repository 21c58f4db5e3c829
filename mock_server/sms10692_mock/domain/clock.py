"""Clocks, and the vendor's time format: `yyyy-MM-dd HH:mm:ss` in China Standard Time (1.2, 4.3, R12).

Times are seconds since 1970. The wall clock is an argument; only `system_time` reads the machine's clock.
"""

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from math import floor
from typing import Final, Literal, NamedTuple, TypeAlias

from sms10692.signing import CHINA
from sms10692_mock.domain.bounds import EARLIEST_TIME, LATEST_TIME

Clock: TypeAlias = Callable[[], float]
"""A function that returns seconds since 1970, like `time.time`."""


def system_time() -> float:
    """Return the machine's time. `time.time` is looked up on each call, so that libraries that freeze time work."""
    return time.time()


_MICROS: Final = 1_000_000
"""Times are added in whole microseconds: floating-point addition can end slightly below a whole second."""


class ClockOverride(NamedTuple):
    """A clock that was set: it showed `at` at wall-clock time `since`, and runs at `speed` (0: frozen).

    >>> noon = ClockOverride(at=43200.0, since=5.0, speed=2.0)
    >>> noon.now(6.0), noon.advance(60.0, 6.0).now(6.0)
    (43202.0, 43262.0)
    """

    at: float
    since: float
    speed: float = 1.0

    def now(self, real: float) -> float:
        """Return the time shown at wall-clock time `real`, clamped to 1970 to 9000.

        If the wall clock went back before `since`, the speed is limited to 1, so that one day back is one day back.

        >>> ClockOverride(at=86400.0, since=86400.0, speed=1e6).now(86399.0)
        86399.0
        """
        at, since, speed = self
        passed = _micros(real) - _micros(since)
        if speed != 1.0 and not (passed < 0 and speed > 1.0):
            passed = round(passed * speed)
        return clamp_time((_micros(at) + passed) / _MICROS)

    def advance(self, seconds: float, real: float) -> "ClockOverride":
        """Return this clock moved forward by `seconds`."""
        return ClockOverride(clamp_time(add_seconds(self.now(real), seconds)), real, self.speed)

    def advance_to(self, moment: float, real: float) -> "ClockOverride":
        """Return this clock moved forward to `moment`; a clock that is ahead of `moment` is left there."""
        return ClockOverride(max(self.now(real), moment), real, self.speed)


def _micros(moment: float) -> int:
    return round(moment * _MICROS)


def add_seconds(moment: float, seconds: float) -> float:
    """Add seconds to a time, rounded to the microsecond.

    >>> 0.7 + 0.1, add_seconds(0.7, 0.1)
    (0.7999999999999999, 0.8)
    """
    return _micros(moment + seconds) / _MICROS


def clamp_time(moment: float) -> float:
    """Clamp a time to the range of a clock.

    >>> clamp_time(-1.0), clamp_time(1e12) == LATEST_TIME
    (0.0, True)
    """
    return moment if EARLIEST_TIME <= moment <= LATEST_TIME else min(max(moment, EARLIEST_TIME), LATEST_TIME)


def current_time(override: ClockOverride | None, real: float) -> float:
    """Return the time of a clock override, or the wall-clock time without one."""
    return override.now(real) if override else clamp_time(real)


_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
_SHAPE: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_LAST_DATE: Final = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=CHINA).timestamp())


def to_china_datetime(moment: float) -> datetime:
    """Convert a time to a datetime in China Standard Time; times out of range give the first or the last date.

    >>> to_china_datetime(1322835131.5).isoformat()
    '2011-12-02T22:12:11.500000+08:00'
    >>> to_china_datetime(1e300).isoformat(), to_china_datetime(-1e300).isoformat()
    ('9999-12-31T23:59:59+08:00', '1970-01-01T08:00:00+08:00')
    """
    return datetime.fromtimestamp(min(max(moment, EARLIEST_TIME), _LAST_DATE), CHINA)


def format_time(moment: float) -> str:
    """Format a time as the vendor does.

    >>> format_time(1322835131.0), format_time(1322835131.75)
    ('2011-12-02 22:12:11', '2011-12-02 22:12:11')
    """
    return _format_second(floor(moment))


def format_times(moments: Iterable[float]) -> Iterable[str]:
    """Format many times; twice as fast as `format_time` for thousands."""
    return map(_format_second, map(floor, moments))


@lru_cache(maxsize=4096)
def _format_second(second: int) -> str:
    return to_china_datetime(second).strftime(_FORMAT)


def format_times_unpadded(separator: str, moments: Iterable[float]) -> Iterable[str]:
    """Format times with this separator of the date, and without leading zeros of month, day and hour.

    >>> list(format_times_unpadded("/", [1325447045.0]))
    ['2012/1/2 3:44:05']
    """
    for moment in moments:
        time = to_china_datetime(moment)
        yield f"{time.year}{separator}{time.month}{separator}{time.day} {time.hour}:{time:%M:%S}"


SendTimeFormat: TypeAlias = Literal[
    "yyyy-MM-dd HH:mm:ss", "yyyyMMddHHmmss", "yyyy/MM/dd HH:mm:ss", "yyyy-MM-dd HH:mm", "yyyy-MM-dd", "0"
]

_SEND_TIME_SHAPES: Final[Mapping[SendTimeFormat, tuple[re.Pattern[str], str]]] = {
    "yyyy-MM-dd HH:mm:ss": (_SHAPE, _FORMAT),
    "yyyyMMddHHmmss": (re.compile(r"\d{14}", re.ASCII), "%Y%m%d%H%M%S"),
    "yyyy/MM/dd HH:mm:ss": (re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", re.ASCII), "%Y/%m/%d %H:%M:%S"),
    "yyyy-MM-dd HH:mm": (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d", re.ASCII), "%Y-%m-%d %H:%M"),
    "yyyy-MM-dd": (re.compile(r"\d{4}-\d\d-\d\d", re.ASCII), "%Y-%m-%d"),
    "0": (re.compile("0"), "0"),  # at once: a pattern without fields is the year 1900
}


DATED_SEND_TIMES: Final[tuple[SendTimeFormat, ...]] = tuple(name for name in _SEND_TIME_SHAPES if name != "0")
"""The formats of a date."""


def parse_send_time(text: str, formats: Iterable[SendTimeFormat]) -> float | None:
    """Parse a text that has one of these formats; return None for anything else.

    >>> parse_send_time("20111202221211", ["yyyy-MM-dd", "yyyyMMddHHmmss"])
    1322835131.0
    >>> parse_send_time("2011-12-02 22:12:11", ["yyyy-MM-dd"]) is None, parse_send_time("0", ["0"]) < 0
    (True, True)
    """
    for name in formats:
        shape, pattern = _SEND_TIME_SHAPES[name]
        if shape.fullmatch(text):
            with suppress(ValueError):  # a date that does not exist
                return datetime.strptime(text, pattern).replace(tzinfo=CHINA).timestamp()
    return None


def has_send_time_format(text: str, formats: Iterable[SendTimeFormat]) -> bool:
    """Return whether a text looks like a time in one of these formats; the date may not exist."""
    return any(_SEND_TIME_SHAPES[name][0].fullmatch(text) for name in formats)


def describe_send_time_formats(formats: Sequence[SendTimeFormat]) -> tuple[str, str]:
    """Return the formats, and a time written in the first of them.

    >>> describe_send_time_formats(["yyyyMMddHHmmss", "0"])
    ('yyyyMMddHHmmss, 0', '20101024090810')
    """
    example = datetime(2010, 10, 24, 9, 8, 10, tzinfo=CHINA).strftime(_SEND_TIME_SHAPES[formats[0]][1])
    return ", ".join(formats), example


def parse_time(text: str) -> float | None:
    """Parse the vendor's format; return None for anything else, including dates that do not exist.

    >>> parse_time("2011-12-02 22:12:11")
    1322835131.0
    >>> parse_time("2011-02-30 00:00:00") is None
    True
    """
    if not _SHAPE.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, _FORMAT).replace(tzinfo=CHINA).timestamp()
    except ValueError:
        return None
