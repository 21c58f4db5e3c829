"""A fetch-once queue in memory: a log of what is due with one cursor, and beside it what is not due yet.

Here belongs the order in which items come up, and what became of each. Locks, and whose queue it is, are `memory`'s.
"""

import heapq
from bisect import bisect_right
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import count
from typing import Generic, NamedTuple, TypeGuard, TypeVar

from sms10692_mock.stores.records import (
    LATER,
    WAITING,
    Fate,
    Ledger,
    Queued,
    Reply,
    Report,
    Wanted,
    text_bytes,
)

Item = TypeVar("Item", Report, Reply)


class Bundle(Generic[Item]):
    """Items that fall due together and so stay together. `start` is the place of the first in the log, once due."""

    __slots__ = ("due", "items", "start")

    def __init__(self, due: float, items: Sequence[Item]) -> None:
        self.due = due
        self.items: Sequence[Item] = items
        self.start: int | None = None


def bundles(items: Sequence[Item]) -> list[Bundle[Item]]:
    """Items by the moment when they fall due, each in the order given."""
    if not items:
        return []
    if len(items) == 1 or len({item.due for item in items}) == 1:
        return [Bundle(items[0].due, items)]
    by_due: dict[float, list[Item]] = {}
    for item in items:
        by_due.setdefault(item.due, []).append(item)
    return [Bundle(moment, together) for moment, together in sorted(by_due.items())]


class Fetch(NamedTuple):
    """One handing over: the place of its first item, when it was, and to which request."""

    first: int
    moment: float
    request: int


class Queue(Generic[Item]):
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
        self._later: list[tuple[float, int, Bundle[Item]]] = []
        self._later_items = 0
        self._arrivals = count()
        self._fetches: deque[Fetch] = deque()

    def put(self, arriving: Sequence[Bundle[Item]], now: float) -> None:
        if arriving and self._later:
            self._ripen(now)
        for bundle in arriving:
            if bundle.due <= now:
                self._log_it(bundle)
            else:
                heapq.heappush(self._later, (bundle.due, next(self._arrivals), bundle))
                self._later_items += len(bundle.items)

    def take(self, limit: int, now: float, request: int) -> list[Item]:
        self._ripen(now)
        begin = self._cursor - self._base
        items = self._log[begin : begin + limit]
        if items:
            self._fetches.append(Fetch(self._cursor, now, request))
            self._cursor += len(items)
            self._bytes += _size(items)
            if begin + len(items) > 2 * self._kept or self._bytes > 2 * self._kept_bytes:
                self._forget()
        return items

    def rewind(self, number: int | None, since: float | None) -> int:
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

    def ledger(self, now: float) -> Ledger:
        """The queue in numbers."""
        self._ripen(now)
        end = self._base + len(self._log)
        return Ledger(end + self._later_items, self._later_items, end - self._cursor, self._cursor, self._base)

    def next_due(self, now: float) -> float | None:
        """When the next item falls due."""
        self._ripen(now)
        return self._later[0][0] if self._later else None

    def fates(self, now: float) -> "Fates":
        """What became of the items so far, whatever happens afterwards."""
        self._ripen(now)
        return Fates(self._base, self._cursor, list(self._fetches))

    def listed(self, wanted: Wanted, now: float) -> Iterator[Queued[Item]]:
        """All items that are kept, with their fates, those not due yet behind the others, as they are now.

        Those to other numbers than the one that is wanted may be missing.
        """
        fates = self.fates(now)
        return _listed(fates, self._log, len(self._log), list(self._later), wanted)

    def piles(self) -> Sequence[Collection[object]]:
        """All that grows with what was put in."""
        return self._log, self._later, self._fetches

    def _log_it(self, bundle: Bundle[Item]) -> None:
        bundle.start = self._base + len(self._log)
        self._log.extend(bundle.items)

    def _ripen(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            bundle = heapq.heappop(self._later)[2]
            self._later_items -= len(bundle.items)
            self._log_it(bundle)

    def _forget(self) -> None:
        handed_over = self._cursor - self._base
        number = max(0, handed_over - self._kept)
        self._bytes -= _size(self._log[:number])
        while self._bytes > self._kept_bytes and number < handed_over - 1:
            self._bytes -= _size([self._log[number]])
            number += 1
        self._log = self._log[number:]
        self._base += number
        while len(self._fetches) > 1 and self._fetches[1].first <= self._base:
            self._fetches.popleft()


def _size(items: Sequence[Report] | Sequence[Reply]) -> int:
    """Bytes of all that a client can make long."""
    columns: Iterable[tuple[object, ...]] = zip(*items, strict=True)  # a page of thousands at once takes a fifth
    return sum(text_bytes("".join(column)) for column in columns if _are_texts(column))


def _are_texts(column: tuple[object, ...]) -> TypeGuard[tuple[str, ...]]:
    return isinstance(column[0], str)


class Fates(NamedTuple):
    """What became of every place of a log at one moment."""

    base: int
    cursor: int
    fetches: Sequence[Fetch]

    def of(self, place: int | None) -> Fate:
        """The fate of the item at this place of the log; None is the place of what is not due yet."""
        if place is None:
            return LATER
        if place >= self.cursor:
            return WAITING
        if place < self.base:
            return Fate("handed out")
        index = bisect_right(self.fetches, place, key=lambda fetch: fetch.first) - 1
        return Fate("handed out", *self.fetches[index][1:])


def _listed(
    fates: Fates, log: list[Item], length: int, to_come: list[tuple[float, int, Bundle[Item]]], wanted: Wanted
) -> Iterator[Queued[Item]]:
    later = [item for _, _, bundle in sorted(to_come, key=lambda row: row[:2]) for item in bundle.items]
    step = -1 if wanted.newest_first else 1
    for before, items, end in [(fates.base, log, length), (fates.base + length, later, len(later))][::step]:
        for place in range(end)[::step]:
            item = items[place]
            if wanted.number is None or item.mobile == wanted.number:
                fate = LATER if items is later else fates.of(before + place)
                yield Queued(before + place + 1, item, fate)
