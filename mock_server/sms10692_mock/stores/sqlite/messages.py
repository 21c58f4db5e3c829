"""Query and deletion of messages: the recipients of the tasks of an account, each with its report.

SQL applies the conditions that an index supports; `stores.query` applies the others.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from sqlite3 import Connection
from typing import Any, Final

from sms10692_mock.domain.records import UNREPORTED, Query, SentMessage, Task
from sms10692_mock.stores.sqlite import queues
from sms10692_mock.stores.sqlite.queues import get_queue_id
from sms10692_mock.stores.sqlite.text_codec import from_db

_CHUNK: Final = 200
"""Messages whose reports are read with one statement."""


def query_messages(db: Connection, account: int, query: Query) -> Iterator[SentMessage]:
    """The messages of an account that may match the query, in its order."""
    conditions: list[tuple[str, Any]] = [("account = ?", account)]
    if query.task_id is not None:
        conditions.append(("task_id = ?", query.task_id))
    if query.after is not None and query.newest_first:
        conditions.append(("before < ?", query.after))
    elif query.after is not None:
        first = "(SELECT max(before) FROM tasks WHERE account = ? AND before <= ?)"
        first_before = db.execute(f"SELECT {first}", (account, query.after)).fetchone()[0]
        conditions.append(("before >= ?", first_before or 0))
    where = " AND ".join(condition for condition, _ in conditions)
    order = "DESC" if query.newest_first else "ASC"
    columns = "before, deleted, task_id, sent_at, due, numbers, content, extno, page, price, request"
    tasks = db.execute(
        f"SELECT {columns} FROM tasks WHERE {where} ORDER BY before {order}",
        [value for _, value in conditions],
    )
    numbered = (
        (before + index + 1, index, task)
        for before, deleted, task in ((row[0], frozenset(json.loads(row[1])), _load_task(row[2:])) for row in tasks)
        for index in _indexes(len(task.numbers), query.newest_first)
        if index not in deleted
    )
    while chunk := list(islice(numbered, _CHUNK)):
        first, last = sorted((chunk[0][0], chunk[-1][0]))
        reports = queues.reports_by_message(db, get_queue_id(account, "reports"), first, last)
        for number, index, task in chunk:
            report, state = reports.get(number, (None, UNREPORTED))
            yield SentMessage(number, task, task.numbers[index], report, state)


def delete_message(db: Connection, account: int, number: int) -> bool:
    """Delete the message of this number. Returns whether it was stored."""
    row = db.execute(
        "SELECT before, numbers, deleted, bytes FROM tasks WHERE account = ? AND before < ? "
        "ORDER BY before DESC LIMIT 1",
        (account, number),
    ).fetchone()
    if row is None:
        return False
    before, numbers, deleted, size = row[0], json.loads(row[1]), json.loads(row[2]), row[3]
    index = number - before - 1
    if index >= len(numbers) or index in deleted:
        return False
    deleted.append(index)
    if len(deleted) == len(numbers):
        db.execute("DELETE FROM tasks WHERE account = ? AND before = ?", (account, before))
    else:
        db.execute(
            "UPDATE tasks SET deleted = ? WHERE account = ? AND before = ?", (json.dumps(deleted), account, before)
        )
        size = 0
    db.execute("UPDATE accounts SET deleted = deleted + 1, bytes = bytes - ? WHERE id = ?", (size, account))
    return True


def delete_messages(db: Connection, account: int, end: int, max_rows: int) -> bool:
    """Delete tasks of the messages up to number `end`, at most `max_rows` of them. Returns whether more may follow."""
    rows = db.execute(
        "SELECT before, bytes, json_array_length(numbers) - json_array_length(deleted) FROM tasks "
        "WHERE account = ? AND before < ? ORDER BY before LIMIT ?",
        (account, end, max_rows),
    ).fetchall()
    if rows:
        db.execute("DELETE FROM tasks WHERE account = ? AND before <= ?", (account, rows[-1][0]))
        db.execute(
            "UPDATE accounts SET deleted = deleted + ?, bytes = bytes - ? WHERE id = ?",
            (sum(row[2] for row in rows), sum(row[1] for row in rows), account),
        )
    return len(rows) == max_rows


def _indexes(count: int, newest_first: bool) -> range:
    return range(count - 1, -1, -1) if newest_first else range(count)


def _load_task(row: Sequence[Any]) -> Task:
    task_id, time, due, numbers, content, extno, page, price, request = row
    return Task(task_id, time, due, json.loads(numbers), from_db(content), from_db(extno), page, price, request)
