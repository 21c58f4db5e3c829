"""Short pauses for garbage collection in a process whose heap grows by what it stores."""

import asyncio
import gc
from collections.abc import Callable
from typing import Final

_YOUNG: Final = 5_000
"""New objects after which they are searched for garbage: a millisecond, in which nobody is answered."""


class HeapFreezer:
    """Exempts from further collections what survived one: what is stored holds no cycles, so it is searched once.

    Garbage that was exempt would never be freed. So it is frozen only while nothing is in flight that could become
    garbage, and after a full collection of what is not frozen yet. While `is_idle` is False Python collects as usual;
    call `freeze_if_due` when it becomes True. All but the callback of `gc` is for the thread of the event loop.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, is_idle: Callable[[], bool]) -> None:
        self._loop = loop
        self._is_idle = is_idle
        self._is_due = False

    def install(self) -> None:
        """Freeze what is there, and from now on what is left after each collection. For the rest of the process."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(_YOUNG)
        gc.callbacks.append(self._collected)

    def freeze_if_due(self) -> None:
        """Freeze what survived, if something was collected since and nothing is in flight."""
        if self._is_due and self._is_idle():
            gc.collect()
            gc.freeze()
            self._is_due = False

    def _collected(self, phase: str, _: dict[str, int]) -> None:
        # Called in the middle of anything, in any thread: so it only makes an appointment.
        if phase == "stop" and not self._is_due and not self._loop.is_closed():
            self._is_due = True
            self._loop.call_soon_threadsafe(self.freeze_if_due)
