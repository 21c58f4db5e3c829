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
from sms10692_mock.domain.records import Query, StatusReport, Task
from sms10692_mock.domain.store import FIRST_TASK_ID, BalanceTooSmall, NoSuchAccount
from support.http_client import TIMEOUT
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


def run_concurrently(workers: list[Callable[[], None]]) -> None:
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


def run_while(work: Callable[[], None], *others: Callable[[], None]) -> None:
    """Run `work` once, and repeat the other callables until it ends."""
    done = threading.Event()

    def run_once() -> None:
        try:
            work()
        finally:
            done.set()

    def repeat(other: Callable[[], None]) -> None:
        while not done.is_set():
            other()

    run_concurrently([run_once, *(partial(repeat, other) for other in others)])


class ThreadSwitchingCost(int):
    """A cost whose every use switches threads, which reveals an unlocked balance."""

    def __gt__(self, other: int) -> bool:
        time.sleep(0)
        return int(self) > other

    def __rsub__(self, other: int) -> int:
        time.sleep(0)
        return other - int(self)


class ThreadSwitchingTask(Task):
    """A task whose cost is a `ThreadSwitchingCost`."""

    @property
    def cost(self) -> int:
        return ThreadSwitchingCost(super().cost)


@EACH_STORE
def test_r11_concurrent_fetches_return_each_item_exactly_once(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.create_account(POSTPAID)
        fetched: list[StatusReport] = []

        def send(sender: int) -> None:
            for index in range(100):
                reports = [build_report(0.0, f"{sender}/{index}/{n}", index=n) for n in range(3)]
                store.record_send("2", build_task(1), reports, [], 0.0)

        def fetch() -> None:
            fetched.extend(store.fetch_reports("2", 7, 0.0, 1))

        def send_all() -> None:
            run_concurrently([partial(send, sender) for sender in range(4)])

        run_while(send_all, fetch, fetch, fetch)
        fetched.extend(store.fetch_reports("2", 10**6, 0.0, 1))
        assert Counter(report.mobile for report in fetched) == Counter(
            f"{sender}/{index}/{n}" for sender in range(4) for index in range(100) for n in range(3)
        )
        assert store.balance("2") == (-400, 0, 400)
        assert store.queue_stats("2", "reports", 0.0) == (1200, 0, 0, 1200, 0)


@EACH_STORE
def test_the_order_of_each_sender_is_kept(make: StoreFactory) -> None:
    """Some items are due at once, some later, and the clocks of the fetchers differ."""
    with open_test_store(make) as store:
        store.create_account(POSTPAID)
        fetched: list[list[str]] = [[], []]

        def send() -> None:
            for index in range(150):
                store.enqueue("2", [], [build_reply(float(index % 2), str(index))], 0.0)

        def fetch(mobiles: list[str], now: float) -> None:
            mobiles.extend(reply.mobile for reply in store.fetch_replies("2", now, 1))

        run_while(send, partial(fetch, fetched[0], 0.0), partial(fetch, fetched[1], 1.0))
        fetch(fetched[1], 1.0)
        assert Counter(fetched[0] + fetched[1]) == Counter(map(str, range(150)))
        for mobiles in fetched:
            for parity in (0, 1):
                same = [int(mobile) for mobile in mobiles if int(mobile) % 2 == parity]
                assert same == sorted(same)


@EACH_STORE
def test_only_requeued_items_are_fetched_twice(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.create_account(POSTPAID)
        store.enqueue("2", [build_report(0.0, str(index)) for index in range(300)], [], 0.0)
        fetched: list[str] = []
        requeued: list[int] = []

        def fetch() -> None:
            fetched.extend(report.mobile for report in store.fetch_reports("2", 3, 0.0, 1))

        def requeue() -> None:
            requeued.extend(store.requeue("2", "reports", 4, None) for _ in range(60))

        run_while(requeue, fetch, fetch)
        fetched.extend(report.mobile for report in store.fetch_reports("2", 10**6, 0.0, 1))
        assert set(fetched) == set(map(str, range(300)))
        assert len(fetched) == 300 + sum(requeued)
        assert store.queue_stats("2", "reports", 0.0) == (300, 0, 0, 300, 0)


@EACH_STORE
def test_two_concurrent_sends_do_not_overdraw_the_balance(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        for _ in range(50):
            store.create_account(Account("1", "a", "p", points=3))
            balances: list[int | BalanceTooSmall] = []
            task = ThreadSwitchingTask(*build_task(2))
            run_concurrently([lambda: balances.append(store.record_send("1", task, [], [], 0.0))] * 2)  # noqa: B023 - ends within the iteration
            assert sorted(balances, key=str) == [1, BalanceTooSmall(1)]
            assert store.balance("1") == (1, 3, 1)


@EACH_STORE
def test_concurrent_sends_are_all_charged_and_stored(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.create_account(POSTPAID)

        def send() -> None:
            for _ in range(250):
                store.record_send("2", ThreadSwitchingTask(*build_task(1)), [], [], 0.0)

        run_concurrently([send] * 4)
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

        run_concurrently([change] * 3)
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

        run_concurrently([change, change, reset])
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

            run_concurrently([reset, reset, lambda: store.delete_account("2")])
            assert store.account("2") is None


@EACH_STORE
def test_one_of_several_concurrent_creations_succeeds(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        for index in range(30):
            created: list[bool] = []
            account = replace(POSTPAID, userid=str(index))
            run_concurrently([lambda: created.append(store.create_account(account, keep=True))] * 3)  # noqa: B023 - ends within the iteration
            assert sorted(created) == [False, False, True]


@EACH_STORE
def test_a_concurrent_deletion_is_atomic(make: StoreFactory) -> None:
    """A send is charged completely, or the account does not exist."""
    with open_test_store(make) as store:

        def send() -> None:
            try:
                balance = store.record_send("2", build_task(1), [build_report(0.0, "1", index=0)], [], 0.0)
            except NoSuchAccount:
                return
            assert not isinstance(balance, BalanceTooSmall)
            assert balance < 0

        def create_and_delete() -> None:
            for _ in range(40):
                store.create_account(POSTPAID)
                store.delete_account("2")

        run_while(create_and_delete, send, send)
        store.create_account(POSTPAID)
        assert store.balance("2") == (0, 0, 0)
        assert store.queue_stats("2", "reports", 0.0) == (0, 0, 0, 0, 0)


@EACH_STORE
def test_r7_task_and_request_numbers_are_unique(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        for next_number, first in ((store.next_task_id, FIRST_TASK_ID), (store.next_request, 1)):
            taken: list[list[int]] = [[] for _ in range(4)]
            run_concurrently(
                [
                    partial(
                        lambda numbers, get_next: numbers.extend(get_next() for _ in range(300)), numbers, next_number
                    )
                    for numbers in taken
                ]
            )
            assert len({number for numbers in taken for number in numbers}) == 1200
            assert min(map(min, taken)) >= first
            assert all(numbers == sorted(numbers) for numbers in taken)


@EACH_STORE
def test_concurrent_set_balance_calls_agree(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.create_account(replace(PREPAID, points=1000))
        run_concurrently([lambda: store.set_balance("1", 5000)] * 4)
        assert store.balance("1") == (5000, 5000, 0)


@EACH_STORE
def test_set_balance_loses_no_concurrent_send_or_top_up(make: StoreFactory) -> None:
    """In any order: spending plus balance is the total of all top-ups."""
    with open_test_store(make) as store:
        store.create_account(replace(PREPAID, points=1000))

        def send_and_top_up() -> None:
            for _ in range(30):
                assert store.record_send("1", build_task(1), [], [], 0.0) is not None
                store.add_points("1", 2)

        def set_balance() -> None:
            for _ in range(30):
                store.set_balance("1", 500)

        run_concurrently([send_and_top_up, send_and_top_up, set_balance, set_balance])
        points, total_added, messages = store.balance("1")
        assert (total_added - points, messages) == (60, 60)
