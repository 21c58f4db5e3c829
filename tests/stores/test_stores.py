"""Every store behaves like the model store: a state machine compares them operation by operation."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.clock import ClockOverride
from sms10692_mock.domain.delivery import NO_DELIVERY_RULES, DeliveryOutcome, DeliveryRule, DeliveryRules
from sms10692_mock.domain.faults import Fault, TriggeredFault
from sms10692_mock.domain.profiles import OBSERVED
from sms10692_mock.domain.records import (
    InboundReply,
    LoggedRequest,
    Page,
    Query,
    RulesTransition,
    Settings,
    State,
    StatusReport,
    Task,
)
from sms10692_mock.domain.store import FIRST_TASK_ID, NoSuchAccount, RulesConflict, Store
from support.model_store import ModelStore
from support.stores import (
    EACH_STORE,
    POSTPAID,
    PREPAID,
    REMOTE_STORES,
    STORES,
    StoreFactory,
    build_reply,
    build_report,
    build_task,
    open_test_store,
)

Result = TypeVar("Result")

TEMPORARY = Account("3", "c", "p", points=5, temporary=True)
USERIDS = st.sampled_from(["2", "1"])
QUEUES = st.sampled_from(["reports", "replies"])
MOBILES = st.sampled_from(["13000000001", "13000000002", "1300", "号,\0", "\ud800"])
TEXTS = st.sampled_from(["T", "内容", "a'b\0c", "😀", "\udfff", ""])
SECONDS = st.sampled_from([0, 1, 2, 3, -1])
DELAYS = SECONDS | st.none()
STATES: list[State] = ["unreported", "scheduled", "waiting", "fetched"]
TIMES = st.integers(-2, 8).map(float)
FILTERS = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"number": MOBILES}),
    st.fixed_dictionaries({"text": TEXTS | st.sampled_from(["内", "VR"])}),
    st.fixed_dictionaries({"task_id": st.integers(FIRST_TASK_ID, FIRST_TASK_ID + 5)}),
    st.fixed_dictionaries({"since": TIMES}),
    st.fixed_dictionaries({"until": TIMES}),
    st.fixed_dictionaries({"state": st.sampled_from(STATES)}),
)
PAGES = st.fixed_dictionaries(
    {"newest_first": st.booleans()}, optional={"after": st.integers(0, 6), "limit": st.integers(1, 4)}
)
QUERIES = st.builds(
    lambda *some: Query(**{name: criteria[name] for criteria in some for name in criteria}), FILTERS, FILTERS, PAGES
)
ACCOUNT_CHANGES = st.sampled_from(
    [
        {"clock": ClockOverride(1.5, 2.0, 0.0), "profile": "observed"},
        {"can_read_queues": False, "clock": None},
        {
            "delivery_rules": DeliveryRules(
                (
                    DeliveryRule("13", DeliveryOutcome(20, "X", 1.5, True, "😀", "no"), 0.5, 3),
                    DeliveryRule("", DeliveryOutcome()),
                ),
                7,
            )
        },
        {"delivery_rules": DeliveryRules((), 7)},
        {
            "faults": (
                Fault(id="a", kind="truncate", operations=("send", "call"), at=3, apply=True),
                Fault(id="b", kind="bom"),
            )
        },
        {"postpaid": True},
        {"postpaid": False, "password": "\ud800'"},
    ]
)
RULES = st.sampled_from(
    [
        NO_DELIVERY_RULES,
        DeliveryRules((DeliveryRule("13", DeliveryOutcome(20, "X", 1.5, True, "😀", "no"), 0.5, 3),), 7),
        DeliveryRules((), 7),
    ]
)
SETTINGS = st.sampled_from(
    [
        {"clock": ClockOverride(0.0, 1.0, 2.5)},
        {"clock": None, "words": ()},
        {"words": ("发票", "\ud800")},
        {"faults": (Fault(id="c", kind="latency", seconds=0.5, seconds_max=1.0, seed=3, times=2, probability=0.25),)},
    ]
)


def to_tuples(value: Any) -> Any:
    """Replace all sequences by tuples: a store may return any sequence type."""
    return tuple(to_tuples(member) for member in value) if isinstance(value, (list, tuple)) else value


class ModelComparison(RuleBasedStateMachine):
    """A store and the model store, on which the same operations are executed."""

    def __init__(self, make: StoreFactory) -> None:
        super().__init__()
        self.now = 0.0
        self.real = 0.0
        self.stack = ExitStack()
        self.store = self.stack.enter_context(open_test_store(make, real_time=lambda: self.real))
        self.model = ModelStore(lambda: self.real)

    def teardown(self) -> None:
        self.stack.close()

    def compare_results(self, operation: Callable[[Any], Any]) -> None:
        """Execute an operation on both stores and compare results or exceptions."""
        results = []
        for store in (self.model, self.store):
            try:
                results.append(to_tuples(operation(store)))
            except NoSuchAccount as error:
                results.append(("NoSuchAccount", *error.args))
            except RulesConflict as error:
                results.append(("RulesConflict", error.rules))
        assert results[1] == results[0]


class QueueComparison(ModelComparison):
    """Queues of two accounts. The clock moves forward, and sometimes back."""

    def __init__(self, make: StoreFactory) -> None:
        super().__init__(make)
        self.task_ids = [FIRST_TASK_ID - 1]
        for account in (PREPAID, POSTPAID):
            self.compare_results(lambda store, account=account: store.create_account(account))  # type: ignore[misc]

    @rule(
        userid=USERIDS,
        price=st.sampled_from([1, 0, 2, 5]),
        sent=st.lists(st.tuples(MOBILES, DELAYS, DELAYS), min_size=1, max_size=4),
        content=TEXTS,
    )
    def record_send(
        self, userid: str, price: int, sent: list[tuple[str, int | None, int | None]], content: str
    ) -> None:
        task_id = self.store.next_task_id()
        assert task_id > self.task_ids[-1]
        self.task_ids.append(task_id)
        numbers = [mobile for mobile, _, _ in sent]
        task = Task(task_id, self.now, self.now + 1, numbers, content, "01", "/v2smsGBK.aspx", price, 7)
        reports = [
            build_report(self.now + delay, mobile, task_id, place)
            for place, (mobile, delay, _) in enumerate(sent)
            if delay is not None
        ]
        replies = [build_reply(self.now + delay, mobile, content) for mobile, _, delay in sent if delay is not None]
        self.compare_results(lambda store: store.record_send(userid, task, reports, replies, self.now))

    @rule(
        userid=USERIDS,
        reports=st.lists(st.tuples(MOBILES, SECONDS), max_size=3),
        replies=st.lists(st.tuples(TEXTS, SECONDS), max_size=3),
    )
    def enqueue(self, userid: str, reports: list[tuple[str, int]], replies: list[tuple[str, int]]) -> None:
        report_items = [build_report(self.now + delay, mobile) for mobile, delay in reports]
        reply_items = [build_reply(self.now + delay, "13000000001", content) for content, delay in replies]
        self.compare_results(lambda store: store.enqueue(userid, report_items, reply_items, self.now))

    @rule(userid=USERIDS, limit=st.integers(1, 5), request=st.integers(1, 9))
    def fetch_reports(self, userid: str, limit: int, request: int) -> None:
        self.compare_results(lambda store: store.fetch_reports(userid, limit, self.now, request))

    @rule(userid=USERIDS, request=st.integers(1, 9))
    def fetch_replies(self, userid: str, request: int) -> None:
        self.compare_results(lambda store: store.fetch_replies(userid, self.now, request))

    @rule(
        userid=USERIDS,
        queue=QUEUES,
        delays=st.lists(SECONDS, max_size=3),
        number=st.none() | st.integers(0, 4),
        since=st.none() | SECONDS,
    )
    def requeue(self, userid: str, queue: Any, delays: list[int], number: int | None, since: int | None) -> None:
        for request, seconds in enumerate(delays):
            self.fetch_reports(userid, 1, request)
            self.now += seconds
        earliest = None if since is None else self.now - since
        self.compare_results(lambda store: store.requeue(userid, queue, number, earliest))

    @rule(seconds=st.sampled_from([1, 2, 3, -2]))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds

    @rule(userid=USERIDS, query=QUERIES)
    def query(self, userid: str, query: Query) -> None:
        self.compare_results(lambda store: store.messages(userid, query, self.now))
        self.compare_results(lambda store: store.reports(userid, query, self.now))
        self.compare_results(lambda store: store.replies(userid, query, self.now))

    @rule(userid=USERIDS, newest_first=st.booleans())
    def query_all(self, userid: str, newest_first: bool) -> None:
        self.query(userid, Query(newest_first=newest_first, limit=10**6))

    @rule(userid=USERIDS, number=st.integers(0, 9))
    def delete_message(self, userid: str, number: int) -> None:
        self.compare_results(lambda store: store.delete_message(userid, number))

    @rule(userid=USERIDS, confirmed=st.sampled_from([False, False, True]))
    def clear_messages(self, userid: str, confirmed: bool) -> None:
        if confirmed:
            self.compare_results(lambda store: store.clear_messages(userid))

    @rule(userid=USERIDS)
    def compare_queue_stats(self, userid: str) -> None:
        self.compare_results(lambda store: store.next_due(userid, self.now))
        self.compare_results(lambda store: store.queue_stats(userid, "reports", self.now))
        self.compare_results(lambda store: store.queue_stats(userid, "replies", self.now))

    @invariant()
    def balances_are_the_same(self) -> None:
        self.compare_results(lambda store: (store.balance("1"), store.balance("2")))

    def teardown(self) -> None:
        for userid in ("1", "2"):
            self.query_all(userid, False)
            self.compare_queue_stats(userid)
            self.fetch_reports(userid, 10**6, 1)
            self.fetch_replies(userid, 1)
        super().teardown()


class AccountComparison(ModelComparison):
    """Accounts, settings and the request log."""

    def __init__(self, make: StoreFactory) -> None:
        super().__init__(make)
        self.requests = [0]

    @rule(
        account=st.sampled_from([PREPAID, TEMPORARY, replace(TEMPORARY, points=2, postpaid=True)]), keep=st.booleans()
    )
    def create_account(self, account: Account, keep: bool) -> None:
        self.compare_results(lambda store: store.create_account(account, keep=keep))

    @rule(userid=st.sampled_from(["3", "1", "2"]), changes=ACCOUNT_CHANGES)
    def reset(self, userid: str, changes: dict[str, Any]) -> None:
        self.compare_results(lambda store: store.reset(userid, lambda account: replace(account, **changes)))

    @rule(userid=st.sampled_from(["3", "1"]))
    def delete_account(self, userid: str) -> None:
        self.compare_results(lambda store: store.delete_account(userid))

    @rule(userid=st.sampled_from(["3", "1", "2"]))
    def get_account(self, userid: str) -> None:
        self.compare_results(lambda store: store.account(userid))

    @rule(last=st.none() | st.integers(1, 3))
    def list_accounts(self, last: int | None) -> None:
        self.compare_results(lambda store: store.accounts(last))

    @rule(unused=st.integers(0, 2), seconds=st.integers(0, 2), used=st.booleans())
    def expire(self, unused: int, seconds: int, used: bool) -> None:
        self.real += seconds
        if used:
            self.get_account("3")
        self.compare_results(lambda store: store.expire(self.real - unused))

    @rule(userid=st.sampled_from(["3", "1", "2"]), changes=ACCOUNT_CHANGES, points=st.integers(0, 9))
    def change_account(self, userid: str, changes: dict[str, Any], points: int) -> None:
        self.compare_results(lambda store: store.update_account(userid, lambda account: replace(account, **changes)))
        self.compare_results(lambda store: store.add_points(userid, points))
        self.compare_results(lambda store: store.set_balance(userid, 3 * points))
        self.compare_results(lambda store: store.record_send(userid, build_task(5), [], [], self.now))

    @rule(userid=st.sampled_from(["3", "1", "2"]), before=RULES, after=RULES, price=st.sampled_from([1, 9]))
    def record_send_with_rules(self, userid: str, before: DeliveryRules, after: DeliveryRules, price: int) -> None:
        used = RulesTransition(before, after)
        self.compare_results(lambda store: store.record_send(userid, build_task(price), [], [], self.now, used))

    @rule(changes=SETTINGS)
    def change_settings(self, changes: dict[str, Any]) -> None:
        self.compare_results(lambda store: store.change_settings(lambda settings: replace(settings, **changes)))

    @rule(
        userid=st.sampled_from(["1", "nobody", "\ud800"]),
        text=st.sampled_from([b"", b"mobile=13000000001", b"taskid=100001", b"T"]),
        fetched=st.none() | st.just(3),
        late=st.booleans(),
        left=st.none() | st.just(2),
    )
    def log_request(self, userid: str, text: bytes, fetched: int | None, late: bool, left: int | None) -> None:
        numbers = [self.store.next_request() for _ in range(2 if late else 1)]
        assert [self.requests[-1], *numbers] == sorted({self.requests[-1], *numbers})
        self.requests += numbers
        for number in reversed(numbers):  # requests can finish in another order than that of their numbers
            entry = LoggedRequest(
                number, 1.5, self.real, 0.25, "POST", "/v2sms.aspx", text, [("host", "x"), ("a", "b")], b"\xff\0",
                userid, "send", "", fetched, 200, "text/xml", text,
                (TriggeredFault("truncate", left), TriggeredFault("bom", None)),
            )  # fmt: skip
            self.compare_results(lambda store, entry=entry: store.log_request(entry))  # type: ignore[misc]

    @rule(userid=st.sampled_from(["1", "nobody", "\ud800", "none", None]), given_query=QUERIES, after=st.booleans())
    def query_requests(self, userid: str | None, given_query: Query, after: bool) -> None:
        query = given_query._replace(number=None if given_query.number == "\ud800" else given_query.number, text=None)
        if after:
            query = query._replace(after=self.requests[len(self.requests) // 2])
        self.compare_results(lambda store: store.requests(userid, query))

    @rule(userid=st.sampled_from(["1", None]), newest_first=st.booleans())
    def query_all_requests(self, userid: str | None, newest_first: bool) -> None:
        self.compare_results(lambda store: store.requests(userid, Query(newest_first=newest_first)))

    @rule(offset=st.integers(0, 5))
    def get_request(self, offset: int) -> None:
        number = self.requests[max(0, len(self.requests) - offset - 1)]
        self.compare_results(lambda store: store.request(number))
        self.compare_results(lambda store: store.is_logged(number))

    @rule(offset=st.integers(0, 5))
    def delete_request(self, offset: int) -> None:
        number = self.requests[max(0, len(self.requests) - offset - 1)]
        self.compare_results(lambda store: store.delete_request(number))

    @rule(confirmed=st.sampled_from([False, False, False, True]))
    def clear_request_log(self, confirmed: bool) -> None:
        if confirmed:
            self.compare_results(lambda store: store.clear_request_log())

    @invariant()
    def accounts_and_settings_are_the_same(self) -> None:
        self.compare_results(lambda store: store.userids())
        self.compare_results(lambda store: [store.balance(userid) for userid in store.userids()])
        self.compare_results(lambda store: store.settings())

    def teardown(self) -> None:
        self.compare_results(lambda store: [store.account(userid) for userid in store.userids()])
        super().teardown()


@EACH_STORE
@pytest.mark.parametrize("machine", [QueueComparison, AccountComparison])
def test_a_store_behaves_like_the_model_store(make: StoreFactory, machine: type[Any]) -> None:
    class Machine(machine):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(make)

    examples = 100 if make is STORES["memory"] else 15 if make in REMOTE_STORES.values() else 25  # others write
    run_state_machine_as_test(Machine, settings=settings(stateful_step_count=30, max_examples=examples))


OPERATIONS: dict[str, Callable[[Store], object]] = {
    "update_account": lambda store: store.update_account("9", lambda account: account),
    "reset": lambda store: store.reset("9", lambda account: account),
    "add_points": lambda store: store.add_points("9", 1),
    "set_balance": lambda store: store.set_balance("9", 1),
    "balance": lambda store: store.balance("9"),
    "record_send": lambda store: store.record_send("9", build_task(), [], [], 0.0),
    "enqueue": lambda store: store.enqueue("9", [build_report(0.0, "1")], [build_reply(0.0, "1")], 0.0),
    "enqueue nothing": lambda store: store.enqueue("9", [], [], 0.0),
    "fetch_reports": lambda store: store.fetch_reports("9", 1, 0.0, 1),
    "fetch_replies": lambda store: store.fetch_replies("9", 0.0, 1),
    "requeue": lambda store: store.requeue("9", "reports", None, None),
    "queue_stats": lambda store: store.queue_stats("9", "replies", 0.0),
    "next_due": lambda store: store.next_due("9", 0.0),
    "messages": lambda store: store.messages("9", Query(), 0.0),
    "delete_message": lambda store: store.delete_message("9", 1),
    "clear_messages": lambda store: store.clear_messages("9"),
    "reports": lambda store: store.reports("9", Query(), 0.0),
    "replies": lambda store: store.replies("9", Query(), 0.0),
}


@EACH_STORE
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_operations_on_an_unknown_account_raise_no_such_account(
    make: StoreFactory, operation: Callable[[Store], object]
) -> None:
    with open_test_store(make) as store:
        with pytest.raises(NoSuchAccount, match="9"):
            operation(store)
        assert (store.userids(), store.account("9"), store.settings()) == ([], None, Settings())


@EACH_STORE
def test_creating_an_account_again_deletes_its_data(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.create_account(PREPAID)
        store.record_send("1", build_task(), [build_report(0.0, "1", index=0)], [build_reply(5.0, "1")], 0.0)
        store.create_account(PREPAID)
        assert store.balance("1") == (20, 20, 0)
        assert [*store.fetch_reports("1", 9, 9.0, 1), *store.fetch_replies("1", 9.0, 1)] == []
        assert store.messages("1", Query(), 9.0) == Page([], False, 0)


@EACH_STORE
def test_a_requeued_item_shows_its_last_fetch(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.create_account(PREPAID)
        store.enqueue("1", [build_report(0.0, str(index)) for index in range(6)], [], 0.0)
        for now in (1.0, 2.0, 3.0):
            store.fetch_reports("1", 2, now, int(now))
        assert store.requeue("1", "reports", 3, 3.0) == 2
        assert store.requeue("1", "reports", 1, 1.0) == 1
        assert [report.mobile for report in store.fetch_reports("1", 1, 4.0, 4)] == ["3"]
        assert store.requeue("1", "reports", 0, None) == 0
        states = [queued.delivery_state for queued in store.reports("1", Query(), 4.0).items]
        assert [(state.time, state.request) for state in states] == [
            (1, 1),
            (1, 1),
            (2, 2),
            (4, 4),
            *[(None, None)] * 2,
        ]
        assert store.queue_stats("1", "reports", 4.0) == (6, 0, 2, 4, 0)


@EACH_STORE
def test_each_account_has_its_own_queues(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        store.create_account(PREPAID)
        store.create_account(POSTPAID)
        first, second = build_report(0.0, "1"), build_report(0.0, "2")
        store.enqueue("1", [first], [], 0.0)
        store.enqueue("2", [second], [], 0.0)
        assert list(store.fetch_reports("2", 9, 0.0, 1)) == [second]
        assert list(store.fetch_reports("1", 9, 0.0, 1)) == [first]


def test_items_are_ordered_by_due_time_and_then_by_arrival() -> None:
    """A hand-written check of the model store, the reference of all others."""
    store = ModelStore(lambda: 0.0)
    store.create_account(PREPAID)
    for name, due in (("c", 3.0), ("a", 1.0), ("d", 3.0), ("b", 2.0)):
        store.enqueue("1", [StatusReport(due, name, 1, 10, "", "")], [InboundReply(due, name, 1, "", "")], 0.0)
    assert [report.mobile for report in store.fetch_reports("1", 9, 2.5, 1)] == ["a", "b"]
    assert store.next_due("1", 2.5) == 3.0
    assert [report.mobile for report in store.fetch_reports("1", 1, 3.0, 2)] == ["c"]
    assert store.requeue("1", "reports", None, 2.6) == 1
    assert store.requeue("1", "reports", 1, None) == 1
    assert [report.mobile for report in store.fetch_reports("1", 9, 0.0, 3)] == ["b", "c", "d"]


@EACH_STORE
def test_profiles_added_at_run_time_are_stored_with_the_settings(make: StoreFactory) -> None:
    brand = replace(OBSERVED, name="某品牌", texts={"balance": "余额不足"}, send_time_formats=("yyyyMMddHHmmss", "0"))
    with open_test_store(make) as store:
        store.change_settings(lambda settings: replace(settings, profiles=(brand,)))
        store.change_settings(lambda settings: replace(settings, words=("x",)))
        assert store.settings() == Settings(words=("x",), profiles=(brand,))
        assert store.settings().profiles[0].differences == brand.differences
