"""What is looked at: messages and queues, page by page, as they were at one moment.

Here belongs how a long list is read in pieces while others send and fetch. What changes anything is in `store`.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import count as counting_from
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from sms10692_mock.domain.records import (
    LATER,
    NEVER,
    Message,
    Page,
    Query,
    QueueItem,
    QueueName,
    QueueStats,
    Reply,
    Report,
)
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.stores.due_batches import Item
from sms10692_mock.stores.fetch_history import FetchHistory, FetchRecord
from sms10692_mock.stores.query import matches_message, matches_reply, matches_report, paginate
from sms10692_mock.stores.valkey import scripts
from sms10692_mock.stores.valkey.script_client import Script
from sms10692_mock.stores.valkey.serialization import DecodedTask, load_batch, load_task

Thing = TypeVar("Thing")

_PIECE: Final = 100
_PIECE_GROWS: Final = 4
_LARGEST_PIECE: Final = 20_000
"""Items of a queue, or tasks, that are read at once: few at first, as most pages are short."""

_LOOKS: Final = 4
"""How often a list is begun anew that changed while it was read."""


class ScriptRunner(Protocol):
    """Runs a script on the keys of an account. Raises NoSuchAccount and StoreUnavailable."""

    def __call__(self, work: Script, userid: str, *arguments: bytes | str | int) -> Any: ...


class _Conflict(Exception):
    """The list is no longer what it was when its reading began."""


class _Snapshot(NamedTuple):
    """How an account stood at one moment, as `scripts/look.lua` says it."""

    life: bytes
    rewound: int
    stop: int
    later: int
    base: int
    cursor: int
    tasks_dropped: int
    tasks: int
    messages_dropped: int
    bundles: Sequence[bytes]

    @property
    def queue(self) -> tuple[bytes, int, int, int]:
        """What stays the same while nothing comes or falls due."""
        return self.life, self.rewound, self.stop, self.later

    def must_be(self, life: bytes, rewound: int) -> None:
        if (life, rewound) != (self.life, self.rewound):
            raise _Conflict


class ListReader:
    """The lists of every account, as far as `run` reaches."""

    def __init__(self, run: ScriptRunner) -> None:
        self._run = run

    def queue_stats(self, userid: str, queue: QueueName, now: float) -> QueueStats:
        look = self._look(userid, queue, now)
        return QueueStats(look.stop + look.later, look.later, look.stop - look.cursor, look.cursor, look.base)

    def _look(self, userid: str, queue: QueueName, now: float, *bundles: int) -> _Snapshot:
        """How the queue stands, and some of the bundles that are not due yet, as by the indexes of ZRANGE."""
        return _Snapshot(*self._run(scripts.LOOK, userid, queue, repr(now), *bundles))

    def messages(self, userid: str, wanted: Query, now: float) -> Page[Message]:
        def page(last_try: bool) -> Page[Message]:
            look = self._look(userid, "reports", now)
            return paginate(self._messages(userid, look, wanted), wanted, matches_message, look.messages_dropped)

        return _retry_until_consistent(page)

    def reports(self, userid: str, wanted: Query, now: float) -> Page[QueueItem[Report]]:
        def page(last_try: bool) -> Page[QueueItem[Report]]:
            look, items = self._queued(Report, userid, "reports", wanted, now, last_try)
            return paginate(items, wanted, matches_report, look.base)

        return _retry_until_consistent(page)

    def replies(self, userid: str, wanted: Query, now: float) -> Page[QueueItem[Reply]]:
        def page(last_try: bool) -> Page[QueueItem[Reply]]:
            look, items = self._queued(Reply, userid, "replies", wanted, now, last_try)
            return paginate(items, wanted, matches_reply, look.base)

        return _retry_until_consistent(page)

    def _messages(self, userid: str, look: _Snapshot, wanted: Query) -> Iterator[Message]:
        begin, end = look.tasks_dropped, look.tasks_dropped + look.tasks
        enough = max(_PIECE, wanted.limit + 1)
        while begin < end:
            order = "1" if wanted.newest_first else ""
            life, rewound, begins, rows, all_starts = self._run(scripts.READ_SENT, userid, begin, end, order, enough)
            look.must_be(life, rewound)
            if not rows:
                return
            if wanted.newest_first:
                end = begins
            else:
                begin = begins + len(rows)
            tasks = [_sent(row, starts, look) for row, starts in zip(rows, all_starts, strict=True)]
            logged = [places for task in tasks for places in task.logged]
            firsts, lasts = [first for first, _ in logged], [last for _, last in logged]
            fates = self._fates(userid, look, min(firsts, default=0), max(lasts, default=0))
            for task in reversed(tasks) if wanted.newest_first else tasks:
                yield from task.messages(fates, wanted.newest_first)
            enough = min(enough * _PIECE_GROWS, _LARGEST_PIECE)

    def _queued(
        self, kind: type[Item], userid: str, queue: QueueName, wanted: Query, now: float, last_try: bool
    ) -> tuple[_Snapshot, Iterator[QueueItem[Item]]]:
        """A queue as it stands now, and its items as they are then read; with the last try, those not due at once."""
        look = self._look(userid, queue, now, *((0, -1) if last_try else ()))

        def items() -> Iterator[QueueItem[Item]]:
            if wanted.newest_first:
                yield from self._coming(kind, userid, queue, look, now, wanted, last_try)
            yield from self._logged(kind, userid, queue, look, wanted)
            if not wanted.newest_first:
                yield from self._coming(kind, userid, queue, look, now, wanted, last_try)

        return look, items()

    def _logged(
        self, kind: type[Item], userid: str, queue: QueueName, look: _Snapshot, wanted: Query
    ) -> Iterator[QueueItem[Item]]:
        begin, end = look.base, look.stop
        if wanted.after is not None and wanted.newest_first:
            end = max(begin, min(end, wanted.after - 1))
        elif wanted.after is not None:
            begin = min(end, max(begin, wanted.after))
        for first, last in _pieces(begin, end, wanted):
            life, rewound, start, lines, fetches = self._run(scripts.READ_LOG, userid, queue, first, last, 1)
            look.must_be(life, rewound)
            fates = _fates(look, fetches)
            items = [
                QueueItem(place + 1, item, fates.state_of(place))
                for place, item in enumerate(load_batch(kind, lines), start)
            ]
            yield from reversed(items) if wanted.newest_first else items

    def _coming(
        self,
        kind: type[Item],
        userid: str,
        queue: QueueName,
        look: _Snapshot,
        now: float,
        wanted: Query,
        last_try: bool,
    ) -> Iterator[QueueItem[Item]]:
        number = look.stop + (look.later if wanted.newest_first else 0)
        for read in counting_from(0, _PIECE):
            if last_try:
                bundles = look.bundles if read == 0 else ()
            elif not look.later:
                bundles = ()
            else:
                indexes = (-read - _PIECE, -read - 1) if wanted.newest_first else (read, read + _PIECE - 1)
                newer = self._look(userid, queue, now, *indexes)
                if newer.queue != look.queue:
                    raise _Conflict
                bundles = newer.bundles
            if not bundles:
                return
            items = load_batch(kind, b"\n".join(bundles))
            if wanted.newest_first:
                number -= len(items)
            queued = [QueueItem(place, item, LATER) for place, item in enumerate(items, number + 1)]
            if not wanted.newest_first:
                number += len(items)
            yield from reversed(queued) if wanted.newest_first else queued

    def _fates(self, userid: str, look: _Snapshot, first: int, last: int) -> FetchHistory:
        life, rewound, _, _, fetches = self._run(scripts.READ_LOG, userid, "reports", first, last, 0)
        look.must_be(life, rewound)
        return _fates(look, fetches)


class _Sent(NamedTuple):
    """A task, the number of the last message before it, and where its bundles of reports begin in the log."""

    before: int
    unpacked: DecodedTask
    starts: Sequence[int | None]

    @property
    def logged(self) -> Iterator[tuple[int, int]]:
        """Places in the log where its reports stand: of the first of each run, and behind the last."""
        for bundle, _, run in self.unpacked.reported:
            start = self.starts[bundle]
            if start is not None:
                yield start + run.at, start + run.at + run.size

    def messages(self, fates: FetchHistory, newest_first: bool) -> Iterator[Message]:
        task = self.unpacked.task
        numbers = range(len(task.numbers))
        for place in reversed(numbers) if newest_first else numbers:
            found = self.unpacked.report(place)
            report, fate = None, NEVER
            if found is not None:
                bundle, index, report = found
                start = self.starts[bundle]
                fate = fates.state_of(None if start is None else start + index)
            yield Message(self.before + place + 1, task, task.numbers[place], report, fate)


def _sent(row: bytes, starts: bytes, look: _Snapshot) -> _Sent:
    """A task as `scripts/read_sent.lua` says it, as it was at a moment at which the log was no longer than that."""
    head, _, body = row.partition(b"\n")
    firsts = [int(start) if start else None for start in starts.split(b",")]
    logged = [None if first is None or first >= look.stop else first for first in firsts]
    return _Sent(int(head.split(b" ")[0]), load_task(body), logged)


def _fates(look: _Snapshot, fetches: bytes) -> FetchHistory:
    rows = [line.split(b" ") for line in fetches.split(b"\n") if line]
    return FetchHistory(look.base, look.cursor, [FetchRecord(int(row[0]), float(row[1]), int(row[2])) for row in rows])


def _retry_until_consistent(page: Callable[[bool], Thing]) -> Thing:
    """A page read as a whole: begun anew where what it shows was changed while it was read."""
    for look in range(_LOOKS):
        try:
            return page(look == _LOOKS - 1)
        except _Conflict:
            continue
    raise StoreUnavailable("the queue is rewound faster than it can be read")


def _pieces(begin: int, end: int, wanted: Query) -> Iterator[tuple[int, int]]:
    """What to read of begin to end, piece by piece, from the end that is wanted first."""
    size = max(_PIECE, min(wanted.limit + 1, _LARGEST_PIECE))
    while begin < end:
        if wanted.newest_first:
            first = max(begin, end - size)
            yield first, end
            end = first
        else:
            last = min(end, begin + size)
            yield begin, last
            begin = last
        size = min(size * _PIECE_GROWS, _LARGEST_PIECE)
