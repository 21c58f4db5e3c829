"""The SQLite store: restarts, migrations, error messages, outages and several processes."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

import pytest

from sms10692_mock.domain.records import Limits, LoggedRequest, Query
from sms10692_mock.domain.store import Store, StoreUnavailable
from sms10692_mock.stores.sqlite import SqliteStore, connections, schema
from support.emulators import CREDENTIALS, UTF8, emulator_process
from support.http_client import build_request, send_raw
from support.sqlite_schema import restore_version_4
from support.stores import (
    POSTPAID,
    PREPAID,
    SHORT_TIMEOUTS,
    build_reply,
    build_report,
    build_task,
    disk_full,
    file_locked,
    file_missing,
)

ALL = Query(limit=10**6)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


@contextmanager
def open_store(path: Path, limits: Limits | None = None, durable: bool = False) -> Iterator[SqliteStore]:
    store = SqliteStore(path, limits, durable=durable, timeouts=SHORT_TIMEOUTS)
    try:
        yield store
    finally:
        store.close()


def execute_on_file(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()


def get_startup_error(path: Path) -> str:
    with pytest.raises(StoreUnavailable) as raised:
        SqliteStore(path)
    return str(raised.value)


def read_everything(store: Store) -> list[object]:
    return [
        store.userids(),
        store.account("1"),
        store.settings(),
        store.balance("1"),
        store.queue_stats("1", "reports", 2.0),
        store.messages("1", ALL, 2.0),
        store.reports("1", ALL, 2.0),
        store.replies("1", ALL, 2.0),
        store.requests(None, ALL),
    ]


# A restart


@pytest.mark.parametrize("durable", [False, True])
def test_all_data_survives_a_restart(path: Path, durable: bool) -> None:
    with open_store(path, durable=durable) as store:
        store.create_account(PREPAID)
        store.update_account("1", lambda account: replace(account, profile="observed"))
        store.change_settings(lambda settings: replace(settings, words=("发票",)))
        store.record_send(
            "1", build_task(1, "a", "b"), [build_report(1.0, "a", index=0), build_report(9.0, "b", index=1)], [], 0.0
        )
        store.fetch_reports("1", 1, 1.0, store.next_request())
        store.log_request(LoggedRequest(1, 0.0, 0.0, 0.0, "GET", "/", b"", [], b"", "1", "", "", None, 200, "", b""))
        before, task_id, request = read_everything(store), store.next_task_id(), store.next_request()
    with open_store(path) as store:
        assert read_everything(store) == before
        assert store.next_task_id() > task_id
        assert store.next_request() > request


def test_the_file_of_a_killed_process_is_complete(path: Path, tmp_path: Path) -> None:
    """The files are copied while the store is open, so that data is only in the write-ahead log."""
    with open_store(path) as store:
        store.create_account(PREPAID)
        store.record_send("1", build_task(1), [build_report(0.0, "a", index=0)], [], 0.0)
        copy = tmp_path / "copy"
        for end in ("", "-wal"):
            path.with_name(path.name + end).exists() and copy.with_name(f"copy{end}").write_bytes(
                path.with_name(path.name + end).read_bytes()
            )
        with open_store(copy) as other:
            assert other.balance("1") == (19, 20, 1)
            assert [report.mobile for report in other.fetch_reports("1", 9, 0.0, 1)] == ["a"]


# Files that cannot be used


def test_a_file_of_a_newer_version_is_rejected_and_not_modified(path: Path) -> None:
    SqliteStore(path).close()
    execute_on_file(path, f"PRAGMA user_version = {schema.VERSION + 1}")
    before = path.read_bytes()
    assert (
        f"has schema version {schema.VERSION + 1}; this program supports versions up to {schema.VERSION}"
        in get_startup_error(path)
    )
    assert path.read_bytes() == before


def test_a_file_of_an_older_version_is_migrated(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(path) as store:
        store.create_account(PREPAID)
    monkeypatch.setattr(
        connections, "MIGRATIONS", (*schema.MIGRATIONS, ["CREATE TABLE more (a)", "INSERT INTO more VALUES (7)"])
    )
    monkeypatch.setattr(connections, "VERSION", schema.VERSION + 1)
    for _ in range(2):
        with open_store(path) as store:
            assert store.balance("1") == (20, 20, 0)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT a FROM more").fetchall() == [(7,)]
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION + 1,)


def test_the_migration_from_version_1_counts_the_bytes_of_fetched_items(path: Path) -> None:
    with open_store(path) as store:
        store.create_account(POSTPAID)
        store.enqueue("2", [], [build_reply(0.0, "1", "好" * 1000), build_reply(0.0, "2", "x" * 1000)], 0.0)
        store.fetch_replies("2", 0.0, 1)
    restore_version_4(path)
    for back in (
        "ALTER TABLE accounts RENAME COLUMN bytes TO characters",
        "ALTER TABLE tasks RENAME COLUMN bytes TO characters",
        "ALTER TABLE queues DROP COLUMN bytes",
        "ALTER TABLE state DROP COLUMN evicted",
        "PRAGMA user_version = 1",
    ):
        execute_on_file(path, back)
    with open_store(path, Limits(fetched_bytes=1_500)) as store:
        store.enqueue("2", [], [build_reply(0.0, "3")], 0.0)
        store.fetch_replies("2", 0.0, 1)
        assert [queued.item.mobile for queued in store.replies("2", ALL, 0.0).items] == ["2", "3"]


def test_a_database_of_another_program_is_rejected(path: Path) -> None:
    execute_on_file(path, "CREATE TABLE theirs (a)")
    assert "is a database of another program" in get_startup_error(path)


def test_a_file_that_is_not_a_database_is_rejected_and_not_modified(path: Path) -> None:
    path.write_bytes(b"my diary, " * 1000)
    assert "is not an SQLite database" in get_startup_error(path)
    assert path.read_bytes() == b"my diary, " * 1000


def test_a_truncated_file_is_reported_as_damaged(path: Path) -> None:
    with open_store(path) as store:
        store.create_account(PREPAID)
    os.truncate(path, path.stat().st_size // 2)
    assert "is damaged" in get_startup_error(path)


def test_a_path_that_cannot_be_a_file_is_rejected(path: Path) -> None:
    assert "it is a folder" in get_startup_error(path.parent)
    assert "there is no folder" in get_startup_error(path / "a" / "b")


def test_a_file_locked_by_another_program_is_reported(path: Path) -> None:
    SqliteStore(path).close()
    with file_locked(path):
        assert "is locked by another program" in get_startup_error(path)


def test_a_read_only_file_is_reported() -> None:
    with TemporaryDirectory() as folder:  # pytest's own may be entered by its user alone
        Path(folder).chmod(0o755)
        path = Path(folder) / "store"
        SqliteStore(path).close()
        path.chmod(0o444)
        with as_unprivileged_user():
            error = get_startup_error(path)
    assert "is read-only" in error or "cannot be opened" in error


def test_a_full_disk_is_reported(path: Path) -> None:
    with disk_full(8 * 1024):
        assert "the disk is full" in get_startup_error(path)


@contextmanager
def as_unprivileged_user() -> Iterator[None]:
    """Run as user nobody: root ignores permissions."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


