"""`PipelinedRunner` and `PipelinedConnection` on a real server: results, errors, outages and time-outs of tasks."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.delivery import DeliveryOutcome, DeliveryRule, DeliveryRules
from sms10692_mock.domain.records import RulesTransition, Settings
from sms10692_mock.domain.store import NoSuchAccount, RulesConflict, StoreUnavailable
from sms10692_mock.stores.valkey import settings_cache
from sms10692_mock.stores.valkey.pipelined_connection import Endpoint, PipelinedConnection
from sms10692_mock.stores.valkey.pipelined_runner import PipelinedRunner
from sms10692_mock.stores.valkey.script_client import ScriptClient
from sms10692_mock.stores.valkey.store import ValkeyStore
from support import valkey_store
from support.emulators import TIMEOUT
from support.valkey_server import (
    ValkeyServer,
    flush,
    get_cluster,
    get_url,
    open_client,
    start_server,
    terminating,
    unresponsive_server,
)
from support.valkey_store import ACCOUNT, NEED_SERVERS, REPORT, TASK

pytestmark = NEED_SERVERS
server = valkey_store.server

OTHER = Account("7", "shop", "x", points=3)


@pytest.fixture
def store(server: ValkeyServer) -> Iterator[ValkeyStore]:
    """A store with two accounts, on a server that has loaded the scripts."""
    store = ValkeyStore(get_url(server))
    for account in (ACCOUNT, OTHER):
        store.create_account(account)
        store.account(account.userid)
    with pytest.raises(NoSuchAccount):
        store.record_send("nobody", TASK, [REPORT], [], 2.0)
    yield store
    store.close()


@asynccontextmanager
async def on_loop(store: ValkeyStore) -> AsyncIterator[PipelinedRunner]:
    """A runner whose connection is open."""
    with ThreadPoolExecutor(4) as threads:
        pipelined = store.loop_executor(threads)
        assert pipelined is not None
        try:
            await opened(pipelined, store)
            yield pipelined
        finally:
            pipelined.close()
            await asyncio.sleep(0)


async def opened(pipelined: PipelinedRunner, store: ValkeyStore) -> None:
    """Wait until commands use the pipelined connection instead of threads."""
    async with asyncio.timeout(TIMEOUT):
        while not pipelined._connection.is_open:
            await results_of(pipelined, partial(store.balance, "12"))


async def results_of(pipelined: PipelinedRunner, *works: Callable[[], object]) -> list[object]:
    """Start all callables at once, and return their results or exceptions."""
    return await asyncio.gather(*map(pipelined.submit, works), return_exceptions=True)


def outcomes(store: ValkeyStore, *rounds: Sequence[Callable[[], object]]) -> list[object]:
    """Likewise for several rounds, one after another."""

    async def all_of_them() -> list[object]:
        async with on_loop(store) as pipelined:
            return [result for works in rounds for result in await results_of(pipelined, *works)]

    return asyncio.run(all_of_them())


def send(store: ValkeyStore, userid: str = "12") -> int | None:
    """Two store calls, as for a send: read the account, then record the task."""
    if store.account(userid) is None:
        raise NoSuchAccount(userid)
    return store.record_send(userid, TASK, [REPORT], [], 2.0)


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of commands in each write."""
    writes: list[int] = []
    flush = PipelinedConnection._flush

    def counted(line: PipelinedConnection) -> None:
        writes.append(len(line._unsent))
        flush(line)

    monkeypatch.setattr(PipelinedConnection, "_flush", counted)
    return writes


def test_commands_of_all_tasks_are_pipelined(store: ValkeyStore, writes: list[int]) -> None:
    assert outcomes(store, [partial(send, store)] * 10) == list(range(99, 89, -1))
    assert writes[-2:] == [10, 10]


def test_a_task_that_finishes_early_does_not_wait_for_others(store: ValkeyStore, writes: list[int]) -> None:
    looking, asking_nothing = partial(store.account, "12"), lambda: "asked nothing"
    works: list[Callable[[], object]] = [looking, partial(send, store), asking_nothing, partial(send, store, "7")]
    assert outcomes(store, works) == [ACCOUNT, 99, "asked nothing", 2]
    assert writes[-2:] == [3, 2]


def test_each_task_gets_its_own_result_or_error(store: ValkeyStore) -> None:
    first, gone, too_poor, last = outcomes(
        store,
        [
            partial(send, store),
            partial(store.add_points, "nobody", 1),
            lambda: store.record_send("7", TASK._replace(price=4), [REPORT], [], 2.0),
            partial(send, store),
        ],
    )
    # The other two do not read the account first.
    assert {first, last} == {99, 98}
    assert too_poor is None
    assert isinstance(gone, NoSuchAccount)
    assert store.queue_stats("12", "reports", 2.0).waiting == 2


