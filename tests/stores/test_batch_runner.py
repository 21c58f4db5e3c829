"""Tests of `stores.sqlite.batch_runner`: one thread and one transaction per batch, results only after the commit.

Includes the responses to a batch of requests whose SQLite transaction fails. The tests of transactions themselves are
in `test_sqlite_batch`.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from itertools import count
from operator import truediv
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from sms10692 import protocol
from sms10692_mock.app.hints import FinishedRequest
from sms10692_mock.app.vendor_app import VendorApp, VendorRequest
from sms10692_mock.config import Options
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.records import Query
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.stores.sqlite import SqliteStore, queues
from sms10692_mock.stores.sqlite.batch_runner import BatchRunner
from sms10692_mock.stores.sqlite.database import DatabaseTimeouts
from support.emulators import CREDENTIALS, get_message
from support.http_client import TIMEOUT
from support.runners import submit
from support.stores import disk_full


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def test_jobs_submitted_at_once_run_on_one_thread_in_their_order(executor: ThreadPoolExecutor) -> None:
    runs: list[tuple[int, int]] = []

    def record(index: int) -> None:
        runs.append((index, threading.get_ident()))

    async def run() -> None:
        runner = BatchRunner(executor, nullcontext, clock=lambda: 0.0)
        await asyncio.gather(*(submit(runner, partial(record, index)) for index in range(5)))

    asyncio.run(run())
    assert [index for index, _ in runs] == list(range(5))
    assert len({thread for _, thread in runs}) == 1


def test_a_blocked_job_does_not_delay_a_later_one(executor: ThreadPoolExecutor) -> None:
    released = threading.Event()

    async def run() -> None:
        runner = BatchRunner(executor, nullcontext)
        blocked = submit(runner, lambda: "released" if released.wait(TIMEOUT) else "timed out")
        await asyncio.sleep(0)  # let the batch start
        async with asyncio.timeout(TIMEOUT):
            assert await submit(runner, lambda: "later") == "later"
            assert not blocked.done()
            released.set()
            assert await blocked == "released"

    asyncio.run(run())


# Batch transactions


class RecordingStore:
    """A store with batch transactions that records all events. The first `fails` transactions fail, at `where`."""

    def __init__(self, fails: int = 0, where: str = "at the end") -> None:
        self.events: list[object] = []
        self._fails = fails
        self._where = where
        self._is_inside = False

    @contextmanager
    def batch_transaction(self) -> Iterator[None]:
        self._fails -= 1
        if self._fails >= 0 and self._where == "at the beginning":
            raise StoreUnavailable("the database is locked")
        self.events.append("began")
        self._is_inside = True
        yield
        self._is_inside = False
        if self._fails >= 0:
            self.events.append("rolled back")
            raise StoreUnavailable("the disk is full")
        self.events.append("committed")

    def _handle(self, index: int) -> int:
        """The first phase of a job."""
        self.events.append((index, "inside" if self._is_inside else "alone"))
        return index

    def _finish(self, index: int) -> int:
        """The second phase of a job."""
        self.events.append((index, "finished"))
        return index

    def run_jobs(
        self, count: int, executor: ThreadPoolExecutor, clock: Callable[[], float] = lambda: 0.0
    ) -> list[object]:
        """Run so many jobs that are submitted at once, and return the events."""

        async def run_all() -> None:
            runner = BatchRunner(executor, self.batch_transaction, clock)
            async with asyncio.timeout(TIMEOUT):
                results = await asyncio.gather(
                    *(runner.submit(partial(self._handle, index), self._finish) for index in range(count))
                )
            assert results == list(range(count))

        asyncio.run(run_all())
        return self.events


def test_results_are_delivered_only_after_the_commit(executor: ThreadPoolExecutor) -> None:
    inside, finished = [(index, "inside") for index in range(3)], [(index, "finished") for index in range(3)]
    assert RecordingStore().run_jobs(3, executor) == ["began", *inside, "committed", *finished]


def test_a_single_job_runs_without_a_batch_transaction(executor: ThreadPoolExecutor) -> None:
    assert RecordingStore().run_jobs(1, executor) == [(0, "alone"), (0, "finished")]


@pytest.mark.parametrize("where", ["at the beginning", "at the end"])
def test_jobs_of_a_failed_transaction_run_again_individually_and_are_delivered_once(
    executor: ThreadPoolExecutor, where: str
) -> None:
    rolled_back = ["began", *((index, "inside") for index in range(3)), "rolled back"] if where == "at the end" else []
    individually = [(index, phase) for index in range(3) for phase in ("alone", "finished")]
    assert RecordingStore(1, where).run_jobs(3, executor) == [*rolled_back, *individually]


def test_a_transaction_has_at_most_32_jobs(executor: ThreadPoolExecutor) -> None:
    events = RecordingStore().run_jobs(70, executor)
    indexes = [event[0] for event in events if isinstance(event, tuple) and event[1] == "inside"]
    assert indexes == list(range(70))
    assert events.count("committed") == 3


def test_a_transaction_that_takes_long_is_committed_before_further_jobs_start(executor: ThreadPoolExecutor) -> None:
    times = iter([0.0, 0.001, 0.004])  # at the start, and after each of the first two jobs
    events = RecordingStore().run_jobs(4, executor, clock=lambda: next(times, 1.0))
    assert events.index("committed") == events.index((1, "inside")) + 1
    assert events[-1] == (3, "finished")


def test_the_remaining_jobs_of_a_stalled_batch_are_run(executor: ThreadPoolExecutor) -> None:
    released = threading.Event()

    def blocked() -> str:
        released.wait(TIMEOUT)
        return "first"

    async def run() -> None:
        runner = BatchRunner(executor, RecordingStore().batch_transaction, clock=lambda: 0.0)
        futures = [submit(runner, blocked)] + [submit(runner, lambda: "another") for _ in range(40)]
        await asyncio.sleep(0)
        async with asyncio.timeout(TIMEOUT):
            while runner._stall_timer is not None:
                await asyncio.sleep(0.001)
            released.set()
            assert await asyncio.gather(*futures) == ["first"] + 40 * ["another"]

    asyncio.run(run())


def test_an_exception_reaches_only_the_future_of_its_job(executor: ThreadPoolExecutor) -> None:
    async def run() -> None:
        runner = BatchRunner(executor, RecordingStore().batch_transaction)
        cancelled, failing, succeeding = (submit(runner, (partial(truediv, 1, divisor))) for divisor in (1, 0, 2))
        cancelled.cancel()
        with pytest.raises(ZeroDivisionError):
            await failing
        assert await succeeding == 0.5

    asyncio.run(run())


def test_an_unexpected_exception_of_the_store_reaches_every_future(executor: ThreadPoolExecutor) -> None:
    @contextmanager
    def broken_transaction() -> Iterator[None]:
        yield
        raise ZeroDivisionError

    async def run() -> None:
        runner = BatchRunner(executor, broken_transaction)
        futures = [submit(runner, lambda: 0) for _ in range(2)]
        async with asyncio.timeout(TIMEOUT):
            results = await asyncio.gather(*futures, return_exceptions=True)
        assert [repr(result).count("ZeroDivisionError") for result in results] == [1, 1]

    asyncio.run(run())


@pytest.mark.parametrize("failure", [StopIteration, KeyboardInterrupt])
def test_every_future_is_done_after_any_exception(executor: ThreadPoolExecutor, failure: type[BaseException]) -> None:
    def fail() -> int:
        raise failure

    async def run() -> None:
        runner = BatchRunner(executor, RecordingStore().batch_transaction)
        futures = [submit(runner, (work)) for work in (lambda: 0, fail, lambda: 0)]
        async with asyncio.timeout(TIMEOUT):
            results = await asyncio.gather(*futures, return_exceptions=True)
        assert failure.__name__ in repr(results[1])

    asyncio.run(run())


def test_every_future_is_done_if_the_executor_refuses_the_batch() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()

    async def run() -> None:
        runner = BatchRunner(executor, nullcontext)
        for _ in range(2):  # a refused batch does not hold up the next one
            async with asyncio.timeout(TIMEOUT):
                futures = [submit(runner, lambda: 0) for _ in range(2)]
                results = await asyncio.gather(*futures, return_exceptions=True)
            assert [repr(result).count("cannot schedule new futures after shutdown") for result in results] == [1, 1]

    asyncio.run(run())


def test_jobs_that_the_executor_queued_without_a_new_thread_are_not_reported_as_failed() -> None:
    """As when the system allows no more threads: the executor accepts the batch, and an existing thread runs it."""

    class CrowdedExecutor(ThreadPoolExecutor):
        def submit(self, *arguments: Any, **options: Any) -> Any:
            super().submit(*arguments, **options)
            raise RuntimeError("can't start new thread")

    async def run() -> None:
        with CrowdedExecutor(1) as executor:
            assert await submit(BatchRunner(executor, nullcontext), lambda: "done") == "done"

    asyncio.run(run())


def test_if_the_executor_refuses_the_jobs_after_a_slow_one_only_these_fail() -> None:
    executor = ThreadPoolExecutor(1)
    times = iter([0.0, 1.0])  # the first job runs alone
    store = RecordingStore(1, "at the beginning")

    def shut_down_executor() -> str:
        executor.shutdown(wait=False)
        return "done"

    async def run() -> None:
        runner = BatchRunner(executor, store.batch_transaction, clock=lambda: next(times, 1.0))
        slow, *others = submit(runner, shut_down_executor), submit(runner, lambda: ""), submit(runner, lambda: "")
        async with asyncio.timeout(TIMEOUT):
            assert await slow == "done"
            results = await asyncio.gather(*others, return_exceptions=True)
        assert [repr(result).count("cannot schedule new futures after shutdown") for result in results] == [1, 1]

    asyncio.run(run())


def test_jobs_after_a_slow_one_share_a_transaction(executor: ThreadPoolExecutor) -> None:
    """As with SQLite when the first job had to wait for another process."""
    times = iter([0.0, 1.0])  # the first job runs alone
    store = RecordingStore(1, "at the beginning")
    assert store.run_jobs(4, executor, clock=lambda: next(times, 1.0)) == [
        (0, "alone"),
        (0, "finished"),
        "began",
        *((index, "inside") for index in (1, 2, 3)),
        "committed",
        *((index, "finished") for index in (1, 2, 3)),
    ]


# Batches of requests on SQLite


class SqliteVendorApp:
    """A VendorApp on a SQLite file, and the lines of its log."""

    def __init__(self, path: Path) -> None:
        # The maintenance thread may wait long for the write lock.
        self.store = SqliteStore(path, timeouts=DatabaseTimeouts(attempt=TIMEOUT, retry_after=0.0))
        self.store.create_account(replace(DEFAULT_ACCOUNT, points=1000))
        self.store.settle()
        self.log: list[str] = []
        vendor = Vendor(self.store, lambda: 1e9, Keywords(()))
        self._vendor_app = VendorApp(vendor, Options(), lambda entry: self.log.append(str(entry)))

    def handle_batch(self, executor: ThreadPoolExecutor, *actions: str) -> Sequence[FinishedRequest]:
        """Handle requests that arrive at once, one for each action."""

        async def handle_all() -> Sequence[FinishedRequest]:
            runner, app = BatchRunner(executor, self.store.batch_transaction, clock=lambda: 0.0), self._vendor_app
            async with asyncio.timeout(TIMEOUT):
                return await asyncio.gather(
                    *(
                        runner.submit(
                            partial(app.handle, protocol.V2SMS, build_request(action)),
                            app.finish,
                        )
                        for action in actions
                    )
                )

        return asyncio.run(handle_all())


def build_request(action: str) -> VendorRequest:
    form = urlencode(CREDENTIALS | {"action": action, "mobile": "15023239810", "content": "x"})
    return VendorRequest("POST", b"", "application/x-www-form-urlencoded", form.encode(), protocol.V2SMS.path)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[SqliteVendorApp]:
    vendor_app = SqliteVendorApp(tmp_path / "store")
    try:
        yield vendor_app
    finally:
        vendor_app.store.close()


def test_a_full_disk_fails_every_request_of_a_batch_and_nothing_is_stored(
    app: SqliteVendorApp, executor: ThreadPoolExecutor
) -> None:
    before = app.store.balance("12")
    with disk_full(0):
        sent, balance, sent_again = (
            handled.response for handled in app.handle_batch(executor, "send", "overage", "send")
        )
    assert get_message(sent.body.decode()) == get_message(sent_again.body.decode()) == protocol.OTHER_ERROR
    assert (balance.status, balance.body.count(b"\n")) == (503, 1)
    assert len(app.log) == 3
    assert all("the store is unavailable" in line for line in app.log)
    assert app.store.balance("12") == before
    assert app.store.requests(None, Query(limit=9)).items == []
    assert app.store.queue_stats("12", "reports", 2e9) == (0, 0, 0, 0, 0)


def test_a_batch_whose_transaction_fails_once_is_handled_as_if_it_had_not(
    app: SqliteVendorApp, executor: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue, calls = queues.enqueue, count()

    def fails_once(*arguments: Any) -> None:
        if next(calls) == 1:
            raise sqlite3.OperationalError("disk I/O error")
        enqueue(*arguments)

    monkeypatch.setattr(queues, "enqueue", fails_once)
    app.store._database._timeouts = DatabaseTimeouts(retry_after=3600.0)  # a single failing operation stays failed
    bodies = [
        handled.response.body.decode() for handled in app.handle_batch(executor, "send", "send", "overage", "send")
    ]
    assert next(calls) == 5  # one rolled back, one failed, three repeated
    assert [get_message(body) for index, body in enumerate(bodies) if index != 2] == 3 * [protocol.OK]
    assert "<overage>998</overage>" in bodies[2]
    assert not any("the store is unavailable" in line for line in app.log)
    assert len(app.log) == 4
    assert app.store.balance("12") == (997, 1000, 3)
    assert len(app.store.requests(None, Query(limit=9)).items) == 4


def test_requests_of_a_batch_are_charged_once_each_and_see_the_effects_of_earlier_ones(
    app: SqliteVendorApp, executor: ThreadPoolExecutor
) -> None:
    handled_requests = app.handle_batch(executor, "send", "overage", "send", "overage")
    balances = [handled.response.body.decode() for handled in handled_requests]
    assert "<remainpoint>999</remainpoint>" in balances[0]
    assert "<overage>999</overage>" in balances[1]
    assert "<remainpoint>998</remainpoint>" in balances[2]
    assert "<overage>998</overage>" in balances[3]
    logged = app.store.requests(None, Query(limit=9)).items
    assert [entry.operation for entry in logged] == ["send", "overage", "send", "overage"]
    assert app.store.queue_stats("12", "reports", 2e9).waiting == 2
