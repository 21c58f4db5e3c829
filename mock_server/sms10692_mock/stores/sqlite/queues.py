"""Statements on one fetch-once queue. All functions run inside a transaction of the caller.

A queue is an append-only list of released items (`items`, by index `place`), a cursor (`handed_out`: the number of
items fetched), and the scheduled items that are not due yet (`later`).
"""

from collections.abc import Iterator, Sequence
from sqlite3 import Connection
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

from sms10692_mock.domain.records import (
    LATER,
    NO_TASK_INDEX,
    WAITING,
    DeliveryState,
    Page,
    Query,
    QueueItem,
    QueueName,
    QueueStats,
    Reply,
    Report,
)
from sms10692_mock.stores.query import matches_reply, matches_report, paginate
from sms10692_mock.stores.sqlite.text_codec import byte_size, byte_sizes, from_db, to_db

Item = TypeVar("Item", Report, Reply)
Row: TypeAlias = tuple[Any, ...]
"""The columns of an item: due, mobile, task_id, status, said (errorcode or content), extno, nth, message."""

_COLUMNS: Final = "due, mobile, task_id, status, said, extno, nth, message"
_ITEM_COLUMNS: Final = "due, mobile, task_id, status, said, extno, nth"
_INSERT: Final = f"INSERT INTO items (queue, place, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_INSERT_SCHEDULED: Final = f"INSERT INTO later (queue, arrival, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_RELEASE_DUE: Final = f"""
    INSERT INTO items (queue, place, {_COLUMNS})
    SELECT queue, ? + row_number() OVER (ORDER BY due, arrival) - 1, {_COLUMNS} FROM later WHERE queue = ? AND due <= ?
"""  # noqa: S608


class QueueCounters(NamedTuple):
    """The counters of a queue: one row of the table `queues`, named like its columns.

    `up`: items released so far. `handed_out`: items fetched. `forgotten`: fetched items that were deleted since.
    `later`: scheduled items. `arrivals`: items ever scheduled. `bytes`: size of the texts of fetched items still
    stored.
    """

    up: int
    handed_out: int
    forgotten: int
    later: int
    arrivals: int
    bytes: int

    def stats(self) -> QueueStats:
        return QueueStats(self.up + self.later, self.later, self.up - self.handed_out, self.handed_out, self.forgotten)


def dump_report(report: Report, before: int | None) -> Row:
    """The row of a report.

    `before`: number of the last message before its task; None if it does not belong to a send.
    """
    due, mobile, task_id, status, errorcode, extno, place = report
    message = None if before is None or place == NO_TASK_INDEX else before + place + 1
    return due, to_db(mobile), task_id, status, to_db(errorcode), to_db(extno), place, message


def dump_reply(reply: Reply) -> Row:
    """The row of a reply."""
    due, mobile, task_id, content, extno = reply
    return due, to_db(mobile), task_id, None, to_db(content), to_db(extno), None, None


def load_report(row: Row) -> Report:
    """Load a report from the first seven columns of its row."""
    due, mobile, task_id, status, errorcode, extno, place = row
    if type(mobile) is str is type(errorcode) is type(extno):
        return Report._make(row)
    return Report(due, from_db(mobile), task_id, status, from_db(errorcode), from_db(extno), place)


def load_reply(row: Row) -> Reply:
    """Load a reply from the first seven columns of its row."""
    due, mobile, task_id, _, content, extno, _ = row
    return Reply(due, from_db(mobile), task_id, from_db(content), from_db(extno))


def get_queue_id(account: int, name: QueueName) -> int:
    """The id of a queue of an account."""
    return 2 * account + (name == "replies")


def create_queue(db: Connection, queue: int) -> None:
    """Insert the counters of a new queue."""
    db.execute("INSERT INTO queues (id) VALUES (?)", (queue,))


def read_counters(db: Connection, queue: int) -> QueueCounters:
    """Read the counters. Scheduled items that are due are not released first: see `release_due`."""
    columns = ", ".join(QueueCounters._fields)
    row = db.execute(f"SELECT {columns} FROM queues WHERE id = ?", (queue,)).fetchone()  # noqa: S608 - words from above
    return QueueCounters._make(row)


def has_due(db: Connection, queue: int, now: float) -> bool:
    """Whether a scheduled item is due."""
    found = db.execute("SELECT 1 FROM later WHERE queue = ? AND due <= ? LIMIT 1", (queue, now)).fetchone()
    return found is not None


def release_due(db: Connection, queue: int, now: float) -> QueueCounters:
    """Release the scheduled items that are due, in the order of `due` and arrival. Returns the counters afterwards."""
    counters = read_counters(db, queue)
    if not counters.later or not has_due(db, queue, now):
        return counters
    up = db.execute(_RELEASE_DUE, (counters.up, queue, now)).rowcount
    db.execute("DELETE FROM later WHERE queue = ? AND due <= ?", (queue, now))
    updated = counters._replace(up=counters.up + up, later=counters.later - up)
    db.execute("UPDATE queues SET up = ?, later = ? WHERE id = ?", (updated.up, updated.later, queue))
    return updated


def enqueue(db: Connection, queue: int, rows: Sequence[Row], now: float) -> None:
    """Add items: those that are due now are released, the others are scheduled."""
    counters = release_due(db, queue, now)
    if len(rows) == 1 and rows[0][0] <= now:
        db.execute(_INSERT, (queue, counters.up, *rows[0]))
        db.execute("UPDATE queues SET up = ? WHERE id = ?", (counters.up + 1, queue))
        return
    due = sorted((row for row in rows if row[0] <= now), key=lambda row: row[0])
    later = [row for row in rows if row[0] > now]
    db.executemany(_INSERT, [(queue, place, *row) for place, row in enumerate(due, counters.up)])
    db.executemany(_INSERT_SCHEDULED, [(queue, arrival, *row) for arrival, row in enumerate(later, counters.arrivals)])
    db.execute(
        "UPDATE queues SET up = ?, later = ?, arrivals = ? WHERE id = ?",
        (counters.up + len(due), counters.later + len(later), counters.arrivals + len(later), queue),
    )


def fetch(db: Connection, queue: int, limit: int, now: float, request: int) -> tuple[list[Row], QueueCounters]:
    """Fetch the next items: move the cursor past at most `limit` of them, and record the request that fetched them.

    Returns their first seven columns, and the counters afterwards.
    """
    counters = release_due(db, queue, now)
    until = min(counters.up, counters.handed_out + limit)
    if until <= counters.handed_out:
        return [], counters
    rows = db.execute(
        f"SELECT {_ITEM_COLUMNS} FROM items WHERE queue = ? AND place >= ? AND place < ? ORDER BY place",  # noqa: S608
        (queue, counters.handed_out, until),
    ).fetchall()
    db.execute("INSERT INTO fetches VALUES (?, ?, ?, ?)", (queue, counters.handed_out, now, request))
    _, mobiles, _, _, said, extnos, _ = zip(*rows, strict=True)
    updated = counters._replace(
        handed_out=until, bytes=counters.bytes + byte_sizes(mobiles) + byte_sizes(said) + byte_sizes(extnos)
    )
    db.execute("UPDATE queues SET handed_out = ?, bytes = ? WHERE id = ?", (until, updated.bytes, queue))
    return rows, updated


def requeue(db: Connection, queue: int, count: int | None, since: float | None) -> int:
    """Make the last `count` fetched items fetchable again; None means all that are stored.

    With `since`, only items fetched since then. Returns how many.
    """
    counters = read_counters(db, queue)
    target = counters.forgotten if count is None else max(counters.forgotten, counters.handed_out - count)
    if since is not None:
        first = db.execute(
            "SELECT first FROM fetches WHERE queue = ? AND moment >= ? ORDER BY first LIMIT 1", (queue, since)
        ).fetchone()
        target = max(target, first[0] if first else counters.handed_out)
    rows = db.execute(
        "SELECT mobile, said, extno FROM items WHERE queue = ? AND place >= ? AND place < ?",
        (queue, target, counters.handed_out),
    )
    fetched_bytes = counters.bytes - sum(sum(map(byte_size, row)) for row in rows)
    db.execute("DELETE FROM fetches WHERE queue = ? AND first >= ?", (queue, target))
    db.execute("UPDATE queues SET handed_out = ?, bytes = ? WHERE id = ?", (target, fetched_bytes, queue))
    return counters.handed_out - target


def next_due(db: Connection, queue: int) -> float | None:
    """The time at which the next scheduled item is due, if any."""
    due: float | None = db.execute("SELECT min(due) FROM later WHERE queue = ?", (queue,)).fetchone()[0]
    return due


class StoredFetchHistory:
    """Delivery states of the released items of a queue, within one read transaction.

    Remembers the last fetch it read.
    """

    def __init__(self, db: Connection, queue: int, counters: QueueCounters) -> None:
        self._db = db
        self._queue = queue
        self._counters = counters
        self._first = self._end = -1
        self._state = WAITING

    def state_of(self, place: int) -> DeliveryState:
        """The delivery state of the item at this index."""
        if place >= self._counters.handed_out:
            return WAITING
        if not self._first <= place < self._end:
            self._load_fetch(place)
        return self._state

    def _load_fetch(self, place: int) -> None:
        found = self._db.execute(
            "SELECT first, moment, request FROM fetches WHERE queue = ? AND first <= ? ORDER BY first DESC LIMIT 1",
            (self._queue, place),
        ).fetchone()
        following = self._db.execute(
            "SELECT min(first) FROM fetches WHERE queue = ? AND first > ?", (self._queue, place)
        ).fetchone()[0]
        self._first = found[0] if found else place
        self._end = self._counters.handed_out if following is None else following
        self._state = DeliveryState("handed out", *found[1:]) if found else DeliveryState("handed out")


def reports_by_message(db: Connection, queue: int, first: int, last: int) -> dict[int, tuple[Report, DeliveryState]]:
    """The report and its delivery state of each message numbered `first` to `last`, by message number."""
    history = StoredFetchHistory(db, queue, read_counters(db, queue))
    between = "WHERE queue = ? AND message >= ? AND message <= ?"
    found: dict[int, tuple[Report, DeliveryState]] = {}
    for message, place, *row in db.execute(
        f"SELECT message, place, {_ITEM_COLUMNS} FROM items {between} ORDER BY place",  # noqa: S608
        (queue, first, last),
    ):
        found[message] = load_report(tuple(row)), history.state_of(place)
    for message, *row in db.execute(f"SELECT message, {_ITEM_COLUMNS} FROM later {between}", (queue, first, last)):  # noqa: S608
        found[message] = load_report(tuple(row)), LATER
    return found


class QueueReader(NamedTuple, Generic[Item]):
    """Queries on the queues of one kind: `load` reads a row, `matches` compares an item with a query."""

    load: Any
    matches: Any

    def page(self, db: Connection, queue: int, query: Query) -> Page[QueueItem[Item]]:
        """One page of the items that match: released items first, then scheduled ones; reversed if newest first."""
        counters = read_counters(db, queue)
        parts = [self._query_released(db, queue, query, counters), self._query_scheduled(db, queue, query, counters)]
        if query.newest_first:
            parts.reverse()
        return paginate((item for part in parts for item in part), query, self.matches, counters.forgotten)

    def _query_released(
        self, db: Connection, queue: int, query: Query, counters: QueueCounters
    ) -> Iterator[QueueItem[Item]]:
        first, end = counters.forgotten, counters.up
        if query.state == "waiting":
            first = counters.handed_out
        elif query.state == "handed out":
            end = counters.handed_out
        elif query.state is not None:
            return
        if query.after is not None and query.newest_first:
            end = min(end, query.after - 1)
        elif query.after is not None:
            first = max(first, query.after)
        conditions: list[tuple[str, Any]] = [("place >= ?", first), ("place < ?", end)]
        if query.number is not None:
            conditions.append(("mobile = ?", to_db(query.number)))
        if query.task_id is not None:
            conditions.append(("task_id = ?", query.task_id))
        if query.text is not None and isinstance(text := to_db(query.text), str):
            conditions.append(("instr(said, ?)", text))
        if query.since is not None:
            conditions.append(("due >= ?", query.since))
        if query.until is not None:
            conditions.append(("due <= ?", query.until))
        where = " AND ".join(["queue = ?", *(condition for condition, _ in conditions)])
        order = "DESC" if query.newest_first else "ASC"
        history = StoredFetchHistory(db, queue, counters)
        for place, *row in db.execute(
            f"SELECT place, {_ITEM_COLUMNS} FROM items WHERE {where} ORDER BY place {order}",  # noqa: S608 - words from above
            (queue, *(value for _, value in conditions)),
        ):
            yield QueueItem(place + 1, self.load(row), history.state_of(place))

    def _query_scheduled(
        self, db: Connection, queue: int, query: Query, counters: QueueCounters
    ) -> Iterator[QueueItem[Item]]:
        if query.state not in (None, "later"):
            return
        order, number, step, skipped = "due, arrival", counters.up + 1, 1, 0
        if query.newest_first:
            order, number, step = "due DESC, arrival DESC", counters.up + counters.later, -1
        elif query.after is not None:
            skipped = max(0, query.after - counters.up)
        for place, row in enumerate(
            db.execute(
                f"SELECT {_ITEM_COLUMNS} FROM later WHERE queue = ? ORDER BY {order} LIMIT -1 OFFSET ?",  # noqa: S608
                (queue, skipped),
            ),
            skipped,
        ):
            yield QueueItem(number + step * place, self.load(row), LATER)


REPORTS: Final[QueueReader[Report]] = QueueReader(load_report, matches_report)
REPLIES: Final[QueueReader[Reply]] = QueueReader(load_reply, matches_reply)


def delete_fetched(db: Connection, queue: int, kept: int, kept_bytes: int, dropped: int, max_rows: int) -> bool:
    """Delete at most `max_rows` of the oldest fetched items beyond the last `kept` items or `kept_bytes`.

    The very last one stays, and so do reports of messages after `dropped`. Returns whether there may be more to delete.
    """
    counters = read_counters(db, queue)
    rows = db.execute(
        "SELECT place, message, mobile, said, extno FROM items "
        "WHERE queue = ? AND place >= ? AND place < ? ORDER BY place LIMIT ?",
        (queue, counters.forgotten, counters.handed_out - 1, max_rows),
    )
    forgotten, fetched_bytes = counters.forgotten, counters.bytes
    for place, message, *texts in rows:
        if place >= counters.handed_out - kept and fetched_bytes <= kept_bytes:
            break
        if message is not None and message > dropped:
            break
        forgotten = place + 1
        fetched_bytes -= sum(map(byte_size, texts))
    rows.close()
    if forgotten > counters.forgotten:
        db.execute("DELETE FROM items WHERE queue = ? AND place < ?", (queue, forgotten))
        db.execute(
            "DELETE FROM fetches WHERE queue = ? AND first < "
            "(SELECT max(first) FROM fetches WHERE queue = ? AND first <= ?)",
            (queue, queue, forgotten),
        )
        db.execute("UPDATE queues SET forgotten = ?, bytes = ? WHERE id = ?", (forgotten, fetched_bytes, queue))
    return forgotten - counters.forgotten == max_rows
