"""The store that forgets when the process ends: deques and heaps behind one lock an account.

Here belongs how to keep the protocol's promises in memory, in time that does not grow with what waits.
"""

import heapq
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from threading import Lock
from typing import Generic, TypeVar

from sms10692_mock.accounts import Account
from sms10692_mock.stores.protocol import FIRST_TASK_ID, NoSuchAccount, Reply, Report, Standing

Item = TypeVar("Item", Report, Reply)


class _Queue(Generic[Item]):
    """Items in the order in which they fall due. Not for two threads at once.

    What falls due together stays together, so that nothing here takes long while others wait.
    """

    def __init__(self) -> None:
        self._due: deque[Item] = deque()
        self._later: list[tuple[float, int, list[Item]]] = []
        self._arrivals = count()

    def put(self, bundles: Iterable[tuple[float, list[Item]]], now: float) -> None:
        self._ripen(now)
        for due, items in bundles:
            if due <= now:
                self._due.extend(items)
            else:
                heapq.heappush(self._later, (due, next(self._arrivals), items))

    def take(self, limit: int, now: float) -> list[Item]:
        self._ripen(now)
        if limit >= len(self._due):
            items, self._due = list(self._due), deque()
            return items
        return [self._due.popleft() for _ in range(limit)]

    def _ripen(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            self._due.extend(heapq.heappop(self._later)[2])


def _bundles(items: Sequence[Item]) -> list[tuple[float, list[Item]]]:
    """Items by the moment when they fall due, each in the order given."""
    if len(items) < 2:
        return [(item.due, [item]) for item in items]
    bundles: dict[float, list[Item]] = {}
    for item in items:
        bundles.setdefault(item.due, []).append(item)
    return sorted(bundles.items())


class _Book:
    """All that is kept for one account."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.charged_up = 0 if account.postpaid else account.points
        self.points = self.charged_up
        self.reports: _Queue[Report] = _Queue()
        self.replies: _Queue[Reply] = _Queue()
        self.lock = Lock()


class MemoryStore:
    """A `Store` in the memory of this process."""

    def __init__(self) -> None:
        self._books: dict[str, _Book] = {}
        self._task_ids = count(FIRST_TASK_ID)
        self._task_ids_lock = Lock()

    def open(self, account: Account) -> None:
        self._books[account.userid] = _Book(account)

    def account(self, userid: str) -> Account | None:
        book = self._books.get(userid)
        return book.account if book else None

    def _book(self, userid: str) -> _Book:
        try:
            return self._books[userid]
        except KeyError:
            raise NoSuchAccount(userid) from None

    def userids(self) -> list[str]:
        return list(self._books)

    def change(self, userid: str, change: Callable[[Account], Account]) -> Account:
        book = self._book(userid)
        with book.lock:
            book.account = change(book.account)
            return book.account

    def close(self, userid: str) -> None:
        self._books.pop(userid, None)

    def charge_up(self, userid: str, points: int) -> None:
        book = self._book(userid)
        with book.lock:
            book.points += points
            book.charged_up += points

    def standing(self, userid: str) -> Standing:
        book = self._book(userid)
        with book.lock:
            return Standing(book.points, book.charged_up)

    def next_task_id(self) -> int:
        with self._task_ids_lock:
            return next(self._task_ids)

    def accept(
        self, userid: str, cost: int, reports: Sequence[Report], replies: Sequence[Reply], now: float
    ) -> int | None:
        book = self._book(userid)
        report_bundles, reply_bundles = _bundles(reports), _bundles(replies)
        with book.lock:
            if cost > book.points and not book.account.postpaid:
                return None
            book.points -= cost
            book.reports.put(report_bundles, now)
            book.replies.put(reply_bundles, now)
            return book.points

    def put(self, userid: str, reports: Sequence[Report], replies: Sequence[Reply], now: float) -> None:
        book = self._book(userid)
        report_bundles, reply_bundles = _bundles(reports), _bundles(replies)
        with book.lock:
            book.reports.put(report_bundles, now)
            book.replies.put(reply_bundles, now)

    def take_reports(self, userid: str, limit: int, now: float) -> list[Report]:
        book = self._book(userid)
        with book.lock:
            return book.reports.take(limit, now)

    def take_replies(self, userid: str, now: float) -> list[Reply]:
        book = self._book(userid)
        with book.lock:
            return book.replies.take(sys.maxsize, now)
