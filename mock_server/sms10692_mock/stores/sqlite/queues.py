"""A queue in the file: what came up, by place; a number that says how much of it was handed out; what is to come.

Here belong the statements about one queue, inside a transaction of the caller's. Whose it is, is `store`'s affair.
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
"""Of an item: due, mobile, task_id, status, said, extno, nth, message."""

_COLUMNS: Final = "due, mobile, task_id, status, said, extno, nth, message"
_SAYS: Final = "due, mobile, task_id, status, said, extno, nth"
_INSERT: Final = f"INSERT INTO items (queue, place, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_INSERT_LATER: Final = f"INSERT INTO later (queue, arrival, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_RIPEN: Final = f"""
    INSERT INTO items (queue, place, {_COLUMNS})
    SELECT queue, ? + row_number() OVER (ORDER BY due, arrival) - 1, {_COLUMNS} FROM later WHERE queue = ? AND due <= ?
"""  # noqa: S608


class QueueCounters(NamedTuple):
    """A queue in numbers: how many came up, were handed out, are forgotten of these, are to come, ever were to come.

    `bytes` are those of the texts of what was handed out and is not forgotten.
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
    """A report as it is kept. `before` is the number of the last message before its task, if it is of a send."""
    due, mobile, task_id, status, errorcode, extno, place = report
    message = None if before is None or place == NO_TASK_INDEX else before + place + 1
    return due, to_db(mobile), task_id, status, to_db(errorcode), to_db(extno), place, message


def dump_reply(reply: Reply) -> Row:
    """A reply as it is kept."""
    due, mobile, task_id, content, extno = reply
    return due, to_db(mobile), task_id, None, to_db(content), to_db(extno), None, None


def load_report(row: Row) -> Report:
    """The report of a row of its first seven columns."""
    due, mobile, task_id, status, errorcode, extno, place = row
    if type(mobile) is str is type(errorcode) is type(extno):
        return Report._make(row)
    return Report(due, from_db(mobile), task_id, status, from_db(errorcode), from_db(extno), place)


def load_reply(row: Row) -> Reply:
    """The reply of a row of its first seven columns."""
    due, mobile, task_id, _, content, extno, _ = row
    return Reply(due, from_db(mobile), task_id, from_db(content), from_db(extno))


def get_queue(account: int, name: QueueName) -> int:
    """The number of a queue of an account."""
    return 2 * account + (name == "replies")


def open_queue(db: Connection, queue: int) -> None:
    """Begin a queue."""
    db.execute("INSERT INTO queues (id) VALUES (?)", (queue,))


def read_counters(db: Connection, queue: int) -> QueueCounters:
    """The queue in numbers, as it is."""
    columns = ", ".join(QueueCounters._fields)
    row = db.execute(f"SELECT {columns} FROM queues WHERE id = ?", (queue,)).fetchone()  # noqa: S608 - words from above
    return QueueCounters._make(row)


def has_due(db: Connection, queue: int, now: float) -> bool:
    """Whether something is to come up."""
    found = db.execute("SELECT 1 FROM later WHERE queue = ? AND due <= ? LIMIT 1", (queue, now)).fetchone()
    return found is not None


def release_due(db: Connection, queue: int, now: float) -> QueueCounters:
    """Let come up what is due; the queue in numbers then."""
    had = read_counters(db, queue)
    if not had.later or not has_due(db, queue, now):
        return had
    up = db.execute(_RIPEN, (had.up, queue, now)).rowcount
    db.execute("DELETE FROM later WHERE queue = ? AND due <= ?", (queue, now))
    has = had._replace(up=had.up + up, later=had.later - up)
    db.execute("UPDATE queues SET up = ?, later = ? WHERE id = ?", (has.up, has.later, queue))
    return has


def enqueue(db: Connection, queue: int, rows: Sequence[Row], now: float) -> None:
    """Queue what arrives."""
    had = release_due(db, queue, now)
    if len(rows) == 1 and rows[0][0] <= now:
        db.execute(_INSERT, (queue, had.up, *rows[0]))
        db.execute("UPDATE queues SET up = ? WHERE id = ?", (had.up + 1, queue))
        return
    due = sorted((row for row in rows if row[0] <= now), key=lambda row: row[0])
    later = [row for row in rows if row[0] > now]
    db.executemany(_INSERT, [(queue, place, *row) for place, row in enumerate(due, had.up)])
    db.executemany(_INSERT_LATER, [(queue, arrival, *row) for arrival, row in enumerate(later, had.arrivals)])
    db.execute(
        "UPDATE queues SET up = ?, later = ?, arrivals = ? WHERE id = ?",
        (had.up + len(due), had.later + len(later), had.arrivals + len(later), queue),
    )


