"""Opens a store by its address, as used on the command line: `memory`, `sqlite:PATH`, `valkey://HOST:PORT/DB`."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final, TypeAlias

from sms10692_mock.domain.clock import Clock
from sms10692_mock.domain.records import Limits, Settings
from sms10692_mock.domain.store import Store
from sms10692_mock.stores.memory.store import MemoryStore

_Opener: TypeAlias = Callable[[str, Limits, Clock, bool], Store]
"""Parameters: address, limits, clock of real time, durable."""


def _open_memory(address: str, limits: Limits, real_time: Clock, durable: bool) -> Store:
    if address != "memory":
        raise ValueError("the memory store takes no path: write memory")
    if durable:
        raise ValueError("the memory store cannot be durable: use sqlite:PATH")
    return MemoryStore(limits, real_time)


def _open_sqlite(address: str, limits: Limits, real_time: Clock, durable: bool) -> Store:
    from sms10692_mock.stores.sqlite import SqliteStore  # imported on demand, for a faster start

    path = address.partition(":")[2]
    if not path:
        raise ValueError("the SQLite store needs a path: sqlite:PATH")
    return SqliteStore(Path(path), limits, real_time, durable)


def _open_valkey(address: str, limits: Limits, real_time: Clock, durable: bool) -> Store:
    if durable:
        raise ValueError("durability is configured in the Valkey server: appendonly, appendfsync")
    try:
        from sms10692_mock.stores.valkey.store import ValkeyStore
    except ImportError as error:
        from sms10692.extras import missing_package

        raise ValueError(f"the Valkey store: {missing_package(error.name, 'valkey')}") from None
    return ValkeyStore(address, limits, real_time)


_OPENERS: Final[Mapping[str, _Opener]] = {
    "memory": _open_memory,
    "sqlite": _open_sqlite,
    "valkey": _open_valkey,
    "valkeys": _open_valkey,
    "redis": _open_valkey,
    "rediss": _open_valkey,
}
"""Openers by the scheme of the address."""


def open_store(address: str, limits: Limits, real_time: Clock, durable: bool = False) -> Store:
    """Open the store at this address, with its stored data.

    Raises ValueError for an invalid address, with a message for the user, and StoreUnavailable if the store cannot be
    used.

    >>> open_store("memory", Limits(), lambda: 0.0).name
    'memory'
    """
    kind = address.partition(":")[0]
    opener = _OPENERS.get(kind)
    if opener is None:
        # The message does not repeat the address, which may contain a password in any part.
        matches = get_close_matches(kind.lower(), _OPENERS, n=1)
        hint = f"did you mean {matches[0]}? " if matches else ""
        raise ValueError(f"{hint}the stores are memory, sqlite:PATH and valkey://HOST:PORT/DATABASE")
    return opener(address, limits, real_time, durable)


def wipe(store: Store) -> None:
    """Delete all accounts, settings and logged requests. Task and request numbers are not reset."""
    for userid in store.userids():
        store.delete_account(userid)
    store.change_settings(lambda settings: Settings())
    store.clear_request_log()
