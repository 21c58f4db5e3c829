"""The schema of the database and its migrations.

The id of a report queue is twice the id of its account; the reply queue has the next id. Table `items` holds released
items by `position`, so that a fetch reads one range of one B-tree; `scheduled` holds scheduled items by due time.
`message` is the number of the message that a report belongs to. Columns without a type hold texts: TEXT, or BLOB for
texts that UTF-8 cannot encode (`text_codec`). `accounts.settings` is the serialized account. A migration is never
changed: to change the schema, append one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sms10692_mock.stores.sqlite.json_migrations import redact_request, rename_account, rename_request, rename_settings

APPLICATION_ID: Final = 0x534D5331
"""Identifies the files of this program (`PRAGMA application_id`)."""

_CREATE_TABLES: Final = (
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

_ADD_BYTES: Final = (
    "ALTER TABLE accounts RENAME COLUMN characters TO bytes",
    "ALTER TABLE tasks RENAME COLUMN characters TO bytes",
    "ALTER TABLE queues ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0",
    """UPDATE queues SET bytes = (
        SELECT coalesce(sum(length(CAST(mobile AS BLOB)) + length(CAST(said AS BLOB)) + length(CAST(extno AS BLOB))), 0)
        FROM items WHERE items.queue = queues.id AND items.place < queues.handed_out
    )""",
)
"""Migration to version 2: limits in bytes. `queues.bytes` counts the texts of fetched items that are stored."""

_REDACT_HEADERS: Final = ("UPDATE requests SET rest = redacted(rest)",)
"""Migration to version 3: remove the credentials in the headers of logged requests."""


FUNCTIONS: Final[Mapping[str, Callable[[str], str]]] = {
    "redacted": redact_request,
    "renamed_account": rename_account,
    "renamed_settings": rename_settings,
    "renamed_request": rename_request,
}
"""SQL functions that the migrations call."""

_ADD_EVICTED: Final = ("ALTER TABLE state ADD COLUMN evicted INTEGER NOT NULL DEFAULT 0",)
"""Migration to version 4: count the accounts that were evicted because there were too many."""

_RENAME: Final = (
    "ALTER TABLE state RENAME COLUMN evicted TO evicted_accounts",
    "ALTER TABLE state RENAME COLUMN dropped TO evicted_requests",
    "ALTER TABLE accounts RENAME COLUMN arrived TO position",
    "ALTER TABLE accounts RENAME COLUMN terms TO settings",
    "ALTER TABLE accounts RENAME COLUMN throwaway TO temporary",
    "ALTER TABLE accounts RENAME COLUMN charged_up TO total_added",
    "ALTER TABLE accounts RENAME COLUMN dropped TO evicted",
    "ALTER TABLE queues RENAME COLUMN up TO released",
    "ALTER TABLE queues RENAME COLUMN handed_out TO fetched",
    "ALTER TABLE queues RENAME COLUMN forgotten TO evicted",
    "ALTER TABLE queues RENAME COLUMN later TO scheduled",
    "ALTER TABLE items RENAME COLUMN place TO position",
    "ALTER TABLE items RENAME COLUMN said TO text",
    "ALTER TABLE items RENAME COLUMN nth TO recipient_index",
    "ALTER TABLE later RENAME COLUMN said TO text",
    "ALTER TABLE later RENAME COLUMN nth TO recipient_index",
    "ALTER TABLE later RENAME TO scheduled",
    "ALTER TABLE fetches RENAME COLUMN moment TO time",
    "ALTER TABLE tasks RENAME COLUMN moment TO sent_at",
    "ALTER TABLE requests RENAME COLUMN now TO account_time",
    "ALTER TABLE requests RENAME COLUMN answer TO response_body",
    "ALTER TABLE requests RENAME COLUMN rest TO details",
    "ALTER TABLE leftovers RENAME TO deleted_accounts",
    "DROP INDEX later_of_message",
    "CREATE INDEX scheduled_of_message ON scheduled (queue, message) WHERE message IS NOT NULL",
    "UPDATE accounts SET settings = renamed_account(settings)",
    "UPDATE state SET settings = renamed_settings(settings)",
    "UPDATE requests SET details = renamed_request(details)",
)
"""Migration to version 5: standard names of tables, columns, JSON keys and faults."""

_ADD_DELETED: Final = (
    "ALTER TABLE accounts ADD COLUMN deleted INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE tasks ADD COLUMN deleted TEXT NOT NULL DEFAULT '[]'",
)
"""Migration to version 6: count the deleted messages, and list the indexes of the deleted recipients of each task."""

MIGRATIONS: Final[Sequence[Sequence[str]]] = (
    *(_CREATE_TABLES, _ADD_BYTES, _REDACT_HEADERS, _ADD_EVICTED, _RENAME),
    _ADD_DELETED,
)
"""Item `n` migrates the schema from version `n` to `n + 1`; version 0 is an empty file."""

VERSION: Final = len(MIGRATIONS)
