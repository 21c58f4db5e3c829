"""Many operations in one transaction: what is seen inside, and that all of it happens, or nothing.

Here belongs what `Store.gathered` promises, of a file. What is answered together over HTTP is in `test_together`.
"""

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
from sms10692_mock.domain.store import NoSuchAccount, RulesConflict, StoreUnavailable
from sms10692_mock.stores.sqlite import SqliteStore, accounts, connections, database, queues
from sms10692_mock.stores.sqlite.fair_lock import FairLock
from support.emulators import TIMEOUT
from support.stores import POSTPAID, PREPAID, disk_full, file_locked, report, task

FAULT = Fault(id="1", kind="status", remaining=3)


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is taken to be away longer than it is, and little is kept in memory until it is written.

    What was read of accounts and settings holds until somebody here changes it, or says that others may have. What is
    done beside the answers may take its time.
    """
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.02)
    monkeypatch.setattr(database, "_RETRY_AFTER", 0.0)
    monkeypatch.setattr(database, "_CHECK_INTERVAL", 0.0)
    monkeypatch.setattr(connections, "_CACHE_KIB", 256)
    monkeypatch.setattr(accounts, "_CACHE_SECONDS", 60.0)
    monkeypatch.setattr(database, "_BUSY_TIMEOUT", TIMEOUT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


@contextmanager
def released(store: SqliteStore) -> Iterator[SqliteStore]:
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    """One with two accounts, and a fault for the next requests."""
    with released(SqliteStore(path)) as one:
        one.create_account(PREPAID)
        one.create_account(POSTPAID)
        one.change_settings(lambda settings: replace(settings, faults=(FAULT,)))
        one.settle()
        yield one


@pytest.fixture
def other(path: Path, store: SqliteStore) -> Iterator[SqliteStore]:
    """The same file, as another process has it."""
    with released(SqliteStore(path)) as one:
        yield one


def struck(settings: Settings) -> Settings:
    """The settings after the fault has struck."""
    (fault,) = settings.faults
    return replace(settings, faults=(replace(fault, remaining=(fault.remaining or 0) - 1),))


def with_a_new_password(account: Account) -> Account:
    return replace(account, password="new")


def send(store: SqliteStore, userid: str = "1", *numbers: str) -> int | None:
    task_id = store.next_task_id()
    sent = task(1, *(numbers or ("a",)))._replace(task_id=task_id)
    reports = [report(0.0, number, task_id, place) for place, number in enumerate(sent.numbers)]
    return store.record_send(userid, sent, reports, [], 0.0)


def kept(store: SqliteStore) -> Sequence[object]:
    """All that may have changed, as who asks later than 5 ms is told."""
    store.changed()
    return [
        store.balance("1"),
        store.balance("2"),
        store.account("1"),
        store.settings(),
        store.queue_stats("1", "reports", 0.0),
        store.queue_stats("2", "reports", 0.0),
    ]


def test_what_is_written_inside_is_seen_inside_at_once_and_by_others_afterwards(
    store: SqliteStore, other: SqliteStore
) -> None:
    before = kept(other)
    assert (store.account("1"), store.settings()) == (PREPAID, Settings(faults=(FAULT,)))
    with store.batch_transaction():
        for left in (2, 1, 0):
            store.change_settings(struck)
            assert store.settings().faults[0].remaining == left
        store.update_account("1", with_a_new_password)
        assert store.account("1") == with_a_new_password(PREPAID)
        assert [send(store), send(store)] == [19, 18]
        assert store.balance("1") == (18, 20, 2)
        assert [one.mobile for one in store.fetch_reports("1", 1, 0.0, 1)] == ["a"]
        assert kept(other) == before
    assert store.account("1") == with_a_new_password(PREPAID)
    assert store.settings().faults[0].remaining == 0
    assert kept(store) == kept(other)
    assert kept(other)[0] == (18, 20, 2)
    assert store.queue_stats("1", "reports", 0.0) == (2, 0, 1, 1, 0)


def test_what_was_read_inside_one_does_not_hold_inside_the_next(store: SqliteStore) -> None:
    with store.batch_transaction():
        store.change_settings(struck)
        assert store.settings().faults[0].remaining == 2
    store.change_settings(struck)
    with store.batch_transaction():
        assert store.settings().faults[0].remaining == 1
        store.change_settings(struck)
        assert store.settings().faults[0].remaining == 0


def test_who_reads_meanwhile_in_another_thread_is_told_what_was_there_before(store: SqliteStore) -> None:
    before, found = kept(store), list[object]()
    with store.batch_transaction():
        send(store)
        store.change_settings(struck)
        store.update_account("1", with_a_new_password)
        store.settings()
        store.account("1")
        reading = threading.Thread(target=lambda: found.extend([store.account("1"), store.settings(), *kept(store)]))
        reading.start()
        reading.join(TIMEOUT)
        assert found == [PREPAID, Settings(faults=(FAULT,)), *before]
    assert kept(store) != before


@pytest.mark.parametrize("is_large", [False, True], ids=["at the end", "on the way"])
def test_where_it_cannot_be_written_nothing_of_it_happened_and_nothing_of_it_is_remembered(
    store: SqliteStore, other: SqliteStore, is_large: bool
) -> None:
    before, given = kept(store), list[int]()

    def in_vain() -> None:
        with store.batch_transaction():
            given.extend(store.next_task_id() for _ in range(200))
            given.extend(store.next_request() for _ in range(200))
            assert send(store) == 19
            store.update_account("1", with_a_new_password)
            store.change_settings(struck)
            assert store.account("1") == with_a_new_password(PREPAID)
            if is_large:
                with pytest.raises(StoreUnavailable, match="the disk is full"):
                    send(store, "2", *map(str, range(20_000)))
                with pytest.raises(StoreUnavailable, match="the disk is full"):
                    store.balance("1")
                with pytest.raises(StoreUnavailable, match="the disk is full"):
                    send(store)
            was_inside.append(True)

    was_inside: list[bool] = []
    with (
        disk_full(0),
        pytest.raises(StoreUnavailable, match="the disk is full"),
    ):
        in_vain()
    assert was_inside
    assert store.account("1") == PREPAID
    assert store.settings() == Settings(faults=(FAULT,))
    assert kept(store) == kept(other) == before
    # What another process writes now has the version that was undone here.
    other.change_settings(lambda settings: replace(settings, words=("x",)))
    other.change_settings(lambda settings: replace(settings, words=("y",)))
    store.changed()
    assert store.settings() == Settings(words=("y",), faults=(FAULT,))
    assert store.account("1") == PREPAID
    assert send(store) == 19
    assert [one.mobile for one in store.fetch_reports("1", 9, 0.0, 1)] == ["a"]


def test_where_not_all_can_be_read_nothing_of_it_happened(store: SqliteStore) -> None:
    before = kept(store)

    def in_vain() -> None:
        with store.batch_transaction():
            assert send(store) == 19
            with pytest.raises(StoreUnavailable, match="cannot be read"), store._database.reading() as db:
                db.execute("SELECT * FROM nothing")

    with pytest.raises(StoreUnavailable, match="cannot be read"):
        in_vain()
    assert kept(store) == before


def test_no_number_is_left_out_where_all_is_written(store: SqliteStore) -> None:
    given = [store.next_task_id()]
    for _ in range(3):
        with store.batch_transaction():
            given += [store.next_task_id() for _ in range(100)]
        given += [store.next_task_id() for _ in range(10)]
    assert given == list(range(given[0], given[0] + 331))


def test_numbers_given_inside_are_not_given_again_whether_it_was_written_or_not(
    store: SqliteStore, other: SqliteStore
) -> None:
    given: dict[str, list[int]] = {"tasks": [], "requests": []}

    def take(one: SqliteStore, count: int) -> None:
        one.changed()
        one.settings()  # as every request does: it looks at what others have leased
        given["tasks"].extend(one.next_task_id() for _ in range(count))
        given["requests"].extend(one.next_request() for _ in range(count))

    def take_in_vain(count: int) -> None:
        with store.batch_transaction():
            take(store, count)
            raise ZeroDivisionError

    for count in (3, 70, 200):
        take(store, count)
        with store.batch_transaction():
            take(store, count)
        take(store, count)
        with pytest.raises(ZeroDivisionError):
            take_in_vain(count)
        take(store, count)
    for kind in given.values():
        assert kind == sorted(set(kind))
    take(other, 5)
    with store.batch_transaction():
        take(store, 5)
    take(other, 5)
    for kind in given.values():
        # What was undone was told nobody, so the other may be given it.
        assert kind[-10:] == sorted(set(kind[-10:]))


def test_who_wants_a_number_meanwhile_waits_for_the_end_and_keeps_nobody(store: SqliteStore) -> None:
    numbers: list[int] = []
    waits = threading.Event()
    acquire = store._database._lock.acquire

    def at_the_door() -> None:
        waits.set()
        acquire()

    with store.batch_transaction():
        inside = [store.next_task_id() for _ in range(100)]
        store._database._lock.acquire = at_the_door  # type: ignore[method-assign]  # to see who comes
        asking = threading.Thread(target=lambda: numbers.append(store.next_task_id()))
        asking.start()
        assert waits.wait(TIMEOUT)
        inside += [store.next_task_id() for _ in range(100)]
        assert not numbers
    asking.join(TIMEOUT)
    assert len(set(inside)) == 200
    assert min(numbers) > max(inside)


def test_what_finds_that_it_has_nothing_to_do_fails_alone(store: SqliteStore) -> None:
    rules = DeliveryRules((DeliveryRule("", DeliveryOutcome(10, "DELIVRD"), remaining=1),))
    with store.batch_transaction():
        assert send(store) == 19
        with pytest.raises(NoSuchAccount):
            send(store, "nobody")
        with pytest.raises(NoSuchAccount):
            store.update_account("nobody", with_a_new_password)
        with pytest.raises(RulesConflict):
            store.record_send("1", task(), [], [], 0.0, RulesTransition(rules, DeliveryRules()))
        assert store.record_send("1", task(1000), [], [], 0.0) is None
        assert send(store) == 18
    assert store.balance("1") == (18, 20, 2)


def test_what_fails_half_done_takes_all_with_it(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept(store)

    def put(*_: object) -> None:
        raise ZeroDivisionError

    def half_done() -> None:
        with store.batch_transaction():
            assert send(store) == 19
            with monkeypatch.context() as patched:
                patched.setattr(queues, "enqueue", put)
                with pytest.raises(ZeroDivisionError):
                    send(store)
            with pytest.raises(StoreUnavailable, match="failed after it had written something"):
                send(store)

    with pytest.raises(StoreUnavailable, match="failed after it had written something"):
        half_done()
    assert kept(store) == before
    assert send(store) == 19


def test_while_another_program_writes_none_is_begun_and_nobody_waits_for_long(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.settle()
    monkeypatch.setattr(database, "_RETRY_AFTER", 3600.0)
    monkeypatch.setattr(database, "_BUSY_SECONDS", 3600.0)
    monkeypatch.setattr(database, "_BUSY_TIMEOUT", 0.001)
    with released(SqliteStore(path)) as another:
        with (
            file_locked(path),
            pytest.raises(StoreUnavailable, match="is locked by another program"),
            another.batch_transaction(),
        ):
            pytest.fail("it was begun")
        assert send(another) == 19  # the file is not taken to be away


def test_while_somebody_here_writes_one_waits(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_BUSY_TIMEOUT", 0.001)
    found: list[str] = []

    def gather() -> None:
        with store.batch_transaction():
            found.append("begun")

    gathering = threading.Thread(target=gather)
    with store._database.writing:
        gathering.start()
        while not store._database._lock._queue.locked():  # it is at the door
            threading.Event().wait(0.001)
        assert not found
    gathering.join(TIMEOUT)
    assert found == ["begun"]
    assert send(store) == 19


@pytest.mark.parametrize("is_read", [False, True], ids=["written", "read"])
def test_where_sqlite_undoes_it_in_the_middle_nothing_of_it_happened(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, is_read: bool
) -> None:
    """As it does where there is no memory left, which is no error of SQLite's to Python."""
    before = kept(store)

    def undo(db: Any) -> None:
        db.execute("ROLLBACK")
        raise MemoryError

    def in_vain() -> None:
        with store.batch_transaction():
            assert send(store) == 19
            with pytest.raises(MemoryError), store._database.reading() if is_read else store._database.writing as db:
                undo(db)
            with pytest.raises(StoreUnavailable, match="SQLite rolled back the transaction"):
                send(store)
            with pytest.raises(StoreUnavailable, match="SQLite rolled back the transaction"):
                store.balance("1")

    with pytest.raises(StoreUnavailable, match="SQLite rolled back the transaction"):
        in_vain()
    assert kept(store) == before
    assert send(store) == 19


