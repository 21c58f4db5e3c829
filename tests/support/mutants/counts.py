"""Defects at the edges of counts: thousands of numbers in a send, thousands of items in a fetch, statusNum."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from sms10692_mock.domain.records import InboundReply, RulesTransition, StatusReport, Task
from sms10692_mock.domain.store import BalanceTooSmall
from sms10692_mock.stores.memory.store import MemoryStore
from support.mutant_vendor import Defect
from support.mutants import stores
from support.mutants.mutant import Mutant, changing_send_result

_FULL: Final = 4000


class RepeatsLastOfFullFetch(MemoryStore):
    """Returns the 4,000th report of a full fetch again in the next one, and drops the last."""

    def __init__(self) -> None:
        super().__init__()
        self._repeated: dict[str, StatusReport] = {}

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[StatusReport]:
        items = super().fetch_reports(userid, limit, now, request)
        repeated = self._repeated.pop(userid, None)
        if len(items) == _FULL:
            self._repeated[userid] = items[-1]
        return items if repeated is None or not items else [repeated, *items[:-1]]


class DropsAtTaskBorder(MemoryStore):
    """Drops the first report of the next task if a fetch ended with the last report of a task."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, StatusReport] = {}

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[StatusReport]:
        items = super().fetch_reports(userid, limit, now, request)
        last = self._last.pop(userid, None)
        if items:
            self._last[userid] = items[-1]
        if items and last is not None and items[0].task_id != last.task_id:
            return items[1:]
        return items


def _exchange_at_borders(size: int) -> type[MemoryStore]:
    """Exchange the reports at the border of two pieces of `size` numbers."""

    def exchange(send: stores.Send) -> stores.Send:
        reports = list(send.reports)
        for border in range(size, len(reports), size):
            reports[border - 1], reports[border] = reports[border], reports[border - 1]
        return send._replace(reports=reports)

    return stores.changing_sends(exchange)


def _repeat_at(index: int) -> type[MemoryStore]:
    """Report the number at this index of a send in place of the next one."""

    def repeat(send: stores.Send) -> stores.Send:
        reports = list(send.reports)
        if len(reports) > index + 1:
            reports[index + 1] = reports[index]
        return send._replace(reports=reports)

    return stores.changing_sends(repeat)


def _leave_one_of_thousands(queue: stores.Queue[StatusReport], limit: int) -> Sequence[StatusReport]:
    items = queue.fetch(stores.NO_LIMIT)
    count = limit - 1 if len(items) == limit >= 1000 else limit
    queue.enqueue(items[count:])
    return items[:count]


def _drop_replies_after(limit: int) -> type[MemoryStore]:
    def fetch(queue: stores.Queue[InboundReply], _: int) -> Sequence[InboundReply]:
        return queue.fetch(stores.NO_LIMIT)[:limit]

    return stores.fetching_replies(fetch)


def _cut_status_num(part: slice) -> Defect:
    """Read only some digits of statusNum."""
    return Defect(api_request=lambda request: request._replace(status_num=request.status_num[part]))


def _drop_after(count: int) -> type[MemoryStore]:
    """Report the messages to a number as failed after so many of them."""

    class DefectiveStore(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self._sent: Counter[tuple[str, str]] = Counter()

        def record_send(
            self,
            userid: str,
            task: Task,
            reports: Sequence[StatusReport],
            replies: Sequence[InboundReply],
            now: float,
            used: RulesTransition | None = None,
        ) -> int | BalanceTooSmall:
            changed = []
            for report in reports:
                self._sent[userid, report.mobile] += 1
                is_late = self._sent[userid, report.mobile] > count
                changed.append(report._replace(status=20, errorcode="UNDELIV") if is_late else report)
            return super().record_send(userid, task, changed, replies, now, used)

    return DefectiveStore


class DropsFurtherReplies(MemoryStore):
    """Drops the replies of a number that has replied twenty times to the account."""

    def __init__(self) -> None:
        super().__init__()
        self._replied: Counter[tuple[str, str]] = Counter()

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[StatusReport],
        replies: Sequence[InboundReply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | BalanceTooSmall:
        self._replied.update((userid, reply.mobile) for reply in replies)
        kept = [reply for reply in replies if self._replied[userid, reply.mobile] <= 20]
        return super().record_send(userid, task, reports, kept, now, used)


class KeepsFifty(MemoryStore):
    """Drops the oldest of more than fifty single reports that wait."""

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[StatusReport],
        replies: Sequence[InboundReply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | BalanceTooSmall:
        balance = super().record_send(userid, task, reports, replies, now, used)
        if len(task.numbers) == 1 and self.queue_stats(userid, "reports", now).waiting > 50:
            super().fetch_reports(userid, 1, now, 0)
        return balance


COUNTS: Final = (
    Mutant("the 4,000th report twice, the last never", Defect(store=RepeatsLastOfFullFetch), ("N-fetch",)),
    Mutant(
        "at most 4,000 reports, whatever statusNum",
        Defect(store=stores.fetching_reports(lambda queue, limit: queue.fetch(min(limit, _FULL)))),
        ("N-fetch",),
    ),
    Mutant(
        "one of thousands stays when statusNum are waiting",
        Defect(store=stores.fetching_reports(_leave_one_of_thousands)),
        ("N-fetch",),
    ),
    Mutant(
        "statusNum modulo 65,536",
        Defect(store=stores.fetching_reports(lambda queue, limit: queue.fetch(limit % 65_536 or stores.NO_LIMIT))),
        ("N-fetch",),
    ),
    *(
        Mutant(f"statusNum is cut to its {name}", _cut_status_num(part), ("N-fetch",))
        for name, part in (
            ("first digit", slice(1)),
            ("first four digits", slice(4)),
            ("last four digits", slice(-4, None)),
        )
    ),
    Mutant(
        "statusNum with a leading zero is octal",
        Defect(
            api_request=lambda request: request._replace(
                status_num=re.sub("^0+[1-7][0-7]*$", lambda digits: str(int(digits[0], 8)), request.status_num)
            )
        ),
        ("N-fetch",),
    ),
    Mutant(
        "the 1,000th number reported twice, the next never",
        Defect(store=_repeat_at(999)),
        ("N-fetch", "N-send"),
    ),
    Mutant(
        "the 2,048th number reported twice, the next never",
        Defect(store=_repeat_at(2047)),
        ("N-fetch", "N-send"),
    ),
    Mutant(
        "numbers exchanged at every 500th",
        Defect(store=_exchange_at_borders(500)),
        ("N-fetch", "N-send"),
    ),
    Mutant(
        "successCounts is at most 999",
        changing_send_result(lambda result: result._replace(success_counts=min(result.success_counts, 999))),
        ("N-fetch", "N-send", "N-replies"),
    ),
    *(
        Mutant(f"replies after the {count:,}th are lost", Defect(store=_drop_replies_after(count)), ("N-replies",))
        for count in (100, 1000, 4000)
    ),
    Mutant(
        "the first report of the next task is lost",
        Defect(store=DropsAtTaskBorder),
        ("O-reports", "T-receivetime"),
    ),
    Mutant("the 101st message to a number is not delivered", Defect(store=_drop_after(100)), ("N-tasks",)),
    Mutant("replies of a number that has replied 20 times are lost", Defect(store=DropsFurtherReplies), ("N-tasks",)),
    Mutant("an account keeps its last 50 reports", Defect(store=KeepsFifty), ("N-tasks",)),
)
