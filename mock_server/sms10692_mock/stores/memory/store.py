"""The store that forgets when the process ends: logs and cursors behind one lock an account.

Here belongs how to keep the protocol's promises in memory, in time that does not grow with what waits.
"""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from itertools import count
from threading import Lock

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.bounds import MAX_POINTS, add_to_balance
from sms10692_mock.domain.clock import Clock, system_time
from sms10692_mock.domain.records import (
    AccountBalance,
    Limits,
    Message,
    Page,
    Query,
    QueueItem,
    QueueName,
    QueueStats,
    Reply,
    Report,
    RulesTransition,
    Settings,
    Task,
)
from sms10692_mock.domain.store import FIRST_TASK_ID, NoSuchAccount, RulesConflict
from sms10692_mock.stores.due_batches import group_by_due
from sms10692_mock.stores.memory.account_state import AccountState
from sms10692_mock.stores.memory.incremental_free import free_incrementally
from sms10692_mock.stores.memory.request_log import RequestLog
from sms10692_mock.stores.query import matches_message, matches_reply, matches_report, paginate
from sms10692_mock.stores.retention import Growth, plan


class MemoryStore:
    """A `Store` in the memory of this process."""

    def __init__(self, limits: Limits | None = None, real_time: Clock = system_time) -> None:
        self.name = "memory"
        self.blocking = False
        self._limits = limits or Limits()
        self._real_time = real_time
        self._books: dict[str, AccountState] = {}
        self._opening = Lock()
        """Held while a book is put in or out; taken before that of a book."""
        self._settings = Settings()
        self._settings_lock = Lock()
        self._task_ids = count(FIRST_TASK_ID)
        self._journal = RequestLog(self._limits)
        self._evicted = 0
        self._growth = Growth(self._limits, self.enforce_limits)
        self.next_request = self._journal.next_number
        self.log_request = self._journal.record
        self.requests = self._journal.query
        self.request = self._journal.get
        self.is_logged = self._journal.is_logged
        self.clear_request_log = self._journal.clear

    def loop_executor(self, threads: Executor) -> None:
        """Nobody waits for memory."""

    def batch_transaction(self) -> None:
        """An operation alone is as quick."""

    def close(self) -> None:
        """Nothing has to be written, and nothing is held."""

    def check_ready(self) -> None:
        """Memory is always there."""

    def create_account(self, account: Account, *, keep: bool = False) -> bool:
        book = AccountState(account, self._limits, self._real_time())
        with self._opening:
            before = self._books.get(account.userid)
            if keep and before is not None:
                return False
            self._books[account.userid] = book
        if before is not None:
            free_incrementally(before.large_collections())
        if account.throwaway:
            self._growth.add_account()
        return True

    def reset(self, userid: str, change: Callable[[Account], Account]) -> Account:
        with self._opening:
            before = self._book(userid)
            with before.lock:
                account = change(before.account)
                self._books[userid] = AccountState(account, self._limits, self._real_time())
        free_incrementally(before.large_collections())
        return account

    def account(self, userid: str) -> Account | None:
        book = self._books.get(userid)
        if book is None:
            return None
        book.used = self._real_time()
        return book.account

    def _book(self, userid: str) -> AccountState:
        try:
            return self._books[userid]
        except KeyError:
            raise NoSuchAccount(userid) from None

    def userids(self) -> list[str]:
        return list(self._books)

    def accounts(self, last: int | None = None) -> list[Account]:
        books = list(self._books.values())
        return [book.account for book in books[-last if last else 0 :]]

    def update_account(self, userid: str, change: Callable[[Account], Account]) -> Account:
        while True:
            book = self._book(userid)
            with book.lock:
                if self._books.get(userid) is book:  # else it was reset since, and the terms are in another book
                    book.account = change(book.account)
                    return book.account

    def delete_account(self, userid: str) -> None:
        with self._opening:
            book = self._books.pop(userid, None)
        if book is not None:
            free_incrementally(book.large_collections())

    def expire(self, unused_since: float) -> int:
        books = list(self._books.items())
        unused = [userid for userid, book in books if book.account.throwaway and book.used < unused_since]
        for userid in unused:
            self.delete_account(userid)
        return len(unused)

    def enforce_limits(self) -> int:
        books = dict(self._books)
        todo = plan((book.usage() for book in books.values()), self._limits)
        closed = sum(self._close_idle(books[one.userid], one.used) for one in todo.close)
        for userid in todo.shrink:
            books[userid].shrink(todo.kept)
        self._evicted += closed
        return closed

    def _close_idle(self, book: AccountState, used: float) -> bool:
        """Close an account, unless it was used or got something since."""
        userid = book.account.userid
        with self._opening, book.lock:
            if self._books.get(userid) is not book or book.used != used or not book.is_idle:
                return False
            del self._books[userid]
        free_incrementally(book.large_collections())
        return True

    def evicted(self) -> int:
        return self._evicted

    def settings(self) -> Settings:
        return self._settings

    def change_settings(self, change: Callable[[Settings], Settings]) -> Settings:
        with self._settings_lock:
            self._settings = change(self._settings)
            return self._settings

    def add_points(self, userid: str, points: int) -> None:
        book = self._book(userid)
        with book.lock:
            book.points, book.charged_up = add_to_balance(book.points, book.charged_up, points)

    def set_balance(self, userid: str, points: int) -> None:
        book = self._book(userid)
        with book.lock:
            book.points, book.charged_up = add_to_balance(book.points, book.charged_up, points - book.points)

    def balance(self, userid: str) -> AccountBalance:
        book = self._book(userid)
        with book.lock:
            return AccountBalance(book.points, book.charged_up, book.messages)

    def next_task_id(self) -> int:
        return next(self._task_ids)

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[Report],
        replies: Sequence[Reply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | None:
        book = self._book(userid)
        report_bundles, reply_bundles = group_by_due(reports), group_by_due(replies) if replies else ()
        cost, size = task.cost, task.size
        with book.lock:
            if used is not None and book.account.outcomes != used.before:
                raise RulesConflict(book.account.outcomes)
            balance = book.points - cost
            if balance < (-MAX_POINTS if book.account.postpaid else 0):
                return None
            if used is not None:
                book.account = replace(book.account, outcomes=used.after)
            book.points = balance
            book.append_task(task, size, report_bundles)
            book.reports.enqueue(report_bundles, now)
            if reply_bundles:
                book.replies.enqueue(reply_bundles, now)
        self._growth.add(len(task.numbers), size)
        return balance

    def enqueue(self, userid: str, reports: Sequence[Report], replies: Sequence[Reply], now: float) -> None:
        book = self._book(userid)
        report_bundles, reply_bundles = group_by_due(reports), group_by_due(replies)
        with book.lock:
            book.reports.enqueue(report_bundles, now)
            book.replies.enqueue(reply_bundles, now)
        self._growth.add(len(reports) + len(replies), 0)

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        book = self._book(userid)
        with book.lock:
            return book.reports.fetch(limit, now, request)

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[Reply]:
        book = self._book(userid)
        with book.lock:
            return book.replies.fetch(sys.maxsize, now, request)

    def requeue(self, userid: str, queue: QueueName, count: int | None, since: float | None) -> int:
        book = self._book(userid)
        with book.lock:
            return book.reports.requeue(count, since) if queue == "reports" else book.replies.requeue(count, since)

    def queue_stats(self, userid: str, queue: QueueName, now: float) -> QueueStats:
        book = self._book(userid)
        with book.lock:
            return book.reports.stats(now) if queue == "reports" else book.replies.stats(now)

    def next_due(self, userid: str, now: float) -> float | None:
        book = self._book(userid)
        with book.lock:
            due = (book.reports.next_due(now), book.replies.next_due(now))
        return min((moment for moment in due if moment is not None), default=None)

    def messages(self, userid: str, wanted: Query, now: float) -> Page[Message]:
        book = self._book(userid)
        return paginate(book.sent(wanted, now), wanted, matches_message, book.dropped)

    def reports(self, userid: str, wanted: Query, now: float) -> Page[QueueItem[Report]]:
        book = self._book(userid)
        with book.lock:
            items, ledger = book.reports.query(wanted, now), book.reports.stats(now)
        return paginate(items, wanted, matches_report, ledger.forgotten)

    def replies(self, userid: str, wanted: Query, now: float) -> Page[QueueItem[Reply]]:
        book = self._book(userid)
        with book.lock:
            items, ledger = book.replies.query(wanted, now), book.replies.stats(now)
        return paginate(items, wanted, matches_reply, ledger.forgotten)
