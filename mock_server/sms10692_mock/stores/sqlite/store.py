"""A `Store` in a SQLite file: accounts, sends and queues, each operation one transaction.

Here belongs how the protocol's promises are kept by transactions, what of the file is remembered between them, and
what is done beside the answers: writing the journal, dropping what is over, moving the log.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from sqlite3 import Connection
from time import monotonic
from typing import Any, Final

from sms10692_mock.accounts import Account
from sms10692_mock.clock import Clock
from sms10692_mock.stores.documents import account_from_text, account_text, settings_from_text, settings_text
from sms10692_mock.stores.protocol import FIRST_TASK_ID, NoSuchAccount, OtherRules, StoreUnavailable
from sms10692_mock.stores.records import (
    Entry,
    Fate,
    Ledger,
    Limits,
    Listed,
    Message,
    Queued,
    QueueName,
    Reply,
    Report,
    RulesUsed,
    Settings,
    Standing,
    Task,
    Wanted,
)
from sms10692_mock.stores.sqlite import queues
from sms10692_mock.stores.sqlite.file import File
from sms10692_mock.stores.sqlite.journal import Journal
from sms10692_mock.stores.sqlite.numbers import Numbers
from sms10692_mock.stores.sqlite.texts import read, written
from sms10692_mock.stores.wanted import listed, says_message

_FRESH: Final = 0.005
"""Seconds for which what was read of accounts and settings is taken to hold, whatever other processes do."""

_REMEMBERED: Final = 10_000
"""Accounts that are remembered at once."""

_EVERY: Final = 0.05
_AGAIN: Final = 0.5
_SOME: Final = 500
"""Rows that are deleted in one transaction: a send that comes meanwhile waits for no more than that."""

_AT_ONCE: Final = 200
"""Messages whose reports are looked up at once, where messages are listed."""

_NEVER: Final = Fate("never")


class _Known:
    """What was read of the file at some moment."""

    def __init__(self, version: int, settings: Settings) -> None:
        self.version = version
        self.settings = settings
        self.accounts: dict[str, Account] = {}


class SqliteStore:
    """A `Store` in the file at `path`, which is made where there is none.

    What was answered survives the end of the process, however it ends; a power cut may take the last moments, unless
    the store is `durable`, which waits for the disk before each answer. Several processes may share the file.

    Raises StoreUnavailable where the file cannot be used.
    """

    def __init__(
        self, path: Path, limits: Limits | None = None, real_time: Clock = time.time, durable: bool = False
    ) -> None:
        self.name = "sqlite"
        self.waits = True
        self._limits = limits or Limits()
        self._real_time = real_time
        self._file = File(path, durable)
        with self._file.writing as db:
            db.execute(
                "INSERT OR IGNORE INTO state VALUES (1, 1, ?, 1, ?, 0, 0, 0)",
                (FIRST_TASK_ID, settings_text(Settings())),
            )
        self._numbers = Numbers(self._file)
        self._journal = Journal(self._file, self._limits)
        self._known: _Known | None = None
        self._looked = 0.0
        self._changes = 0
        self._looking = threading.Lock()
        self._used: dict[str, float] = {}
        self._grown: set[int] = set()
        self._something = threading.Event()
        self._released = threading.Event()
        self._beside = threading.Thread(target=self._work_beside, name="sqlite", daemon=True)
        self._beside.start()
        self.next_task_id = self._numbers.next_task_id
        self.next_request = self._numbers.next_request
        self.requests = self._journal.entries
        self.request = self._journal.entry
        self.forget_requests = self._journal.forget

    def release(self) -> None:
        self._released.set()
        self._something.set()
        self._beside.join()
        try:
            self.settle()
        except StoreUnavailable as error:
            logging.getLogger(__name__).warning("the end of the journal is lost: %s", error)
        finally:
            self._file.close()

    def settle(self) -> None:
        """Do now what is done beside the answers otherwise."""
        self._journal.write()
        self._write_used()
        while self._grown:
            self._shrink(self._grown.pop())
        self._sweep()

    # Accounts

    def open(self, account: Account, *, keep: bool = False) -> None:
        userid = written(account.userid)
        with self._changing() as db:
            if keep and db.execute("SELECT 1 FROM accounts WHERE userid = ?", (userid,)).fetchone():
                return
            arrived = self._closed(db, account.userid)
            points = 0 if account.postpaid else account.points
            opened = db.execute(
                "INSERT INTO accounts (userid, arrived, terms, postpaid, throwaway, used, points, charged_up) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    userid,
                    arrived or 0,
                    account_text(account),
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
                queues.open_queue(db, _queue(opened, name))
        self._used.pop(account.userid, None)
        self._something.set()

    def account(self, userid: str) -> Account | None:
        known = self._look()
        account = known.accounts.get(userid)
        if account is None:
            with self._file.reading() as db:
                row = db.execute("SELECT terms FROM accounts WHERE userid = ?", (written(userid),)).fetchone()
            if row is None:
                return None
            account = account_from_text(row[0])
            if len(known.accounts) >= _REMEMBERED:
                known.accounts.clear()
            known.accounts[userid] = account
        if account.throwaway:
            self._used[userid] = self._real_time()
            self._something.set()
        return account

    def userids(self) -> list[str]:
        with self._file.reading() as db:
            return [read(userid) for (userid,) in db.execute("SELECT userid FROM accounts ORDER BY arrived")]

    def accounts(self, last: int | None = None) -> list[Account]:
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT terms FROM accounts ORDER BY arrived DESC LIMIT ?", (-1 if last is None else last,)
            ).fetchall()
        return [account_from_text(terms) for (terms,) in reversed(rows)]

    def change(self, userid: str, change: Callable[[Account], Account]) -> Account:
        with self._changing() as db:
            number = _id_of(db, userid)
            account = change(_account_of(db, number))
            db.execute(
                "UPDATE accounts SET terms = ?, postpaid = ?, throwaway = ? WHERE id = ?",
                (account_text(account), account.postpaid, account.throwaway, number),
            )
        return account

    def close(self, userid: str) -> None:
        with self._changing() as db:
            self._closed(db, userid)
        self._used.pop(userid, None)
        self._something.set()

    def expire(self, unused_since: float) -> int:
        self._write_used()
        with self._changing() as db:
            unused = db.execute("SELECT userid FROM accounts WHERE throwaway AND used < ?", (unused_since,)).fetchall()
            for (userid,) in unused:
                self._closed(db, read(userid))
        self._something.set()
        return len(unused)

    def settings(self) -> Settings:
        return self._look().settings

    def change_settings(self, change: Callable[[Settings], Settings]) -> Settings:
        with self._changing() as db:
            (text,) = db.execute("SELECT settings FROM state").fetchone()
            settings = change(self._read_settings(text))
            db.execute("UPDATE state SET settings = ?", (settings_text(settings),))
        return settings

    def _closed(self, db: Connection, userid: str) -> int | None:
        """Close an account, if there is one; when it arrived. What was kept for it is deleted beside the answers."""
        row = db.execute("SELECT id, arrived FROM accounts WHERE userid = ?", (written(userid),)).fetchone()
        if row is None:
            return None
        number, arrived = row
        db.execute("DELETE FROM accounts WHERE id = ?", (number,))
        db.execute("DELETE FROM queues WHERE id IN (?, ?)", (_queue(number, "reports"), _queue(number, "replies")))
        db.execute("INSERT INTO leftovers VALUES (?)", (number,))
        return int(arrived)

    # What is remembered of the file

    def _look(self) -> _Known:
        now = monotonic()
        known = self._known
        if known is not None and now - self._looked < _FRESH:
            return known
        changes = self._changes
        with self._file.reading() as db:
            version, tasks, requests = db.execute("SELECT version, tasks, requests FROM state").fetchone()
            if known is None or known.version != version:
                (text,) = db.execute("SELECT settings FROM state").fetchone()
                known = _Known(version, self._read_settings(text))
        self._numbers.seen(tasks, requests)
        with self._looking:
            if changes == self._changes:
                self._known, self._looked = known, now
        return known

    def _read_settings(self, text: str) -> Settings:
        settings, known = settings_from_text(text), self._known
        if known is not None and settings.words == known.settings.words:
            # The same words in the same tuple: who searches for them need not begin anew.
            return Settings(settings.clock, known.settings.words, settings.faults)
        return settings

    def _changing(self) -> "_Changing":
        return _Changing(self)

    def changed(self) -> None:
        """Forget what was read: for `_Changing`."""
        with self._looking:
            self._changes += 1
            self._looked = 0.0

    # Money, sends, queues

    def charge_up(self, userid: str, points: int) -> None:
        with self._file.writing as db:
            number = _id_of(db, userid)
            db.execute(
                "UPDATE accounts SET points = points + ?, charged_up = charged_up + ? WHERE id = ?",
                (points, points, number),
            )

    def standing(self, userid: str) -> Standing:
        with self._file.reading() as db:
            row = db.execute(
                "SELECT points, charged_up, messages FROM accounts WHERE userid = ?", (written(userid),)
            ).fetchone()
        if row is None:
            raise NoSuchAccount(userid)
        return Standing._make(row)

    def accept(
        self,
        userid: str,
        task: Task,
        reports: Sequence[Report],
        replies: Sequence[Reply],
        now: float,
        used: RulesUsed | None = None,
    ) -> int | None:
        cost, count, size = task.cost, len(task.numbers), task.size
        numbers = json.dumps(task.numbers)
        with self._changing() if used else self._file.writing as db:
            row = db.execute(
                "SELECT id, postpaid, points, messages, dropped, bytes FROM accounts WHERE userid = ?",
                (written(userid),),
            ).fetchone()
            if row is None:
                raise NoSuchAccount(userid)
            number, postpaid, points, before, dropped, kept = row
            account = _account_of(db, number) if used else None
            if used and account and account.outcomes != used.before:
                raise OtherRules(account.outcomes)
            if cost > points and not postpaid:
                return None
            if used and account:
                terms = account_text(replace(account, outcomes=used.after))
                db.execute("UPDATE accounts SET terms = ? WHERE id = ?", (terms, number))
            db.execute(
                "UPDATE accounts SET points = ?, messages = ?, bytes = ? WHERE id = ?",
                (points - cost, before + count, kept + size, number),
            )
            db.execute(
                "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    number,
                    before,
                    task.task_id,
                    task.moment,
                    task.due,
                    numbers,
                    written(task.content),
                    written(task.extno),
                    task.page,
                    task.price,
                    task.request,
                    size,
                ),
            )
            if reports:
                rows = [queues.report_row(report, before) for report in reports]
                queues.put(db, _queue(number, "reports"), rows, now)
            if replies:
                queues.put(db, _queue(number, "replies"), list(map(queues.reply_row, replies)), now)
        if before + count - dropped > self._limits.messages or kept + size > self._limits.message_bytes:
            self._has_grown(number)
        return int(points - cost)

    def put(self, userid: str, reports: Sequence[Report], replies: Sequence[Reply], now: float) -> None:
        with self._file.writing as db:
            number = _id_of(db, userid)
            if reports:
                queues.put(db, _queue(number, "reports"), [queues.report_row(report, None) for report in reports], now)
            if replies:
                queues.put(db, _queue(number, "replies"), list(map(queues.reply_row, replies)), now)

    def take_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        return list(map(queues.report_of, self._take(userid, "reports", limit, now, request)))

    def take_replies(self, userid: str, now: float, request: int) -> Sequence[Reply]:
        return list(map(queues.reply_of, self._take(userid, "replies", 2**62, now, request)))

    def _take(self, userid: str, name: QueueName, limit: int, now: float, request: int) -> list[queues.Row]:
        with self._file.writing as db:
            number = _id_of(db, userid)
            rows, has = queues.take(db, _queue(number, name), min(limit, 2**62), now, request)
        limits = self._limits
        if has.handed_out - has.forgotten > 2 * limits.handed_out or has.bytes > 2 * limits.handed_out_bytes:
            self._has_grown(number)
        return rows

    def rewind(self, userid: str, queue: QueueName, count: int | None, since: float | None) -> int:
        with self._file.writing as db:
            return queues.rewind(db, _queue(_id_of(db, userid), queue), count, since)

    # Looking

    def ledger(self, userid: str, queue: QueueName, now: float) -> Ledger:
        number = self._ready_to_look(userid, now, queue)
        with self._file.reading() as db:
            self._be_there(db, userid, number)
            return queues.standing(db, _queue(number, queue)).ledger()

    def next_due(self, userid: str, now: float) -> float | None:
        number = self._ready_to_look(userid, now, "reports", "replies")
        with self._file.reading() as db:
            due = [queues.next_due(db, _queue(number, name)) for name in ("reports", "replies")]
        return min((moment for moment in due if moment is not None), default=None)

    def messages(self, userid: str, wanted: Wanted, now: float) -> Listed[Message]:
        number = self._ready_to_look(userid, now, "reports")
        with self._file.reading() as db:
            self._be_there(db, userid, number)
            (dropped,) = db.execute("SELECT dropped FROM accounts WHERE id = ?", (number,)).fetchone()
            return listed(_messages(db, number, wanted), wanted, says_message, dropped)

    def reports(self, userid: str, wanted: Wanted, now: float) -> Listed[Queued[Report]]:
        number = self._ready_to_look(userid, now, "reports")
        with self._file.reading() as db:
            self._be_there(db, userid, number)
            return queues.REPORTS.page(db, _queue(number, "reports"), wanted)

    def replies(self, userid: str, wanted: Wanted, now: float) -> Listed[Queued[Reply]]:
        number = self._ready_to_look(userid, now, "replies")
        with self._file.reading() as db:
            self._be_there(db, userid, number)
            return queues.REPLIES.page(db, _queue(number, "replies"), wanted)

    def _ready_to_look(self, userid: str, now: float, *names: QueueName) -> int:
        """Let come up what is due, and drop what is over; the account's number."""
        with self._file.reading() as db:
            number = _id_of(db, userid)
            ripe = [name for name in names if queues.is_ripe(db, _queue(number, name), now)]
        if ripe:
            with self._file.writing as db:
                number = _id_of(db, userid)
                for name in ripe:
                    queues.ripened(db, _queue(number, name), now)
        if number in self._grown:
            self._shrink(number)
        return number

    def _be_there(self, db: Connection, userid: str, number: int) -> None:
        if _id_of(db, userid) != number:
            raise NoSuchAccount(userid)  # it was closed since, and opened again

    # The journal, and what is done beside the answers

    def record(self, entry: Entry) -> None:
        self._journal.record(entry)
        if not self._something.is_set():
            self._something.set()

    def _has_grown(self, number: int) -> None:
        self._grown.add(number)
        self._something.set()

    def _work_beside(self) -> None:
        while not self._released.is_set():
            self._something.wait()
            if self._released.wait(_EVERY):
                return
            self._something.clear()
            if self._released.is_set():  # and what woke this thread was just cleared
                return
            try:
                self.settle()
                self._file.move_log()
            except StoreUnavailable:
                # Whoever asks for something is told; what waits to be written is written when the file is back.
                self._something.set()
                self._released.wait(_AGAIN)
            except Exception:
                logging.getLogger(__name__).exception("what is done beside the answers failed")

    def _write_used(self) -> None:
        used, self._used = self._used, {}
        if not used:
            return
        try:
            with self._file.writing as db:
                db.executemany(
                    "UPDATE accounts SET used = max(used, ?) WHERE userid = ?",
                    [(moment, written(userid)) for userid, moment in list(used.items())],
                )
        except StoreUnavailable:
            self._used = used | self._used
            raise

    def _shrink(self, number: int) -> None:
        """Drop what is beyond the limits of an account."""
        limits = self._limits
        while True:
            with self._file.writing as db:
                found = db.execute("SELECT dropped FROM accounts WHERE id = ?", (number,)).fetchone()
                if found is None:
                    return
                more = self._drop_messages(db, number)
                (dropped,) = db.execute("SELECT dropped FROM accounts WHERE id = ?", (number,)).fetchone()
                for name in ("reports", "replies"):
                    queue = _queue(number, name)
                    of_queue = queues.forget(db, queue, limits.handed_out, limits.handed_out_bytes, dropped, _SOME)
                    more = of_queue or more
            if not more:
                self._grown.discard(number)
                return

    def _drop_messages(self, db: Connection, number: int) -> bool:
        messages, kept = db.execute("SELECT messages, bytes FROM accounts WHERE id = ?", (number,)).fetchone()
        tasks = db.execute(
            "SELECT before, bytes FROM tasks WHERE account = ? ORDER BY before LIMIT ?", (number, _SOME + 1)
        ).fetchall()
        cut = 0
        while cut < len(tasks) - 1 and (
            messages - tasks[cut][0] > self._limits.messages or kept > self._limits.message_bytes
        ):
            kept -= tasks[cut][1]
            cut += 1
        if cut:
            before = tasks[cut][0]
            db.execute("DELETE FROM tasks WHERE account = ? AND before < ?", (number, before))
            db.execute("UPDATE accounts SET dropped = ?, bytes = ? WHERE id = ?", (before, kept, number))
        return cut == _SOME

    def _sweep(self) -> None:
        """Delete what closed accounts have left."""
        while True:
            with self._file.reading() as db:
                left = db.execute("SELECT account FROM leftovers LIMIT 1").fetchone()
            if left is None:
                return
            with self._file.writing as db:
                if not any(_delete_some(db, *part, left[0]) for part in _LEFT):
                    db.execute("DELETE FROM leftovers WHERE account = ?", left)


