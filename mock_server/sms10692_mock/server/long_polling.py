"""Waiting on the event loop for what an application would otherwise block a thread for."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from time import thread_time
from typing import Final

from sms10692_mock.domain.notifier import LOOK_AGAIN, Wait
from sms10692_mock.server.client_presence import ClientPresence, Signal
from sms10692_mock.server.cpu_budget import CpuBudget
from sms10692_mock.server.thread_pools import run_in_threadpool

_SHARE: Final = 0.2
"""Of the time of one core that all looks together may take, in the long run."""

_SAVED: Final = 0.5
"""Seconds of looking that may be saved up, so that few who wait are answered at once."""

_AT_ONCE: Final = 2
"""Looks at the same time."""

_RARELY: Final = 10
"""Times as long as a look took, nobody looks again who is not notified."""


class LongPolling:
    """Waits until a Wait is over, for the loop that runs when it is made. No wait holds a thread."""

    def __init__(self, threads: Executor) -> None:
        self._threads = threads
        self._loop = asyncio.get_running_loop()
        self._looking = asyncio.Semaphore(_AT_ONCE)
        self._allowance = CpuBudget(_SHARE, _SAVED)

    async def wait(self, wait: Wait, presence: ClientPresence) -> None:
        """Return when there is enough, the time has passed, or the client is gone."""
        until = self._loop.time() + wait.seconds
        if wait.bell is None:
            await presence.is_gone_within(wait.seconds)
            return
        changed = Signal(self._loop)
        with wait.bell.subscribed(wait.userid, changed.set_threadsafe):
            if wait.bell.rings != wait.rings:  # since the look
                changed.set()
            took = 0.0
            while (left := until - self._loop.time()) > 0 and wait.bell.dismissals == wait.dismissals:
                poll = max(LOOK_AGAIN, _RARELY * took) if wait.polls else left
                if await presence.is_gone_within(min(left, poll), changed):
                    return
                if not changed.is_set and not wait.polls:
                    return
                changed.clear()
                if wait.is_enough is None:
                    return
                if not await self._may_look(until, presence):
                    return
                is_over, took = await self._look(wait.is_enough)
                if is_over:
                    return

    async def _may_look(self, until: float, presence: ClientPresence) -> bool:
        """Wait for the allowance; False where the time passed or the client went meanwhile."""
        while (left := self._allowance.remaining()) <= 0:
            if self._loop.time() >= until or await presence.is_gone_within(max(-left / _SHARE, 0.001)):
                return False
        return True

    async def _look(self, is_enough: Callable[[], bool]) -> tuple[bool, float]:
        """Whether the wait is over, and the seconds that the look took."""
        async with self._looking:
            return await run_in_threadpool(self._threads, self._looked, is_enough)

    def _looked(self, is_enough: Callable[[], bool]) -> tuple[bool, float]:
        begun = thread_time()
        try:
            is_over = is_enough()
        except Exception:  # the application, asked again, raises the same and says what it means
            is_over = True
        took = thread_time() - begun
        self._allowance.spend(took)
        return is_over, took
