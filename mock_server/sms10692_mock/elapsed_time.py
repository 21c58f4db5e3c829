"""Elapsed time for timeouts and pauses, which no test library stops.

freezegun, time-machine and tests that patch `time.sleep` or `time.monotonic` replace what the application under test
sees. An emulator in the same process must still time out, so every timeout and pause of it is measured here. The
time that the vendor writes into its answers is `clock.system_time`, which follows those libraries.
"""

import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final


def _original(name: str) -> Callable[[], float]:
    """The function of the module `time`, also where freezegun had replaced it before this module was imported."""
    original: Any = getattr(sys.modules.get("freezegun.api"), f"real_{name}", None)
    function: Callable[[], float] = original or getattr(time, name)
    return function


# freezegun replaces every module's attribute that is one of time's functions. A `partial` of one is left alone.
if sys.platform == "win32":
    monotonic: Final[Callable[[], float]] = partial(_original("perf_counter"))  # monotonic has steps of 15 ms
    """Seconds since an arbitrary moment."""
else:
    monotonic: Final[Callable[[], float]] = partial(time.clock_gettime, time.CLOCK_MONOTONIC)
    """Seconds since an arbitrary moment."""


def sleep(seconds: float) -> None:
    """Block this thread for so many seconds."""
    if seconds > 0:
        never_released = threading.Lock()
        never_released.acquire()
        never_released.acquire(timeout=seconds)