def test_a_delivery_rule_for_one_message_is_used_once(store: ValkeyStore) -> None:
    once = DeliveryRules((DeliveryRule("150", DeliveryOutcome(20, "UNDELIV"), remaining=1),))
    store.update_account("12", lambda account: replace(account, outcomes=once))

    def by_the_rule() -> int | None:
        store.account("12")
        return store.record_send("12", TASK, [REPORT], [], 2.0, RulesTransition(once, DeliveryRules()))

    came = outcomes(store, [by_the_rule] * 5)
    assert came.count(99) == 1
    assert [result.rules for result in came if isinstance(result, RulesConflict)] == [DeliveryRules()] * 4
    assert store.balance("12").messages == 1


def test_numbers_are_unique_across_concurrent_tasks(store: ValkeyStore) -> None:
    rounds = [[store.next_task_id] * 16 for _ in range(20)]
    assert len(set(outcomes(store, *rounds))) == 320


def test_settings_changed_by_a_task_apply_to_all_tasks_at_once(store: ValkeyStore) -> None:
    def more() -> int:
        return len(store.change_settings(lambda terms: replace(terms, words=(*(terms.words or ()), "x"))).words or ())

    def look() -> int:
        return len(store.settings().words or ())

    assert sorted(map(str, outcomes(store, [more] * 5))) == ["1", "2", "3", "4", "5"]
    assert outcomes(store, [look] * 5) == [5] * 5


def test_scripts_unknown_to_the_server_are_loaded_again_and_run_once(server: ValkeyServer, store: ValkeyStore) -> None:
    def forget() -> None:
        open_client(server).script_flush()

    assert sorted(map(str, outcomes(store, [forget], [partial(send, store)] * 10)))[:10] == [*map(str, range(90, 100))]
    assert store.balance("12") == (90, 100, 10)


def test_all_tasks_fail_during_an_outage_and_work_afterwards(tmp_path: Path) -> None:
    with terminating(start_server(tmp_path, appendonly="yes", appendfsync="always")) as server:
        port = server.port
        store = ValkeyStore(get_url(server))
        store.create_account(ACCOUNT)

        async def away_and_back() -> None:
            sending = partial(send, store)
            async with on_loop(store) as pipelined:
                submitted = [pipelined.submit(sending) for _ in range(3)]
                server.terminate()
                came = await asyncio.gather(*submitted, *map(pipelined.submit, [sending]), return_exceptions=True)
                assert {type(result) for result in came} <= {int, StoreUnavailable}
                assert isinstance(came[-1], StoreUnavailable)
                with terminating(start_server(tmp_path, port, appendonly="yes", appendfsync="always")):
                    await opened(pipelined, store)
                    sent = store.balance("12").messages
                    assert sent >= sum(isinstance(result, int) for result in came)
                    assert await results_of(pipelined, sending) == [100 - sent - 1]

        asyncio.run(away_and_back())
        store.close()


def test_the_event_loop_stays_responsive_while_the_server_hangs() -> None:
    with terminating(start_server()) as server:
        store = ValkeyStore(f"{get_url(server)}?timeout=0.5")
        store.create_account(ACCOUNT)

        async def hang() -> None:
            async with on_loop(store) as pipelined:
                begun = before = time.monotonic()
                longest = 0.0
                with unresponsive_server(server):
                    submitted = [pipelined.submit(partial(send, store)) for _ in range(3)]
                    # Long enough for the time-out of a connection attempt.
                    while time.monotonic() < begun + 2.0 or not all(future.done() for future in submitted):
                        if submitted[-1].done() and time.monotonic() < begun + 2.0:
                            submitted.append(pipelined.submit(partial(send, store)))
                        await asyncio.sleep(0.001)
                        longest, before = max(longest, time.monotonic() - before), time.monotonic()
                assert {type(future.exception()) for future in submitted} == {StoreUnavailable}
                assert longest < 0.4
                await opened(pipelined, store)
                async with asyncio.timeout(TIMEOUT):
                    while not isinstance((await results_of(pipelined, partial(send, store)))[0], int):
                        await asyncio.sleep(0.01)

        asyncio.run(hang())
        store.close()


