"""Limits of the history in every store: the oldest entries are dropped first, waiting items never."""

import sys
import tracemalloc
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.records import Limits, LoggedRequest, Page, Query
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
    with open_test_store(make, Limits(messages=3, message_bytes=10, fetched=3)) as store:
        store.create_account(POSTPAID)
        for index in range(100):
            store.record_send("2", build_task(1), [build_report(float(index % 2), str(index), index=0)], [], 0.0)
        assert store.queue_stats("2", "reports", 0.0) == (100, 50, 50, 0, 0)
        fetched = store.fetch_reports("2", 1000, 1.0, 1)
        assert sorted(int(report.mobile) for report in fetched) == list(range(100))


@EACH_STORE
def test_the_last_fetched_items_can_be_listed_and_requeued(make: StoreFactory) -> None:
    with open_test_store(make, Limits(messages=10, fetched=10)) as store:
        store.create_account(POSTPAID)
        for index in range(100):
            store.record_send("2", build_task(1), [build_report(0.0, str(index), index=0)], [], 0.0)
            assert len(store.fetch_reports("2", 1, float(index), index)) == 1
            stats = store.queue_stats("2", "reports", float(index))
            assert stats[:4] == (index + 1, 0, 0, index + 1)
            assert max(0, index - 20) <= stats.evicted <= max(0, index + 1 - 10)
        page = store.reports("2", ALL, 100.0)
        assert page.evicted == stats.evicted
        assert [queued.number for queued in page.items] == list(range(page.evicted + 1, 101))
        assert [queued.delivery_state.request for queued in page.items] == list(range(page.evicted, 100))
        assert store.requeue("2", "reports", None, None) == 100 - stats.evicted
        assert [report.mobile for report in store.fetch_reports("2", 100, 100.0, 100)] == list(
            map(str, range(stats.evicted, 100))
        )


@EACH_STORE
def test_the_last_messages_are_kept(make: StoreFactory) -> None:
    with open_test_store(make, Limits(messages=10)) as store:
        store.create_account(POSTPAID)
        for index in range(50):
            store.record_send("2", build_task(1, "1", "2"), [build_report(9.0, str(index), index=1)], [], 0.0)
        page = store.messages("2", ALL, 0.0)
        assert (len(page.items), page.evicted) == (10, 90)
        assert [message.number for message in page.items] == list(range(91, 101))
        assert [message.delivery_state.state for message in page.items] == ["unreported", "scheduled"] * 5
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
    with open_test_store(make, Limits(fetched_bytes=10_000)) as store:
        store.create_account(POSTPAID)
        for index in range(50):
            store.enqueue("2", [], [build_reply(0.0, str(index), "好" * 333)], 0.0)
            assert len(store.fetch_replies("2", 0.0, index)) == 1
            stats = store.queue_stats("2", "replies", 0.0)
            assert max(0, index - 20) <= stats.evicted <= max(0, index + 1 - 8)
        for _ in range(2):
            requeued = store.requeue("2", "replies", None, None)
            assert requeued == 50 - stats.evicted
            assert store.queue_stats("2", "replies", 0.0).waiting == requeued
            assert [reply.mobile for reply in store.fetch_replies("2", 0.0, 1)] == list(
                map(str, range(stats.evicted, 50))
            )
            stats = store.queue_stats("2", "replies", 0.0)
        store.enqueue("2", [], [build_reply(0.0, "last", "x" * 30_000)], 0.0)
        store.fetch_replies("2", 0.0, 1)
        assert [queued.item.mobile for queued in store.replies("2", ALL, 0.0).items] == ["last"]


def test_the_memory_store_frees_dropped_tasks() -> None:
    """For few large tasks as well as for many small ones."""

    class Numbers(list[str]):
        """A list that supports weak references."""

    store = MemoryStore(Limits(messages=10, message_bytes=1_000, fetched=10))
    store.create_account(POSTPAID)
    references: list[weakref.ref[Numbers]] = []
    for _ in range(1000):
        numbers = Numbers(str(13000000000 + place) for place in range(50))
        references.append(weakref.ref(numbers))
        store.record_send("2", build_task(1, content="x" * 1000)._replace(numbers=numbers), [], [], 0.0)
    del numbers
    assert sum(reference() is not None for reference in references) == 1


