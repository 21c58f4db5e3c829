"""Whether the client of a connection is still there, for whoever makes it wait."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

HALF_CLOSED: Final = 1.0
"""Seconds for which a client that will send nothing more is still waited upon.

One that has hung up looks the same until something is sent to it.
"""


class ClientGone(Exception):
    """Nobody is there for an answer any more."""


class Signal:
    """Something that may happen while one coroutine waits. Any thread may set it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._when_set: Callable[[], None] | None = None
        self._is_coming = False
        self.is_set = False

    def set_threadsafe(self) -> None:
        """Set it soon, from any thread; of many calls before it is cleared the first counts."""
        if self._is_coming:
            return
        self._is_coming = True
        with suppress(RuntimeError):  # the loop was closed meanwhile, and nobody waits
            self._loop.call_soon_threadsafe(self.set)

    def set(self) -> None:
        """Set it, on the loop's thread."""
        self.is_set = True
        if self._when_set is not None:
            self._when_set()

    def clear(self) -> None:
        """Wait for the next time."""
        self.is_set = self._is_coming = False

    def call_when_set(self, call: Callable[[], None] | None) -> None:
        """Call this, and nothing that was to be called before."""
        self._when_set = call


class ClientPresence:
    """The presence of one client. For the event loop that runs when it is made, and for its thread alone."""

    __slots__ = ("_loop", "_waiters", "is_gone")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.is_gone = False
        self._loop = loop
        self._waiters: list[asyncio.Future[bool]] = []

    def leave(self) -> None:
        """The client is gone."""
        self.is_gone = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(True)

    def leave_soon(self) -> None:
        """The client will send nothing more, and may be gone."""
        self._loop.call_later(HALF_CLOSED, self.leave)

    async def is_gone_within(self, seconds: float, signal: "Signal | None" = None) -> bool:
        """Wait so many seconds, or until the signal is set; True, at once, when the client is gone."""
        if self.is_gone or (signal is not None and signal.is_set):
            return self.is_gone
        waiter: asyncio.Future[bool] = self._loop.create_future()

        def end() -> None:
            if not waiter.done():
                waiter.set_result(self.is_gone)

        timer = self._loop.call_later(seconds, end)
        if signal is not None:
            signal.call_when_set(end)
        self._waiters.append(waiter)
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiters.remove(waiter)
            if signal is not None:
                signal.call_when_set(None)
