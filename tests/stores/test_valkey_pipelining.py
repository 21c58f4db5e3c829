"""Requests that one thread answers while they wait for a server: `stores.valkey.pieces` and `line`, on a real server.

Here belongs that each gets its own answer, whatever becomes of the others and of the connection, and that nobody is
held up. What becomes of one alone is in `test_valkey_network`.
"""

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
from support.valkey_server import (
    ValkeyServer,
    client,
    ended,
    flushed,
    start_server,
    the_cluster,
    unresponsive_server,
    url_of,
)
from support.valkey_store import ACCOUNT, NEED_SERVERS, REPORT, SOON, TASK

pytestmark = NEED_SERVERS
server = valkey_store.server

OTHER = Account("7", "shop", "x", points=3)


@pytest.fixture
def store(server: ValkeyServer) -> Iterator[ValkeyStore]:
    """A store with two customers, on a server that knows the scripts."""
    store = ValkeyStore(url_of(server))
    for account in (ACCOUNT, OTHER):
        store.create_account(account)
        store.account(account.userid)
    with pytest.raises(NoSuchAccount):
        store.record_send("nobody", TASK, [REPORT], [], 2.0)
    yield store
    store.close()


@asynccontextmanager
async def on_loop(store: ValkeyStore) -> AsyncIterator[PipelinedRunner]:
    """What does work for the store here, on a line that is open."""
    with ThreadPoolExecutor(4) as threads:
        pieces = store.loop_executor(threads)
        assert pieces is not None
        try:
            await opened(pieces, store)
            yield pieces
        finally:
            pieces.close()
            await asyncio.sleep(0)


async def opened(pieces: PipelinedRunner, store: ValkeyStore) -> None:
    """Wait until questions go over the line, and no more through threads."""
    async with asyncio.timeout(SOON):
        while not pieces._connection.is_open:
            await came_of(pieces, partial(store.balance, "12"))


async def came_of(pieces: PipelinedRunner, *works: Callable[[], object]) -> list[object]:
    """What each piece of work returned or raised, all begun at once."""
    return await asyncio.gather(*map(pieces.submit, works), return_exceptions=True)


def outcomes(store: ValkeyStore, *rounds: Sequence[Callable[[], object]]) -> list[object]:
    """The same of all rounds, one after another."""

    async def all_of_them() -> list[object]:
        async with on_loop(store) as pieces:
            return [one for works in rounds for one in await came_of(pieces, *works)]

    return asyncio.run(all_of_them())


def send(store: ValkeyStore, userid: str = "12") -> int | None:
    """Ask twice, as the vendor does: for the account, and then to take the task."""
    if store.account(userid) is None:
        raise NoSuchAccount(userid)
    return store.record_send(userid, TASK, [REPORT], [], 2.0)


