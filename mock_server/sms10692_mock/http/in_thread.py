"""The emulator on a socket in a thread of somebody else's process, such as a test's.

Here belongs what that takes: a free port, no signals, an end within milliseconds that leaves no thread and no open
file behind. A process of its own is the affair of `serve`.
"""

import asyncio
import threading
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from granian._granian import RSGIHTTPProtocol
from granian.rsgi import Scope

from sms10692_mock.http.explanations import Explanations
from sms10692_mock.http.hanging_up import hang_up_all
from sms10692_mock.http.pages import Pages
from sms10692_mock.http.rsgi import RsgiPages, unless_stopped
from sms10692_mock.http.serve import listening_socket, url_of
from sms10692_mock.http.threads import new_threads
from sms10692_mock.http.worker import run, work
from sms10692_mock.http.wsgi import Application

_GRACE: Final = 0.005
"""Seconds for answers in flight when the end comes."""
_PATIENCE: Final = 2.0
"""Seconds until a worker whose connections do not end is left to itself."""


class InThread:
    """Answers requests on a free port of 127.0.0.1 for as long as it is entered.

    Whoever still waits for an answer at the end, or sends half a request, is hung up on.
    """

    def __init__(self, pages: Pages, elsewhere: Application) -> None:
        self._pages = pages
        self._elsewhere = elsewhere
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self._listener = listening_socket("127.0.0.1", 0)
        self.url = url_of(self._listener)
        self._threads = new_threads()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sms10692-mock", daemon=True)
        self._thread.start()
        self._ready.wait()
        self._raise_failure()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._raise_failure()
        self._loop.call_soon_threadsafe(self._asked_to_stop.set)
        self._thread.join()
        self._threads.shutdown()
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise RuntimeError("the emulator's thread has failed") from self._failure

    def _run(self) -> None:
        try:
            run(self._serve())
        except BaseException as error:  # raised again in the thread that entered
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._asked_to_stop = asyncio.Event()
        with self._listener as listener:
            address = listener.getsockname()
            explanations = Explanations(self._pages, self._threads.explaining)
            application = RsgiPages(self._pages, self._elsewhere, self._threads, explanations)
            worker = work(_Stoppable(application), self._pages, self._threads, explanations, listener)
        self._ready.set()
        await self._asked_to_stop.wait()
        worker.stop()
        patience = self._loop.time() + _PATIENCE
        while self._loop.time() < patience:
            with suppress(TimeoutError):
                await asyncio.wait_for(worker.stopped.wait(), _GRACE)
                return
            # Again and again: where the machine is busy, somebody is let in after the worker was told to stop.
            hang_up_all(address)
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()


class _Stoppable:
    """An RSGI application that hangs up where it is cancelled."""

    def __init__(self, pages: RsgiPages) -> None:
        self._pages = pages

    async def __call__(self, scope: Scope, connection: RSGIHTTPProtocol) -> None:
        await unless_stopped(self._pages(scope, connection), scope, connection)
