"""The tables of the file, and the way from each older version of them to the next.

Here belongs what is written and why it is found again quickly. Statements about it stand with their operations.

A queue's number is twice its account's, and one more for replies. What came up stands in `items` by its place, so that
handing over is one stretch of one tree; what is to come stands in `later` by the moment due. `message` is the number of
the message that a report is about. Texts are TEXT, or BLOBs where UTF-8 has no way to write them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sms10692_mock.stores.redaction import redact_headers

APPLICATION_ID: Final = 0x534D5331
"""Says, in the head of the file, whose it is."""

HEADERS_IN_REST: Final = 4
"""Which part of the `rest` of a request its headers are."""

_FIRST: Final = (
    """CREATE TABLE state (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        version INTEGER NOT NULL,
        tasks INTEGER NOT NULL,
        requests INTEGER NOT NULL,
        settings TEXT NOT NULL,
        kept INTEGER NOT NULL,
        kept_bytes INTEGER NOT NULL,
        dropped INTEGER NOT NULL
    )""",
    """CREATE TABLE accounts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        userid NOT NULL UNIQUE,
        arrived INTEGER NOT NULL,
        terms TEXT NOT NULL,
        postpaid INTEGER NOT NULL,
        throwaway INTEGER NOT NULL,
        used REAL NOT NULL,
        points INTEGER NOT NULL,
        charged_up INTEGER NOT NULL,
        messages INTEGER NOT NULL DEFAULT 0,
        dropped INTEGER NOT NULL DEFAULT 0,
        characters INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TABLE queues (
        id INTEGER PRIMARY KEY,
        up INTEGER NOT NULL DEFAULT 0,
        handed_out INTEGER NOT NULL DEFAULT 0,
        forgotten INTEGER NOT NULL DEFAULT 0,
        later INTEGER NOT NULL DEFAULT 0,
        arrivals INTEGER NOT NULL DEFAULT 0
    )""",
    """CREATE TABLE items (
        queue INTEGER NOT NULL,
        place INTEGER NOT NULL,
        due REAL NOT NULL,
        mobile NOT NULL,
        task_id INTEGER NOT NULL,
        status INTEGER,
        said NOT NULL,
        extno NOT NULL,
        nth INTEGER,
        message INTEGER,
        PRIMARY KEY (queue, place)
    ) WITHOUT ROWID""",
    "CREATE INDEX item_of_message ON items (queue, message) WHERE message IS NOT NULL",
    """CREATE TABLE later (
        queue INTEGER NOT NULL,
        due REAL NOT NULL,
        arrival INTEGER NOT NULL,
        mobile NOT NULL,
        task_id INTEGER NOT NULL,
        status INTEGER,
        said NOT NULL,
        extno NOT NULL,
        nth INTEGER,
        message INTEGER,
        PRIMARY KEY (queue, due, arrival)
    ) WITHOUT ROWID""",
    "CREATE INDEX later_of_message ON later (queue, message) WHERE message IS NOT NULL",
    """CREATE TABLE fetches (
        queue INTEGER NOT NULL,
        first INTEGER NOT NULL,
        moment REAL NOT NULL,
        request INTEGER NOT NULL,
        PRIMARY KEY (queue, first)
    ) WITHOUT ROWID""",
    """CREATE TABLE tasks (
        account INTEGER NOT NULL,
        before INTEGER NOT NULL,
        task_id INTEGER NOT NULL,
        moment REAL NOT NULL,
        due REAL NOT NULL,
        numbers TEXT NOT NULL,
        content NOT NULL,
        extno NOT NULL,
        page TEXT NOT NULL,
        price INTEGER NOT NULL,
        request INTEGER NOT NULL,
        characters INTEGER NOT NULL,
        PRIMARY KEY (account, before)
    ) WITHOUT ROWID""",
    """CREATE TABLE requests (
        number INTEGER PRIMARY KEY,
        userid NOT NULL,
        now REAL NOT NULL,
        bytes INTEGER NOT NULL,
        query BLOB NOT NULL,
        body BLOB NOT NULL,
        answer BLOB NOT NULL,
        rest TEXT NOT NULL
    )""",
    "CREATE INDEX request_of_userid ON requests (userid, number)",
    "CREATE TABLE leftovers (account INTEGER PRIMARY KEY)",
)

_BYTES: Final = (
    "ALTER TABLE accounts RENAME COLUMN characters TO bytes",
    "ALTER TABLE tasks RENAME COLUMN characters TO bytes",
    "ALTER TABLE queues ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0",
    """UPDATE queues SET bytes = (
        SELECT coalesce(sum(length(CAST(mobile AS BLOB)) + length(CAST(said AS BLOB)) + length(CAST(extno AS BLOB))), 0)
        FROM items WHERE items.queue = queues.id AND items.place < queues.handed_out
    )""",
)
"""What is over has a limit in bytes. `bytes` of a queue are those of the texts that were handed out and are kept."""

_REDACTED: Final = ("UPDATE requests SET rest = redacted(rest)",)
"""Requests that an earlier version logged have the values of headers that let somebody in."""


def _redacted(rest: str) -> str:
    row = json.loads(rest)
    row[HEADERS_IN_REST] = redact_headers(row[HEADERS_IN_REST])
    return json.dumps(row)


FUNCTIONS: Final[Mapping[str, Callable[[str], str]]] = {"redacted": _redacted}
"""What the statements below call."""

_EVICTED: Final = ("ALTER TABLE state ADD COLUMN evicted INTEGER NOT NULL DEFAULT 0",)
"""How many accounts were closed because there were too many."""

MIGRATIONS: Final[Sequence[Sequence[str]]] = (_FIRST, _BYTES, _REDACTED, _EVICTED)
"""The statements that make a file of version 1 of an empty one, of version 2 of one of version 1, and so on."""

VERSION: Final = len(MIGRATIONS)
