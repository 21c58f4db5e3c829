"""Runs requests as greenlets on the event-loop thread and suspends them while they wait for the server.

All commands of one loop iteration are pipelined in one write. Compared with a thread per request, this saves thread
switches, contention for the GIL, and system calls.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from typing import Any

from greenlet import getcurrent, greenlet
from valkey.exceptions import NoScriptError

from sms10692_mock.domain.store import HandledT, ResultT
from sms10692_mock.stores.valkey.connection_pool import Argument
from sms10692_mock.stores.valkey.pipelined_connection import ConnectionSettings, PipelinedConnection
from sms10692_mock.stores.valkey.script_client import Script, ScriptCall, ScriptClient


class _Task(greenlet):
    """The greenlet of one submitted callable."""


def call_script(client: ScriptClient, script: Script, keys: Sequence[bytes], *arguments: Argument) -> Any:
    """Run a script as `ScriptClient.run` does.

    Inside a task other tasks run on this thread meanwhile. **The caller must not hold a lock.**
    """
    task = getcurrent()
    if not isinstance(task, _Task) or task.parent is None:
        return client.run(script, keys, *arguments)
    reply = task.parent.switch(ScriptCall(script, keys, arguments))
    if isinstance(reply, Exception):
        raise reply
    return reply


class PipelinedRunner:
    """The runner of the Valkey store, on the event loop that is running at construction. Use it on that thread only.

    A script runs on the pool `threads` instead while there is no pipelined connection, or if the server does not know
    the script yet.
    """

    def __init__(self, client: ScriptClient, endpoint: ConnectionSettings, threads: Executor) -> None:
        self._client = client
        self._threads = threads
        self._loop = asyncio.get_running_loop()
        self._connection = PipelinedConnection(endpoint)

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
        """Close the connection. Later store calls of unfinished work run on the threads."""
        self._connection.close()

    def _resume(self, task: _Task, *reply: Any) -> None:
        """Switch to a task until it makes its next store call, or ends."""
        while (call := task.switch(*reply)) is not None:
            try:
                if not self._connection.send(call.command, partial(self._on_reply, task, call)):
                    self._run_on_thread(task, call)
            except Exception as error:  # raised inside the task, which would never be resumed otherwise
                reply = (error,)
            else:
                return

    def _on_reply(self, task: _Task, call: ScriptCall, reply: Any) -> None:
        try:
            try:
                reply = self._client.raise_for_error(reply)
            except NoScriptError:  # the script did not run
                self._run_on_thread(task, call)
                return
        except Exception as error:  # raised inside the task
            reply = error
        self._resume(task, reply)

    def _run_on_thread(self, task: _Task, call: ScriptCall) -> None:
        result = self._threads.submit(self._client.run, call.script, call.keys, *call.arguments)
        result.add_done_callback(partial(self._on_thread_done, task))

    def _on_thread_done(self, task: _Task, result: "Future[Any]") -> None:
        with suppress(RuntimeError):  # the loop is closed, so nobody waits for the result
            self._loop.call_soon_threadsafe(self._resume, task, result.exception() or result.result())


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
