"""The request log in memory, limited by number of entries and by bytes."""

from collections import deque
from itertools import count
from threading import Lock

from sms10692_mock.domain.records import Limits, LoggedRequest, Page, Query
from sms10692_mock.stores.memory.incremental_free import free_incrementally
from sms10692_mock.stores.query import matches_request, paginate


class RequestLog:
    """The last requests, by number. Thread-safe. `record` and `get` take constant time; `query` reads all entries."""

    def __init__(self, limits: Limits) -> None:
        self._max_entries, self._max_bytes = limits.requests, limits.request_bytes
        self._numbers = count(1)
        self._lock = Lock()
        self._entries: dict[int, LoggedRequest] = {}
        self.clear()

    def clear(self) -> None:
        """Delete all entries. Request numbers are not reset."""
        previous = self._entries
        with self._lock:
            self._entries = {}
            self._order: deque[tuple[int, int]] = deque()
            """Number and size of each entry, in the order of arrival."""
            self._bytes = 0
            self._evicted = 0
        free_incrementally([previous.values()])

    def next_number(self) -> int:
        return next(self._numbers)

    def record(self, entry: LoggedRequest) -> None:
        size = entry.size
        with self._lock:
            entries, order, number = self._entries, self._order, entry.number
            entries[number] = entry
            order.append((number, size))
            self._bytes += size
            while len(order) > self._max_entries or self._bytes > self._max_bytes:
                number, size = order.popleft()
                del entries[number]
                self._bytes -= size
                self._evicted += 1

    def query(self, userid: str | None, query: Query) -> Page[LoggedRequest]:
        """One page of the requests of a userid, or of all, that match."""
        with self._lock:
            entries, evicted = list(self._entries.values()), self._evicted
        # Requests can finish in another order than that of their numbers.
        ordered = sorted(entries, key=lambda entry: entry.number, reverse=query.newest_first)
        matching = (entry for entry in ordered if userid is None or entry.userid == userid)
        return paginate(matching, query, matches_request, evicted)

    def get(self, number: int) -> LoggedRequest | None:
        return self._entries.get(number)

    def is_logged(self, number: int) -> bool:
        return number in self._entries
