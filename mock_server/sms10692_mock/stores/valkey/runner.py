"""Executes commands for two kinds of callers, who wait for the replies without blocking the event loop.

Requests to the vendor's endpoints are greenlets on the event-loop thread, suspended while they wait. All commands of
one loop iteration are pipelined in one write. Compared with a thread per request, this saves thread switches,
contention for the GIL, and system calls. Any other thread waits for an event loop that belongs to the store.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import Lock, Thread
from typing import Any

from greenlet import getcurrent, greenlet

from sms10692_mock.domain.store import HandledT, ResultT
from sms10692_mock.event_loop import EventLoop
from sms10692_mock.stores.valkey.connection import Address, Batch, ConnectionOptions, ConnectionPool, Unavailable


class _Task(greenlet):
    """The greenlet of one submitted callable."""


class CommandExecutor:
    """Executes commands for any thread and any task. Each command is sent at most once."""

    def __init__(self, options: ConnectionOptions) -> None:
        self._options = options
        self._loop = EventLoop()
        self._connections = ConnectionPool(options, self._loop)
        self._lock = Lock()
        self._is_closed = False
        self._thread = Thread(target=self._loop.run_forever, name="valkey", daemon=True)
        self._thread.start()

    def execute(self, address: Address, batch: Batch) -> list[Any]:
        """Send commands in one write and return their replies: each may be an ErrorReply, or Unavailable from one on.

        Inside a task of a runner other tasks run on this thread meanwhile. **The caller must not hold a lock.**
        """
        task = getcurrent()
        if isinstance(task, _Task) and task.parent is not None:
            replies: list[Any] = task.parent.switch(address, batch)
            return replies
        future: Future[list[Any]] = Future()
        with self._lock:
            if self._is_closed:
                return [Unavailable("the store was closed")] * batch.size
            self._loop.call_soon_threadsafe(self._connections.execute, address, batch, future.set_result)
        return future.result()

    def create_runner(self) -> "PipelinedRunner":
        """Create a runner on the event loop that is running."""
        return PipelinedRunner(ConnectionPool(self._options, asyncio.get_running_loop()))

    def close(self) -> None:
        """Close the connections. Commands that were not answered yet fail."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._loop.call_soon_threadsafe(self._connections.close)
            self._loop.call_soon_threadsafe(self._loop.call_soon, self._loop.stop)  # after the connections are closed
        self._thread.join()
        self._loop.close()


class PipelinedRunner:
    """The runner of the Valkey store, on the event loop that is running at construction. Use it on that thread only."""

    def __init__(self, connections: ConnectionPool) -> None:
        self._loop = asyncio.get_running_loop()
        self._connections = connections

    def submit(
        self, handle: Callable[[], HandledT], finish: Callable[[HandledT], ResultT]
    ) -> "asyncio.Future[ResultT]":
        """Start a request at once, on this thread. See `Runner.submit`.

        **Neither function may hold a lock across a store call**: other requests run on this thread while it waits.
        """
        future: asyncio.Future[ResultT] = self._loop.create_future()
        self._resume(_Task(partial(_run_phases, handle, finish, future)))
        return future

    def close(self) -> None:
        """Close the connections. The store calls of unfinished work raise StoreUnavailable."""
        self._connections.close()

    def _resume(self, task: _Task, *replies: list[Any]) -> None:
        """Switch to a task until it executes commands, or ends."""
        call: tuple[Address, Batch] | None = task.switch(*replies)
        if call is not None:
            address, batch = call
            self._connections.execute(address, batch, partial(self._resume, task))


def _run_phases(
    handle: Callable[[], HandledT], finish: Callable[[HandledT], ResultT], future: "asyncio.Future[ResultT]"
) -> None:
    try:
        result = finish(handle())
    except Exception as error:
        if not future.done():  # else it was cancelled
            future.set_exception(error)
    else:
        if not future.done():
            future.set_result(result)
