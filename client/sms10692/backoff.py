"""How long a client waits before it tries to connect again."""

import random
from collections.abc import Callable, Iterator
from typing import Final

FIRST_DELAY: Final = 0.5
LONGEST_DELAY: Final = 30.0
"""Seconds."""


def backoff_delays(retries: int, uniform: Callable[[float, float], float] = random.uniform) -> Iterator[float]:
    """Yield the seconds to wait before each retry: doubled each time, and drawn from the upper half of that.

    The draw keeps clients that failed together from coming back together.

    >>> list(backoff_delays(8, lambda low, high: high))
    [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    >>> list(backoff_delays(2, lambda low, high: low))
    [0.25, 0.5]
    """
    longest = FIRST_DELAY
    for _ in range(retries):
        yield uniform(longest / 2, longest)
        longest = min(longest * 2, LONGEST_DELAY)
