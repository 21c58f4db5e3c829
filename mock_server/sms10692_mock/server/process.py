"""The emulator on a socket, as a process of its own, until a signal.

Here belongs what a process adds to a `server`: the port, readiness, signals, the end.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Final, NoReturn

from sms10692_mock.lazy_imports import LAZY_IMPORT_LOCK
from sms10692_mock.server.handler import HandlerFactory
from sms10692_mock.server.heap_freezer import HeapFreezer
from sms10692_mock.server.server import BACKLOG, Server
from sms10692_mock.server.thread_pools import create_thread_pools
from sms10692_mock.server.wsgi_types import Application, Environ, StartResponse
from sms10692_mock.streams import INTERNAL_ERROR, end_with_internal_error

_GRACE: Final = 0.5
"""Seconds for answers in flight, once a signal has come."""
_HURRY: Final = 0.2
_STOPPING: Final = 10.0
"""Seconds for the store and the log to be closed. What takes longer is given up."""
_STOP_SIGNALS: Final = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else [])]
_SWITCHED: Final = 0.0005
"""Seconds for which a thread that computes keeps the others waiting, above all the one that answers."""


class LazyWsgiApp:
    """A WSGI application that is made when first asked, so that the start need not wait for Flask's import."""

    def __init__(self, make: Callable[[], Application]) -> None:
        self._make = make
        self._made: Application | None = None

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if self._made is None:
            with LAZY_IMPORT_LOCK:
                self._made = self._made or self._make()
        return self._made(environ, start_response)


def listening_socket(host: str, port: int) -> socket.socket:
    """Take a port for this process alone. Raises OSError: taken, not ours to take, no such host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    return socket.create_server(address[:2], family=family, backlog=BACKLOG)


def format_url(listener: socket.socket) -> str:
    """The address of a listening socket, with the port that it really has."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _allow_many_connections() -> None:
    """Let this process have as many files open as the system lets it, where that is limited twice."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def serve(
    create_handler: HandlerFactory,
    listener: socket.socket,
    *,
    when_ready: Callable[[], None],
    when_stopped: Callable[[], None],
) -> NoReturn:
    """Answer requests until SIGINT, SIGTERM or SIGHUP, then end the process: answers in flight have half a second."""

    ending = threading.Lock()

    def end() -> NoReturn:
        ending.acquire()  # for good: who else comes to end it waits for the end
        watchdog = threading.Timer(_STOPPING, os._exit, [INTERNAL_ERROR])
        watchdog.daemon = True
        watchdog.start()
        try:
            when_stopped()
        except Exception as error:
            end_with_internal_error(error)
        # Not by returning: threads at work would hold the process up.
        os._exit(0)

    sys.setswitchinterval(_SWITCHED)
    _allow_many_connections()
    asyncio.run(_serve_until_stopped(create_handler, listener, when_ready, end))
    raise AssertionError("the process has ended")


async def _serve_until_stopped(
    create_handler: HandlerFactory,
    listener: socket.socket,
    when_ready: Callable[[], None],
    end: Callable[[], NoReturn],
) -> None:
    loop = asyncio.get_running_loop()
    asked_to_stop = asyncio.Event()

    def ask_to_stop(signum: int, frame: FrameType | None) -> None:
        # The loop may be at work, or waiting for somebody who is: it has its grace, and then the end comes anyhow.
        hurry = threading.Timer(_GRACE + _HURRY, end)
        hurry.daemon = True
        hurry.start()
        loop.call_soon_threadsafe(asked_to_stop.set)

    for name in _STOP_SIGNALS:
        if signal.getsignal(name) is not signal.SIG_IGN:  # as nohup sets it
            signal.signal(name, ask_to_stop)
    threads = create_thread_pools()
    handler = create_handler(threads)
    freezer = HeapFreezer(loop, lambda: handler.is_idle)
    handler.call_when_idle(freezer.freeze_if_due)
    freezer.install()
    server = Server(handler)
    await server.open(listener)
    when_ready()
    await asked_to_stop.wait()
    await server.close(_GRACE)
    end()
