"""Time as the vendor writes it: `yyyy-MM-dd HH:mm:ss` in China Standard Time (1.2, 4.3, R12).

Here belong the type of a clock and the two directions of that format. Inside the emulator a moment is a number of
seconds since 1970; what the time is now, only the caller's clock says.
"""

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Final, TypeAlias

from sms10692.signing import CHINA

Clock: TypeAlias = Callable[[], float]
"""Seconds since 1970, like `time.time`."""

_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
_SHAPE: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


@lru_cache(maxsize=4096)
def china_time(moment: float) -> str:
    """Write a moment as the vendor does.

    >>> china_time(1322835131.0)
    '2011-12-02 22:12:11'
    """
    return datetime.fromtimestamp(moment, CHINA).strftime(_FORMAT)


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
