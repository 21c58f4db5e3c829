"""`Store.batch_transaction` of the SQLite store: isolation, atomicity, and unique numbers after a rollback."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.delivery import DeliveryOutcome, DeliveryRule, DeliveryRules
from sms10692_mock.domain.faults import Fault
from sms10692_mock.domain.records import RulesTransition, Settings
from sms10692_mock.domain.store import BalanceTooSmall, NoSuchAccount, RulesConflict, StoreUnavailable
from sms10692_mock.stores.sqlite import SqliteStore, accounts, connections, queues
from sms10692_mock.stores.sqlite.database import DatabaseTimeouts
from sms10692_mock.stores.sqlite.fair_lock import FairLock
from support.http_client import TIMEOUT
from support.stores import POSTPAID, PREPAID, SHORT_TIMEOUTS, build_report, build_task, disk_full, file_locked

TIMEOUTS = SHORT_TIMEOUTS._replace(attempt=TIMEOUT)
"""Background maintenance may wait long for the write lock."""
FAULT = Fault(id="1", kind="status", times=3)


@pytest.fixture(autouse=True)
def changed_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small page cache, and an account cache that does not expire."""
    monkeypatch.setattr(connections, "_CACHE_KIB", 256)
    monkeypatch.setattr(accounts, "_CACHE_SECONDS", 60.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


@contextmanager
def closing_store(store: SqliteStore) -> Iterator[SqliteStore]:
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """A store with two accounts and a fault for the next requests."""
    with closing_store(SqliteStore(path, timeouts=TIMEOUTS)) as store:
        store.create_account(PREPAID)
        store.create_account(POSTPAID)
        store.change_settings(lambda settings: replace(settings, faults=(FAULT,)))
        store.settle()
        yield store


@pytest.fixture
def other(path: Path, store: SqliteStore) -> Iterator[SqliteStore]:
    """A second store on the same file, as in another process."""
    with closing_store(SqliteStore(path, timeouts=TIMEOUTS)) as second:
        yield second


def trigger_fault(settings: Settings) -> Settings:
    """The settings after the fault was triggered once."""
    (fault,) = settings.faults
    return replace(settings, faults=(replace(fault, times=(fault.times or 0) - 1),))


def set_new_password(account: Account) -> Account:
    return replace(account, password="new")


def send(store: SqliteStore, userid: str = "1", *numbers: str) -> int | BalanceTooSmall:
    task_id = store.next_task_id()
    sent = build_task(1, *(numbers or ("a",)))._replace(task_id=task_id)
    reports = [build_report(0.0, number, task_id, place) for place, number in enumerate(sent.numbers)]
    return store.record_send(userid, sent, reports, [], 0.0)


def read_state(store: SqliteStore) -> Sequence[object]:
    """All state that a batch can change, read without the cache."""
    store.changed()
    return [
        store.balance("1"),
        store.balance("2"),
        store.account("1"),
        store.settings(),
        store.queue_stats("1", "reports", 0.0),
        store.queue_stats("2", "reports", 0.0),
    ]


def test_changes_of_a_batch_are_visible_inside_at_once_and_outside_after_the_commit(
    store: SqliteStore, other: SqliteStore
) -> None:
    before = read_state(other)
    assert (store.account("1"), store.settings()) == (PREPAID, Settings(faults=(FAULT,)))
    with store.batch_transaction():
        for left in (2, 1, 0):
            store.change_settings(trigger_fault)
            assert store.settings().faults[0].times == left
        store.update_account("1", set_new_password)
        assert store.account("1") == set_new_password(PREPAID)
        assert [send(store), send(store)] == [19, 18]
        assert store.balance("1") == (18, 20, 2)
        assert [report.mobile for report in store.fetch_reports("1", 1, 0.0, 1)] == ["a"]
        assert read_state(other) == before
    assert store.account("1") == set_new_password(PREPAID)
    assert store.settings().faults[0].times == 0
    assert read_state(store) == read_state(other)
    assert read_state(other)[0] == (18, 20, 2)
    assert store.queue_stats("1", "reports", 0.0) == (2, 0, 1, 1, 0)


def test_reads_of_a_batch_are_not_cached_for_the_next_batch(store: SqliteStore) -> None:
    with store.batch_transaction():
        store.change_settings(trigger_fault)
        assert store.settings().faults[0].times == 2
    store.change_settings(trigger_fault)
    with store.batch_transaction():
        assert store.settings().faults[0].times == 1
        store.change_settings(trigger_fault)
        assert store.settings().faults[0].times == 0


def test_other_threads_read_the_old_state_during_a_batch(store: SqliteStore) -> None:
    before, found = read_state(store), list[object]()
    with store.batch_transaction():
        send(store)
        store.change_settings(trigger_fault)
        store.update_account("1", set_new_password)
        store.settings()
        store.account("1")
        reading = threading.Thread(
            target=lambda: found.extend([store.account("1"), store.settings(), *read_state(store)])
        )
        reading.start()
        reading.join(TIMEOUT)
        assert found == [PREPAID, Settings(faults=(FAULT,)), *before]
    assert read_state(store) != before


@pytest.mark.parametrize("is_large", [False, True], ids=["at the end", "on the way"])
def test_a_batch_that_cannot_be_committed_changes_neither_file_nor_cache(
    store: SqliteStore, other: SqliteStore, is_large: bool
) -> None:
    before, numbers = read_state(store), list[int]()

    def fail_to_commit() -> None:
        with store.batch_transaction():
            numbers.extend(store.next_task_id() for _ in range(200))
            numbers.extend(store.next_request() for _ in range(200))
            assert send(store) == 19
            store.update_account("1", set_new_password)
            store.change_settings(trigger_fault)
            assert store.account("1") == set_new_password(PREPAID)
            if is_large:
                with pytest.raises(StoreUnavailable, match="the disk is full"):
                    send(store, "2", *map(str, range(20_000)))
                with pytest.raises(StoreUnavailable, match="the disk is full"):
                    store.balance("1")
                with pytest.raises(StoreUnavailable, match="the disk is full"):
                    send(store)
            reached_the_end.append(True)

    reached_the_end: list[bool] = []
    with (
        disk_full(0),
        pytest.raises(StoreUnavailable, match="the disk is full"),
    ):
        fail_to_commit()
    assert reached_the_end
    assert store.account("1") == PREPAID
    assert store.settings() == Settings(faults=(FAULT,))
    assert read_state(store) == read_state(other) == before
    # The other process now writes the version number that was rolled back here.
    other.change_settings(lambda settings: replace(settings, words=("x",)))
    other.change_settings(lambda settings: replace(settings, words=("y",)))
    store.changed()
    assert store.settings() == Settings(words=("y",), faults=(FAULT,))
    assert store.account("1") == PREPAID
    assert send(store) == 19
    assert [report.mobile for report in store.fetch_reports("1", 9, 0.0, 1)] == ["a"]


def test_a_read_error_rolls_back_the_batch(store: SqliteStore) -> None:
    before = read_state(store)

    def fail_to_commit() -> None:
        with store.batch_transaction():
            assert send(store) == 19
            with pytest.raises(StoreUnavailable, match="cannot be read"), store._database.reading() as db:
                db.execute("SELECT * FROM nothing")

    with pytest.raises(StoreUnavailable, match="cannot be read"):
        fail_to_commit()
    assert read_state(store) == before


def test_committed_batches_leave_no_gap_in_the_numbers(store: SqliteStore) -> None:
    numbers = [store.next_task_id()]
    for _ in range(3):
        with store.batch_transaction():
            numbers += [store.next_task_id() for _ in range(100)]
        numbers += [store.next_task_id() for _ in range(10)]
    assert numbers == list(range(numbers[0], numbers[0] + 331))


def test_numbers_of_a_batch_are_not_reused_after_commit_or_rollback(store: SqliteStore, other: SqliteStore) -> None:
    numbers: dict[str, list[int]] = {"tasks": [], "requests": []}

    def take_numbers(from_store: SqliteStore, count: int) -> None:
        from_store.changed()
        from_store.settings()  # as every request does: reads what other processes have reserved
        numbers["tasks"].extend(from_store.next_task_id() for _ in range(count))
        numbers["requests"].extend(from_store.next_request() for _ in range(count))

    def take_numbers_and_fail(count: int) -> None:
        with store.batch_transaction():
            take_numbers(store, count)
            raise ZeroDivisionError

    for count in (3, 70, 200):
        take_numbers(store, count)
        with store.batch_transaction():
            take_numbers(store, count)
        take_numbers(store, count)
        with pytest.raises(ZeroDivisionError):
            take_numbers_and_fail(count)
        take_numbers(store, count)
    for sequence in numbers.values():
        assert sequence == sorted(set(sequence))
    take_numbers(other, 5)
    with store.batch_transaction():
        take_numbers(store, 5)
    take_numbers(other, 5)
    for sequence in numbers.values():
        # Numbers of a rolled-back batch were never published, so the other store may hand them out.
        assert sequence[-10:] == sorted(set(sequence[-10:]))


def test_other_threads_wait_for_numbers_until_the_batch_ends(store: SqliteStore) -> None:
    numbers: list[int] = []
    waits = threading.Event()
    acquire = store._database._lock.acquire

    def record_waiting_thread() -> None:
        waits.set()
        acquire()

    with store.batch_transaction():
        inside = [store.next_task_id() for _ in range(100)]
        store._database._lock.acquire = record_waiting_thread  # type: ignore[method-assign]  # records waiting threads
        thread = threading.Thread(target=lambda: numbers.append(store.next_task_id()))
        thread.start()
        assert waits.wait(TIMEOUT)
        inside += [store.next_task_id() for _ in range(100)]
        assert not numbers
    thread.join(TIMEOUT)
    assert len(set(inside)) == 200
    assert min(numbers) > max(inside)


def test_an_operation_that_wrote_nothing_fails_alone(store: SqliteStore) -> None:
    rules = DeliveryRules((DeliveryRule("", DeliveryOutcome(10, "DELIVRD"), times=1),))
    with store.batch_transaction():
        assert send(store) == 19
        with pytest.raises(NoSuchAccount):
            send(store, "nobody")
        with pytest.raises(NoSuchAccount):
            store.update_account("nobody", set_new_password)
        with pytest.raises(RulesConflict):
            store.record_send("1", build_task(), [], [], 0.0, RulesTransition(rules, DeliveryRules()))
        assert store.record_send("1", build_task(1000), [], [], 0.0) == BalanceTooSmall(19)
        assert send(store) == 18
    assert store.balance("1") == (18, 20, 2)


def test_an_operation_that_fails_after_writing_fails_the_batch(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_state(store)

    def fail_to_enqueue(*_: object) -> None:
        raise ZeroDivisionError

    def fail_after_writing() -> None:
        with store.batch_transaction():
            assert send(store) == 19
            with monkeypatch.context() as patched:
                patched.setattr(queues, "enqueue", fail_to_enqueue)
                with pytest.raises(ZeroDivisionError):
                    send(store)
            with pytest.raises(StoreUnavailable, match="failed after it had written something"):
                send(store)

    with pytest.raises(StoreUnavailable, match="failed after it had written something"):
        fail_after_writing()
    assert read_state(store) == before
    assert send(store) == 19


def test_a_batch_fails_fast_while_another_program_holds_the_lock(store: SqliteStore, path: Path) -> None:
    store.settle()
    timeouts = DatabaseTimeouts(busy=3600.0, attempt=0.001, retry_after=3600.0, check_interval=0.0)
    with closing_store(SqliteStore(path, timeouts=timeouts)) as another:
        with (
            file_locked(path),
            pytest.raises(StoreUnavailable, match="is locked by another program"),
            another.batch_transaction(),
        ):
            pytest.fail("the batch began")
        assert send(another) == 19  # no back-off has started


def test_a_batch_waits_for_a_writer_of_the_same_process(store: SqliteStore) -> None:
    found: list[str] = []

    def run_batch() -> None:
        with store.batch_transaction():
            found.append("began")

    thread = threading.Thread(target=run_batch)
    with store._database.writing:
        thread.start()
        while not store._database._lock._queue.locked():  # it waits for the lock
            threading.Event().wait(0.001)
        assert not found
    thread.join(TIMEOUT)
    assert found == ["began"]
    assert send(store) == 19


@pytest.mark.parametrize("is_read", [False, True], ids=["written", "read"])
def test_a_rollback_by_sqlite_fails_the_batch(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, is_read: bool
) -> None:
    """SQLite does so when memory runs out, which Python raises as MemoryError and not as an SQLite error."""
    before = read_state(store)

    def roll_back(db: Any) -> None:
        db.execute("ROLLBACK")
        raise MemoryError

    def fail_to_commit() -> None:
        with store.batch_transaction():
            assert send(store) == 19
            with pytest.raises(MemoryError), store._database.reading() if is_read else store._database.writing as db:
                roll_back(db)
            with pytest.raises(StoreUnavailable, match="SQLite rolled back the transaction"):
                send(store)
            with pytest.raises(StoreUnavailable, match="SQLite rolled back the transaction"):
                store.balance("1")

    with pytest.raises(StoreUnavailable, match="SQLite rolled back the transaction"):
        fail_to_commit()
    assert read_state(store) == before
    assert send(store) == 19


def test_a_rollback_by_sqlite_in_the_last_operation_fails_the_batch(store: SqliteStore) -> None:
    before = read_state(store)

    def fail_to_commit() -> None:
        with store.batch_transaction():
            assert send(store) == 19
            with suppress(MemoryError), store._database.writing as db:
                db.execute("ROLLBACK")
                raise MemoryError

    with pytest.raises(StoreUnavailable, match="SQLite rolled back the transaction"):
        fail_to_commit()
    assert read_state(store) == before


def test_a_failing_commit_callback_releases_the_write_lock(store: SqliteStore) -> None:
    def fail(_: bool) -> None:
        raise MemoryError

    def commit() -> None:
        with store._database.writing:
            store._database.on_commit(fail)

    with pytest.raises(MemoryError):
        commit()
    assert send(store) == 19


def test_a_waiting_thread_gets_the_fair_lock_before_the_previous_owner() -> None:
    lock, owners = FairLock(), list[str]()

    def wait() -> None:
        with lock:
            owners.append("waiting thread")

    lock.acquire()
    waiting = threading.Thread(target=wait)
    waiting.start()
    while not lock._queue.locked():  # it waits for the lock
        threading.Event().wait(0.001)
    lock.release()
    with lock:
        owners.append("previous owner")
    waiting.join(TIMEOUT)
    assert owners == ["waiting thread", "previous owner"]
