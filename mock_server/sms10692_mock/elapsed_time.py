"""Monotonic time and sleeping for timeouts, unaffected by libraries that freeze time.

freezegun, time-machine and tests that patch `time.sleep` or `time.monotonic` change the time that the application under
test sees. An emulator in the same process must still time out. **Every timeout and pause of the emulator uses this
module.** The time in the vendor's responses is `clock.system_time`, which follows those libraries.
"""

import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final


def _original(name: str) -> Callable[[], float]:
    """Return a function of the module `time`, even if freezegun replaced it before this module was imported."""
    original: Any = getattr(sys.modules.get("freezegun.api"), f"real_{name}", None)
    function: Callable[[], float] = original or getattr(time, name)
    return function


# freezegun replaces each module attribute that is a function of `time`; it does not replace a `partial`.
if sys.platform == "win32":
    monotonic: Final[Callable[[], float]] = partial(_original("perf_counter"))  # monotonic has steps of 15 ms
    """Seconds since an arbitrary point."""
else:
    monotonic: Final[Callable[[], float]] = partial(time.clock_gettime, time.CLOCK_MONOTONIC)
    """Seconds since an arbitrary point."""


def sleep(seconds: float) -> None:
    """Block this thread for `seconds`."""
    if seconds > 0:
        never_released = threading.Lock()
        never_released.acquire()
        never_released.acquire(timeout=seconds)
