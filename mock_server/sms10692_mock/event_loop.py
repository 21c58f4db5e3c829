"""An event loop for a thread in the process of another program."""

import asyncio
import sys

from sms10692_mock.elapsed_time import monotonic

if sys.platform == "win32":
    _EventLoop = asyncio.ProactorEventLoop
else:
    _EventLoop = asyncio.SelectorEventLoop


class EventLoop(_EventLoop):
    """An asyncio event loop whose timers use `elapsed_time.monotonic`, even if a test replaces `time.monotonic`."""

    time = staticmethod(monotonic)  # the loop calls it very often
