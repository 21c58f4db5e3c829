"""History usage of the accounts in the database, for the limits of all accounts together (`retention`)."""

from collections.abc import Iterable, Iterator
from sqlite3 import Connection
from typing import Final

from sms10692_mock.stores.retention import History, Usage
from sms10692_mock.stores.sqlite.text_codec import from_db, to_db

_ALL: Final = """
    SELECT a.userid, a.temporary, a.used,
        r.released > r.fetched OR r.scheduled > 0 OR p.released > p.fetched OR p.scheduled > 0,
        a.messages - a.evicted - a.deleted, a.bytes, r.fetched - r.evicted, r.bytes, p.fetched - p.evicted, p.bytes
    FROM accounts a JOIN queues r ON r.id = 2 * a.id JOIN queues p ON p.id = 2 * a.id + 1
"""
_ONE: Final = f"{_ALL} WHERE a.userid = ?"


def read_usages(db: Connection) -> list[Usage]:
    """Usage of all accounts."""
    return list(map(_load_usage, db.execute(_ALL)))


def unused_since(db: Connection, candidates: Iterable[Usage]) -> Iterator[str]:
    """The userids of those accounts that were not used since `candidates` was read and have empty queues."""
    for usage in candidates:
        row = db.execute(_ONE, (to_db(usage.userid),)).fetchone()
        current = row and _load_usage(row)
        if current and current.is_idle and current.used == usage.used:
            yield usage.userid


def _load_usage(row: tuple[str | bytes, int, float, int, int, int, int, int, int, int]) -> Usage:
    userid, temporary, used, has_items, *history = row
    return Usage(from_db(userid), bool(temporary and not has_items), used, History(*history))
