"""The store that survives a restart: one SQLite file, for one process or several on one machine.

Here belongs what of it others use.
"""

from sms10692_mock.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
