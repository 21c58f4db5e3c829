"""Runs short blocking requests in batches on worker threads, with group commit: one transaction for many requests.

Requests that arrive while a batch runs form the next batch. This saves two thread wake-ups per request, and contention
for the interpreter lock (GIL), which triples the time of a request. A batch that runs for more than 5 ms is *stalled*:
requests that arrive from then on form a batch on another thread. The requests of the stalled batch itself still wait
for the one that blocks.

The `handle` functions of a batch share one transaction, and so one disk sync. A request
that is alone in its batch uses no batch transaction. Rules that protect data:

1. **The `finish` functions run after the commit, and results are delivered after them.**
2. **`handle` publishes nothing, and can be run again**: if its transaction fails, nothing of it is stored, and each
   request of the batch is run on its own, without a batch transaction.
3. **Every future is completed**, with a result or an exception, unless its owner has cancelled it.
4. **Only the event loop's thread uses `_pending` and `_stall_timer`**, so they need no lock. Worker threads call
   `call_soon_threadsafe`.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from typing import Any, Final, NamedTuple, TypeAlias

from sms10692_mock.domain.store import HandledT, ResultT, StoreUnavailable
from sms10692_mock.elapsed_time import monotonic

_STALL_SECONDS: Final = 0.005
"""Time after which a batch is stalled, waiting for a thread included, and after which a job alone has blocked."""

_MAX_TRANSACTION_JOBS: Final = 32
"""Maximum number of requests in one transaction, so that other writers do not wait long for its end."""

_MAX_TRANSACTION_SECONDS: Final = 0.003
"""Time after which no further request joins the open transaction."""

_REFUSED: Final = "cannot schedule new futures"
"""Part of the message of an executor that was shut down. The message of any other error differs."""

BatchTransaction: TypeAlias = Callable[[], AbstractContextManager[None]]
"""Returns a context manager: the store operations of this thread inside are one transaction, committed at the exit.

