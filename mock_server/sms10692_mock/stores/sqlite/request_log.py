"""The part of the request log that is in the database. The maintenance thread writes it."""

import json
from collections.abc import Iterator, Sequence
from sqlite3 import Connection
from typing import Any, Final

from sms10692_mock.domain.records import Limits, LoggedRequest, Page, Query
from sms10692_mock.stores.evidence import load_evidence, load_triggered_faults
from sms10692_mock.stores.query import paginate_requests
from sms10692_mock.stores.sqlite.database import Database
from sms10692_mock.stores.sqlite.text_codec import from_db, to_db

_COLUMNS: Final = ("number", "userid", "account_time", "query", "body", "response_body")
_DETAILS: Final = (
    "received",
    "duration",
    "method",
    "path",
    "headers",
    "operation",
    "refusal",
    "fetched",
    "status",
    "content_type",
    "faults",
    "rejection",
    "evidence",
)
"""The fields that share a column, as JSON. **Their order is stored**: a change of this order needs a new schema.

Rows of an earlier version may end before the last fields, which then have their defaults.
"""

_SELECT: Final = f"SELECT {', '.join(_COLUMNS)}, details FROM requests"
_BYTES: Final = 3
"""Index of the size in a row."""


class SqliteRequestLogWriter:
    """A `RequestLogWriter` on the table `requests`. Thread-safe."""

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database = database
        self._limits = limits

    def dump(self, entry: LoggedRequest) -> tuple[Any, ...]:
        details = json.dumps([getattr(entry, field) for field in _DETAILS])
        number, userid, account_time = entry.number, to_db(entry.userid), entry.account_time
        return number, userid, account_time, entry.size, entry.query, entry.body, entry.response_body, details

    def write(self, rows: Sequence[tuple[Any, ...]], lost: int) -> None:
        with self._database.writing as db:
            inserted = db.executemany("INSERT OR IGNORE INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows).rowcount
            kept, kept_bytes = db.execute("SELECT kept, kept_bytes FROM state").fetchone()
            kept, kept_bytes, evicted = kept + max(inserted, 0), kept_bytes + sum(row[_BYTES] for row in rows), 0
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
        with self._database.reading() as db:
            (evicted,) = db.execute("SELECT evicted_requests FROM state").fetchone()
            return paginate_requests(_query_entries(db, userid, query), query, evicted)

    def get(self, number: int) -> LoggedRequest | None:
        with self._database.reading() as db:
            row = db.execute(f"{_SELECT} WHERE number = ?", (number,)).fetchone()
        return _load_entry(row) if row else None

    def has(self, number: int) -> bool:
        with self._database.reading() as db:
            return db.execute("SELECT 1 FROM requests WHERE number = ?", (number,)).fetchone() is not None

    def delete(self, number: int) -> bool:
        with self._database.writing as db:
            row = db.execute("SELECT bytes FROM requests WHERE number = ?", (number,)).fetchone()
            if row is None:
                return False
            db.execute("DELETE FROM requests WHERE number = ?", (number,))
            db.execute("UPDATE state SET kept = kept - 1, kept_bytes = kept_bytes - ?", row)
            return True

    def clear(self) -> None:
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
        f"{_SELECT} WHERE {where} ORDER BY number {order}",
        [value for _, value in conditions],
    ):
        yield _load_entry(row)


def _load_entry(row: Sequence[Any]) -> LoggedRequest:
    *columns, details = row
    fields = zip((*_COLUMNS, *_DETAILS), (*columns, *json.loads(details)), strict=False)
    entry = LoggedRequest(**dict(fields))
    headers = [(name, value) for name, value in entry.headers]
    evidence, faults = load_evidence(entry.evidence), load_triggered_faults(entry.faults)
    return entry._replace(userid=from_db(entry.userid), headers=headers, faults=faults, evidence=evidence)
