"""Tests of `app.dispatch`: which requests run on the event loop, and which on a thread."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, cast

from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.vendor_app import HandledRequest
from sms10692_mock.server.client_presence import ClientPresence
from sms10692_mock.server.http1_head import parse_head
from sms10692_mock.server.http1_parser import ParsedRequest
from sms10692_mock.server.http_types import Response, SocketAddresses
from sms10692_mock.server.thread_pools import create_thread_pools

ADDRESSES = SocketAddresses(("127.0.0.1", 1), ("127.0.0.1", 2))
SEND = "/v2sms.aspx"
QUERY = "/v2statusApi.aspx"


class StubVendorApp:
    """A VendorApp that returns empty responses and records the thread of each request."""

    probe = None

    def __init__(self, blocking: bool) -> None:
        self.blocking = blocking
        self._threads: list[int] = []

    def handle_without_hint(self, *_: object) -> HandledRequest:
        self._threads.append(threading.get_ident())
        return HandledRequest(Response(200, [], b""))

    def begin(self, *_: object) -> Callable[[], HandledRequest]:
        handled = self.handle_without_hint()
        return lambda: handled

    def loop_executor(self, _: object) -> None: ...

    def batch_transaction(self) -> None: ...

    def log_line(self, *_: object) -> None: ...

    def log_other(self, *_: object) -> None: ...

    def dispatch(self, *requests: tuple[str, bytes]) -> list[str]:
        """Dispatch requests, each a target and a body; return for each whether it ran "inline" or on a "thread"."""

        async def dispatch_all() -> None:
            threads = create_thread_pools()
            dispatcher = dispatcher_factory(cast(Any, self), lambda *_: iter([b""]))(threads)
            for target, body in requests:
                parsed = ParsedRequest(parse_head(f"POST {target} HTTP/1.1\r\nHost: x\r\n".encode()), body)
                response = dispatcher.dispatch(parsed, ADDRESSES, ClientPresence(asyncio.get_running_loop()))
                if not isinstance(response, Response):
                    await response
            threads.shutdown()

        self._threads.clear()
        asyncio.run(dispatch_all())
        return ["inline" if thread == threading.get_ident() else "thread" for thread in self._threads]


def test_a_short_send_runs_inline_and_a_long_send_or_a_fetch_on_a_thread() -> None:
    long = b"x" * (16 * 1024 + 1)
    vendor_app = StubVendorApp(blocking=False)
    assert vendor_app.dispatch((SEND, b"a"), (SEND, long), (QUERY, b"a")) == ["inline", "thread", "thread"]
    assert vendor_app.dispatch((f"{SEND}?{'x' * 17_000}", b"")) == ["thread"]


def test_with_a_blocking_store_all_requests_run_on_a_thread() -> None:
    assert StubVendorApp(blocking=True).dispatch((SEND, b"a"), (QUERY, b"a")) == ["thread", "thread"]
