"""Candidate timestamps that a client may have signed in place of the timestamp that it sent.

They are other formats of the same time (`FORMATS`), times of another zone or clock, and times nearby, as when the clock
is read twice. All times are China time.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Final, TypeAlias

from sms10692 import signing
from sms10692_mock.diagnosis.phrases import Phrase

MANUALS_TIMESTAMP: Final = "20120701231212"

_YEARS: Final = range(1971, 9000)
_NEARBY_SECONDS: Final = 300
"""Every second within this distance of the sent timestamp is tried."""
_MINUTE: Final = 60


TimestampCandidate: TypeAlias = tuple[str, str, str]
"""Finding code, detail of its message, and the timestamp as text.

A plain tuple, because creating thousands of objects would dominate the search.
"""


def parse_any_timestamp(timestamp: str) -> datetime | None:
    """Parse a timestamp of any known form; None if it has none.

    >>> parse_any_timestamp("1341155532").isoformat(), parse_any_timestamp("2012-07-01 23:12").isoformat()
    ('2012-07-01T23:12:12+08:00', '2012-07-01T23:12:00+08:00')
    """
    if re.fullmatch(r"[0-9]{10}(?:[0-9]{3})?", timestamp):
        return datetime.fromtimestamp(int(timestamp[:10]), signing.CHINA)
    digits = re.sub(r"[^0-9]", "", timestamp)
    for whole in (digits[:14], f"{digits}00", f"20{digits}"):
        if (time := signing.parse_timestamp(whole)) and time.year in _YEARS:
            return time
    return None


def _unix(time: datetime) -> int:
    return int(time.timestamp())


def _unpadded(time: datetime) -> str:
    return f"{time.year}{time.month}{time.day}{time.hour}{time.minute}{time.second}"


def _slashes(time: datetime) -> str:
    return f"{time.year}/{time.month}/{time.day} {time.hour}:{time:%M:%S}"


def _american(time: datetime) -> str:
    half = "AM" if time.hour < 12 else "PM"
    return f"{time.month}/{time.day}/{time.year} {time.hour % 12 or 12}:{time:%M:%S} {half}"


_DAYS: Final = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_MONTHS: Final = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def _java(time: datetime) -> str:
    """Format a time like Java's `Date.toString()`, independent of the machine's locale."""
    return f"{_DAYS[time.weekday()]} {_MONTHS[time.month - 1]} {time:%d %H:%M:%S} CST {time:%Y}"


def _formatter(pattern: str) -> Callable[[datetime], str]:
    return lambda time: time.strftime(pattern)


def _months_counted_from_zero(time: datetime) -> str:
    return f"{time.year}{time.month - 1:02}{time:%d%H%M%S}"


_SEPARATED: Final = tuple(
    map(
        _formatter,
        (
            "%Y-%m-%d %H:%M:%S",
            "%Y/%m/%d %H:%M:%S",
            "%Y.%m.%d %H:%M:%S",
            "%Y-%m-%dT%H:%M:%S",
            "%Y-%m-%dT%H:%M:%SZ",
            "%Y-%m-%dT%H:%M:%S+08:00",
            "%Y-%m-%dT%H:%M:%S.000",
            "%Y-%m-%d %H:%M:%S.000",
            "%Y-%m-%d%H:%M:%S",
            "%Y-%m-%d+%H:%M:%S",
            "%Y-%m-%d%%20%H:%M:%S",
            "%Y-%m-%d-%H-%M-%S",
            "%Y_%m_%d_%H_%M_%S",
            "%Y-%m-%d %H:%M",
            "%Y/%m/%d %H:%M",
            "%Y-%m-%d",
            "%Y/%m/%d",
            "%Y%m%d %H%M%S",
            "%Y%m%d-%H%M%S",
            "%Y%m%d_%H%M%S",
            "%Y%m%dT%H%M%S",
            "%Y%m%d%H:%M:%S",
            "%Y年%m月%d日%H时%M分%S秒",
            "%d/%m/%Y %H:%M:%S",
            "%m/%d/%Y %H:%M:%S",
        ),
    )
)

FORMATS: Final[tuple[tuple[str, str, Callable[[datetime], str]], ...]] = (
    ("signature.timestamp-differs", Phrase("its 14 digits"), signing.format_timestamp),
    *(("signature.timestamp-separators", "", format_time) for format_time in (*_SEPARATED, _slashes, _american, _java)),
    ("signature.timestamp-unix", Phrase("seconds"), lambda time: str(_unix(time))),
    ("signature.timestamp-unix", Phrase("milliseconds"), lambda time: f"{_unix(time)}000"),
    ("signature.timestamp-unix", Phrase("seconds, with a dot"), lambda time: f"{_unix(time)}.0"),
    ("signature.timestamp-unix", Phrase("seconds of another zone"), lambda time: str(_unix(time) + 28800)),
    ("signature.timestamp-unix", Phrase("seconds of another zone"), lambda time: str(_unix(time) - 28800)),
    ("signature.timestamp-short", Phrase("without seconds"), _formatter("%Y%m%d%H%M")),
    ("signature.timestamp-short", Phrase("with two digits of the year"), _formatter("%y%m%d%H%M%S")),
    ("signature.timestamp-short", Phrase("without seconds, with two digits of the year"), _formatter("%y%m%d%H%M")),
    ("signature.timestamp-short", Phrase("without minutes and seconds"), _formatter("%Y%m%d%H")),
    ("signature.timestamp-short", Phrase("without the time"), _formatter("%Y%m%d")),
    ("signature.timestamp-short", Phrase("without the date"), _formatter("%H%M%S")),
    ("signature.timestamp-short", Phrase("without zeros in front"), _unpadded),
    ("signature.timestamp-twelve-hour", "", _formatter("%Y%m%d%I%M%S")),
    ("signature.timestamp-letters", Phrase("minutes where the month belongs"), _formatter("%Y%M%d%H%M%S")),
    ("signature.timestamp-letters", Phrase("the month where minutes belong"), _formatter("%Y%m%d%H%m%S")),
    ("signature.timestamp-letters", Phrase("month and minutes exchanged"), _formatter("%Y%M%d%H%m%S")),
    ("signature.timestamp-letters", Phrase("the day of the year where the day belongs"), _formatter("%Y%m%j%H%M%S")),
    ("signature.timestamp-letters", Phrase("months counted from zero"), _months_counted_from_zero),
)
"""Other formats of one time: finding code, detail of its message, and formatter."""


def _shifts() -> Iterator[tuple[str, str, timedelta]]:
    """Yield offsets to other times, likely ones first: finding code, detail of its message, offset."""
    for seconds in range(1, _NEARBY_SECONDS + 1):
        whole, rest = divmod(seconds, _MINUTE)
        code = "signature.minutes-off" if whole else "signature.seconds-off"
        amount = Phrase("{} min {} s", str(whole), str(rest)) if whole else Phrase("{} s", str(seconds))
        yield code, Phrase("{} later", amount), timedelta(seconds=seconds)
        yield code, Phrase("{} earlier", amount), timedelta(seconds=-seconds)
    yield "signature.timestamp-twelve-hour", "", timedelta(hours=12)
    yield "signature.timestamp-twelve-hour", "", timedelta(hours=-12)
    yield "signature.timestamp-utc", "", timedelta(hours=-8)
    yield "signature.timestamp-utc", "", timedelta(hours=8)
    for hours in range(1, 15):
        yield "signature.timestamp-zone", Phrase("{} later", Phrase("{} h", str(hours))), timedelta(hours=hours)
        yield "signature.timestamp-zone", Phrase("{} earlier", Phrase("{} h", str(hours))), timedelta(hours=-hours)


_SHIFTS: Final = tuple(_shifts())
_MILLISECONDS: Final = Phrase("milliseconds")


def same_time(time: datetime) -> Iterator[TimestampCandidate]:
    """Yield the same time in every format."""
    for code, detail, format_time in FORMATS:
        yield code, detail, format_time(time)


def other_times(time: datetime, now: float) -> Iterator[TimestampCandidate]:
    """Yield nearby times, times of other zones, `always_tried`, and the sent time with any number of milliseconds."""
    for code, detail, shift in _SHIFTS:
        yield code, detail, signing.format_timestamp(time + shift)
    yield from always_tried(now)
    unix = _unix(time)
    digits = signing.format_timestamp(time)
    for millisecond in range(1000):
        yield "signature.timestamp-unix", _MILLISECONDS, f"{unix}{millisecond:03}"
        yield "signature.timestamp-milliseconds", "", f"{digits}{millisecond:03}"


def always_tried(now: float) -> Iterator[TimestampCandidate]:
    """Yield timestamps that do not depend on the sent one: the manual's example, and the current time ± 10 s."""
    yield "signature.manuals-timestamp", "", MANUALS_TIMESTAMP
    this_second = datetime.fromtimestamp(now, UTC)
    for seconds in chain(range(10), range(-10, 0)):
        yield "signature.another-moment", "", signing.format_timestamp(this_second + timedelta(seconds=seconds))
