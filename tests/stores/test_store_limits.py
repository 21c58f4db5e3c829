"""Limits of the history in every store: the oldest entries are dropped first, waiting items never."""

import sys
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.records import Limits, LoggedRequest, Query
from sms10692_mock.stores.memory.store import MemoryStore
from sms10692_mock.stores.retention import History, Plan, Usage, plan, total_limits
from support.stores import (
    EACH_STORE,
    POSTPAID,
    PREPAID,
    STORES,
    StoreFactory,
    build_reply,
    build_report,
    build_task,
    open_test_store,
)

ALL = Query(limit=10**6)


@EACH_STORE
def test_waiting_items_are_never_dropped(make: StoreFactory) -> None:
    with open_test_store(make, Limits(messages=3, message_bytes=10, handed_out=3)) as store:
        store.create_account(POSTPAID)
        for place in range(100):
            store.record_send("2", build_task(1), [build_report(float(place % 2), str(place), place=0)], [], 0.0)
        assert store.queue_stats("2", "reports", 0.0) == (100, 50, 50, 0, 0)
        taken = store.fetch_reports("2", 1000, 1.0, 1)
        assert sorted(int(report.mobile) for report in taken) == list(range(100))


@EACH_STORE
def test_the_last_fetched_items_can_be_listed_and_requeued(make: StoreFactory) -> None:
    with open_test_store(make, Limits(messages=10, handed_out=10)) as store:
        store.create_account(POSTPAID)
        for place in range(100):
            store.record_send("2", build_task(1), [build_report(0.0, str(place), place=0)], [], 0.0)
            assert len(store.fetch_reports("2", 1, float(place), place)) == 1
            ledger = store.queue_stats("2", "reports", float(place))
            assert ledger[:4] == (place + 1, 0, 0, place + 1)
            assert max(0, place - 20) <= ledger.forgotten <= max(0, place + 1 - 10)
        listed = store.reports("2", ALL, 100.0)
        assert listed.dropped == ledger.forgotten
        assert [queued.number for queued in listed.items] == list(range(listed.dropped + 1, 101))
        assert [queued.delivery_state.request for queued in listed.items] == list(range(listed.dropped, 100))
        assert store.requeue("2", "reports", None, None) == 100 - ledger.forgotten
        assert [report.mobile for report in store.fetch_reports("2", 100, 100.0, 100)] == list(
            map(str, range(ledger.forgotten, 100))
        )


@EACH_STORE
def test_the_last_messages_are_kept(make: StoreFactory) -> None:
    with open_test_store(make, Limits(messages=10)) as store:
        store.create_account(POSTPAID)
        for place in range(50):
            store.record_send("2", build_task(1, "1", "2"), [build_report(9.0, str(place), place=1)], [], 0.0)
        listed = store.messages("2", ALL, 0.0)
        assert (len(listed.items), listed.dropped) == (10, 90)
        assert [message.number for message in listed.items] == list(range(91, 101))
        assert [message.delivery_state.state for message in listed.items] == ["never", "later"] * 5
        assert store.balance("2").messages == 100
        assert [message.number for message in store.messages("2", Query(after=94, limit=2), 0.0).items] == [95, 96]


@EACH_STORE
def test_a_send_larger_than_the_limit_is_kept_complete(make: StoreFactory) -> None:
    with open_test_store(make, Limits(messages=10)) as store:
        store.create_account(POSTPAID)
        store.record_send("2", build_task(1, *map(str, range(25))), [], [], 0.0)
        assert len(store.messages("2", ALL, 0.0).items) == 25
        store.record_send("2", build_task(1, "x"), [], [], 0.0)
        assert [message.mobile for message in store.messages("2", ALL, 0.0).items] == ["x"]


@EACH_STORE
def test_the_byte_limit_counts_texts(make: StoreFactory) -> None:
    with open_test_store(make, Limits(message_bytes=130)) as store:
        store.create_account(POSTPAID)
        for _ in range(30):
            store.record_send("2", build_task(1, content="x" * 30), [], [], 0.0)
        assert len(store.messages("2", ALL, 0.0).items) == 3


@EACH_STORE
def test_the_byte_limit_counts_phone_numbers(make: StoreFactory) -> None:
    with open_test_store(make, Limits(message_bytes=2_500)) as store:
        store.create_account(POSTPAID)
        for _ in range(5):
            store.record_send("2", build_task(1, "1" * 1000), [], [], 0.0)
        assert len(store.messages("2", ALL, 0.0).items) == 2


@EACH_STORE
def test_the_byte_limit_counts_utf8_bytes(make: StoreFactory) -> None:
    with open_test_store(make, Limits(message_bytes=2_500)) as store:
        store.create_account(POSTPAID)
        for _ in range(5):
            store.record_send("2", build_task(1, content="😀" * 250), [], [], 0.0)
        assert len(store.messages("2", ALL, 0.0).items) == 2


