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

Clock: TypeAlias = Callable[[], float]
"""Seconds since 1970, like `time.time`."""


def system_time() -> float:
    """The machine's time. Looked up at each call: where a test has frozen the time, the vendor's is frozen too."""
    return time.time()


END_OF_TIME: Final = 221_845_392_000.0
"""The beginning of the year 9000: from there what is due later can still be written as a date."""


class Turned(NamedTuple):
    """A clock that was set: it showed `at` when the real time was `since`, and runs at `speed`; 0 is standing still.

    >>> noon = Turned(at=43200.0, since=5.0, speed=2.0)
    >>> noon.now(6.0), noon.advanced(60.0, 6.0).now(6.0)
    (43202.0, 43262.0)
    """

    at: float
    since: float
    speed: float = 1.0

    def now(self, real: float) -> float:
        """What it shows when the real time is `real`; it goes no further than the year 9000, however fast."""
        return min(self.at + (real - self.since) * self.speed, END_OF_TIME)

    def advanced(self, seconds: float, real: float) -> "Turned":
        """The same clock, put forward."""
        return Turned(self.now(real) + seconds, real, self.speed)


_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
_SHAPE: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


def china_time(moment: float) -> str:
    """Write a moment as the vendor does.

    >>> china_time(1322835131.0), china_time(1322835131.75)
    ('2011-12-02 22:12:11', '2011-12-02 22:12:11')
    """
    return _china_time(floor(moment))


def china_times(moments: Iterable[float]) -> Iterable[str]:
    """Write moments as the vendor does: thousands in half the time."""
    return map(_china_time, map(floor, moments))


@lru_cache(maxsize=4096)
def _china_time(second: int) -> str:
    return datetime.fromtimestamp(second, CHINA).strftime(_FORMAT)


def moment(text: str) -> float | None:
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
