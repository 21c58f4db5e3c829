"""Tracks whether a client is still connected while its response is delayed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

_HALF_CLOSED_SECONDS: Final = 1.0
"""Time after which a client that has closed its sending side counts as gone.

It may still read. Until something is sent to it, it looks the same as a client that has disconnected.
"""


class ClientGone(Exception):
    """The client has disconnected, so no response can be sent."""


class Signal:
    """An event for one waiting coroutine, which any thread may set."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._callback: Callable[[], None] | None = None
        self._is_scheduled = False
        self.is_set = False

    def set_threadsafe(self) -> None:
        """Set the signal from any thread, soon. Further calls before `clear` have no effect."""
        if self._is_scheduled:
            return
        self._is_scheduled = True
        with suppress(RuntimeError):  # the loop is closed, so no coroutine waits
            self._loop.call_soon_threadsafe(self.set)

    def set(self) -> None:
        """Set the signal; only on the thread of the event loop."""
        self.is_set = True
        if self._callback is not None:
            self._callback()

    def clear(self) -> None:
        """Reset the signal, so that it can be set again."""
        self.is_set = self._is_scheduled = False

    def on_set(self, callback: Callable[[], None] | None) -> None:
        """Register the only callback; None removes it."""
        self._callback = callback


class ClientPresence:
    """The presence of one client. Only for the thread of the event loop."""

    __slots__ = ("_loop", "_waiters", "is_gone")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.is_gone = False
        self._loop = loop
        self._waiters: list[asyncio.Future[bool]] = []

    def leave(self) -> None:
        """Mark the client as gone and wake all waiting coroutines."""
        self.is_gone = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(True)

    def leave_soon(self) -> None:
        """Mark the client as gone after `_HALF_CLOSED_SECONDS`, because it has closed its sending side."""
        self._loop.call_later(_HALF_CLOSED_SECONDS, self.leave)

    async def is_gone_within(self, seconds: float, signal: "Signal | None" = None) -> bool:
        """Wait until the client is gone, the signal is set, or the time has passed. True if the client is gone."""
        if self.is_gone or (signal is not None and signal.is_set):
            return self.is_gone
        waiter: asyncio.Future[bool] = self._loop.create_future()

        def end() -> None:
            if not waiter.done():
                waiter.set_result(self.is_gone)

        timer = self._loop.call_later(seconds, end)
        if signal is not None:
            signal.on_set(end)
        self._waiters.append(waiter)
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiters.remove(waiter)
            if signal is not None:
                signal.on_set(None)
