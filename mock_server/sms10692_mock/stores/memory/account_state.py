"""State of one account in the memory store: balance, sent tasks and two queues.

**Hold `AccountState.lock` around every method except `query_messages`, `usage` and `trim`, which acquire it.**
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from threading import Lock
from typing import Final, NamedTuple

from sms10692_mock.domain.accounts import Account, initial_balance
from sms10692_mock.domain.records import UNREPORTED, InboundReply, Limits, Query, SentMessage, StatusReport, Task
from sms10692_mock.stores.due_batches import DueBatch
from sms10692_mock.stores.fetch_history import FetchHistory
from sms10692_mock.stores.memory.fetch_queue import FetchQueue
from sms10692_mock.stores.query import matches_task
from sms10692_mock.stores.retention import History, Usage

_COMPACTION_FRACTION: Final = 8
"""The task list is compacted when more than an eighth of it is deleted, so that each task is moved a few times only."""


class _SentTask(NamedTuple):
    """A task with the number of the last message before it, its size in bytes, and its reports by due time.

    `deleted` are the indexes of the recipients whose messages were deleted; not of all, since the task is then deleted.
    """

    before: int
    size: int
    task: Task
    reports: Sequence[DueBatch[StatusReport]]
    deleted: frozenset[int] = frozenset()

    @property
    def stored(self) -> int:
        """How many messages of the task are not deleted."""
        return len(self.task.numbers) - len(self.deleted)

    def report(self, recipient: int) -> tuple[StatusReport, int | None] | None:
        """The report of the recipient at this index of the task, and its index in the queue (None: not due yet)."""
        for batch in self.reports:
            index = bisect_left(batch.items, recipient, key=lambda report: report.recipient_index)
            if index < len(batch.items) and batch.items[index].recipient_index == recipient:
                return batch.items[index], None if batch.start is None else batch.start + index
        return None


class AccountState:
    """The state of one account."""

    def __init__(self, account: Account, limits: Limits, used: float) -> None:
        self.account = account
        self.used = used
        self.total_added = initial_balance(account)
        self.points = self.total_added
        self.reports: FetchQueue[StatusReport] = FetchQueue(limits.fetched, limits.fetched_bytes)
        self.replies: FetchQueue[InboundReply] = FetchQueue(limits.fetched, limits.fetched_bytes)
        self.lock = Lock()
        self._max_messages, self._max_bytes = limits.messages, limits.message_bytes
        self._tasks: list[_SentTask] = []
        """Append-only, so that readers need no copy. The tasks before `_first_task` are deleted."""
        self._first_task = 0
        self._message_count = 0
        self._stored = 0
        """Messages that are neither evicted nor deleted."""
        self._evicted = 0
        self._bytes = 0

    def large_collections(self) -> Sequence[Collection[object]]:
        """The collections that grow with the number of messages, for `free_incrementally`."""
        return self._tasks, *self.reports.large_collections(), *self.replies.large_collections()

    @property
    def messages(self) -> int:
        return self._message_count

    @property
    def evicted(self) -> int:
        return self._evicted

    def append_task(self, task: Task, size: int, reports: Sequence[DueBatch[StatusReport]]) -> None:
        tasks = self._tasks
        tasks.append(_SentTask(self._message_count, size, task, reports))
        count = len(task.numbers)
        self._message_count += count
        self._stored += count
        self._bytes += size
        if self._bytes > self._max_bytes or self._stored > self._max_messages:
            self._delete_oldest(self._max_messages, self._max_bytes)

    def _delete_oldest(self, max_messages: int, max_bytes: int) -> None:
        tasks, first = self._tasks, self._first_task
        while (self._bytes > max_bytes or self._stored > max_messages) and first < len(tasks) - 1:
            self._bytes -= tasks[first].size
            self._stored -= tasks[first].stored
            self._evicted += tasks[first].stored
            self._first_task = first = first + 1
        if first * _COMPACTION_FRACTION > len(tasks):
            self._tasks, self._first_task = tasks[first:], 0

    def delete_message(self, number: int) -> bool:
        """Delete the message of this number. Returns whether it was stored."""
        tasks = self._tasks
        index = bisect_left(tasks, number, self._first_task, key=lambda sent_task: sent_task.before) - 1
        if index < self._first_task:
            return False
        sent_task = tasks[index]
        recipient = number - sent_task.before - 1
        if recipient >= len(sent_task.task.numbers) or recipient in sent_task.deleted:
            return False
        self._stored -= 1
        if sent_task.stored > 1:
            tasks[index] = sent_task._replace(deleted=sent_task.deleted | {recipient})
        else:  # a new list, since a reader may be reading the old one
            self._bytes -= sent_task.size
            self._tasks, self._first_task = tasks[self._first_task : index] + tasks[index + 1 :], 0
        return True

    def clear_messages(self) -> Collection[object]:
        """Delete all messages. Returns the deleted collection, for `free_incrementally`."""
        deleted = self._tasks
        self._tasks, self._first_task, self._stored, self._bytes = [], 0, 0, 0
        return deleted

    @property
    def is_idle(self) -> bool:
        """Whether the account is temporary and nothing waits in its queues."""
        return self.account.temporary and self.reports.is_empty and self.replies.is_empty

    def usage(self) -> Usage:
        with self.lock:
            history = History(self._stored, self._bytes, *self.reports.stored_history, *self.replies.stored_history)
            return Usage(self.account.userid, self.is_idle, self.used, history)

    def trim(self, limits: History) -> None:
        """Delete history beyond these limits, but never the last task or the last fetched item."""
        with self.lock:
            if self._tasks:
                self._delete_oldest(limits.messages, limits.message_bytes)
            self.reports.delete_fetched(limits.reports, limits.report_bytes)
            self.replies.delete_fetched(limits.replies, limits.reply_bytes)

    def query_messages(self, query: Query, now: float) -> Iterator[SentMessage]:
        """The messages whose task matches the query, with the delivery states of their reports at this time.

        The lock is held only while a snapshot is taken, not while the messages are read.
        """
        with self.lock:
            tasks, indexes, history = self._tasks, range(self._first_task, len(self._tasks)), self.reports.history(now)
        return _iterate_messages(tasks, _select_indexes(tasks, indexes, query), history, query)


def _select_indexes(tasks: list[_SentTask], indexes: range, query: Query) -> range:
    """The indexes of tasks that can contain a matching message, in the order of the query."""
    if query.after is not None:
        # The last task that begins before that message: tasks on the other side of it cannot match.
        last = bisect_left(tasks, query.after, indexes.start, indexes.stop, key=lambda sent_task: sent_task.before) - 1
        indexes = (
            range(indexes.start, last + 1) if query.newest_first else range(max(indexes.start, last), indexes.stop)
        )
    return indexes[::-1] if query.newest_first else indexes


def _iterate_messages(
    tasks: list[_SentTask], indexes: range, history: FetchHistory, query: Query
) -> Iterator[SentMessage]:
    step = -1 if query.newest_first else 1
    for index in indexes:
        before, _, task, _, deleted = sent_task = tasks[index]
        if not matches_task(task, query):
            continue
        numbers = task.numbers
        for recipient in range(len(numbers))[::step]:
            if recipient not in deleted and (query.number is None or numbers[recipient] == query.number):
                report = sent_task.report(recipient)
                state = UNREPORTED if report is None else history.state_of(report[1])
                yield SentMessage(
                    before + recipient + 1, task, numbers[recipient], report[0] if report else None, state
                )
