"""Background maintenance: write the request log, delete history beyond the limits, checkpoint the write-ahead log.

Each transaction is small, so that a send that arrives meanwhile waits for a short time only.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from sqlite3 import Connection
from typing import Final

from sms10692_mock.domain.records import Limits, QueueName
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.stores.retention import History
from sms10692_mock.stores.sqlite import queues
from sms10692_mock.stores.sqlite.database import Database
from sms10692_mock.stores.sqlite.queues import get_queue_id

_MIN_INTERVAL: Final = 0.05
"""Seconds between two runs, at least: what arrives meanwhile is written together."""

_RETRY_AFTER: Final = 0.5
"""Seconds after which a run is repeated that failed because the store was unavailable."""

_CHECK_INTERVAL: Final = 1.0
"""Seconds between two checks of an idle file, which may be removed or replaced."""

_MAX_ROWS: Final = 500
"""Rows that are deleted in one transaction, at most."""


class MaintenanceThread:
    """A daemon thread that does the background work soon after `wake` or `mark_over_limit`. Methods are thread-safe."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        fetched = (limits.fetched, limits.fetched_bytes)
        self._limits = History(limits.messages, limits.message_bytes, *fetched, *fetched)
        self._over_limit: set[int] = set()
        self._trimming = threading.Lock()
        self._wake_up = threading.Event()
        self._stopping = threading.Event()
        self._flushes: Sequence[Callable[[], object]] = ()
        self._thread = threading.Thread(target=self._loop, name="sqlite", daemon=True)

    def start(self, *flushes: Callable[[], object]) -> None:
        """Start the thread. Each of `flushes` writes data that is buffered elsewhere."""
        self._flushes = flushes
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and do the remaining work on this thread. If the store is unavailable, log what is lost."""
        self._stopping.set()
        self._wake_up.set()
        self._thread.join()
        try:
            self.run_now()
        except StoreUnavailable as error:
            logging.getLogger(__name__).error("the last entries of the request log are lost: %s", error)

    def wake(self) -> None:
        """Request a run."""
        if not self._wake_up.is_set():
            self._wake_up.set()

    def mark_over_limit(self, account_id: int) -> None:
        """Request that the history of an account is cut to the limits."""
        self._over_limit.add(account_id)
        self._wake_up.set()

    def trim_if_needed(self, account_id: int) -> None:
        """Cut the history of an account now if it was marked as over the limit."""
        if account_id in self._over_limit or self._trimming.locked():
            with self._trimming:  # another thread may be trimming this account
                if account_id in self._over_limit:
                    self._trim_account(account_id)

    def run_now(self) -> None:
        """Do all pending work on this thread. Raises StoreUnavailable; the work stays pending then."""
        for flush in self._flushes:
            flush()
        while self._over_limit:
            with self._trimming:
                for account_id in list(self._over_limit):
                    self._trim_account(account_id)
        self._delete_orphans()

    def _loop(self) -> None:
        while not self._stopping.is_set():
            self._wake_up.wait(_CHECK_INTERVAL)
            if self._stopping.wait(_MIN_INTERVAL):
                return
            has_work = self._wake_up.is_set()
            if has_work:
                self._wake_up.clear()
            if self._stopping.is_set():  # `stop` sets both events, and one was just cleared
                return
            try:
                self._database.watch()
                if has_work:
                    self.run_now()
                    self._database.checkpoint()
            except StoreUnavailable:
                # Callers get the error from their own operations; the pending work is repeated later.
                self._wake_up.set()
                self._stopping.wait(_RETRY_AFTER)
            except Exception:
                logging.getLogger(__name__).exception("background maintenance of the store failed")

    def _trim_account(self, account_id: int) -> None:
        """Cut the history of an account to the limits. The mark is removed first: the account may grow meanwhile."""
        self._over_limit.discard(account_id)
        try:
            self._delete_beyond(account_id, self._limits)
        except StoreUnavailable:
            self._over_limit.add(account_id)
            raise

    def trim(self, account_id: int, limits: History) -> None:
        """Cut the history of an account to these limits now."""
        with self._trimming:
            self._delete_beyond(account_id, limits)

    def _delete_beyond(self, account_id: int, limits: History) -> None:
        """Delete messages and fetched items beyond the limits, in several transactions. Requires `_trimming`."""
        queue_limits: tuple[tuple[QueueName, int, int], ...] = (
            ("reports", limits.reports, limits.report_bytes),
            ("replies", limits.replies, limits.reply_bytes),
        )
        while True:
            with self._database.writing as db:
                found = db.execute("SELECT messages FROM accounts WHERE id = ?", (account_id,)).fetchone()
                if found is None:
                    return
                more = _delete_messages(db, account_id, limits)
                first = db.execute("SELECT min(before) FROM tasks WHERE account = ?", (account_id,)).fetchone()[0]
                before = found[0] if first is None else first
                for name, items, size in queue_limits:
                    more_items = queues.delete_fetched(
                        db, get_queue_id(account_id, name), items, size, before, _MAX_ROWS
                    )
                    more = more_items or more
            if not more:
                return

    def _delete_orphans(self) -> None:
        """Delete the rows of deleted accounts, a bounded number per transaction."""
        while True:
            with self._database.reading() as db:
                orphan = db.execute("SELECT account FROM deleted_accounts LIMIT 1").fetchone()
            if orphan is None:
                return
            with self._database.writing as db:
                if not any(_delete_rows(db, *table, orphan[0]) for table in _ORPHAN_TABLES):
                    db.execute("DELETE FROM deleted_accounts WHERE account = ?", orphan)


_ORPHAN_TABLES: Final = (
    ("items", "queue", "position", 2, 0),
    ("items", "queue", "position", 2, 1),
    ("scheduled", "queue", "due, arrival", 2, 0),
    ("scheduled", "queue", "due, arrival", 2, 1),
    ("fetches", "queue", "first", 2, 0),
    ("fetches", "queue", "first", 2, 1),
    ("tasks", "account", "before", 1, 0),
)
"""Tables with rows of an account: table, owner column, order, and factor and offset from account id to owner id."""


def _delete_rows(db: Connection, table: str, owner: str, order: str, times: int, plus: int, account_id: int) -> bool:
    """Delete at most `_MAX_ROWS` rows of an account from one table. Returns whether there were any."""
    owner_id = times * account_id + plus
    found = db.execute(
        f"SELECT {order} FROM {table} WHERE {owner} = ? ORDER BY {order} LIMIT 1 OFFSET ?",
        (owner_id, _MAX_ROWS),
    ).fetchone()
    if found is None:
        return db.execute(f"DELETE FROM {table} WHERE {owner} = ?", (owner_id,)).rowcount > 0
    placeholders = ", ".join("?" * len(found))
    db.execute(f"DELETE FROM {table} WHERE {owner} = ? AND ({order}) < ({placeholders})", (owner_id, *found))
    return True


def _delete_messages(db: Connection, account_id: int, limits: History) -> bool:
    """Delete at most `_MAX_ROWS` of the oldest tasks beyond the limits, but never the last task.

    Returns whether there may be more to delete.
    """
    evicted, stored, size = db.execute(
        "SELECT evicted, messages - evicted - deleted, bytes FROM accounts WHERE id = ?", (account_id,)
    ).fetchone()
    tasks = db.execute(
        "SELECT before, bytes, json_array_length(numbers) - json_array_length(deleted) FROM tasks WHERE account = ? "
        "ORDER BY before LIMIT ?",
        (account_id, _MAX_ROWS + 1),
    ).fetchall()
    rows = 0
    while rows < len(tasks) - 1 and (stored > limits.messages or size > limits.message_bytes):
        _, task_size, count = tasks[rows]
        evicted, stored, size = evicted + count, stored - count, size - task_size
        rows += 1
    if rows:
        db.execute("DELETE FROM tasks WHERE account = ? AND before < ?", (account_id, tasks[rows][0]))
        db.execute("UPDATE accounts SET evicted = ?, bytes = ? WHERE id = ?", (evicted, size, account_id))
    return rows == _MAX_ROWS
