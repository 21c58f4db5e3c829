"""The queues of status reports and of replies, which clients fetch: one queue of each kind per account.

`store` calls this module for sends, fetches and listings, `messages` for the reports of messages, `maintenance` for the
limits of the history.

An item is *scheduled* until its due time (table `scheduled`) and then *released*: moved to the end of table `items`.
Clients fetch in the order of `items.position`. The counter `fetched` is the position of the next item to fetch: every
item before that has been fetched. `requeue` moves the counter back. The oldest fetched items are *evicted*: deleted,
because the history is limited. Table `fetches` has the position of the first item of each fetch; a fetch extends to the
first item of the next one.

Rules that protect the stored data:

1. **Call a function only inside a transaction, on the thread that began it**: `Database.writing`, or `Database.reading`
   for a function that changes nothing. No function commits.
2. **Update the counters of the queue in the transaction that inserts, deletes or moves items.**
3. **The stored positions are contiguous, from `evicted` to `released` - 1.** The counters are used as positions, and
   the number of an item is its position + 1. A position is never used for another item.
4. **Rows are tuples without names: keep the order of `_COLUMNS`** in `dump_report`, `dump_reply`, `load_report`,
   `load_reply` and the fields of `StatusReport`.
5. **Call `release_due` before `read_counters`, `next_due`, `reports_by_message` and `QueueReader.page`**, or an item
   that is due still looks scheduled. `enqueue` and `fetch` do so themselves; `requeue` concerns fetched items only.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar

from sms10692_mock.domain.records import (
    NO_TASK_INDEX,
    SCHEDULED,
    WAITING,
    DeliveryState,
    InboundReply,
    Page,
    Query,
    QueueItem,
    QueueName,
    QueueStats,
    StatusReport,
)
from sms10692_mock.stores.query import matches_reply, matches_report, paginate
from sms10692_mock.stores.sqlite.text_codec import byte_size, byte_sizes, from_db, to_db

Item = TypeVar("Item", StatusReport, InboundReply)

_ITEM_COLUMNS: Final = "due, mobile, task_id, status, text, extno, recipient_index"
"""`text` is the errorcode of a report, or the content of a reply."""
_COLUMNS: Final = f"{_ITEM_COLUMNS}, message"
"""`message` is the number of the message that a report belongs to; NULL if there is none."""

ItemRow: TypeAlias = Sequence[Any]
"""The values of the seven `_ITEM_COLUMNS`, as read from the database."""
Row: TypeAlias = tuple[Any, ...]
"""The values of the eight `_COLUMNS`, as written to the database."""

_INSERT: Final = f"INSERT INTO items (queue, position, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_SCHEDULED: Final = f"INSERT INTO scheduled (queue, arrival, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_RELEASE_DUE: Final = f"""
    INSERT INTO items (queue, position, {_COLUMNS})
    SELECT queue, ? + row_number() OVER (ORDER BY due, arrival) - 1, {_COLUMNS} FROM scheduled
    WHERE queue = ? AND due <= ?
