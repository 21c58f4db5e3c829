"""Asynchronous wrapper of a spool file: all file I/O runs on a worker thread, fsync above all."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from sms10692.spool import Directory, QueueName, SpoolFile

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


class ThreadedSpoolFile:
    """A `SpoolFile` with its own worker thread. Operations run there one after another, in the order submitted.

    **File I/O must not run on the event loop's thread.** An operation that has started is finished even if the awaiting
    task is cancelled, so that received chunks reach the disk.
    """

    file: SpoolFile

    def __init__(self, directory: Directory, queue: QueueName) -> None:
        self._directory = directory
        self._queue: QueueName = queue
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sms10692-spool")

    async def __aenter__(self) -> Self:
        opening = self._thread.submit(SpoolFile, self._directory, self._queue)
        try:
            self.file = await asyncio.shield(asyncio.wrap_future(opening))
        except BaseException:
            opening.add_done_callback(_discard)
            self._thread.shutdown(wait=False)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self.run(self.file.__exit__, kind, error, traceback)
        finally:
            self._thread.shutdown(wait=False)

    async def write(self, chunk: bytes) -> None:
        """Append a chunk of the response; see `SpoolFile.write`."""
        await self.run(self.file.write, chunk)

    async def run(
        self, function: Callable[Arguments, Value], *arguments: Arguments.args, **options: Arguments.kwargs
    ) -> Value:
        """Call a function on the worker thread and return its result."""
        return await asyncio.shield(asyncio.wrap_future(self._thread.submit(function, *arguments, **options)))


def _discard(opening: "Future[SpoolFile]") -> None:
    """Close and remove the empty file of a fetch that was cancelled while the file was being created."""
    if opening.exception() is None:
        opening.result().__exit__(None, None, None)