def fetch(db: Connection, queue: int, limit: int, now: float, request: int) -> tuple[list[Row], QueueCounters]:
    """Hand over the next items; their first seven columns, and the queue in numbers then."""
    had = release_due(db, queue, now)
    until = min(had.up, had.handed_out + limit)
    if until <= had.handed_out:
        return [], had
    rows = db.execute(
        f"SELECT {_SAYS} FROM items WHERE queue = ? AND place >= ? AND place < ? ORDER BY place",  # noqa: S608
        (queue, had.handed_out, until),
    ).fetchall()
    db.execute("INSERT INTO fetches VALUES (?, ?, ?, ?)", (queue, had.handed_out, now, request))
    _, mobiles, _, _, said, extnos, _ = zip(*rows, strict=True)
    has = had._replace(handed_out=until, bytes=had.bytes + byte_sizes(mobiles) + byte_sizes(said) + byte_sizes(extnos))
    db.execute("UPDATE queues SET handed_out = ?, bytes = ? WHERE id = ?", (until, has.bytes, queue))
    return rows, has


def requeue(db: Connection, queue: int, count: int | None, since: float | None) -> int:
    """Let items wait again: the last `count`, and of them those handed out since a moment."""
    had = read_counters(db, queue)
    target = had.forgotten if count is None else max(had.forgotten, had.handed_out - count)
    if since is not None:
        first = db.execute(
            "SELECT first FROM fetches WHERE queue = ? AND moment >= ? ORDER BY first LIMIT 1", (queue, since)
        ).fetchone()
        target = max(target, first[0] if first else had.handed_out)
    waiting_again = db.execute(
        "SELECT mobile, said, extno FROM items WHERE queue = ? AND place >= ? AND place < ?",
        (queue, target, had.handed_out),
    )
    has_bytes = had.bytes - sum(sum(map(byte_size, row)) for row in waiting_again)
    db.execute("DELETE FROM fetches WHERE queue = ? AND first >= ?", (queue, target))
    db.execute("UPDATE queues SET handed_out = ?, bytes = ? WHERE id = ?", (target, has_bytes, queue))
    return had.handed_out - target


def next_due(db: Connection, queue: int) -> float | None:
    """When the next item falls due."""
    due: float | None = db.execute("SELECT min(due) FROM later WHERE queue = ?", (queue,)).fetchone()[0]
    return due


class StoredFetchHistory:
    """What became of the places of a queue, in one moment of the file."""

    def __init__(self, db: Connection, queue: int, has: QueueCounters) -> None:
        self._db = db
        self._queue = queue
        self._has = has
        self._from = self._to = -1
        self._fate = WAITING

    def state_of(self, place: int) -> DeliveryState:
        """The fate of what stands there."""
        if place >= self._has.handed_out:
            return WAITING
        if not self._from <= place < self._to:
            self._look_up(place)
        return self._fate

    def _look_up(self, place: int) -> None:
        found = self._db.execute(
            "SELECT first, moment, request FROM fetches WHERE queue = ? AND first <= ? ORDER BY first DESC LIMIT 1",
            (self._queue, place),
        ).fetchone()
        following = self._db.execute(
            "SELECT min(first) FROM fetches WHERE queue = ? AND first > ?", (self._queue, place)
        ).fetchone()[0]
        self._from = found[0] if found else place
        self._to = self._has.handed_out if following is None else following
        self._fate = DeliveryState("handed out", *found[1:]) if found else DeliveryState("handed out")


def reports_by_message(db: Connection, queue: int, first: int, last: int) -> dict[int, tuple[Report, DeliveryState]]:
    """By its number, what was reported of each message, and what became of the report."""
    fates = StoredFetchHistory(db, queue, read_counters(db, queue))
    between = "WHERE queue = ? AND message >= ? AND message <= ?"
    found: dict[int, tuple[Report, DeliveryState]] = {}
    for message, place, *row in db.execute(
        f"SELECT message, place, {_SAYS} FROM items {between} ORDER BY place",  # noqa: S608
        (queue, first, last),
    ):
        found[message] = load_report(tuple(row)), fates.state_of(place)
    for message, *row in db.execute(f"SELECT message, {_SAYS} FROM later {between}", (queue, first, last)):  # noqa: S608
        found[message] = load_report(tuple(row)), LATER
    return found


