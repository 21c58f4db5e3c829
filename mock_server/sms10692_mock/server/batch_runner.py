"""Runs short blocking jobs in batches on one worker thread, with group commit.

Jobs that arrive while a batch runs form the next batch. This avoids contention for the GIL, with which a job costs
three times as much, and two thread wake-ups per job. If a job blocks for more than 5 ms, the others continue on
another thread.

With a transactional store a batch is one transaction and one disk sync. **Results are delivered only after the
commit.**
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from typing import Final, Generic, NamedTuple, NoReturn, TypeAlias, TypeVar

from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.elapsed_time import monotonic

Result = TypeVar("Result")

_STALL_SECONDS: Final = 0.005
"""Time after which a running job is considered blocked."""

_MAX_TRANSACTION_JOBS: Final = 32
"""Maximum number of jobs in one transaction, so that other writers do not wait long for its end."""

_MAX_TRANSACTION_SECONDS: Final = 0.003
"""Time after which no further job joins the open transaction."""

_BeginTransaction: TypeAlias = Callable[[], AbstractContextManager[None] | None]


class _Job(NamedTuple, Generic[Result]):
    work: Callable[[], Callable[[], Result]]
    future: "asyncio.Future[Result]"


class _Completed(NamedTuple, Generic[Result]):
    """A job that has run. `deliver` sets the result or the exception of its future."""

    future: "asyncio.Future[Result]"
    deliver: "Callable[[asyncio.Future[Result]], None]"


class BatchRunner(Generic[Result]):
    """Runs jobs on an executor. Create and use it on the thread of a running event loop.

    `batch_transaction` is the method of the store: it returns the context manager in which the first phases of a batch
    run, or None if the store has no transactions. **The second phases run after its exit, that is after the commit.**
    """

    def __init__(
        self,
        threads: Executor,
        batch_transaction: _BeginTransaction = lambda: None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._threads = threads
        self._begin_transaction = batch_transaction
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._pending: list[_Job[Result]] = []
        self._stall_timer: asyncio.TimerHandle | None = None
        """Declares the running batch stalled; None if no batch runs or the batch is already considered stalled."""

    def submit(self, work: Callable[[], Callable[[], Result]]) -> "asyncio.Future[Result]":
        """Run a job of two phases and return the future of its result.

        `work` is the first phase: it uses the store and returns the second phase, whose return value is the result.
        An exception of either phase becomes that of the future.

        **The first phase must publish nothing (response, notification, log), because its transaction may fail.** Then
        nothing of it was stored, and it is run again.
        """
        future: asyncio.Future[Result] = self._loop.create_future()
        self._pending.append(_Job(work, future))
        if len(self._pending) == 1 and self._stall_timer is None:
            self._loop.call_soon(self._start_batch)
        return future

    def _start_batch(self) -> None:
        """Hand the pending jobs over to a thread. Runs when a batch has ended or stalled."""
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
        jobs, self._pending = self._pending, []
        if jobs:
            stall_timer = self._loop.call_later(_STALL_SECONDS, self._start_batch)
            self._stall_timer = stall_timer
            self._threads.submit(self._run, jobs, stall_timer)

    def _run(self, jobs: Sequence[_Job[Result]], stall_timer: asyncio.TimerHandle | None) -> None:
        """Run a batch on a thread. `stall_timer` is that of the batch; None for jobs moved off a stalled batch."""
        try:
            completed = self._run_in_one_transaction(jobs)
            remaining = jobs[len(completed) :] if completed else ()
            completed = completed or self._run_individually(jobs)
        except BaseException as error:  # every future must get a result
            fail = _raising(RuntimeError(f"the batch failed: {error!r}"))
            failed = [_Completed(job.future, _run_second_phase(fail)) for job in jobs]
            self._loop.call_soon_threadsafe(self._deliver, failed, (), stall_timer)
            raise
        self._loop.call_soon_threadsafe(self._deliver, completed, remaining, stall_timer)

    def _run_in_one_transaction(self, jobs: Sequence[_Job[Result]]) -> Sequence[_Completed[Result]]:
        """Run the first jobs of a batch, up to the limits of a transaction.

        Returns an empty sequence, with nothing stored, if there is no transaction or if it failed.
        """
        transaction = self._begin_transaction() if len(jobs) > 1 else None
        if transaction is None:
            return ()
        second_phases: list[Callable[[], Result]] = []
        try:
            with transaction:
                begun = self._clock()
                for job in jobs[:_MAX_TRANSACTION_JOBS]:
                    second_phases.append(_run_first_phase(job.work))
                    if self._clock() - begun > _MAX_TRANSACTION_SECONDS:
                        break
        except StoreUnavailable:
            return ()
        return [
            _Completed(job.future, _run_second_phase(phase)) for job, phase in zip(jobs, second_phases, strict=False)
        ]

    def _run_individually(self, jobs: Sequence[_Job[Result]]) -> Sequence[_Completed[Result]]:
        """Run the jobs one by one, up to one that blocked. Those after it are moved to other threads."""
        completed: list[_Completed[Result]] = []
        for index, (work, future) in enumerate(jobs):
            begun = self._clock()
            completed.append(_Completed(future, _run_second_phase(_run_first_phase(work))))
            if self._clock() - begun > _STALL_SECONDS:
                # One thread each, so that they do not wait for each other, unless one transaction can hold them all.
                rest = jobs[index + 1 :]
                for batch in [[job] for job in rest] if self._begin_transaction() is None else [rest]:
                    self._threads.submit(self._run, batch, None)
                break
        return completed

    def _deliver(
        self,
        completed: Sequence[_Completed[Result]],
        remaining: Sequence[_Job[Result]],
        stall_timer: asyncio.TimerHandle | None,
    ) -> None:
        """On the event loop: set the futures, and start the next batch if the current one has ended."""
        for future, deliver in completed:
            if not future.done():  # not cancelled meanwhile
                deliver(future)
        self._pending[:0] = remaining
        if remaining or (stall_timer is not None and stall_timer is self._stall_timer):
            self._start_batch()


def _run_first_phase(work: Callable[[], Callable[[], Result]]) -> Callable[[], Result]:
    """Return the second phase, or a function that raises the exception of the first."""
    try:
        return work()
    except Exception as error:
        return _raising(error)


def _raising(error: Exception) -> Callable[[], NoReturn]:
    def fail() -> NoReturn:
        raise error

    return fail


def _run_second_phase(phase: Callable[[], Result]) -> "Callable[[asyncio.Future[Result]], None]":
    """Return a function that sets the result or the exception of a future."""
    try:
        result = phase()
    except Exception as error:
        # Future.set_exception refuses StopIteration.
        failure = RuntimeError(repr(error)) if isinstance(error, StopIteration) else error
        return lambda future: future.set_exception(failure)
    return lambda future: future.set_result(result)
