"""Delivery states of the items of a queue, as an immutable snapshot, and the iteration over a queue with them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sms10692_mock.domain.records import SCHEDULED, WAITING, DeliveryState, Query, QueueItem
from sms10692_mock.stores.due_batches import DueBatch, Item


class FetchRecord(NamedTuple):
    """One fetch: index of its first item, time, and number of the request."""

    first: int
    time: float
    request: int


class FetchHistory(NamedTuple):
    """The fetches of a queue at one time.

    `base`: index of the first stored item. `cursor`: index of the next item to fetch. `fetches`: in ascending order.
    """

    base: int
    cursor: int
    fetches: Sequence[FetchRecord]

    def state_of(self, index: int | None) -> DeliveryState:
        """The delivery state of the item at this index of the queue; None stands for an item that is not due yet."""
        if index is None:
            return SCHEDULED
        if index >= self.cursor:
            return WAITING
        if index < self.base:
            return DeliveryState("fetched")
        fetch = self.fetches[bisect_right(self.fetches, index, key=lambda fetch: fetch.first) - 1]
        return DeliveryState("fetched", fetch.time, fetch.request)


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
    scheduled_items = [item for _, _, batch in sorted(scheduled) for item in batch.items]
    step = -1 if query.newest_first else 1
    for offset, items, end in [
        (history.base, log, length),
        (history.base + length, scheduled_items, len(scheduled_items)),
    ][::step]:
        for index in range(end)[::step]:
            item = items[index]
            if query.number is None or item.mobile == query.number:
                state = SCHEDULED if items is scheduled_items else history.state_of(offset + index)
                yield QueueItem(offset + index + 1, item, state)
