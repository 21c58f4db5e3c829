"""Stores with one defect: subclasses of the memory store that override methods of the store interface only."""

from collections.abc import Callable, Iterator, Sequence
from threading import Barrier, BrokenBarrierError, Event, Lock

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.records import AccountBalance, Reply, Report, RulesTransition, Task
from sms10692_mock.stores.memory.store import MemoryStore


class DuplicatesReport(MemoryStore):
    """Returns the last of several reports again at the next fetch."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        items = super().fetch_reports(userid, limit, now, request)
        self.enqueue(userid, items[-1:] if len(items) > 1 else [], [], now)
        return items


class NeverEvictsReports(MemoryStore):
    """Never removes reports from the queue."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        items = super().fetch_reports(userid, limit, now, request)
        self.enqueue(userid, items, [], now)
        return items


class DuplicatesReplies(MemoryStore):
    """Never removes replies from the queue."""

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[Reply]:
        items = super().fetch_replies(userid, now, request)
        self.enqueue(userid, [], items, now)
        return items


class ReversesReports(MemoryStore):
    """Returns reports in reverse order."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        return super().fetch_reports(userid, limit, now, request)[::-1]


class NewestReportsFirst(MemoryStore):
    """Returns the newest reports first."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        items = super().fetch_reports(userid, 10**9, now, request)
        kept = max(len(items) - limit, 0)
        self.enqueue(userid, items[:kept], [], now)
        return items[kept:]


class ReturnsOneTooMany(MemoryStore):
    """Returns one report more than requested."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        return super().fetch_reports(userid, limit + 1, now, request)


class ReturnsAtMostTen(MemoryStore):
    """Returns at most ten reports."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        return super().fetch_reports(userid, min(limit, 10), now, request)


class IgnoresLimit(MemoryStore):
    """Returns all reports and ignores the limit."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        return super().fetch_reports(userid, 10**9, now, request)


class DropsRemainder(MemoryStore):
    """Drops the reports beyond the limit."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        return super().fetch_reports(userid, 10**9, now, request)[:limit]


class DropsHalf(MemoryStore):
    """Drops the second half of more than three reports."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        items = super().fetch_reports(userid, limit, now, request)
        return items[: len(items) // 2] if len(items) > 3 else items


class ReturnsOneReply(MemoryStore):
    """Returns one reply per fetch."""

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[Reply]:
        items = super().fetch_replies(userid, now, request)
        self.enqueue(userid, [], items[1:], now)
        return items[:1]


class ReversesReplies(MemoryStore):
    """Returns replies in reverse order."""

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[Reply]:
        return super().fetch_replies(userid, now, request)[::-1]


class SharesReportQueues(MemoryStore):
    """Also returns reports of the newest other accounts."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        items = super().fetch_reports(userid, limit, now, request)
        for other in self.userids()[-3:]:
            if other != userid and len(items) < limit:
                items = [*items, *super().fetch_reports(other, 1, now, request)]
        return items


class SharesReplyQueues(MemoryStore):
    """Returns the replies of all accounts."""

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[Reply]:
        return [
            reply for one in self.userids() for reply in super(SharesReplyQueues, self).fetch_replies(one, now, request)
        ]


class _AdaptiveTimeout:
    """Adaptive timeout for concurrent callers: short after ten waits in vain, so that other tests stay fast."""

    def __init__(self) -> None:
        self._timeouts = 0

    @property
    def seconds(self) -> float:
        return 0.1 if self._timeouts < 10 else 0.005

    def record_wait(self, met: bool) -> None:
        self._timeouts = 0 if met else self._timeouts + 1


class RacyStoreBase(MemoryStore):
    """Base of stores with a race: several callers read before the first of them writes."""

    callers = 2

    def __init__(self) -> None:
        super().__init__()
        self._window, self._timeout = Barrier(self.callers), _AdaptiveTimeout()

    def meet(self) -> None:
        """Wait until `callers` threads have arrived here, or until the timeout."""
        try:
            self._window.wait(self._timeout.seconds)
        except BrokenBarrierError:
            self._window.reset()
            self._timeout.record_wait(met=False)
        else:
            self._timeout.record_wait(met=True)


