"""Runs short blocking jobs in batches on worker threads, with group commit: one store transaction for many jobs.

Jobs that arrive while a batch runs form the next batch. This saves two thread wake-ups per job, and contention for the
GIL, which triples the time of a job. A batch that runs for more than 5 ms is *stalled*: jobs that arrive from then on
form a batch on another thread. The jobs of the stalled batch itself still wait for the job that blocks.

A job has two phases. The first uses the store; the second publishes the result, for example in a log. With a
transactional store, the first phases of a batch share one transaction, and so one disk sync. A job that is alone in its
batch uses no batch transaction.

Rules that protect data:

1. **The second phases run after the commit, and results are delivered after them.**
2. **A first phase publishes nothing, and can be run again**: if its transaction fails, nothing of it is stored, and
   each job of the batch is run on its own, without a batch transaction.
3. **Every future is completed**, with a result or an exception, unless its owner has cancelled it.
4. **Only the event loop's thread uses `_pending` and `_stall_timer`**, so they need no lock. Worker threads call
   `call_soon_threadsafe`.
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
"""Time after which a batch is stalled, waiting for a thread included, and time after which a job alone has blocked."""

_MAX_TRANSACTION_JOBS: Final = 32
"""Maximum number of jobs in one transaction, so that other writers do not wait long for its end. The rest follow."""

_MAX_TRANSACTION_SECONDS: Final = 0.003
"""Time after which no further job joins the open transaction."""

_BeginTransaction: TypeAlias = Callable[[], AbstractContextManager[None] | None]


class _Job(NamedTuple, Generic[Result]):
    """A job to run. `work` is its first phase, which returns the second."""

    work: Callable[[], Callable[[], Result]]
    future: "asyncio.Future[Result]"


class _Completed(NamedTuple, Generic[Result]):
    """A job of which both phases have run. `deliver` sets the result or the exception of its future."""

    future: "asyncio.Future[Result]"
    deliver: "Callable[[asyncio.Future[Result]], None]"


class BatchRunner(Generic[Result]):
    """Runs jobs on an executor of several threads, of which a stalled batch occupies one.

    **Create and use a runner on the thread of a running event loop.**

    `batch_transaction` is `Store.batch_transaction`: it returns a context manager, or None if the store has no batch
    transactions. **Calling it must begin nothing and never fail**: not every context manager is entered. Entering or
    leaving one may raise StoreUnavailable. After any other exception all jobs of the batch fail, although their effects
    may be stored.
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
        """Timer of the batch started last; None if that batch has ended or is stalled."""

    def submit(self, work: Callable[[], Callable[[], Result]]) -> "asyncio.Future[Result]":
        """Run a job of two phases and return the future of its result.

        `work` is the first phase: it uses the store and returns the second phase, whose return value is the result.
        Both run on a worker thread, in the order of submission within a batch, and also if the future is cancelled. An
        exception of either phase becomes that of the future. An exception of a first phase by itself does not
        roll back the transaction, which belongs to the other jobs too.

        **The first phase must publish nothing (response, notification, log), because its transaction may fail.** In
        that case nothing of it was stored, and it is run again.
        """
        future: asyncio.Future[Result] = self._loop.create_future()
        self._pending.append(_Job(work, future))
        if len(self._pending) == 1 and self._stall_timer is None:
            self._loop.call_soon(self._start_batch)
        return future

    def _start_batch(self) -> None:
        """Hand the pending jobs over to a thread. Runs when no batch runs or the last one has stalled."""
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
        jobs, self._pending = self._pending, []
        if jobs:
            stall_timer = self._loop.call_later(_STALL_SECONDS, self._start_batch)
            self._stall_timer = stall_timer
            try:
                self._threads.submit(self._run, jobs, stall_timer)
            except RuntimeError as error:  # the executor is shut down, or cannot start a thread
                self._deliver(_fail(jobs, error), (), stall_timer)

    def _run(self, jobs: Sequence[_Job[Result]], stall_timer: asyncio.TimerHandle | None) -> None:
        """Run a batch, on a worker thread. `stall_timer` is the timer of the batch.

        The timer is None for jobs that were moved away from a job that had blocked.
        """
        try:
            completed = self._run_in_one_transaction(jobs)
            remaining = jobs[len(completed) :] if completed else ()
            completed = completed or self._run_individually(jobs)
        except BaseException as error:  # every future must be completed
            self._loop.call_soon_threadsafe(self._deliver, _fail(jobs, error), (), stall_timer)
            raise
        self._loop.call_soon_threadsafe(self._deliver, completed, remaining, stall_timer)

    def _run_in_one_transaction(self, jobs: Sequence[_Job[Result]]) -> Sequence[_Completed[Result]]:
        """Run the first jobs of a batch, up to the limits of a transaction.

        **An empty result means that nothing was stored**, because there is no transaction or because it failed. So at
        least one job is run before the limits are checked.
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
            # Not strict: the limits may have left jobs over.
            _Completed(job.future, _run_second_phase(phase))
            for job, phase in zip(jobs, second_phases, strict=False)
        ]

    def _run_individually(self, jobs: Sequence[_Job[Result]]) -> Sequence[_Completed[Result]]:
        """Run the jobs one by one, up to one that took longer than `_STALL_SECONDS`. Move those after it to threads."""
        completed: list[_Completed[Result]] = []
        for index, (work, future) in enumerate(jobs):
            begun = self._clock()
            completed.append(_Completed(future, _run_second_phase(_run_first_phase(work))))
            if self._clock() - begun > _STALL_SECONDS:
                # One thread each, so that they do not wait for each other. With batch transactions, one thread for all,
                # so that they share a transaction.
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
        """On the event loop: complete the futures, and start the next batch if the last one has ended.

        `remaining` goes to the front, so that jobs are run in the order of submission. A stalled batch that ends starts
        no other unless jobs remain, because its timer has done so: `_stall_timer` is no longer its own.
        """
        for future, deliver in completed:
            if not future.done():  # not cancelled meanwhile
                deliver(future)
        self._pending[:0] = remaining
        if remaining or (stall_timer is not None and stall_timer is self._stall_timer):
            self._start_batch()


def _fail(jobs: Sequence[_Job[Result]], error: BaseException) -> Sequence[_Completed[Result]]:
    """Return the jobs of a failed batch, each completed with an exception that names `error`."""
    fail = _raising(RuntimeError(f"the batch failed: {error!r}"))
    return [_Completed(job.future, _run_second_phase(fail)) for job in jobs]


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
