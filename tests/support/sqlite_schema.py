"""Turns a file of the current schema into one of schema version 4, for tests of earlier migrations."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from sms10692_mock.stores.sqlite.schema import MIGRATIONS

_RENAME_COLUMN = re.compile(r"ALTER TABLE (\w+) RENAME COLUMN (\w+) TO (\w+)")
_ADD_COLUMN = re.compile(r"ALTER TABLE (\w+) ADD COLUMN (\w+) .*")
_RENAME_TABLE = re.compile(r"ALTER TABLE (\w+) RENAME TO (\w+)")


def restore_version_4(path: Path) -> None:
    """Undo the migrations after version 4, except renames in JSON: the migration accepts the new keys, too."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in reversed(MIGRATIONS[5]):
            connection.execute(_ADD_COLUMN.sub(r"ALTER TABLE \1 DROP COLUMN \2", statement))
        connection.execute("DROP INDEX scheduled_of_message")
        for statement in reversed(MIGRATIONS[4]):
            statement = _RENAME_COLUMN.sub(r"ALTER TABLE \1 RENAME COLUMN \3 TO \2", statement)
            statement = _RENAME_TABLE.sub(r"ALTER TABLE \2 RENAME TO \1", statement)
            if statement.startswith("ALTER"):
                connection.execute(statement)
        connection.execute("CREATE INDEX later_of_message ON later (queue, message) WHERE message IS NOT NULL")
        connection.execute("PRAGMA user_version = 4")