class NonAtomicFetch(RacyStoreBase):
    """Reads the reports first and removes them later."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        items = super().fetch_reports(userid, 10**9, now, request)
        self.enqueue(userid, items, [], now)
        if items:
            self.meet()
        others = [one for one in super().fetch_reports(userid, 10**9, now, request) if one not in items[:limit]]
        self.enqueue(userid, others, [], now)
        return items[:limit]


class LossyNonAtomicFetch(RacyStoreBase):
    """Reads first; reports that another fetch removes meanwhile are lost."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        seen = super().fetch_reports(userid, 10**9, now, request)
        self.enqueue(userid, seen, [], now)
        if seen:
            self.meet()
        return [one for one in super().fetch_reports(userid, limit, now, request) if one in seen[:limit]]


class NonAtomicReplyFetch(RacyStoreBase):
    """Reads the replies first and removes them later."""

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[Reply]:
        seen = super().fetch_replies(userid, now, request)
        self.enqueue(userid, [], seen, now)
        if seen:
            self.meet()
        super().fetch_replies(userid, now, request)
        return seen


class LosesConcurrentItems(MemoryStore):
    """Loses the reports that are queued during a fetch."""

    def __init__(self) -> None:
        super().__init__()
        self._sent, self._timeout = Event(), _AdaptiveTimeout()

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        waiting = super().fetch_reports(userid, 10**9, now, request)
        if waiting:
            self._sent.clear()
            self._timeout.record_wait(met=self._sent.wait(self._timeout.seconds))
            super().fetch_reports(userid, 10**9, now, request)
            self.enqueue(userid, waiting[limit:], [], now)
        return waiting[:limit]

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[Report],
        replies: Sequence[Reply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | None:
        left = super().record_send(userid, task, reports, replies, now, used)
        self._sent.set()
        return left


class ReportsScheduledEarly(MemoryStore):
    """Reports scheduled messages at once."""

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[Report],
        replies: Sequence[Reply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | None:
        return super().record_send(
            userid, task, [one._replace(due=min(one.due, now)) for one in reports], replies, now, used
        )


class DropsScheduled(MemoryStore):
    """Drops the reports of scheduled messages."""

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[Report],
        replies: Sequence[Reply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | None:
        return super().record_send(userid, task, [one for one in reports if one.due <= now + 60], replies, now, used)


class IgnoresReportDelay(MemoryStore):
    """Ignores the delay of reports."""

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[Report],
        replies: Sequence[Reply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | None:
        return super().record_send(userid, task, [one._replace(due=task.due) for one in reports], replies, now, used)


class NonAtomicBalance(RacyStoreBase):
    """Checks the balance first and charges later: three concurrent sends pass a check that allows two."""

    callers = 3

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[Report],
        replies: Sequence[Reply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | None:
        points = self.balance(userid).points
        account = self.account(userid)
        if task.cost > points and not (account and account.postpaid):
            return None
        self.meet()
        self.add_points(userid, -task.cost)
        self.enqueue(userid, reports, replies, now)
        return self.balance(userid).points


class ForgetsTopUps(MemoryStore):
    """Reports the remaining points as the total that was topped up."""

    def balance(self, userid: str) -> AccountBalance:
        standing = super().balance(userid)
        return standing._replace(charged_up=standing.points)


class AcceptsAnyUserid(MemoryStore):
    """Treats an unknown userid as the newest account."""

    def account(self, userid: str) -> Account | None:
        own = super().account(userid)
        return own if own or userid.strip() in ("", "12") else super().account(self.userids()[-1])


def charging_extra(price: Callable[[Task, int], int]) -> type[MemoryStore]:
    """Return a store class that charges `price(task, balance)` per number."""

    class Charging(MemoryStore):
        def record_send(
            self,
            userid: str,
            task: Task,
            reports: Sequence[Report],
            replies: Sequence[Reply],
            now: float,
            used: RulesTransition | None = None,
        ) -> int | None:
            other = price(task, self.balance(userid).points)
            return super().record_send(userid, task._replace(price=other), reports, replies, now, used)

    return Charging


def yielding(tasks: Callable[[], Iterator[int]]) -> type[MemoryStore]:
    """Return a store class that takes task ids from this iterator."""

    class Tasks(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self._given, self._one_by_one = tasks(), Lock()

        def next_task_id(self) -> int:
            with self._one_by_one:
                return next(self._given)

    return Tasks