def test_where_all_is_undone_at_the_very_end_nothing_of_it_happened(store: SqliteStore) -> None:
    before = kept(store)

    def in_vain() -> None:
        with store.batch_transaction():
            assert send(store) == 19
            with suppress(MemoryError), store._database.writing as db:
                db.execute("ROLLBACK")
                raise MemoryError

    with pytest.raises(StoreUnavailable, match="SQLite rolled back the transaction"):
        in_vain()
    assert kept(store) == before


def test_a_failure_of_what_is_to_be_told_afterwards_keeps_nobody_from_writing(store: SqliteStore) -> None:
    def fail(_: bool) -> None:
        raise MemoryError

    def failing() -> None:
        with store._database.writing:
            store._database.on_commit(fail)

    with pytest.raises(MemoryError):
        failing()
    assert send(store) == 19


def test_who_waits_for_the_lock_has_it_before_who_lets_go_of_it_and_comes_back() -> None:
    lock, had = FairLock(), list[str]()

    def wait() -> None:
        with lock:
            had.append("who waited")

    lock.acquire()
    waiting = threading.Thread(target=wait)
    waiting.start()
    while not lock._queue.locked():  # it is at the door
        threading.Event().wait(0.001)
    lock.release()
    with lock:
        had.append("who came back")
    waiting.join(TIMEOUT)
    assert had == ["who waited", "who came back"]
