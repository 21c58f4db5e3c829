"""Query for messages: the recipients of the tasks of an account, each with its report.

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
    columns = "before, task_id, sent_at, due, numbers, content, extno, page, price, request"
    tasks = db.execute(
        f"SELECT {columns} FROM tasks WHERE {where} ORDER BY before {order}",
        [value for _, value in conditions],
    )
    numbered = (
        (before + index + 1, index, task)
        for before, task in ((before, _load_task(rest)) for before, *rest in tasks)
        for index in _indexes(len(task.numbers), query.newest_first)
    )
    while chunk := list(islice(numbered, _CHUNK)):
        first, last = sorted((chunk[0][0], chunk[-1][0]))
        reports = queues.reports_by_message(db, get_queue_id(account, "reports"), first, last)
        for number, index, task in chunk:
            report, state = reports.get(number, (None, UNREPORTED))
            yield SentMessage(number, task, task.numbers[index], report, state)


def _indexes(count: int, newest_first: bool) -> range:
    return range(count - 1, -1, -1) if newest_first else range(count)


def _load_task(row: Sequence[Any]) -> Task:
    task_id, time, due, numbers, content, extno, page, price, request = row
    return Task(task_id, time, due, json.loads(numbers), from_db(content), from_db(extno), page, price, request)
