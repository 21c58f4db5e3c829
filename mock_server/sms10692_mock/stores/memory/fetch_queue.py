"""A fetch-once queue in memory: a log of what is due with one cursor, and beside it what is not due yet.

Here belongs the order in which items come up. What became of each is in `fates`; locks, and whose queue it is, are
`memory`'s.
"""

import heapq
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import count
from typing import Generic, TypeGuard

from sms10692_mock.domain.records import Query, QueueItem, QueueStats, Reply, Report, utf8_length
from sms10692_mock.stores.due_batches import DueBatch, Item
from sms10692_mock.stores.fetch_history import FetchHistory, FetchRecord, query_items


class FetchQueue(Generic[Item]):
    """Items in the order in which they fall due. Not for two threads at once.

    Handing over moves a cursor. At least the last `kept` that were handed over are remembered, and can be rewound, or
    as many as have `kept_bytes`.
    """

    def __init__(self, kept: int, kept_bytes: int) -> None:
        self._kept = kept
        self._kept_bytes = kept_bytes
        self._log: list[Item] = []
        """Only ever longer: who looks through it keeps it as it was by its length."""
        self._base = 0
        """The place of the first item of `_log`, counted from the very first."""
        self._cursor = 0
        self._bytes = 0
        """Of those handed over that are remembered."""
        self._later: list[tuple[float, int, DueBatch[Item]]] = []
        self._later_items = 0
        self._arrivals = count()
        self._fetches: deque[FetchRecord] = deque()

    def enqueue(self, arriving: Sequence[DueBatch[Item]], now: float) -> None:
        if arriving and self._later:
            self._release_due(now)
        for bundle in arriving:
            if bundle.due <= now:
                self._log_it(bundle)
            else:
                heapq.heappush(self._later, (bundle.due, next(self._arrivals), bundle))
                self._later_items += len(bundle.items)

    def fetch(self, limit: int, now: float, request: int) -> list[Item]:
        self._release_due(now)
        begin = self._cursor - self._base
        items = self._log[begin : begin + limit]
        if items:
            self._fetches.append(FetchRecord(self._cursor, now, request))
            self._cursor += len(items)
            self._bytes += _size(items)
            if begin + len(items) > 2 * self._kept or self._bytes > 2 * self._kept_bytes:
                self.forget(self._kept, self._kept_bytes)
        return items

    def requeue(self, number: int | None, since: float | None) -> int:
        """Let items wait again: the last `number`, and of them those handed out since a moment."""
        target = self._base if number is None else max(self._base, self._cursor - number)
        if since is not None:
            earliest = next((fetch.first for fetch in self._fetches if fetch.moment >= since), self._cursor)
            target = max(target, earliest)
        rewound = self._cursor - target
        self._bytes -= _size(self._log[target - self._base : self._cursor - self._base])
        self._cursor = target
        while self._fetches and self._fetches[-1].first >= target:
            self._fetches.pop()
        return rewound

    def stats(self, now: float) -> QueueStats:
        """The queue in numbers."""
        self._release_due(now)
        end = self._base + len(self._log)
        return QueueStats(end + self._later_items, self._later_items, end - self._cursor, self._cursor, self._base)

    def next_due(self, now: float) -> float | None:
        """When the next item falls due."""
        self._release_due(now)
        return self._later[0][0] if self._later else None

    def history(self, now: float) -> FetchHistory:
        """What became of the items so far, whatever happens afterwards."""
        self._release_due(now)
        return FetchHistory(self._base, self._cursor, list(self._fetches))

    def query(self, wanted: Query, now: float) -> Iterator[QueueItem[Item]]:
        """All items that are kept, with their fates, those not due yet behind the others, as they are now.

        Those to other numbers than the one that is wanted may be missing.
        """
        fates = self.history(now)
        return query_items(fates, self._log, len(self._log), list(self._later), wanted)

    def large_collections(self) -> Sequence[Collection[object]]:
        """All that grows with what was put in."""
        return self._log, self._later, self._fetches

    def _log_it(self, bundle: DueBatch[Item]) -> None:
        bundle.start = self._base + len(self._log)
        self._log.extend(bundle.items)

    def _release_due(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            bundle = heapq.heappop(self._later)[2]
            self._later_items -= len(bundle.items)
            self._log_it(bundle)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits, now or later."""
        return not self._later and self._cursor == self._base + len(self._log)

    @property
    def remembered(self) -> tuple[int, int]:
        """How many items that were handed over are remembered, and their bytes."""
        return self._cursor - self._base, self._bytes

    def forget(self, kept: int, kept_bytes: int) -> None:
        """Forget what was handed over, but for the last `kept` or as many as have `kept_bytes`, and the very last."""
        handed_over = self._cursor - self._base
        number = max(0, handed_over - max(kept, 1))
        self._bytes -= _size(self._log[:number])
        while self._bytes > kept_bytes and number < handed_over - 1:
            self._bytes -= _size([self._log[number]])
            number += 1
        self._log = self._log[number:]
        self._base += number
        while len(self._fetches) > 1 and self._fetches[1].first <= self._base:
            self._fetches.popleft()


def _size(items: Sequence[Report] | Sequence[Reply]) -> int:
    """Bytes of all that a client can make long."""
    columns: Iterable[tuple[object, ...]] = zip(*items, strict=True)  # a page of thousands at once takes a fifth
    size = 0
    for column in columns:
        if _are_texts(column):
            size += utf8_length("".join(column))
    return size


def _are_texts(column: tuple[object, ...]) -> TypeGuard[tuple[str, ...]]:
    return isinstance(column[0], str)
