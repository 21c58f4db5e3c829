"""Keeps garbage collection short in a process with a large heap: objects that survive are frozen (`gc.freeze`)."""

import asyncio
import gc
from collections.abc import Callable
from typing import Final

_GC_THRESHOLD: Final = 5_000
"""Allocations between two collections of the youngest generation. One takes about a millisecond."""


class HeapFreezer:
    """Freezes objects that survived a collection, so that later collections do not traverse them again.

    **A frozen reference cycle is never freed.** Stored data has no cycles. Requests in flight may have some, so the
    heap is frozen only while `is_idle()` is True, and only after a full collection of the objects not frozen yet.
    While `is_idle()` is False, Python collects as usual; call `freeze_if_due` when it becomes True.

    All methods are for the thread of the event loop, except the callback of `gc`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, is_idle: Callable[[], bool]) -> None:
        self._loop = loop
        self._is_idle = is_idle
        self._is_due = False

    def install(self) -> None:
        """Freeze the heap now and after each later collection, for the rest of the process."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(_GC_THRESHOLD)
        gc.callbacks.append(self._on_gc)

    def freeze_if_due(self) -> None:
        """Collect and freeze, if a collection has run since the last time and the process is idle."""
        if self._is_due and self._is_idle():
            gc.collect()
            gc.freeze()
            self._is_due = False

    def _on_gc(self, phase: str, _: dict[str, int]) -> None:
        # Runs on any thread, between any two instructions. It must not freeze by itself.
        if phase == "stop" and not self._is_due and not self._loop.is_closed():
            self._is_due = True
            self._loop.call_soon_threadsafe(self.freeze_if_due)
