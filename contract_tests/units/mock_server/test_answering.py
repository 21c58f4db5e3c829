"""`http.answering` and `http.together`: what is answered where it arrives, and what on a thread, or on several."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import truediv
from typing import Any, cast

import pytest

from emulators import PATIENCE
from sms10692_mock.http.answering import Answering
from sms10692_mock.http.elsewhere import Ends
from sms10692_mock.http.explanations import Explanations
from sms10692_mock.http.heads import head_from
from sms10692_mock.http.inbox import Arrived
from sms10692_mock.http.pages import Exchange
from sms10692_mock.http.spoiling import Response
from sms10692_mock.http.threads import new_threads
from sms10692_mock.http.together import Together

ENDS = Ends(("127.0.0.1", 1), ("127.0.0.1", 2))
SEND = "/v2sms.aspx"
QUERY = "/v2statusApi.aspx"


class Office:
    """Pages that say nothing, and remember on which thread they were asked."""

    def __init__(self, waits: bool) -> None:
        self.waits = waits
        self._threads: list[int] = []

    def exchange(self, *_: object) -> Exchange:
        self._threads.append(threading.get_ident())
        return Exchange(Response(200, [], b""))

    def on_loop(self, _: object) -> None: ...

    def log_status(self, *_: object) -> None: ...

    def where(self, *requests: tuple[str, bytes]) -> list[str]:
        """Whether each was answered here, or elsewhere."""

        async def all_of_them() -> None:
            threads = new_threads()
            pages = cast(Any, self)
            desk = Answering(pages, lambda *_: iter([b""]), threads, Explanations(pages, threads.explaining))
            for path, body in requests:
                head = head_from(f"POST {path} HTTP/1.1\r\nHost: x\r\n".encode())
                answer = desk.answer(Arrived(head, body), ENDS)
                if not isinstance(answer, Response):
                    await answer
            threads.shutdown()

        self._threads.clear()
        asyncio.run(all_of_them())
        return ["here" if one == threading.get_ident() else "elsewhere" for one in self._threads]


@pytest.mark.inside
def test_a_short_send_is_answered_where_it_arrives_and_what_may_take_long_is_not() -> None:
    long = b"x" * (16 * 1024 + 1)
    assert Office(waits=False).where((SEND, b"a"), (SEND, long), (QUERY, b"a")) == ["here", "elsewhere", "elsewhere"]
    assert Office(waits=False).where((f"{SEND}?{'x' * 17_000}", b"")) == ["elsewhere"]


@pytest.mark.inside
def test_a_store_that_makes_one_wait_makes_a_thread_wait() -> None:
    assert Office(waits=True).where((SEND, b"a"), (QUERY, b"a")) == ["elsewhere", "elsewhere"]


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def test_what_comes_at_once_is_done_on_one_thread_in_its_order(executor: ThreadPoolExecutor) -> None:
    done: list[tuple[int, int]] = []

    def note(place: int) -> None:
        done.append((place, threading.get_ident()))

    async def five() -> None:
        together = Together[None](executor, clock=lambda: 0.0)
        await asyncio.gather(*(together.submit(partial(note, place)) for place in range(5)))

    asyncio.run(five())
    assert [place for place, _ in done] == list(range(5))
    assert len({thread for _, thread in done}) == 1


def test_who_is_kept_waiting_keeps_nobody_else(executor: ThreadPoolExecutor) -> None:
    held = threading.Event()

    async def two() -> None:
        together = Together[str](executor)
        waiting = together.submit(lambda: "held" if held.wait(PATIENCE) else "forgotten")
        await asyncio.sleep(0)  # it is at work
        async with asyncio.timeout(PATIENCE):
            assert await together.submit(lambda: "later") == "later"
            assert not waiting.done()
            held.set()
            assert await waiting == "held"

    asyncio.run(two())


def test_those_behind_somebody_who_was_slow_do_not_wait_for_each_other(executor: ThreadPoolExecutor) -> None:
    behind = threading.Barrier(3)
    moments = iter([0.0, 1.0])

    async def four() -> None:
        together = Together[int](executor, clock=lambda: next(moments, 1.0))
        slow = together.submit(lambda: 0)
        others = [together.submit(lambda: behind.wait(PATIENCE)) for _ in range(3)]
        assert await slow == 0
        assert sorted(await asyncio.gather(*others)) == [0, 1, 2]

    asyncio.run(four())


def test_what_fails_says_so_to_who_waits_for_it_alone(executor: ThreadPoolExecutor) -> None:
    async def three() -> None:
        together = Together[float](executor)
        given_up, failing, right = (together.submit(partial(truediv, 1, at)) for at in (1, 0, 2))
        given_up.cancel()
        with pytest.raises(ZeroDivisionError):
            await failing
        assert await right == 0.5

    asyncio.run(three())
