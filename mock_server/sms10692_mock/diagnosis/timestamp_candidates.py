"""How may one moment be written, and which moments may have been meant, where timestamp and signature differ?

Here belong the other timestamps that a signature may be over, as tables: other forms, other clocks, a clock read twice.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Final, TypeAlias

from sms10692 import signing

MANUALS_TIMESTAMP: Final = "20120701231212"

_YEARS: Final = range(1971, 9000)
_NEAR: Final = 300
"""Seconds around the sent timestamp, each of which is tried."""
_MINUTE: Final = 60


Signed: TypeAlias = tuple[str, str, str]
"""A timestamp that may have been signed in place of the one that was sent: code, what its sentence leaves open, text.

No class of its own: there are thousands, and making them is most of the work.
"""


def moment_of(timestamp: str) -> datetime | None:
    """The moment that a timestamp of any form means, or None.

    >>> moment_of("1341155532").isoformat(), moment_of("2012-07-01 23:12").isoformat()
    ('2012-07-01T23:12:12+08:00', '2012-07-01T23:12:00+08:00')
    """
    if re.fullmatch(r"[0-9]{10}(?:[0-9]{3})?", timestamp):
        return datetime.fromtimestamp(int(timestamp[:10]), signing.CHINA)
    digits = re.sub(r"[^0-9]", "", timestamp)
    for whole in (digits[:14], f"{digits}00", f"20{digits}"):
        if (moment := signing.parse_timestamp(whole)) and moment.year in _YEARS:
            return moment
    return None


def _unix(moment: datetime) -> int:
    return int(moment.timestamp())


def _unpadded(moment: datetime) -> str:
    return f"{moment.year}{moment.month}{moment.day}{moment.hour}{moment.minute}{moment.second}"


def _slashes(moment: datetime) -> str:
    return f"{moment.year}/{moment.month}/{moment.day} {moment.hour}:{moment:%M:%S}"


def _american(moment: datetime) -> str:
    half = "AM" if moment.hour < 12 else "PM"
    return f"{moment.month}/{moment.day}/{moment.year} {moment.hour % 12 or 12}:{moment:%M:%S} {half}"


_DAYS: Final = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_MONTHS: Final = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def _java(moment: datetime) -> str:
    """As `Date.toString()` writes it; in no language of the machine's."""
    return f"{_DAYS[moment.weekday()]} {_MONTHS[moment.month - 1]} {moment:%d %H:%M:%S} CST {moment:%Y}"


def _as(pattern: str) -> Callable[[datetime], str]:
    return lambda moment: moment.strftime(pattern)


def _months_counted_from_zero(moment: datetime) -> str:
    return f"{moment.year}{moment.month - 1:02}{moment:%d%H%M%S}"


_SEPARATED: Final = tuple(
    map(
        _as,
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
    ("signature.timestamp-differs", "its 14 digits", signing.format_timestamp),
    *(("signature.timestamp-separators", "", write) for write in (*_SEPARATED, _slashes, _american, _java)),
    ("signature.timestamp-unix", "seconds", lambda moment: str(_unix(moment))),
    ("signature.timestamp-unix", "milliseconds", lambda moment: f"{_unix(moment)}000"),
    ("signature.timestamp-unix", "seconds, with a dot", lambda moment: f"{_unix(moment)}.0"),
    ("signature.timestamp-unix", "seconds of another zone", lambda moment: str(_unix(moment) + 28800)),
    ("signature.timestamp-unix", "seconds of another zone", lambda moment: str(_unix(moment) - 28800)),
    ("signature.timestamp-short", "without seconds", _as("%Y%m%d%H%M")),
    ("signature.timestamp-short", "with two digits of the year", _as("%y%m%d%H%M%S")),
    ("signature.timestamp-short", "without seconds, with two digits of the year", _as("%y%m%d%H%M")),
    ("signature.timestamp-short", "without minutes and seconds", _as("%Y%m%d%H")),
    ("signature.timestamp-short", "without the time", _as("%Y%m%d")),
    ("signature.timestamp-short", "without the date", _as("%H%M%S")),
    ("signature.timestamp-short", "without zeros in front", _unpadded),
    ("signature.timestamp-twelve-hour", "", _as("%Y%m%d%I%M%S")),
    ("signature.timestamp-letters", "minutes where the month belongs", _as("%Y%M%d%H%M%S")),
    ("signature.timestamp-letters", "the month where minutes belong", _as("%Y%m%d%H%m%S")),
    ("signature.timestamp-letters", "month and minutes exchanged", _as("%Y%M%d%H%m%S")),
    ("signature.timestamp-letters", "the day of the year where the day belongs", _as("%Y%m%j%H%M%S")),
    ("signature.timestamp-letters", "months counted from zero", _months_counted_from_zero),
)
"""One moment in another form: code, what the sentence leaves open, and how it is written."""


def _shifts() -> Iterator[tuple[str, str, timedelta]]:
    """Another moment in the right form, the likely ones first."""
    for seconds in range(1, _NEAR + 1):
        whole, rest = divmod(seconds, _MINUTE)
        code = "signature.minutes-off" if whole else "signature.seconds-off"
        amount = f"{whole} min {rest} s" if whole else f"{seconds} s"
        yield code, f"{amount} later", timedelta(seconds=seconds)
        yield code, f"{amount} earlier", timedelta(seconds=-seconds)
    yield "signature.timestamp-twelve-hour", "", timedelta(hours=12)
    yield "signature.timestamp-twelve-hour", "", timedelta(hours=-12)
    yield "signature.timestamp-utc", "", timedelta(hours=-8)
    yield "signature.timestamp-utc", "", timedelta(hours=8)
    for hours in range(1, 15):
        yield "signature.timestamp-zone", f"{hours} h later", timedelta(hours=hours)
        yield "signature.timestamp-zone", f"{hours} h earlier", timedelta(hours=-hours)


def same_moment(moment: datetime) -> Iterator[Signed]:
    """The moment in every other form."""
    for code, detail, write in FORMATS:
        yield code, detail, write(moment)


def other_moments(moment: datetime, now: float) -> Iterator[Signed]:
    """Moments near the one that was sent, what another clock shows, the time now, and the manual's own."""
    for code, detail, shift in _shifts():
        yield code, detail, signing.format_timestamp(moment + shift)
    yield from always_tried(now)
    unix = _unix(moment)
    digits = signing.format_timestamp(moment)
    for thousandth in range(1000):
        yield "signature.timestamp-unix", "milliseconds", f"{unix}{thousandth:03}"
        yield "signature.timestamp-milliseconds", "", f"{digits}{thousandth:03}"


def always_tried(now: float) -> Iterator[Signed]:
    """What may have been signed whatever was sent."""
    yield "signature.manuals-timestamp", "", MANUALS_TIMESTAMP
    this_second = datetime.fromtimestamp(now, UTC)
    for seconds in chain(range(10), range(-10, 0)):
        yield "signature.another-moment", "", signing.format_timestamp(this_second + timedelta(seconds=seconds))
