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


def one(text: str) -> int:
    """One point a number, however long the text."""
    return 1


BILLINGS: Final[Mapping[str, Billing]] = {"parts": parts, "numbers": one}
