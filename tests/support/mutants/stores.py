"""Stores with one defect: the memory store with one method of the store interface replaced.

A defect of a fetch is a function of the queue and the limit, which `fetching_reports` or `fetching_replies` inserts. A
defect of a send is a function of the send, which `changing_sends` inserts. Other defects are subclasses.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Barrier, BrokenBarrierError, Event, Lock
from typing import Any, Final, Generic, NamedTuple, TypeVar

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.records import AccountBalance, InboundReply, RulesTransition, StatusReport, Task
from sms10692_mock.domain.store import BalanceTooSmall
from sms10692_mock.stores.memory.store import MemoryStore

NO_LIMIT: Final = 10**9

Item = TypeVar("Item", StatusReport, InboundReply)


class AdaptiveTimeout:
    """Timeout for concurrent callers: short after four waits in vain, so that other tests stay fast."""

    def __init__(self) -> None:
        self._timeouts = 0

    @property
    def seconds(self) -> float:
        return 0.25 if self._timeouts < 4 else 0.01

    def record_wait(self, met: bool) -> None:
        self._timeouts = 0 if met else self._timeouts + 1


class RacyStore(MemoryStore):
    """Base of stores with a race: several callers read before the first of them writes.

    Callers meet only those of the same account: two accounts that meet lose nothing, and would hide the race.
    """

    callers = 2

    def __init__(self) -> None:
        super().__init__()
        self._meetings = defaultdict[str, tuple[Barrier, AdaptiveTimeout]](
            lambda: (Barrier(self.callers), AdaptiveTimeout())
        )

    def wait_for_others(self, userid: str) -> None:
        """Wait until `callers` threads of an account have arrived here, or until the timeout."""
        barrier, timeout = self._meetings[userid]
        try:
            barrier.wait(timeout.seconds)
        except BrokenBarrierError:
            barrier.reset()
            timeout.record_wait(met=False)
        else:
            timeout.record_wait(met=True)


# Fetches


@dataclass(frozen=True)
class Queue(Generic[Item]):
    """The queue of one account during one fetch."""

    fetch: Callable[[int], Sequence[Item]]
    """Remove and return at most so many items. A queue of replies ignores the limit."""
    enqueue: Callable[[Sequence[Item]], None]
    """Append items."""
    wait_for_others: Callable[[], None]
    """Wait for a concurrent fetch."""


def fetching_reports(fetch: Callable[[Queue[StatusReport], int], Sequence[StatusReport]]) -> type[MemoryStore]:
    """Return a store class that fetches reports with this function."""

    class DefectiveStore(RacyStore):
        def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[StatusReport]:
            original = super().fetch_reports
            queue = Queue(
                lambda limit: original(userid, limit, now, request),
                lambda reports: self.enqueue(userid, reports, [], now),
                lambda: self.wait_for_others(userid),
            )
            return fetch(queue, limit)

    return DefectiveStore


def fetching_replies(fetch: Callable[[Queue[InboundReply], int], Sequence[InboundReply]]) -> type[MemoryStore]:
    """Return a store class that fetches replies with this function."""

    class DefectiveStore(RacyStore):
        def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[InboundReply]:
            original = super().fetch_replies
            queue = Queue(
                lambda limit: original(userid, now, request),
                lambda replies: self.enqueue(userid, [], replies, now),
                lambda: self.wait_for_others(userid),
            )
            return fetch(queue, NO_LIMIT)

    return DefectiveStore


def requeue_all(queue: Queue[Item], limit: int) -> Sequence[Item]:
    """Return items without removing them from the queue."""
    items = queue.fetch(limit)
    queue.enqueue(items)
    return items


def requeue_last(queue: Queue[Item], limit: int) -> Sequence[Item]:
    """Return the last of several items again at the next fetch."""
    items = queue.fetch(limit)
    queue.enqueue(items[-1:] if len(items) > 1 else [])
    return items


def requeue_all_but_first(queue: Queue[Item], limit: int) -> Sequence[Item]:
    """Return one item per fetch."""
    items = queue.fetch(limit)
    queue.enqueue(items[1:])
    return items[:1]


def take_newest(queue: Queue[Item], limit: int) -> Sequence[Item]:
    """Return the newest items first."""
    items = queue.fetch(NO_LIMIT)
    kept = max(len(items) - limit, 0)
    queue.enqueue(items[:kept])
    return items[kept:]


def drop_half(queue: Queue[Item], limit: int) -> Sequence[Item]:
    """Drop the second half of more than three items."""
    items = queue.fetch(limit)
    return items[: len(items) // 2] if len(items) > 3 else items


def fetch_twice(queue: Queue[Item], limit: int) -> Sequence[Item]:
    """Read first and remove later: two concurrent fetches return the same items."""
    items = requeue_all(queue, NO_LIMIT)
    if items:
        queue.wait_for_others()
    queue.enqueue([item for item in queue.fetch(NO_LIMIT) if item not in items[:limit]])
    return items[:limit]


def fetch_with_losses(queue: Queue[Item], limit: int) -> Sequence[Item]:
    """Read first and remove later: items that another fetch removes meanwhile are lost."""
    items = requeue_all(queue, NO_LIMIT)
    if items:
        queue.wait_for_others()
    return [item for item in queue.fetch(limit) if item in items[:limit]]


class SharesReportQueues(MemoryStore):
    """Also returns reports of the newest other accounts."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[StatusReport]:
        items = super().fetch_reports(userid, limit, now, request)
        for other in self.userids()[-3:]:
            if other != userid and len(items) < limit:
                items = [*items, *super().fetch_reports(other, 1, now, request)]
        return items