@EACH_STORE
def test_fetched_items_are_limited_by_bytes(make: StoreFactory) -> None:
    with open_test_store(make, Limits(handed_out_bytes=10_000)) as store:
        store.create_account(POSTPAID)
        for place in range(50):
            store.enqueue("2", [], [build_reply(0.0, str(place), "好" * 333)], 0.0)
            assert len(store.fetch_replies("2", 0.0, place)) == 1
            ledger = store.queue_stats("2", "replies", 0.0)
            assert max(0, place - 20) <= ledger.forgotten <= max(0, place + 1 - 8)
        for _ in range(2):
            rewound = store.requeue("2", "replies", None, None)
            assert rewound == 50 - ledger.forgotten
            assert store.queue_stats("2", "replies", 0.0).waiting == rewound
            assert [reply.mobile for reply in store.fetch_replies("2", 0.0, 1)] == list(
                map(str, range(ledger.forgotten, 50))
            )
            ledger = store.queue_stats("2", "replies", 0.0)
        store.enqueue("2", [], [build_reply(0.0, "last", "x" * 30_000)], 0.0)
        store.fetch_replies("2", 0.0, 1)
        assert [queued.item.mobile for queued in store.replies("2", ALL, 0.0).items] == ["last"]


def test_the_memory_store_frees_dropped_tasks() -> None:
    """For few large tasks as well as for many small ones."""

    class Numbers(list[str]):
        """A list that supports weak references."""

    store = MemoryStore(Limits(messages=10, message_bytes=1_000, handed_out=10))
    store.create_account(POSTPAID)
    watched: list[weakref.ref[Numbers]] = []
    for _ in range(1000):
        numbers = Numbers(str(13000000000 + place) for place in range(50))
        watched.append(weakref.ref(numbers))
        store.record_send("2", build_task(1, content="x" * 1000)._replace(numbers=numbers), [], [], 0.0)
    del numbers
    assert sum(reference() is not None for reference in watched) == 1


@EACH_STORE
def test_a_message_keeps_its_delivery_state(make: StoreFactory) -> None:
    """It is still known that a report was fetched when it can no longer be requeued."""
    with open_test_store(make, Limits(handed_out=2)) as store:
        store.create_account(POSTPAID)
        for place in range(20):
            store.record_send("2", build_task(1), [build_report(0.0, str(place), place=0)], [], 0.0)
            store.fetch_reports("2", 1, 0.0, 1)
        sent = store.messages("2", ALL, 0.0).items
        assert [message.report and message.report.mobile for message in sent] == list(map(str, range(20)))
        assert {message.delivery_state.state for message in sent} == {"handed out"}


# All accounts together

TEMPORARY = Account("3", "c", "p", throwaway=True)


def test_the_plan_evicts_idle_accounts_and_cuts_the_largest_histories() -> None:
    """Least recently used first, idle accounts only; the histories of the others are cut to one length."""
    limits = Limits(messages=10, accounts=2)

    def found(*accounts: tuple[str, bool, float, int], limits: Limits = limits) -> tuple[list[str], Sequence[str], int]:
        todo = plan([Usage(userid, idle, used, History(messages)) for userid, idle, used, messages in accounts], limits)
        return [account.userid for account in todo.close], todo.shrink, todo.kept.messages

    assert found(("a", True, 3, 0), ("b", True, 1, 0), ("c", True, 2, 0), ("d", False, 0, 0)) == (["b"], [], 10)
    assert found(("a", False, 0, 0), ("b", False, 0, 0), ("c", False, 0, 0), ("new", True, 9, 0))[0] == []
    old_and_new = (("empty", True, 1, 0), ("old", True, 2, 3), ("new", True, 99, 8))
    assert found(*old_and_new, limits=limits._replace(accounts=9)) == (["old"], [], 10)
    assert found(("a", True, 98, 3), ("b", True, 99, 8)) == ([], ["b"], 7)
    assert found(("own", False, 0, 9), ("other", False, 0, 7)) == ([], ["own", "other"], 5)
    assert found(("large", False, 0, 90), ("small", False, 0, 3)) == ([], ["large"], 7)
    assert plan([], limits) == ([], [], total_limits(limits))


@EACH_STORE
def test_the_least_recently_used_idle_accounts_are_evicted(make: StoreFactory) -> None:
    now = [0.0]
    with open_test_store(make, Limits(accounts=2), lambda: now[0]) as store:
        store.create_account(POSTPAID)
        for place in range(8):
            now[0] += 1
            store.create_account(replace(TEMPORARY, userid=f"t{place}"))
            if place in (1, 2):
                store.enqueue(f"t{place}", [build_report(float(place - 1), "1")], [build_reply(9.0, "1")], 0.0)
            now[0] += 1
            store.account("t3")  # keeps this account recently used
        assert store.userids() == ["2", "t1", "t2", "t3", "t7"]
        assert store.evicted() == 4
        assert (store.queue_stats("t1", "reports", 5.0).waiting, store.queue_stats("t2", "replies", 5.0).later) == (
            1,
            1,
        )
        for place in (1, 2):
            store.fetch_reports(f"t{place}", 9, 9.0, 1)
            store.fetch_replies(f"t{place}", 9.0, 1)
        now[0] += 1
        store.account("t2")
        store.create_account(replace(TEMPORARY, userid="t9"))
        assert store.userids() == ["2", "t2", "t9"]
        assert store.enforce_limits() == 0


