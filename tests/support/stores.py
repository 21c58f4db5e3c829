"""Helpers for tests of stores: a factory for each kind of store, sample records, and faults of a store's file."""

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
from sms10692_mock.domain.records import NO_TASK_INDEX, InboundReply, Limits, StatusReport, Task
from sms10692_mock.domain.store import Store
from sms10692_mock.stores import factory
from sms10692_mock.stores.factory import open_store
from sms10692_mock.stores.sqlite import SqliteStore
from sms10692_mock.stores.sqlite.database import DatabaseTimeouts
from sms10692_mock.stores.valkey.store import ValkeyStore
from support.valkey_server import SERVERS_AVAILABLE, ValkeyServer, flush, get_cluster, get_server, get_url

SHORT_TIMEOUTS: Final = DatabaseTimeouts(busy=0.02, retry_after=0.0, check_interval=0.0)
"""Short lock timeouts, no back-off after failures, and a check of the file by every operation."""

StoreFactory: TypeAlias = Callable[[Path, Limits, Clock], Store]
"""Creates an empty store from an empty folder, limits, and the wall clock."""


class AlternatingStore:
    """Two SQLite stores on one file that serve the calls alternately, as two processes would."""

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
        side.settings()  # Reads the file again, as every request does.
        return getattr(side, name)


REMOTE_STORES: Final[Mapping[str, StoreFactory]] = (
    {
        "valkey": lambda folder, limits, clock: _open_on_flushed([get_server()], limits, clock),
        "valkey cluster": lambda folder, limits, clock: _open_on_flushed(get_cluster(), limits, clock),
    }
    if SERVERS_AVAILABLE
    else {}
)
"""Factories of the stores on a server, whose tests take longer."""


def _build_factory(address: str) -> StoreFactory:
    return lambda folder, limits, clock: open_store(address.replace("PATH", str(folder / "store")), limits, clock)


STORES: Final[Mapping[str, StoreFactory]] = {
    **{kind.schemes[0]: _build_factory(kind.address) for kind in factory.STORES if "HOST" not in kind.address},
    "two sqlite stores": lambda folder, limits, clock: cast(Store, AlternatingStore(folder / "store", limits, clock)),
    **REMOTE_STORES,
}
"""Factories by name: a row of the registry of stores each, and combinations."""
EACH_STORE = pytest.mark.parametrize("make", STORES.values(), ids=STORES)


def _open_on_flushed(servers: Sequence[ValkeyServer], limits: Limits, clock: Clock) -> Store:
    for server in servers:
        flush(server)
    return ValkeyStore(get_url(servers[0]), limits, clock)


PREPAID: Final = Account("1", "a", "p", points=20)
POSTPAID: Final = Account("2", "b", "p", postpaid=True)


@contextmanager
def open_test_store(make: StoreFactory, limits: Limits | None = None, real_time: Clock = time.time) -> Iterator[Store]:
    """Create a store in a temporary folder, and close it at the end of the block."""
    with TemporaryDirectory() as folder:
        store = make(Path(folder), limits or Limits(), real_time)
        try:
            yield store
        finally:
            store.close()


def build_report(due: float, mobile: str, task_id: int = 100001, index: int = NO_TASK_INDEX) -> StatusReport:
    """Build the report of a delivered message."""
    return StatusReport(due, mobile, task_id, 10, "DELIVRD", "", index)


def build_reply(due: float, mobile: str, content: str = "T") -> InboundReply:
    """Build a reply from a handset."""
    return InboundReply(due, mobile, 100001, content, "")


def build_task(price: int = 1, *numbers: str, content: str = "x") -> Task:
    """Build a task that sends a text to `numbers`, or to one number if none are passed."""
    return Task(100001, 0.0, 0.0, numbers or ("13000000001",), content, "", "/v2sms.aspx", price, 0)


@contextmanager
def file_locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a SQLite file, as another program in a long transaction would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def disk_full(size: int) -> Iterator[None]:
    """Limit the size of files to `size` bytes, which has the effect of a full disk."""
    import resource  # Windows has no such module.

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def file_missing(path: Path) -> Iterator[None]:
    """Move a SQLite file and its companions away until the end of the block."""
    away = path.with_name("away")
    away.mkdir()
    for file in path.parent.glob(f"{path.name}*"):
        file.rename(away / file.name)
    yield
    for file in away.iterdir():
        file.rename(path.parent / file.name)
