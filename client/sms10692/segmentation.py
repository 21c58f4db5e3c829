"""How many messages of a telephone a text is, and why.

Here belongs counting. How this vendor charges is not public; this is how the networks divide a text (R6).
"""

from dataclasses import dataclass
from typing import Final

_ONE: Final = 70
_EACH: Final = 67


@dataclass(frozen=True, slots=True)
class Segments:
    """A text of `units` UTF-16 units in `count` messages; `room` more units fit into the last one."""

    count: int
    units: int
    remaining: int

    def __str__(self) -> str:
        if self.count == 1:
            return f"1 message: {self.units} of {_ONE} units"
        return f"{self.count} messages: {self.units} units, {_EACH} to a message when one is not enough ({_ONE})"


def count_segments(text: str) -> Segments:
    """Divide a text as the networks do: 70 UTF-16 units in one message, else 67 in each.

    A character outside the Basic Multilingual Plane, as most emoji are, is two units.

    >>> str(segments("【签名】您的验证码是 1234"))
    '1 message: 15 of 70 units'
    >>> segments("字" * 71)
    Segments(count=2, units=71, room=63)
    """
    units = sum(2 if character > "\uffff" else 1 for character in text)
    if units <= _ONE:
        return Segments(1, units, _ONE - units)
    count = -(-units // _EACH)
    return Segments(count, units, count * _EACH - units)