@EACH_STORE
def test_the_history_of_all_accounts_together_is_bounded(make: StoreFactory) -> None:
    """Temporary accounts are evicted before histories are cut; the last entry of each history stays."""
    now = [0.0]
    with open_test_store(make, Limits(messages=10, handed_out=5), lambda: now[0]) as store:
        store.create_account(PREPAID)
        store.create_account(POSTPAID)
        store.create_account(replace(TEMPORARY, points=9))
        now[0] += 100
        store.create_account(replace(TEMPORARY, userid="4"))
        for userid, sends in (("3", 5), ("1", 4), ("2", 9)):
            for place in range(sends):
                store.record_send(userid, build_task(1), [build_report(0.0, str(place), place=0)], [], 0.0)
            assert len(store.fetch_reports(userid, 99, 0.0, 1)) == sends
        store.enforce_limits()
        assert store.userids() == ["1", "2", "4"]
        assert store.evicted() == 1
        sent = {userid: store.messages(userid, ALL, 0.0) for userid in "12"}
        assert {
            userid: [message.report and message.report.mobile for message in page.items]
            for userid, page in sent.items()
        } == {
            "1": list("0123"),
            "2": list("345678"),
        }
        assert sent["2"].dropped == 3
        assert sum(len(store.reports(userid, ALL, 0.0).items) for userid in "12") <= 10
        assert (store.balance("2").messages, store.queue_stats("2", "reports", 0.0).handed_out) == (9, 9)


@pytest.mark.parametrize("name", [name for name in STORES if name != "sqlite from two sides"])
def test_an_account_used_during_the_eviction_is_not_evicted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    with open_test_store(STORES[name], Limits(accounts=1), lambda: now[0]) as store:
        module = sys.modules[type(store).__module__]

        def plan_and_use(usages: Iterable[Usage], limits: Limits) -> Plan:
            decided = plan(usages, limits)
            now[0] += 1
            store.account("3")
            return decided

        monkeypatch.setattr(module, "plan", plan_and_use)
        store.create_account(TEMPORARY)
        now[0] += 1
        store.create_account(replace(TEMPORARY, userid="4"))
        assert store.userids() == ["3", "4"]
        assert store.evicted() == 0


def entry(number: int, userid: str, answer: bytes = b"") -> LoggedRequest:
    return LoggedRequest(number, 0.0, 0.0, 0.0, "GET", "/", b"", [], b"", userid, "", "", None, 200, "", answer)


@EACH_STORE
def test_the_request_log_keeps_the_last_requests(make: StoreFactory) -> None:
    with open_test_store(make, Limits(requests=10)) as store:
        numbers = [store.next_request() for _ in range(35)]
        for number in numbers:
            store.log_request(entry(number, str(number % 2)))
        listed = store.requests(None, ALL)
        assert ([entry.number for entry in listed.items], listed.dropped) == (numbers[-10:], 25)
        assert [entry.number for entry in store.requests(str(numbers[-1] % 2), ALL).items] == numbers[-9::2]
        assert store.request(numbers[-10]) == entry(numbers[-10], str(numbers[-10] % 2))
        assert store.request(numbers[-11]) is None
        assert [store.is_logged(number) for number in numbers[-11:-8]] == [False, True, True]
        store.clear_request_log()
        assert not store.is_logged(numbers[-1])
        assert store.requests(None, ALL) == ([], False, 0)
        assert store.next_request() > numbers[-1]


def test_the_memory_store_finds_a_request_in_constant_time() -> None:
    looked_at: list[int] = []

    class Watched(LoggedRequest):
        @property
        def number(self) -> int:
            looked_at.append(self[0])
            return self[0]

    store = MemoryStore()
    for number in range(1, 1001):
        store.log_request(Watched(*entry(number, "1")))
    looked_at.clear()
    assert store.request(1) == entry(1, "1")
    assert len(looked_at) < 10


@EACH_STORE
def test_the_request_log_is_limited_by_bytes(make: StoreFactory) -> None:
    with open_test_store(make, Limits(request_bytes=100_000)) as store:
        for _ in range(30):
            store.log_request(entry(store.next_request(), "1", b"x" * 10_000))
        kept = store.requests(None, ALL)
        assert 1 < len(kept.items) <= 10
        assert len(kept.items) + kept.dropped == 30
