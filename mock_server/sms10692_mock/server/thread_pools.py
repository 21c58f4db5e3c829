"""Thread pools of a server, and `run_in_threadpool` for coroutines."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, ParamSpec, TypeVar

P = ParamSpec("P")
Result = TypeVar("Result")


class ThreadPools(NamedTuple):
    """Pools by purpose, so that none can exhaust the threads of another.

    `vendor`: requests that the handler does not process on the event loop. `fallback`: the WSGI application.
    `diagnosis`: a single thread for the explanation of refused requests.
    """

    vendor: Executor
    fallback: Executor
    diagnosis: Executor

    def shutdown(self) -> None:
        """End all threads, each after its current job. Does not wait."""
        for executor in self:
            executor.shutdown(wait=False)


def create_thread_pools() -> ThreadPools:
    """Create the pools. Threads start when they are first needed.

    Diagnosis has only one thread, because it is CPU-bound and would otherwise slow down all responses.
    """
    name = "sms10692-mock"
    return ThreadPools(
        ThreadPoolExecutor(32, name),
        ThreadPoolExecutor(64, f"{name}-fallback"),
        ThreadPoolExecutor(1, f"{name}-diagnosis"),
    )


async def run_in_threadpool(threads: Executor, work: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
    """Call `work` on a thread of the pool; return its result or raise its exception."""
    return await asyncio.get_running_loop().run_in_executor(threads, partial(work, *args, **kwargs))
