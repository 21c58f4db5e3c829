"""Work that is put aside while it waits for the server: one thread does many pieces of it, each in its own time.

Here belongs who goes on when. A thread for each would take Python's lock from the others all the time, which costs
more than the work; and of questions that many pieces ask in the same moment, each costs a fraction of one alone.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from greenlet import getcurrent, greenlet
from valkey.exceptions import NoScriptError

from sms10692_mock.stores.valkey.connection_pool import Argument
from sms10692_mock.stores.valkey.pipelined_connection import Endpoint, PipelinedConnection
from sms10692_mock.stores.valkey.script_client import Script, ScriptCall, ScriptClient

Made = TypeVar("Made")


class _Task(greenlet):
    """A piece of work."""


def call_script(nodes: ScriptClient, work: Script, keys: Sequence[bytes], *arguments: Argument) -> Any:
    """Run a script as `ScriptClient.run` does.

    Inside a task other tasks run on this thread meanwhile. **The caller must not hold a lock.**
    """
    piece = getcurrent()
    if not isinstance(piece, _Task) or piece.parent is None:
        return nodes.run(work, keys, *arguments)
    answer = piece.parent.switch(ScriptCall(work, keys, arguments))
    if isinstance(answer, Exception):
        raise answer
    return answer


class PipelinedRunner:
    """Does pieces of work on the loop that runs when it is made, as far as the server at `far` answers.

    What is more than a question and an answer is done on the `threads`: while there is no connection, and where the
    server has to be told a script first.
    """

    def __init__(self, nodes: ScriptClient, far: Endpoint, threads: Executor) -> None:
        self._nodes = nodes
        self._threads = threads
        self._loop = asyncio.get_running_loop()
        self._line = PipelinedConnection(far)

    def submit(self, work: Callable[[], Made]) -> "asyncio.Future[Made]":
        """What the work returns, or raises, once it has been done. It is begun at once."""
        future: asyncio.Future[Made] = self._loop.create_future()
        self._resume(_Task(partial(_do, work, future)))
        return future

    def close(self) -> None:
        """Hang up. What is still to be asked goes over threads, as it does where there is no connection."""
        self._line.close()

    def _resume(self, piece: _Task, *answer: Any) -> None:
        """Let a piece go on until it has asked its next question, or is done."""
        while (question := piece.switch(*answer)) is not None:
            try:
                if not self._line.send(question.command, partial(self._on_reply, piece, question)):
                    self._ask_on_a_thread(piece, question)
            except Exception as error:  # for the piece to raise: nobody else would ever go on with it
                answer = (error,)
            else:
                return

    def _on_reply(self, piece: _Task, question: ScriptCall, answer: Any) -> None:
        try:
            try:
                answer = self._nodes.raise_for_error(answer)
            except NoScriptError:  # nothing of it was done
                self._ask_on_a_thread(piece, question)
                return
        except Exception as error:  # for the piece to raise
            answer = error
        self._resume(piece, answer)

    def _ask_on_a_thread(self, piece: _Task, question: ScriptCall) -> None:
        asked = self._threads.submit(self._nodes.run, question.work, question.keys, *question.arguments)
        asked.add_done_callback(partial(self._tell, piece))

    def _tell(self, piece: _Task, asked: "Future[Any]") -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            self._loop.call_soon_threadsafe(self._resume, piece, asked.exception() or asked.result())


def _do(work: Callable[[], Made], future: "asyncio.Future[Made]") -> None:
    try:
        made = work()
    except Exception as error:
        if not future.done():  # nobody waits for it any more
            future.set_exception(error)
    else:
        if not future.done():
            future.set_result(made)
