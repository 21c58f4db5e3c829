"""`http.together`: what comes at once is done on one thread, written at once, and told when it is written.

Here belongs also what is answered when a file could not be written for all of them. What a store promises for that is
in `test_stores_gathered`.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from operator import truediv
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import pytest

from sms10692 import protocol
from sms10692_mock.app.vendor_app import HandledRequest, Request, VendorApp
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.records import Query
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.profiles import PROFILES
from sms10692_mock.server.batch_runner import BatchRunner
from sms10692_mock.stores.sqlite import SqliteStore, database, queues
from support.emulators import CREDENTIALS, TIMEOUT, message
from support.stores import disk_full

Made = TypeVar("Made")


def in_one(work: Callable[[], Made]) -> Callable[[], Callable[[], Made]]:
    """Work whose second half only says what the first made."""

    def first() -> Callable[[], Made]:
        made = work()
        return lambda: made

    return first


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def test_what_comes_at_once_is_done_on_one_thread_in_its_order(executor: ThreadPoolExecutor) -> None:
    done: list[tuple[int, int]] = []

    def note(place: int) -> None:
        done.append((place, threading.get_ident()))

    async def five() -> None:
        together = BatchRunner[None](executor, clock=lambda: 0.0)
        await asyncio.gather(*(together.submit(in_one(partial(note, place))) for place in range(5)))

    asyncio.run(five())
    assert [place for place, _ in done] == list(range(5))
    assert len({thread for _, thread in done}) == 1


def test_who_is_kept_waiting_keeps_nobody_else(executor: ThreadPoolExecutor) -> None:
    held = threading.Event()

    async def two() -> None:
        together = BatchRunner[str](executor)
        waiting = together.submit(in_one(lambda: "held" if held.wait(TIMEOUT) else "forgotten"))
        await asyncio.sleep(0)  # it is at work
        async with asyncio.timeout(TIMEOUT):
            assert await together.submit(in_one(lambda: "later")) == "later"
            assert not waiting.done()
            held.set()
            assert await waiting == "held"

    asyncio.run(two())


def test_those_behind_somebody_who_was_slow_do_not_wait_for_each_other(executor: ThreadPoolExecutor) -> None:
    behind = threading.Barrier(3)
    moments = iter([0.0, 1.0])

    async def four() -> None:
        together = BatchRunner[int](executor, clock=lambda: next(moments, 1.0))
        slow = together.submit(in_one(lambda: 0))
        others = [together.submit(in_one(lambda: behind.wait(TIMEOUT))) for _ in range(3)]
        assert await slow == 0
        assert sorted(await asyncio.gather(*others)) == [0, 1, 2]

    asyncio.run(four())


# Written at once


class Written:
    """A store that gathers, and notes what happens. The first so many gatherings cannot be written, or begun."""

    def __init__(self, fails: int = 0, where: str = "at the end") -> None:
        self.happened: list[object] = []
        self._fails = fails
        self._where = where
        self._is_inside = False

    @contextmanager
    def gathered(self) -> Iterator[None]:
        self._fails -= 1
        if self._fails >= 0 and self._where == "at the beginning":
            raise StoreUnavailable("somebody else is writing")
        self.happened.append("begun")
        self._is_inside = True
        yield
        self._is_inside = False
        if self._fails >= 0:
            self.happened.append("undone")
            raise StoreUnavailable("the disk is full")
        self.happened.append("written")

    def work(self, place: int) -> Callable[[], int]:
        """The first half of a piece."""
        self.happened.append((place, "inside" if self._is_inside else "alone"))
        return partial(self._told, place)

    def _told(self, place: int) -> int:
        self.happened.append((place, "told"))
        return place

    def done(self, count: int, executor: ThreadPoolExecutor, clock: Callable[[], float] = lambda: 0.0) -> list[object]:
        """What happens when so many pieces come at once."""

        async def all_of_them() -> None:
            together = BatchRunner[int](executor, self.gathered, clock)
            async with asyncio.timeout(TIMEOUT):
                made = await asyncio.gather(*(together.submit(partial(self.work, place)) for place in range(count)))
            assert made == list(range(count))

        asyncio.run(all_of_them())
        return self.happened


def test_nobody_is_told_before_all_is_written(executor: ThreadPoolExecutor) -> None:
    inside, told = [(place, "inside") for place in range(3)], [(place, "told") for place in range(3)]
    assert Written().done(3, executor) == ["begun", *inside, "written", *told]


def test_one_alone_is_written_alone(executor: ThreadPoolExecutor) -> None:
    assert Written().done(1, executor) == [(0, "alone"), (0, "told")]


@pytest.mark.parametrize("where", ["at the beginning", "at the end"])
def test_what_cannot_be_written_at_once_is_done_again_one_by_one_and_told_once(
    executor: ThreadPoolExecutor, where: str
) -> None:
    in_vain = ["begun", *((place, "inside") for place in range(3)), "undone"] if where == "at the end" else []
    one_by_one = [(place, what) for place in range(3) for what in ("alone", "told")]
    assert Written(1, where).done(3, executor) == [*in_vain, *one_by_one]


def test_no_more_than_a_few_are_written_at_once(executor: ThreadPoolExecutor) -> None:
    happened = Written().done(70, executor)
    places = [one[0] for one in happened if isinstance(one, tuple) and one[1] == "inside"]
    assert places == list(range(70))
    assert happened.count("written") == 3


def test_what_takes_long_is_written_before_more_is_begun(executor: ThreadPoolExecutor) -> None:
    moments = iter([0.0, 0.001, 0.004])  # of the beginning, and behind each of the first two
    happened = Written().done(4, executor, clock=lambda: next(moments, 1.0))
    assert happened.index("written") == happened.index((1, "inside")) + 1
    assert happened[-1] == (3, "told")


def test_what_was_left_is_done_also_where_patience_has_come_to_its_end(executor: ThreadPoolExecutor) -> None:
    held = threading.Event()

    def first() -> Callable[[], str]:
        held.wait(TIMEOUT)
        return lambda: "first"

    async def many() -> None:
        together = BatchRunner[str](executor, Written().gathered, clock=lambda: 0.0)
        futures = [together.submit(first)] + [together.submit(in_one(lambda: "another")) for _ in range(40)]
        await asyncio.sleep(0)
        async with asyncio.timeout(TIMEOUT):
            while together._stall_timer is not None:
                await asyncio.sleep(0.001)
            held.set()
            assert await asyncio.gather(*futures) == ["first"] + 40 * ["another"]

    asyncio.run(many())


@pytest.mark.parametrize("gathers", [True, False])
def test_what_fails_says_so_to_who_waits_for_it_alone(executor: ThreadPoolExecutor, gathers: bool) -> None:
    async def three() -> None:
        together = BatchRunner[float](executor, Written().gathered) if gathers else BatchRunner[float](executor)
        given_up, failing, right = (together.submit(in_one(partial(truediv, 1, at))) for at in (1, 0, 2))
        given_up.cancel()
        with pytest.raises(ZeroDivisionError):
            await failing
        assert await right == 0.5

    asyncio.run(three())


def test_where_the_store_is_wrong_nobody_waits_for_ever(executor: ThreadPoolExecutor) -> None:
    @contextmanager
    def wrong() -> Iterator[None]:
        yield
        raise ZeroDivisionError

    async def two() -> None:
        together = BatchRunner[int](executor, wrong)
        futures = [together.submit(in_one(lambda: 0)) for _ in range(2)]
        async with asyncio.timeout(TIMEOUT):
            made = await asyncio.gather(*futures, return_exceptions=True)
        assert [repr(one).count("ZeroDivisionError") for one in made] == [1, 1]

    asyncio.run(two())


@pytest.mark.parametrize("failure", [StopIteration, KeyboardInterrupt])
@pytest.mark.parametrize("gathers", [True, False])
def test_whatever_fails_nobody_waits_for_ever(
    executor: ThreadPoolExecutor, failure: type[BaseException], gathers: bool
) -> None:
    def fail() -> int:
        raise failure

    async def three() -> None:
        together = BatchRunner[int](executor, Written().gathered) if gathers else BatchRunner[int](executor)
        futures = [together.submit(in_one(work)) for work in (lambda: 0, fail, lambda: 0)]
        async with asyncio.timeout(TIMEOUT):
            made = await asyncio.gather(*futures, return_exceptions=True)
        assert failure.__name__ in repr(made[1])

    asyncio.run(three())


def test_those_behind_somebody_who_was_slow_are_written_at_once(executor: ThreadPoolExecutor) -> None:
    """Of a file, of which one alone had to wait for another program."""
    moments = iter([0.0, 1.0])  # of the first alone
    written = Written(1, "at the beginning")
    assert written.done(4, executor, clock=lambda: next(moments, 1.0)) == [
        (0, "alone"),
        (0, "told"),
        "begun",
        *((place, "inside") for place in (1, 2, 3)),
        "written",
        *((place, "told") for place in (1, 2, 3)),
    ]


# Answered together, of a file


class Office:
    """The vendor's pages on a file, and what is logged."""

    def __init__(self, path: Path) -> None:
        self.store = SqliteStore(path)
        self.store.create_account(replace(DEFAULT_ACCOUNT, points=1000))
        self.store.settle()
        self.log: list[str] = []
        vendor = Vendor(self.store, lambda: 1e9, Keywords(()))
        self._pages = VendorApp(vendor, PROFILES["manual"], self.log.append)

    def answers(self, executor: ThreadPoolExecutor, *actions: str) -> Sequence[HandledRequest]:
        """What is answered to calls that come at once."""

        async def all_of_them() -> Sequence[HandledRequest]:
            together = BatchRunner[HandledRequest](executor, self.store.batch_transaction, clock=lambda: 0.0)
            async with asyncio.timeout(TIMEOUT):
                return await asyncio.gather(
                    *(together.submit(partial(self._pages.begin, protocol.V2SMS, call(action))) for action in actions)
                )

        return asyncio.run(all_of_them())


