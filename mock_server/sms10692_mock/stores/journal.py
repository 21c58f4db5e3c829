"""The journal of requests in memory: the last so many, and not more than so many bytes of them.

Here belongs what is kept and what is dropped. What an entry says is made in `http`.
"""

from collections import deque
from collections.abc import Iterator
from itertools import count
from threading import Lock
from typing import Final

from sms10692_mock.stores.discarding import discard
from sms10692_mock.stores.records import Entry, Limits, Listed, Wanted
from sms10692_mock.stores.wanted import listed, says_request

_EACH: Final = 1500
"""Bytes that an entry takes beside what was sent and answered."""


class Journal:
    """The last requests, of all and of each userid."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._numbers = count(1)
        self._lock = Lock()
        self._all: deque[Entry] = deque()
        self.forget()

    def forget(self) -> None:
        """Begin anew; numbers go on."""
        before = self._all
        with self._lock:
            self._all = deque()
            self._by_userid: dict[str, deque[Entry]] = {}
            self._by_number: dict[int, Entry] = {}
            self._bytes = 0
            self._dropped = 0
        discard([before])

    def next_number(self) -> int:
        return next(self._numbers)

    def record(self, entry: Entry) -> None:
        with self._lock:
            self._all.append(entry)
            self._by_number[entry.number] = entry
            mine = self._by_userid.get(entry.userid)
            if mine is None:
                mine = self._by_userid[entry.userid] = deque()
            mine.append(entry)
            self._bytes += _size(entry)
            while len(self._all) > self._limits.requests or self._bytes > self._limits.request_bytes:
                self._drop()

    def _drop(self) -> None:
        entry = self._all.popleft()
        del self._by_number[entry.number]
        mine = self._by_userid[entry.userid]
        mine.popleft()
        if not mine:
            del self._by_userid[entry.userid]
        self._bytes -= _size(entry)
        self._dropped += 1

    def entries(self, userid: str | None, wanted: Wanted) -> Listed[Entry]:
        """Those of a userid, or all, that are wanted."""
        with self._lock:
            kept = list(self._all if userid is None else self._by_userid.get(userid, ()))
            dropped = self._dropped
        return listed(_in_order(kept, wanted.newest_first), wanted, says_request, dropped)

    def entry(self, number: int) -> Entry | None:
        return self._by_number.get(number)


def _in_order(entries: list[Entry], newest_first: bool) -> Iterator[Entry]:
    return reversed(entries) if newest_first else iter(entries)


def _size(entry: Entry) -> int:
    return _EACH + len(entry.query) + len(entry.body) + len(entry.answer)
