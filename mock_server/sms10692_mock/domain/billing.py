"""What a text costs (R6).

Here belongs the price of one text to one number, in points. Whether a balance covers it is the store's affair.
"""

import codecs
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

Billing: TypeAlias = Callable[[str], int]
"""The points that one text to one number costs."""

_utf_16: Final = codecs.getencoder("utf-16-le")  # looking it up takes longer than encoding a text
_ONE_PART: Final = 70
_EACH_OF_SEVERAL: Final = 67


def utf16_length(text: str) -> int:
    """The length of a text in UTF-16 units: 1 for nearly all characters, 2 for an emoji."""
    return len(_utf_16(text, "surrogatepass")[0]) // 2


def segment_price(text: str) -> int:
    """How many messages of a telephone carry a text: one up to 70 UTF-16 units, else one for every 67 begun.

    >>> [parts("字" * n) for n in (1, 70, 71, 134, 135)], parts("😀" * 36)
    ([1, 1, 2, 2, 3], 2)
    """
    length = utf16_length(text)
    return 1 if length <= _ONE_PART else -(-length // _EACH_OF_SEVERAL)


def flat_price(text: str) -> int:
    """One point a number, however long the text."""
    return 1


def explain_price(billing: Billing, text: str) -> str:
    """Why a text to one number costs what it does, in a sentence.

    >>> why(parts, "内容")
    '2 UTF-16 units are 1 part (up to 70 are one): 1 point'
    >>> why(parts, "字" * 71)
    '71 UTF-16 units are 2 parts (one for every 67 begun): 2 points'
    >>> why(one, "字" * 71)
    'each number costs 1 point, however long the text'
    """
    if billing is flat_price:
        return "each number costs 1 point, however long the text"
    price = billing(text)
    points = f"{price} {'point' if price == 1 else 'points'}"
    if billing is not segment_price:
        return f"the emulator was made with a billing of its own: {points}"
    rule = "1 part (up to 70 are one)" if price == 1 else f"{price} parts (one for every 67 begun)"
    return f"{utf16_length(text)} UTF-16 units are {rule}: {points}"


BILLINGS: Final[Mapping[str, Billing]] = {"parts": segment_price, "numbers": flat_price}
