"""Short work that may be kept waiting: one piece after another on one thread, until one of them is.

Here belongs how much of it is done where. Threads at work at the same time take Python's lock from each other, and a
piece then costs three times as much; handed over one by one, each piece wakes two threads up. So what comes while some
is at work is gathered, and handed over together. Where a piece is kept waiting, the others go on beside it.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from time import perf_counter
from typing import Final, Generic, NamedTuple, TypeVar

Made = TypeVar("Made")

_SLOW: Final = 0.005
"""Seconds after which a piece is taken to be kept waiting."""


class _Piece(NamedTuple, Generic[Made]):
    work: Callable[[], Made]
    future: "asyncio.Future[Made]"


class Together(Generic[Made]):
    """Has work done on threads, for the loop that runs when it is made."""

    def __init__(self, threads: Executor, clock: Callable[[], float] = perf_counter) -> None:
        self._threads = threads
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._gathered: list[_Piece[Made]] = []
        self._at_work: asyncio.TimerHandle | None = None
        """The end of the patience with those at work, if there are any and there is."""

    def submit(self, work: Callable[[], Made]) -> "asyncio.Future[Made]":
        """What the work returns, or raises, once it has been done."""
        future: asyncio.Future[Made] = self._loop.create_future()
        self._gathered.append(_Piece(work, future))
        if len(self._gathered) == 1 and self._at_work is None:
            self._loop.call_soon(self._begin)
        return future

    def _begin(self) -> None:
        """Hand over what was gathered."""
        if self._at_work is not None:
            self._at_work.cancel()
            self._at_work = None
        pieces, self._gathered = self._gathered, []
        if pieces:
            patience = self._loop.call_later(_SLOW, self._begin)
            self._at_work = patience
            self._threads.submit(self._do, pieces, patience)

    def _do(self, pieces: Sequence[_Piece[Made]], patience: asyncio.TimerHandle | None) -> None:
        done: list[tuple[asyncio.Future[Made], Callable[[asyncio.Future[Made]], None]]] = []
        for place, (work, future) in enumerate(pieces):
            begun = self._clock()
            done.append((future, _outcome(work)))
            if self._clock() - begun > _SLOW:
                # Those behind it need not wait for each other as well.
                for piece in pieces[place + 1 :]:
                    self._threads.submit(self._do, [piece], None)
                break
        self._loop.call_soon_threadsafe(self._tell, done, patience)

    def _tell(
        self,
        done: Sequence[tuple["asyncio.Future[Made]", Callable[["asyncio.Future[Made]"], None]]],
        patience: asyncio.TimerHandle | None,
    ) -> None:
        for future, tell in done:
            if not future.done():  # nobody waits for it any more
                tell(future)
        if patience is not None and patience is self._at_work:
            self._begin()


def _outcome(work: Callable[[], Made]) -> "Callable[[asyncio.Future[Made]], None]":
    """Do the work, and say what came of it to whoever waits."""
    try:
        made = work()
    except Exception as error:
        failure = error
        return lambda future: future.set_exception(failure)
    return lambda future: future.set_result(made)
