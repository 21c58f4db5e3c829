"""Layout of a bar chart: values to rectangles."""

from collections.abc import Sequence
from typing import Final, NamedTuple

WIDTH: Final = 960
HEIGHT: Final = 180
_GAP: Final = 3
_MIN_HEIGHT: Final = 2.0
"""Height of the smallest bar of a value above zero, so that the bar can be seen."""


class ChartBar(NamedTuple):
    """A rectangle in the units of the drawing (`WIDTH` × `HEIGHT`), and its value."""

    x: float
    y: float
    width: float
    height: float
    value: int


def chart_bars(values: Sequence[int]) -> list[ChartBar]:
    """Return one bar for each value, scaled so that the highest value fills the height.

    >>> chart_bars([0, 10, 20])[1]
    ChartBar(x=321.5, y=90.0, width=317.0, height=90.0, value=10)
    """
    highest, step = max(values, default=0) or 1, WIDTH / max(len(values), 1)
    return [
        _build_bar(value, max(_MIN_HEIGHT, HEIGHT * value / highest), index * step, step)
        for index, value in enumerate(values)
    ]


def _build_bar(value: int, height: float, left: float, step: float) -> ChartBar:
    visible = round(height, 2) if value else 0.0
    return ChartBar(round(left + _GAP / 2, 2), round(HEIGHT - visible, 2), round(step - _GAP, 2), visible, value)
