"""The files of an SQLite store: private modes, and protection against replaced and removed files."""

import logging
import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.records import Limits, LoggedRequest, Query
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.stores.sqlite import SqliteStore, files, schema
from support.sqlite_schema import restore_version_4
from support.stores import POSTPAID, PREPAID, SHORT_TIMEOUTS, build_report, build_task

OTHER_ACCOUNTS = [Account(str(number), "a", "p", points=number) for number in range(100, 400)]
"""Enough accounts to fill a considerable part of a write-ahead log."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture(params=[0o022, 0o000, 0o002], ids=["umask 022", "umask 000", "umask 002"])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def read_modes(path: Path) -> dict[str, str]:
    """The modes of the existing files of a store, by suffix."""
    found = path.parent.glob(f"{path.name}*")
    return {file.name.removeprefix(path.name): f"{stat.S_IMODE(file.stat().st_mode):03o}" for file in found}


def file_with_suffix(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


# Private


def test_the_files_are_readable_by_their_owner_only(path: Path, umask: None) -> None:
    store = SqliteStore(path)
    store.create_account(PREPAID)
    assert read_modes(path) == {"": "600", "-wal": "600", "-shm": "600"}
    store.close()
    assert read_modes(path) == {"": "600"}


def test_the_file_is_never_readable_by_others_during_creation(
    path: Path, monkeypatch: pytest.MonkeyPatch, umask: None
) -> None:
    observed: list[dict[str, str]] = []
    connect = sqlite3.connect

    def connect_and_record(*arguments: object, **options: object) -> sqlite3.Connection:
        observed.append(read_modes(path))
        connection: sqlite3.Connection = connect(*arguments, **options)  # type: ignore[call-overload]
        connection.set_trace_callback(lambda _: observed.append(read_modes(path)))
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_and_record)
    SqliteStore(path).close()
    assert {mode for modes_by_file in observed for mode in modes_by_file.values()} == {"600"}


@pytest.mark.parametrize(
    ("before", "after"),
    [(0o644, "600"), (0o640, "600"), (0o604, "600"), (0o664, "660"), (0o660, "660"), (0o600, "600")],
    ids=["644", "640", "604", "664", "660", "600"],
)
def test_access_of_others_to_an_existing_file_is_removed_and_logged(
    path: Path, before: int, after: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that its group may write is shared on purpose and keeps the access of the group."""
    SqliteStore(path).close()
    path.chmod(before)
    with closing(sqlite3.connect(path)) as killed:  # holds the log of a process that was killed
        killed.execute("SELECT * FROM state").fetchone()
        store = SqliteStore(path)
        assert read_modes(path) == dict.fromkeys(("", "-wal", "-shm"), after)
        store.close()
    assert ("could be read by other users" in caplog.text) == (f"{before:03o}" != after)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give a file away")
def test_a_readable_file_of_another_user_causes_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    with TemporaryDirectory() as folder:  # pytest's own may be entered by its user alone
        Path(folder).chmod(0o755)
        shared = Path(folder) / "store"
        shared.touch()
        shared.chmod(0o644)
        os.seteuid(65534)
        try:
            files._restrict(shared)
        finally:
            os.seteuid(0)
        assert read_modes(shared) == {"": "644"}
    assert (
        "contains passwords and can be read by other users; its mode cannot be changed: Operation not permitted"
        in caplog.text
    )