class _Changing:
    """A transaction that changes accounts or settings: what was read of them before does not hold after it."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self._writing = store._file.writing

    def __enter__(self) -> Connection:
        db = self._writing.__enter__()
        try:
            db.execute("UPDATE state SET version = version + 1")
        except BaseException as error:
            self._writing.__exit__(type(error), error, error.__traceback__)
            raise
        return db

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        try:
            self._writing.__exit__(kind, error, traceback)
        finally:
            self._store.changed()


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


def _queue(account: int, name: str) -> int:
    return 2 * account + (name == "replies")


def _id_of(db: Connection, userid: str) -> int:
    row = db.execute("SELECT id FROM accounts WHERE userid = ?", (written(userid),)).fetchone()
    if row is None:
        raise NoSuchAccount(userid)
    return int(row[0])


def _account_of(db: Connection, number: int) -> Account:
    (terms,) = db.execute("SELECT terms FROM accounts WHERE id = ?", (number,)).fetchone()
    return account_from_text(terms)


def _messages(db: Connection, account: int, wanted: Wanted) -> Iterator[Message]:
    conditions: list[tuple[str, Any]] = [("account = ?", account)]
    if wanted.task_id is not None:
        conditions.append(("task_id = ?", wanted.task_id))
    if wanted.after is not None and wanted.newest_first:
        conditions.append(("before < ?", wanted.after))
    elif wanted.after is not None:
        first = "(SELECT max(before) FROM tasks WHERE account = ? AND before <= ?)"
        first_before = db.execute(f"SELECT {first}", (account, wanted.after)).fetchone()[0]
        conditions.append(("before >= ?", first_before or 0))
    where = " AND ".join(condition for condition, _ in conditions)
    order = "DESC" if wanted.newest_first else "ASC"
    columns = "before, task_id, moment, due, numbers, content, extno, page, price, request"
    tasks = db.execute(
        f"SELECT {columns} FROM tasks WHERE {where} ORDER BY before {order}",  # noqa: S608 - words from above
        [value for _, value in conditions],
    )
    sent = (
        (before + place + 1, place, task)
        for before, task in ((before, _task(rest)) for before, *rest in tasks)
        for place in _in_order(len(task.numbers), wanted.newest_first)
    )
    while some := list(islice(sent, _AT_ONCE)):
        first, last = sorted((some[0][0], some[-1][0]))
        told = queues.of_messages(db, _queue(account, "reports"), first, last)
        for number, place, task in some:
            report, fate = told.get(number, (None, _NEVER))
            yield Message(number, task, task.numbers[place], report, fate)


def _in_order(count: int, newest_first: bool) -> range:
    return range(count - 1, -1, -1) if newest_first else range(count)


def _task(row: Sequence[Any]) -> Task:
    task_id, moment, due, numbers, content, extno, page, price, request = row
    return Task(task_id, moment, due, json.loads(numbers), read(content), read(extno), page, price, request)
