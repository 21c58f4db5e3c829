"""Delays between connection attempts: exponential backoff with jitter."""

import random
from collections.abc import Callable, Iterator
from typing import Final

FIRST_DELAY: Final = 0.5
"""Upper limit of the first delay, in seconds."""

MAX_DELAY: Final = 30.0
"""Upper limit of every delay, in seconds."""


def backoff_delays(retries: int, uniform: Callable[[float, float], float] = random.uniform) -> Iterator[float]:
    """Yield the delay before each retry, in seconds: doubled each time, and drawn at random from its upper half.

    The jitter spreads out clients that failed at the same moment.

    >>> list(backoff_delays(8, lambda low, high: high))
    [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    >>> list(backoff_delays(2, lambda low, high: low))
    [0.25, 0.5]
    """
    limit = FIRST_DELAY
    for _ in range(retries):
        yield uniform(limit / 2, limit)
        limit = min(limit * 2, MAX_DELAY)
