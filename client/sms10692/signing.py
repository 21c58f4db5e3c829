"""The signature that every request carries: MD5 over account, password and timestamp (1.2).

Here belongs the one formula and the form of the timestamp. Which charset an account is written in, and whether a
signature is accepted, is the caller's affair.
"""

import hashlib
from datetime import datetime, timedelta, timezone
from typing import Final

CHINA: Final = timezone(timedelta(hours=8))
"""China Standard Time: the vendor's clock (R12). It has no summer time."""

_TIMESTAMP: Final = "%Y%m%d%H%M%S"


def sign(account: str, password: str, timestamp: str, charset: str = "utf-8") -> str:
    """Return the 32 lower-case hexadecimal digits that sign a request (1.2, R4).

    Raises UnicodeEncodeError where `charset` has no bytes for one of the three texts.

    The manual's own example:

    >>> sign("test", "mima", "20120701231212")
    '5cc68982f55ac74348e3d819f868fbe1'
    """
    text = f"{account}{password}{timestamp}"
    return hashlib.md5(text.encode(charset), usedforsecurity=False).hexdigest()


def format_timestamp(moment: datetime) -> str:
    """Write an aware moment as the manual's `timestamp`: year to second, 14 digits, China Standard Time (1.2).

    >>> timestamp(datetime(2012, 7, 1, 23, 12, 12, tzinfo=CHINA))
    '20120701231212'
    """
    return moment.astimezone(CHINA).strftime(_TIMESTAMP)


def parse_timestamp(timestamp: str) -> datetime | None:
    """Read a timestamp of 14 digits as an aware moment, or None where it is none.

    >>> moment("20120701231212").isoformat()
    '2012-07-01T23:12:12+08:00'
    >>> moment("1341155532") is None
    True
    """
    if len(timestamp) != 14 or not (timestamp.isascii() and timestamp.isdigit()):
        return None
    try:
        return datetime.strptime(timestamp, _TIMESTAMP).replace(tzinfo=CHINA)
    except ValueError:
        return None
