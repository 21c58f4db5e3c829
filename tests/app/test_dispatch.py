"""Tests of `app.dispatch`: which requests run on the event loop, and which on a thread."""

import asyncio
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any, cast

import pytest

from sms10692.protocol import ENDPOINTS
from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.hints import FinishedRequest
from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.config import build_vendor
from sms10692_mock.server.client_presence import ClientPresence
from sms10692_mock.server.http1_head import parse_head
from sms10692_mock.server.http1_parser import ParsedRequest, RequestParser
from sms10692_mock.server.http_types import Response, SocketAddresses
from sms10692_mock.server.thread_pools import ThreadPools, create_thread_pools
from sms10692_mock.stores.memory.runner import InlineRunner
from sms10692_mock.stores.sqlite.batch_runner import BatchRunner
from support.emulators import CALL, STATUS, UTF8, build_form_request, build_options

ADDRESSES = SocketAddresses(("127.0.0.1", 1), ("127.0.0.1", 2))
SEND = "/v2sms.aspx"
QUERY = "/v2statusApi.aspx"


class StubVendorApp:
    """A VendorApp that returns empty responses and records the thread of each phase."""

    allows_cross_site = False
    replay = None
    endpoints = ENDPOINTS
    hints = probe = None

    def __init__(self, blocking: bool, waiting: int = 0) -> None:
        self.blocking = blocking
        self._waiting = waiting
        self._threads: list[int] = []

    def create_runner(self, threads: Executor) -> BatchRunner | InlineRunner:
        return BatchRunner(threads, nullcontext) if self.blocking else InlineRunner()

    def count_waiting(self, *_: object) -> int:
        assert not self.blocking, "a blocking store is not asked on the event loop"
        return self._waiting

    def handle(self, *_: object) -> str:
        self._threads.append(threading.get_ident())
        return "handled"

    def finish(self, handled: str) -> FinishedRequest:
        assert handled == "handled"
        self._threads.append(threading.get_ident())
        return FinishedRequest(Response(200, [], b""))

    def log_rejection(self, *_: object) -> None: ...

    def log_other(self, *_: object) -> None: ...

    def create_invalid_request_recorder(self, *_: object) -> None: ...

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


def test_a_fetch_of_many_waiting_items_runs_on_a_thread() -> None:
    assert StubVendorApp(blocking=False, waiting=100).dispatch(QUERY) == ("inline", "inline")
    assert StubVendorApp(blocking=False, waiting=101).dispatch(QUERY) == ("thread", "thread")
    assert StubVendorApp(blocking=False, waiting=101).dispatch(SEND) == ("inline", "inline")


def test_a_long_request_runs_on_a_thread() -> None:
    vendor_app = StubVendorApp(blocking=False)
    assert vendor_app.dispatch(SEND, b"x" * (16 * 1024 + 1)) == ("thread", "thread")
    assert vendor_app.dispatch(f"{SEND}?{'x' * 17_000}", b"") == ("thread", "thread")


def test_with_a_blocking_store_all_requests_run_on_a_thread() -> None:
    vendor_app = StubVendorApp(blocking=True)
    assert vendor_app.dispatch(SEND) == ("thread", "thread")
    assert vendor_app.dispatch(QUERY) == ("thread", "thread")


class CountingExecutor(ThreadPoolExecutor):
    """An executor that counts the jobs that it gets."""

    submitted = 0

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        self.submitted += 1
        return super().submit(*args, **kwargs)


@pytest.mark.parametrize("page", [STATUS, CALL])
def test_polling_an_empty_queue_in_memory_uses_no_thread(page: str) -> None:
    """Neither the first fetch nor later ones, which get the warning about polling."""
    now = [1341155532.0]  # the time that `build_form_request` signs
    options = build_options(lambda: now[0])
    logged: list[str] = []
    app = VendorApp(build_vendor(options), options, log=lambda entry: logged.append(str(entry)))
    account = {"userid": "12", "account": "test", "password": "mima"}
    executors = [CountingExecutor(1) for _ in ThreadPools._fields]

    async def poll() -> None:
        dispatcher = dispatcher_factory(app, lambda *_: iter([b""]))(ThreadPools(*executors))

        def dispatch(raw: bytes) -> Any:
            parser = RequestParser()
            parser.feed(raw)
            parsed = parser.next_request()
            assert parsed is not None
            return dispatcher.dispatch(parsed, ADDRESSES, ClientPresence(asyncio.get_running_loop()))

        threads = threading.active_count()
        for _ in range(5):
            now[0] += 1
            response = dispatch(build_form_request(account, page, action="query"))
            assert isinstance(response, Response)
            assert b"<returnsms>" in response.body
        assert [executor.submitted for executor in executors] == [0, 0, 0]
        assert threading.active_count() <= threads  # a thread of another test may have ended
        assert any("habit.polling" in line for line in logged)
        # The executors do count: a refused send is diagnosed on a thread.
        await dispatch(build_form_request(account, UTF8, action="send", mobile="", content="x"))
        assert [executor.submitted for executor in executors] == [0, 0, 1]

    asyncio.run(poll())
    for executor in executors:
        executor.shutdown()
