"""Runs a server as the only task of a process: listening socket, readiness, signals, shutdown."""

import asyncio
import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from types import FrameType
from typing import Final, NoReturn

from sms10692_mock.lazy_imports import LAZY_IMPORT_LOCK
from sms10692_mock.server.handler import HandlerFactory
from sms10692_mock.server.heap_freezer import HeapFreezer
from sms10692_mock.server.receive_limits import ConnectionLimits
from sms10692_mock.server.server import BACKLOG, Listener, Server
from sms10692_mock.server.thread_pools import create_thread_pools
from sms10692_mock.server.wsgi_types import Application, Environ, StartResponse
from sms10692_mock.streams import INTERNAL_ERROR, end_with_internal_error

_GRACE: Final = 0.5
"""Seconds after a signal in which responses may still be sent."""
_FORCED_EXIT_DELAY: Final = 0.2
"""Seconds after `_GRACE` in which the event loop must stop. Otherwise the process ends without it."""
_CLOSE_TIMEOUT: Final = 10.0
"""Seconds for closing the store and the log. Then the process ends with an internal error."""
_FREE_PORT_ATTEMPTS: Final = 10
"""Times that a free port for several addresses is sought."""
_STOP_SIGNALS: Final = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if sys.platform != "win32" else [])]
_SWITCH_INTERVAL: Final = 0.0005
"""Seconds for which a CPU-bound thread may hold the GIL while the event loop waits for it (default: 0.005)."""


class LazyWsgiApp:
    """A WSGI application that its first request creates, so that startup does not wait for the import of Flask."""

    def __init__(self, create: Callable[[], Application]) -> None:
        self._create = create
        self._application: Application | None = None

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if self._application is None:
            with LAZY_IMPORT_LOCK:
                self._application = self._application or self._create()
        return self._application(environ, start_response)


def listening_socket(host: str, port: int) -> socket.socket:
    """Bind and listen; at `::` for IPv4 too.

    Raises OSError if the port is in use or not permitted, or if the host is unknown.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    is_dual = family == socket.AF_INET6 and address[0] == "::" and socket.has_dualstack_ipv6()
    listener = socket.create_server(address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=is_dual)
    # Connections inherit the option, which asyncio sets only for sockets with a protocol number. Without it, the
    # response after a TLS handshake waits 40 ms for an acknowledgement of the session tickets.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def listening_sockets(hosts: Sequence[str], port: int) -> list[socket.socket]:
    """Bind and listen at several addresses, all at the same port. Raises OSError, with the address as `filename`.

    For port 0 the system chooses a port that is free at the first address; one that is used at another is tried again.
    """
    for attempts_left in reversed(range(_FREE_PORT_ATTEMPTS)):
        listeners: list[socket.socket] = []
        for host in hosts:
            chosen = listeners[0].getsockname()[1] if listeners else port
            try:
                listeners.append(listening_socket(host, chosen))
            except OSError as error:
                for listener in listeners:
                    listener.close()
                if port == 0 and listeners and attempts_left and error.errno == errno.EADDRINUSE:
                    break
                raise OSError(error.errno, error.strerror, host) from error
        else:
            return listeners
    raise AssertionError("the last attempt raises")


def format_url(listener: socket.socket, scheme: str = "http") -> str:
    """The URL of a listening socket, with the port that the system chose for port 0."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _raise_file_limit() -> None:
    """Raise the soft limit of open files to the hard limit. Not on Windows."""
    if sys.platform != "win32":
        import resource

        _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))


def serve(
    create_handler: HandlerFactory,
    listeners: Sequence[Listener],
    *,
    when_ready: Callable[[], None],
    when_stopped: Callable[[], None],
    when_hung_up: Callable[[], None] | None = None,
) -> NoReturn:
    """Serve until SIGINT, SIGTERM or SIGHUP, then end the process.

    With `when_hung_up`, SIGHUP calls that on the event loop instead.

    `create_handler` is called on the event loop. `when_ready` is called once connections are accepted, `when_stopped`
    at the end, on the main thread or, if the event loop does not stop in time, on another: close the store there.
    Responses in flight have half a second. **The process ends in `os._exit`: nothing after this call runs.**
    """
    ending = threading.Lock()

    def end() -> NoReturn:
        ending.acquire()  # never released: a second caller blocks until the process ends
        watchdog = threading.Timer(_CLOSE_TIMEOUT, os._exit, [INTERNAL_ERROR])
        watchdog.daemon = True
        watchdog.start()
        try:
            when_stopped()
        except Exception as error:
            end_with_internal_error(error)
        # Returning would wait for the worker threads.
        os._exit(0)

    sys.setswitchinterval(_SWITCH_INTERVAL)
    _raise_file_limit()
    asyncio.run(_serve_until_stopped(create_handler, listeners, when_ready, when_hung_up, end))
    raise AssertionError("the process has ended")


async def _serve_until_stopped(
    create_handler: HandlerFactory,
    listeners: Sequence[Listener],
    when_ready: Callable[[], None],
    when_hung_up: Callable[[], None] | None,
    end: Callable[[], NoReturn],
) -> None:
    loop = asyncio.get_running_loop()
    stop_requested = asyncio.Event()

    def request_stop(signum: int, frame: FrameType | None) -> None:
        # The event loop may be blocked. Then this timer ends the process.
        forced_exit = threading.Timer(_GRACE + _FORCED_EXIT_DELAY, end)
        forced_exit.daemon = True
        forced_exit.start()
        loop.call_soon_threadsafe(stop_requested.set)

    for number in _STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup ignores SIGHUP
            signal.signal(number, request_stop)
    if when_hung_up is not None and sys.platform != "win32":
        signal.signal(signal.SIGHUP, lambda *_: loop.call_soon_threadsafe(when_hung_up))
    threads = create_thread_pools()
    handler = create_handler(threads)
    freezer = HeapFreezer(loop, lambda: handler.is_idle)
    handler.call_when_idle(freezer.freeze_if_due)
    freezer.install()
    server = Server(handler, ConnectionLimits())
    await server.open(listeners)
    when_ready()
    await stop_requested.wait()
    await server.close(_GRACE)
    end()
