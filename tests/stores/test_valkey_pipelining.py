"""`PipelinedRunner` and `Connection` on a real server: results, errors, outages and time-outs of tasks."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import pytest
from libvalkey import pack_command

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.delivery import DeliveryOutcome, DeliveryRule, DeliveryRules
from sms10692_mock.domain.records import RulesTransition, Settings
from sms10692_mock.domain.store import BalanceTooSmall, NoSuchAccount, RulesConflict, StoreUnavailable
from sms10692_mock.stores.valkey import settings_cache
from sms10692_mock.stores.valkey.connection import Batch, Connection, ConnectionPool, Unavailable
from sms10692_mock.stores.valkey.options import parse_options
from sms10692_mock.stores.valkey.runner import PipelinedRunner
from sms10692_mock.stores.valkey.store import ValkeyStore
from support import valkey_store
from support.http_client import TIMEOUT
from support.runners import submit
from support.valkey_server import (
    ValkeyServer,
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
async def running_loop(store: ValkeyStore) -> AsyncIterator[PipelinedRunner]:
    """A runner whose connection is open."""
    with ThreadPoolExecutor(4) as threads:
        runner = store.create_runner(threads)
        try:
            await submit(runner, partial(store.balance, "12"))
            yield runner
        finally:
            runner.close()
            await asyncio.sleep(0)


async def wait_until_available(runner: PipelinedRunner, store: ValkeyStore) -> None:
    async with asyncio.timeout(TIMEOUT):
        while isinstance((await gather_results(runner, partial(store.balance, "12")))[0], StoreUnavailable):
            await asyncio.sleep(0.01)


async def gather_results(runner: PipelinedRunner, *tasks: Callable[[], object]) -> list[object]:
    """Start all callables at once, and return their results or exceptions."""
    return await asyncio.gather(*(submit(runner, task) for task in tasks), return_exceptions=True)


def run_tasks(store: ValkeyStore, *rounds: Sequence[Callable[[], object]]) -> list[object]:
    """Run several rounds of tasks, one after another. Returns all results and exceptions."""

    async def run_all() -> list[object]:
        async with running_loop(store) as runner:
            return [result for tasks in rounds for result in await gather_results(runner, *tasks)]

    return asyncio.run(run_all())


def send(store: ValkeyStore, userid: str = "12") -> int | BalanceTooSmall:
    """Two store calls, as for a send: read the account, then record the task."""
    if store.account(userid) is None:
        raise NoSuchAccount(userid)
    return store.record_send(userid, TASK, [REPORT], [], 2.0)


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of commands in each write."""
    writes: list[int] = []
    flush = Connection._flush

    def count_and_flush(connection: Connection) -> None:
        writes.append(len(connection._unsent))
        flush(connection)

    monkeypatch.setattr(Connection, "_flush", count_and_flush)
    return writes


def test_commands_of_all_tasks_are_pipelined(store: ValkeyStore, writes: list[int]) -> None:
    assert run_tasks(store, [partial(send, store)] * 10) == list(range(99, 89, -1))
    assert writes[-2:] == [10, 10]


def test_a_task_that_finishes_early_does_not_wait_for_others(store: ValkeyStore, writes: list[int]) -> None:
    read, no_call = partial(store.account, "12"), lambda: "no call"
    tasks: list[Callable[[], object]] = [read, partial(send, store), no_call, partial(send, store, "7")]
    assert run_tasks(store, tasks) == [ACCOUNT, 99, "no call", 2]
    assert writes[-2:] == [3, 2]


