"""Whether the client of a connection is still there, for whoever makes it wait."""

import asyncio
from typing import Final

HALF_CLOSED: Final = 1.0
"""Seconds for which a client that will send nothing more is still waited upon.

One that has hung up looks the same until something is sent to it.
"""


class Presence:
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

    async def is_gone_within(self, seconds: float, event: "asyncio.Future[None] | None" = None) -> bool:
        """Wait so many seconds, or until the event; at once True when the client is gone."""
        if self.is_gone:
            return True
        waiter: asyncio.Future[bool] = self._loop.create_future()

        def end(_: object = None) -> None:
            if not waiter.done():
                waiter.set_result(self.is_gone)

        timer = self._loop.call_later(seconds, end)
        if event is not None:
            event.add_done_callback(end)
        self._waiters.append(waiter)
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiters.remove(waiter)
            if event is not None:
                event.remove_done_callback(end)
