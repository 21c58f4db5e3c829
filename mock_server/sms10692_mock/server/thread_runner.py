"""Runs a server in a thread of another program, such as a test: free port, no signal handlers, fast shutdown.

After the shutdown, which takes milliseconds, no thread and no open file is left.
"""

import asyncio
import os
import ssl
import threading
import weakref
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

from sms10692_mock.event_loop import EventLoop
from sms10692_mock.server.handler import HandlerFactory
from sms10692_mock.server.process import format_url, listening_socket
from sms10692_mock.server.receive_limits import ConnectionLimits
from sms10692_mock.server.server import Listener, Server
from sms10692_mock.server.thread_pools import create_thread_pools

_GRACE: Final = 0.005
"""Seconds at the end in which responses may still be sent."""


class ThreadRunner:
    """Context manager: serves on a free port of 127.0.0.1, at `url`, until its exit; with `tls` also at `https_url`.

    `create_handler` is called on the thread of the server. The exit closes all connections, also those that wait for a
    response. A forked child process holds neither the port nor a connection. Both entering and leaving raise
    RuntimeError if the thread has failed.
    """

    def __init__(
        self,
        create_handler: HandlerFactory,
        limits: ConnectionLimits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._create_handler = create_handler
        self._tls = tls
        self.https_url: str | None = None
        self._limits = limits or ConnectionLimits()
        self._failure: BaseException | None = None
        self._server: Server | None = None

    def __enter__(self) -> Self:
        self._listeners = [Listener(listening_socket("127.0.0.1", 0))]
        self.url = format_url(self._listeners[0].socket)
        if self._tls is not None:
            self._listeners.append(Listener(listening_socket("127.0.0.1", 0), self._tls))
            self.https_url = format_url(self._listeners[1].socket, "https")
        self._threads = create_thread_pools()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sms10692-mock", daemon=True)
        _RUNNING.add(self)
        self._thread.start()
        self._ready.wait()
        self._raise_failure()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._raise_failure()
        self._loop.call_soon_threadsafe(self._stop_requested.set)
        self._thread.join()
        _RUNNING.discard(self)
        self._threads.shutdown()
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise RuntimeError("the emulator's thread has failed") from self._failure

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=EventLoop) as runner:
                runner.run(self._serve())
        except BaseException as error:  # raised by __enter__ or __exit__
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop_requested = asyncio.Event()
        with ExitStack() as sockets:
            for listener in self._listeners:
                sockets.enter_context(listener.socket)
            server = self._server = Server(self._create_handler(self._threads), self._limits)
            await server.open(self._listeners)
            self._ready.set()
            await self._stop_requested.wait()
            await server.close(_GRACE)

    def release_sockets(self) -> None:
        """In a forked child: release the sockets. Those of the parent process stay open.

        **Each descriptor is redirected to the null device, not closed.** After a close another file could get its
        number, and the socket objects that still exist here would close that file.
        """
        listening = [listener.socket.fileno() for listener in self._listeners]
        sockets = [*listening, *(self._server.filenos() if self._server is not None else ())]
        null = os.open(os.devnull, os.O_RDWR)
        try:
            for descriptor in sockets:
                if descriptor >= 0:
                    os.dup2(null, descriptor, inheritable=False)
        finally:
            os.close(null)


_RUNNING: Final[weakref.WeakSet[ThreadRunner]] = weakref.WeakSet()
"""All runners of this process between entry and exit."""


def _release_all_sockets() -> None:
    for runner in list(_RUNNING):
        runner.release_sockets()
    _RUNNING.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release_all_sockets)
