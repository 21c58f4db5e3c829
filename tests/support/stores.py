"""What tests of stores are made of: every store there is, by name, and what is put into one.

Here belongs how a store is made for a test, and what befalls its file. What all of them must do is in `test_stores`
and beside it.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias, cast

import pytest

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.clock import Clock
from sms10692_mock.domain.records import NO_TASK_INDEX, Limits, Reply, Report, Task
from sms10692_mock.domain.store import Store
from sms10692_mock.stores.memory.store import MemoryStore
from sms10692_mock.stores.sqlite import SqliteStore
from sms10692_mock.stores.valkey.store import ValkeyStore
from support.valkey_server import THERE_ARE_SERVERS, ValkeyServer, flushed, the_cluster, the_server, url_of

StoreFactory: TypeAlias = Callable[[Path, Limits, Clock], Store]
"""Makes a store that is empty: from an empty folder, its limits, and the real time."""


class AlternatingStore:
    """One file, used by two stores in turn, as two processes would: what the one did, the other sees."""

    def __init__(self, path: Path, limits: Limits, clock: Clock) -> None:
        self._sides = [SqliteStore(path, limits, clock) for _ in range(2)]
        self._turns = count()

    def close(self) -> None:
        for side in self._sides:
            side.close()

    def __getattr__(self, name: str) -> Any:
        turn = next(self._turns) % 2
        self._sides[1 - turn].settle()
        side = self._sides[turn]
        side.changed()
        side.settings()  # which looks at the file anew, as every request does
        return getattr(side, name)


REMOTE: Final[Mapping[str, StoreFactory]] = (
    {
        "valkey": lambda folder, limits, clock: _on_emptied([the_server()], limits, clock),
        "valkey cluster": lambda folder, limits, clock: _on_emptied(the_cluster(), limits, clock),
    }
    if THERE_ARE_SERVERS
    else {}
)
"""Those on a server, which take longer."""

STORES: Final[Mapping[str, StoreFactory]] = {
    "memory": lambda folder, limits, clock: MemoryStore(limits, clock),
    "sqlite": lambda folder, limits, clock: SqliteStore(folder / "store", limits, clock),
    "sqlite from two sides": lambda folder, limits, clock: cast(
        Store, AlternatingStore(folder / "store", limits, clock)
    ),
    **REMOTE,
}
EACH_STORE = pytest.mark.parametrize("make", STORES.values(), ids=STORES)


def _on_emptied(servers: Sequence[ValkeyServer], limits: Limits, clock: Clock) -> Store:
    for server in servers:
        flushed(server)
    return ValkeyStore(url_of(servers[0]), limits, clock)


PREPAID: Final = Account("1", "a", "p", points=20)
POSTPAID: Final = Account("2", "b", "p", postpaid=True)


@contextmanager
def open_test_store(make: StoreFactory, limits: Limits | None = None, real_time: Clock = time.time) -> Iterator[Store]:
    """A store, as long as it is needed."""
    with TemporaryDirectory() as folder:
        store = make(Path(folder), limits or Limits(), real_time)
        try:
            yield store
        finally:
            store.close()


def report(due: float, mobile: str, task_id: int = 100001, place: int = NO_TASK_INDEX) -> Report:
    """A report of a delivered message."""
    return Report(due, mobile, task_id, 10, "DELIVRD", "", place)


def reply(due: float, mobile: str, content: str = "T") -> Reply:
    """An answer from a handset."""
    return Reply(due, mobile, 100001, content, "")


def task(price: int = 1, *numbers: str, content: str = "x") -> Task:
    """A send of a text to these numbers, or to one."""
    return Task(100001, 0.0, 0.0, numbers or ("13000000001",), content, "", "/v2sms.aspx", price, 0)


@contextmanager
def file_locked(path: Path) -> Iterator[None]:
    """Another program writes, and does not come to an end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def disk_full(size: int) -> Iterator[None]:
    """No file may grow beyond so many bytes, which is as good as a disk that is full."""
    import resource  # Windows has none

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def file_missing(path: Path) -> Iterator[None]:
    """The file is nowhere."""
    away = path.with_name("away")
    away.mkdir()
    for one in path.parent.glob(f"{path.name}*"):
        one.rename(away / one.name)
    yield
    for one in away.iterdir():
        one.rename(path.parent / one.name)