@EACH_STORE
def test_a_message_keeps_its_delivery_state(make: StoreFactory) -> None:
    """It is still known that a report was fetched when it can no longer be requeued."""
    with open_test_store(make, Limits(fetched=2)) as store:
        store.create_account(POSTPAID)
        for index in range(20):
            store.record_send("2", build_task(1), [build_report(0.0, str(index), index=0)], [], 0.0)
            store.fetch_reports("2", 1, 0.0, 1)
        sent = store.messages("2", ALL, 0.0).items
        assert [message.report and message.report.mobile for message in sent] == list(map(str, range(20)))
        assert {message.delivery_state.state for message in sent} == {"fetched"}


# All accounts together

TEMPORARY = Account("3", "c", "p", temporary=True)


def test_the_plan_evicts_idle_accounts_and_cuts_the_largest_histories() -> None:
    """Least recently used first, idle accounts only; the histories of the others are cut to one length."""
    limits = Limits(messages=10, accounts=2)

    def make_plan(
        *accounts: tuple[str, bool, float, int], limits: Limits = limits
    ) -> tuple[list[str], Sequence[str], int]:
        result = plan(
            [Usage(userid, idle, used, History(messages)) for userid, idle, used, messages in accounts], limits
        )
        return [account.userid for account in result.evict], result.shrink, result.limits.messages

    assert make_plan(("a", True, 3, 0), ("b", True, 1, 0), ("c", True, 2, 0), ("d", False, 0, 0)) == (["b"], [], 10)
    assert make_plan(("a", False, 0, 0), ("b", False, 0, 0), ("c", False, 0, 0), ("new", True, 9, 0))[0] == []
    old_and_new = (("empty", True, 1, 0), ("old", True, 2, 3), ("new", True, 99, 8))
    assert make_plan(*old_and_new, limits=limits._replace(accounts=9)) == (["old"], [], 10)
    assert make_plan(("a", True, 98, 3), ("b", True, 99, 8)) == ([], ["b"], 7)
    assert make_plan(("own", False, 0, 9), ("other", False, 0, 7)) == ([], ["own", "other"], 5)
    assert make_plan(("large", False, 0, 90), ("small", False, 0, 3)) == ([], ["large"], 7)
    assert plan([], limits) == ([], [], total_limits(limits))


@EACH_STORE
def test_the_least_recently_used_idle_accounts_are_evicted(make: StoreFactory) -> None:
    now = [0.0]
    with open_test_store(make, Limits(accounts=2), lambda: now[0]) as store:
        store.create_account(POSTPAID)
        for index in range(8):
            now[0] += 1
            store.create_account(replace(TEMPORARY, userid=f"t{index}"))
            if index in (1, 2):
                store.enqueue(f"t{index}", [build_report(float(index - 1), "1")], [build_reply(9.0, "1")], 0.0)
            now[0] += 1
            store.account("t3")  # keeps this account recently used
        assert store.userids() == ["2", "t1", "t2", "t3", "t7"]
        assert store.evicted() == 4
        assert (store.queue_stats("t1", "reports", 5.0).waiting, store.queue_stats("t2", "replies", 5.0).scheduled) == (
            1,
            1,
        )
        for index in (1, 2):
            store.fetch_reports(f"t{index}", 9, 9.0, 1)
            store.fetch_replies(f"t{index}", 9.0, 1)
        now[0] += 1
        store.account("t2")
        store.create_account(replace(TEMPORARY, userid="t9"))
        assert store.userids() == ["2", "t2", "t9"]
        assert store.enforce_limits() == 0