"""


class QueueCounters(NamedTuple):
    """The counters of a queue: one row of the table `queues`. **The fields have the names of the columns.**

    `released`: items ever released. `fetched`: items fetched and not requeued since. `evicted`: fetched items that were
    deleted. `scheduled`: items scheduled now. `bytes`: size of the texts of the fetched items still stored, as
    `byte_size` counts it. `arrivals`: items ever scheduled, which numbers them. **`arrivals` never decreases**, because
    these numbers order items of the same due time.
    """

    released: int
    fetched: int
    evicted: int
    scheduled: int
    arrivals: int
    bytes: int

    def stats(self) -> QueueStats:
        return QueueStats(
            created=self.released + self.scheduled,
            scheduled=self.scheduled,
            waiting=self.released - self.fetched,
            fetched=self.fetched,
            evicted=self.evicted,
        )


def dump_report(report: StatusReport, before: int | None) -> Row:
    """The row of a report.

    `before`: how many messages the account had sent before the task of the report, so that the first message of the
    task has the number `before` + 1. None for a report that was added without a send.
    """
    due, mobile, task_id, status, errorcode, extno, recipient_index = report
    message = None if before is None or recipient_index == NO_TASK_INDEX else before + recipient_index + 1
    return due, to_db(mobile), task_id, status, to_db(errorcode), to_db(extno), recipient_index, message


def dump_reply(reply: InboundReply) -> Row:
    """The row of a reply."""
    due, mobile, task_id, content, extno = reply
    return due, to_db(mobile), task_id, None, to_db(content), to_db(extno), None, None


def load_report(row: ItemRow) -> StatusReport:
    """Load a report."""
    due, mobile, task_id, status, errorcode, extno, recipient_index = row
    if type(mobile) is str and type(errorcode) is str and type(extno) is str:
        return StatusReport._make(row)  # no text is a BLOB: much faster, and a fetch loads thousands
    return StatusReport(due, from_db(mobile), task_id, status, from_db(errorcode), from_db(extno), recipient_index)


def load_reply(row: ItemRow) -> InboundReply:
    """Load a reply."""
    due, mobile, task_id, _, content, extno, _ = row
    return InboundReply(due, from_db(mobile), task_id, from_db(content), from_db(extno))


def get_queue_id(account: int, name: QueueName) -> int:
    """The id of a queue of an account. **Ids are stored, and `usage` and `maintenance` repeat this formula.**"""
    return 2 * account + (name == "replies")


def create_queue(db: Connection, queue: int) -> None:
    """Insert the counters of a new queue, all zero. Without them every other function fails."""
    db.execute("INSERT INTO queues (id) VALUES (?)", (queue,))


def read_counters(db: Connection, queue: int) -> QueueCounters:
    """Read the counters as stored. Call `release_due` first."""
    columns = ", ".join(QueueCounters._fields)
    row = db.execute(f"SELECT {columns} FROM queues WHERE id = ?", (queue,)).fetchone()
    return QueueCounters._make(row)


def has_due(db: Connection, queue: int, now: float) -> bool:
    """Whether a scheduled item is due."""
    found = db.execute("SELECT 1 FROM scheduled WHERE queue = ? AND due <= ? LIMIT 1", (queue, now)).fetchone()
    return found is not None


def release_due(db: Connection, queue: int, now: float) -> QueueCounters:
    """Release the scheduled items that are due, in the order of due time and arrival. Returns the counters afterwards.

    A released item stays released when the clock is set back.
    """
    counters = read_counters(db, queue)
    if not counters.scheduled or not has_due(db, queue, now):
        return counters
    released = db.execute(_RELEASE_DUE, (counters.released, queue, now)).rowcount
    db.execute("DELETE FROM scheduled WHERE queue = ? AND due <= ?", (queue, now))
    updated = counters._replace(released=counters.released + released, scheduled=counters.scheduled - released)
    db.execute(
        "UPDATE queues SET released = ?, scheduled = ? WHERE id = ?", (updated.released, updated.scheduled, queue)
    )
    return updated


def enqueue(db: Connection, queue: int, rows: Sequence[Row], now: float) -> None:
    """Add items: those that are due now are released, the others are scheduled.

    **Scheduled items that are due are released first**, so that they get positions before the new items.
    """
    counters = release_due(db, queue, now)
    if len(rows) == 1 and rows[0][0] <= now:
        db.execute(_INSERT, (queue, counters.released, *rows[0]))
        db.execute("UPDATE queues SET released = ? WHERE id = ?", (counters.released + 1, queue))
        return
    due = sorted((row for row in rows if row[0] <= now), key=lambda row: row[0])
    scheduled = [row for row in rows if row[0] > now]
    db.executemany(_INSERT, [(queue, position, *row) for position, row in enumerate(due, counters.released)])
    db.executemany(
        _INSERT_SCHEDULED, [(queue, arrival, *row) for arrival, row in enumerate(scheduled, counters.arrivals)]
    )
    db.execute(
        "UPDATE queues SET released = ?, scheduled = ?, arrivals = ? WHERE id = ?",
        (counters.released + len(due), counters.scheduled + len(scheduled), counters.arrivals + len(scheduled), queue),
    )


def fetch(db: Connection, queue: int, limit: int, now: float, request: int) -> tuple[list[ItemRow], QueueCounters]:
    """Fetch the next items: move the cursor past at most `limit` of them, and record the request that fetched them.

    Releases due items first. Returns the rows of the fetched items, and the counters afterwards.
    """
    counters = release_due(db, queue, now)
    until = min(counters.released, counters.fetched + limit)
    if until <= counters.fetched:
        return [], counters
    rows = db.execute(
        f"SELECT {_ITEM_COLUMNS} FROM items WHERE queue = ? AND position >= ? AND position < ? ORDER BY position",
        (queue, counters.fetched, until),
    ).fetchall()
    db.execute(
        "INSERT INTO fetches (queue, first, time, request) VALUES (?, ?, ?, ?)", (queue, counters.fetched, now, request)
    )
    _, mobiles, _, _, texts, extnos, _ = zip(*rows, strict=True)
    updated = counters._replace(
        fetched=until, bytes=counters.bytes + byte_sizes(mobiles) + byte_sizes(texts) + byte_sizes(extnos)
    )
    db.execute("UPDATE queues SET fetched = ?, bytes = ? WHERE id = ?", (until, updated.bytes, queue))
    return rows, updated


def requeue(db: Connection, queue: int, count: int | None, since: float | None) -> int:
    """Make the last `count` fetched items fetchable again; None means all fetched items that are stored.

    With `since`, only items from the first fetch at or after that time on. If the clock was set back meanwhile, these
    include items of later fetches at earlier times. Returns how many.

    **The fetches from the new cursor on are deleted**, because the items will be fetched again.
    """
    counters = read_counters(db, queue)
    target = counters.evicted if count is None else max(counters.evicted, counters.fetched - count)
    if since is not None:
        found = db.execute(
            "SELECT first FROM fetches WHERE queue = ? AND time >= ? ORDER BY first LIMIT 1", (queue, since)
        ).fetchone()
        target = max(target, found[0] if found else counters.fetched)
    rows = db.execute(
        "SELECT mobile, text, extno FROM items WHERE queue = ? AND position >= ? AND position < ?",
        (queue, target, counters.fetched),
    )
    fetched_bytes = counters.bytes - sum(sum(map(byte_size, row)) for row in rows)
    db.execute("DELETE FROM fetches WHERE queue = ? AND first >= ?", (queue, target))
    db.execute("UPDATE queues SET fetched = ?, bytes = ? WHERE id = ?", (target, fetched_bytes, queue))
    return counters.fetched - target


def next_due(db: Connection, queue: int) -> float | None:
    """The time at which the next scheduled item is due, if any. Call `release_due` first."""
    due: float | None = db.execute("SELECT min(due) FROM scheduled WHERE queue = ?", (queue,)).fetchone()[0]
    return due


class StoredFetchHistory:
    """Delivery states of the released items of a queue.

    **Use an instance only until the next write to the queue**: the last fetch is cached, because items are read in
    order and neighbours were mostly fetched together.
    """

    def __init__(self, db: Connection, queue: int, counters: QueueCounters) -> None:
        self._db = db
        self._queue = queue
        self._counters = counters
        self._first = self._end = -1  # positions of the cached fetch: none
        self._state = WAITING

    def state_of(self, position: int) -> DeliveryState:
        """The delivery state of the item at this position."""
        if position >= self._counters.fetched:
            return WAITING
        if not self._first <= position < self._end:
            self._load_fetch(position)
        return self._state

    def _load_fetch(self, position: int) -> None:
        found = self._db.execute(
            "SELECT first, time, request FROM fetches WHERE queue = ? AND first <= ? ORDER BY first DESC LIMIT 1",
            (self._queue, position),
        ).fetchone()
        following = self._db.execute(
            "SELECT min(first) FROM fetches WHERE queue = ? AND first > ?", (self._queue, position)
        ).fetchone()[0]
        self._first = found[0] if found else position
        self._end = self._counters.fetched if following is None else following
        # There is a fetch for each fetched item; in a damaged file, time and request remain unknown.
        self._state = DeliveryState("fetched", *found[1:]) if found else DeliveryState("fetched")


def reports_by_message(
    db: Connection, queue: int, first: int, last: int
) -> dict[int, tuple[StatusReport, DeliveryState]]:
    """The reports of the messages numbered `first` to `last`, with their delivery states, by message number.

    Call `release_due` first. A message has at most one report, either released or scheduled.
    """
    history = StoredFetchHistory(db, queue, read_counters(db, queue))
    between = "WHERE queue = ? AND message >= ? AND message <= ?"
    found: dict[int, tuple[StatusReport, DeliveryState]] = {}
    for message, position, *row in db.execute(
        f"SELECT message, position, {_ITEM_COLUMNS} FROM items {between} ORDER BY position",  # in the order of fetches
        (queue, first, last),
    ):
        found[message] = load_report(row), history.state_of(position)
    for message, *row in db.execute(f"SELECT message, {_ITEM_COLUMNS} FROM scheduled {between}", (queue, first, last)):
        found[message] = load_report(row), SCHEDULED
    return found


@dataclass(frozen=True)
class QueueReader(Generic[Item]):
    """Lists the queues of one kind: `load` reads a row, `matches` tells whether an item matches a query."""

    load: Callable[[ItemRow], Item]
    matches: Callable[[QueueItem[Item], Query], bool]

    def page(self, db: Connection, queue: int, query: Query) -> Page[QueueItem[Item]]:
        """One page of the items that match: released items first, then scheduled ones; reversed if newest first.

        Call `release_due` first. `paginate` applies every condition of the query; SQL only skips items that cannot
        match. The number of a scheduled item is a forecast: an item that is due earlier and added later shifts it.
        """
        counters = read_counters(db, queue)
        parts = [self._query_released(db, queue, query, counters), self._query_scheduled(db, queue, query, counters)]
        if query.newest_first:
            parts.reverse()
        return paginate((item for part in parts for item in part), query, self.matches, counters.evicted)

    def _query_released(
        self, db: Connection, queue: int, query: Query, counters: QueueCounters
    ) -> Iterator[QueueItem[Item]]:
        first, end = counters.evicted, counters.released
        if query.state == "waiting":
            first = counters.fetched
        elif query.state == "fetched":
            end = counters.fetched
        elif query.state is not None:
            return
        if query.after is not None and query.newest_first:
            end = min(end, query.after - 1)
        elif query.after is not None:
            first = max(first, query.after)
        conditions: list[tuple[str, Any]] = [("position >= ?", first), ("position < ?", end)]
        if query.number is not None:
            conditions.append(("mobile = ?", to_db(query.number)))
        if query.task_id is not None:
            conditions.append(("task_id = ?", query.task_id))
        if query.text is not None and isinstance(text := to_db(query.text), str):  # a BLOB is left to `matches`
            conditions.append(("instr(text, ?)", text))
        if query.since is not None:
            conditions.append(("due >= ?", query.since))
        if query.until is not None:
            conditions.append(("due <= ?", query.until))
        where = " AND ".join(["queue = ?", *(condition for condition, _ in conditions)])
        order = "DESC" if query.newest_first else "ASC"
        history = StoredFetchHistory(db, queue, counters)
        for position, *row in db.execute(
            f"SELECT position, {_ITEM_COLUMNS} FROM items WHERE {where} ORDER BY position {order}",
            (queue, *(value for _, value in conditions)),
        ):
            yield QueueItem(position + 1, self.load(row), history.state_of(position))

    def _query_scheduled(
        self, db: Connection, queue: int, query: Query, counters: QueueCounters
    ) -> Iterator[QueueItem[Item]]:
        if query.state not in (None, "scheduled"):
            return
        order, number, step, skipped = "due, arrival", counters.released + 1, 1, 0
        if query.newest_first:
            order, number, step = "due DESC, arrival DESC", counters.released + counters.scheduled, -1
        elif query.after is not None:
            skipped = max(0, query.after - counters.released)
        for position, row in enumerate(
            db.execute(
                f"SELECT {_ITEM_COLUMNS} FROM scheduled WHERE queue = ? ORDER BY {order} LIMIT -1 OFFSET ?",
                (queue, skipped),
            ),
            skipped,
        ):
            yield QueueItem(number + step * position, self.load(row), SCHEDULED)


REPORTS: Final[QueueReader[StatusReport]] = QueueReader(load_report, matches_report)
REPLIES: Final[QueueReader[InboundReply]] = QueueReader(load_reply, matches_reply)


def delete_fetched(db: Connection, queue: int, kept: int, kept_bytes: int, before: int, max_rows: int) -> bool:
    """Delete the oldest fetched items while more than `kept` items, or more than `kept_bytes` of texts, are stored.

    **The last fetched item stays, whatever its size.** **Deletion stops at the first report whose message is still
    stored**, that is, has a number above `before`: a listed message shows its report.

    Deletes at most `max_rows` items, at least 1, so that other writers do not wait long. Returns whether that many were
    deleted: then call again, in another transaction.
    """
    counters = read_counters(db, queue)
    rows = db.execute(
        "SELECT position, message, mobile, text, extno FROM items "
        "WHERE queue = ? AND position >= ? AND position < ? ORDER BY position LIMIT ?",
        (queue, counters.evicted, counters.fetched - 1, max_rows),
    )
    evicted, fetched_bytes = counters.evicted, counters.bytes
    for position, message, *texts in rows:
        if position >= counters.fetched - kept and fetched_bytes <= kept_bytes:
            break
        if message is not None and message > before:
            break
        evicted = position + 1
        fetched_bytes -= sum(map(byte_size, texts))
    rows.close()  # the loop may have left the SELECT unfinished: it would keep its snapshot after the commit
    if evicted > counters.evicted:
        db.execute("DELETE FROM items WHERE queue = ? AND position < ?", (queue, evicted))
        db.execute(
            # The fetch that covers the first item kept, which may begin before it, stays.
            "DELETE FROM fetches WHERE queue = ? AND first < "
            "(SELECT max(first) FROM fetches WHERE queue = ? AND first <= ?)",
            (queue, queue, evicted),
        )
        db.execute("UPDATE queues SET evicted = ?, bytes = ? WHERE id = ?", (evicted, fetched_bytes, queue))
    return evicted - counters.evicted == max_rows
