"""The journal of requests in memory: the last so many, and not more than so many bytes of them.

Here belongs what is kept and what is dropped. What an entry says is made in `http`.
"""

from collections import deque
from itertools import count
from threading import Lock

from sms10692_mock.stores.discarding import discard
from sms10692_mock.stores.records import Entry, Limits, Listed, Wanted
from sms10692_mock.stores.wanted import listed, says_request


class Journal:
    """The last requests, in one row: looking for one of them may take its time, writing one may not."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._numbers = count(1)
        self._lock = Lock()
        self._entries: deque[Entry] = deque()
        self.forget()

    def forget(self) -> None:
        """Begin anew; numbers go on."""
        before = self._entries
        with self._lock:
            self._entries = deque()
            self._sizes: deque[int] = deque()
            self._bytes = 0
            self._dropped = 0
        discard([before])

    def next_number(self) -> int:
        return next(self._numbers)

    def record(self, entry: Entry) -> None:
        size = entry.size
        with self._lock:
            entries = self._entries
            entries.append(entry)
            self._sizes.append(size)
            self._bytes += size
            while len(entries) > self._limits.requests or self._bytes > self._limits.request_bytes:
                entries.popleft()
                self._bytes -= self._sizes.popleft()
                self._dropped += 1

    def entries(self, userid: str | None, wanted: Wanted) -> Listed[Entry]:
        """Those of a userid, or all, that are wanted."""
        with self._lock:
            kept, dropped = list(self._entries), self._dropped
        # Who began first need not be done first.
        in_order = sorted(kept, key=lambda entry: entry.number, reverse=wanted.newest_first)
        mine = (entry for entry in in_order if userid is None or entry.userid == userid)
        return listed(mine, wanted, says_request, dropped)

    def entry(self, number: int) -> Entry | None:
        with self._lock:
            kept = list(self._entries)
        return next((entry for entry in reversed(kept) if entry.number == number), None)
