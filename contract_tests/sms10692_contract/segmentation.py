"""Number of segments of a text (R6), implemented independently of the emulator."""

from typing import Final

SINGLE_SEGMENT_UNITS: Final = 70
UNITS_PER_SEGMENT: Final = 67


def count_segments(text: str) -> int:
    """Return the number of segments of a text: 1 up to 70 UTF-16 code units, else one per 67, rounded up.

    >>> [count_segments("字" * length) for length in (0, 1, 70, 71, 134, 135)], count_segments("😀" * 67)
    ([1, 1, 1, 2, 2, 3], 2)
    """
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return 1 if units <= SINGLE_SEGMENT_UNITS else -(-units // UNITS_PER_SEGMENT)
