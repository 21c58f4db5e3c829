"""What a text costs (R6).

Here belongs the price of one text to one number, in points. Whether a balance covers it is the store's affair.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

Billing: TypeAlias = Callable[[str], int]
"""The points that one text to one number costs."""

_ONE_PART: Final = 70
_EACH_OF_SEVERAL: Final = 67


def parts(text: str) -> int:
    """How many messages of a telephone carry a text: one up to 70 UTF-16 units, else one for every 67 begun.

    >>> [parts("字" * n) for n in (1, 70, 71, 134, 135)], parts("😀" * 36)
    ([1, 1, 2, 2, 3], 2)
    """
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return 1 if units <= _ONE_PART else -(-units // _EACH_OF_SEVERAL)


def reason(units: int, cost: int) -> str:
    """Why a text of so many UTF-16 units costs so many points.

    >>> reason(15, 1), reason(71, 2)
    ('15 of 70 UTF-16 units: 1 part', '71 UTF-16 units > 70: 2 parts of 67')
    >>> reason(71, 1)
    'each number costs 1, however long the text'
    """
    count = 1 if units <= _ONE_PART else -(-units // _EACH_OF_SEVERAL)
    if cost != count:
        return f"each number costs {cost}, however long the text"
    if count == 1:
        return f"{units} of {_ONE_PART} UTF-16 units: 1 part"
    return f"{units} UTF-16 units > {_ONE_PART}: {count} parts of {_EACH_OF_SEVERAL}"


def one(text: str) -> int:
    """One point a number, however long the text."""
    return 1


BILLINGS: Final[Mapping[str, Billing]] = {"parts": parts, "numbers": one}