def call(action: str) -> Request:
    form = urlencode(CREDENTIALS | {"action": action, "mobile": "15023239810", "content": "x"})
    return Request("POST", b"", "application/x-www-form-urlencoded", form.encode(), protocol.V2SMS.path)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(database, "_RETRY_AFTER", 0.0)
    monkeypatch.setattr(database, "_BUSY_TIMEOUT", TIMEOUT)  # for what is done beside the answers
    one = Office(tmp_path / "store")
    try:
        yield one
    finally:
        one.store.close()


def test_where_it_cannot_be_written_each_is_answered_so_and_nothing_claims_that_it_was(
    office: Office, executor: ThreadPoolExecutor
) -> None:
    before = office.store.balance("12")
    with disk_full(0):
        sent, left, again = (one.response for one in office.answers(executor, "send", "overage", "send"))
    assert message(sent.body.decode()) == message(again.body.decode()) == protocol.OTHER_ERROR
    assert (left.status, left.body.count(b"\n")) == (503, 1)
    assert len(office.log) == 3
    assert all("the store is away" in line for line in office.log)
    assert office.store.balance("12") == before
    assert office.store.requests(None, Query(limit=9)).items == []
    assert office.store.queue_stats("12", "reports", 2e9) == (0, 0, 0, 0, 0)


