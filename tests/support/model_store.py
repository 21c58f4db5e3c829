"""Reference model of a store: plain lists, linear search, no limits, not thread-safe.

The state machine in `tests/stores/test_stores.py` compares every store with this model.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.clock import Clock
from sms10692_mock.domain.records import (
    AccountBalance,
    DeliveryState,
    InboundReply,
    LoggedRequest,
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
from sms10692_mock.domain.store import BalanceTooSmall, NoSuchAccount, RulesConflict

Item = TypeVar("Item", StatusReport, InboundReply)
Row = TypeVar("Row", SentMessage, LoggedRequest, QueueItem[StatusReport], QueueItem[InboundReply])


@dataclass
class ModelQueue(Generic[Item]):
    """A queue: released items in order, the states of the fetched items (the first of them), and scheduled items."""

    released: list[Item] = field(default_factory=list)
    fetched: list[DeliveryState] = field(default_factory=list)
    scheduled: list[Item] = field(default_factory=list)

    def release_due(self, now: float) -> None:
        self.released += sorted((item for item in self.scheduled if item.due <= now), key=lambda item: item.due)
        self.scheduled = [item for item in self.scheduled if item.due > now]

    def enqueue(self, items: Sequence[Item], now: float) -> None:
        if items:
            self.release_due(now)
            self.scheduled += items
            self.release_due(now)

    def fetch(self, limit: int, now: float, request: int) -> list[Item]:
        self.release_due(now)
        items = self.released[len(self.fetched) :][:limit]
        self.fetched += [DeliveryState("fetched", now, request) for _ in items]
        return items

    def requeue(self, number: int | None, since: float | None) -> int:
        before = len(self.fetched)
        kept = 0 if number is None else max(0, before - number)
        while (
            since is not None
            and kept < before
            and not any(_is_since(state, since) for state in self.fetched[: kept + 1])
        ):
            kept += 1
        del self.fetched[kept:]
        return before - kept

    def stats(self, now: float) -> QueueStats:
        self.release_due(now)
        created, scheduled, fetched = len(self.released) + len(self.scheduled), len(self.scheduled), len(self.fetched)
        return QueueStats(created, scheduled, created - scheduled - fetched, fetched, 0)

    def list_items(self, now: float) -> list[QueueItem[Item]]:
        self.release_due(now)
        waiting: list[DeliveryState] = [DeliveryState("waiting")] * (len(self.released) - len(self.fetched))
        states = [*self.fetched, *waiting, *[DeliveryState("scheduled")] * len(self.scheduled)]
        items: list[QueueItem[Item]] = []
        for item in self.released + sorted(self.scheduled, key=lambda item: item.due):
            items.append(QueueItem(len(items) + 1, item, states[len(items)]))
        return items


def _is_since(state: DeliveryState, since: float) -> bool:
    return state.time is not None and state.time >= since


@dataclass
class ModelAccount:
    """An account with its balance, tasks and queues."""

    account: Account
    used: float
    points: int
    total_added: int
    sent: list[tuple[Task, Sequence[StatusReport]]] = field(default_factory=list)
    deleted: set[int] = field(default_factory=set)
    reports: ModelQueue[StatusReport] = field(default_factory=ModelQueue)
    replies: ModelQueue[InboundReply] = field(default_factory=ModelQueue)


class ModelStore:
    """Implements `Store` except for the allocation of task and request numbers, which differs between stores."""

    def __init__(self, real_time: Clock) -> None:
        self.name = "lists"
        self._real_time = real_time
        self._accounts: dict[str, ModelAccount] = {}
        self._settings = Settings()
        self._logged_requests: list[LoggedRequest] = []

    def _get_account(self, userid: str) -> ModelAccount:
        if userid not in self._accounts:
            raise NoSuchAccount(userid)
        return self._accounts[userid]

    def create_account(self, account: Account, *, keep: bool = False) -> bool:
        if keep and account.userid in self._accounts:
            return False
        points = 0 if account.postpaid else account.points
        self._accounts[account.userid] = ModelAccount(account, self._real_time(), points, points)
        return True

    def reset(self, userid: str, change: Callable[[Account], Account]) -> Account:
        account = change(self._get_account(userid).account)
        self.create_account(account)
        return account

    def account(self, userid: str) -> Account | None:
        if userid not in self._accounts:
            return None
        self._accounts[userid].used = self._real_time()
        return self._accounts[userid].account

    def userids(self) -> list[str]:
        return list(self._accounts)

    def accounts(self, last: int | None = None) -> list[Account]:
        accounts = [account_state.account for account_state in self._accounts.values()]
        return accounts if last is None else accounts[max(0, len(accounts) - last) :]

    def update_account(self, userid: str, change: Callable[[Account], Account]) -> Account:
        account_state = self._get_account(userid)
        account_state.account = change(account_state.account)
        return account_state.account

    def delete_account(self, userid: str) -> None:
        self._accounts.pop(userid, None)

    def expire(self, unused_since: float) -> int:
        before = len(self._accounts)
        self._accounts = {
            userid: account_state
            for userid, account_state in self._accounts.items()
            if not (account_state.account.temporary and account_state.used < unused_since)
        }
        return before - len(self._accounts)

    def settings(self) -> Settings:
        return self._settings

    def change_settings(self, change: Callable[[Settings], Settings]) -> Settings:
        self._settings = change(self._settings)
        return self._settings

    def add_points(self, userid: str, points: int) -> None:
        self._get_account(userid).points += points
        self._get_account(userid).total_added += points

    def set_balance(self, userid: str, points: int, total_added: int | None = None) -> None:
        self.add_points(userid, points - self._get_account(userid).points)

    def balance(self, userid: str) -> AccountBalance:
        account_state = self._get_account(userid)
        return AccountBalance(
            account_state.points, account_state.total_added, sum(len(task.numbers) for task, _ in account_state.sent)
        )

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[StatusReport],
        replies: Sequence[InboundReply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | BalanceTooSmall:
        account_state = self._get_account(userid)
        if used is not None and account_state.account.delivery_rules != used.before:
            raise RulesConflict(account_state.account.delivery_rules)
        if not account_state.account.postpaid and account_state.points < task.price * len(task.numbers):
            return BalanceTooSmall(account_state.points)
        if used is not None:
            account_state.account = replace(account_state.account, delivery_rules=used.after)
        account_state.points -= task.price * len(task.numbers)
        account_state.sent.append((task, reports))
        self.enqueue(userid, reports, replies, now)
        return account_state.points

    def enqueue(
        self, userid: str, reports: Sequence[StatusReport], replies: Sequence[InboundReply], now: float
    ) -> None:
        account_state = self._get_account(userid)
        account_state.reports.enqueue(reports, now)
        account_state.replies.enqueue(replies, now)

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[StatusReport]:
        return self._get_account(userid).reports.fetch(limit, now, request)

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[InboundReply]:
        return self._get_account(userid).replies.fetch(10**9, now, request)

    def requeue(self, userid: str, queue: QueueName, count: int | None, since: float | None) -> int:
        account_state = self._get_account(userid)
        return (account_state.reports if queue == "reports" else account_state.replies).requeue(count, since)

    def queue_stats(self, userid: str, queue: QueueName, now: float) -> QueueStats:
        account_state = self._get_account(userid)
        return (account_state.reports if queue == "reports" else account_state.replies).stats(now)

    def next_due(self, userid: str, now: float) -> float | None:
        account_state = self._get_account(userid)
        account_state.reports.release_due(now)
        account_state.replies.release_due(now)
        due_times = [report.due for report in account_state.reports.scheduled] + [
            reply.due for reply in account_state.replies.scheduled
        ]
        return min(due_times, default=None)

    def messages(self, userid: str, query: Query, now: float) -> Page[SentMessage]:
        account_state = self._get_account(userid)
        queued = account_state.reports.list_items(now)
        messages: list[SentMessage] = []
        for task, reports in account_state.sent:
            for index, mobile in enumerate(task.numbers):
                of_recipient = (one for one in queued if one.item in reports and one.item.recipient_index == index)
                found = next(of_recipient, None)
                report, state = (found.item, found.delivery_state) if found else (None, DeliveryState("unreported"))
                messages.append(SentMessage(len(messages) + 1, task, mobile, report, state))
        return _page(
            [message for message in messages if message.number not in account_state.deleted],
            query,
            lambda row: (
                query.number in (None, row.mobile)
                and query.task_id in (None, row.task.task_id)
                and (query.text or "") in row.task.content
                and query.state in (None, row.delivery_state.state)
                and _within(row.task.sent_at, query)
            ),
        )

    def delete_message(self, userid: str, number: int) -> bool:
        account_state = self._get_account(userid)
        is_stored = 0 < number <= self.balance(userid).messages and number not in account_state.deleted
        account_state.deleted |= {number} if is_stored else set()
        return is_stored

    def clear_messages(self, userid: str) -> None:
        self._get_account(userid).deleted.update(range(1, self.balance(userid).messages + 1))

    def reports(self, userid: str, query: Query, now: float) -> Page[QueueItem[StatusReport]]:
        return _items(self._get_account(userid).reports.list_items(now), query, lambda report: report.errorcode)

    def replies(self, userid: str, query: Query, now: float) -> Page[QueueItem[InboundReply]]:
        return _items(self._get_account(userid).replies.list_items(now), query, lambda reply: reply.content)

    def log_request(self, entry: LoggedRequest) -> None:
        self._logged_requests.append(entry)

    def requests(self, userid: str | None, query: Query) -> Page[LoggedRequest]:
        entries = [entry for entry in self._logged_requests if userid in (None, entry.userid)]
        numbers = [str(number) for number in (query.number, query.task_id) if number is not None]

        def matches_text(entry: LoggedRequest) -> bool:
            text = f"{entry.query!r} {entry.body!r} {entry.response_body!r}"
            numbers_in_text = re.findall("[0-9]+", text)
            return all(number in numbers_in_text for number in numbers) and (query.text or "") in text

        return _page(
            sorted(entries, key=lambda entry: entry.number),
            query,
            lambda entry: matches_text(entry) and _within(entry.account_time, query),
        )

    def is_logged(self, number: int) -> bool:
        return self.request(number) is not None

    def request(self, number: int) -> LoggedRequest | None:
        return next((entry for entry in self._logged_requests if entry.number == number), None)

    def delete_request(self, number: int) -> bool:
        found = self.request(number)
        if found is not None:
            self._logged_requests.remove(found)
        return found is not None

    def clear_request_log(self) -> None:
        self._logged_requests.clear()


def _items(queued: list[QueueItem[Item]], query: Query, text: Callable[[Item], str]) -> Page[QueueItem[Item]]:
    return _page(
        queued,
        query,
        lambda row: (
            query.number in (None, row.item.mobile)
            and query.task_id in (None, row.item.task_id)
            and (query.text or "") in text(row.item)
            and query.state in (None, row.delivery_state.state)
            and _within(row.item.due, query)
        ),
    )


def _within(time: float, query: Query) -> bool:
    return not (query.since is not None and time < query.since) and not (query.until is not None and time > query.until)


def _page(rows: Sequence[Row], query: Query, matches: Callable[[Row], bool]) -> Page[Row]:
    found: list[Row] = []
    for row in reversed(rows) if query.newest_first else rows:
        is_after = query.after is None or (row.number < query.after if query.newest_first else row.number > query.after)
        if is_after and matches(row):
            found.append(row)
    return Page(found[: query.limit], len(found) > query.limit, 0)
