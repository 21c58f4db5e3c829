"""What is done beside the answers: writing the journal, dropping what is over, moving the log.

Here belongs when it is done, and how much of it at once. What is over is the affair of the limits.
"""

import logging
import threading
from collections.abc import Callable
from sqlite3 import Connection
from typing import Final

from sms10692_mock.domain.records import Limits, QueueName
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.stores.retention import History
from sms10692_mock.stores.sqlite import queues
from sms10692_mock.stores.sqlite.database import Database
from sms10692_mock.stores.sqlite.queues import get_queue
from sms10692_mock.stores.sqlite.request_log import SqliteRequestLog

_EVERY: Final = 0.05
_AGAIN: Final = 0.5
_WATCHED_EVERY: Final = 1.0
"""Seconds between two looks at the file while nobody uses it: another may be put in its place."""

_SOME: Final = 500
"""Rows that are deleted in one transaction: a send that comes meanwhile waits for no more than that."""


class MaintenanceThread:
    """A thread that does it soon after somebody has said that there is something to do."""

    def __init__(self, file: Database, journal: SqliteRequestLog, limits: Limits) -> None:
        self._file = file
        self._journal = journal
        fetched = (limits.handed_out, limits.handed_out_bytes)
        self._kept = History(limits.messages, limits.message_bytes, *fetched, *fetched)
        self._grown: set[int] = set()
        self._shrinking = threading.Lock()
        self._something = threading.Event()
        self._released = threading.Event()
        self._write_used: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._work, name="sqlite", daemon=True)

    def start(self, write_used: Callable[[], None]) -> None:
        """Begin. `write_used` writes when accounts were used."""
        self._write_used = write_used
        self._thread.start()

    def release(self) -> None:
        """Do what is left, as far as it can be, and end."""
        self._released.set()
        self._something.set()
        self._thread.join()
        try:
            self.run_now()
        except StoreUnavailable as error:
            logging.getLogger(__name__).error("the end of the journal is lost: %s", error)

    def wake(self) -> None:
        """There is something to do."""
        if not self._something.is_set():
            self._something.set()

    def mark_over_limit(self, account: int) -> None:
        """An account has more than the limits let it keep."""
        self._grown.add(account)
        self._something.set()

    def trim_if_needed(self, account: int) -> None:
        """Drop now what of an account is beyond the limits."""
        if account in self._grown or self._shrinking.locked():
            with self._shrinking:  # somebody may be at this very account
                if account in self._grown:
                    self._shrink(account)

    def run_now(self) -> None:
        """Do now what is done beside the answers otherwise."""
        self._journal.write()
        self._write_used()
        while self._grown:
            with self._shrinking:
                for account in list(self._grown):
                    self._shrink(account)
        self._delete_orphans()

    def _work(self) -> None:
        while not self._released.is_set():
            self._something.wait(_WATCHED_EVERY)
            if self._released.wait(_EVERY):
                return
            is_something = self._something.is_set()
            if is_something:
                self._something.clear()
            if self._released.is_set():  # and what woke this thread was just cleared
                return
            try:
                self._file.watch()
                if is_something:
                    self.run_now()
                    self._file.checkpoint()
            except StoreUnavailable:
                # Whoever asks for something is told; what waits to be written is written when the file is back.
                self._something.set()
                self._released.wait(_AGAIN)
            except Exception:
                logging.getLogger(__name__).exception("what is done beside the answers failed")

    def _shrink(self, number: int) -> None:
        """Drop what is beyond the limits of an account: it may grow again meanwhile."""
        self._grown.discard(number)
        try:
            self._drop(number, self._kept)
        except StoreUnavailable:
            self._grown.add(number)
            raise

    def shrink(self, number: int, kept: History) -> None:
        """Drop now what an account has beyond this."""
        with self._shrinking:
            self._drop(number, kept)

    def _drop(self, number: int, kept: History) -> None:
        of_queues: tuple[tuple[QueueName, int, int], ...] = (
            ("reports", kept.reports, kept.report_bytes),
            ("replies", kept.replies, kept.reply_bytes),
        )
        while True:
            with self._file.writing as db:
                found = db.execute("SELECT dropped FROM accounts WHERE id = ?", (number,)).fetchone()
                if found is None:
                    return
                more = _drop_messages(db, number, kept)
                (dropped,) = db.execute("SELECT dropped FROM accounts WHERE id = ?", (number,)).fetchone()
                for name, items, size in of_queues:
                    of_queue = queues.delete(db, get_queue(number, name), items, size, dropped, _SOME)
                    more = of_queue or more
            if not more:
                return

    def _delete_orphans(self) -> None:
        """Delete what closed accounts have left."""
        while True:
            with self._file.reading() as db:
                left = db.execute("SELECT account FROM leftovers LIMIT 1").fetchone()
            if left is None:
                return
            with self._file.writing as db:
                if not any(_delete_some(db, *part, left[0]) for part in _LEFT):
                    db.execute("DELETE FROM leftovers WHERE account = ?", left)


_LEFT: Final = (
    ("items", "queue", "place", 2, 0),
    ("items", "queue", "place", 2, 1),
    ("later", "queue", "due, arrival", 2, 0),
    ("later", "queue", "due, arrival", 2, 1),
    ("fetches", "queue", "first", 2, 0),
    ("fetches", "queue", "first", 2, 1),
    ("tasks", "account", "before", 1, 0),
)
"""Where something of an account stands: table, whose, in which order, and how the owner's number is made."""


def _delete_some(db: Connection, table: str, owner: str, order: str, times: int, plus: int, account: int) -> bool:
    """Delete some rows of an account; whether there were any."""
    mine = times * account + plus
    found = db.execute(
        f"SELECT {order} FROM {table} WHERE {owner} = ? ORDER BY {order} LIMIT 1 OFFSET ?",  # noqa: S608 - of _LEFT
        (mine, _SOME),
    ).fetchone()
    if found is None:
        return db.execute(f"DELETE FROM {table} WHERE {owner} = ?", (mine,)).rowcount > 0  # noqa: S608
    marks = ", ".join("?" * len(found))
    db.execute(f"DELETE FROM {table} WHERE {owner} = ? AND ({order}) < ({marks})", (mine, *found))  # noqa: S608
    return True


def _drop_messages(db: Connection, number: int, kept: History) -> bool:
    """Drop some messages of an account beyond this, but for the last task; whether there may be more to drop."""
    messages, size = db.execute("SELECT messages, bytes FROM accounts WHERE id = ?", (number,)).fetchone()
    tasks = db.execute(
        "SELECT before, bytes FROM tasks WHERE account = ? ORDER BY before LIMIT ?", (number, _SOME + 1)
    ).fetchall()
    cut = 0
    while cut < len(tasks) - 1 and (messages - tasks[cut][0] > kept.messages or size > kept.message_bytes):
        size -= tasks[cut][1]
        cut += 1
    if cut:
        before = tasks[cut][0]
        db.execute("DELETE FROM tasks WHERE account = ? AND before < ?", (number, before))
        db.execute("UPDATE accounts SET dropped = ?, bytes = ? WHERE id = ?", (before, size, number))
    return cut == _SOME
