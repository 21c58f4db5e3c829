"""The event loop of an emulator in another program's process."""

import asyncio
import sys

from sms10692_mock.elapsed_time import monotonic

if sys.platform == "win32":
    _EventLoop = asyncio.ProactorEventLoop
else:
    _EventLoop = asyncio.SelectorEventLoop


class EventLoop(_EventLoop):
    """An asyncio event loop whose timers run by `monotonic`."""

    def time(self) -> float:
        return monotonic()
