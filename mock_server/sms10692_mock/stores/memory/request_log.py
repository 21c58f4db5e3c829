"""The journal of requests in memory: the last so many, and not more than so many bytes of them.

Here belongs what is kept and what is dropped. What an entry says is made in `http`.
"""

from collections import deque
from itertools import count
from threading import Lock

from sms10692_mock.domain.records import Limits, LoggedRequest, Page, Query
from sms10692_mock.stores.memory.incremental_free import free_incrementally
from sms10692_mock.stores.query import matches_request, paginate


class RequestLog:
    """The last requests, by number: looking through them may take its time, writing or finding one may not."""

    def __init__(self, limits: Limits) -> None:
        self._most, self._most_bytes = limits.requests, limits.request_bytes
        self._numbers = count(1)
        self._lock = Lock()
        self._entries: dict[int, LoggedRequest] = {}
        self.clear()

    def clear(self) -> None:
        """Begin anew; numbers go on."""
        before = self._entries
        with self._lock:
            self._entries = {}
            self._row: deque[tuple[int, int]] = deque()
            """Their numbers and bytes, in the order in which they came."""
            self._bytes = 0
            self._dropped = 0
        free_incrementally([before.values()])

    def next_number(self) -> int:
        return next(self._numbers)

    def record(self, entry: LoggedRequest) -> None:
        size = entry.size
        with self._lock:
            entries, row, number = self._entries, self._row, entry.number
            entries[number] = entry
            row.append((number, size))
            self._bytes += size
            while len(row) > self._most or self._bytes > self._most_bytes:
                number, size = row.popleft()
                del entries[number]
                self._bytes -= size
                self._dropped += 1

    def query(self, userid: str | None, wanted: Query) -> Page[LoggedRequest]:
        """Those of a userid, or all, that are wanted."""
        with self._lock:
            kept, dropped = list(self._entries.values()), self._dropped
        # Who began first need not be done first.
        in_order = sorted(kept, key=lambda entry: entry.number, reverse=wanted.newest_first)
        mine = (entry for entry in in_order if userid is None or entry.userid == userid)
        return paginate(mine, wanted, matches_request, dropped)

    def get(self, number: int) -> LoggedRequest | None:
        return self._entries.get(number)

    def is_logged(self, number: int) -> bool:
        return number in self._entries
