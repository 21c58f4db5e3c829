"""A spool file for code on an event loop: nothing of it, syncing to disk above all, is done on the loop's thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from sms10692.spool import Folder, Queue, SpoolFile

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")


class ThreadedSpoolFile:
    """A `SpoolFile` on one thread of its own, which does what it is given in order.

    What was begun is finished there when the task that awaits it is cancelled: what came is on disk all the same.
    """

    file: SpoolFile

    def __init__(self, folder: Folder, queue: Queue) -> None:
        self._folder = folder
        self._queue = queue
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sms10692-keep")

    async def __aenter__(self) -> Self:
        opening = self._thread.submit(SpoolFile, self._folder, self._queue)
        try:
            self.file = await asyncio.shield(asyncio.wrap_future(opening))
        except BaseException:
            opening.add_done_callback(_close)
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
        """Write what has come, as `SpoolFile.write`."""
        await self.run(self.file.write, chunk)

    async def run(
        self, work: Callable[Arguments, Value], *arguments: Arguments.args, **options: Arguments.kwargs
    ) -> Value:
        """Do something with the file on its thread."""
        return await asyncio.shield(asyncio.wrap_future(self._thread.submit(work, *arguments, **options)))


def _close(opening: "Future[SpoolFile]") -> None:
    """Remove the empty file of a fetch that was cancelled before it had one."""
    if opening.exception() is None:
        opening.result().__exit__(None, None, None)
