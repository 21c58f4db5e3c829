"""granian's worker: from a listening socket to an RSGI application, on an event loop that runs already.

Here belongs what ties the emulator to granian 2.8, and the loop it runs on. Who begins and who ends it is the affair of
`serve`, for a process of its own, and of `in_thread`, for somebody else's.
"""

import asyncio
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final, NamedTuple, Protocol

from granian import _futures, _granian
from granian._granian import RSGIHTTPProtocol
from granian.http import HTTP1Settings
from granian.rsgi import Scope

BACKLOG: Final = 1024
THREADS: Final = 32
"""Threads for what takes long."""
_CONNECTIONS: Final = 65536


class RsgiApplication(Protocol):
    """What granian calls with each request."""

    async def __call__(self, scope: Scope, connection: RSGIHTTPProtocol) -> None: ...


class Working(NamedTuple):
    """A worker at work. It takes no new connections once `stop` was called, and `stopped` when it has none any more."""

    stop: Callable[[], None]
    stopped: asyncio.Event


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run an event loop until `main` returns."""
    if sys.platform == "win32":  # where there is no uvloop
        asyncio.run(main)
    else:
        import uvloop

        from sms10692_mock.http.short_cut import Loop

        uvloop.run(main, loop_factory=Loop)


# granian's stubs lag behind its signatures or are missing, so what follows calls it without them.


def work(application: RsgiApplication, listener: socket.socket, take: Callable[[Any], None] | None = None) -> Working:
    """Let a worker answer from now on, at a copy of the listener, which it closes when it stops.

    Requests go to `take`, where it is given, as granian hands them over; else each becomes a task of the application.
    """
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    to_worker = _granian.WorkerSignal()
    to_worker.add_cb(lambda: loop.call_soon_threadsafe(stopped.set))
    _worker(listener).serve_async(_scheduler(application, loop, take), loop, to_worker)
    return Working(to_worker.set, stopped)


def _scheduler(
    application: RsgiApplication, loop: asyncio.AbstractEventLoop, take: Callable[[Any], None] | None
) -> Any:
    if take is not None:
        scheduler_type: Any = _granian.CallbackScheduler
        scheduler = scheduler_type(loop, None, None, None, None)
        scheduler._schedule_fn = take
        return scheduler
    futures: Any = _futures
    return futures._new_cbscheduler(loop, futures._future_watcher_wrapper(application), impl_asyncio=True)


def _worker(listener: socket.socket) -> Any:
    listener.setblocking(False)
    worker_type: Any = _granian.RSGIWorker
    holder_type: Any = _granian.SocketHolder
    return worker_type(
        1,  # worker_id
        (None, holder_type(listener.dup().detach(), False, BACKLOG)),  # sock
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