# Blocking


def test_other_requests_are_served_while_a_send_waits_for_the_file_lock(path: Path) -> None:
    send = build_request(
        UTF8, urlencode(CREDENTIALS | {"action": "send", "mobile": "15023239810", "content": "x"}).encode()
    )
    answers: list[bytes] = []
    with emulator_process("--store", f"sqlite:{path}") as (_, address):
        sending = threading.Thread(target=lambda: answers.append(send_raw(address, send).body))
        waits: list[float] = []
        assert send_raw(address, build_request("/nowhere", b"")).status == 404  # the first request imports Flask
        with file_locked(path):
            sending.start()
            while sum(waits) < 0.5:
                started = time.monotonic()
                assert send_raw(address, build_request("/nowhere", b"")).status == 404
                waits.append(time.monotonic() - started)
            assert not answers
        sending.join()
    assert max(waits) < 1.5  # a request that waits for the lock of the file waits two seconds
    assert b"<message>ok</message>" in answers[0]


@pytest.mark.parametrize("durable", [False, True])
def test_the_sqlite_store_is_marked_as_blocking(path: Path, durable: bool) -> None:
    with open_store(path, durable=durable) as store:
        assert store.blocking


# Outages


OUTAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "locked": (file_locked, "is locked by another program"),
    "gone": (file_missing, "is gone"),
    "full": (lambda path: disk_full(path.stat().st_size), "the disk is full"),
}


