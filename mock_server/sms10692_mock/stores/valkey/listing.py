"""Queries on messages and queues: consistent pages of lists that are read in chunks.

Other clients send and fetch while a list is read. If they change what has been read, reading starts again.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from sms10692_mock.domain.records import (
    SCHEDULED,
    UNREPORTED,
    InboundReply,
    Page,
    Query,
    QueueItem,
    QueueName,
    QueueStats,
    SentMessage,
    StatusReport,
)
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.stores.due_batches import Item
from sms10692_mock.stores.fetch_history import FetchHistory, FetchRecord
from sms10692_mock.stores.query import matches_message, matches_reply, matches_report, paginate
from sms10692_mock.stores.valkey import scripts
from sms10692_mock.stores.valkey.script_client import Script
from sms10692_mock.stores.valkey.serialization import DecodedTask, load_batch, load_task

Thing = TypeVar("Thing")

_FIRST_CHUNK: Final = 100
_CHUNK_GROWTH: Final = 4
_MAX_CHUNK: Final = 20_000
"""Items or tasks that are read with one script: few at first, because most pages are short."""

_ATTEMPTS: Final = 4
"""Attempts to read a list that changes while it is read."""


class AccountScriptRunner(Protocol):
    """Runs a script on the keys of an account. Raises NoSuchAccount and StoreUnavailable."""

    def __call__(self, script: Script, userid: str, *arguments: bytes | str | int) -> Any: ...


class _Conflict(Exception):
    """The list was changed since its reading began."""


class _QueueSnapshot(NamedTuple):
    """State of an account and of one queue at one time: the reply of `scripts/read_state.lua`."""

    life: bytes
    requeued: int
    stop: int
    scheduled: int
    base: int
    cursor: int
    evicted_tasks: int
    tasks: int
    evicted_messages: int
    batches: Sequence[bytes]

    @property
    def queue(self) -> tuple[bytes, int, int, int]:
        """A value that changes when items are added, released or requeued."""
        return self.life, self.requeued, self.stop, self.scheduled

    def check_unchanged(self, life: bytes, requeued: int) -> None:
        if (life, requeued) != (self.life, self.requeued):
            raise _Conflict


class ListReader:
    """Reads the lists of accounts. `run` executes the scripts. Methods are those of `Store`."""

    def __init__(self, run: AccountScriptRunner) -> None:
        self._run = run

    def queue_stats(self, userid: str, queue: QueueName, now: float) -> QueueStats:
        snapshot = self._read_snapshot(userid, queue, now)
        return QueueStats(
            snapshot.stop + snapshot.scheduled,
            snapshot.scheduled,
            snapshot.stop - snapshot.cursor,
            snapshot.cursor,
            snapshot.base,
        )

    def _read_snapshot(self, userid: str, queue: QueueName, now: float, *batches: int) -> _QueueSnapshot:
        """Read the state of a queue, and optionally a range of its scheduled batches, by indexes of ZRANGE."""
        return _QueueSnapshot(*self._run(scripts.READ_STATE, userid, queue, repr(now), *batches))

    def messages(self, userid: str, query: Query, now: float) -> Page[SentMessage]:
        def page(last_try: bool) -> Page[SentMessage]:
            snapshot = self._read_snapshot(userid, "reports", now)
            return paginate(self._messages(userid, snapshot, query), query, matches_message, snapshot.evicted_messages)

        return _retry_until_consistent(page)

    def reports(self, userid: str, query: Query, now: float) -> Page[QueueItem[StatusReport]]:
        def page(last_try: bool) -> Page[QueueItem[StatusReport]]:
            snapshot, items = self._query_queue(StatusReport, userid, "reports", query, now, last_try)
            return paginate(items, query, matches_report, snapshot.base)

        return _retry_until_consistent(page)

    def replies(self, userid: str, query: Query, now: float) -> Page[QueueItem[InboundReply]]:
        def page(last_try: bool) -> Page[QueueItem[InboundReply]]:
            snapshot, items = self._query_queue(InboundReply, userid, "replies", query, now, last_try)
            return paginate(items, query, matches_reply, snapshot.base)

        return _retry_until_consistent(page)

    def _messages(self, userid: str, snapshot: _QueueSnapshot, query: Query) -> Iterator[SentMessage]:
        begin, end = snapshot.evicted_tasks, snapshot.evicted_tasks + snapshot.tasks
        min_messages = max(_FIRST_CHUNK, query.limit + 1)
        while begin < end:
            order = "1" if query.newest_first else ""
            life, requeued, first_task, rows, all_starts, deleted_numbers = self._run(
                scripts.READ_TASKS, userid, begin, end, order, min_messages
            )
            snapshot.check_unchanged(life, requeued)
            if not rows:
                return
            if query.newest_first:
                end = first_task
            else:
                begin = first_task + len(rows)
            deleted = frozenset(map(int, deleted_numbers))
            tasks = [_load_task_row(row, starts, snapshot) for row, starts in zip(rows, all_starts, strict=True)]
            released = [indexes for task in tasks for indexes in task.released]
            firsts, lasts = [first for first, _ in released], [last for _, last in released]
            history = self._read_history(userid, snapshot, min(firsts, default=0), max(lasts, default=0))
            for task in reversed(tasks) if query.newest_first else tasks:
                yield from task.messages(history, query.newest_first, deleted)
            min_messages = min(min_messages * _CHUNK_GROWTH, _MAX_CHUNK)

    def _query_queue(
        self, kind: type[Item], userid: str, queue: QueueName, query: Query, now: float, last_try: bool
    ) -> tuple[_QueueSnapshot, Iterator[QueueItem[Item]]]:
        """The state of a queue, and an iterator that reads its items in chunks.

        With `last_try`, all scheduled items are read together with the state, so that they cannot change.
        """
        snapshot = self._read_snapshot(userid, queue, now, *((0, -1) if last_try else ()))

        def items() -> Iterator[QueueItem[Item]]:
            if query.newest_first:
                yield from self._query_scheduled(kind, userid, queue, snapshot, now, query, last_try)
            yield from self._query_released(kind, userid, queue, snapshot, query)
            if not query.newest_first:
                yield from self._query_scheduled(kind, userid, queue, snapshot, now, query, last_try)

        return snapshot, items()

    def _query_released(
        self, kind: type[Item], userid: str, queue: QueueName, snapshot: _QueueSnapshot, query: Query
    ) -> Iterator[QueueItem[Item]]:
        begin, end = snapshot.base, snapshot.stop
        if query.after is not None and query.newest_first:
            end = max(begin, min(end, query.after - 1))
        elif query.after is not None:
            begin = min(end, max(begin, query.after))
        for first, last in _chunks(begin, end, query):
            life, requeued, start, lines, fetches = self._run(scripts.READ_ITEMS, userid, queue, first, last, 1)
            snapshot.check_unchanged(life, requeued)
            history = _load_history(snapshot, fetches)
            items = [
                QueueItem(position + 1, item, history.state_of(position))
                for position, item in enumerate(load_batch(kind, lines), start)
            ]
            yield from reversed(items) if query.newest_first else items

    def _query_scheduled(
        self,
        kind: type[Item],
        userid: str,
        queue: QueueName,
        snapshot: _QueueSnapshot,
        now: float,
        query: Query,
        last_try: bool,
    ) -> Iterator[QueueItem[Item]]:
        number = snapshot.stop + (snapshot.scheduled if query.newest_first else 0)
        for read in count(0, _FIRST_CHUNK):
            if last_try:
                batches = snapshot.batches if read == 0 else ()
            elif not snapshot.scheduled:
                batches = ()
            else:
                indexes = (-read - _FIRST_CHUNK, -read - 1) if query.newest_first else (read, read + _FIRST_CHUNK - 1)
                current = self._read_snapshot(userid, queue, now, *indexes)
                if current.queue != snapshot.queue:
                    raise _Conflict
                batches = current.batches
            if not batches:
                return
            items = load_batch(kind, b"\n".join(batches))
            if query.newest_first:
                number -= len(items)
            chunk = [QueueItem(position, item, SCHEDULED) for position, item in enumerate(items, number + 1)]
            if not query.newest_first:
                number += len(items)
            yield from reversed(chunk) if query.newest_first else chunk

    def _read_history(self, userid: str, snapshot: _QueueSnapshot, first: int, last: int) -> FetchHistory:
        life, requeued, _, _, fetches = self._run(scripts.READ_ITEMS, userid, "reports", first, last, 0)
        snapshot.check_unchanged(life, requeued)
        return _load_history(snapshot, fetches)


class _TaskRow(NamedTuple):
    """A task, the number of the last message before it, and the index of the first report of each batch, once due."""

    before: int
    decoded: DecodedTask
    starts: Sequence[int | None]

    @property
    def released(self) -> Iterator[tuple[int, int]]:
        """Index ranges of its released reports in the queue: first and end of each run."""
        for batch, _, run in self.decoded.reported:
            start = self.starts[batch]
            if start is not None:
                yield start + run.offset, start + run.offset + run.size

    def messages(self, history: FetchHistory, newest_first: bool, deleted: frozenset[int]) -> Iterator[SentMessage]:
        task = self.decoded.task
        numbers = range(len(task.numbers))
        for position in reversed(numbers) if newest_first else numbers:
            if self.before + position + 1 in deleted:
                continue
            found = self.decoded.report(position)
            report, state = None, UNREPORTED
            if found is not None:
                batch, index, report = found
                start = self.starts[batch]
                state = history.state_of(None if start is None else start + index)
            yield SentMessage(self.before + position + 1, task, task.numbers[position], report, state)


def _load_task_row(row: bytes, starts: bytes, snapshot: _QueueSnapshot) -> _TaskRow:
    """Load a row of `scripts/read_tasks.lua`, as of the snapshot: reports released since are not due yet."""
    head, _, body = row.partition(b"\n")
    firsts = [int(start) if start else None for start in starts.split(b",")]
    released = [None if first is None or first >= snapshot.stop else first for first in firsts]
    return _TaskRow(int(head.split(b" ")[0]), load_task(body), released)


def _load_history(snapshot: _QueueSnapshot, fetches: bytes) -> FetchHistory:
    rows = [line.split(b" ") for line in fetches.split(b"\n") if line]
    return FetchHistory(
        snapshot.base, snapshot.cursor, [FetchRecord(int(row[0]), float(row[1]), int(row[2])) for row in rows]
    )


def _retry_until_consistent(page: Callable[[bool], Thing]) -> Thing:
    """Read a page, and start again if the list was changed meanwhile.

    Raises StoreUnavailable after the last attempt.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return page(attempt == _ATTEMPTS - 1)
        except _Conflict:
            continue
    raise StoreUnavailable("the queue changes faster than it can be read: retry the request")


def _chunks(begin: int, end: int, query: Query) -> Iterator[tuple[int, int]]:
    """Index ranges that cover `begin` to `end`, in the order of the query, with growing size."""
    size = max(_FIRST_CHUNK, min(query.limit + 1, _MAX_CHUNK))
    while begin < end:
        if query.newest_first:
            first = max(begin, end - size)
            yield first, end
            end = first
        else:
            last = min(end, begin + size)
            yield begin, last
            begin = last
        size = min(size * _CHUNK_GROWTH, _MAX_CHUNK)
