"""Items of a queue that fall due together.

Here belongs how a send is made into bundles. When they come up is the affair of `queues`.
"""

from collections.abc import Sequence
from typing import Generic, TypeVar

from sms10692_mock.domain.records import Reply, Report

Item = TypeVar("Item", Report, Reply)


class DueBatch(Generic[Item]):
    """Items that fall due together and so stay together. `start` is the place of the first in the log, once due."""

    __slots__ = ("due", "items", "start")

    def __init__(self, due: float, items: Sequence[Item]) -> None:
        self.due = due
        self.items: Sequence[Item] = items
        self.start: int | None = None


def group_by_due(items: Sequence[Item]) -> list[DueBatch[Item]]:
    """Items by the moment when they fall due, each in the order given."""
    if not items:
        return []
    if len(items) == 1 or len({item.due for item in items}) == 1:
        return [DueBatch(items[0].due, items)]
    by_due: dict[float, list[Item]] = {}
    for item in items:
        by_due.setdefault(item.due, []).append(item)
    return [DueBatch(moment, together) for moment, together in sorted(by_due.items())]