def test_a_connection_that_is_closed_at_once_is_not_open() -> None:
    async def greet() -> None:
        let_in = asyncio.Event()

        def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()
            let_in.set()

        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as listener:
            port: int = listener.sockets[0].getsockname()[1]
            line = PipelinedConnection(Endpoint(("127.0.0.1", port), [("CLIENT", "SETNAME", "x")], 1.0, 1.0))
            told: list[object] = []
            assert not line.send(("PING",), told.append)
            await let_in.wait()
            while line._transport is not None or line._connecting is not None:
                await asyncio.sleep(0.001)
            assert not line.is_open
            assert not line.send(("PING",), told.append)
            assert told == []
            line.close()
            await asyncio.sleep(0)

    asyncio.run(greet())


def test_concurrent_tasks_read_new_settings_after_the_cache_expired(
    server: ValkeyServer, store: ValkeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ValkeyStore(get_url(server))
    other.change_settings(lambda terms: replace(terms, words=("x",)))
    other.close()
    monkeypatch.setattr(settings_cache, "monotonic", lambda: time.monotonic() + 5)
    assert [settings.words for settings in cast(list[Settings], outcomes(store, [store.settings] * 4))] == [("x",)] * 4


def test_an_invalid_command_fails_only_its_own_task(store: ValkeyStore) -> None:
    wrong, right = outcomes(store, [lambda: store.add_points("12", object()), partial(send, store)])  # type: ignore[arg-type]  # the mistake
    assert isinstance(wrong, TypeError)
    assert right == 99


def test_calls_outside_of_tasks_are_not_pipelined(store: ValkeyStore, writes: list[int]) -> None:
    threads = [threading.Thread(target=send, args=(store,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert writes == []
    assert store.balance("12").points == 97


def test_user_password_and_database_are_sent_first(tmp_path: Path) -> None:
    with terminating(start_server(tmp_path)) as server:
        open_client(server).execute_command("ACL", "SETUSER", "shop", "on", ">secret", "~*", "+@all")
        store = ValkeyStore(f"valkey://shop:secret@127.0.0.1:{server.port}/3")
        store.create_account(ACCOUNT)
        names: list[object] = []

        def ask() -> int:
            names.extend(
                (connection["user"], connection["db"])
                for connection in open_client(server).client_list()
                if connection["db"] == "3"
            )
            return store.balance("12").points

        assert outcomes(store, [ask]) == [100]
        assert names == [("shop", "3")] * 2
        store.close()


def test_clusters_and_tls_have_no_pipelined_connection() -> None:
    store = ValkeyStore(get_url(flush(get_cluster()[0])))
    with ThreadPoolExecutor(1) as threads:
        assert store.loop_executor(threads) is None
    store.close()
    assert _single_server_client({"connection_class": object}).direct_endpoint is None


def test_a_user_without_a_password_is_sent_with_an_empty_password() -> None:
    options = {"username": "shop", "client_name": "x", "socket_connect_timeout": 1.0, "socket_timeout": 1.0}
    endpoint = _single_server_client(options).direct_endpoint
    assert endpoint is not None
    assert list(endpoint.hello) == [("AUTH", "shop", ""), ("CLIENT", "SETNAME", "x")]


def _single_server_client(options: dict[str, Any]) -> ScriptClient:
    """A client for one server that has sent no command yet."""
    client_under_test = ScriptClient.__new__(ScriptClient)
    client_under_test.is_cluster, client_under_test._options, client_under_test._seed = (
        False,
        options,
        ("127.0.0.1", 6379),
    )
    return client_under_test


def test_a_command_that_is_too_large_does_not_affect_others() -> None:
    with terminating(start_server(proto_max_bulk_len=1024 * 1024)) as server:
        store = ValkeyStore(get_url(server))
        store.create_account(ACCOUNT)
        too_large = TASK._replace(content="x" * 2 * 1024 * 1024)

        async def send_many() -> None:
            async with on_loop(store) as pipelined:
                submitted = [pipelined.submit(partial(send, store)) for _ in range(5)]
                refused = pipelined.submit(lambda: store.record_send("12", too_large, [REPORT], [], 2.0))
                submitted += [pipelined.submit(partial(send, store)) for _ in range(5)]
                came = await asyncio.gather(refused, *submitted, return_exceptions=True)
                assert isinstance(came[0], StoreUnavailable)
                assert sorted(cast(list[int], came[1:])) == list(range(90, 100))
                # No back-off has started for later commands.
                assert (await results_of(pipelined, partial(send, store)))[0] == 89

        asyncio.run(send_many())
        assert store.account("12") == ACCOUNT
        store.close()
