"""Frees large collections in small steps on a background thread.

Freeing 100,000 messages at once takes 40 ms, during which the GIL is held and no other thread runs.
"""

import threading
from collections import deque
from collections.abc import Collection, Sequence
from typing import Any, Final

from sms10692_mock.elapsed_time import sleep

_CHUNK: Final = 500
"""Objects that are freed in one step."""

_PAUSE_SECONDS: Final = 0.001
"""Pause between two steps, in seconds. A step takes a fifth of that."""

_INITIAL_DELAY: Final = 0.02
"""Seconds before the first step, so that the response to the current request is sent first."""


def free_incrementally(collections: Sequence[Collection[Any]]) -> None:
    """Free collections that are no longer used: small ones at once, large ones in steps on a daemon thread.

    The collections are not modified, so that a reader that still iterates over one sees all of it.
    """
    large = [collection for collection in collections if len(collection) > _CHUNK]
    if large:
        threading.Thread(target=_free_in_chunks, args=(large,), name="incremental-free", daemon=True).start()


def _free_in_chunks(collections: list[Collection[Any]]) -> None:
    sleep(_INITIAL_DELAY)
    # Hold a second reference to every object, so that freeing a collection frees none of them.
    chunks: deque[list[Any]] = deque()
    while collections:
        items = list(collections.pop())
        chunks.extend(items[begin : begin + _CHUNK] for begin in range(0, len(items), _CHUNK))
        sleep(_PAUSE_SECONDS)
    del items
    while chunks:
        chunks.popleft()
        sleep(_PAUSE_SECONDS)
