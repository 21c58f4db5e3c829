"""Accounts and settings in the file, and what of them is remembered between two looks at it.

Here belong terms: who there is, and what holds for them. What an account has and sends is `store`'s.
"""

import threading
from collections.abc import Callable, Sequence
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
from sms10692_mock.stores.sqlite.queues import get_queue
from sms10692_mock.stores.sqlite.sequences import Sequences
from sms10692_mock.stores.sqlite.text_codec import from_db, to_db
from sms10692_mock.stores.sqlite.usage import unused_since

_CACHE_SECONDS: Final = 0.005
"""Seconds for which what was read of accounts and settings is taken to hold, whatever other processes do."""

_CACHE_SIZE: Final = 10_000
"""Accounts that are remembered at once."""


_AT_ONCE: Final = 100
"""Accounts that are evicted in one transaction: a send that comes meanwhile waits for no more than that."""


class _Snapshot:
    """What was read of the file at some moment."""

    def __init__(self, version: int, settings: Settings) -> None:
        self.version = version
        self.settings = settings
        self.accounts: dict[str, Account] = {}


class _BatchSnapshot:
    """What a gathering alone may know: whether it changes accounts or settings, and what it read of them since."""

    def __init__(self) -> None:
        self.changes = False
        self.known: _Snapshot | None = None


