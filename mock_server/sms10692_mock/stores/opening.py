"""Stores by their address: `memory`, `sqlite:PATH`, `valkey://HOST`.

Here belongs which stores there are, and how one is written on a command line.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from sms10692_mock.clock import Clock
from sms10692_mock.stores.memory import MemoryStore
from sms10692_mock.stores.protocol import Store
from sms10692_mock.stores.records import Limits, Settings

_Opening: TypeAlias = Callable[[str, Limits, Clock, bool], Store]
"""Opens a store: what follows the colon of its address, limits, the real time, whether it is to be durable."""


def _memory(rest: str, limits: Limits, real_time: Clock, durable: bool) -> Store:
    if rest:
        raise ValueError("the store in memory has no path: memory")
    if durable:
        raise ValueError("the store in memory cannot be durable")
    return MemoryStore(limits, real_time)


def _sqlite(rest: str, limits: Limits, real_time: Clock, durable: bool) -> Store:
    from sms10692_mock.stores.sqlite import SqliteStore  # of use to few, and it takes time

    if not rest:
        raise ValueError("a store in a file needs its path: sqlite:PATH")
    return SqliteStore(Path(rest), limits, real_time, durable)


def _on_a_server(kind: str, rest: str, limits: Limits, real_time: Clock, durable: bool) -> Store:
    try:
        from sms10692_mock.stores.valkey.store import ValkeyStore  # of use to few, and not installed with the others
    except ImportError as error:
        raise ValueError(f"a store on a server needs more: pip install 'sms10692[valkey]' ({error})") from None

    if durable:
        raise ValueError("what a server has on its disk is its own affair: appendonly yes, appendfsync always")
    return ValkeyStore(f"{kind}:{rest}", limits, real_time)


_OPENINGS: Final[Mapping[str, _Opening]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    **{kind: partial(_on_a_server, kind) for kind in ("valkey", "valkeys", "redis", "rediss")},
}
"""By what stands before the colon."""


def open_store(address: str, limits: Limits, real_time: Clock, durable: bool = False) -> Store:
    """The store at this address, with what it kept.

    Raises ValueError for what is no address of a store, in words for the person who wrote it, and StoreUnavailable
    where the store cannot be used.

    >>> open_store("memory", Limits(), lambda: 0.0).name
    'memory'
    """
    kind, _, rest = address.partition(":")
    opening = _OPENINGS.get(kind)
    if opening is None:
        known = ", ".join(_OPENINGS)
        raise ValueError(f"{address!a} is no store; there are {known}")
    return opening(rest, limits, real_time, durable)


def empty(store: Store) -> None:
    """Forget all accounts, settings and requests; numbers of tasks and requests go on."""
    for userid in store.userids():
        store.close(userid)
    store.change_settings(lambda settings: Settings())
    store.forget_requests()
