"""The Valkey store while the server is unreachable, hangs, returns, or is out of memory: errors are clear."""

import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from sms10692_mock.domain.records import Query
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.stores.valkey import connection_pool
from sms10692_mock.stores.valkey.store import SCHEMA_VERSION, ValkeyStore
from support import valkey_store
from support.http_client import TIMEOUT, closed_port
from support.valkey_server import (
    ValkeyServer,
    get_url,
    open_client,
    start_server,
    terminating,
    unresponsive_server,
)
from support.valkey_store import ACCOUNT, NEED_SERVERS, REPORT, TASK, eventually, is_available, open_store

pytestmark = [NEED_SERVERS, pytest.mark.slow("Waits for network timeouts.")]

server = valkey_store.server
store = valkey_store.store


class Proxy:
    """A proxy that can cut the connection after a request: the server executes it, but its reply is lost."""

    def __init__(self, server: ValkeyServer) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"valkey://127.0.0.1:{self._listener.getsockname()[1]}/0"
        self.cuts_before_replies = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            upstream = socket.create_connection(("127.0.0.1", self._server.port))
            threading.Thread(target=self._forward, args=(client, upstream, False), daemon=True).start()
            threading.Thread(target=self._forward, args=(upstream, client, True), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, are_replies: bool) -> None:
        with source, target:
            with suppress(OSError):
                while (chunk := source.recv(65536)) and not (are_replies and self.cuts_before_replies):
                    target.sendall(chunk)
            for connection in (source, target):
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()


def test_an_unreachable_server_is_an_error_at_startup() -> None:
    with closed_port() as port, pytest.raises(StoreUnavailable, match=f"127.0.0.1:{port}") as raised:
        ValkeyStore(f"valkey://shop:secret@127.0.0.1:{port}/0")
    assert "secret" not in str(raised.value)


def test_a_server_that_does_not_reply_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(StoreUnavailable):
            ValkeyStore(f"valkey://127.0.0.1:{silent.getsockname()[1]}/0?timeout=0.2")


@pytest.mark.parametrize("url", ["sqlite:x", "valkey://host/0?colour=red", "valkey://host:x/0", "http://127.0.0.1:1"])
def test_an_invalid_address_is_rejected(url: str) -> None:
    with pytest.raises(ValueError, match="Valkey store"):
        ValkeyStore(url)


def test_missing_permissions_on_the_server_are_one_error() -> None:
    with terminating(start_server()) as server:
        open_client(server).execute_command("ACL", "SETUSER", "shop", "on", ">secret", "~*", "+@all", "-info")
        with pytest.raises(StoreUnavailable, match="permissions"):
            ValkeyStore(f"valkey://shop:secret@127.0.0.1:{server.port}/0")


def test_data_of_a_newer_version_is_rejected(server: ValkeyServer) -> None:
    open_client(server).set("sms10692:{all}:form", SCHEMA_VERSION + 1)
    with pytest.raises(StoreUnavailable, match="has version 2; this program supports version 1"):
        ValkeyStore(get_url(server))


def test_an_operation_whose_reply_was_lost_is_not_repeated(server: ValkeyServer, store: ValkeyStore) -> None:
    proxy = Proxy(server)
    far = ValkeyStore(proxy.url)
    assert far.record_send("12", TASK, [REPORT], [], 2.0) == 99
    proxy.cuts_before_replies = True
    with pytest.raises(StoreUnavailable):
        far.record_send("12", TASK, [REPORT], [], 2.0)
    assert eventually(lambda: store.balance("12").messages == 2)
    proxy.cuts_before_replies = False
    assert eventually(lambda: is_available(lambda: far.account("12")))
    assert far.balance("12") == store.balance("12") == (98, 100, 2)
    far.close()
    proxy.close()


def test_a_server_that_comes_back_is_used_again_with_its_data(tmp_path: Path) -> None:
    with terminating(start_server(tmp_path, appendonly="yes", appendfsync="always")) as server:
        port = server.port
        with open_store(server) as store:
            store.create_account(ACCOUNT)
            store.record_send("12", TASK, [REPORT], [], 2.0)
            server.terminate()
            started = time.monotonic()  # no operation waits for the time-out of the store, which is TIMEOUT
            for operation in (
                lambda: store.account("12"),
                lambda: store.record_send("12", TASK, [REPORT], [], 2.0),
                lambda: store.fetch_reports("12", 1, 2.0, 1),
                lambda: store.messages("12", Query(), 2.0),
                lambda: store.requests(None, Query()),
                store.next_task_id,
            ):
                with pytest.raises(StoreUnavailable):
                    operation()
            assert time.monotonic() - started < TIMEOUT / 3
            with terminating(start_server(tmp_path, port, appendonly="yes", appendfsync="always")):
                assert eventually(lambda: is_available(lambda: store.account("12")))
                assert store.account("12") == ACCOUNT
                assert store.balance("12") == (99, 100, 1)
                assert store.fetch_reports("12", 10, 2.0, 1) == [REPORT]


def test_only_the_first_operation_waits_for_a_hanging_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked_again(node: object) -> None:
        raise AssertionError(f"{connection_pool} was used, although the server is known to be unavailable")

    with terminating(start_server()) as server, open_store(server, timeout=1.0) as store:
        store.create_account(ACCOUNT)
        now = time.monotonic()
        with unresponsive_server(server), monkeypatch.context() as patched:
            patched.setattr(connection_pool, "monotonic", lambda: now)
            with pytest.raises(StoreUnavailable):
                store.account("12")
            patched.setattr(connection_pool.NodePool, "_acquire", asked_again)
            with pytest.raises(StoreUnavailable):
                store.account("12")
        assert eventually(lambda: is_available(lambda: store.account("12")))


def test_scripts_unknown_to_the_server_are_loaded_again(server: ValkeyServer, store: ValkeyStore) -> None:
    store.record_send("12", TASK, [REPORT], [], 2.0)
    open_client(server).script_flush()
    assert store.record_send("12", TASK, [REPORT], [], 2.0) == 98


def test_an_operation_is_atomic_when_the_server_is_out_of_memory(server: ValkeyServer, store: ValkeyStore) -> None:
    open_client(server).config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreUnavailable, match="maxmemory"):
            store.record_send("12", TASK, [REPORT], [], 2.0)
    finally:
        open_client(server).config_set("maxmemory", 0)
    assert store.balance("12") == (100, 100, 0)
    assert store.queue_stats("12", "reports", 2.0).created == 0