@EACH_STORE
def test_the_history_of_all_accounts_together_is_bounded(make: StoreFactory) -> None:
    """Temporary accounts are evicted before histories are cut; the last entry of each history stays."""
    now = [0.0]
    with open_test_store(make, Limits(messages=10, fetched=5), lambda: now[0]) as store:
        store.create_account(PREPAID)
        store.create_account(POSTPAID)
        store.create_account(replace(TEMPORARY, points=9))
        now[0] += 100
        store.create_account(replace(TEMPORARY, userid="4"))
        for userid, sends in (("3", 5), ("1", 4), ("2", 9)):
            for index in range(sends):
                store.record_send(userid, build_task(1), [build_report(0.0, str(index), index=0)], [], 0.0)
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
        assert sent["2"].evicted == 3
        assert sum(len(store.reports(userid, ALL, 0.0).items) for userid in "12") <= 10
        assert (store.balance("2").messages, store.queue_stats("2", "reports", 0.0).fetched) == (9, 9)


@pytest.mark.parametrize("name", [name for name in STORES if name != "two sqlite stores"])
def test_an_account_used_during_the_eviction_is_not_evicted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    with open_test_store(STORES[name], Limits(accounts=1), lambda: now[0]) as store:
        module = sys.modules[type(store).__module__]

        def plan_and_use(usages: Iterable[Usage], limits: Limits) -> Plan:
            result = plan(usages, limits)
            now[0] += 1
            store.account("3")
            return result

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
        page = store.requests(None, ALL)
        assert ([entry.number for entry in page.items], page.evicted) == (numbers[-10:], 25)
        assert [entry.number for entry in store.requests(str(numbers[-1] % 2), ALL).items] == numbers[-9::2]
        assert store.request(numbers[-10]) == entry(numbers[-10], str(numbers[-10] % 2))
        assert store.request(numbers[-11]) is None
        assert [store.is_logged(number) for number in numbers[-11:-8]] == [False, True, True]
        store.clear_request_log()
        assert not store.is_logged(numbers[-1])
        assert store.requests(None, ALL) == Page([], False, 0)
        assert store.next_request() > numbers[-1]


@EACH_STORE
def test_requests_of_userids_that_begin_alike_are_told_apart(make: StoreFactory) -> None:
    userids = ["x" * 100 + "1", "x" * 100 + "2", "x" * 64]
    with open_test_store(make, Limits()) as store:
        for userid in userids:
            store.log_request(entry(store.next_request(), userid))
        assert [[logged.userid for logged in store.requests(userid, ALL).items] for userid in userids] == [
            [userid] for userid in userids
        ]


def test_evicted_requests_with_long_userids_are_freed() -> None:
    tracemalloc.start()
    try:
        store = MemoryStore(Limits(request_bytes=1_000_000))
        for number in range(1, 201):
            store.log_request(entry(number, f"{number:0100000}"))
        assert tracemalloc.get_traced_memory()[0] < 5_000_000
    finally:
        tracemalloc.stop()


@EACH_STORE
def test_a_deleted_request_makes_room_for_another(make: StoreFactory) -> None:
    size = entry(1, "1", b"x" * 1000).size
    with open_test_store(make, Limits(request_bytes=3 * size + 10)) as store:
        numbers = [store.next_request() for _ in range(5)]
        for number in numbers[:3]:
            store.log_request(entry(number, "1", b"x" * 1000))
        assert [store.delete_request(number) for number in (numbers[1], numbers[1], numbers[4])] == [True, False, False]
        assert store.request(numbers[1]) is None
        assert [logged.number for logged in store.requests("1", ALL).items] == [numbers[0], numbers[2]]
        store.log_request(entry(numbers[3], "1", b"x" * 1000))
        page = store.requests(None, ALL)
        assert ([logged.number for logged in page.items], page.evicted) == ([numbers[0], *numbers[2:4]], 0)
        store.log_request(entry(numbers[4], "1", b"x" * 1000))
        page = store.requests(None, ALL)
        assert ([logged.number for logged in page.items], page.evicted) == (numbers[2:], 1)


