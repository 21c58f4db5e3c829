"""Prices: the points that one text to one recipient costs (R6).

Whether a balance covers a send is decided in the store, atomically with the charge.
"""

import codecs
from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias

BillingName: TypeAlias = Literal["segment", "recipient"]
"""What one point pays for."""

Pricing: TypeAlias = Callable[[str], int]
"""A function from a text to its price per recipient, in points."""

_utf_16: Final = codecs.getencoder("utf-16-le")  # looking it up takes longer than encoding a text
_SINGLE_SEGMENT: Final = 70
_MULTI_SEGMENT: Final = 67


def utf16_length(text: str) -> int:
    """Return the length of a text in UTF-16 code units: two for an emoji, one for nearly everything else."""
    return len(_utf_16(text, "surrogatepass")[0]) // 2


def segment_price(text: str) -> int:
    """Return the number of SMS segments: one for up to 70 UTF-16 code units, otherwise one per 67 begun.

    >>> [segment_price("字" * n) for n in (1, 70, 71, 134, 135)], segment_price("😀" * 36)
    ([1, 1, 2, 2, 3], 2)
    """
    length = utf16_length(text)
    return 1 if length <= _SINGLE_SEGMENT else -(-length // _MULTI_SEGMENT)


def flat_price(text: str) -> int:
    """Return one point per recipient, whatever the text."""
    return 1


PRICINGS: Final[Mapping[BillingName, Pricing]] = {"segment": segment_price, "recipient": flat_price}
"""The prices of each kind of billing."""


def explain_price(billing: BillingName, text: str) -> str:
    """Return a sentence that explains the price of a text to one recipient.

    >>> explain_price("segment", "内容")
    '2 UTF-16 units are 1 segment (up to 70 are one): 1 point'
    >>> explain_price("segment", "字" * 71)
    '71 UTF-16 units are 2 segments (one for every 67 begun): 2 points'
    >>> explain_price("recipient", "字" * 71)
    'each number costs 1 point, however long the text'
    """
    if billing == "recipient":
        return "each number costs 1 point, however long the text"
    price = segment_price(text)
    points = f"{price} {'point' if price == 1 else 'points'}"
    rule = "1 segment (up to 70 are one)" if price == 1 else f"{price} segments (one for every 67 begun)"
    return f"{utf16_length(text)} UTF-16 units are {rule}: {points}"
