"""The emulator on a socket: granian's worker in this very process, until a signal.

Here belongs what a server adds: the port, readiness, signals, the end. granian's own command starts a second process
and says that it listens before it does; so its worker is used directly, which ties this file to granian 2.8.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import FrameType
from typing import Any, Final, NoReturn

from granian import _futures, _granian
from granian.http import HTTP1Settings

from sms10692_mock.http.pages import Pages
from sms10692_mock.http.rsgi import RsgiPages
from sms10692_mock.http.wsgi import Application, Environ, StartResponse

_BACKLOG: Final = 1024
_CONNECTIONS: Final = 65536
_THREADS: Final = 32
_GRACE: Final = 0.5
"""Seconds for answers in flight, once a signal has come."""
_HURRY: Final = 0.2
_SWITCHED: Final = 0.0005
"""Seconds for which a thread that computes keeps the others waiting, above all the one that answers."""


class Deferred:
    """A WSGI application that is made when first asked, so that the start need not wait for Flask's import."""

    def __init__(self, make: Callable[[], Application]) -> None:
        self._make = make
        self._made: Application | None = None
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            self._made = self._made or self._make()
        return self._made(environ, start_response)


def listening_socket(host: str, port: int) -> socket.socket:
    """Take a port for this process alone. Raises OSError: taken, not ours to take, no such host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    return socket.create_server(address[:2], family=family, backlog=_BACKLOG)


def url_of(listener: socket.socket) -> str:
    """The address of a listening socket, with the port that it really has."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(
    pages: Pages,
    elsewhere: Application,
    listener: socket.socket,
    *,
    when_ready: Callable[[], None],
    when_stopped: Callable[[], None],
) -> NoReturn:
    """Answer requests until SIGINT or SIGTERM, then end the process: answers in flight have half a second."""

    def end() -> NoReturn:
        try:
            when_stopped()
        finally:
            # Not by returning: threads at work, and granian's own, would hold the process up.
            os._exit(0)

    # What is kept grows, and holds no cycles: looking through it again and again for garbage finds none.
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    sys.setswitchinterval(_SWITCHED)
    application = RsgiPages(pages, elsewhere, ThreadPoolExecutor(_THREADS))
    _run(_serve_until_stopped(application, listener, when_ready, end))
    raise AssertionError("the process has ended")


def _run(main: Coroutine[Any, Any, None]) -> None:
    if sys.platform == "win32":  # where there is no uvloop
        asyncio.run(main)
    else:
        import uvloop

        uvloop.run(main)


async def _serve_until_stopped(
    application: RsgiPages, listener: socket.socket, when_ready: Callable[[], None], end: Callable[[], NoReturn]
) -> None:
    loop = asyncio.get_running_loop()
    asked_to_stop = asyncio.Event()
    stopped = asyncio.Event()

    def ask_to_stop(signum: int, frame: FrameType | None) -> None:
        # The loop may be at work, or waiting for somebody who is: it has its grace, and then the end comes anyhow.
        hurry = threading.Timer(_GRACE + _HURRY, end)
        hurry.daemon = True
        hurry.start()
        loop.call_soon_threadsafe(asked_to_stop.set)

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, ask_to_stop)
    to_worker = _granian.WorkerSignal()
    to_worker.add_cb(lambda: loop.call_soon_threadsafe(stopped.set))
    _worker(listener).serve_async(_scheduler(application, loop), loop, to_worker)
    when_ready()
    await asked_to_stop.wait()
    to_worker.set()
    with suppress(TimeoutError):
        await asyncio.wait_for(stopped.wait(), _GRACE)
    end()


# granian's stubs lag behind its signatures or are missing, so what follows calls it without them.


def _scheduler(application: RsgiPages, loop: asyncio.AbstractEventLoop) -> Any:
    futures: Any = _futures
    return futures._new_cbscheduler(loop, futures._future_watcher_wrapper(application), impl_asyncio=True)


def _worker(listener: socket.socket) -> Any:
    listener.setblocking(False)
    worker_type: Any = _granian.RSGIWorker
    holder_type: Any = _granian.SocketHolder
    return worker_type(
        1,  # worker_id
        (None, holder_type(listener.fileno(), False, _BACKLOG)),  # sock
        None,  # ipc
        1,  # threads
        512,  # blocking_threads
        1,  # py_threads
        30,  # py_threads_idle_timeout
        _CONNECTIONS,  # backpressure
        "1",  # http_mode
        HTTP1Settings(),  # http1_opts
        None,  # http2_opts
        False,  # websockets_enabled
        None,  # static_files
        *(False, None, None, None, "tls1.3", None, [], False),  # TLS: none
        (None, None),  # metrics
    )
