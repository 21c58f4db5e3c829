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
    LoggedRequest,
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
from sms10692_mock.domain.store import NoSuchAccount, RulesConflict

Item = TypeVar("Item", Report, Reply)
Thing = TypeVar("Thing", Message, LoggedRequest, QueueItem[Report], QueueItem[Reply])


@dataclass
class ModelQueue(Generic[Item]):
    """A queue: released items in order, the states of the fetched ones (a prefix), and scheduled items."""

    up: list[Item] = field(default_factory=list)
    handed: list[DeliveryState] = field(default_factory=list)
    later: list[Item] = field(default_factory=list)

    def look(self, now: float) -> None:
        self.up += sorted((one for one in self.later if one.due <= now), key=lambda one: one.due)
        self.later = [one for one in self.later if one.due > now]

    def put(self, items: Sequence[Item], now: float) -> None:
        if items:
            self.look(now)
            self.later += items
            self.look(now)

    def take(self, limit: int, now: float, request: int) -> list[Item]:
        self.look(now)
        taken = self.up[len(self.handed) :][:limit]
        self.handed += [DeliveryState("handed out", now, request) for _ in taken]
        return taken

    def rewind(self, number: int | None, since: float | None) -> int:
        before = len(self.handed)
        kept = 0 if number is None else max(0, before - number)
        while (
            since is not None and kept < before and not any(_is_since(fate, since) for fate in self.handed[: kept + 1])
        ):
            kept += 1
        del self.handed[kept:]
        return before - kept

    def ledger(self, now: float) -> QueueStats:
        self.look(now)
        created, later, handed = len(self.up) + len(self.later), len(self.later), len(self.handed)
        return QueueStats(created, later, created - later - handed, handed, 0)

    def listed(self, now: float) -> list[QueueItem[Item]]:
        self.look(now)
        waiting: list[DeliveryState] = [DeliveryState("waiting")] * (len(self.up) - len(self.handed))
        fates = [*self.handed, *waiting, *[DeliveryState("later")] * len(self.later)]
        listed: list[QueueItem[Item]] = []
        for item in self.up + sorted(self.later, key=lambda one: one.due):
            listed.append(QueueItem(len(listed) + 1, item, fates[len(listed)]))
        return listed


def _is_since(fate: DeliveryState, since: float) -> bool:
    return fate.time is not None and fate.time >= since


@dataclass
class ModelAccount:
    """An account with its balance, tasks and queues."""

    account: Account
    used: float
    points: int
    charged_up: int
    sent: list[tuple[Task, Sequence[Report]]] = field(default_factory=list)
    reports: ModelQueue[Report] = field(default_factory=ModelQueue)
    replies: ModelQueue[Reply] = field(default_factory=ModelQueue)