class SharesReplyQueues(MemoryStore):
    """Returns the replies of all accounts."""

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[InboundReply]:
        fetch = super().fetch_replies
        return [reply for any_userid in self.userids() for reply in fetch(any_userid, now, request)]


class LosesConcurrentReports(MemoryStore):
    """Loses the reports that are enqueued during a fetch."""

    def __init__(self) -> None:
        super().__init__()
        self._sent, self._timeout = Event(), AdaptiveTimeout()

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[StatusReport]:
        items = super().fetch_reports(userid, NO_LIMIT, now, request)
        if items:
            self._sent.clear()
            self._timeout.record_wait(met=self._sent.wait(self._timeout.seconds))
            super().fetch_reports(userid, NO_LIMIT, now, request)
            self.enqueue(userid, items[limit:], [], now)
        return items[:limit]

    def record_send(self, *arguments: Any, **named: Any) -> int | BalanceTooSmall:
        balance = super().record_send(*arguments, **named)
        self._sent.set()
        return balance


# Sends


class Send(NamedTuple):
    """A send that the store is about to record, and the balance before it."""

    task: Task
    reports: Sequence[StatusReport]
    now: float
    points: int


def changing_sends(change: Callable[[Send], Send]) -> type[MemoryStore]:
    """Return a store class that records the changed task and reports in place of each send."""

    class DefectiveStore(MemoryStore):
        def record_send(
            self,
            userid: str,
            task: Task,
            reports: Sequence[StatusReport],
            replies: Sequence[InboundReply],
            now: float,
            used: RulesTransition | None = None,
        ) -> int | BalanceTooSmall:
            send = change(Send(task, reports, now, self.balance(userid).points))
            return super().record_send(userid, send.task, send.reports, replies, now, used)

    return DefectiveStore


def charging(price: Callable[[Send], int]) -> type[MemoryStore]:
    """Return a store class that charges this price per number."""
    return changing_sends(lambda send: send._replace(task=send.task._replace(price=price(send))))


def scheduling_reports(due: Callable[[Send, StatusReport], float | None]) -> type[MemoryStore]:
    """Return a store class in which a report is due at this time, or is dropped if the time is None."""

    def reschedule(send: Send) -> Send:
        times = [(report, due(send, report)) for report in send.reports]
        return send._replace(reports=[report._replace(due=time) for report, time in times if time is not None])

    return changing_sends(reschedule)


class NonAtomicBalance(RacyStore):
    """Checks the balance first and charges later: three concurrent sends pass a check that allows two."""

    callers = 3

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[StatusReport],
        replies: Sequence[InboundReply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | BalanceTooSmall:
        account = self.account(userid)
        if task.cost > self.balance(userid).points and not (account and account.postpaid):
            return BalanceTooSmall(self.balance(userid).points)
        self.wait_for_others(userid)
        self.add_points(userid, -task.cost)
        self.enqueue(userid, reports, replies, now)
        return self.balance(userid).points


# Accounts and task ids


class ForgetsTopUps(MemoryStore):
    """Reports the remaining points as the total that was topped up."""

    def balance(self, userid: str) -> AccountBalance:
        balance = super().balance(userid)
        return balance._replace(total_added=balance.points)


class AcceptsAnyUserid(MemoryStore):
    """Treats an unknown userid as the newest account."""

    def account(self, userid: str) -> Account | None:
        own = super().account(userid)
        return own if own or userid.strip() in ("", "12") else super().account(self.userids()[-1])


def numbering_tasks(task_ids: Callable[[], Iterator[int]]) -> type[MemoryStore]:
    """Return a store class that takes task ids from this iterator."""

    class DefectiveStore(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self._ids, self._ids_lock = task_ids(), Lock()

        def next_task_id(self) -> int:
            with self._ids_lock:
                return next(self._ids)

    return DefectiveStore