@pytest.mark.parametrize(("away", "sentence"), OUTAGES.values(), ids=OUTAGES)
def test_operations_are_atomic_during_an_outage_and_work_afterwards(
    path: Path, away: Callable[[Path], object], sentence: str
) -> None:
    with open_store(path) as store:
        store.create_account(POSTPAID)
        store.settle()
        numbers = [str(place) for place in range(20_000)]
        big = [build_report(0.0, number, index=place) for place, number in enumerate(numbers)]
        with away(path):  # type: ignore[attr-defined]
            for _ in range(2):
                with pytest.raises(StoreUnavailable, match=sentence):
                    store.record_send("2", build_task(1, *numbers), big, [], 0.0)
        assert store.balance("2") == (0, 0, 0)
        assert store.queue_stats("2", "reports", 0.0) == (0, 0, 0, 0, 0)
        assert store.record_send("2", build_task(1), [build_report(0.0, "a", index=0)], [], 0.0) == -1
        assert [report.mobile for report in store.fetch_reports("2", 9, 0.0, 1)] == ["a"]


def test_requests_logged_during_an_outage_are_written_afterwards(path: Path) -> None:
    with open_store(path) as store:
        numbers = [store.next_request() for _ in range(5)]
        with file_locked(path):
            for number in numbers:
                store.log_request(
                    LoggedRequest(number, 0.0, 0.0, 0.0, "GET", "/", b"", [], b"", "1", "", "", None, 200, "", b"")
                )
            with pytest.raises(StoreUnavailable):
                store.requests(None, ALL)
        assert [entry.number for entry in store.requests(None, ALL).items] == numbers


def test_a_request_that_cannot_be_serialized_does_not_affect_others(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    no_text: Any = b""
    with open_store(path) as store:
        for number in range(1, 6):
            entry = LoggedRequest(number, 0.0, 0.0, 0.0, "GET", "/", b"", [], b"", "1", "", "", None, 200, "", b"")
            store.log_request(entry._replace(method=no_text) if number == 3 else entry)
        found = store.requests(None, ALL)
        assert [entry.number for entry in found.items] == [1, 2, 4, 5]
        assert found.evicted == 1
    assert "request 3 cannot be written to the request log" in caplog.text


# Several processes


def test_changes_of_another_process_are_visible(path: Path) -> None:
    with open_store(path) as one, open_store(path) as other:
        one.create_account(PREPAID)
        assert other.account("1") == PREPAID
        one.update_account("1", lambda account: replace(account, password="new"))
        one.change_settings(lambda settings: replace(settings, words=("x",)))
        threading.Event().wait(0.01)  # longer than the cache lifetime of 5 ms
        account = other.account("1")
        assert account is not None
        assert (account.password, other.settings().words) == ("new", ("x",))
        one.delete_account("1")
        threading.Event().wait(0.01)
        assert other.account("1") is None


def test_r7_task_numbers_increase_across_two_processes(path: Path) -> None:
    """Also in batches, and when another process has just reserved a block."""
    with open_store(path) as one, open_store(path) as other:
        given = []
        for turn in range(60):
            store = (one, other)[turn % 2]
            if turn % 3 == 0:
                with store.batch_transaction():
                    given += [store.next_task_id() for _ in range(3)]
            given.append(store.next_task_id())
        assert given == sorted(set(given))
        assert given[0] == 100001


def test_a_rolled_back_batch_does_not_slow_down_later_numbers(path: Path) -> None:
    """Otherwise each number would need its own transaction until the rolled-back block was used up."""
    with open_store(path) as store:
        for _ in range(200):  # until blocks have their full size
            last = store.next_task_id()
        with suppress(RuntimeError), store.batch_transaction():
            for _ in range(100):
                store.next_task_id()
            store.account("1")  # reads uncommitted data
            raise RuntimeError
        statements: list[str] = []
        store._database._writer.set_trace_callback(statements.append)  # type: ignore[union-attr]
        given = [store.next_task_id() for _ in range(100)]
        assert given == sorted(set(given))
        assert given[0] > last
        assert sum("UPDATE state SET tasks" in statement for statement in statements) < 20