class ModelStore:
    """Implements `Store` except for the allocation of task and request numbers, which differs between stores."""

    def __init__(self, real_time: Clock) -> None:
        self.name = "lists"
        self._real_time = real_time
        self._customers: dict[str, ModelAccount] = {}
        self._settings = Settings()
        self._journal: list[LoggedRequest] = []

    def _of(self, userid: str) -> ModelAccount:
        if userid not in self._customers:
            raise NoSuchAccount(userid)
        return self._customers[userid]

    def create_account(self, account: Account, *, keep: bool = False) -> bool:
        if keep and account.userid in self._customers:
            return False
        points = 0 if account.postpaid else account.points
        self._customers[account.userid] = ModelAccount(account, self._real_time(), points, points)
        return True

    def reset(self, userid: str, change: Callable[[Account], Account]) -> Account:
        account = change(self._of(userid).account)
        self.create_account(account)
        return account

    def account(self, userid: str) -> Account | None:
        if userid not in self._customers:
            return None
        self._customers[userid].used = self._real_time()
        return self._customers[userid].account

    def userids(self) -> list[str]:
        return list(self._customers)

    def accounts(self, last: int | None = None) -> list[Account]:
        accounts = [customer.account for customer in self._customers.values()]
        return accounts if last is None else accounts[max(0, len(accounts) - last) :]

    def update_account(self, userid: str, change: Callable[[Account], Account]) -> Account:
        customer = self._of(userid)
        customer.account = change(customer.account)
        return customer.account

    def delete_account(self, userid: str) -> None:
        self._customers.pop(userid, None)

    def expire(self, unused_since: float) -> int:
        before = len(self._customers)
        self._customers = {
            userid: customer
            for userid, customer in self._customers.items()
            if not (customer.account.throwaway and customer.used < unused_since)
        }
        return before - len(self._customers)

    def settings(self) -> Settings:
        return self._settings

    def change_settings(self, change: Callable[[Settings], Settings]) -> Settings:
        self._settings = change(self._settings)
        return self._settings

    def add_points(self, userid: str, points: int) -> None:
        self._of(userid).points += points
        self._of(userid).charged_up += points

    def set_balance(self, userid: str, points: int) -> None:
        self.add_points(userid, points - self._of(userid).points)

    def balance(self, userid: str) -> AccountBalance:
        customer = self._of(userid)
        return AccountBalance(customer.points, customer.charged_up, sum(len(task.numbers) for task, _ in customer.sent))

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[Report],
        replies: Sequence[Reply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | None:
        customer = self._of(userid)
        if used is not None and customer.account.outcomes != used.before:
            raise RulesConflict(customer.account.outcomes)
        if not customer.account.postpaid and customer.points < task.price * len(task.numbers):
            return None
        if used is not None:
            customer.account = replace(customer.account, outcomes=used.after)
        customer.points -= task.price * len(task.numbers)
        customer.sent.append((task, reports))
        self.enqueue(userid, reports, replies, now)
        return customer.points

    def enqueue(self, userid: str, reports: Sequence[Report], replies: Sequence[Reply], now: float) -> None:
        customer = self._of(userid)
        customer.reports.put(reports, now)
        customer.replies.put(replies, now)

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        return self._of(userid).reports.take(limit, now, request)

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[Reply]:
        return self._of(userid).replies.take(10**9, now, request)

    def requeue(self, userid: str, queue: QueueName, count: int | None, since: float | None) -> int:
        customer = self._of(userid)
        return (customer.reports if queue == "reports" else customer.replies).rewind(count, since)

    def queue_stats(self, userid: str, queue: QueueName, now: float) -> QueueStats:
        customer = self._of(userid)
        return (customer.reports if queue == "reports" else customer.replies).ledger(now)

    def next_due(self, userid: str, now: float) -> float | None:
        customer = self._of(userid)
        customer.reports.look(now)
        customer.replies.look(now)
        moments = [report.due for report in customer.reports.later] + [reply.due for reply in customer.replies.later]
        return min(moments, default=None)

    def messages(self, userid: str, wanted: Query, now: float) -> Page[Message]:
        customer = self._of(userid)
        queued = customer.reports.listed(now)
        messages: list[Message] = []
        for task, reports in customer.sent:
            for place, mobile in enumerate(task.numbers):
                told = next((one for one in queued if one.item in reports and one.item.place == place), None)
                report, fate = (told.item, told.delivery_state) if told else (None, DeliveryState("never"))
                messages.append(Message(len(messages) + 1, task, mobile, report, fate))
        return _page(
            messages,
            wanted,
            lambda one: (
                wanted.number in (None, one.mobile)
                and wanted.task_id in (None, one.task.task_id)
                and (wanted.text or "") in one.task.content
                and wanted.state in (None, one.delivery_state.state)
                and _within(one.task.sent_at, wanted)
            ),
        )

    def reports(self, userid: str, wanted: Query, now: float) -> Page[QueueItem[Report]]:
        return _items(self._of(userid).reports.listed(now), wanted, lambda report: report.errorcode)

    def replies(self, userid: str, wanted: Query, now: float) -> Page[QueueItem[Reply]]:
        return _items(self._of(userid).replies.listed(now), wanted, lambda reply: reply.content)

    def log_request(self, entry: LoggedRequest) -> None:
        self._journal.append(entry)

    def requests(self, userid: str | None, wanted: Query) -> Page[LoggedRequest]:
        entries = [one for one in self._journal if userid in (None, one.userid)]
        numbers = [str(number) for number in (wanted.number, wanted.task_id) if number is not None]

        def says(one: LoggedRequest) -> bool:
            said = f"{one.query!r} {one.body!r} {one.answer!r}"
            whole = re.findall("[0-9]+", said)
            return all(number in whole for number in numbers) and (wanted.text or "") in said

        return _page(
            sorted(entries, key=lambda one: one.number), wanted, lambda one: says(one) and _within(one.now, wanted)
        )

    def is_logged(self, number: int) -> bool:
        return self.request(number) is not None

    def request(self, number: int) -> LoggedRequest | None:
        return next((one for one in self._journal if one.number == number), None)

    def clear_request_log(self) -> None:
        self._journal.clear()


def _items(queued: list[QueueItem[Item]], wanted: Query, text: Callable[[Item], str]) -> Page[QueueItem[Item]]:
    return _page(
        queued,
        wanted,
        lambda one: (
            wanted.number in (None, one.item.mobile)
            and wanted.task_id in (None, one.item.task_id)
            and (wanted.text or "") in text(one.item)
            and wanted.state in (None, one.delivery_state.state)
            and _within(one.item.due, wanted)
        ),
    )


def _within(moment: float, wanted: Query) -> bool:
    return not (wanted.since is not None and moment < wanted.since) and not (
        wanted.until is not None and moment > wanted.until
    )


def _page(things: Sequence[Thing], wanted: Query, fits: Callable[[Thing], bool]) -> Page[Thing]:
    found: list[Thing] = []
    for thing in reversed(things) if wanted.newest_first else things:
        passed = wanted.after is None or (
            thing.number < wanted.after if wanted.newest_first else thing.number > wanted.after
        )
        if passed and fits(thing):
            found.append(thing)
    return Page(found[: wanted.limit], len(found) > wanted.limit, 0)