class AccountTable:
    """The accounts and settings of a file. `wake` says that there is something to be done beside the answers."""

    def __init__(self, file: Database, numbers: Sequences, real_time: Clock, wake: Callable[[], None]) -> None:
        self._file = file
        self._numbers = numbers
        self._real_time = real_time
        self._wake = wake
        self._known: _Snapshot | None = None
        self._looked = 0.0
        self._changes = 0
        self._looking = threading.Lock()
        self._used: dict[str, float] = {}
        self._gathered = _BatchSnapshot()

    def create_account(self, account: Account, *, keep: bool = False) -> bool:
        initial_balance(account)
        with self.write_transaction() as db:
            if keep and self._is_there(db, account.userid):
                return False
            self._opened(db, account)
        self._used.pop(account.userid, None)
        self._wake()
        return True

    def reset(self, userid: str, change: Callable[[Account], Account]) -> Account:
        with self.write_transaction() as db:
            account = change(read_account(db, get_account_id(db, userid)))
            self._opened(db, account)
        self._used.pop(userid, None)
        self._wake()
        return account

    def _is_there(self, db: Connection, userid: str) -> bool:
        return db.execute("SELECT 1 FROM accounts WHERE userid = ?", (to_db(userid),)).fetchone() is not None

    def _opened(self, db: Connection, account: Account) -> None:
        """Take an account in, in place of one of the same userid."""
        points = initial_balance(account)
        arrived = self._closed(db, account.userid)
        opened = db.execute(
            "INSERT INTO accounts (userid, arrived, terms, postpaid, throwaway, used, points, charged_up) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                to_db(account.userid),
                arrived or 0,
                dump_account(account),
                account.postpaid,
                account.throwaway,
                self._real_time(),
                points,
                points,
            ),
        ).lastrowid
        if opened is None:
            raise AssertionError("a row was written")
        if arrived is None:
            db.execute("UPDATE accounts SET arrived = ? WHERE id = ?", (opened, opened))
        for name in ("reports", "replies"):
            queues.open_queue(db, get_queue(opened, name))

    def account(self, userid: str) -> Account | None:
        known = self._refresh()
        account = known.accounts.get(userid)
        if account is None:
            with self._file.reading() as db:
                row = db.execute("SELECT terms FROM accounts WHERE userid = ?", (to_db(userid),)).fetchone()
            if row is None:
                return None
            account = load_account(row[0])
            if len(known.accounts) >= _CACHE_SIZE:
                known.accounts.clear()
            known.accounts[userid] = account
        if account.throwaway:
            self._used[userid] = self._real_time()
            self._wake()
        return account

    def userids(self) -> list[str]:
        with self._file.reading() as db:
            return [from_db(userid) for (userid,) in db.execute("SELECT userid FROM accounts ORDER BY arrived")]

    def accounts(self, last: int | None = None) -> list[Account]:
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT terms FROM accounts ORDER BY arrived DESC LIMIT ?", (-1 if last is None else last,)
            ).fetchall()
        return [load_account(terms) for (terms,) in reversed(rows)]

    def update_account(self, userid: str, change: Callable[[Account], Account]) -> Account:
        with self.write_transaction() as db:
            number = get_account_id(db, userid)
            account = change(read_account(db, number))
            db.execute(
                "UPDATE accounts SET terms = ?, postpaid = ?, throwaway = ? WHERE id = ?",
                (dump_account(account), account.postpaid, account.throwaway, number),
            )
        return account

    def delete_account(self, userid: str) -> None:
        with self.write_transaction() as db:
            self._closed(db, userid)
        self._used.pop(userid, None)
        self._wake()

    def expire(self, unused_since: float) -> int:
        self.flush_last_used()
        with self.write_transaction() as db:
            unused = db.execute("SELECT userid FROM accounts WHERE throwaway AND used < ?", (unused_since,)).fetchall()
            for (userid,) in unused:
                self._closed(db, from_db(userid))
        self._wake()
        return len(unused)

    def evict(self, some: Sequence[Usage]) -> int:
        """Close these accounts, but for those that were used or got something since; how many."""
        closed = 0
        for first in range(0, len(some), _AT_ONCE):
            with self.write_transaction() as db:
                unused = list(unused_since(db, some[first : first + _AT_ONCE]))
                unused = [userid for userid in unused if userid not in self._used]
                for userid in unused:
                    self._closed(db, userid)
                db.execute("UPDATE state SET evicted = evicted + ?", (len(unused),))
            closed += len(unused)
        self._wake()
        return closed

    def evicted(self) -> int:
        """How many accounts were ever evicted."""
        with self._file.reading() as db:
            return int(db.execute("SELECT evicted FROM state").fetchone()[0])

    def settings(self) -> Settings:
        return self._refresh().settings

    def change_settings(self, change: Callable[[Settings], Settings]) -> Settings:
        with self.write_transaction() as db:
            (text,) = db.execute("SELECT settings FROM state").fetchone()
            settings = change(self._read_settings(text))
            db.execute("UPDATE state SET settings = ?", (dump_settings(settings),))
        return settings

    def _closed(self, db: Connection, userid: str) -> int | None:
        """Close an account, if there is one; when it arrived. What was kept for it is deleted beside the answers."""
        row = db.execute("SELECT id, arrived FROM accounts WHERE userid = ?", (to_db(userid),)).fetchone()
        if row is None:
            return None
        number, arrived = row
        db.execute("DELETE FROM accounts WHERE id = ?", (number,))
        db.execute(
            "DELETE FROM queues WHERE id IN (?, ?)", (get_queue(number, "reports"), get_queue(number, "replies"))
        )
        db.execute("INSERT INTO leftovers VALUES (?)", (number,))
        return int(arrived)

    def _refresh(self) -> _Snapshot:
        if self._gathered.changes and self._file.is_gathering():
            return self._refresh_in_batch()
        now = monotonic()
        known = self._known
        if known is not None and now - self._looked < _CACHE_SECONDS:
            return known
        changes = self._changes
        with self._file.reading() as db:
            version, tasks, requests = db.execute("SELECT version, tasks, requests FROM state").fetchone()
            if known is None or known.version != version:
                (text,) = db.execute("SELECT settings FROM state").fetchone()
                known = _Snapshot(version, self._read_settings(text))
        self._numbers.seen(tasks, requests)
        with self._looking:
            if changes == self._changes:
                self._known, self._looked = known, now
        return known

    def _refresh_in_batch(self) -> _Snapshot:
        """What holds, if what is changed here is written."""
        known = self._gathered.known
        if known is None:
            with self._file.reading() as db:
                version, text = db.execute("SELECT version, settings FROM state").fetchone()
            known = self._gathered.known = _Snapshot(version, self._read_settings(text))
        return known

    def _read_settings(self, text: str) -> Settings:
        settings, known = load_settings(text), self._known
        if known is not None and settings.words == known.settings.words:
            # The same words in the same tuple: who searches for them need not begin anew.
            return Settings(settings.clock, known.settings.words, settings.faults)
        return settings

    def write_transaction(self) -> "_ChangeTransaction":
        """A transaction that changes accounts or settings."""
        return _ChangeTransaction(self, self._file)

    def invalidate(self) -> None:
        """Forget what was read."""
        if self._file.is_gathering():
            self._changed_inside()
            return
        with self._looking:
            self._changes += 1
            self._looked = 0.0

    def _changed_inside(self) -> None:
        gathered = self._gathered
        gathered.known = None
        if not gathered.changes:
            gathered.changes = True
            self._file.on_commit(self._over)

    def _over(self, _: bool) -> None:
        """What was changed inside a gathering is everybody's now, or nobody's."""
        self._gathered = _BatchSnapshot()
        self.invalidate()

    def flush_last_used(self) -> None:
        """Write down when accounts were used that somebody has looked up since."""
        used, self._used = self._used, {}
        if not used:
            return
        try:
            with self._file.writing as db:
                db.executemany(
                    "UPDATE accounts SET used = max(used, ?) WHERE userid = ?",
                    [(moment, to_db(userid)) for userid, moment in list(used.items())],
                )
        except StoreUnavailable:
            self._used = used | self._used
            raise


class _ChangeTransaction:
    """A transaction that changes accounts or settings: what was read of them before does not hold after it."""

    def __init__(self, accounts: AccountTable, file: Database) -> None:
        self._accounts = accounts
        self._writing = file.writing

    def __enter__(self) -> Connection:
        self._db = self._writing.__enter__()
        return self._db

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        try:
            if error is None:
                # Last: who finds that there is nothing to change has written nothing that must be undone.
                try:
                    self._db.execute("UPDATE state SET version = version + 1")
                except BaseException as failure:
                    self._writing.__exit__(type(failure), failure, failure.__traceback__)
                    raise
            self._writing.__exit__(kind, error, traceback)
        finally:
            self._accounts.invalidate()


def get_account_id(db: Connection, userid: str) -> int:
    """The number of the account of this userid. Raises NoSuchAccount."""
    row = db.execute("SELECT id FROM accounts WHERE userid = ?", (to_db(userid),)).fetchone()
    if row is None:
        raise NoSuchAccount(userid)
    return int(row[0])


def read_account(db: Connection, number: int) -> Account:
    """The account of this number, as it stands in the file."""
    (terms,) = db.execute("SELECT terms FROM accounts WHERE id = ?", (number,)).fetchone()
    return load_account(terms)