@pytest.fixture
def travels(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes went over the line each time."""
    travels: list[int] = []
    travel = PipelinedConnection._flush

    def counted(line: PipelinedConnection) -> None:
        travels.append(len(line._unsent))
        travel(line)

    monkeypatch.setattr(PipelinedConnection, "_flush", counted)
    return travels


def test_the_questions_of_all_go_to_the_server_together(store: ValkeyStore, travels: list[int]) -> None:
    assert outcomes(store, [partial(send, store)] * 10) == list(range(99, 89, -1))
    assert travels[-2:] == [10, 10]


def test_one_that_is_done_sooner_waits_for_nobody(store: ValkeyStore, travels: list[int]) -> None:
    looking, asking_nothing = partial(store.account, "12"), lambda: "asked nothing"
    works: list[Callable[[], object]] = [looking, partial(send, store), asking_nothing, partial(send, store, "7")]
    assert outcomes(store, works) == [ACCOUNT, 99, "asked nothing", 2]
    assert travels[-2:] == [3, 2]


def test_each_has_its_own_answer_and_its_own_error(store: ValkeyStore) -> None:
    first, gone, too_poor, last = outcomes(
        store,
        [
            partial(send, store),
            partial(store.add_points, "nobody", 1),
            lambda: store.record_send("7", TASK._replace(price=4), [REPORT], [], 2.0),
            partial(send, store),
        ],
    )
    # The other two have not asked for the account first.
    assert {first, last} == {99, 98}
    assert too_poor is None
    assert isinstance(gone, NoSuchAccount)
    assert store.queue_stats("12", "reports", 2.0).waiting == 2


def test_a_rule_that_holds_for_one_message_is_used_by_one(store: ValkeyStore) -> None:
    once = DeliveryRules((DeliveryRule("150", DeliveryOutcome(20, "UNDELIV"), remaining=1),))
    store.update_account("12", lambda account: replace(account, outcomes=once))

    def by_the_rule() -> int | None:
        store.account("12")
        return store.record_send("12", TASK, [REPORT], [], 2.0, RulesTransition(once, DeliveryRules()))

    came = outcomes(store, [by_the_rule] * 5)
    assert came.count(99) == 1
    assert [one.rules for one in came if isinstance(one, RulesConflict)] == [DeliveryRules()] * 4
    assert store.balance("12").messages == 1


def test_numbers_are_given_once_to_pieces_that_ask_at_the_same_time(store: ValkeyStore) -> None:
    rounds = [[store.next_task_id] * 16 for _ in range(20)]
    assert len(set(outcomes(store, *rounds))) == 320


def test_settings_that_a_piece_changes_hold_for_all_at_once(store: ValkeyStore) -> None:
    def more() -> int:
        return len(store.change_settings(lambda terms: replace(terms, words=(*(terms.words or ()), "x"))).words or ())

    def look() -> int:
        return len(store.settings().words or ())

    assert sorted(map(str, outcomes(store, [more] * 5))) == ["1", "2", "3", "4", "5"]
    assert outcomes(store, [look] * 5) == [5] * 5


def test_scripts_that_the_server_forgot_are_told_it_again_and_each_is_done_once(
    server: ValkeyServer, store: ValkeyStore
) -> None:
    def forget() -> None:
        client(server).script_flush()

    assert sorted(map(str, outcomes(store, [forget], [partial(send, store)] * 10)))[:10] == [*map(str, range(90, 100))]
    assert store.balance("12") == (90, 100, 10)


def test_a_server_that_goes_away_is_away_for_all_and_used_again_when_it_is_back(tmp_path: Path) -> None:
    with ended(start_server(tmp_path, appendonly="yes", appendfsync="always")) as server:
        port = server.port
        store = ValkeyStore(url_of(server))
        store.create_account(ACCOUNT)

        async def away_and_back() -> None:
            sending = partial(send, store)
            async with on_loop(store) as pieces:
                asked = [pieces.submit(sending) for _ in range(3)]
                server.terminate()
                came = await asyncio.gather(*asked, *map(pieces.submit, [sending]), return_exceptions=True)
                assert {type(one) for one in came} <= {int, StoreUnavailable}
                assert isinstance(came[-1], StoreUnavailable)
                with ended(start_server(tmp_path, port, appendonly="yes", appendfsync="always")):
                    await opened(pieces, store)
                    sent = store.balance("12").messages
                    assert sent >= sum(isinstance(one, int) for one in came)
                    assert await came_of(pieces, sending) == [100 - sent - 1]

        asyncio.run(away_and_back())
        store.close()


def test_while_a_server_hangs_the_loop_does_not_and_all_who_ask_are_told() -> None:
    with ended(start_server()) as server:
        store = ValkeyStore(f"{url_of(server)}?timeout=0.5")
        store.create_account(ACCOUNT)

        async def hang() -> None:
            async with on_loop(store) as pieces:
                begun = before = time.monotonic()
                longest = 0.0
                with unresponsive_server(server):
                    asked = [pieces.submit(partial(send, store)) for _ in range(3)]
                    # Long enough for connections that nobody answers, neither.
                    while time.monotonic() < begun + 2.0 or not all(one.done() for one in asked):
                        if asked[-1].done() and time.monotonic() < begun + 2.0:
                            asked.append(pieces.submit(partial(send, store)))
                        await asyncio.sleep(0.001)
                        longest, before = max(longest, time.monotonic() - before), time.monotonic()
                assert {type(one.exception()) for one in asked} == {StoreUnavailable}
                assert longest < 0.4
                await opened(pieces, store)
                async with asyncio.timeout(SOON):
                    while not isinstance((await came_of(pieces, partial(send, store)))[0], int):
                        await asyncio.sleep(0.01)

        asyncio.run(hang())
        store.close()


def test_a_line_on_which_somebody_hangs_up_at_once_is_not_open() -> None:
    async def greet() -> None:
        let_in = asyncio.Event()

        def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()
            let_in.set()

        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as somebody:
            port: int = somebody.sockets[0].getsockname()[1]
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


def test_after_a_quiet_time_all_who_ask_at_once_know_what_another_process_has_set(
    server: ValkeyServer, store: ValkeyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = ValkeyStore(url_of(server))
    other.change_settings(lambda terms: replace(terms, words=("x",)))
    other.close()
    monkeypatch.setattr(settings_cache, "monotonic", lambda: time.monotonic() + 5)
    assert [one.words for one in cast(list[Settings], outcomes(store, [store.settings] * 4))] == [("x",)] * 4


def test_a_question_that_cannot_be_asked_is_an_error_to_who_asked_it_alone(store: ValkeyStore) -> None:
    wrong, right = outcomes(store, [lambda: store.add_points("12", object()), partial(send, store)])  # type: ignore[arg-type]  # the mistake
    assert isinstance(wrong, TypeError)
    assert right == 99


def test_outside_of_pieces_a_question_goes_alone(store: ValkeyStore, travels: list[int]) -> None:
    threads = [threading.Thread(target=send, args=(store,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert travels == []
    assert store.balance("12").points == 97


def test_a_user_a_password_and_a_database_are_said_first(tmp_path: Path) -> None:
    with ended(start_server(tmp_path)) as server:
        client(server).execute_command("ACL", "SETUSER", "shop", "on", ">secret", "~*", "+@all")
        store = ValkeyStore(f"valkey://shop:secret@127.0.0.1:{server.port}/3")
        store.create_account(ACCOUNT)
        names: list[object] = []

        def ask() -> int:
            names.extend((one["user"], one["db"]) for one in client(server).client_list() if one["db"] == "3")
            return store.balance("12").points

        assert outcomes(store, [ask]) == [100]
        assert names == [("shop", "3")] * 2
        store.close()


def test_on_a_cluster_and_over_tls_work_is_done_on_threads() -> None:
    store = ValkeyStore(url_of(flushed(the_cluster()[0])))
    with ThreadPoolExecutor(1) as threads:
        assert store.loop_executor(threads) is None
    store.close()
    assert _only({"connection_class": object}).direct_endpoint is None


def test_who_has_a_name_and_no_password_says_so() -> None:
    options = {"username": "shop", "client_name": "x", "socket_connect_timeout": 1.0, "socket_timeout": 1.0}
    far = _only(options).direct_endpoint
    assert far is not None
    assert list(far.hello) == [("AUTH", "shop", ""), ("CLIENT", "SETNAME", "x")]


def _only(options: dict[str, Any]) -> ScriptClient:
    """One server that was never asked anything."""
    nodes = ScriptClient.__new__(ScriptClient)
    nodes.is_cluster, nodes._options, nodes._seed = False, options, ("127.0.0.1", 6379)
    return nodes


def test_a_request_that_the_server_refuses_as_too_large_takes_no_other_with_it() -> None:
    with ended(start_server(proto_max_bulk_len=1024 * 1024)) as server:
        store = ValkeyStore(url_of(server))
        store.create_account(ACCOUNT)
        too_large = TASK._replace(content="x" * 2 * 1024 * 1024)

        async def send_many() -> None:
            async with on_loop(store) as pieces:
                asked = [pieces.submit(partial(send, store)) for _ in range(5)]
                refused = pieces.submit(lambda: store.record_send("12", too_large, [REPORT], [], 2.0))
                asked += [pieces.submit(partial(send, store)) for _ in range(5)]
                came = await asyncio.gather(refused, *asked, return_exceptions=True)
                assert isinstance(came[0], StoreUnavailable)
                assert sorted(cast(list[int], came[1:])) == list(range(90, 100))
                # Nor is the server taken to be away for those who come next.
                assert (await came_of(pieces, partial(send, store)))[0] == 89

        asyncio.run(send_many())
        assert store.account("12") == ACCOUNT
        store.close()
