"""The Valkey store while the server is unreachable, hangs, returns, or is out of memory: errors are clear."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest
import trustme

from sms10692_mock.domain.records import Query
from sms10692_mock.domain.store import BalanceTooSmall, StoreUnavailable
from sms10692_mock.stores.valkey import connection
from sms10692_mock.stores.valkey.connection import Batch, Connection, ConnectionOptions, Unavailable
from sms10692_mock.stores.valkey.runner import CommandExecutor, PipelinedRunner
from sms10692_mock.stores.valkey.store import SCHEMA_VERSION, ValkeyStore
from support import valkey_store
from support.http_client import TIMEOUT, closed_port
from support.runners import submit
from support.valkey_server import (
    ValkeyServer,
    get_url,
    open_client,
    start_cluster,
    start_node,
    start_server,
    terminating,
    unresponsive_server,
)
from support.valkey_store import ACCOUNT, NEED_SERVERS, REPORT, TASK, eventually, is_available, open_store

pytestmark = [NEED_SERVERS, pytest.mark.slow("Waits for network timeouts.")]

server = valkey_store.server
store = valkey_store.store


class Proxy:
    """A proxy that can cut the connection after a request: the server executes it, but its reply is lost.

    `tls`: clients connect with TLS.
    """

    def __init__(self, server: ValkeyServer, tls: ssl.SSLContext | None = None) -> None:
        self.cuts_before_replies = False
        self._server = server
        self._tls = tls
        self._url: Future[str] = Future()
        self._thread = threading.Thread(target=asyncio.run, args=(self._listen(),))
        self._thread.start()
        self.url = self._url.result(TIMEOUT)

    async def _listen(self) -> None:
        self._loop, self._closed = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls) as listener:
            scheme = "valkeys" if self._tls else "valkey"
            self._url.set_result(f"{scheme}://127.0.0.1:{listener.sockets[0].getsockname()[1]}/0")
            await self._closed.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        replies, requests = await asyncio.open_connection("127.0.0.1", self._server.port)
        await asyncio.gather(self._forward(reader, requests, False), self._forward(replies, writer, True))

    async def _forward(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, are_replies: bool) -> None:
        try:
            with suppress(OSError):
                while (chunk := await source.read(65536)) and not (are_replies and self.cuts_before_replies):
                    target.write(chunk)
        finally:
            target.close()

    def close(self) -> None:
        """Stop. All clients must have closed their connections."""
        self._loop.call_soon_threadsafe(self._closed.set)
        self._thread.join()


CALL_ON_THREAD_AND_IN_TASK = pytest.mark.parametrize("in_task", [False, True], ids=["on a thread", "in a task"])
Result = TypeVar("Result")


def call(in_task: bool, store: ValkeyStore, operation: Callable[[], Result]) -> Result:
    """Call an operation of the store, on this thread or in a task of a runner."""
    if not in_task:
        return operation()

    async def run_task() -> Result:
        with ThreadPoolExecutor(1) as threads:
            runner = store.create_runner(threads)
            try:
                return await submit(runner, operation)
            finally:
                runner.close()
                await asyncio.sleep(0)

    return asyncio.run(run_task())


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


@pytest.mark.parametrize("difference", [-1, 1])
def test_data_of_another_version_is_rejected(server: ValkeyServer, difference: int) -> None:
    open_client(server).set("sms10692:{all}:form", SCHEMA_VERSION + difference)
    with pytest.raises(StoreUnavailable) as raised:
        ValkeyStore(get_url(server))
    assert str(raised.value) == (
        f"the data on the server has version {SCHEMA_VERSION + difference}, and this program supports "
        f"{SCHEMA_VERSION}: use another database number, or FLUSHDB"
    )


@CALL_ON_THREAD_AND_IN_TASK
def test_an_operation_whose_reply_was_lost_is_not_repeated(
    server: ValkeyServer, store: ValkeyStore, in_task: bool
) -> None:
    proxy = Proxy(server)
    far = ValkeyStore(proxy.url)

    def send() -> int | BalanceTooSmall:
        return far.record_send("12", TASK, [REPORT], [], 2.0)

    def send_without_reply() -> int | BalanceTooSmall:
        far.account("12")  # the connection is open
        proxy.cuts_before_replies = True
        return send()

    assert call(in_task, far, send) == 99
    with pytest.raises(StoreUnavailable, match="closed the connection"):
        call(in_task, far, send_without_reply)
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


@pytest.mark.parametrize("killed", [0, 2], ids=["the node of the address", "another node"])
def test_a_killed_cluster_node_that_returns_is_used_again_without_help(tmp_path: Path, killed: int) -> None:
    userids = [str(number) for number in range(30)]
    with ExitStack() as stack:
        nodes = [stack.enter_context(terminating(node)) for node in start_cluster(tmp_path)]
        store = stack.enter_context(open_store(nodes[0]))
        for userid in userids:
            store.create_account(replace(ACCOUNT, userid=userid))

        def send(userid: str) -> bool:
            return is_available(partial(store.record_send, userid, TASK, [REPORT], [], 2.0))

        async def send_in_tasks(runner: PipelinedRunner) -> list[bool]:
            return await asyncio.gather(*(submit(runner, partial(send, userid)) for userid in userids))

        async def kill_node() -> None:
            with ThreadPoolExecutor(1) as threads:
                runner = store.create_runner(threads)
                assert all(await send_in_tasks(runner))
                nodes[killed].terminate()
                sent = await send_in_tasks(runner)
                assert 5 < sum(sent) < 25, "the accounts on other nodes are served"
                assert [send(userid) for userid in userids] == sent, "threads find the same nodes"
                stack.enter_context(terminating(start_node(tmp_path / str(killed), nodes[killed])))
                assert eventually(lambda: all(is_available(partial(store.balance, userid)) for userid in userids))
                expected = [3 if is_sent else 1 for is_sent in sent]
                assert [store.balance(userid).messages for userid in userids] == expected, "nothing was sent twice"
                assert all(await send_in_tasks(runner))
                runner.close()
                await asyncio.sleep(0)

        asyncio.run(kill_node())


@CALL_ON_THREAD_AND_IN_TASK
def test_a_server_with_tls_is_used_if_its_certificate_is_trusted(
    server: ValkeyServer, store: ValkeyStore, tmp_path: Path, in_task: bool
) -> None:
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    proxy = Proxy(server, tls)
    with pytest.raises(StoreUnavailable, match="certificate verify failed"):
        ValkeyStore(proxy.url)
    ValkeyStore(f"{proxy.url}?ssl_cert_reqs=none").close()
    far = ValkeyStore(f"{proxy.url}?ssl_ca_certs={trusted}&ssl_check_hostname=true")
    assert call(in_task, far, lambda: far.record_send("12", TASK, [REPORT], [], 2.0)) == 99
    far.close()
    assert store.balance("12").messages == 1
    proxy.close()


def test_only_the_first_operation_waits_for_a_hanging_server(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_to_connect(*_: object) -> Connection:
        raise AssertionError("a connection is opened, although the server is known to be unavailable")

    with terminating(start_server()) as server, open_store(server, timeout=1.0) as store:
        store.create_account(ACCOUNT)
        with unresponsive_server(server), monkeypatch.context() as patched:
            patched.setattr(connection, "RETRY_AFTER", TIMEOUT)
            with pytest.raises(StoreUnavailable, match="no reply in time"):
                store.account("12")
            patched.setattr(connection, "Connection", refuse_to_connect)
            with pytest.raises(StoreUnavailable, match="no reply in time"):
                store.account("12")


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


def test_closing_the_store_fails_large_commands_without_a_reply() -> None:
    options = ConnectionOptions(hello=Batch(b"PING\r\n", 1), timeout=TIMEOUT, tls=None)
    replies: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as silent_server:
        address = silent_server.getsockname()[:2]
        executor = CommandExecutor(options)
        too_large_to_share = Batch(bytes(600 * 1024), 1)
        caller = threading.Thread(
            target=lambda: replies.extend(executor.execute(address, too_large_to_share)), daemon=True
        )
        caller.start()
        connection, _ = silent_server.accept()
        with connection:
            executor.close()
            caller.join(5.0)
    assert [type(reply) for reply in replies] == [Unavailable]
