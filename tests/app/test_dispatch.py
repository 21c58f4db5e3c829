"""Tests of `app.dispatch`: which requests run on the event loop, and which on a thread."""

import asyncio
import threading
from typing import Any, NamedTuple, cast

from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.hints import FinishedRequest
from sms10692_mock.server.client_presence import ClientPresence
from sms10692_mock.server.http1_head import parse_head
from sms10692_mock.server.http1_parser import ParsedRequest
from sms10692_mock.server.http_types import Response, SocketAddresses
from sms10692_mock.server.thread_pools import create_thread_pools
from sms10692_mock.stores.batch_runner import BatchRunner
from sms10692_mock.stores.memory.runner import InlineRunner

ADDRESSES = SocketAddresses(("127.0.0.1", 1), ("127.0.0.1", 2))
SEND = "/v2sms.aspx"
QUERY = "/v2statusApi.aspx"


class Handled(NamedTuple):
    is_large: bool


class StubVendorApp:
    """A VendorApp that returns empty responses and records the thread of each phase."""

    allows_cross_site = False
    hints = probe = None

    def __init__(self, blocking: bool, is_large: bool = False) -> None:
        self.blocking = blocking
        self.create_runner = BatchRunner if blocking else InlineRunner
        self._handled = Handled(is_large)
        self._threads: list[int] = []

    def handle(self, *_: object) -> Handled:
        self._threads.append(threading.get_ident())
        return self._handled

    def finish(self, handled: Handled) -> FinishedRequest:
        assert handled is self._handled
        self._threads.append(threading.get_ident())
        return FinishedRequest(Response(200, [], b""))

    def log_line(self, *_: object) -> None: ...

    def log_other(self, *_: object) -> None: ...

    def dispatch(self, target: str, body: bytes = b"a") -> tuple[str, str]:
        """Dispatch a request; return for each of its two phases whether it ran "inline" or on a "thread"."""

        async def dispatch() -> None:
            threads = create_thread_pools()
            dispatcher = dispatcher_factory(cast(Any, self), lambda *_: iter([b""]))(threads)
            parsed = ParsedRequest(parse_head(f"POST {target} HTTP/1.1\r\nHost: x\r\n".encode()), body)
            response = dispatcher.dispatch(parsed, ADDRESSES, ClientPresence(asyncio.get_running_loop()))
            if not isinstance(response, Response):
                await response
            threads.shutdown()

        self._threads.clear()
        asyncio.run(dispatch())
        handle, finish = ("inline" if thread == threading.get_ident() else "thread" for thread in self._threads)
        return handle, finish


def test_short_requests_to_a_store_in_memory_run_inline() -> None:
    vendor_app = StubVendorApp(blocking=False)
    assert vendor_app.dispatch(SEND) == ("inline", "inline")
    assert vendor_app.dispatch(QUERY) == ("inline", "inline")


def test_a_large_result_is_rendered_on_a_thread() -> None:
    assert StubVendorApp(blocking=False, is_large=True).dispatch(QUERY) == ("inline", "thread")


def test_a_long_request_runs_on_a_thread() -> None:
    vendor_app = StubVendorApp(blocking=False)
    assert vendor_app.dispatch(SEND, b"x" * (16 * 1024 + 1)) == ("thread", "thread")
    assert vendor_app.dispatch(f"{SEND}?{'x' * 17_000}", b"") == ("thread", "thread")


def test_with_a_blocking_store_all_requests_run_on_a_thread() -> None:
    vendor_app = StubVendorApp(blocking=True)
    assert vendor_app.dispatch(SEND) == ("thread", "thread")
    assert vendor_app.dispatch(QUERY) == ("thread", "thread")
