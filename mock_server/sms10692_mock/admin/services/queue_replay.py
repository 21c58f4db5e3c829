"""Restores the sends and the queues of an account in an empty one, by the operations of any store.

A queue has an order that is not always that of its due times: the clock of an account can go back. So the sends are
recorded one after another with such times that each operation releases what comes next in the queue.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, Generic, NamedTuple, TypeVar

from sms10692_mock.domain.records import NO_TASK_INDEX, InboundReply, StatusReport, Task
from sms10692_mock.domain.store import Store

Item = TypeVar("Item", StatusReport, InboundReply)

_NEVER: Final = -1.0
"""A time before every due time: an operation at this time releases nothing."""


class RestoredItem(NamedTuple, Generic[Item]):
    """An item of a queue. `fetched_at`: when it was fetched; `is_released`: it is or was waiting to be fetched."""

    item: Item
    is_released: bool
    fetched_at: float | None


class ImpossibleOrder(ValueError):
    """No sequence of requests leads to this queue. `index` is that of the first item that cannot be there."""

    def __init__(self, index: int) -> None:
        super().__init__("this item cannot come here in the queue: the items before it would be released later")
        self.index = index


def restore_replies(store: Store, userid: str, replies: Sequence[RestoredItem[InboundReply]]) -> None:
    """Put replies into the empty queue of an account."""
    for (is_released, fetched_at), group in groupby(replies, lambda restored: restored[1:]):
        items = [restored.item for restored in group]
        if not is_released:
            store.enqueue(userid, [], items, _NEVER)
            continue
        for run in _ascending_runs(items):
            store.enqueue(userid, [], run, run[-1].due)
        if fetched_at is not None:
            store.fetch_replies(userid, fetched_at, 0)


def _ascending_runs(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Split items where a due time is before that of the previous item: one operation would sort them."""
    run: list[Item] = []
    for item in items:
        if run and item.due < run[-1].due:
            yield run
            run = []
        run.append(item)
    if run:
        yield run


def restore_sends(
    store: Store, userid: str, tasks: Sequence[Task], reports: Sequence[RestoredItem[StatusReport]]
) -> None:
    """Record the sends of an account that has none, with their reports, and put the other reports into its queue.

    The balance must suffice. Raises ImpossibleOrder; then a part was restored.
    """
    _SendReplay(store, userid, tasks, reports).run()


class _SendReplay:
    """The state of a replay. Items are known by their index in the queue."""

    def __init__(
        self, store: Store, userid: str, tasks: Sequence[Task], reports: Sequence[RestoredItem[StatusReport]]
    ) -> None:
        self._store = store
        self._userid = userid
        self._tasks = tasks
        self._items = [restored.item for restored in reports]
        self._released = next((index for index, one in enumerate(reports) if not one.is_released), len(reports))
        """Index of the first scheduled item."""
        self._fetches = [
            (time, sum(1 for _ in group))
            for time, group in groupby(one.fetched_at for one in reports)
            if time is not None
        ]
        own = {task.task_id for task in tasks}
        self._of_task: dict[int, list[int]] = {task_id: [] for task_id in own}
        self._is_free = [item.recipient_index == NO_TASK_INDEX or item.task_id not in own for item in self._items]
        for index, item in enumerate(self._items):
            if not self._is_free[index]:
                self._of_task[item.task_id].append(index)
        self._next = 0
        """Index of the next item to release."""
        self._fetched = 0
        """How many items were fetched."""
        self._next_fetch = 0
        self._pending: list[int] = []
        """Recorded items that are to be released later, in the order in which the store will release them."""
        self._added: set[int] = set()
        """Free items that were added before they come next."""

    def run(self) -> None:
        self._advance()
        for task in self._tasks:
            self._record(task, self._of_task[task.task_id])
            self._advance()
        if self._next < self._released or self._next_fetch < len(self._fetches):
            raise ImpossibleOrder(self._next if self._next < self._released else self._fetched)
        self._add_free(range(self._released, len(self._items)))

    def _record(self, task: Task, indexes: list[int]) -> None:
        """Record a task. Its reports that come next are released at once, the others later."""
        by_due = sorted(indexes, key=lambda index: (self._items[index].due, self._items[index].recipient_index))
        count = 0
        while count < len(by_due) and by_due[count] == self._next + count and by_due[count] < self._released:
            count += 1
        while 0 < count < len(by_due) and self._due(by_due[count]) == self._due(by_due[count - 1]):
            count -= 1
        now = self._due(by_due[count - 1]) if count else _NEVER
        if self._pending and self._due(self._pending[0]) <= now:
            count, now = 0, _NEVER
        reports = sorted((self._items[index] for index in indexes), key=lambda report: report.recipient_index)
        for index in by_due[count:]:
            self._add_scheduled_before(index)
        self._store.record_send(self._userid, task, reports, [], now)
        self._next += count
        self._add_pending(by_due[count:])

    def _due(self, index: int) -> float:
        return self._items[index].due

    def _advance(self) -> None:
        """Add, release and fetch what comes next in the queue, as far as this is possible now."""
        while self._add_next_free() or self._release_next() or self._fetch_next():
            pass

    def _add_next_free(self) -> bool:
        first = end = self._next
        while end < self._released and self._is_free[end] and end not in self._added:
            end += 1
        for run in _ascending_runs(self._items[first:end]):
            if self._pending and self._due(self._pending[0]) <= run[-1].due:
                break
            self._store.enqueue(self._userid, run, [], run[-1].due)
            self._next += len(run)
        return self._next > first

    def _release_next(self) -> bool:
        pending, count = self._pending, 0
        while count < len(pending) and pending[count] == self._next + count < self._released:
            count += 1
        while 0 < count < len(pending) and self._due(pending[count]) == self._due(pending[count - 1]):
            count -= 1
        if count:
            self._store.queue_stats(self._userid, "reports", self._due(pending[count - 1]))
            self._take_pending(count)
        return count > 0

    def _take_pending(self, count: int) -> None:
        del self._pending[:count]
        self._next += count

    def _fetch_next(self) -> bool:
        if self._next_fetch == len(self._fetches):
            return False
        time, count = self._fetches[self._next_fetch]
        due = bisect_right(self._pending, time, key=self._due)  # the fetch releases them
        expected = list(range(self._next, min(self._next + due, self._released)))
        if self._next < self._fetched + count or self._pending[:due] != expected:
            return False
        self._store.fetch_reports(self._userid, count, time, 0)
        self._take_pending(due)
        self._fetched += count
        self._next_fetch += 1
        return True

    def _add_pending(self, indexes: Iterable[int]) -> None:
        for index in indexes:
            insort(self._pending, index, key=self._due)  # behind those of the same due time: by arrival

    def _add_scheduled_before(self, index: int) -> None:
        """Add the free items before an item that will be released later, if they have the same due time.

        They arrived before it, or the store would release them after it.
        """
        first = index
        while first > self._next and self._due(first - 1) == self._due(index):
            first -= 1
        self._add_free(range(first, index))

    def _add_free(self, indexes: range) -> None:
        new = [index for index in indexes if self._is_free[index] and index not in self._added]
        if new:
            self._store.enqueue(self._userid, [self._items[index] for index in new], [], _NEVER)
            self._added.update(new)
            self._add_pending(new)
