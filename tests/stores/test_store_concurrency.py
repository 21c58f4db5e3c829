"""Many callers of one store at once: nothing is lost, nothing comes twice, nothing is charged by halves.

Here belongs what a missing lock or a missing transaction would break. One caller is in `test_stores`.
"""

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
from support.stores import EACH_STORE, POSTPAID, PREPAID, StoreFactory, open_test_store, reply, report, task


def at_once(workers: list[Callable[[], None]]) -> None:
    """Run all of them at the same moment, and raise what any of them raised."""
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
    sys.setswitchinterval(1e-6)  # a thread is left in the middle of anything, so that a missing lock shows
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
    """Run `work` once, and the others again and again until it is done."""
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
    """A cost that lets other threads in whenever it is looked at, and so shows a balance that is not locked."""

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
def test_r11_many_fetchers_and_senders_share_nothing_and_lose_nothing(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.create_account(POSTPAID)
        taken: list[Report] = []

        def send(sender: int) -> None:
            for place in range(100):
                reports = [report(0.0, f"{sender}/{place}/{n}", place=n) for n in range(3)]
                store.record_send("2", task(1), reports, [], 0.0)

        def fetch() -> None:
            taken.extend(store.fetch_reports("2", 7, 0.0, 1))

        def send_all() -> None:
            at_once([partial(send, sender) for sender in range(4)])

        while_others(send_all, fetch, fetch, fetch)
        taken.extend(store.fetch_reports("2", 10**6, 0.0, 1))
        assert Counter(one.mobile for one in taken) == Counter(
            f"{sender}/{place}/{n}" for sender in range(4) for place in range(100) for n in range(3)
        )
        assert store.balance("2") == (-400, 0, 400)
        assert store.queue_stats("2", "reports", 0.0) == (1200, 0, 0, 1200, 0)


@EACH_STORE
def test_a_queue_that_empties_and_fills_again_keeps_the_order_of_each_sender(make: StoreFactory) -> None:
    """Some of it falls due at once and some a moment later, and the fetchers' clocks differ."""
    with open_test_store(make) as store:
        store.create_account(POSTPAID)
        taken: list[list[str]] = [[], []]

        def send() -> None:
            for place in range(150):
                store.enqueue("2", [], [reply(float(place % 2), str(place))], 0.0)

        def fetch(mine: list[str], now: float) -> None:
            mine.extend(one.mobile for one in store.fetch_replies("2", now, 1))

        while_others(send, partial(fetch, taken[0], 0.0), partial(fetch, taken[1], 1.0))
        fetch(taken[1], 1.0)
        assert Counter(taken[0] + taken[1]) == Counter(map(str, range(150)))
        for mine in taken:
            for parity in (0, 1):
                same = [int(mobile) for mobile in mine if int(mobile) % 2 == parity]
                assert same == sorted(same)


@EACH_STORE
def test_what_is_rewound_while_others_fetch_is_handed_out_again_and_nothing_else(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.create_account(POSTPAID)
        store.enqueue("2", [report(0.0, str(place)) for place in range(300)], [], 0.0)
        taken: list[str] = []
        rewound: list[int] = []

        def fetch() -> None:
            taken.extend(one.mobile for one in store.fetch_reports("2", 3, 0.0, 1))

        def rewind() -> None:
            rewound.extend(store.requeue("2", "reports", 4, None) for _ in range(60))

        while_others(rewind, fetch, fetch)
        taken.extend(one.mobile for one in store.fetch_reports("2", 10**6, 0.0, 1))
        assert set(taken) == set(map(str, range(300)))
        assert len(taken) == 300 + sum(rewound)
        assert store.queue_stats("2", "reports", 0.0) == (300, 0, 0, 300, 0)


@EACH_STORE
def test_two_sends_at_the_edge_of_the_balance_are_not_both_accepted(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        for _ in range(50):
            store.create_account(Account("1", "a", "p", points=3))
            left: list[int | None] = []
            at_once([lambda: left.append(store.record_send("1", Yieldingly(*task(2)), [], [], 0.0))] * 2)  # noqa: B023 - it ends within the turn
            assert sorted(left, key=str) == [1, None]
            assert store.balance("1") == (1, 3, 1)


@EACH_STORE
def test_many_sends_at_once_are_all_charged_and_all_remembered(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.create_account(POSTPAID)

        def send() -> None:
            for _ in range(250):
                store.record_send("2", Yieldingly(*task(1)), [], [], 0.0)

        at_once([send] * 4)
        assert store.balance("2") == (-1000, 0, 1000)
        sent = store.messages("2", Query(limit=2000), 0.0).items
        assert [message.number for message in sent] == list(range(1, 1001))


@EACH_STORE
def test_every_change_of_terms_and_settings_counts(make: StoreFactory) -> None:
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
def test_a_reset_undoes_no_change_of_terms_that_comes_meanwhile(make: StoreFactory) -> None:
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
def test_a_reset_never_brings_back_an_account_that_was_closed(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        for _ in range(30):
            store.create_account(POSTPAID)

            def reset() -> None:
                with suppress(NoSuchAccount):
                    store.reset("2", lambda account: account)

            at_once([reset, reset, lambda: store.delete_account("2")])
            assert store.account("2") is None


@EACH_STORE
def test_one_of_many_that_open_the_same_account_at_once_opens_it(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        for place in range(30):
            opened: list[bool] = []
            account = replace(POSTPAID, userid=str(place))
            at_once([lambda: opened.append(store.create_account(account, keep=True))] * 3)  # noqa: B023 - it ends within the turn
            assert sorted(opened) == [False, False, True]


@EACH_STORE
def test_an_account_that_is_closed_meanwhile_is_there_or_not(make: StoreFactory) -> None:
    """Never half: a send is charged to what there is, or there is nobody."""
    with open_test_store(make) as store:

        def send() -> None:
            try:
                balance = store.record_send("2", task(1), [report(0.0, "1", place=0)], [], 0.0)
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
def test_r7_numbers_of_tasks_and_requests_are_never_given_twice(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        for number, first in ((store.next_task_id, FIRST_TASK_ID), (store.next_request, 1)):
            given: list[list[int]] = [[] for _ in range(4)]
            at_once(
                [
                    partial(lambda mine, next_one: mine.extend([next_one() for _ in range(300)]), one, number)
                    for one in given
                ]
            )
            assert len({one for mine in given for one in mine}) == 1200
            assert min(map(min, given)) >= first
            assert all(mine == sorted(mine) for mine in given)


@EACH_STORE
def test_a_balance_that_many_set_at_once_is_the_one_they_set(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.create_account(replace(PREPAID, points=1000))
        at_once([lambda: store.set_balance("1", 5000)] * 4)
        assert store.balance("1") == (5000, 5000, 0)


@EACH_STORE
def test_a_balance_set_beside_sends_and_charges_loses_none_of_them(make: StoreFactory) -> None:
    """Whatever order they come in: what was sent and what is left is all that was ever charged up."""
    with open_test_store(make) as store:
        store.create_account(replace(PREPAID, points=1000))

        def use() -> None:
            for _ in range(30):
                assert store.record_send("1", task(1), [], [], 0.0) is not None
                store.add_points("1", 2)

        def set_it() -> None:
            for _ in range(30):
                store.set_balance("1", 500)

        at_once([use, use, set_it, set_it])
        points, charged_up, messages = store.balance("1")
        assert (charged_up - points, messages) == (60, 60)
