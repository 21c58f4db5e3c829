"""Items of a queue, grouped by due time."""

from collections.abc import Sequence
from typing import Generic, TypeVar

from sms10692_mock.domain.records import InboundReply, StatusReport

Item = TypeVar("Item", StatusReport, InboundReply)


class DueBatch(Generic[Item]):
    """Items with the same due time.

    `start` is the index of the first item in the queue; None until the batch is due.
    """

    __slots__ = ("due", "items", "start")

    def __init__(self, due: float, items: Sequence[Item]) -> None:
        self.due = due
        self.items: Sequence[Item] = items
        self.start: int | None = None


def group_by_due(items: Sequence[Item]) -> list[DueBatch[Item]]:
    """Group items by due time, in ascending order. Items of a group keep their order."""
    if not items:
        return []
    due = items[0].due
    for item in items:
        if item.due != due:
            break
    else:
        return [DueBatch(due, items)]
    by_due: dict[float, list[Item]] = {}
    for item in items:
        by_due.setdefault(item.due, []).append(item)
    return [DueBatch(due, batch) for due, batch in sorted(by_due.items())]
