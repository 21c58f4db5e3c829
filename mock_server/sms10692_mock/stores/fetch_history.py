"""Delivery states of the items of a queue, as an immutable snapshot, and the iteration over a queue with them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sms10692_mock.domain.records import SCHEDULED, WAITING, DeliveryState, Query, QueueItem
from sms10692_mock.stores.due_batches import DueBatch, Item


class FetchRecord(NamedTuple):
    """One fetch: index of its first item, time, and number of the request."""

    first: int
    moment: float
    request: int


class FetchHistory(NamedTuple):
    """The fetches of a queue at one time.

    `base`: index of the first stored item. `cursor`: index of the next item to fetch. `fetches`: in ascending order.
    """

    base: int
    cursor: int
    fetches: Sequence[FetchRecord]

    def state_of(self, place: int | None) -> DeliveryState:
        """The delivery state of the item at this index of the queue; None stands for an item that is not due yet."""
        if place is None:
            return SCHEDULED
        if place >= self.cursor:
            return WAITING
        if place < self.base:
            return DeliveryState("fetched")
        index = bisect_right(self.fetches, place, key=lambda fetch: fetch.first) - 1
        return DeliveryState("fetched", *self.fetches[index][1:])


def query_items(
    history: FetchHistory,
    log: Sequence[Item],
    length: int,
    scheduled: list[tuple[float, int, DueBatch[Item]]],
    query: Query,
) -> Iterator[QueueItem[Item]]:
    """Iterate over the first `length` items of a log and the scheduled items after them, in the order of the query.

    Items with another number than that of the query are skipped. `scheduled` is a heap, sorted here.
    """
    later = [item for _, _, batch in sorted(scheduled) for item in batch.items]
    step = -1 if query.newest_first else 1
    for offset, items, end in [(history.base, log, length), (history.base + length, later, len(later))][::step]:
        for place in range(end)[::step]:
            item = items[place]
            if query.number is None or item.mobile == query.number:
                state = SCHEDULED if items is later else history.state_of(offset + place)
                yield QueueItem(offset + place + 1, item, state)