def test_where_one_of_them_fails_half_done_all_are_answered_as_if_it_had_not(
    office: Office, executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, puts = queues.enqueue, count()

    def fails_once(*of_queue: Any) -> None:
        if next(puts) == 1:
            raise sqlite3.OperationalError("disk I/O error")
        put(*of_queue)

    monkeypatch.setattr(queues, "enqueue", fails_once)
    monkeypatch.setattr(database, "_RETRY_AFTER", 3600.0)  # of one that fails alone
    answers = [one.response.body.decode() for one in office.answers(executor, "send", "send", "overage", "send")]
    assert next(puts) == 5  # of one that was undone, one that failed, and three that were done again
    assert [message(answer) for place, answer in enumerate(answers) if place != 2] == 3 * [protocol.OK]
    assert "<overage>998</overage>" in answers[2]
    assert not any("the store is away" in line for line in office.log)
    assert len(office.log) == 4
    assert office.store.balance("12") == (997, 1000, 3)
    assert len(office.store.requests(None, Query(limit=9)).items) == 4


def test_those_answered_together_are_each_charged_once_and_see_those_before(
    office: Office, executor: ThreadPoolExecutor
) -> None:
    exchanges = office.answers(executor, "send", "overage", "send", "overage")
    balances = [one.response.body.decode() for one in exchanges]
    assert "<remainpoint>999</remainpoint>" in balances[0]
    assert "<overage>999</overage>" in balances[1]
    assert "<remainpoint>998</remainpoint>" in balances[2]
    assert "<overage>998</overage>" in balances[3]
    journal = office.store.requests(None, Query(limit=9)).items
    assert [entry.operation for entry in journal] == ["send", "overage", "send", "overage"]
    assert office.store.queue_stats("12", "reports", 2e9).waiting == 2
