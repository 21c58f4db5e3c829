"""Concurrent use of one store: tests that fail if a lock or a transaction is missing."""

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.records import Query, Report, Task
from sms10692_mock.domain.store import FIRST_TASK_ID, NoSuchAccount
from support.emulators import TIMEOUT
from support.stores import (
    EACH_STORE,
    POSTPAID,
    PREPAID,
    StoreFactory,
    build_reply,
    build_report,
    build_task,
    open_test_store,
)


def at_once(workers: list[Callable[[], None]]) -> None:
    """Run all callables concurrently and raise the first exception."""
    barrier = threading.Barrier(len(workers))
    raised: list[BaseException] = []

    def run(worker: Callable[[], None]) -> None:
        try:
            barrier.wait(TIMEOUT)
            worker()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(worker,), daemon=True) for worker in workers]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # frequent thread switches reveal missing locks
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(4 * TIMEOUT)
    finally:
        sys.setswitchinterval(interval)
    if raised:
        raise raised[0]
    assert not any(thread.is_alive() for thread in threads)


def while_others(work: Callable[[], None], *others: Callable[[], None]) -> None:
    """Run `work` once, and repeat the others until it ends."""
    done = threading.Event()

    def working() -> None:
        try:
            work()
        finally:
            done.set()

    def again(other: Callable[[], None]) -> None:
        while not done.is_set():
            other()

    at_once([working, *(partial(again, other) for other in others)])


class Yielding(int):
    """A cost that switches threads whenever it is read, which reveals an unlocked balance."""

    def __gt__(self, other: int) -> bool:
        time.sleep(0)
        return int(self) > other

    def __rsub__(self, other: int) -> int:
        time.sleep(0)
        return other - int(self)


class Yieldingly(Task):
    """A task whose cost is a `Yielding`."""

    @property
    def cost(self) -> int:
        return Yielding(super().cost)