def test_a_file_of_another_program_keeps_its_mode(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    path.chmod(0o644)
    with pytest.raises(StoreUnavailable, match="another program"):
        SqliteStore(path)
    assert read_modes(path) == {"": "644"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_file_that_cannot_be_created_has_its_own_error_message(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:  # as a folder that can only be read refuses everybody but root
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StoreUnavailable, match="cannot be created: Permission denied"):
        SqliteStore(path)


# Secrets of an older version


def test_the_migration_erases_secret_headers_from_the_file(path: Path) -> None:
    store = SqliteStore(path)
    headers = [("Host", "x"), ("Authorization", "Bearer S3CRET-1"), ("COOKIE", "key=S3CRET-2"), ("X-Own", "kept")]
    for number in range(1, 200):  # more than a page holds
        store.log_request(
            LoggedRequest(number, 0.0, 0.0, 0.0, "GET", "/", b"", headers, b"", "1", "", "", None, 200, "", b"")
        )
    store.settle()
    store.close()
    assert b"S3CRET-1" in path.read_bytes(), "the store keeps what it is given"
    restore_version_4(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE state DROP COLUMN evicted")
        connection.execute("PRAGMA user_version = 2")
    store = SqliteStore(path)
    for file in path.parent.glob("store*"):
        assert b"S3CRET" not in file.read_bytes(), file
    store.close()
    store = SqliteStore(path)
    entry = store.request(7)
    store.close()
    assert entry is not None
    assert entry.headers == [
        ("Host", "x"),
        ("Authorization", "[redacted]"),
        ("COOKIE", "[redacted]"),
        ("X-Own", "kept"),
    ]
    assert schema.VERSION == 6


# Replaced and removed files


def read_userids(path: Path) -> list[str]:
    """The userids in the database, including its log; asserts its integrity."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [userid for (userid,) in connection.execute("SELECT userid FROM accounts ORDER BY position")]


def make_checkpointed(path: Path) -> None:
    store = SqliteStore(path)
    for account in OTHER_ACCOUNTS:
        store.create_account(account)
    store.close()
    assert not file_with_suffix(path, "-wal").exists()


def make_with_log(path: Path) -> None:
    """As left by a killed process: most of the data is in the log."""
    original = path.with_name("original")
    store = SqliteStore(original)
    for account in OTHER_ACCOUNTS:
        store.create_account(account)
    for end in ("", "-wal"):
        file_with_suffix(path, end).write_bytes(file_with_suffix(original, end).read_bytes())
    store.close()
    assert file_with_suffix(path, "-wal").stat().st_size > 100_000


def move(source: Path, target: Path, *ends: str) -> None:
    for end in ends:
        file_with_suffix(source, end).rename(file_with_suffix(target, end))


def replace_after_moving(other: Path, path: Path) -> None:
    move(path, path.with_name("old"), "")
    move(other, path, "")


def replace_after_deleting(other: Path, path: Path) -> None:
    path.unlink()
    move(other, path, "")


REPLACEMENTS: dict[str, tuple[Callable[[Path], None], Callable[[Path, Path], None]]] = {
    "checkpointed": (make_checkpointed, lambda other, path: move(other, path, "")),
    "with its log, the database first": (make_with_log, lambda other, path: move(other, path, "", "-wal")),
    "with its log, the log first": (make_with_log, lambda other, path: move(other, path, "-wal", "")),
    "after the old one was moved away": (make_checkpointed, replace_after_moving),
    "after the old one was deleted": (make_checkpointed, replace_after_deleting),
}
EACH_REPLACEMENT = pytest.mark.parametrize(("make", "replace"), REPLACEMENTS.values(), ids=REPLACEMENTS)


def send_once(store: SqliteStore) -> None:
    store.record_send("2", build_task(1, "a"), [build_report(0.0, "a", index=0)], [], 0.0)


@EACH_REPLACEMENT
@pytest.mark.parametrize("seen_at", ["the next operation", "the end", "an idle check"])
def test_a_file_that_replaced_the_store_is_not_modified(
    path: Path,
    tmp_path: Path,
    make: Callable[[Path], None],
    replace: Callable[[Path, Path], None],
    seen_at: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = tmp_path / "other"
    make(other)
    store = SqliteStore(path, timeouts=SHORT_TIMEOUTS)
    store.create_account(POSTPAID)
    for _ in range(50):
        send_once(store)
    store.settle()
    replace(other, path)
    if seen_at == "the next operation":
        with pytest.raises(
            StoreUnavailable, match=r"store was replaced by another file: restart the server|was removed or"
        ):
            send_once(store)
        with pytest.raises(StoreUnavailable, match="restart the server"):
            store.balance("2")
    elif seen_at == "an idle check":
        with pytest.raises(StoreUnavailable, match="restart the server"):
            store._database.watch()
    store.close()
    assert read_userids(path) == [account.userid for account in OTHER_ACCOUNTS]
    reopened = SqliteStore(path, timeouts=SHORT_TIMEOUTS)
    assert reopened.userids() == [account.userid for account in OTHER_ACCOUNTS]
    reopened.close()
    old = tmp_path / "old"
    if old.exists():
        assert read_userids(old) == ["2"], "the log was written into the old file"
        with closing(sqlite3.connect(old)) as connection:
            assert connection.execute("SELECT messages, points FROM accounts").fetchall() == [(50, -50)]


@EACH_REPLACEMENT
@pytest.mark.parametrize("run", range(3))
def test_a_file_that_replaced_the_store_is_not_modified_under_load(
    path: Path, tmp_path: Path, make: Callable[[Path], None], replace: Callable[[Path, Path], None], run: int
) -> None:
    """Connections are opened, closed and in use during the replacement, on two stores as in two processes."""
    other = tmp_path / "other"
    make(other)
    stores = [SqliteStore(path, Limits(messages=20)) for _ in range(2)]
    stores[0].create_account(POSTPAID)
    ended = threading.Event()
    refused = threading.Barrier(5)

    def work(store: SqliteStore) -> None:
        is_refused = False
        while not ended.is_set():
            try:
                send_once(store)
                store.messages("2", Query(), 0.0)
                with store.batch_transaction():
                    send_once(store)
            except StoreUnavailable as error:
                if "restart the server" in str(error) and not is_refused:
                    is_refused = True
                    refused.wait(60)

    threads = [threading.Thread(target=work, args=(store,), daemon=True) for store in stores * 2]
    for thread in threads:
        thread.start()
    threading.Event().wait(0.05 * run)
    replace(other, path)
    refused.wait(60)
    ended.set()
    for thread in threads:
        thread.join(60)
    for store in stores:
        store.close()
    assert read_userids(path) == [account.userid for account in OTHER_ACCOUNTS]


@pytest.mark.parametrize("end", ["-wal", "-shm"])
def test_a_removed_log_makes_the_store_unavailable(path: Path, end: str) -> None:
    """A process with the removed file and one with a new file would not see each other's locks."""
    store = SqliteStore(path, timeouts=SHORT_TIMEOUTS)
    store.create_account(POSTPAID)
    send_once(store)
    file_with_suffix(path, end).unlink()
    with pytest.raises(StoreUnavailable, match=r"was removed or replaced while .*/store is in use: restart the server"):
        send_once(store)
    store.close()
    reopened = SqliteStore(path, timeouts=SHORT_TIMEOUTS)
    assert reopened.balance("2") == (-1, 0, 1)
    reopened.close()


def test_a_file_that_comes_back_is_used_again_with_its_log(path: Path, tmp_path: Path) -> None:
    store = SqliteStore(path, timeouts=SHORT_TIMEOUTS)
    store.create_account(POSTPAID)
    send_once(store)
    path.rename(tmp_path / "away")
    with pytest.raises(StoreUnavailable, match="is gone"):
        send_once(store)
    for end in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            file_with_suffix(path, end).unlink()
    (tmp_path / "away").rename(path)
    assert store.balance("2") == (-1, 0, 1)
    send_once(store)
    store.close()
    assert read_userids(path) == ["2"]


def test_a_symbolic_link_is_resolved_once(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    store = SqliteStore(link)
    store.create_account(POSTPAID)
    assert read_modes(path) == {"": "600", "-wal": "600", "-shm": "600"}
    store.check_ready()
    store.close()


# What is logged


def test_an_outage_of_the_file_is_logged_once_and_its_end_once(
    path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = 100.0
    store = SqliteStore(path, timeouts=SHORT_TIMEOUTS)
    store._database._availability._clock = lambda: now
    store.create_account(POSTPAID)
    path.rename(tmp_path / "away")
    for _ in range(20):
        with suppress(StoreUnavailable):
            send_once(store)
    (tmp_path / "away").rename(path)
    for _ in range(3):
        now += 1.0
        send_once(store)
    store.close()
    lines = [(record.levelno, record.getMessage()) for record in caplog.records]
    assert lines[0] == (logging.ERROR, f"the store is unavailable: {path} is gone")
    assert lines[1][0] == logging.ERROR
    assert lines[1][1].startswith("the store is available again after ")
    assert len(lines) == 2
