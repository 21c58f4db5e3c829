"""The emulator on a socket in a thread of somebody else's process, such as a test's.

Here belongs what that takes: a free port, no signals, an end within milliseconds that leaves no thread and no open
file behind. A process of its own is the affair of `serve`.
"""

import asyncio
import threading
from types import TracebackType
from typing import Final, Self

from sms10692_mock.elapsed_time import EventLoop
from sms10692_mock.http.answering import Answering
from sms10692_mock.http.explanations import Explanations
from sms10692_mock.http.pages import Pages
from sms10692_mock.http.serve import listening_socket, url_of
from sms10692_mock.http.server import Server
from sms10692_mock.http.threads import new_threads
from sms10692_mock.http.wsgi import Application

_GRACE: Final = 0.005
"""Seconds for answers in flight when the end comes."""


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
            with asyncio.Runner(loop_factory=EventLoop) as runner:
                runner.run(self._serve())
        except BaseException as error:  # raised again in the thread that entered
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._asked_to_stop = asyncio.Event()
        with self._listener as listener:
            explanations = Explanations(self._pages, self._threads.explaining)
            server = Server(Answering(self._pages, self._elsewhere, self._threads, explanations))
            await server.open(listener)
            self._ready.set()
            await self._asked_to_stop.wait()
            await server.close(_GRACE)
