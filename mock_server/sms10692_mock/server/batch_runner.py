"""Short work that may be kept waiting: one piece after another on one thread, until one of them is.

Here belongs how much of it is done where. Threads at work at the same time take Python's lock from each other, and a
piece then costs three times as much; handed over one by one, each piece wakes two threads up. So what comes while some
is at work is gathered, and handed over together. Where a piece is kept waiting, the others go on beside it.

Where the store writes many operations at once, so are those of the pieces that were handed over together: one
transaction, and one wait for the disk. Nobody is told anything before.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from typing import Final, Generic, NamedTuple, NoReturn, TypeAlias, TypeVar

from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.elapsed_time import monotonic

Made = TypeVar("Made")

_SLOW: Final = 0.005
"""Seconds after which a piece is taken to be kept waiting."""

_GATHERED: Final = 32
"""Pieces that are written at once: others who write wait for no more than that."""

_GATHERED_FOR: Final = 0.003
"""Seconds after which what was done is written, and no further piece with it."""

_BatchTransaction: TypeAlias = Callable[[], AbstractContextManager[None] | None]


class _Job(NamedTuple, Generic[Made]):
    work: Callable[[], Callable[[], Made]]
    future: "asyncio.Future[Made]"


class _Completed(NamedTuple, Generic[Made]):
    future: "asyncio.Future[Made]"
    tell: "Callable[[asyncio.Future[Made]], None]"


class BatchRunner(Generic[Made]):
    """Has work done on threads, for the loop that runs when it is made.

    `gathered` is the store's: the first halves of works may happen inside, and the second afterwards.
    """

    def __init__(
        self, threads: Executor, gathered: _BatchTransaction = lambda: None, clock: Callable[[], float] = monotonic
    ) -> None:
        self._threads = threads
        self._gathering = gathered
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._gathered: list[_Job[Made]] = []
        self._at_work: asyncio.TimerHandle | None = None
        """The end of the patience with those at work, if there are any and there is."""

    def submit(self, work: Callable[[], Callable[[], Made]]) -> "asyncio.Future[Made]":
        """What the work's second half returns, or what one of them raises, once it has been done.

        The first asks the store, tells nobody, and returns the second. It is done again where nothing of it happened.
        """
        future: asyncio.Future[Made] = self._loop.create_future()
        self._gathered.append(_Job(work, future))
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

    def _do(self, pieces: Sequence[_Job[Made]], patience: asyncio.TimerHandle | None) -> None:
        try:
            done = self._run_in_one_transaction(pieces)
            left = pieces[len(done) :] if done else ()
            done = done or self._run_individually(pieces)
        except BaseException as error:  # nobody shall wait for ever
            fail = _raising(RuntimeError(f"what was to be done together was not: {error!r}"))
            failed = [_Completed(piece.future, _outcome(fail)) for piece in pieces]
            self._loop.call_soon_threadsafe(self._tell, failed, (), patience)
            raise
        self._loop.call_soon_threadsafe(self._tell, done, left, patience)

    def _run_in_one_transaction(self, pieces: Sequence[_Job[Made]]) -> Sequence[_Completed[Made]]:
        """Do the first of the pieces, or all; none of them where nothing of it happened."""
        gathering = self._gathering() if len(pieces) > 1 else None
        if gathering is None:
            return ()
        halves: list[Callable[[], Made]] = []
        try:
            with gathering:
                begun = self._clock()
                for piece in pieces[:_GATHERED]:
                    halves.append(_first_half(piece.work))
                    if self._clock() - begun > _GATHERED_FOR:
                        break
        except StoreUnavailable:
            return ()
        return [_Completed(piece.future, _outcome(half)) for piece, half in zip(pieces, halves, strict=False)]

    def _run_individually(self, pieces: Sequence[_Job[Made]]) -> Sequence[_Completed[Made]]:
        done: list[_Completed[Made]] = []
        for place, (work, future) in enumerate(pieces):
            begun = self._clock()
            done.append(_Completed(future, _outcome(_first_half(work))))
            if self._clock() - begun > _SLOW:
                # Those behind it need not wait for each other as well, unless they can be written at once.
                behind = pieces[place + 1 :]
                for some in [[piece] for piece in behind] if self._gathering() is None else [behind]:
                    self._threads.submit(self._do, some, None)
                break
        return done

    def _tell(
        self, done: Sequence[_Completed[Made]], left: Sequence[_Job[Made]], patience: asyncio.TimerHandle | None
    ) -> None:
        for future, tell in done:
            if not future.done():  # nobody waits for it any more
                tell(future)
        self._gathered[:0] = left
        if left or (patience is not None and patience is self._at_work):
            self._begin()


def _first_half(work: Callable[[], Callable[[], Made]]) -> Callable[[], Made]:
    """Do it; the second, or what raises what the first did."""
    try:
        return work()
    except Exception as error:
        return _raising(error)


def _raising(error: Exception) -> Callable[[], NoReturn]:
    def fail() -> NoReturn:
        raise error

    return fail


def _outcome(work: Callable[[], Made]) -> "Callable[[asyncio.Future[Made]], None]":
    """Do the work, and say what came of it to whoever waits."""
    try:
        made = work()
    except Exception as error:
        # A future takes no StopIteration.
        failure = RuntimeError(repr(error)) if isinstance(error, StopIteration) else error
        return lambda future: future.set_exception(failure)
    return lambda future: future.set_result(made)
