"""The emulator on a socket: granian's worker in this very process, until a signal.

Here belongs what a server adds: the port, readiness, signals, the end. granian's own command starts a second process
and says that it listens before it does; so its worker is used directly, which ties this file to granian 2.8.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, Final

from granian import _granian
from granian._futures import _new_cbscheduler
from granian.http import HTTP1Settings
from granian.wsgi import _callback_wrapper

from sms10692_mock.http.pages import Application, Environ, StartResponse

_BACKLOG: Final = 1024
_THREADS: Final = 1024
"""Made when needed, and let go after `_IDLE` seconds. A request whose body is half sent holds one."""
_IDLE: Final = 30
_CONNECTIONS: Final = 65536
_BLOCKING: Final = 512
_TICK: Final = 0.2
_GRACE: Final = 0.5
"""Seconds for answers in flight, once a signal has come."""


def listening_socket(host: str, port: int) -> socket.socket:
    """Take a port for this process alone. Raises OSError: taken, not ours to take, no such host."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(address[:2], family=family, backlog=_BACKLOG)


def url_of(listener: socket.socket) -> str:
    """The address of a listening socket, with the port that it really has."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Deferred:
    """An application that is made when first asked, so that the start need not wait for Flask's import."""

    def __init__(self, make: Callable[[], Application]) -> None:
        self._make = make
        self._made: Application | None = None
        self._lock = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            self._made = self._made or self._make()
        return self._made(environ, start_response)


def serve(application: Application, listener: socket.socket, when_ready: Callable[[], None]) -> None:
    """Answer requests until SIGINT or SIGTERM, then end the process: answers in flight have half a second."""
    stop = threading.Event()

    def ask_to_stop(signum: int, frame: FrameType | None) -> None:
        stop.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, ask_to_stop)
    worker = _Worker(application, listener)
    when_ready()
    while not stop.wait(_TICK):  # Windows delivers no signal to a wait without an end
        pass
    worker.stop(_GRACE)
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: threads that wait for the rest of a body would keep the process for ever.
    os._exit(0)


class _Worker:
    def __init__(self, application: Application, listener: socket.socket) -> None:
        listener.setblocking(False)
        self._ended = threading.Event()
        self._signal = _granian.WorkerSignal()
        self._signal.add_cb(self._ended.set)
        # granian's stubs lag behind its signatures, so both are called without them.
        worker_type: Any = _granian.WSGIWorker
        holder_type: Any = _granian.SocketHolder
        self._worker = worker_type(
            1,  # worker_id
            (None, holder_type(listener.fileno(), False, _BACKLOG)),
            None,  # ipc
            1,  # threads
            _BLOCKING,
            _THREADS,
            _IDLE,
            _CONNECTIONS,
            "1",  # http_mode
            HTTP1Settings(),
            None,  # http2_opts
            None,  # static_files
            False,  # ssl_enabled, and the rest of TLS
            None,
            None,
            None,
            "tls1.3",
            None,
            [],
            False,
            (None, None),  # metrics
        )
        scheduler = _new_cbscheduler(asyncio.new_event_loop(), _callback_wrapper(application, {}), impl_asyncio=True)
        self._worker.serve_str(scheduler, None, self._signal)

    def stop(self, grace: float) -> None:
        self._signal.set()
        self._ended.wait(grace)
