"""The threads of a server, by what they are for.

Here belongs how many there are, and how a coroutine has work done on one. What runs on them is said where it is
handed over.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, ParamSpec, TypeVar

P = ParamSpec("P")
Made = TypeVar("Made")


class ThreadPools(NamedTuple):
    """Threads for what takes `long` at the vendor's pages, for what is `beside` them, and the one for `explaining`."""

    vendor: Executor
    fallback: Executor
    diagnosis: Executor

    def shutdown(self) -> None:
        """Let them end, each as soon as it has done what it is at."""
        for executor in self:
            executor.shutdown(wait=False)


def create_thread_pools() -> ThreadPools:
    """Threads that begin when they are first needed.

    Two explanations at once would slow everybody down twice as much.
    """
    name = "sms10692-mock"
    return ThreadPools(
        ThreadPoolExecutor(32, name),
        ThreadPoolExecutor(64, f"{name}-beside"),
        ThreadPoolExecutor(1, f"{name}-explains"),
    )


async def run_in_threadpool(threads: Executor, work: Callable[P, Made], *args: P.args, **kwargs: P.kwargs) -> Made:
    """What the work returns, or raises, done on one of the threads."""
    return await asyncio.get_running_loop().run_in_executor(threads, partial(work, *args, **kwargs))
