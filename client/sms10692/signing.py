"""Request signature: MD5 over account, password and timestamp (1.2).

The caller chooses the charset; the server decides whether a signature is valid.
"""

import hashlib
from datetime import datetime, timedelta, timezone
from typing import Final

CHINA: Final = timezone(timedelta(hours=8))
"""China Standard Time, the vendor's time zone (R12). It has no daylight saving time."""

_TIMESTAMP_FORMAT: Final = "%Y%m%d%H%M%S"


def sign(account: str, password: str, timestamp: str, charset: str = "utf-8") -> str:
    """Return the signature of a request: 32 lower-case hexadecimal digits (1.2, R4).

    Raises UnicodeEncodeError if `charset` cannot encode one of the three texts.

    The manual's own example:

    >>> sign("test", "mima", "20120701231212")
    '5cc68982f55ac74348e3d819f868fbe1'
    """
    text = f"{account}{password}{timestamp}"
    return hashlib.md5(text.encode(charset), usedforsecurity=False).hexdigest()


def format_timestamp(time: datetime) -> str:
    """Format an aware datetime as the manual's `timestamp`: 14 digits, year to second, China Standard Time (1.2).

    >>> format_timestamp(datetime(2012, 7, 1, 23, 12, 12, tzinfo=CHINA))
    '20120701231212'
    """
    return time.astimezone(CHINA).strftime(_TIMESTAMP_FORMAT)


def parse_timestamp(timestamp: str) -> datetime | None:
    """Parse a `timestamp` of 14 digits into an aware datetime. Return None if it is not a valid timestamp.

    >>> parse_timestamp("20120701231212").isoformat()
    '2012-07-01T23:12:12+08:00'
    >>> parse_timestamp("1341155532") is None
    True
    """
    if len(timestamp) != 14 or not (timestamp.isascii() and timestamp.isdigit()):
        return None
    try:
        # strptime takes three times as long
        month, day, hour, minute, second = (int(timestamp[start : start + 2]) for start in range(4, 14, 2))
        return datetime(int(timestamp[:4]), month, day, hour, minute, second, tzinfo=CHINA)
    except ValueError:
        return None