def test_the_memory_store_finds_a_request_in_constant_time() -> None:
    read_numbers: list[int] = []

    class RecordingRequest(LoggedRequest):
        @property
        def number(self) -> int:
            read_numbers.append(self[0])
            return self[0]

    store = MemoryStore()
    for number in range(1, 1001):
        store.log_request(RecordingRequest(*entry(number, "1")))
    read_numbers.clear()
    assert store.request(1) == entry(1, "1")
    assert len(read_numbers) < 10


@EACH_STORE
def test_the_request_log_is_limited_by_bytes(make: StoreFactory) -> None:
    with open_test_store(make, Limits(request_bytes=100_000)) as store:
        for _ in range(30):
            store.log_request(entry(store.next_request(), "1", b"x" * 10_000))
        kept = store.requests(None, ALL)
        assert 1 < len(kept.items) <= 10
        assert len(kept.items) + kept.evicted == 30


@EACH_STORE
def test_deleted_messages_do_not_count_as_evicted_or_stored(make: StoreFactory) -> None:
    with open_test_store(make, Limits(messages=4, message_bytes=100)) as store:
        store.create_account(POSTPAID)

        def send() -> None:
            store.record_send("2", build_task(1, "1", "2", content="x" * 20), [], [], 0.0)

        send()
        send()
        assert [store.delete_message("2", number) for number in (1, 4, 3, 1, 5)] == [True, True, True, False, False]
        send()
        page = store.messages("2", ALL, 0.0)
        assert ([message.number for message in page.items], page.evicted) == ([2, 5, 6], 0)
        send()
        page = store.messages("2", ALL, 0.0)
        assert ([message.number for message in page.items], page.evicted) == ([5, 6, 7, 8], 1)
        store.clear_messages("2")
        assert store.messages("2", ALL, 0.0) == Page([], False, 1)
        for _ in range(3):
            send()
        page = store.messages("2", ALL, 0.0)
        assert ([message.number for message in page.items], page.evicted) == ([11, 12, 13, 14], 3)
        assert store.balance("2") == (-14, 0, 14)


@EACH_STORE
def test_the_report_of_a_deleted_message_is_fetched_and_its_fetched_item_evicted(make: StoreFactory) -> None:
    with open_test_store(make, Limits(fetched=2)) as store:
        store.create_account(POSTPAID)
        for index in range(6):
            store.record_send("2", build_task(1), [build_report(float(index), str(index), index=0)], [], 0.0)
        store.delete_message("2", 1)
        store.clear_messages("2")
        assert store.queue_stats("2", "reports", 0.0)[:4] == (6, 5, 1, 0)
        for index in range(6):
            assert [report.mobile for report in store.fetch_reports("2", 9, float(index), index)] == [str(index)]
        assert 0 < store.queue_stats("2", "reports", 9.0).evicted <= 4


@EACH_STORE
def test_requests_are_listed_in_the_order_of_their_numbers_after_evictions_and_deletions(make: StoreFactory) -> None:
    with open_test_store(make, Limits(requests=300)) as store:
        numbers = [store.next_request() for _ in range(3000)]
        for index in range(0, 3000, 2):
            for number in (numbers[index + 1], numbers[index]):
                store.log_request(entry(number, str(number % 3)))
        assert store.delete_request(numbers[-2])
        expected = [number for number in numbers[-300:] if number != numbers[-2]]
        assert [entry.number for entry in store.requests(None, ALL).items] == expected
        newest = Query(newest_first=True, limit=7)
        assert [entry.number for entry in store.requests(None, newest).items] == expected[:-8:-1]
        of_one = [number for number in expected if number % 3 == 1]
        page = store.requests("1", Query(after=of_one[3], limit=50))
        assert [entry.number for entry in page.items] == of_one[4:54]
        page = store.requests("1", newest._replace(after=of_one[-3]))
        assert [entry.number for entry in page.items] == of_one[-4:-11:-1]
        store.clear_request_log()
        assert store.requests("1", ALL).items == store.requests(None, ALL).items == []
