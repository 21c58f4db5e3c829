"""The request log of the memory store, with an index: a page is read without reading all requests."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Final

from sms10692_mock.domain.records import Limits, LoggedRequest, Page, Query
from sms10692_mock.stores.query import paginate_requests
from sms10692_mock.stores.request_log import RequestLog

_CHUNK: Final = 200
"""Entries that are read while the lock is held."""

_KEY_LENGTH: Final = 64
"""Characters of a userid that are its key in the index, which stays a while after its entries were evicted."""

_MIN_REBUILD: Final = 1000
"""Numbers without an entry that are tolerated in the index at least."""


class IndexedRequestLog(RequestLog):
    """The last requests, found by number and userid. Thread-safe.

    An evicted or deleted entry leaves its number in the index until half of the numbers are without an entry. Then the
    index is built anew: 10 ms for 100,000 entries.
    """

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._numbers: list[int] = []
        """All numbers, in ascending order: requests can finish in another order than that of their numbers."""
        self._by_userid: dict[str, list[int]] = {}

    def _add(self, entry: LoggedRequest) -> None:
        super()._add(entry)
        self._add_to_index(entry)
        if len(self._numbers) > 2 * len(self._entries) + _MIN_REBUILD:
            self._numbers, self._by_userid = [], {}
            for _, stored in self._entries.values():
                self._add_to_index(stored)

    def _add_to_index(self, entry: LoggedRequest) -> None:
        number = entry.number
        for numbers in (self._numbers, self._by_userid.setdefault(entry.userid[:_KEY_LENGTH], [])):
            if numbers and numbers[-1] > number:
                insort(numbers, number)
            else:
                numbers.append(number)

    def _remove_all(self) -> None:
        super()._remove_all()
        self._numbers, self._by_userid = [], {}

    def query(self, userid: str | None, query: Query) -> Page[LoggedRequest]:
        """One page of the requests of a userid, or of all, that match."""
        return paginate_requests(self._iterate(userid, query), query, self._evicted)

    def _iterate(self, userid: str | None, query: Query) -> Iterator[LoggedRequest]:
        last = query.after
        while True:
            with self._lock:
                numbers = self._numbers if userid is None else self._by_userid.get(userid[:_KEY_LENGTH], [])
                if query.newest_first:
                    end = len(numbers) if last is None else bisect_left(numbers, last)
                    chunk = numbers[max(0, end - _CHUNK) : end][::-1]
                else:
                    begin = 0 if last is None else bisect_right(numbers, last)
                    chunk = numbers[begin : begin + _CHUNK]
                entries = [self._entries[number][1] for number in chunk if number in self._entries]
            if not chunk:
                return
            yield from (entry for entry in entries if userid is None or entry.userid == userid)
            last = chunk[-1]
