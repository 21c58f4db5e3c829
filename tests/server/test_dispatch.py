"""`http.answering`: what is answered where it arrives, and what on a thread."""

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

ENDS = SocketAddresses(("127.0.0.1", 1), ("127.0.0.1", 2))
SEND = "/v2sms.aspx"
QUERY = "/v2statusApi.aspx"


class Office:
    """Pages that say nothing, and remember on which thread they were asked."""

    probe = None

    def __init__(self, waits: bool) -> None:
        self.blocking = waits
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

    def where(self, *requests: tuple[str, bytes]) -> list[str]:
        """Whether each was answered here, or elsewhere."""

        async def all_of_them() -> None:
            threads = create_thread_pools()
            pages = cast(Any, self)
            desk = dispatcher_factory(pages, lambda *_: iter([b""]))(threads)
            for path, body in requests:
                head = parse_head(f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode())
                answer = desk.dispatch(ParsedRequest(head, body), ENDS, ClientPresence(asyncio.get_running_loop()))
                if not isinstance(answer, Response):
                    await answer
            threads.shutdown()

        self._threads.clear()
        asyncio.run(all_of_them())
        return ["here" if one == threading.get_ident() else "elsewhere" for one in self._threads]


def test_a_short_send_is_answered_where_it_arrives_and_what_may_take_long_is_not() -> None:
    long = b"x" * (16 * 1024 + 1)
    assert Office(waits=False).where((SEND, b"a"), (SEND, long), (QUERY, b"a")) == ["here", "elsewhere", "elsewhere"]
    assert Office(waits=False).where((f"{SEND}?{'x' * 17_000}", b"")) == ["elsewhere"]


def test_a_store_that_makes_one_wait_makes_a_thread_wait() -> None:
    assert Office(waits=True).where((SEND, b"a"), (QUERY, b"a")) == ["elsewhere", "elsewhere"]
