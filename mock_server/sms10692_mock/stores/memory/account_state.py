"""What the memory store keeps of one account: its balance, what it sent, and its two queues.

No method but `sent`, `usage` and `shrink` takes `lock`: hold it around all others.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from threading import Lock
from typing import Final, NamedTuple

from sms10692_mock.domain.accounts import Account, initial_balance
from sms10692_mock.domain.records import NEVER, Limits, Message, Query, Reply, Report, Task
from sms10692_mock.stores.due_batches import DueBatch
from sms10692_mock.stores.fetch_history import FetchHistory
from sms10692_mock.stores.memory.fetch_queue import FetchQueue
from sms10692_mock.stores.query import matches_task
from sms10692_mock.stores.retention import History, Usage

_GONE: Final = 8
"""What is forgotten is freed when it is more than this part of the tasks: each is moved so often, and no oftener."""


class _SentTask(NamedTuple):
    """A task, its bytes, the number of the last message before it, and its reports, in bundles, each in their order."""

    before: int
    size: int
    task: Task
    reports: Sequence[DueBatch[Report]]

    def report(self, place: int) -> tuple[Report, int | None] | None:
        """The report of the number at this place of the task, and where in the queue's log it stands."""
        for bundle in self.reports:
            index = bisect_left(bundle.items, place, key=lambda report: report.place)
            if index < len(bundle.items) and bundle.items[index].place == place:
                return bundle.items[index], None if bundle.start is None else bundle.start + index
        return None


class AccountState:
    """All that is kept for one account."""

    def __init__(self, account: Account, limits: Limits, used: float) -> None:
        self.account = account
        self.used = used
        self.charged_up = initial_balance(account)
        self.points = self.charged_up
        self.reports: FetchQueue[Report] = FetchQueue(limits.handed_out, limits.handed_out_bytes)
        self.replies: FetchQueue[Reply] = FetchQueue(limits.handed_out, limits.handed_out_bytes)
        self.lock = Lock()
        self._most, self._most_bytes = limits.messages, limits.message_bytes
        self._sent: list[_SentTask] = []
        """Only ever longer: who looks through it keeps it as it was by its length. The first `_gone` are forgotten."""
        self._gone = 0
        self._messages = 0
        self._bytes = 0

    def large_collections(self) -> Sequence[Collection[object]]:
        """All that grows with what was sent."""
        return self._sent, *self.reports.large_collections(), *self.replies.large_collections()

    @property
    def messages(self) -> int:
        return self._messages

    @property
    def dropped(self) -> int:
        return self._sent[self._gone].before if self._sent else 0

    def append_task(self, task: Task, size: int, reports: Sequence[DueBatch[Report]]) -> None:
        most, most_bytes = self._most, self._most_bytes
        self._sent.append(_SentTask(self._messages, size, task, reports))
        self._messages += len(task.numbers)
        self._bytes += size
        self._drop(most, most_bytes)

    def _drop(self, most: int, most_bytes: int) -> None:
        sent, gone = self._sent, self._gone
        while (self._bytes > most_bytes or self._messages - sent[gone].before > most) and gone < len(sent) - 1:
            self._bytes -= sent[gone].size
            self._gone = gone = gone + 1
        if gone * _GONE > len(sent):
            self._sent, self._gone = sent[gone:], 0

    @property
    def is_idle(self) -> bool:
        """Whether the account is temporary and nothing waits in its queues."""
        return self.account.throwaway and self.reports.is_empty and self.replies.is_empty

    def usage(self) -> Usage:
        with self.lock:
            messages = self._messages - self.dropped if self._sent else 0
            history = History(messages, self._bytes, *self.reports.remembered, *self.replies.remembered)
            return Usage(self.account.userid, self.is_idle, self.used, history)

    def shrink(self, kept: History) -> None:
        """Drop what is over, but for so much and the last of each."""
        with self.lock:
            if self._sent:
                self._drop(kept.messages, kept.message_bytes)
            self.reports.forget(kept.reports, kept.report_bytes)
            self.replies.forget(kept.replies, kept.reply_bytes)

    def sent(self, wanted: Query, now: float) -> Iterator[Message]:
        """The messages that are kept and of which a task is wanted, with the fates of their reports, as they are now.

        The account is locked for a moment only, however many there are to look through.
        """
        with self.lock:
            sent, places, fates = self._sent, range(self._gone, len(self._sent)), self.reports.history(now)
        return _messages(sent, _from(sent, places, wanted), fates, wanted)


def _from(sent: list[_SentTask], places: range, wanted: Query) -> range:
    """The places at which a wanted message can stand, in the order in which they are wanted."""
    if wanted.after is not None:
        # The last task that begins before that message: those on the other side of it cannot be wanted.
        place = bisect_left(sent, wanted.after, places.start, places.stop, key=lambda one: one.before) - 1
        places = range(places.start, place + 1) if wanted.newest_first else range(max(places.start, place), places.stop)
    return places[::-1] if wanted.newest_first else places


def _messages(sent: list[_SentTask], places: range, fates: FetchHistory, wanted: Query) -> Iterator[Message]:
    step = -1 if wanted.newest_first else 1
    for place in places:
        before, _, task, _ = one = sent[place]
        if not matches_task(task, wanted):
            continue
        numbers = task.numbers
        for at in range(len(numbers))[::step]:
            if wanted.number is None or numbers[at] == wanted.number:
                report = one.report(at)
                fate = NEVER if report is None else fates.state_of(report[1])
                yield Message(before + at + 1, task, numbers[at], report[0] if report else None, fate)
