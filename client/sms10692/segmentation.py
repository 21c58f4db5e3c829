"""SMS segmentation: how many message parts a text needs.

The networks divide texts this way (R6). How this vendor charges for parts is not public.
"""

from dataclasses import dataclass
from typing import Final

_SINGLE_UNITS: Final = 70
"""UTF-16 units that fit into a text of one part."""

_PART_UNITS: Final = 67
"""UTF-16 units per part of a longer text."""


@dataclass(frozen=True, slots=True)
class Segments:
    """A text of `units` UTF-16 units in `count` parts; the last part has room for `remaining` more units."""

    count: int
    units: int
    remaining: int

    def __str__(self) -> str:
        if self.count == 1:
            return f"1 message: {self.units} of {_SINGLE_UNITS} units"
        return f"{self.count} messages: {self.units} units, {_PART_UNITS} per message for texts over {_SINGLE_UNITS}"


def count_segments(text: str) -> Segments:
    """Return the parts of a text: one part up to 70 UTF-16 units, otherwise one per 67 units.

    A character outside the Basic Multilingual Plane, such as most emoji, counts as two units.

    >>> str(count_segments("【签名】您的验证码是 1234"))
    '1 message: 15 of 70 units'
    >>> count_segments("字" * 71)
    Segments(count=2, units=71, remaining=63)
    """
    units = sum(2 if character > "\uffff" else 1 for character in text)
    if units <= _SINGLE_UNITS:
        return Segments(1, units, _SINGLE_UNITS - units)
    count = -(-units // _PART_UNITS)
    return Segments(count, units, count * _PART_UNITS - units)
