"""Stores by their address: `memory`, `sqlite:PATH`, `valkey://HOST:PORT/DB`.

Here belongs which stores there are, and how one is written on a command line.
"""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final, TypeAlias

from sms10692_mock.domain.clock import Clock
from sms10692_mock.domain.records import Limits, Settings
from sms10692_mock.domain.store import Store
from sms10692_mock.stores.memory.store import MemoryStore

_Opening: TypeAlias = Callable[[str, Limits, Clock, bool], Store]
"""Opens a store: its address, limits, the real time, whether it is to be durable."""


def _memory(address: str, limits: Limits, real_time: Clock, durable: bool) -> Store:
    if address != "memory":
        raise ValueError("the store in memory has no path: memory")
    if durable:
        raise ValueError("the store in memory cannot be durable")
    return MemoryStore(limits, real_time)


def _sqlite(address: str, limits: Limits, real_time: Clock, durable: bool) -> Store:
    from sms10692_mock.stores.sqlite import SqliteStore  # of use to few, and it takes time

    path = address.partition(":")[2]
    if not path:
        raise ValueError("a store in a file needs its path: sqlite:PATH")
    return SqliteStore(Path(path), limits, real_time, durable)


def _valkey(address: str, limits: Limits, real_time: Clock, durable: bool) -> Store:
    if durable:
        raise ValueError("how durable a Valkey server is, is set there: appendonly, appendfsync")
    try:
        from sms10692_mock.stores.valkey.store import ValkeyStore
    except ImportError as error:
        from sms10692.extras import missing_package

        raise ValueError(f"a store on a server: {missing_package(error.name, 'valkey')}") from None
    return ValkeyStore(address, limits, real_time)


_OPENINGS: Final[Mapping[str, _Opening]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "valkey": _valkey,
    "valkeys": _valkey,
    "redis": _valkey,
    "rediss": _valkey,
}
"""By what stands before the colon."""


def open_store(address: str, limits: Limits, real_time: Clock, durable: bool = False) -> Store:
    """The store at this address, with what it kept.

    Raises ValueError for what is no address of a store, in words for the person who wrote it, and StoreUnavailable
    where the store cannot be used.

    >>> open_store("memory", Limits(), lambda: 0.0).name
    'memory'
    """
    kind = address.partition(":")[0]
    opening = _OPENINGS.get(kind)
    if opening is None:
        # Nothing of the address is repeated: a password may be in any part of it.
        meant = get_close_matches(kind.lower(), _OPENINGS, n=1)
        hint = f"did you mean {meant[0]}? " if meant else ""
        raise ValueError(f"{hint}the stores are memory, sqlite:PATH and valkey://HOST:PORT/DATABASE")
    return opening(address, limits, real_time, durable)


def wipe(store: Store) -> None:
    """Forget all accounts, settings and requests; numbers of tasks and requests go on."""
    for userid in store.userids():
        store.delete_account(userid)
    store.change_settings(lambda settings: Settings())
    store.clear_request_log()
