"""Stores with one fault: the emulator's own, with a method overridden.

Here belongs every fault that needs to know a store from inside. They keep to what every store promises
(`stores.protocol`), and use nothing private.
"""

from collections.abc import Callable, Iterator, Sequence
from threading import Barrier, BrokenBarrierError, Event, Lock

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.records import AccountBalance, Reply, Report, RulesTransition, Task
from sms10692_mock.stores.memory.store import MemoryStore


class DuplicatesReport(MemoryStore):
    """The last of several reports stays."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        items = super().fetch_reports(userid, limit, now, request)
        self.enqueue(userid, items[-1:] if len(items) > 1 else [], [], now)
        return items


class NeverEvictsReports(MemoryStore):
    """Reports stay."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        items = super().fetch_reports(userid, limit, now, request)
        self.enqueue(userid, items, [], now)
        return items


class DuplicatesReplies(MemoryStore):
    """Replies stay."""

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[Reply]:
        items = super().fetch_replies(userid, now, request)
        self.enqueue(userid, [], items, now)
        return items


class ReversesReports(MemoryStore):
    """Reports in reverse."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        return super().fetch_reports(userid, limit, now, request)[::-1]


class NewestReportsFirst(MemoryStore):
    """The newest reports first."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        items = super().fetch_reports(userid, 10**9, now, request)
        kept = max(len(items) - limit, 0)
        self.enqueue(userid, items[:kept], [], now)
        return items[kept:]


class ReturnsOneTooMany(MemoryStore):
    """One report more than asked for."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        return super().fetch_reports(userid, limit + 1, now, request)


class ReturnsAtMostTen(MemoryStore):
    """Ten reports at most."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        return super().fetch_reports(userid, min(limit, 10), now, request)


class IgnoresLimit(MemoryStore):
    """All reports, whatever was asked for."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        return super().fetch_reports(userid, 10**9, now, request)


class DropsRemainder(MemoryStore):
    """What was not asked for is thrown away."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        return super().fetch_reports(userid, 10**9, now, request)[:limit]


class DropsHalf(MemoryStore):
    """Of more than three reports the second half is thrown away."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        items = super().fetch_reports(userid, limit, now, request)
        return items[: len(items) // 2] if len(items) > 3 else items


class ReturnsOneReply(MemoryStore):
    """A reply at a time."""

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[Reply]:
        items = super().fetch_replies(userid, now, request)
        self.enqueue(userid, [], items[1:], now)
        return items[:1]


class ReversesReplies(MemoryStore):
    """Replies in reverse."""

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[Reply]:
        return super().fetch_replies(userid, now, request)[::-1]


class SharesReportQueues(MemoryStore):
    """The queues of the newest accounts are everybody's."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        items = super().fetch_reports(userid, limit, now, request)
        for other in self.userids()[-3:]:
            if other != userid and len(items) < limit:
                items = [*items, *super().fetch_reports(other, 1, now, request)]
        return items


class SharesReplyQueues(MemoryStore):
    """The replies of all accounts are everybody's."""

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[Reply]:
        return [
            reply for one in self.userids() for reply in super(SharesReplyQueues, self).fetch_replies(one, now, request)
        ]


class _Patience:
    """How long to wait for others: a while on a busy machine, and hardly where it was in vain again and again."""

    def __init__(self) -> None:
        self._in_vain = 0

    @property
    def seconds(self) -> float:
        return 0.1 if self._in_vain < 10 else 0.005

    def waited(self, met: bool) -> None:
        self._in_vain = 0 if met else self._in_vain + 1


class RacyStoreBase(MemoryStore):
    """A store in which some callers at once are between their first look and what they do then."""

    callers = 2

    def __init__(self) -> None:
        super().__init__()
        self._window, self._patience = Barrier(self.callers), _Patience()

    def meet(self) -> None:
        """Wait until so many callers have come as far, or no more do."""
        try:
            self._window.wait(self._patience.seconds)
        except BrokenBarrierError:
            self._window.reset()
            self._patience.waited(met=False)
        else:
            self._patience.waited(met=True)


class NonAtomicFetch(RacyStoreBase):
    """Looks first, and takes away later."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        items = super().fetch_reports(userid, 10**9, now, request)
        self.enqueue(userid, items, [], now)
        if items:
            self.meet()
        others = [one for one in super().fetch_reports(userid, 10**9, now, request) if one not in items[:limit]]
        self.enqueue(userid, others, [], now)
        return items[:limit]


class LossyNonAtomicFetch(RacyStoreBase):
    """Looks first, and keeps only what two fetchers both saw."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        seen = super().fetch_reports(userid, 10**9, now, request)
        self.enqueue(userid, seen, [], now)
        if seen:
            self.meet()
        return [one for one in super().fetch_reports(userid, limit, now, request) if one in seen[:limit]]


class NonAtomicReplyFetch(RacyStoreBase):
    """Looks at the replies first, and takes them away later."""

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[Reply]:
        seen = super().fetch_replies(userid, now, request)
        self.enqueue(userid, [], seen, now)
        if seen:
            self.meet()
        super().fetch_replies(userid, now, request)
        return seen


class LosesConcurrentItems(MemoryStore):
    """What is queued during a fetch is lost."""

    def __init__(self) -> None:
        super().__init__()
        self._sent, self._patience = Event(), _Patience()

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        waiting = super().fetch_reports(userid, 10**9, now, request)
        if waiting:
            self._sent.clear()
            self._patience.waited(met=self._sent.wait(self._patience.seconds))
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
    """Scheduled messages are reported at once."""

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
    """What is scheduled is thrown away."""

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
    """Nothing is reported late."""

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
    """Looks at the balance first, and charges later: three find it enough for two."""

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
    """What was charged up is what is left."""

    def balance(self, userid: str) -> AccountBalance:
        standing = super().balance(userid)
        return standing._replace(charged_up=standing.points)


class AcceptsAnyUserid(MemoryStore):
    """An unknown userid is the newest account's."""

    def account(self, userid: str) -> Account | None:
        own = super().account(userid)
        return own if own or userid.strip() in ("", "12") else super().account(self.userids()[-1])


def charging_extra(price: Callable[[Task, int], int]) -> type[MemoryStore]:
    """A store that charges another price for each number; from the task and the balance."""

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
    """A store with other task numbers."""

    class Tasks(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self._given, self._one_by_one = tasks(), Lock()

        def next_task_id(self) -> int:
            with self._one_by_one:
                return next(self._given)

    return Tasks
