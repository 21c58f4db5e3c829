"""The SQLite store: balances, sends, queues and their queries, each operation in one transaction.

Accounts and settings are in `accounts`, background work is in `maintenance`.
"""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection
from typing import Final

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.bounds import MAX_POINTS, add_to_balance, check_balance
from sms10692_mock.domain.clock import Clock, system_time
from sms10692_mock.domain.records import (
    AccountBalance,
    InboundReply,
    Limits,
    Page,
    Query,
    QueueItem,
    QueueName,
    QueueStats,
    RulesTransition,
    SentMessage,
    Settings,
    StatusReport,
    Task,
)
from sms10692_mock.domain.store import FIRST_TASK_ID, BalanceTooSmall, NoSuchAccount, RulesConflict
from sms10692_mock.stores.query import matches_message, paginate
from sms10692_mock.stores.readiness import Readiness
from sms10692_mock.stores.request_log import BufferedRequestLog
from sms10692_mock.stores.retention import GrowthMonitor, plan
from sms10692_mock.stores.serialization import dump_account, dump_settings
from sms10692_mock.stores.sqlite import queues
from sms10692_mock.stores.sqlite.accounts import AccountTable, get_account_id, read_account
from sms10692_mock.stores.sqlite.batch_runner import BatchRunner
from sms10692_mock.stores.sqlite.database import Database, DatabaseTimeouts
from sms10692_mock.stores.sqlite.maintenance import MaintenanceThread
from sms10692_mock.stores.sqlite.messages import delete_message, delete_messages, query_messages
from sms10692_mock.stores.sqlite.queues import get_queue_id
from sms10692_mock.stores.sqlite.request_log import SqliteRequestLogWriter
from sms10692_mock.stores.sqlite.schema import VERSION
from sms10692_mock.stores.sqlite.sequences import Sequences
from sms10692_mock.stores.sqlite.text_codec import to_db
from sms10692_mock.stores.sqlite.usage import read_usages

_MAX_ROWS: Final = 500
"""Rows that are deleted in one transaction, at most."""