Enter and exit raise StoreUnavailable if nothing was written.
"""


class _Job(NamedTuple):
    handle: Callable[[], Any]
    finish: Callable[[Any], Any]
    future: "asyncio.Future[Any]"


class _Outcome(NamedTuple):
    """The return value of a function, or the exception that it raised."""

    value: Any
    error: BaseException | None


class _Completed(NamedTuple):
    """A job that has run to its end. Its future is set on the event loop."""

    future: "asyncio.Future[Any]"
    outcome: _Outcome


class BatchRunner:
    """A `Runner` on an executor of several threads. Create and use it on the thread of a running event loop.

    Batches run one after another; when one stalls, the next one starts on another thread.
    """

    def __init__(
        self, threads: Executor, transaction: BatchTransaction, clock: Callable[[], float] = monotonic
    ) -> None:
        self._threads = threads
        self._transaction = transaction
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._pending: list[_Job] = []
        self._stall_timer: asyncio.TimerHandle | None = None
        """Declares the running batch stalled. None if no batch runs or if the running batch has stalled."""

    def submit(
        self, handle: Callable[[], HandledT], finish: Callable[[HandledT], ResultT]
    ) -> "asyncio.Future[ResultT]":
        """Add a request to the next batch. See `Runner.submit`; both functions run on a thread of the executor."""
        future: asyncio.Future[ResultT] = self._loop.create_future()
        self._pending.append(_Job(handle, finish, future))
        if len(self._pending) == 1 and self._stall_timer is None:
            self._loop.call_soon(self._start_batch)
        return future

    def close(self) -> None:
        """Do nothing: the executor belongs to the caller."""

    def _start_batch(self) -> None:
        """Hand the pending jobs over to a thread. Called when no batch runs, or when the running one has stalled."""
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None
        jobs, self._pending = self._pending, []
        if jobs:
            stall_timer = self._loop.call_later(_STALL_SECONDS, self._start_batch)
            self._stall_timer = stall_timer
            if (error := self._start_thread(jobs, stall_timer)) is not None:
                self._deliver(_fail_all(jobs, error), (), stall_timer)

    def _start_thread(self, jobs: Sequence[_Job], stall_timer: asyncio.TimerHandle | None) -> RuntimeError | None:
        """Run these jobs on a thread of the executor. Returns the error if the executor refuses them.

        **If the executor accepts them but cannot start another thread, they stay queued and run later**, so they must
        not be reported as failed.
        """
        try:
            self._threads.submit(self._run, jobs, stall_timer)
        except RuntimeError as error:
            return error if _REFUSED in str(error) else None
        return None

    def _run(self, jobs: Sequence[_Job], stall_timer: asyncio.TimerHandle | None) -> None:
        """Run a batch on a thread. `stall_timer` is None for jobs that were moved away from a job that blocked."""
        try:
            completed = self._run_in_one_transaction(jobs)
            remaining = jobs[len(completed) :] if completed else ()
            completed = completed or self._run_individually(jobs)
        except BaseException as error:  # every future is set, whatever happens
            failure = RuntimeError(f"the batch failed: {error!r}")
            self._loop.call_soon_threadsafe(self._deliver, _fail_all(jobs, failure), (), stall_timer)
            raise
        self._loop.call_soon_threadsafe(self._deliver, completed, remaining, stall_timer)

    def _run_in_one_transaction(self, jobs: Sequence[_Job]) -> Sequence[_Completed]:
        """Run the first jobs of a batch, up to the limits of a transaction.

        Returns an empty sequence, with nothing stored, for a single job or if the transaction failed.
        """
        if len(jobs) == 1:
            return ()
        handled: list[_Outcome] = []
        try:
            with self._transaction():
                begun = self._clock()
                for job in jobs[:_MAX_TRANSACTION_JOBS]:
                    handled.append(_call(job.handle))
                    if self._clock() - begun > _MAX_TRANSACTION_SECONDS:
                        break
        except StoreUnavailable:
            return ()
        return [_finish(job, outcome) for job, outcome in zip(jobs, handled, strict=False)]

    def _run_individually(self, jobs: Sequence[_Job]) -> Sequence[_Completed]:
        """Run the jobs one by one, up to one that blocked. Those after it are a batch on another thread."""
        completed: list[_Completed] = []
        for index, job in enumerate(jobs):
            begun = self._clock()
            completed.append(_finish(job, _call(job.handle)))
            if self._clock() - begun > _STALL_SECONDS:
                rest = jobs[index + 1 :]
                if rest and (error := self._start_thread(rest, None)) is not None:
                    completed.extend(_fail_all(rest, error))
                break
        return completed

    def _deliver(
        self, completed: Sequence[_Completed], remaining: Sequence[_Job], stall_timer: asyncio.TimerHandle | None
    ) -> None:
        """On the event loop: set the futures, and start the next batch unless a later one already runs."""
        for future, (value, error) in completed:
            if future.done():  # cancelled meanwhile
                continue
            if error is None:
                future.set_result(value)
            else:  # a future does not accept StopIteration
                future.set_exception(RuntimeError(repr(error)) if isinstance(error, StopIteration) else error)
        self._pending[:0] = remaining
        if remaining or (stall_timer is not None and stall_timer is self._stall_timer):
            self._start_batch()


def _call(function: Callable[..., Any], *arguments: Any) -> _Outcome:
    try:
        return _Outcome(function(*arguments), None)
    except Exception as error:
        return _Outcome(None, error)


def _finish(job: _Job, handled: _Outcome) -> _Completed:
    """Run the second phase of a job, unless the first one raised an exception."""
    return _Completed(job.future, handled if handled.error else _call(job.finish, handled.value))


def _fail_all(jobs: Sequence[_Job], error: BaseException) -> Sequence[_Completed]:
    return [_Completed(job.future, _Outcome(None, error)) for job in jobs]
