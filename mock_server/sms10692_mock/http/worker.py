"""granian's worker: from a listening socket to an RSGI application, on an event loop that runs already.

Here belongs what ties the emulator to granian 2.8, and the loop it runs on. Who begins and who ends it is the affair of
`serve`, for a process of its own, and of `in_thread`, for somebody else's.
"""

import asyncio
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final, NamedTuple

from granian import _futures, _granian
from granian.http import HTTP1Settings

from sms10692_mock.http.explanations import Explanations
from sms10692_mock.http.pages import Pages
from sms10692_mock.http.rsgi import RsgiApplication
from sms10692_mock.http.threads import Threads

if sys.platform != "win32":  # where there is no uvloop, and granian hands bodies over another way
    import uvloop

    from sms10692_mock.http.short_cut import Loop, ShortCut

BACKLOG: Final = 1024
_CONNECTIONS: Final = 65536


class Working(NamedTuple):
    """A worker at work. It takes no new connections once `stop` was called, and `stopped` when it has none any more."""

    stop: Callable[[], None]
    stopped: asyncio.Event


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run an event loop until `main` returns."""
    if sys.platform == "win32":
        asyncio.run(main)
    else:
        uvloop.run(main, loop_factory=Loop)


# granian's stubs lag behind its signatures or are missing, so what follows calls it without them.


def work(
    application: RsgiApplication, pages: Pages, threads: Threads, explanations: Explanations, listener: socket.socket
) -> Working:
    """Let a worker answer from now on, at a copy of the listener, which it closes when it stops.

    Quick requests to the vendor's `pages` take a short cut around the application, where there is one.
    """
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    to_worker = _granian.WorkerSignal()
    to_worker.add_cb(lambda: loop.call_soon_threadsafe(stopped.set))
    _worker(listener).serve_async(_scheduler(application, pages, threads, explanations, loop), loop, to_worker)
    return Working(to_worker.set, stopped)


def _scheduler(
    application: RsgiApplication,
    pages: Pages,
    threads: Threads,
    explanations: Explanations,
    loop: asyncio.AbstractEventLoop,
) -> Any:
    if sys.platform == "win32":
        futures: Any = _futures
        return futures._new_cbscheduler(loop, futures._future_watcher_wrapper(application), impl_asyncio=True)
    scheduler_type: Any = _granian.CallbackScheduler
    scheduler = scheduler_type(loop, None, None, None, None)
    scheduler._schedule_fn = ShortCut(loop, application, pages, threads.long, explanations).take
    return scheduler


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
