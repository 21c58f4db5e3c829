"""The runner of the memory store: requests run at once, on the thread of the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from sms10692_mock.domain.store import HandledT, ResultT


class InlineRunner:
    """Runs requests inline. Only a large result is finished on the executor `threads`."""

    def __init__(self, threads: Executor) -> None:
        self._threads = threads
        self._loop = asyncio.get_running_loop()

    def submit(
        self, handle: Callable[[], HandledT], finish: Callable[[HandledT], ResultT]
    ) -> "ResultT | asyncio.Future[ResultT]":
        """Run both phases now. See `Runner.submit`."""
        handled = handle()
        if handled.is_large:
            return self._loop.run_in_executor(self._threads, finish, handled)
        return finish(handled)

    def close(self) -> None:
        """Do nothing: there are no connections."""
