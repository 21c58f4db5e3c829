"""The SQLite store: persistent, in one file, for one process or several processes on one machine."""

from sms10692_mock.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
