"""Every store keeps the promises of `stores.protocol`: nothing lost, nothing twice, nothing charged by halves.

Here belongs what is asked of all stores alike: a state machine against the simplest model, and many callers at once.
"""

import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sms10692_mock.accounts import Account
from sms10692_mock.stores.memory import MemoryStore
from sms10692_mock.stores.protocol import Store
from sms10692_mock.stores.records import Reply, Report, Task

STORES: dict[str, Callable[[], Store]] = {"memory": MemoryStore}
EACH_STORE = pytest.mark.parametrize("make", STORES.values(), ids=STORES)

PREPAID = Account("1", "a", "p", points=20)
POSTPAID = Account("2", "b", "p", postpaid=True)
USERIDS = st.sampled_from(["1", "2"])


def report(due: float, name: str) -> Report:
    return Report(due, name, 100001, 10, "DELIVRD", "")


def reply(due: float, name: str) -> Reply:
    return Reply(due, name, 100001, "T", "")


def task(price: int) -> Task:
    return Task(100001, 0.0, 0.0, ["13000000001"], "x", "", "/v2sms.aspx", price, 0)


class AgreesWithAList(RuleBasedStateMachine):
    """Two accounts; the model of a queue is a list that is sorted when somebody asks."""

    make: Callable[[], Store] = MemoryStore

    def __init__(self) -> None:
        super().__init__()
        self.store = type(self).make()
        for account in (PREPAID, POSTPAID):
            self.store.open(account)
        self.now = 0.0
        self.balance = {"1": 20, "2": 0}
        self.waiting: dict[str, list[tuple[float, int, Report]]] = {"1": [], "2": []}
        self.replies: dict[str, list[tuple[float, int, Reply]]] = {"1": [], "2": []}
        self.created = 0

    @rule(userid=USERIDS, cost=st.integers(0, 8), delays=st.lists(st.integers(0, 3), max_size=4))
    def accept(self, userid: str, cost: int, delays: list[int]) -> None:
        reports, replies = [], []
        for delay in delays:
            self.created += 1
            reports.append(report(self.now + delay, str(self.created)))
            replies.append(reply(self.now + delay, str(self.created)))
        left = self.store.accept(userid, task(cost), reports, replies, self.now)
        if userid == "1" and cost > self.balance["1"]:
            assert left is None
            return
        self.balance[userid] -= cost
        assert left == self.balance[userid]
        for one, other in zip(reports, replies, strict=True):
            self.waiting[userid].append((one.due, int(one.mobile), one))
            self.replies[userid].append((other.due, int(other.mobile), other))

    @rule(userid=USERIDS, limit=st.integers(1, 5))
    def take_reports(self, userid: str, limit: int) -> None:
        due = sorted(item for item in self.waiting[userid] if item[0] <= self.now)[:limit]
        assert self.store.take_reports(userid, limit, self.now, 0) == [item[2] for item in due]
        self.waiting[userid] = [item for item in self.waiting[userid] if item not in due]

    @rule(userid=USERIDS)
    def take_replies(self, userid: str) -> None:
        due = sorted(item for item in self.replies[userid] if item[0] <= self.now)
        assert self.store.take_replies(userid, self.now, 0) == [item[2] for item in due]
        self.replies[userid] = [item for item in self.replies[userid] if item not in due]

    @rule(seconds=st.integers(1, 3))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @invariant()
    def what_was_charged_is_what_the_balance_lost(self) -> None:
        assert {userid: self.store.standing(userid).points for userid in ("1", "2")} == self.balance
        assert [self.store.standing(userid).charged_up for userid in ("1", "2")] == [20, 0]


TestMemoryStore = AgreesWithAList.TestCase


def at_once(workers: list[Callable[[], None]]) -> None:
    """Run all of them at the same moment, and raise what any of them raised."""
    barrier = threading.Barrier(len(workers))
    raised: list[BaseException] = []

    def run(worker: Callable[[], None]) -> None:
        try:
            barrier.wait(10)
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
            thread.join(60)
    finally:
        sys.setswitchinterval(interval)
    if raised:
        raise raised[0]
    assert not any(thread.is_alive() for thread in threads)


class Yielding(int):
    """A cost that lets other threads in whenever it is looked at, and so shows a balance that is not locked."""

    def __gt__(self, other: int) -> bool:
        time.sleep(0)
        return int(self) > other

    def __rsub__(self, other: int) -> int:
        time.sleep(0)
        return other - int(self)


class Yieldingly(Task):
    """A task that costs so many points, as a `Yielding`."""

    @property
    def cost(self) -> int:
        return Yielding(self.price)


@EACH_STORE
def test_r11_many_fetchers_and_senders_share_nothing_and_lose_nothing(make: Callable[[], Store]) -> None:
    store = make()
    store.open(POSTPAID)
    taken: list[Report] = []
    done = threading.Event()

    def send(sender: int) -> None:
        for place in range(200):
            store.accept("2", task(1), [report(0.0, f"{sender}/{place}/{n}") for n in range(3)], [], 0.0)

    def fetch() -> None:
        while not done.is_set():
            taken.extend(store.take_reports("2", 7, 0.0, 0))

    def send_all() -> None:
        try:
            at_once([partial(send, sender) for sender in range(4)])
        finally:
            done.set()

    at_once([send_all, fetch, fetch, fetch])
    taken.extend(store.take_reports("2", 10**6, 0.0, 0))
    assert Counter(one.mobile for one in taken) == Counter(
        f"{sender}/{place}/{n}" for sender in range(4) for place in range(200) for n in range(3)
    )
    assert store.standing("2").points == -800


@EACH_STORE
def test_two_sends_at_the_edge_of_the_balance_are_not_both_accepted(make: Callable[[], Store]) -> None:
    store = make()
    for _ in range(100):
        store.open(Account("1", "a", "p", points=3))
        left: list[int | None] = []
        at_once([lambda: left.append(store.accept("1", Yieldingly(*task(2)), [], [], 0.0))] * 2)  # noqa: B023 - it ends within the turn
        assert sorted(left, key=str) == [1, None]


@EACH_STORE
def test_many_sends_at_once_are_all_charged(make: Callable[[], Store]) -> None:
    store = make()
    store.open(POSTPAID)

    def send() -> None:
        for _ in range(2000):
            store.accept("2", Yieldingly(*task(1)), [], [], 0.0)

    at_once([send] * 4)
    assert store.standing("2").points == -8000


@EACH_STORE
def test_r7_task_numbers_are_never_given_twice(make: Callable[[], Store]) -> None:
    store = make()
    given: list[int] = []
    at_once([lambda: given.extend([store.next_task_id() for _ in range(500)])] * 4)
    assert len(set(given)) == 2000
    assert min(given) >= 100001
