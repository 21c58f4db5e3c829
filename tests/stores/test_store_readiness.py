"""`Store.check_ready`: whether a store can be read and written now."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.stores import readiness
from sms10692_mock.stores.readiness import Readiness
from sms10692_mock.stores.sqlite import SqliteStore
from sms10692_mock.stores.valkey.store import ValkeyStore
from support import valkey_store
from support.http_client import closed_port
from support.stores import (
    EACH_STORE,
    SHORT_TIMEOUTS,
    StoreFactory,
    disk_full,
    file_locked,
    file_missing,
    open_test_store,
)
from support.valkey_server import ValkeyServer, get_url, open_client, start_server, terminating
from support.valkey_store import NEED_SERVERS, eventually, is_available, open_store

server = valkey_store.server


@pytest.fixture(autouse=True)
def uncached_readiness(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cached readiness results."""
    monkeypatch.setattr(readiness, "_CACHE_SECONDS", 0.0)


@EACH_STORE
def test_a_store_that_works_is_ready(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.check_ready()


@pytest.mark.parametrize(
    ("away", "why"),
    [
        (file_locked, "is locked by another program"),
        (file_missing, "is gone"),
        (lambda path: disk_full(path.with_name("store-wal").stat().st_size), "the disk is full"),
    ],
    ids=["locked", "gone", "full"],
)
def test_a_file_is_not_ready_while_it_cannot_be_written(
    tmp_path: Path, away: Callable[[Path], object], why: str
) -> None:
    path = tmp_path / "store"
    store = SqliteStore(path, timeouts=SHORT_TIMEOUTS)
    store.settle()
    with away(path):  # type: ignore[attr-defined]
        with pytest.raises(StoreUnavailable, match=why):
            store.check_ready()
    store.check_ready()
    store.close()


@NEED_SERVERS
def test_a_server_is_not_ready_during_an_outage(tmp_path: Path) -> None:
    with terminating(start_server(tmp_path, appendonly="yes")) as server, open_store(server) as store:
        port = server.port
        server.terminate()
        with pytest.raises(StoreUnavailable, match=f"127.0.0.1:{port}"):
            store.check_ready()
        with terminating(start_server(tmp_path, port, appendonly="yes")):
            assert eventually(lambda: is_available(store.check_ready))


@NEED_SERVERS
def test_a_server_without_memory_is_not_ready(server: ValkeyServer) -> None:
    with open_store(server) as store:
        open_client(server).config_set("maxmemory", 1)
        try:
            with pytest.raises(StoreUnavailable, match="maxmemory"):
                store.check_ready()
        finally:
            open_client(server).config_set("maxmemory", 0)
        store.check_ready()


@NEED_SERVERS
def test_a_replica_is_not_ready(server: ValkeyServer) -> None:
    with terminating(start_server()) as other, open_store(other) as store, closed_port() as port:
        open_client(other).execute_command("REPLICAOF", "127.0.0.1", port)
        with pytest.raises(StoreUnavailable):
            store.check_ready()


@NEED_SERVERS
def test_a_cluster_is_not_ready_while_one_of_its_nodes_cannot_be_written(
    cluster: tuple[ValkeyServer, ...],
) -> None:
    store = ValkeyStore(get_url(cluster[0]))
    open_client(cluster[2]).config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreUnavailable, match=f":{cluster[2].port}: .*maxmemory"):
            store.check_ready()
    finally:
        open_client(cluster[2]).config_set("maxmemory", 0)
    store.check_ready()
    store.close()


cluster = valkey_store.cluster


def test_a_readiness_result_is_reused_for_half_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    now, probes = 0.0, 0

    def probe() -> None:
        nonlocal probes
        probes += 1
        if probes == 2:
            raise StoreUnavailable("away")

    ready = Readiness(probe, lambda: now)
    ready.check()
    now = 0.49
    ready.check()
    assert probes == 1
    now = 0.5
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="away"):
            ready.check()
    assert probes == 2
    now = 1.0
    ready.check()
