"""The journal of requests in the file: kept back for a moment, and written many at once, beside the answers.

Here belongs what is kept and what is dropped. When it is written is the affair of `store`.
"""

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

_AT_ONCE: Final = 200
"""Entries that are written in one transaction: a send that comes meanwhile waits for no more than that."""

_COLUMNS: Final = "number, userid, now, query, body, answer, rest"


class SqliteRequestLog:
    """The last requests. What cannot be written yet waits, but not more of it than is kept anyhow."""

    def __init__(self, file: Database, limits: Limits) -> None:
        self._file = file
        self._limits = limits
        self._pending: deque[LoggedRequest] = deque()
        self._being_written: Sequence[LoggedRequest] = ()
        self._pending_bytes = 0
        self._lost = 0
        self._lock = threading.Lock()
        self._writing = threading.Lock()

    def record(self, entry: LoggedRequest) -> None:
        """Keep an entry back, to be written with others."""
        size = entry.size
        with self._lock:
            self._pending.append(entry)
            self._pending_bytes += size
            while len(self._pending) > self._limits.requests or self._pending_bytes > self._limits.request_bytes:
                self._pending_bytes -= self._pending.popleft().size
                self._lost += 1

    def write(self) -> None:
        """Write what was kept back. Raises StoreUnavailable, and keeps it."""
        with self._writing:
            while self._pending or self._lost:
                with self._lock:
                    some = [self._pending.popleft() for _ in range(min(_AT_ONCE, len(self._pending)))]
                    self._being_written = some
                    lost, self._lost = self._lost, 0
                    size = sum(entry.size for entry in some)
                    self._pending_bytes -= size
                rows = self._rows(some)
                lost += len(some) - len(rows)
                try:
                    with self._file.writing as db:
                        self._write(db, rows, size, lost)
                except StoreUnavailable:
                    with self._lock:
                        self._pending.extendleft(reversed(some))
                        self._pending_bytes += size
                        self._lost += lost - (len(some) - len(rows))  # those are counted again
                    raise
                finally:
                    self._being_written = ()

    def _rows(self, entries: Sequence[LoggedRequest]) -> list[tuple[Any, ...]]:
        """Entries as rows. One that cannot be written is logged and lost, and no other with it."""
        rows: list[tuple[Any, ...]] = []
        for entry in entries:
            try:
                rows.append(_row(entry))
            except Exception:
                _log.exception("request %d cannot be written into the request log", entry.number)
        return rows

    def _write(self, db: Connection, rows: Sequence[tuple[Any, ...]], size: int, lost: int) -> None:
        new = db.executemany("INSERT OR IGNORE INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows).rowcount
        kept, kept_bytes = db.execute("SELECT kept, kept_bytes FROM state").fetchone()
        kept, kept_bytes, dropped = kept + max(new, 0), kept_bytes + size, 0
        last = 0
        for number, each in db.execute("SELECT number, bytes FROM requests ORDER BY number"):
            if kept <= self._limits.requests and kept_bytes <= self._limits.request_bytes:
                break
            last, kept, kept_bytes, dropped = number, kept - 1, kept_bytes - each, dropped + 1
        if dropped:
            db.execute("DELETE FROM requests WHERE number <= ?", (last,))
        db.execute(
            "UPDATE state SET kept = ?, kept_bytes = ?, dropped = dropped + ?", (kept, kept_bytes, dropped + lost)
        )

    def query(self, userid: str | None, wanted: Query) -> Page[LoggedRequest]:
        """Those of a userid, or all, that are wanted."""
        self.write()
        with self._file.reading() as db:
            (dropped,) = db.execute("SELECT dropped FROM state").fetchone()
            return paginate(_entries(db, userid, wanted), wanted, matches_request, dropped)

    def get(self, number: int) -> LoggedRequest | None:
        """One of them, if it is still there."""
        self.write()
        with self._file.reading() as db:
            row = db.execute(f"SELECT {_COLUMNS} FROM requests WHERE number = ?", (number,)).fetchone()  # noqa: S608
        return _entry(row) if row else None

    def is_logged(self, number: int) -> bool:
        """Whether it is there still, kept back or written."""
        with self._lock:
            if any(entry.number == number for entry in chain(reversed(self._pending), self._being_written)):
                return True
        with self._file.reading() as db:
            return db.execute("SELECT 1 FROM requests WHERE number = ?", (number,)).fetchone() is not None

    def clear(self) -> None:
        """Begin anew."""
        with self._writing:
            with self._lock:
                self._pending.clear()
                self._pending_bytes = self._lost = 0
            with self._file.writing as db:
                db.execute("DELETE FROM requests")
                db.execute("UPDATE state SET kept = 0, kept_bytes = 0, dropped = 0")


def _entries(db: Connection, userid: str | None, wanted: Query) -> Iterator[LoggedRequest]:
    conditions: list[tuple[str, Any]] = [("1 = ?", 1)]
    if userid is not None:
        conditions.append(("userid = ?", to_db(userid)))
    if wanted.after is not None:
        conditions.append(("number < ?" if wanted.newest_first else "number > ?", wanted.after))
    where = " AND ".join(condition for condition, _ in conditions)
    order = "DESC" if wanted.newest_first else "ASC"
    for row in db.execute(
        f"SELECT {_COLUMNS} FROM requests WHERE {where} ORDER BY number {order}",  # noqa: S608 - words from above
        [value for _, value in conditions],
    ):
        yield _entry(row)


def _row(entry: LoggedRequest) -> tuple[Any, ...]:
    rest = (
        entry.received,
        entry.took,
        entry.method,
        entry.path,
        list(entry.headers),
        entry.operation,
        entry.refusal,
        entry.handed_out,
        entry.status,
        entry.content_type,
        entry.faults,
    )
    number, userid, now = entry.number, to_db(entry.userid), entry.now
    return number, userid, now, entry.size, entry.query, entry.body, entry.answer, json.dumps(rest)


def _entry(row: tuple[Any, ...]) -> LoggedRequest:
    number, userid, now, query, body, answer, rest = row
    received, took, method, path, headers, operation, refusal, handed_out, status, content_type, faults = json.loads(
        rest
    )
    return LoggedRequest(
        number=number,
        received=received,
        now=now,
        took=took,
        method=method,
        path=path,
        query=query,
        headers=[(name, value) for name, value in headers],
        body=body,
        userid=from_db(userid),
        operation=operation,
        refusal=refusal,
        handed_out=handed_out,
        status=status,
        content_type=content_type,
        answer=answer,
        faults=tuple(faults),
    )
