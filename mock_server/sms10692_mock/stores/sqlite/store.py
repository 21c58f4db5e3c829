"""A `Store` in a SQLite file: accounts, sends and queues, each operation one transaction.

Here belongs how the protocol's promises are kept by transactions: money, sends, queues. Who there is, is in `accounts`,
what is done later in `beside`.
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.bounds import MAX_POINTS, charged
from sms10692_mock.domain.clock import Clock, system_time
from sms10692_mock.domain.records import (
    Entry,
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
from sms10692_mock.domain.store import FIRST_TASK_ID, NoSuchAccount, OtherRules
from sms10692_mock.stores.query import listed, says_message
from sms10692_mock.stores.readiness import Readiness
from sms10692_mock.stores.retention import Growth, plan
from sms10692_mock.stores.serialization import account_text, settings_text
from sms10692_mock.stores.sqlite import queues
from sms10692_mock.stores.sqlite.accounts import Accounts, account_of, id_of
from sms10692_mock.stores.sqlite.database import File
from sms10692_mock.stores.sqlite.maintenance import Beside
from sms10692_mock.stores.sqlite.messages import messages
from sms10692_mock.stores.sqlite.queues import queue_of
from sms10692_mock.stores.sqlite.request_log import Journal
from sms10692_mock.stores.sqlite.schema import VERSION
from sms10692_mock.stores.sqlite.sequences import Numbers
from sms10692_mock.stores.sqlite.text_codec import written
from sms10692_mock.stores.sqlite.usage import usages


class SqliteStore:
    """A `Store` in the file at `path`, which is made where there is none.

    What was answered survives the end of the process, however it ends; a power cut may take the last moments, unless
    the store is `durable`, which waits for the disk before each answer. Several processes may share the file.

    Raises StoreUnavailable where the file cannot be used.
    """

    def __init__(
        self, path: Path, limits: Limits | None = None, real_time: Clock = system_time, durable: bool = False
    ) -> None:
        self.name = "sqlite"
        self.waits = True
        self._limits = limits or Limits()
        self._file = File(path, durable)
        with self._file.writing as db:
            db.execute(
                "INSERT OR IGNORE INTO state VALUES (1, 1, ?, 1, ?, 0, 0, 0, 0)",
                (FIRST_TASK_ID, settings_text(Settings())),
            )
        self._numbers = Numbers(self._file)
        self._journal = Journal(self._file, self._limits)
        self._beside = Beside(self._file, self._journal, self._limits)
        self._growth = Growth(self._limits, self.enforce_limits)
        self._accounts = Accounts(self._file, self._numbers, real_time, self._beside.wake)
        self._beside.start(self._accounts.write_used)
        self.gathered = self._file.gathering
        self.check_ready = Readiness(self._probe).check
        self.settle = self._beside.settle
        self.changed = self._accounts.changed
        self.reset = self._accounts.reset
        self.account = self._accounts.account
        self.userids = self._accounts.userids
        self.accounts = self._accounts.accounts
        self.change = self._accounts.change
        self.close = self._accounts.close
        self.expire = self._accounts.expire
        self.evicted = self._accounts.evicted
        self.settings = self._accounts.settings
        self.change_settings = self._accounts.change_settings
        self.next_task_id = self._numbers.next_task_id
        self.next_request = self._numbers.next_request
        self.requests = self._journal.entries
        self.request = self._journal.entry
        self.has_request = self._journal.has
        self.forget_requests = self._journal.forget

    def on_loop(self, threads: Executor) -> None:
        """Who waits for a file waits in its thread."""

    def release(self) -> None:
        try:
            self._beside.release()
        finally:
            self._file.close()

    def _probe(self) -> None:
        """Write a page: a full disk and a file that may only be read would let it be read."""
        with self._file.writing as db:
            db.execute(f"PRAGMA user_version = {VERSION}")  # the value is the same, the page is written all the same

    def open(self, account: Account, *, keep: bool = False) -> bool:
        opened = self._accounts.open(account, keep=keep)
        if opened and account.throwaway:
            self._growth.add_account()
        return opened

    def enforce_limits(self) -> int:
        self._accounts.write_used()
        with self._file.reading() as db:
            todo = plan(usages(db), self._limits)
        closed = self._accounts.evict(todo.close) if todo.close else 0
        for userid in todo.shrink:
            with suppress(NoSuchAccount):  # closed since
                with self._file.reading() as db:
                    number = id_of(db, userid)
                self._beside.shrink(number, todo.kept)
        return closed

    # Money, sends, queues

    def charge_up(self, userid: str, points: int) -> None:
        self._charge(userid, lambda _: points)

    def set_balance(self, userid: str, points: int) -> None:
        self._charge(userid, lambda balance: points - balance)

    def _charge(self, userid: str, more: Callable[[int], int]) -> None:
        with self._file.writing as db:
            row = db.execute(
                "SELECT id, points, charged_up FROM accounts WHERE userid = ?", (written(userid),)
            ).fetchone()
            if row is None:
                raise NoSuchAccount(userid)
            number, points, charged_up = row
            points, charged_up = charged(points, charged_up, more(points))
            db.execute("UPDATE accounts SET points = ?, charged_up = ? WHERE id = ?", (points, charged_up, number))

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
        with self._accounts.changing() if used else self._file.writing as db:
            row = db.execute(
                "SELECT id, postpaid, points, messages, dropped, bytes FROM accounts WHERE userid = ?",
                (written(userid),),
            ).fetchone()
            if row is None:
                raise NoSuchAccount(userid)
            number, postpaid, points, before, dropped, kept = row
            account = account_of(db, number) if used else None
            if used and account and account.outcomes != used.before:
                raise OtherRules(account.outcomes)
            balance = points - cost
            if balance < (-MAX_POINTS if postpaid else 0):
                return None
            if used and account:
                terms = account_text(replace(account, outcomes=used.after))
                db.execute("UPDATE accounts SET terms = ? WHERE id = ?", (terms, number))
            db.execute(
                "UPDATE accounts SET points = ?, messages = ?, bytes = ? WHERE id = ?",
                (balance, before + count, kept + size, number),
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
                queues.put(db, queue_of(number, "reports"), rows, now)
            if replies:
                queues.put(db, queue_of(number, "replies"), list(map(queues.reply_row, replies)), now)
        if before + count - dropped > self._limits.messages or kept + size > self._limits.message_bytes:
            self._beside.has_grown(number)
        self._growth.add(count, size)
        return int(balance)

    def put(self, userid: str, reports: Sequence[Report], replies: Sequence[Reply], now: float) -> None:
        with self._file.writing as db:
            number = id_of(db, userid)
            if reports:
                queues.put(
                    db, queue_of(number, "reports"), [queues.report_row(report, None) for report in reports], now
                )
            if replies:
                queues.put(db, queue_of(number, "replies"), list(map(queues.reply_row, replies)), now)
        self._growth.add(len(reports) + len(replies), 0)

    def take_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        return list(map(queues.report_of, self._take(userid, "reports", limit, now, request)))

    def take_replies(self, userid: str, now: float, request: int) -> Sequence[Reply]:
        return list(map(queues.reply_of, self._take(userid, "replies", 2**62, now, request)))

    def _take(self, userid: str, name: QueueName, limit: int, now: float, request: int) -> list[queues.Row]:
        with self._file.writing as db:
            number = id_of(db, userid)
            rows, has = queues.take(db, queue_of(number, name), min(limit, 2**62), now, request)
        limits = self._limits
        if has.handed_out - has.forgotten > 2 * limits.handed_out or has.bytes > 2 * limits.handed_out_bytes:
            self._beside.has_grown(number)
        return rows

    def rewind(self, userid: str, queue: QueueName, count: int | None, since: float | None) -> int:
        with self._file.writing as db:
            return queues.rewind(db, queue_of(id_of(db, userid), queue), count, since)

    # Looking

    def ledger(self, userid: str, queue: QueueName, now: float) -> Ledger:
        number = self._ready_to_look(userid, now, queue)
        with self._file.reading() as db:
            self._be_there(db, userid, number)
            return queues.standing(db, queue_of(number, queue)).ledger()

    def next_due(self, userid: str, now: float) -> float | None:
        number = self._ready_to_look(userid, now, "reports", "replies")
        with self._file.reading() as db:
            due = [queues.next_due(db, queue_of(number, name)) for name in ("reports", "replies")]
        return min((moment for moment in due if moment is not None), default=None)

    def messages(self, userid: str, wanted: Wanted, now: float) -> Listed[Message]:
        number = self._ready_to_look(userid, now, "reports")
        with self._file.reading() as db:
            self._be_there(db, userid, number)
            (dropped,) = db.execute("SELECT dropped FROM accounts WHERE id = ?", (number,)).fetchone()
            return listed(messages(db, number, wanted), wanted, says_message, dropped)

    def reports(self, userid: str, wanted: Wanted, now: float) -> Listed[Queued[Report]]:
        number = self._ready_to_look(userid, now, "reports")
        with self._file.reading() as db:
            self._be_there(db, userid, number)
            return queues.REPORTS.page(db, queue_of(number, "reports"), wanted)

    def replies(self, userid: str, wanted: Wanted, now: float) -> Listed[Queued[Reply]]:
        number = self._ready_to_look(userid, now, "replies")
        with self._file.reading() as db:
            self._be_there(db, userid, number)
            return queues.REPLIES.page(db, queue_of(number, "replies"), wanted)

    def _ready_to_look(self, userid: str, now: float, *names: QueueName) -> int:
        """Let come up what is due, and drop what is over; the account's number."""
        with self._file.reading() as db:
            number = id_of(db, userid)
            ripe = [name for name in names if queues.is_ripe(db, queue_of(number, name), now)]
        if ripe:
            with self._file.writing as db:
                number = id_of(db, userid)
                for name in ripe:
                    queues.ripened(db, queue_of(number, name), now)
        self._beside.shrink_if_grown(number)
        return number

    def _be_there(self, db: Connection, userid: str, number: int) -> None:
        if id_of(db, userid) != number:
            raise NoSuchAccount(userid)  # it was closed since, and opened again

    # The journal

    def record(self, entry: Entry) -> None:
        self._journal.record(entry)
        self._beside.wake()
