"""The memory store: dictionaries and lists, with one lock per account.

Each operation on the request path takes constant time, independent of the number of stored items.
"""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from itertools import count
from operator import length_hint
from threading import Lock
from typing import Final

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.bounds import MAX_NUMBER, MAX_POINTS, add_to_balance, check_balance
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
from sms10692_mock.stores.due_batches import group_by_due
from sms10692_mock.stores.incremental_free import free_incrementally
from sms10692_mock.stores.memory.account_state import AccountState
from sms10692_mock.stores.memory.request_log import IndexedRequestLog
from sms10692_mock.stores.memory.runner import InlineRunner
from sms10692_mock.stores.query import matches_message, matches_reply, matches_report, paginate
from sms10692_mock.stores.retention import GrowthMonitor, Usage, plan

_COUNTED_TASK_IDS: Final = 10_000
"""Task numbers that are skipped one by one, at most."""


class MemoryStore:
    """A `Store` in the memory of this process. Thread-safe. Operations never raise StoreUnavailable."""

    def __init__(self, limits: Limits | None = None, real_time: Clock = system_time) -> None:
        self.name = "memory"
        self.blocking = False
        self._limits = limits or Limits()
        self._real_time = real_time
        self._states: dict[str, AccountState] = {}
        self._accounts_lock = Lock()
        """Held while an account is added or removed. **Lock order: first this lock, then the lock of an account.**"""
        self._settings = Settings()
        self._settings_lock = Lock()
        self._request_log = IndexedRequestLog(self._limits)
        self._evicted = 0
        self._growth = GrowthMonitor(self._limits, self.enforce_limits)
        self._task_ids = iter(range(FIRST_TASK_ID, MAX_NUMBER + 1))
        self.next_request = count(1).__next__
        self.log_request = self._request_log.record
        self.requests = self._request_log.query
        self.request = self._request_log.get
        self.is_logged = self._request_log.is_logged
        self.delete_request = self._request_log.delete
        self.clear_request_log = self._request_log.clear

    def create_runner(self, threads: Executor) -> InlineRunner:  # noqa: ARG002 - the interface of Store
        return InlineRunner()

    def close(self) -> None:
        """No effect: there is nothing to write or close."""

    def check_ready(self) -> None:
        """No effect: memory is always available."""

    def create_account(self, account: Account, *, keep: bool = False) -> bool:
        state = AccountState(account, self._limits, self._real_time())
        with self._accounts_lock:
            previous = self._states.get(account.userid)
            if keep and previous is not None:
                return False
            self._states[account.userid] = state
        if previous is not None:
            free_incrementally(previous.large_collections())
        if account.temporary:
            self._growth.add_account()
        return True

    def reset(self, userid: str, change: Callable[[Account], Account]) -> Account:
        with self._accounts_lock:
            previous = self._get_state(userid)
            with previous.lock:
                account = change(previous.account)
                self._states[userid] = AccountState(account, self._limits, self._real_time())
        free_incrementally(previous.large_collections())
        return account

    def account(self, userid: str) -> Account | None:
        state = self._states.get(userid)
        if state is None:
            return None
        state.used = self._real_time()
        return state.account

    def _get_state(self, userid: str) -> AccountState:
        try:
            return self._states[userid]
        except KeyError:
            raise NoSuchAccount(userid) from None

    def userids(self) -> list[str]:
        return list(self._states)

    def accounts(self, last: int | None = None) -> list[Account]:
        states = list(self._states.values())
        return [state.account for state in states[-last if last else 0 :]]

    def update_account(self, userid: str, change: Callable[[Account], Account]) -> Account:
        while True:
            state = self._get_state(userid)
            with state.lock:
                if self._states.get(userid) is state:  # otherwise the account was replaced meanwhile
                    state.account = change(state.account)
                    return state.account

    def delete_account(self, userid: str) -> None:
        with self._accounts_lock:
            state = self._states.pop(userid, None)
        if state is not None:
            free_incrementally(state.large_collections())

    def expire(self, unused_since: float) -> int:
        states = list(self._states.items())
        unused = [userid for userid, state in states if state.account.temporary and state.used < unused_since]
        for userid in unused:
            self.delete_account(userid)
        return len(unused)

    def usage(self, userid: str) -> Usage:
        """Return how much of the limits an account uses. Raises NoSuchAccount."""
        return self._get_state(userid).usage()

    def enforce_limits(self) -> int:
        states = dict(self._states)
        actions = plan((state.usage() for state in states.values()), self._limits)
        evicted = sum(self._evict(states[usage.userid], usage.used) for usage in actions.evict)
        for userid in actions.shrink:
            states[userid].trim(actions.limits)
        self._evicted += evicted
        return evicted

    def _evict(self, state: AccountState, used: float) -> bool:
        """Delete an account, unless it was used or got items since. Returns whether it was deleted."""
        userid = state.account.userid
        with self._accounts_lock, state.lock:
            if self._states.get(userid) is not state or state.used != used or not state.is_idle:
                return False
            del self._states[userid]
        free_incrementally(state.large_collections())
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
        state = self._get_state(userid)
        with state.lock:
            state.points, state.total_added = add_to_balance(state.points, state.total_added, points)

    def set_balance(self, userid: str, points: int, total_added: int | None = None) -> None:
        state = self._get_state(userid)
        with state.lock:
            if total_added is None:
                state.points, state.total_added = add_to_balance(state.points, state.total_added, points - state.points)
            else:
                check_balance(points, total_added)
                state.points, state.total_added = points, total_added

    def balance(self, userid: str) -> AccountBalance:
        state = self._get_state(userid)
        with state.lock:
            return AccountBalance(state.points, state.total_added, state.messages)

    def next_task_id(self) -> int:
        return next(self._task_ids)

    def last_task_id(self) -> int:
        return MAX_NUMBER - length_hint(self._task_ids)

    def skip_task_ids(self, last: int) -> None:
        # Threads allocate without a lock: they could overtake a new sequence that begins only a little later.
        if last - self.last_task_id() > _COUNTED_TASK_IDS:
            self._task_ids = iter(range(last + 1, MAX_NUMBER + 1))
        while self.last_task_id() < last:
            next(self._task_ids)

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[StatusReport],
        replies: Sequence[InboundReply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | BalanceTooSmall:
        state = self._get_state(userid)
        report_batches, reply_batches = group_by_due(reports), group_by_due(replies) if replies else ()
        cost, size = task.cost, task.size
        with state.lock:
            if used is not None and state.account.delivery_rules != used.before:
                raise RulesConflict(state.account.delivery_rules)
            balance = state.points - cost
            if balance < (-MAX_POINTS if state.account.postpaid else 0):
                return BalanceTooSmall(state.points)
            if used is not None:
                state.account = replace(state.account, delivery_rules=used.after)
            state.points = balance
            state.append_task(task, size, report_batches)
            state.reports.enqueue(report_batches, now)
            if reply_batches:
                state.replies.enqueue(reply_batches, now)
        self._growth.add(len(task.numbers), size)
        return balance

    def enqueue(
        self, userid: str, reports: Sequence[StatusReport], replies: Sequence[InboundReply], now: float
    ) -> None:
        state = self._get_state(userid)
        report_batches, reply_batches = group_by_due(reports), group_by_due(replies)
        with state.lock:
            state.reports.enqueue(report_batches, now)
            state.replies.enqueue(reply_batches, now)
        self._growth.add(len(reports) + len(replies), 0)

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[StatusReport]:
        state = self._get_state(userid)
        with state.lock:
            return state.reports.fetch(limit, now, request)

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[InboundReply]:
        state = self._get_state(userid)
        with state.lock:
            return state.replies.fetch(sys.maxsize, now, request)

    def requeue(self, userid: str, queue: QueueName, count: int | None, since: float | None) -> int:
        state = self._get_state(userid)
        with state.lock:
            return state.reports.requeue(count, since) if queue == "reports" else state.replies.requeue(count, since)

    def queue_stats(self, userid: str, queue: QueueName, now: float) -> QueueStats:
        state = self._get_state(userid)
        with state.lock:
            return state.reports.stats(now) if queue == "reports" else state.replies.stats(now)

    def next_due(self, userid: str, now: float) -> float | None:
        state = self._get_state(userid)
        with state.lock:
            due = (state.reports.next_due(now), state.replies.next_due(now))
        return min((time for time in due if time is not None), default=None)

    def messages(self, userid: str, query: Query, now: float) -> Page[SentMessage]:
        state = self._get_state(userid)
        return paginate(state.query_messages(query, now), query, matches_message, state.evicted)

    def delete_message(self, userid: str, number: int) -> bool:
        state = self._get_state(userid)
        with state.lock:
            return state.delete_message(number)

    def clear_messages(self, userid: str) -> None:
        state = self._get_state(userid)
        with state.lock:
            deleted = state.clear_messages()
        free_incrementally([deleted])

    def reports(self, userid: str, query: Query, now: float) -> Page[QueueItem[StatusReport]]:
        state = self._get_state(userid)
        with state.lock:
            items, stats = state.reports.query(query, now), state.reports.stats(now)
        return paginate(items, query, matches_report, stats.evicted)

    def replies(self, userid: str, query: Query, now: float) -> Page[QueueItem[InboundReply]]:
        state = self._get_state(userid)
        with state.lock:
            items, stats = state.replies.query(query, now), state.replies.stats(now)
        return paginate(items, query, matches_reply, stats.evicted)