class QueueReader(NamedTuple, Generic[Item]):
    """How the items of one kind of queue are read, and sought."""

    item: Any
    says: Any

    def page(self, db: Connection, queue: int, wanted: Query) -> Page[QueueItem[Item]]:
        """The items that are wanted, those to come behind the others."""
        has = read_counters(db, queue)
        parts = [self._up(db, queue, wanted, has), self._later(db, queue, wanted, has)]
        if wanted.newest_first:
            parts.reverse()
        return paginate((queued for part in parts for queued in part), wanted, self.says, has.forgotten)

    def _up(self, db: Connection, queue: int, wanted: Query, has: QueueCounters) -> Iterator[QueueItem[Item]]:
        first, behind = has.forgotten, has.up
        if wanted.state == "waiting":
            first = has.handed_out
        elif wanted.state == "handed out":
            behind = has.handed_out
        elif wanted.state is not None:
            return
        if wanted.after is not None and wanted.newest_first:
            behind = min(behind, wanted.after - 1)
        elif wanted.after is not None:
            first = max(first, wanted.after)
        conditions: list[tuple[str, Any]] = [("place >= ?", first), ("place < ?", behind)]
        if wanted.number is not None:
            conditions.append(("mobile = ?", to_db(wanted.number)))
        if wanted.task_id is not None:
            conditions.append(("task_id = ?", wanted.task_id))
        if wanted.text is not None and isinstance(text := to_db(wanted.text), str):
            conditions.append(("instr(said, ?)", text))
        if wanted.since is not None:
            conditions.append(("due >= ?", wanted.since))
        if wanted.until is not None:
            conditions.append(("due <= ?", wanted.until))
        where = " AND ".join(["queue = ?", *(condition for condition, _ in conditions)])
        order = "DESC" if wanted.newest_first else "ASC"
        fates = StoredFetchHistory(db, queue, has)
        for place, *row in db.execute(
            f"SELECT place, {_SAYS} FROM items WHERE {where} ORDER BY place {order}",  # noqa: S608 - words from above
            (queue, *(value for _, value in conditions)),
        ):
            yield QueueItem(place + 1, self.item(row), fates.state_of(place))

    def _later(self, db: Connection, queue: int, wanted: Query, has: QueueCounters) -> Iterator[QueueItem[Item]]:
        if wanted.state not in (None, "later"):
            return
        order, number, step, skipped = "due, arrival", has.up + 1, 1, 0
        if wanted.newest_first:
            order, number, step = "due DESC, arrival DESC", has.up + has.later, -1
        elif wanted.after is not None:
            skipped = max(0, wanted.after - has.up)
        for place, row in enumerate(
            db.execute(
                f"SELECT {_SAYS} FROM later WHERE queue = ? ORDER BY {order} LIMIT -1 OFFSET ?",  # noqa: S608
                (queue, skipped),
            ),
            skipped,
        ):
            yield QueueItem(number + step * place, self.item(row), LATER)


REPORTS: Final[QueueReader[Report]] = QueueReader(load_report, matches_report)
REPLIES: Final[QueueReader[Reply]] = QueueReader(load_reply, matches_reply)


def delete(db: Connection, queue: int, kept: int, kept_bytes: int, dropped: int, some: int) -> bool:
    """Forget some of what was handed out, beyond the last `kept` or `kept_bytes`, but for the very last.

    The reports of messages after `dropped` stay too. Returns whether there may be more to forget.
    """
    has = read_counters(db, queue)
    rows = db.execute(
        "SELECT place, message, mobile, said, extno FROM items "
        "WHERE queue = ? AND place >= ? AND place < ? ORDER BY place LIMIT ?",
        (queue, has.forgotten, has.handed_out - 1, some),
    )
    forgotten, has_bytes = has.forgotten, has.bytes
    for place, message, *texts in rows:
        if place >= has.handed_out - kept and has_bytes <= kept_bytes:
            break
        if message is not None and message > dropped:
            break
        forgotten = place + 1
        has_bytes -= sum(map(byte_size, texts))
    rows.close()
    if forgotten > has.forgotten:
        db.execute("DELETE FROM items WHERE queue = ? AND place < ?", (queue, forgotten))
        db.execute(
            "DELETE FROM fetches WHERE queue = ? AND first < "
            "(SELECT max(first) FROM fetches WHERE queue = ? AND first <= ?)",
            (queue, queue, forgotten),
        )
        db.execute("UPDATE queues SET forgotten = ?, bytes = ? WHERE id = ?", (forgotten, has_bytes, queue))
    return forgotten - has.forgotten == some