def test_each_task_gets_its_own_result_or_error(store: ValkeyStore) -> None:
    first, deleted, refused, last = run_tasks(
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
    assert refused == BalanceTooSmall(3)
    assert isinstance(deleted, NoSuchAccount)
    assert store.queue_stats("12", "reports", 2.0).waiting == 2


def test_a_delivery_rule_for_one_message_is_used_once(store: ValkeyStore) -> None:
    once = DeliveryRules((DeliveryRule("150", DeliveryOutcome(20, "UNDELIV"), times=1),))
    store.update_account("12", lambda account: replace(account, delivery_rules=once))

    def send_by_rule() -> int | BalanceTooSmall:
        store.account("12")
        return store.record_send("12", TASK, [REPORT], [], 2.0, RulesTransition(once, DeliveryRules()))

    results = run_tasks(store, [send_by_rule] * 5)
    assert results.count(99) == 1
    assert [result.rules for result in results if isinstance(result, RulesConflict)] == [DeliveryRules()] * 4
    assert store.balance("12").messages == 1


def test_numbers_are_unique_across_concurrent_tasks(store: ValkeyStore) -> None:
    rounds = [[store.next_task_id] * 16 for _ in range(20)]
    assert len(set(run_tasks(store, *rounds))) == 320


def test_settings_changed_by_a_task_apply_to_all_tasks_at_once(store: ValkeyStore) -> None:
    def add_word() -> int:
        return len(
            store.change_settings(lambda settings: replace(settings, words=(*(settings.words or ()), "x"))).words or ()
        )

    def count_words() -> int:
        return len(store.settings().words or ())

    assert sorted(map(str, run_tasks(store, [add_word] * 5))) == ["1", "2", "3", "4", "5"]
    assert run_tasks(store, [count_words] * 5) == [5] * 5


def test_scripts_unknown_to_the_server_are_loaded_again_and_run_once(server: ValkeyServer, store: ValkeyStore) -> None:
    def flush_scripts() -> None:
        open_client(server).script_flush()

    assert sorted(map(str, run_tasks(store, [flush_scripts], [partial(send, store)] * 10)))[:10] == [
        *map(str, range(90, 100))
    ]
    assert store.balance("12") == (90, 100, 10)


def test_all_tasks_fail_during_an_outage_and_work_afterwards(tmp_path: Path) -> None:
    with terminating(start_server(tmp_path, appendonly="yes", appendfsync="always")) as server:
        port = server.port
        store = ValkeyStore(get_url(server))
        store.create_account(ACCOUNT)

        async def restart_server() -> None:
            sending = partial(send, store)
            async with running_loop(store) as runner:
                submitted = [submit(runner, sending) for _ in range(3)]
                server.terminate()
                results = await asyncio.gather(*submitted, submit(runner, sending), return_exceptions=True)
                assert {type(result) for result in results} <= {int, StoreUnavailable}
                assert isinstance(results[-1], StoreUnavailable)
                with terminating(start_server(tmp_path, port, appendonly="yes", appendfsync="always")):
                    await wait_until_available(runner, store)
                    sent = store.balance("12").messages
                    assert sent >= sum(isinstance(result, int) for result in results)
                    assert await gather_results(runner, sending) == [100 - sent - 1]

        asyncio.run(restart_server())
        store.close()


@pytest.mark.slow("Waits for the time-out of a server.")
def test_the_event_loop_stays_responsive_while_the_server_hangs() -> None:
    with terminating(start_server()) as server:
        store = ValkeyStore(f"{get_url(server)}?timeout=2")
        store.create_account(ACCOUNT)

        async def hang() -> None:
            async with running_loop(store) as runner:
                started = previous = time.monotonic()
                longest = 0.0
                with unresponsive_server(server):
                    submitted = [submit(runner, partial(send, store)) for _ in range(3)]
                    # Long enough for the time-out of a connection attempt.
                    while time.monotonic() < started + 4.0 or not all(future.done() for future in submitted):
                        if submitted[-1].done() and time.monotonic() < started + 4.0:
                            submitted.append(submit(runner, partial(send, store)))
                        await asyncio.sleep(0.001)
                        longest, previous = max(longest, time.monotonic() - previous), time.monotonic()
                assert {type(future.exception()) for future in submitted} == {StoreUnavailable}
                assert longest < 1.5
                await wait_until_available(runner, store)
                async with asyncio.timeout(TIMEOUT):
                    while not isinstance((await gather_results(runner, partial(send, store)))[0], int):
                        await asyncio.sleep(0.01)

        asyncio.run(hang())
        store.close()


def test_a_connection_that_the_server_closes_at_once_executes_nothing_and_is_not_opened_again_at_once() -> None:
    async def execute_twice() -> None:
        accepted = 0

        def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal accepted
            accepted += 1
            writer.close()

        async with await asyncio.start_server(close, "127.0.0.1", 0) as listener:
            port: int = listener.sockets[0].getsockname()[1]
            options = parse_options(f"valkey://127.0.0.1:{port}").build_connection_options()
            pool = ConnectionPool(options, asyncio.get_running_loop())
            for _ in range(2):
                replies: asyncio.Future[list[object]] = asyncio.get_running_loop().create_future()
                pool.execute(("127.0.0.1", port), Batch(b"PING\r\nPING\r\n", 2), replies.set_result)
                async with asyncio.timeout(TIMEOUT):
                    assert list(map(type, await replies)) == [Unavailable] * 2
            assert accepted == 1
            pool.close()
            await asyncio.sleep(0)

    asyncio.run(execute_twice())


def test_concurrent_tasks_read_new_settings_after_the_cache_expired(
    server: ValkeyServer, store: ValkeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ValkeyStore(get_url(server))
    other.change_settings(lambda current: replace(current, words=("x",)))
    other.close()
    monkeypatch.setattr(settings_cache, "monotonic", lambda: time.monotonic() + 5)
    assert [settings.words for settings in cast(list[Settings], run_tasks(store, [store.settings] * 4))] == [("x",)] * 4


def test_an_invalid_command_fails_only_its_own_task(store: ValkeyStore) -> None:
    wrong, right = run_tasks(store, [lambda: store.add_points("12", object()), partial(send, store)])  # type: ignore[arg-type]  # the mistake
    assert isinstance(wrong, TypeError)
    assert right == 99


def test_all_threads_share_one_connection(server: ValkeyServer, store: ValkeyStore) -> None:
    with ThreadPoolExecutor(3) as threads:
        assert sorted(threads.map(lambda _: send(store), range(30)), key=str) == list(range(70, 100))
    names = [connection["name"] for connection in open_client(server).client_list()]
    assert names.count("sms10692-mock") == 1


def test_user_password_and_database_are_sent_first(tmp_path: Path) -> None:
    with terminating(start_server(tmp_path)) as server:
        open_client(server).execute_command("ACL", "SETUSER", "shop", "on", ">secret", "~*", "+@all")
        store = ValkeyStore(f"valkey://shop:secret@127.0.0.1:{server.port}/3")
        store.create_account(ACCOUNT)
        users: list[object] = []

        def read_connections() -> int:
            users.extend(
                (connection["user"], connection["db"])
                for connection in open_client(server).client_list()
                if connection["db"] == "3"
            )
            return store.balance("12").points

        assert run_tasks(store, [read_connections]) == [100]
        assert users == [("shop", "3")] * 2
        store.close()


def test_a_user_without_a_password_is_sent_with_an_empty_password() -> None:
    hello = parse_options("valkey://shop@h").build_connection_options().hello
    assert hello.packed.startswith(pack_command(("AUTH", "shop", "")))


def test_a_command_that_is_too_large_does_not_affect_others() -> None:
    with terminating(start_server(proto_max_bulk_len=1024 * 1024)) as server:
        store = ValkeyStore(get_url(server))
        store.create_account(ACCOUNT)
        too_large = TASK._replace(content="x" * 2 * 1024 * 1024)

        async def send_many() -> None:
            async with running_loop(store) as runner:
                submitted = [submit(runner, partial(send, store)) for _ in range(5)]
                refused = submit(runner, lambda: store.record_send("12", too_large, [REPORT], [], 2.0))
                submitted += [submit(runner, partial(send, store)) for _ in range(5)]
                results = await asyncio.gather(refused, *submitted, return_exceptions=True)
                assert isinstance(results[0], StoreUnavailable)
                assert sorted(cast(list[int], results[1:])) == list(range(90, 100))
                # No back-off has started for later commands.
                assert (await gather_results(runner, partial(send, store)))[0] == 89

        asyncio.run(send_many())
        assert store.account("12") == ACCOUNT
        store.close()