class SqliteStore:
    """A `Store` in the SQLite file at `path`, which is created if it does not exist. Thread-safe.

    Committed operations survive a crash of the process. A power failure can lose the last ones, unless the store is
    `durable`: then each commit waits for the disk. Several processes may share the file.

    Raises StoreUnavailable if the file cannot be used. **`close` writes the pending request log: always call it.**
    """

    def __init__(
        self,
        path: Path,
        limits: Limits | None = None,
        real_time: Clock = system_time,
        durable: bool = False,
        timeouts: DatabaseTimeouts | None = None,
    ) -> None:
        self.name = "sqlite"
        self.blocking = True
        self._limits = limits or Limits()
        self._database = Database(path, durable, timeouts)
        with self._database.writing as db:
            db.execute(
                "INSERT OR IGNORE INTO state VALUES (1, 1, ?, 1, ?, 0, 0, 0, 0)",
                (FIRST_TASK_ID, dump_settings(Settings())),
            )
        self._sequences = Sequences(self._database)
        self._maintenance = MaintenanceThread(self._database, self._limits)
        writer = SqliteRequestLogWriter(self._database, self._limits)
        self._request_log = BufferedRequestLog(self._limits, writer, self._maintenance.wake)
        self._growth = GrowthMonitor(self._limits, self.enforce_limits)
        self._accounts = AccountTable(self._database, self._sequences, real_time, self._maintenance.wake)
        self._maintenance.start(self._request_log.flush, self._accounts.flush_last_used)
        self.batch_transaction = self._database.batch
        self.check_ready = Readiness(self._probe).check
        self.settle = self._maintenance.run_now
        self.changed = self._accounts.invalidate
        self.reset = self._accounts.reset
        self.account = self._accounts.account
        self.userids = self._accounts.userids
        self.accounts = self._accounts.accounts
        self.update_account = self._accounts.update_account
        self.delete_account = self._accounts.delete_account
        self.expire = self._accounts.expire
        self.evicted = self._accounts.evicted
        self.settings = self._accounts.settings
        self.change_settings = self._accounts.change_settings
        self.next_task_id = self._sequences.next_task_id
        self.last_task_id = self._sequences.last_task_id
        self.skip_task_ids = self._sequences.skip_task_ids
        self.next_request = self._sequences.next_request
        self.log_request = self._request_log.record
        self.requests = self._request_log.query
        self.request = self._request_log.get
        self.is_logged = self._request_log.is_logged
        self.delete_request = self._request_log.delete
        self.clear_request_log = self._request_log.clear

    def create_runner(self, threads: Executor) -> BatchRunner:
        return BatchRunner(threads, self.batch_transaction)

    def close(self) -> None:
        try:
            self._maintenance.stop()
        finally:
            self._database.close()

    def _probe(self) -> None:
        """Write a page: reading alone would succeed on a full disk and with a read-only file."""
        with self._database.writing as db:
            db.execute(f"PRAGMA user_version = {VERSION}")  # same value, but the page is written

    def create_account(self, account: Account, *, keep: bool = False) -> bool:
        created = self._accounts.create_account(account, keep=keep)
        if created and account.temporary:
            self._growth.add_account()
        return created

    def enforce_limits(self) -> int:
        self._accounts.flush_last_used()
        with self._database.reading() as db:
            actions = plan(read_usages(db), self._limits)
        evicted = self._accounts.evict(actions.evict) if actions.evict else 0
        for userid in actions.shrink:
            with suppress(NoSuchAccount):  # deleted meanwhile
                with self._database.reading() as db:
                    account_id = get_account_id(db, userid)
                self._maintenance.trim(account_id, actions.limits)
        return evicted

    # Balance, sends, queues

    def add_points(self, userid: str, points: int) -> None:
        self._add_points(userid, lambda _: points)

    def set_balance(self, userid: str, points: int, total_added: int | None = None) -> None:
        if total_added is None:
            self._add_points(userid, lambda balance: points - balance)
            return
        check_balance(points, total_added)
        with self._database.writing as db:
            db.execute(
                "UPDATE accounts SET points = ?, total_added = ? WHERE id = ?",
                (points, total_added, get_account_id(db, userid)),
            )

    def _add_points(self, userid: str, get_change: Callable[[int], int]) -> None:
        with self._database.writing as db:
            row = db.execute(
                "SELECT id, points, total_added FROM accounts WHERE userid = ?", (to_db(userid),)
            ).fetchone()
            if row is None:
                raise NoSuchAccount(userid)
            account_id, points, total_added = row
            points, total_added = add_to_balance(points, total_added, get_change(points))
            db.execute(
                "UPDATE accounts SET points = ?, total_added = ? WHERE id = ?", (points, total_added, account_id)
            )

    def balance(self, userid: str) -> AccountBalance:
        with self._database.reading() as db:
            row = db.execute(
                "SELECT points, total_added, messages FROM accounts WHERE userid = ?", (to_db(userid),)
            ).fetchone()
        if row is None:
            raise NoSuchAccount(userid)
        return AccountBalance._make(row)

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[StatusReport],
        replies: Sequence[InboundReply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | BalanceTooSmall:
        cost, count, size = task.cost, len(task.numbers), task.size
        numbers = json.dumps(task.numbers)
        with self._accounts.write_transaction() if used else self._database.writing as db:
            row = db.execute(
                "SELECT id, postpaid, points, messages, evicted + deleted, bytes FROM accounts WHERE userid = ?",
                (to_db(userid),),
            ).fetchone()
            if row is None:
                raise NoSuchAccount(userid)
            account_id, postpaid, points, before, removed, stored_bytes = row
            account = read_account(db, account_id) if used else None
            if used and account and account.delivery_rules != used.before:
                raise RulesConflict(account.delivery_rules)
            balance = points - cost
            if balance < (-MAX_POINTS if postpaid else 0):
                return BalanceTooSmall(points)
            if used and account:
                serialized = dump_account(replace(account, delivery_rules=used.after))
                db.execute("UPDATE accounts SET settings = ? WHERE id = ?", (serialized, account_id))
            db.execute(
                "UPDATE accounts SET points = ?, messages = ?, bytes = ? WHERE id = ?",
                (balance, before + count, stored_bytes + size, account_id),
            )
            db.execute(
                "INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]')",
                (
                    account_id,
                    before,
                    task.task_id,
                    task.sent_at,
                    task.due,
                    numbers,
                    to_db(task.content),
                    to_db(task.extno),
                    task.endpoint_path,
                    task.price,
                    task.request,
                    size,
                ),
            )
            if reports:
                rows = [queues.dump_report(report, before) for report in reports]
                queues.enqueue(db, get_queue_id(account_id, "reports"), rows, now)
            if replies:
                queues.enqueue(db, get_queue_id(account_id, "replies"), list(map(queues.dump_reply, replies)), now)
        if before + count - removed > self._limits.messages or stored_bytes + size > self._limits.message_bytes:
            self._maintenance.mark_over_limit(account_id)
        self._growth.add(count, size)
        return int(balance)

    def enqueue(
        self, userid: str, reports: Sequence[StatusReport], replies: Sequence[InboundReply], now: float
    ) -> None:
        with self._database.writing as db:
            account_id = get_account_id(db, userid)
            if reports:
                queues.enqueue(
                    db,
                    get_queue_id(account_id, "reports"),
                    [queues.dump_report(report, None) for report in reports],
                    now,
                )
            if replies:
                queues.enqueue(db, get_queue_id(account_id, "replies"), list(map(queues.dump_reply, replies)), now)
        self._growth.add(len(reports) + len(replies), 0)

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[StatusReport]:
        return list(map(queues.load_report, self._fetch(userid, "reports", limit, now, request)))

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[InboundReply]:
        return list(map(queues.load_reply, self._fetch(userid, "replies", 2**62, now, request)))

    def _fetch(self, userid: str, name: QueueName, limit: int, now: float, request: int) -> list[queues.ItemRow]:
        with self._database.writing as db:
            account_id = get_account_id(db, userid)
            rows, counters = queues.fetch(db, get_queue_id(account_id, name), min(limit, 2**62), now, request)
        limits = self._limits
        if counters.fetched - counters.evicted > 2 * limits.fetched or counters.bytes > 2 * limits.fetched_bytes:
            self._maintenance.mark_over_limit(account_id)
        return rows

    def requeue(self, userid: str, queue: QueueName, count: int | None, since: float | None) -> int:
        with self._database.writing as db:
            return queues.requeue(db, get_queue_id(get_account_id(db, userid), queue), count, since)

    # Queries

    def queue_stats(self, userid: str, queue: QueueName, now: float) -> QueueStats:
        account_id = self._prepare_query(userid, now, queue)
        with self._database.reading() as db:
            self._check_account_id(db, userid, account_id)
            return queues.read_counters(db, get_queue_id(account_id, queue)).stats()

    def next_due(self, userid: str, now: float) -> float | None:
        account_id = self._prepare_query(userid, now, "reports", "replies")
        with self._database.reading() as db:
            due = [queues.next_due(db, get_queue_id(account_id, name)) for name in ("reports", "replies")]
        return min((time for time in due if time is not None), default=None)

    def messages(self, userid: str, query: Query, now: float) -> Page[SentMessage]:
        account_id = self._prepare_query(userid, now, "reports")
        with self._database.reading() as db:
            self._check_account_id(db, userid, account_id)
            (evicted,) = db.execute("SELECT evicted FROM accounts WHERE id = ?", (account_id,)).fetchone()
            return paginate(query_messages(db, account_id, query), query, matches_message, evicted)

    def delete_message(self, userid: str, number: int) -> bool:
        with self._database.writing as db:
            return delete_message(db, get_account_id(db, userid), number)

    def clear_messages(self, userid: str) -> None:
        with self._database.reading() as db:
            account_id = get_account_id(db, userid)
            (sent,) = db.execute("SELECT messages FROM accounts WHERE id = ?", (account_id,)).fetchone()
        more = True
        while more:  # several transactions, so that a send that arrives meanwhile waits for a short time only
            with self._database.writing as db:
                more = delete_messages(db, account_id, sent, _MAX_ROWS)

    def reports(self, userid: str, query: Query, now: float) -> Page[QueueItem[StatusReport]]:
        account_id = self._prepare_query(userid, now, "reports")
        with self._database.reading() as db:
            self._check_account_id(db, userid, account_id)
            return queues.REPORTS.page(db, get_queue_id(account_id, "reports"), query)

    def replies(self, userid: str, query: Query, now: float) -> Page[QueueItem[InboundReply]]:
        account_id = self._prepare_query(userid, now, "replies")
        with self._database.reading() as db:
            self._check_account_id(db, userid, account_id)
            return queues.REPLIES.page(db, get_queue_id(account_id, "replies"), query)

    def _prepare_query(self, userid: str, now: float, *names: QueueName) -> int:
        """Release due items of these queues and apply the limits of the account. Returns the row id of the account."""
        with self._database.reading() as db:
            account_id = get_account_id(db, userid)
            queues_due = [name for name in names if queues.has_due(db, get_queue_id(account_id, name), now)]
        if queues_due:
            with self._database.writing as db:
                account_id = get_account_id(db, userid)
                for name in queues_due:
                    queues.release_due(db, get_queue_id(account_id, name), now)
        self._maintenance.trim_if_needed(account_id)
        return account_id

    def _check_account_id(self, db: Connection, userid: str, account_id: int) -> None:
        """Raise NoSuchAccount unless the userid still belongs to this row id."""
        if get_account_id(db, userid) != account_id:
            raise NoSuchAccount(userid)  # deleted and created again meanwhile
