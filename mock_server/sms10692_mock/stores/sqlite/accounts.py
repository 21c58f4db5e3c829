"""The accounts and the global settings in the database, with a short-lived cache.

Balances, sends and queues are in `store`.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from sqlite3 import Connection
from typing import Any, Final

from sms10692_mock.domain.accounts import Account, initial_balance
from sms10692_mock.domain.clock import Clock
from sms10692_mock.domain.records import Settings
from sms10692_mock.domain.store import NoSuchAccount, StoreUnavailable
from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.stores.retention import Usage
from sms10692_mock.stores.serialization import dump_account, dump_settings, load_account, load_settings
from sms10692_mock.stores.sqlite import queues
from sms10692_mock.stores.sqlite.database import Database
from sms10692_mock.stores.sqlite.queues import get_queue_id
from sms10692_mock.stores.sqlite.sequences import Sequences
from sms10692_mock.stores.sqlite.text_codec import from_db, to_db
from sms10692_mock.stores.sqlite.usage import unused_since

_CACHE_SECONDS: Final = 0.005
"""Seconds for which cached accounts and settings are used without a look at the version in the database."""

_CACHE_SIZE: Final = 10_000
"""Accounts in the cache, at most."""


_EVICTION_BATCH: Final = 100
"""Accounts that are evicted in one transaction, so that a send that arrives meanwhile waits for a short time only."""


class _AccountsSnapshot:
    """Cached accounts and settings of one version of the database."""

    def __init__(self, version: int, settings: Settings) -> None:
        self.version = version
        self.settings = settings
        self.accounts: dict[str, Account] = {}


class _BatchSnapshot:
    """Cache of an open batch: whether it has changed accounts or settings, and what it has read since.

    Uncommitted changes are visible to the batch only.
    """

    def __init__(self) -> None:
        self.is_changed = False
        self.snapshot: _AccountsSnapshot | None = None


class AccountTable:
    """Accounts and settings in the database. Thread-safe.

    `wake` requests a run of the background maintenance. Methods without a docstring are those of `Store`.
    """

    def __init__(self, database: Database, sequences: Sequences, real_time: Clock, wake: Callable[[], None]) -> None:
        self._database = database
        self._sequences = sequences
        self._real_time = real_time
        self._wake = wake
        self._snapshot: _AccountsSnapshot | None = None
        self._read_at = 0.0
        self._changes = 0
        self._snapshot_lock = threading.Lock()
        self._last_used: dict[str, float] = {}
        self._batch = _BatchSnapshot()

    def create_account(self, account: Account, *, keep: bool = False) -> bool:
        initial_balance(account)
        with self.write_transaction() as db:
            if keep and self._exists(db, account.userid):
                return False
            self._insert(db, account)
        self._last_used.pop(account.userid, None)
        self._wake()
        return True

    def reset(self, userid: str, change: Callable[[Account], Account]) -> Account:
        with self.write_transaction() as db:
            account = change(read_account(db, get_account_id(db, userid)))
            self._insert(db, account)
        self._last_used.pop(userid, None)
        self._wake()
        return account

    def _exists(self, db: Connection, userid: str) -> bool:
        return db.execute("SELECT 1 FROM accounts WHERE userid = ?", (to_db(userid),)).fetchone() is not None

    def _insert(self, db: Connection, account: Account) -> None:
        """Insert an account, replacing one of the same userid.

        A replacement keeps its position in the order of accounts.
        """
        points = initial_balance(account)
        position = self._delete(db, account.userid)
        account_id = db.execute(
            "INSERT INTO accounts (userid, position, settings, postpaid, temporary, used, points, total_added) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                to_db(account.userid),
                position or 0,
                dump_account(account),
                account.postpaid,
                account.temporary,
                self._real_time(),
                points,
                points,
            ),
        ).lastrowid
        if account_id is None:
            raise AssertionError("the INSERT returned no row id")
        if position is None:
            db.execute("UPDATE accounts SET position = ? WHERE id = ?", (account_id, account_id))
        for name in ("reports", "replies"):
            queues.create_queue(db, get_queue_id(account_id, name))

    def account(self, userid: str) -> Account | None:
        snapshot = self._refresh()
        account = snapshot.accounts.get(userid)
        if account is None:
            with self._database.reading() as db:
                row = db.execute("SELECT settings FROM accounts WHERE userid = ?", (to_db(userid),)).fetchone()
            if row is None:
                return None
            account = load_account(row[0])
            if len(snapshot.accounts) >= _CACHE_SIZE:
                snapshot.accounts.clear()
            snapshot.accounts[userid] = account
        if account.temporary:
            self._last_used[userid] = self._real_time()
            self._wake()
        return account

    def userids(self) -> list[str]:
        with self._database.reading() as db:
            return [from_db(userid) for (userid,) in db.execute("SELECT userid FROM accounts ORDER BY position")]

    def accounts(self, last: int | None = None) -> list[Account]:
        with self._database.reading() as db:
            rows = db.execute(
                "SELECT settings FROM accounts ORDER BY position DESC LIMIT ?", (-1 if last is None else last,)
            ).fetchall()
        return [load_account(serialized) for (serialized,) in reversed(rows)]

    def update_account(self, userid: str, change: Callable[[Account], Account]) -> Account:
        with self.write_transaction() as db:
            account_id = get_account_id(db, userid)
            account = change(read_account(db, account_id))
            db.execute(
                "UPDATE accounts SET settings = ?, postpaid = ?, temporary = ? WHERE id = ?",
                (dump_account(account), account.postpaid, account.temporary, account_id),
            )
        return account

    def delete_account(self, userid: str) -> None:
        with self.write_transaction() as db:
            self._delete(db, userid)
        self._last_used.pop(userid, None)
        self._wake()

    def expire(self, unused_since: float) -> int:
        self.flush_last_used()
        with self.write_transaction() as db:
            unused = db.execute("SELECT userid FROM accounts WHERE temporary AND used < ?", (unused_since,)).fetchall()
            for (userid,) in unused:
                self._delete(db, from_db(userid))
        self._wake()
        return len(unused)

    def evict(self, usages: Sequence[Usage]) -> int:
        """Delete these accounts, except those that were used or got items since. Returns how many were deleted."""
        evicted_count = 0
        for first in range(0, len(usages), _EVICTION_BATCH):
            with self.write_transaction() as db:
                unused = list(unused_since(db, usages[first : first + _EVICTION_BATCH]))
                unused = [userid for userid in unused if userid not in self._last_used]
                for userid in unused:
                    self._delete(db, userid)
                db.execute("UPDATE state SET evicted_accounts = evicted_accounts + ?", (len(unused),))
            evicted_count += len(unused)
        self._wake()
        return evicted_count

    def evicted(self) -> int:
        """Number of accounts evicted since the file was created."""
        with self._database.reading() as db:
            return int(db.execute("SELECT evicted_accounts FROM state").fetchone()[0])

    def settings(self) -> Settings:
        return self._refresh().settings

    def change_settings(self, change: Callable[[Settings], Settings]) -> Settings:
        with self.write_transaction() as db:
            (text,) = db.execute("SELECT settings FROM state").fetchone()
            settings = change(self._read_settings(text))
            db.execute("UPDATE state SET settings = ?", (dump_settings(settings),))
        return settings

    def _delete(self, db: Connection, userid: str) -> int | None:
        """Delete an account and its queues, if it exists. Returns its position in the order of accounts, or None.

        The background maintenance deletes its messages and items later.
        """
        row = db.execute("SELECT id, position FROM accounts WHERE userid = ?", (to_db(userid),)).fetchone()
        if row is None:
            return None
        account_id, position = row
        db.execute("DELETE FROM accounts WHERE id = ?", (account_id,))
        db.execute(
            "DELETE FROM queues WHERE id IN (?, ?)",
            (get_queue_id(account_id, "reports"), get_queue_id(account_id, "replies")),
        )
        db.execute("INSERT INTO deleted_accounts VALUES (?)", (account_id,))
        return int(position)

    def _refresh(self) -> _AccountsSnapshot:
        """The cached snapshot, read again if it is older than `_CACHE_SECONDS` and the version has changed."""
        if self._batch.is_changed and self._database.in_batch():
            return self._refresh_in_batch()
        now = monotonic()
        snapshot = self._snapshot
        if snapshot is not None and now - self._read_at < _CACHE_SECONDS:
            return snapshot
        changes = self._changes
        with self._database.reading() as db:
            version, tasks, requests = db.execute("SELECT version, tasks, requests FROM state").fetchone()
            if snapshot is None or snapshot.version != version:
                (text,) = db.execute("SELECT settings FROM state").fetchone()
                snapshot = _AccountsSnapshot(version, self._read_settings(text))
        self._sequences.observe(tasks, requests)
        with self._snapshot_lock:
            if changes == self._changes:
                self._snapshot, self._read_at = snapshot, now
        return snapshot

    def _refresh_in_batch(self) -> _AccountsSnapshot:
        """The accounts and settings as the open batch sees them, with its uncommitted changes."""
        snapshot = self._batch.snapshot
        if snapshot is None:
            with self._database.reading() as db:
                version, text = db.execute("SELECT version, settings FROM state").fetchone()
            snapshot = self._batch.snapshot = _AccountsSnapshot(version, self._read_settings(text))
        return snapshot

    def _read_settings(self, text: str) -> Settings:
        settings, snapshot = load_settings(text), self._snapshot
        if snapshot is not None and settings.words == snapshot.settings.words:
            # The same tuple object, because the index of forbidden words is cached by its identity.
            return replace(settings, words=snapshot.settings.words)
        return settings

    def write_transaction(self) -> "_ChangeTransaction":
        """Begin a write transaction that changes accounts or settings."""
        return _ChangeTransaction(self, self._database)

    def invalidate(self) -> None:
        """Drop the cache: the next read takes place in the database."""
        if self._database.in_batch():
            self._invalidate_batch()
            return
        with self._snapshot_lock:
            self._changes += 1
            self._read_at = 0.0

    def _invalidate_batch(self) -> None:
        batch = self._batch
        batch.snapshot = None
        if not batch.is_changed:
            batch.is_changed = True
            self._database.on_commit(self._on_batch_end)

    def _on_batch_end(self, _: bool) -> None:
        """The changes of the batch were committed or rolled back: drop both caches."""
        self._batch = _BatchSnapshot()
        self.invalidate()

    def flush_last_used(self) -> None:
        """Write the times of last use that were collected since the last call.

        Raises StoreUnavailable, and keeps them.
        """
        last_used, self._last_used = self._last_used, {}
        if not last_used:
            return
        try:
            with self._database.writing as db:
                db.executemany(
                    "UPDATE accounts SET used = max(used, ?) WHERE userid = ?",
                    [(time, to_db(userid)) for userid, time in list(last_used.items())],
                )
        except StoreUnavailable:
            self._last_used = last_used | self._last_used
            raise


class _ChangeTransaction:
    """A write transaction that increments the version of accounts and settings, and drops the cache at its end."""

    def __init__(self, accounts: AccountTable, database: Database) -> None:
        self._accounts = accounts
        self._transaction = database.writing

    def __enter__(self) -> Connection:
        self._db = self._transaction.__enter__()
        return self._db

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        try:
            if error is None:
                # Last, so that an operation that changes nothing has written nothing that would fail a batch.
                try:
                    self._db.execute("UPDATE state SET version = version + 1")
                except BaseException as failure:
                    self._transaction.__exit__(type(failure), failure, failure.__traceback__)
                    raise
            self._transaction.__exit__(kind, error, traceback)
        finally:
            self._accounts.invalidate()


def get_account_id(db: Connection, userid: str) -> int:
    """The row id of the account. Raises NoSuchAccount."""
    row = db.execute("SELECT id FROM accounts WHERE userid = ?", (to_db(userid),)).fetchone()
    if row is None:
        raise NoSuchAccount(userid)
    return int(row[0])


def read_account(db: Connection, account_id: int) -> Account:
    """The account of this row id, read from the database."""
    (serialized,) = db.execute("SELECT settings FROM accounts WHERE id = ?", (account_id,)).fetchone()
    return load_account(serialized)
