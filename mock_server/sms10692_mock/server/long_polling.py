"""Long polling on the event loop: repeats a deferred `Wait` of an application without holding a thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from time import thread_time
from typing import Final

from sms10692_mock.domain.notifier import POLL_SECONDS, Wait
from sms10692_mock.server.client_presence import ClientPresence, Signal
from sms10692_mock.server.cpu_budget import CpuBudget
from sms10692_mock.server.thread_pools import run_in_threadpool

_CPU_SHARE: Final = 0.2
"""Share of one core that all queries together may use in the long run."""

_CPU_CAPACITY: Final = 0.5
"""Seconds of CPU time that may be saved up, so that a few waiting clients are served without delay."""

_MAX_CONCURRENT: Final = 2
"""Number of queries that run at the same time."""

_MIN_POLL_FACTOR: Final = 10
"""Without a notification, a query is repeated only after this many times its own duration."""


class LongPolling:
    """Waits until the condition of a Wait holds. Create and use it on the thread of a running event loop.

    Queries run on `threads`.
    """

    def __init__(self, threads: Executor) -> None:
        self._threads = threads
        self._loop = asyncio.get_running_loop()
        self._slots = asyncio.Semaphore(_MAX_CONCURRENT)
        self._budget = CpuBudget(_CPU_SHARE, _CPU_CAPACITY)

    async def wait(self, wait: Wait, presence: ClientPresence) -> None:
        """Return when the condition holds, the time has passed, waiting was ended, or the client is gone."""
        until = self._loop.time() + wait.seconds
        if wait.notifier is None:
            await presence.is_gone_within(wait.seconds)
            return
        changed = Signal(self._loop)
        with wait.notifier.subscribed(wait.userid, changed.set_threadsafe):
            if wait.notifier.changes != wait.changes_seen:  # changed since the first query of the application
                changed.set()
            took = 0.0
            while (left := until - self._loop.time()) > 0 and wait.notifier.wakeups == wait.wakeups_seen:
                poll = max(POLL_SECONDS, _MIN_POLL_FACTOR * took) if wait.polls else left
                if await presence.is_gone_within(min(left, poll), changed):
                    return
                if not changed.is_set and not wait.polls:
                    return
                changed.clear()
                if wait.is_satisfied is None:
                    return
                if not await self._wait_for_budget(until, presence):
                    return
                is_over, took = await self._query(wait.is_satisfied)
                if is_over:
                    return

    async def _wait_for_budget(self, until: float, presence: ClientPresence) -> bool:
        """Wait until CPU time is available; False if the time has passed or the client is gone before that."""
        while (left := self._budget.remaining()) <= 0:
            if self._loop.time() >= until or await presence.is_gone_within(max(-left / _CPU_SHARE, 0.001)):
                return False
        return True

    async def _query(self, is_enough: Callable[[], bool]) -> tuple[bool, float]:
        """Run the query on a thread; return whether the wait is over, and the CPU seconds used."""
        async with self._slots:
            return await run_in_threadpool(self._threads, self._run_query, is_enough)

    def _run_query(self, is_enough: Callable[[], bool]) -> tuple[bool, float]:
        begun = thread_time()
        try:
            is_over = is_enough()
        except Exception:  # the application is called again, raises the same and answers with it
            is_over = True
        took = thread_time() - begun
        self._budget.spend(took)
        return is_over, took
