"""What became of the items of a queue in memory: each alone, and all of them in a list.

Here belongs looking, however many there are to look through. How they came there is the affair of `queues`.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sms10692_mock.domain.records import LATER, WAITING, DeliveryState, Query, QueueItem
from sms10692_mock.stores.due_batches import DueBatch, Item


class FetchRecord(NamedTuple):
    """One handing over: the place of its first item, when it was, and to which request."""

    first: int
    moment: float
    request: int


class FetchHistory(NamedTuple):
    """What became of every place of a log at one moment."""

    base: int
    cursor: int
    fetches: Sequence[FetchRecord]

    def state_of(self, place: int | None) -> DeliveryState:
        """The fate of the item at this place of the log; None is the place of what is not due yet."""
        if place is None:
            return LATER
        if place >= self.cursor:
            return WAITING
        if place < self.base:
            return DeliveryState("handed out")
        index = bisect_right(self.fetches, place, key=lambda fetch: fetch.first) - 1
        return DeliveryState("handed out", *self.fetches[index][1:])


def query_items(
    fates: FetchHistory,
    log: Sequence[Item],
    length: int,
    to_come: list[tuple[float, int, DueBatch[Item]]],
    wanted: Query,
) -> Iterator[QueueItem[Item]]:
    """The first so many of a log, with their fates, and those that are not due yet behind them, in the order wanted.

    Those to other numbers than the one that is wanted are missing. `to_come` is sorted only when somebody looks.
    """
    later = [item for _, _, bundle in sorted(to_come) for item in bundle.items]
    step = -1 if wanted.newest_first else 1
    for before, items, end in [(fates.base, log, length), (fates.base + length, later, len(later))][::step]:
        for place in range(end)[::step]:
            item = items[place]
            if wanted.number is None or item.mobile == wanted.number:
                fate = LATER if items is later else fates.state_of(before + place)
                yield QueueItem(before + place + 1, item, fate)
