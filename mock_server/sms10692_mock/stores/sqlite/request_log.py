"""The request log in the database. Entries are buffered and written in batches by the maintenance thread."""

import json
import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain
from sqlite3 import Connection
from typing import Any, Final

from sms10692_mock.domain.records import Limits, LoggedRequest, Page, Query
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.stores.query import matches_request, paginate
from sms10692_mock.stores.sqlite.database import Database
from sms10692_mock.stores.sqlite.text_codec import from_db, to_db

_log: Final = logging.getLogger(__name__)

_MAX_ENTRIES: Final = 200
"""Entries that are written in one transaction, so that a send that arrives meanwhile waits for a short time only."""

_COLUMNS: Final = "number, userid, account_time, query, body, response_body, details"


class SqliteRequestLog:
    """The last requests, up to the limits. Thread-safe.

    Entries that cannot be written yet stay in the buffer, which obeys the same limits. Entries of the buffer are lost
    if the process is killed.
    """

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits
        self._pending: deque[LoggedRequest] = deque()
        self._in_flight: Sequence[LoggedRequest] = ()
        self._pending_bytes = 0
        self._lost = 0
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()

    def record(self, entry: LoggedRequest) -> None:
        """Add an entry to the buffer."""
        size = entry.size
        with self._lock:
            self._pending.append(entry)
            self._pending_bytes += size
            while len(self._pending) > self._limits.requests or self._pending_bytes > self._limits.request_bytes:
                self._pending_bytes -= self._pending.popleft().size
                self._lost += 1

    def write(self) -> None:
        """Write the buffer to the database. Raises StoreUnavailable; the entries stay in the buffer then."""
        with self._write_lock:
            while self._pending or self._lost:
                with self._lock:
                    entries = [self._pending.popleft() for _ in range(min(_MAX_ENTRIES, len(self._pending)))]
                    self._in_flight = entries
                    lost, self._lost = self._lost, 0
                    size = sum(entry.size for entry in entries)
                    self._pending_bytes -= size
                rows = self._dump_entries(entries)
                lost += len(entries) - len(rows)
                try:
                    with self._database.writing as db:
                        self._insert_rows(db, rows, size, lost)
                except StoreUnavailable:
                    with self._lock:
                        self._pending.extendleft(reversed(entries))
                        self._pending_bytes += size
                        self._lost += lost - (
                            len(entries) - len(rows)
                        )  # entries that cannot be serialized are counted again
                    raise
                finally:
                    self._in_flight = ()

    def _dump_entries(self, entries: Sequence[LoggedRequest]) -> list[tuple[Any, ...]]:
        """Serialize entries.

        One that cannot be serialized is logged and skipped, so that the others are still written.
        """
        rows: list[tuple[Any, ...]] = []
        for entry in entries:
            try:
                rows.append(_dump_entry(entry))
            except Exception:
                _log.exception("request %d cannot be written to the request log", entry.number)
        return rows

    def _insert_rows(self, db: Connection, rows: Sequence[tuple[Any, ...]], size: int, lost: int) -> None:
        inserted = db.executemany("INSERT OR IGNORE INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows).rowcount
        kept, kept_bytes = db.execute("SELECT kept, kept_bytes FROM state").fetchone()
        kept, kept_bytes, evicted = kept + max(inserted, 0), kept_bytes + size, 0
        last = 0
        for number, entry_bytes in db.execute("SELECT number, bytes FROM requests ORDER BY number"):
            if kept <= self._limits.requests and kept_bytes <= self._limits.request_bytes:
                break
            last, kept, kept_bytes, evicted = number, kept - 1, kept_bytes - entry_bytes, evicted + 1
        if evicted:
            db.execute("DELETE FROM requests WHERE number <= ?", (last,))
        db.execute(
            "UPDATE state SET kept = ?, kept_bytes = ?, evicted_requests = evicted_requests + ?",
            (kept, kept_bytes, evicted + lost),
        )

    def query(self, userid: str | None, query: Query) -> Page[LoggedRequest]:
        """One page of the requests of a userid, or of all, that match. Writes the buffer first."""
        self.write()
        with self._database.reading() as db:
            (evicted,) = db.execute("SELECT evicted_requests FROM state").fetchone()
            return paginate(_query_entries(db, userid, query), query, matches_request, evicted)

    def get(self, number: int) -> LoggedRequest | None:
        """One request, if it is still stored. Writes the buffer first."""
        self.write()
        with self._database.reading() as db:
            row = db.execute(f"SELECT {_COLUMNS} FROM requests WHERE number = ?", (number,)).fetchone()  # noqa: S608
        return _load_entry(row) if row else None

    def is_logged(self, number: int) -> bool:
        """Whether a request is stored, in the buffer or in the database."""
        with self._lock:
            if any(entry.number == number for entry in chain(reversed(self._pending), self._in_flight)):
                return True
        with self._database.reading() as db:
            return db.execute("SELECT 1 FROM requests WHERE number = ?", (number,)).fetchone() is not None

    def clear(self) -> None:
        """Delete all requests, also those of the buffer."""
        with self._write_lock:
            with self._lock:
                self._pending.clear()
                self._pending_bytes = self._lost = 0
            with self._database.writing as db:
                db.execute("DELETE FROM requests")
                db.execute("UPDATE state SET kept = 0, kept_bytes = 0, evicted_requests = 0")


def _query_entries(db: Connection, userid: str | None, query: Query) -> Iterator[LoggedRequest]:
    conditions: list[tuple[str, Any]] = [("1 = ?", 1)]
    if userid is not None:
        conditions.append(("userid = ?", to_db(userid)))
    if query.after is not None:
        conditions.append(("number < ?" if query.newest_first else "number > ?", query.after))
    where = " AND ".join(condition for condition, _ in conditions)
    order = "DESC" if query.newest_first else "ASC"
    for row in db.execute(
        f"SELECT {_COLUMNS} FROM requests WHERE {where} ORDER BY number {order}",  # noqa: S608 - fixed conditions
        [value for _, value in conditions],
    ):
        yield _load_entry(row)


def _dump_entry(entry: LoggedRequest) -> tuple[Any, ...]:
    details = (
        entry.received,
        entry.duration,
        entry.method,
        entry.path,
        list(entry.headers),
        entry.operation,
        entry.refusal,
        entry.fetched,
        entry.status,
        entry.content_type,
        entry.faults,
    )
    number, userid, account_time = entry.number, to_db(entry.userid), entry.account_time
    return number, userid, account_time, entry.size, entry.query, entry.body, entry.response_body, json.dumps(details)


def _load_entry(row: tuple[Any, ...]) -> LoggedRequest:
    number, userid, account_time, query, body, response_body, details = row
    received, duration, method, path, headers, operation, refusal, fetched, status, content_type, faults = json.loads(
        details
    )
    return LoggedRequest(
        number=number,
        received=received,
        account_time=account_time,
        duration=duration,
        method=method,
        path=path,
        query=query,
        headers=[(name, value) for name, value in headers],
        body=body,
        userid=from_db(userid),
        operation=operation,
        refusal=refusal,
        fetched=fetched,
        status=status,
        content_type=content_type,
        response_body=response_body,
        faults=tuple(faults),
    )