@EACH_STORE
def test_r11_concurrent_fetches_return_each_item_exactly_once(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.create_account(POSTPAID)
        taken: list[Report] = []

        def send(sender: int) -> None:
            for place in range(100):
                reports = [build_report(0.0, f"{sender}/{place}/{n}", place=n) for n in range(3)]
                store.record_send("2", build_task(1), reports, [], 0.0)

        def fetch() -> None:
            taken.extend(store.fetch_reports("2", 7, 0.0, 1))

        def send_all() -> None:
            at_once([partial(send, sender) for sender in range(4)])

        while_others(send_all, fetch, fetch, fetch)
        taken.extend(store.fetch_reports("2", 10**6, 0.0, 1))
        assert Counter(report.mobile for report in taken) == Counter(
            f"{sender}/{place}/{n}" for sender in range(4) for place in range(100) for n in range(3)
        )
        assert store.balance("2") == (-400, 0, 400)
        assert store.queue_stats("2", "reports", 0.0) == (1200, 0, 0, 1200, 0)


@EACH_STORE
def test_the_order_of_each_sender_is_kept(make: StoreFactory) -> None:
    """Some items are due at once, some later, and the clocks of the fetchers differ."""
    with open_test_store(make) as store:
        store.create_account(POSTPAID)
        taken: list[list[str]] = [[], []]

        def send() -> None:
            for place in range(150):
                store.enqueue("2", [], [build_reply(float(place % 2), str(place))], 0.0)

        def fetch(mine: list[str], now: float) -> None:
            mine.extend(reply.mobile for reply in store.fetch_replies("2", now, 1))

        while_others(send, partial(fetch, taken[0], 0.0), partial(fetch, taken[1], 1.0))
        fetch(taken[1], 1.0)
        assert Counter(taken[0] + taken[1]) == Counter(map(str, range(150)))
        for mine in taken:
            for parity in (0, 1):
                same = [int(mobile) for mobile in mine if int(mobile) % 2 == parity]
                assert same == sorted(same)


@EACH_STORE
def test_only_requeued_items_are_fetched_twice(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.create_account(POSTPAID)
        store.enqueue("2", [build_report(0.0, str(place)) for place in range(300)], [], 0.0)
        taken: list[str] = []
        rewound: list[int] = []

        def fetch() -> None:
            taken.extend(report.mobile for report in store.fetch_reports("2", 3, 0.0, 1))

        def rewind() -> None:
            rewound.extend(store.requeue("2", "reports", 4, None) for _ in range(60))

        while_others(rewind, fetch, fetch)
        taken.extend(report.mobile for report in store.fetch_reports("2", 10**6, 0.0, 1))
        assert set(taken) == set(map(str, range(300)))
        assert len(taken) == 300 + sum(rewound)
        assert store.queue_stats("2", "reports", 0.0) == (300, 0, 0, 300, 0)


@EACH_STORE
def test_two_concurrent_sends_do_not_overdraw_the_balance(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        for _ in range(50):
            store.create_account(Account("1", "a", "p", points=3))
            left: list[int | None] = []
            at_once([lambda: left.append(store.record_send("1", Yieldingly(*build_task(2)), [], [], 0.0))] * 2)  # noqa: B023 - it ends within the turn
            assert sorted(left, key=str) == [1, None]
            assert store.balance("1") == (1, 3, 1)


@EACH_STORE
def test_concurrent_sends_are_all_charged_and_stored(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.create_account(POSTPAID)

        def send() -> None:
            for _ in range(250):
                store.record_send("2", Yieldingly(*build_task(1)), [], [], 0.0)

        at_once([send] * 4)
        assert store.balance("2") == (-1000, 0, 1000)
        sent = store.messages("2", Query(limit=2000), 0.0).items
        assert [message.number for message in sent] == list(range(1, 1001))


@EACH_STORE
def test_no_concurrent_update_is_lost(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.create_account(POSTPAID)

        def change() -> None:
            for _ in range(40):
                store.update_account("2", lambda account: replace(account, points=account.points + 1))
                store.change_settings(lambda settings: replace(settings, words=(*(settings.words or ()), "x")))

        at_once([change] * 3)
        account = store.account("2")
        assert account is not None
        assert account.points == POSTPAID.points + 120
        assert store.settings().words == ("x",) * 120


@EACH_STORE
def test_a_reset_does_not_lose_a_concurrent_update(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.create_account(POSTPAID)

        def change() -> None:
            for _ in range(40):
                store.update_account("2", lambda account: replace(account, points=account.points + 1))

        def reset() -> None:
            for _ in range(40):
                store.reset("2", lambda account: replace(account, faults=()))

        at_once([change, change, reset])
        account = store.account("2")
        assert account is not None
        assert account.points == POSTPAID.points + 80


@EACH_STORE
def test_a_reset_does_not_recreate_a_deleted_account(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        for _ in range(30):
            store.create_account(POSTPAID)

            def reset() -> None:
                with suppress(NoSuchAccount):
                    store.reset("2", lambda account: account)

            at_once([reset, reset, lambda: store.delete_account("2")])
            assert store.account("2") is None


@EACH_STORE
def test_one_of_several_concurrent_creations_succeeds(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        for place in range(30):
            opened: list[bool] = []
            account = replace(POSTPAID, userid=str(place))
            at_once([lambda: opened.append(store.create_account(account, keep=True))] * 3)  # noqa: B023 - it ends within the turn
            assert sorted(opened) == [False, False, True]


@EACH_STORE
def test_a_concurrent_deletion_is_atomic(make: StoreFactory) -> None:
    """A send is charged completely, or the account does not exist."""
    with open_test_store(make) as store:

        def send() -> None:
            try:
                balance = store.record_send("2", build_task(1), [build_report(0.0, "1", place=0)], [], 0.0)
            except NoSuchAccount:
                return
            assert balance is not None
            assert balance < 0

        def open_and_close() -> None:
            for _ in range(40):
                store.create_account(POSTPAID)
                store.delete_account("2")

        while_others(open_and_close, send, send)
        store.create_account(POSTPAID)
        assert store.balance("2") == (0, 0, 0)
        assert store.queue_stats("2", "reports", 0.0) == (0, 0, 0, 0, 0)


@EACH_STORE
def test_r7_task_and_request_numbers_are_unique(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        for number, first in ((store.next_task_id, FIRST_TASK_ID), (store.next_request, 1)):
            given: list[list[int]] = [[] for _ in range(4)]
            at_once(
                [
                    partial(lambda numbers, next_number: numbers.extend(next_number() for _ in range(300)), numbers, number)
                    for numbers in given
                ]
            )
            assert len({number for mine in given for number in mine}) == 1200
            assert min(map(min, given)) >= first
            assert all(mine == sorted(mine) for mine in given)


@EACH_STORE
def test_concurrent_set_balance_calls_agree(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.create_account(replace(PREPAID, points=1000))
        at_once([lambda: store.set_balance("1", 5000)] * 4)
        assert store.balance("1") == (5000, 5000, 0)


@EACH_STORE
def test_set_balance_loses_no_concurrent_send_or_top_up(make: StoreFactory) -> None:
    """In any order: spending plus balance is the total of all top-ups."""
    with open_test_store(make) as store:
        store.create_account(replace(PREPAID, points=1000))

        def use() -> None:
            for _ in range(30):
                assert store.record_send("1", build_task(1), [], [], 0.0) is not None
                store.add_points("1", 2)

        def set_it() -> None:
            for _ in range(30):
                store.set_balance("1", 500)

        at_once([use, use, set_it, set_it])
        points, charged_up, messages = store.balance("1")
        assert (charged_up - points, messages) == (60, 60)
