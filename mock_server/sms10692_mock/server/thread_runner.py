"""The emulator on a socket in a thread of somebody else's process, such as a test's.

Here belongs what that takes: a free port, no signals, an end within milliseconds that leaves no thread and no open
file behind. A process of its own is the affair of `serve`.
"""

import asyncio
import os
import threading
import weakref
from types import TracebackType
from typing import Final, Self

from sms10692_mock.server.event_loop import EventLoop
from sms10692_mock.server.handler import HandlerFactory
from sms10692_mock.server.process import format_url, listening_socket
from sms10692_mock.server.server import Server
from sms10692_mock.server.thread_pools import create_thread_pools

_GRACE: Final = 0.005
"""Seconds for answers in flight when the end comes."""


class ThreadRunner:
    """Answers requests on a free port of 127.0.0.1 for as long as it is entered.

    Whoever still waits for an answer at the end, or sends half a request, is hung up on. A forked child holds neither
    the port nor a connection.
    """

    def __init__(self, create_handler: HandlerFactory) -> None:
        self._create_handler = create_handler
        self._failure: BaseException | None = None
        self._server: Server | None = None

    def __enter__(self) -> Self:
        self._listener = listening_socket("127.0.0.1", 0)
        self.url = format_url(self._listener)
        self._threads = create_thread_pools()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sms10692-mock", daemon=True)
        _SERVING.add(self)
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
        _SERVING.discard(self)
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
            server = self._server = Server(self._create_handler(self._threads))
            await server.open(listener)
            self._ready.set()
            await self._asked_to_stop.wait()
            await server.close(_GRACE)

    def let_go(self) -> None:
        """Give up the sockets in this process, a forked child, and leave those of its parent open.

        Each descriptor is made one of the null device. Closed, its number could become that of another file, which
        whoever still has the socket would then close.
        """
        sockets = [self._listener.fileno(), *(self._server.filenos() if self._server is not None else ())]
        null = os.open(os.devnull, os.O_RDWR)
        try:
            for descriptor in sockets:
                if descriptor >= 0:
                    os.dup2(null, descriptor, inheritable=False)
        finally:
            os.close(null)


_SERVING: Final[weakref.WeakSet[ThreadRunner]] = weakref.WeakSet()
"""All that are entered in this process."""


def _let_go_of_all() -> None:
    for served in list(_SERVING):
        served.let_go()
    _SERVING.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go_of_all)
