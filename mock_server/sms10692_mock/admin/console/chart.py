"""A chart of bars, as numbers for a drawing.

Here belongs where each bar stands. What is charted, and what is said about it, is a page's own affair.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

WIDTH: Final = 960
HEIGHT: Final = 180
_GAP: Final = 3


class ChartBar(NamedTuple):
    """One bar, in the units of the drawing."""

    x: float
    y: float
    width: float
    height: float
    value: int


def chart_bars(values: Sequence[int]) -> list[ChartBar]:
    """A bar for each value; what is above nothing can be seen, however little it is.

    >>> bars([0, 10, 20])[1]
    Bar(x=321.5, y=90.0, width=317.0, height=90.0, value=10)
    """
    highest, each = max(values, default=0) or 1, WIDTH / max(len(values), 1)
    return [_bar(value, max(2.0, HEIGHT * value / highest), place * each, each) for place, value in enumerate(values)]


def _bar(value: int, height: float, left: float, each: float) -> ChartBar:
    shown = round(height, 2) if value else 0.0
    return ChartBar(round(left + _GAP / 2, 2), round(HEIGHT - shown, 2), round(each - _GAP, 2), shown, value)
