"""Number of SMS parts of a text (R6), implemented independently of the emulator."""

from typing import Final

ONE_PART: Final = 70
EACH_OF_SEVERAL: Final = 67


def count_parts(text: str) -> int:
    """Return the number of parts of a text: 1 up to 70 UTF-16 code units, else one per 67, rounded up.

    >>> [count_parts("字" * length) for length in (0, 1, 70, 71, 134, 135)], count_parts("😀" * 67)
    ([1, 1, 1, 2, 2, 3], 2)
    """
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return 1 if units <= ONE_PART else -(-units // EACH_OF_SEVERAL)
