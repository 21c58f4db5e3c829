"""Registry of the stores, and opening of a store by its address, as the option `--store` takes it."""

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from sms10692_mock.domain.clock import Clock
from sms10692_mock.domain.records import Limits, Settings
from sms10692_mock.domain.store import Store
from sms10692_mock.stores.memory.store import MemoryStore

_VALKEY_EXTRA: Final = "valkey"

Opener: TypeAlias = Callable[[str, Limits, Clock, bool], Store]
"""Parameters: address, limits, clock of real time, durable."""


class StoreKind(NamedTuple):
    """A row of the registry: how a store is opened, which addresses it has, and what it is for.

    The capitals of `address` stand for what a user inserts. `schemes` are those of the addresses that `open` accepts.
    `extra` is the extra of the package that the store needs. The texts are for the documents, in English and Chinese.
    """

    open: Opener
    address: str
    schemes: tuple[str, ...]
    name: tuple[str, str]
    purpose: tuple[str, str]
    extra: str = ""


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

        raise ValueError(f"the Valkey store: {missing_package(error.name, _VALKEY_EXTRA)}") from None
    return ValkeyStore(address, limits, real_time)


STORES: Final = (
    StoreKind(_open_memory, "memory", ("memory",), ("memory", "内存"), ("tests", "测试")),
    StoreKind(
        _open_sqlite,
        "sqlite:PATH",
        ("sqlite",),
        ("SQLite file", "SQLite 文件"),
        (
            "data that survives a restart; several emulators on one machine",
            "重启后保留数据；同一台机器上的多个模拟服务器",
        ),
    ),
    StoreKind(
        _open_valkey,
        "valkey://HOST:PORT/DATABASE",
        ("valkey", "valkeys", "redis", "rediss"),
        ("Valkey or Redis 7, also a cluster", "Valkey 或 Redis 7，也可以是集群"),
        ("several emulators on several machines", "多台机器上的多个模拟服务器"),
        _VALKEY_EXTRA,
    ),
)

_OPENERS: Final = {scheme: store.open for store in STORES for scheme in store.schemes}


def list_addresses(separator: str, conjunction: str) -> str:
    """Return the addresses of all stores as a list for a sentence.

    >>> list_addresses(", ", " or ")
    'memory, sqlite:PATH or valkey://HOST:PORT/DATABASE'
    """
    *first, last = (store.address for store in STORES)
    return f"{separator.join(first)}{conjunction}{last}"


def open_store(address: str, limits: Limits, real_time: Clock, durable: bool = False) -> Store:
    """Open the store at this address, with its stored data.

    Raises ValueError for an invalid address, with a message for the user, and StoreUnavailable if the store cannot be
    used.

    >>> open_store("memory", Limits(), lambda: 0.0).name
    'memory'
    """
    scheme = address.partition(":")[0]
    if scheme not in _OPENERS:
        # The message does not repeat the address, which may contain a password in any part.
        matches = get_close_matches(scheme.lower(), _OPENERS, n=1)
        hint = f"did you mean {matches[0]}? " if matches else ""
        raise ValueError(f"{hint}the stores are {list_addresses(', ', ' and ')}")
    return _OPENERS[scheme](address, limits, real_time, durable)


def wipe(store: Store) -> None:
    """Delete all accounts, settings and logged requests. Task and request numbers are not reset."""
    for userid in store.userids():
        store.delete_account(userid)
    store.change_settings(lambda settings: Settings())
    store.clear_request_log()
