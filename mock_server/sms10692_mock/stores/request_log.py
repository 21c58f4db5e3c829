"""The request log of the stores that write it in batches, and the entries in memory of every request log.

Credentials in the headers of a request are redacted before the request is logged.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from threading import Lock
from typing import Any, Final, Protocol

from sms10692_mock.domain.records import Limits, LoggedRequest, Page, Query
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.stores.incremental_free import free_incrementally

_log: Final = logging.getLogger(__name__)

_MAX_ENTRIES: Final = 200
"""Entries that are written together, at most, so that a send that arrives meanwhile waits for a short time only."""

_MAX_BYTES: Final = 2 * 1024 * 1024
"""Size of a batch from which no further entry is added."""

REDACTED: Final = "[redacted]"

_SECRET_HEADERS: Final = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "cookie2",
        "set-cookie",
        "set-cookie2",
        "x-access-token",
        "x-amz-security-token",
        "x-api-key",
        "x-auth-token",
        "x-csrf-token",
        "x-forwarded-access-token",
        "x-xsrf-token",
        "api-key",
        "authentication-info",
        "proxy-authentication-info",
    }
)
"""Names of headers with credentials, in lower case."""


def redact_headers(
    headers: Sequence[tuple[str, str]], names: Collection[str] | None = None
) -> Sequence[tuple[str, str]]:
    """Replace the values of headers with credentials by `[redacted]`. Returns the same object if there are none.

    `names`: all names in lower case, if they are known already.

    >>> redact_headers([("Host", "x"), ("Cookie", "key=1")])
    [('Host', 'x'), ('Cookie', '[redacted]')]
    """
    if _SECRET_HEADERS.isdisjoint([name.lower() for name, _ in headers] if names is None else names):
        return headers
    return [(name, REDACTED if name.lower() in _SECRET_HEADERS else value) for name, value in headers]


class RequestLog:
    """The last requests in memory, up to the limits, in the order of arrival. Thread-safe."""

    def __init__(self, limits: Limits) -> None:
        self._max_entries, self._max_bytes = limits.requests, limits.request_bytes
        self._lock = Lock()
        self._entries: OrderedDict[int, tuple[int, LoggedRequest]] = OrderedDict()
        """Size and entry by number, in the order of arrival."""
        self._bytes = 0
        self._evicted = 0

    def record(self, entry: LoggedRequest) -> None:
        """Add an entry, and evict the oldest beyond the limits."""
        with self._lock:
            self._add(entry)

    def _add(self, entry: LoggedRequest) -> None:
        """Do the work of `record`. Requires `_lock`."""
        size, entries = entry.size, self._entries
        entries[entry.number] = (size, entry)
        self._bytes += size
        while len(entries) > self._max_entries or self._bytes > self._max_bytes:
            self._bytes -= entries.popitem(last=False)[1][0]
            self._evicted += 1

    def get(self, number: int) -> LoggedRequest | None:
        """One request, if the log still has it."""
        found = self._entries.get(number)
        return None if found is None else found[1]

    def is_logged(self, number: int) -> bool:
        """Whether the log has a request."""
        return number in self._entries

    def delete(self, number: int) -> bool:
        """Delete one request. Returns whether the log had it."""
        with self._lock:
            found = self._entries.pop(number, None)
            if found is not None:
                self._bytes -= found[0]
        return found is not None

    def clear(self) -> None:
        """Delete all entries."""
        previous = self._entries
        with self._lock:
            self._remove_all()
        free_incrementally([previous.values()])

    def _remove_all(self) -> None:
        """Remove all entries. Requires `_lock`."""
        self._entries = OrderedDict()
        self._bytes = self._evicted = 0


class RequestLogWriter(Protocol):
    """Writes and reads the entries in a store. All methods but `dump` raise StoreUnavailable."""

    def dump(self, entry: LoggedRequest) -> tuple[Any, ...]:
        """Serialize an entry."""

    def write(self, rows: Sequence[tuple[Any, ...]], lost: int) -> None:
        """Write serialized entries, delete the oldest beyond the limits, and count these and `lost` as evicted.

        **Writing an entry twice stores it once.** If it raises StoreUnavailable, `lost` was not counted.
        """

    def query(self, userid: str | None, query: Query) -> Page[LoggedRequest]: ...

    def get(self, number: int) -> LoggedRequest | None: ...

    def has(self, number: int) -> bool: ...

    def delete(self, number: int) -> bool: ...

    def clear(self) -> None: ...


class BufferedRequestLog(RequestLog):
    """A request log whose entries stay in memory only until `flush` has written them. Thread-safe.

    The buffer obeys the limits, too. Its entries are lost if the process is killed. `wake` makes another thread call
    `flush` soon.
    """

    def __init__(self, limits: Limits, writer: RequestLogWriter, wake: Callable[[], object]) -> None:
        super().__init__(limits)
        self._writer = writer
        self._wake = wake
        self._in_flight: Sequence[LoggedRequest] = ()
        self._write_lock = Lock()

    def record(self, entry: LoggedRequest) -> None:
        super().record(entry)
        self._wake()

    def flush(self) -> None:
        """Write the buffer. Raises StoreUnavailable; the entries stay in the buffer then."""
        with self._write_lock:
            while self._entries or self._evicted:
                self._write_batch()

    def _write_batch(self) -> None:
        with self._lock:
            batch: list[tuple[int, LoggedRequest]] = []
            lost, size = self._evicted, 0
            while self._entries and len(batch) < _MAX_ENTRIES and size < _MAX_BYTES:
                batch.append(self._entries.popitem(last=False)[1])
                size += batch[-1][0]
            self._in_flight = [entry for _, entry in batch]
            self._bytes -= size
            self._evicted = 0
        rows = list(filter(None, map(self._dump, self._in_flight)))
        try:
            self._writer.write(rows, lost + len(batch) - len(rows))
        except StoreUnavailable:
            with self._lock:
                for entry_size, entry in reversed(batch):
                    self._entries[entry.number] = (entry_size, entry)
                    self._entries.move_to_end(entry.number, last=False)
                self._bytes += size
                self._evicted += lost
            raise
        except Exception:
            with self._lock:
                self._evicted += lost + len(batch)  # writing them again might fail again, for ever
            raise
        finally:
            self._in_flight = ()

    def _dump(self, entry: LoggedRequest) -> tuple[Any, ...] | None:
        """Serialize an entry. One that cannot be serialized is logged, so that the others are still written."""
        try:
            return self._writer.dump(entry)
        except Exception:
            _log.exception("request %d cannot be written to the request log", entry.number)
            return None

    def query(self, userid: str | None, query: Query) -> Page[LoggedRequest]:
        self.flush()
        return self._writer.query(userid, query)

    def get(self, number: int) -> LoggedRequest | None:
        self.flush()
        return self._writer.get(number)

    def is_logged(self, number: int) -> bool:
        with self._lock:
            if number in self._entries or any(entry.number == number for entry in self._in_flight):
                return True
        return self._writer.has(number)

    def delete(self, number: int) -> bool:
        self.flush()
        return self._writer.delete(number)

    def clear(self) -> None:
        with self._write_lock:
            super().clear()
            self._writer.clear()
