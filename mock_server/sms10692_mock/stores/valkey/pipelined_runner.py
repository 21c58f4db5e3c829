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
from sms10692_mock.stores.valkey.pipelined_connection import Far, Line
from sms10692_mock.stores.valkey.script_client import Nodes, Question, Script

Made = TypeVar("Made")


class _Piece(greenlet):
    """A piece of work."""


def run(nodes: Nodes, work: Script, keys: Sequence[bytes], *arguments: Argument) -> Any:
    """As `Nodes.run`. In a piece of work others go on in this thread meanwhile, so whoever asks there holds no lock."""
    piece = getcurrent()
    if not isinstance(piece, _Piece) or piece.parent is None:
        return nodes.run(work, keys, *arguments)
    answer = piece.parent.switch(Question(work, keys, arguments))
    if isinstance(answer, Exception):
        raise answer
    return answer


class Pieces:
    """Does pieces of work on the loop that runs when it is made, as far as the server at `far` answers.

    What is more than a question and an answer is done on the `threads`: while there is no connection, and where the
    server has to be told a script first.
    """

    def __init__(self, nodes: Nodes, far: Far, threads: Executor) -> None:
        self._nodes = nodes
        self._threads = threads
        self._loop = asyncio.get_running_loop()
        self._line = Line(far)

    def submit(self, work: Callable[[], Made]) -> "asyncio.Future[Made]":
        """What the work returns, or raises, once it has been done. It is begun at once."""
        future: asyncio.Future[Made] = self._loop.create_future()
        self._go_on(_Piece(partial(_do, work, future)))
        return future

    def close(self) -> None:
        """Hang up. What is still to be asked goes over threads, as it does where there is no connection."""
        self._line.close()

    def _go_on(self, piece: _Piece, *answer: Any) -> None:
        """Let a piece go on until it has asked its next question, or is done."""
        while (question := piece.switch(*answer)) is not None:
            try:
                if not self._line.ask(question.command, partial(self._answered, piece, question)):
                    self._ask_on_a_thread(piece, question)
            except Exception as error:  # for the piece to raise: nobody else would ever go on with it
                answer = (error,)
            else:
                return

    def _answered(self, piece: _Piece, question: Question, answer: Any) -> None:
        try:
            try:
                answer = self._nodes.understood(answer)
            except NoScriptError:  # nothing of it was done
                self._ask_on_a_thread(piece, question)
                return
        except Exception as error:  # for the piece to raise
            answer = error
        self._go_on(piece, answer)

    def _ask_on_a_thread(self, piece: _Piece, question: Question) -> None:
        asked = self._threads.submit(self._nodes.run, question.work, question.keys, *question.arguments)
        asked.add_done_callback(partial(self._tell, piece))

    def _tell(self, piece: _Piece, asked: "Future[Any]") -> None:
        with suppress(RuntimeError):  # the loop has ended, and nobody waits any more
            self._loop.call_soon_threadsafe(self._go_on, piece, asked.exception() or asked.result())


def _do(work: Callable[[], Made], future: "asyncio.Future[Made]") -> None:
    try:
        made = work()
    except Exception as error:
        if not future.done():  # nobody waits for it any more
            future.set_exception(error)
    else:
        if not future.done():
            future.set_result(made)
