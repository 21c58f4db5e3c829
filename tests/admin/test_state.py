"""The whole state as a document: from any store into any store, exactly; an invalid document changes nothing."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.domain.records import Limits
from sms10692_mock.domain.store import FIRST_TASK_ID, Store
from sms10692_mock.stores import factory
from support.flask_emulator import FlaskEmulator
from support.http_client import TIMEOUT
from support.stores import EACH_STORE, STORES, StoreFactory, open_test_store

MANUAL: Final = {"userid": "12", "account": "test", "password": "mima"}
OTHER: Final = {"userid": "商户 7", "account": "shop", "password": 'a"\\b'}
ACCOUNTS: Final = (MANUAL, OTHER)
NUMBERS: Final = ("15023239810", "10000000020", "10000000022", "10000000023", "10000000030", "138", "")


@contextmanager
def emulator_on(make: StoreFactory) -> Iterator[FlaskEmulator]:
    """An emulator on a new store, whose wall clock stands still."""
    with open_test_store(make) as store:
        yield FlaskEmulator(store=store)


def get_state(emulator: FlaskEmulator) -> str:
    response = emulator.http.get("/_mock/state")
    assert response.status_code == 200, response.text
    assert response.content_type == "application/toml; charset=utf-8"
    return response.text


def put_state(emulator: FlaskEmulator, state: str) -> tuple[int, Any]:
    response = emulator.http.put("/_mock/state", data=state.encode(), content_type="application/toml")
    return response.status_code, response.json


def get_vendor_bytes(emulator: FlaskEmulator) -> list[str]:
    """What the vendor's endpoints answer from now on: fetches in two steps, balances, and sends.

    The numbers of new tasks are replaced in their order: a Valkey store leaves some out when time passes.
    """
    answers = []
    for account in ACCOUNTS:
        answers += [
            emulator.post("/v2statusApi.aspx", account, action="query", statusNum="2"),
            emulator.status(account),
            emulator.call(account),
            emulator.post("/v2sms.aspx", account, action="overage"),
            emulator.send(account, mobile="15023239810,10000000030", content="发票"),
            emulator.send(account, mobile="13800000000,15023239810,10000000030"),
            emulator.status(account),
        ]
    text = "\0".join(answers)
    for index, number in enumerate(re.findall("<taskID>([1-9][0-9]*)<", text)):
        text = text.replace(f">{number}<", f">new task {index}<")
    return text.split("\0")


# Operations of an emulator, each with the account that it changes.

Operation = Callable[[FlaskEmulator, dict[str, str]], object]


def control(method: str, path: str, **document: Any) -> Operation:
    """A request to the control API, which must succeed."""

    def run(emulator: FlaskEmulator, account: dict[str, str]) -> None:
        url = f"/_mock/accounts/{account['userid']}/{path}".rstrip("/")
        response = emulator.http.open(url, method=method, json=document)
        assert response.status_code in (200, 201), response.text

    return run


SENDS: Final = st.builds(
    lambda numbers, content, send_time: (
        lambda emulator, account: emulator.send(account, mobile=",".join(numbers), content=content, sendTime=send_time)
    ),
    st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=4),
    st.sampled_from(["x", "【店】您好\r\n'\"\\", "😀\x7f"]),
    st.sampled_from(["", "2011-12-02 22:12:31", "2010-01-01 00:00:00"]),
)
FETCHES: Final = st.sampled_from(["1", "2", "4000"]).map(
    lambda number: (
        lambda emulator, account: emulator.post("/v2statusApi.aspx", account, action="query", statusNum=number)
    )
)
SECONDS: Final = st.sampled_from([0, 10, 20, 30])
CHANGES: Final = st.one_of(
    SENDS,
    FETCHES,
    st.just(lambda emulator, account: emulator.call(account)),
    st.builds(
        lambda mobile, seconds: control("POST", "reports", mobile=mobile, seconds=seconds),
        st.sampled_from(NUMBERS[:2]),
        SECONDS,
    ),
    st.builds(
        lambda mobile, seconds: control("POST", "replies", mobile=mobile, content="T", seconds=seconds),
        st.sampled_from(NUMBERS[:2]),
        SECONDS,
    ),
    st.sampled_from(["reports", "replies"]).map(lambda queue: control("POST", f"{queue}/requeue", count=2)),
    st.integers(0, 59).map(
        lambda second: control("PUT", "clock", mode="frozen", now=f"2011-12-02T22:12:{second:02}.25+08:00")
    ),
    SECONDS.map(lambda seconds: control("POST", "clock/advance", seconds=seconds)),
    st.just(control("PUT", "clock", mode="running", speed=2.5)),
    st.just(control("GET", "queue-stats")),  # releases what is due
    st.just(control("POST", "faults", kind="vendor_error", message="其他错误", times=3, probability=0.5, seed=7)),
    st.just(control("POST", "delivery-rules", number="150", outcome="failed", probability=0.5, times=9)),
    st.just(control("PATCH", "", top_up=7)),
)
HISTORY: Final = st.lists(st.tuples(st.sampled_from(ACCOUNTS), CHANGES), max_size=25)


def build_history(emulator: FlaskEmulator, history: list[tuple[dict[str, str], Operation]]) -> None:
    emulator.control("POST", "accounts", OTHER | {"points": 30, "private_clock": True})
    for account in ACCOUNTS:
        emulator.send(account, mobile=",".join(NUMBERS[:2]))  # a number to which nothing was sent gets no item
    for account, operation in history:
        operation(emulator, account)


def check_round_trip(
    source: StoreFactory, target: StoreFactory, history: list[tuple[dict[str, str], Operation]]
) -> None:
    with ExitStack() as stack:
        original, restored = (stack.enter_context(emulator_on(make)) for make in (source, target))
        build_history(original, history)
        state = get_state(original)
        status, document = put_state(restored, state)
        assert (status, document.get("error")) == (200, None)
        assert get_state(restored) == state
        assert get_vendor_bytes(restored) == get_vendor_bytes(original)


PAIRS: Final = [("memory", "memory"), ("memory", "sqlite"), ("sqlite", "memory")]


@pytest.mark.slow("Restores many histories.")
@pytest.mark.parametrize("pair", PAIRS, ids=" to ".join)
@given(history=HISTORY)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_restored_emulator_answers_the_same_bytes(
    pair: tuple[str, str], history: list[tuple[dict[str, str], Operation]]
) -> None:
    check_round_trip(STORES[pair[0]], STORES[pair[1]], history)


def send(mobile: str, **fields: str) -> Operation:
    return lambda emulator, account: emulator.send(account, mobile=mobile, **fields)


def fetch(number: int) -> Operation:
    return lambda emulator, account: emulator.post("/v2statusApi.aspx", account, action="query", statusNum=str(number))


def freeze(second: int) -> Operation:
    return control("PUT", "clock", mode="frozen", now=f"2011-12-02T22:12:{second:02}+08:00")


EXAMPLES: Final[dict[str, list[Operation]]] = {
    "a clock that goes back": [freeze(50), send("150"), freeze(10), send("151"), fetch(3), freeze(40), send("152")],
    "late reports between others": [
        freeze(0),
        send("10000000023,150"),
        send("151", sendTime="2011-12-02 22:12:10"),
        freeze(20),
        fetch(4),
        freeze(45),
        send("152"),
    ],
    "added by hand before and after": [
        freeze(0),
        control("POST", "reports", mobile="15023239810", seconds=30),
        send("10000000023"),
        control("POST", "reports", mobile="15023239810", seconds=30),
        control("POST", "reports", mobile="15023239810"),
        send("150"),
        control("POST", "replies", mobile="15023239810", content="T", seconds=30),
    ],
    "a part of equal due times": [freeze(0), send("10000000023,10000000023,10000000023"), freeze(31), fetch(3)],
    "fetched and given back": [
        freeze(5),
        send("150,151"),
        fetch(2),
        fetch(2),
        control("POST", "reports/requeue", count=1),
    ],
}


ONE_PROCESS: Final = {name: make for name, make in STORES.items() if name != "two sqlite stores"}
"""Stores of one process. Of two processes, the one that sends may have a smaller task number than the other."""


@pytest.mark.parametrize("make", ONE_PROCESS.values(), ids=ONE_PROCESS)
def test_queues_of_every_order_are_restored(make: StoreFactory) -> None:
    for target in (make, STORES["memory"]):
        source = STORES["memory"] if target is make else make
        history = [
            (account, operation) for operations in EXAMPLES.values() for operation in operations for account in ACCOUNTS
        ]
        check_round_trip(source, target, history)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_queue_is_restored(name: str) -> None:
    check_round_trip(STORES["memory"], STORES["memory"], [(OTHER, operation) for operation in EXAMPLES[name]])


def test_clock_words_faults_profiles_and_permissions_come_back() -> None:
    original, restored = FlaskEmulator(postpaid=["12"]), FlaskEmulator()
    original.control("PUT", "clock", {"mode": "running", "now": "2011-12-02T22:12:11.000001+08:00", "speed": 0.5})
    original.control("PUT", "keywords", {"words": ["b", "a\n好"]})
    original.control("POST", "faults", {"kind": "latency", "seconds": 0.1, "seconds_max": 0.2, "operations": ["call"]})
    original.control("PUT", "profiles/某品牌", {"billing": "recipient", "texts": {"balance": '余额"不足"'}})
    original.control("POST", "accounts", OTHER | {"profile": "某品牌", "can_read_queues": False})
    state = get_state(original)
    assert put_state(restored, state) == (200, {"accounts": 2, "sends": 0, "reports": 0, "replies": 0})
    assert get_state(restored) == state
    for path in ("clock", "keywords", "faults", "profiles/某品牌", "accounts"):
        assert restored.control("GET", path) == original.control("GET", path)


def test_the_task_numbers_continue_after_those_of_the_state() -> None:
    original, restored = FlaskEmulator(), FlaskEmulator()
    original.send(MANUAL)
    original.send(MANUAL, mobile="10000000008")  # refused, after a number was allocated
    put_state(restored, get_state(original))
    sent = [re.findall("<taskID>([0-9]+)<", emulator.send(MANUAL)) for emulator in (original, restored)]
    assert sent[0] == sent[1]
    put_state(restored, "last_task_id = 100001\naccounts = [{userid = '12', account = 'test', password = 'mima'}]\n")
    (later,) = re.findall("<taskID>([0-9]+)<", restored.send(MANUAL))
    assert int(later) == int(sent[0][0]) + 1, "a task number is never used twice"


@EACH_STORE
def test_the_last_task_number_is_known(make: StoreFactory) -> None:
    """Of two processes, one may have reserved further numbers."""
    with open_test_store(make) as store:
        assert store.last_task_id() == FIRST_TASK_ID - 1
        for _ in range(5):
            number = store.next_task_id()
            assert store.last_task_id() == number or make is STORES["two sqlite stores"]
            assert store.last_task_id() >= number


SHOP: Final = "[[accounts]]\nuserid = '7'\naccount = 'a'\npassword = 'p'\n"


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ("\n", "line 1: the document is empty"),
        ("accounts = [", "line 1: the document is not valid TOML"),
        (f"{SHOP}pasword = 'x'", "line 1: accounts.0: there is no field pasword"),
        (f"{SHOP}points = -1", "line 5: accounts.0.points: Input should be greater than or equal to 0"),
        (f"{SHOP}{SHOP}", "line 6: accounts.1.userid: two accounts have the same userid"),
        (f"{SHOP}profile = 'x'", "line 5: accounts.0.profile: no profile is called 'x'"),
        (f"{SHOP}balance = 1", "line 1: accounts.0: Value error, balance and send_total belong together"),
        ("[[profiles]]\nname = 'x'\nbiling = 'x'", "line 3: profiles.0.biling: biling is no key of a profile"),
        ("[[profiles]]\nname = 'manual'", "line 2: profiles.0.name: name must be a text"),
        ("clock = {at = 2011-12-02T22:12:11+08:00, since = 1}", "line 1: clock.since: Value error, a time must have"),
        (
            f"{SHOP}report_queue = [\n{{task_id = 100001, index = 0}}]",
            "line 6: accounts.0.report_queue.0: mobile and due are required",
        ),
        (
            f"{SHOP}sends = [\n"
            "{task_id = 100001, sent_at = 2011-12-02T22:12:11+08:00, numbers = ['150'], content = 'x'}]\n"
            "report_queue = [\n{task_id = 100001, index = 1}]",
            "line 8: accounts.0.report_queue.0: the send 100001 has only 1 numbers",
        ),
        (
            f"{SHOP}sends = [\n"
            "{task_id = 100001, sent_at = 2011-12-02T22:12:10+08:00, numbers = ['150', '151'], content = 'x'}]\n"
            "report_queue = [\n{task_id = 100001, index = 1},\n{task_id = 100001, index = 0}]",
            "line 8: accounts.0.report_queue.0: this item cannot come here",
        ),
        (
            f"{SHOP}reply_queue = [\n{{task_id = 1, mobile = '1', content = 'T', due = 2011-12-02T22:12:11Z}},\n"
            "{task_id = 1, mobile = '1', content = 'T', due = 2011-12-02T22:12:11Z, fetched = 2011-12-02T22:12:12Z}]",
            "line 7: accounts.0.reply_queue.1: items are in the order fetched, waiting, scheduled",
        ),
    ],
)
def test_an_invalid_state_changes_nothing_and_has_one_error_with_its_line(state: str, error: str) -> None:
    emulator = FlaskEmulator()
    emulator.send(MANUAL)
    before = get_state(emulator)
    status, document = put_state(emulator, state)
    assert status == 422
    assert document["error"].startswith(f"state: {error}"), document
    assert get_state(emulator) == before


def test_a_state_that_is_no_utf8_is_refused_with_its_line() -> None:
    response = FlaskEmulator().http.put("/_mock/state", data=b"# a\n# \xff", content_type="application/toml")
    assert response.json == {"error": "state: line 2: the document is not UTF-8 (byte 6)"}


def test_only_readers_who_may_see_passwords_get_the_state() -> None:
    assert FlaskEmulator(AccessPolicy(token="secret")).http.get("/_mock/state").status_code == 401
    response = FlaskEmulator().http.get("/_mock/state", environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert response.status_code == 403
    assert "mima" not in response.text


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_page_of_another_site_cannot_send_a_state(content_type: str) -> None:
    """These types need no CORS preflight."""
    emulator = FlaskEmulator()
    assert emulator.http.put("/_mock/state", data=b"", content_type=content_type).status_code == 415
    assert put_state(emulator, "accounts = []")[0] == 200


def test_a_state_that_fails_while_it_is_restored_loses_no_account() -> None:
    """The cost of a message is added to the balance before it is sent, and the sum is beyond the limit."""
    emulator = FlaskEmulator()
    emulator.send(MANUAL)
    before = get_state(emulator)
    state = f"{SHOP}points = 1000000000000000\nmessages = [{{mobile = '150', content = 'x'}}]\n"
    status, document = put_state(emulator, state)
    assert status == 422
    assert document["error"].startswith("state: line 1: accounts.0: a balance is from -1000000000000000"), document
    assert get_state(emulator) == before


def test_a_second_request_that_replaces_the_state_at_the_same_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    emulator = FlaskEmulator()
    answers = []

    def wipe_and_put(store: Store) -> None:
        monkeypatch.undo()
        answers.append(put_state(emulator, "accounts = []"))
        factory.wipe(store)

    monkeypatch.setattr("sms10692_mock.admin.services.state.wipe", wipe_and_put)
    assert put_state(emulator, SHOP)[0] == 200
    error = "another request is replacing the state: repeat this one when it has ended"
    assert answers == [(409, {"error": error})]
    assert 'userid = "7"' in get_state(emulator)
    assert put_state(emulator, "accounts = []")[0] == 200


MESSAGE: Final = "{mobile = '1', content = 'x'}"
SEND: Final = "{{task_id = {}, sent_at = 2011-12-02T22:12:11+08:00, numbers = ['150', '151'], content = 'x'}}"
FETCHED: Final = "mobile = '1', content = 'T', due = 2011-12-02T22:12:11Z, fetched = 2011-12-02T22:12:12Z"


@pytest.mark.parametrize(
    ("state", "problem"),
    [
        (
            f"{SHOP}sends = [{SEND.format(100001)}, {SEND.format(100002)}]\n",
            "the account 7 has 4 messages, and the emulator keeps 3: increase --max-messages",
        ),
        (
            f"{SHOP}messages = [{', '.join([MESSAGE] * 4)}]\n",
            "the account 7 has 4 messages, and the emulator keeps 3: increase --max-messages",
        ),
        (
            f"{SHOP}sends = [{SEND.format(100001)}]\n{SHOP.replace('7', '8')}sends = [{SEND.format(100002)}]\n",
            "the accounts up to here have 4 messages, and the emulator keeps 3: increase --max-messages",
        ),
        (
            f"{SHOP}reply_queue = [{', '.join([f'{{task_id = 1, {FETCHED}}}'] * 3)}]\n",
            "the account 7 has 3 fetched replies, and the emulator keeps 2: increase --max-messages",
        ),
        (
            "".join(f"{SHOP.replace('7', name)}temporary = true\n" for name in "12"),
            "the accounts up to here have 2 temporary accounts with empty queues, and the emulator keeps 1: "
            "increase --max-accounts",
        ),
    ],
)
def test_a_state_of_which_the_store_would_delete_a_part_is_refused(state: str, problem: str) -> None:
    emulator = FlaskEmulator(replaced_options={"limits": Limits(messages=3, fetched=2, accounts=1)})
    before = get_state(emulator)
    status, document = put_state(emulator, state)
    assert status == 422
    assert document["error"].endswith(f": {problem}"), document
    assert get_state(emulator) == before


@pytest.mark.parametrize(
    "entries",
    [
        f"sends = [{SEND.format(100001)}, {SEND.format(100007)}, {SEND.format(100003)}]",
        "report_queue = [{task_id = 100007, mobile = '1', due = 2011-12-02T22:12:11Z}]",
        "reply_queue = [{task_id = 100007, mobile = '1', content = 'T', due = 2011-12-02T22:12:11Z}]",
    ],
)
def test_a_send_after_a_restore_has_a_greater_task_number_than_every_restored_item(entries: str) -> None:
    emulator = FlaskEmulator()
    assert put_state(emulator, f"{SHOP}{entries}\n")[0] == 200
    assert "<taskID>100008<" in emulator.send({"userid": "7", "account": "a", "password": "p"})


def test_the_greatest_task_number_of_a_state_comes_back() -> None:
    emulator = FlaskEmulator()
    assert put_state(emulator, f"{SHOP}sends = [{SEND.format(10**15)}]\n")[0] == 200
    state = get_state(emulator)
    assert state.startswith("last_task_id = 1000000000000000\n")
    assert put_state(emulator, state)[0] == 200
    assert "<taskID>1000000000000001<" in emulator.send({"userid": "7", "account": "a", "password": "p"})
    for too_great in (f"last_task_id = {10**15 + 1}\n", f"{SHOP}sends = [{SEND.format(10**15 + 1)}]\n"):
        status, document = put_state(emulator, too_great)
        assert status == 422
        assert document["error"].endswith(": Input should be less than or equal to 1000000000000000")


@pytest.mark.parametrize("last", [FIRST_TASK_ID + 70, FIRST_TASK_ID + 10**12], ids=["near", "far"])
@EACH_STORE
def test_task_numbers_are_skipped_at_once(make: StoreFactory, last: int) -> None:
    with open_test_store(make) as store:
        first = store.next_task_id()
        store.skip_task_ids(first - 1)
        assert store.next_task_id() > first
        store.skip_task_ids(last)
        assert store.last_task_id() == last
        numbers = [store.next_task_id() for _ in range(3)]
        store.skip_task_ids(last)
        numbers.append(store.next_task_id())
        assert numbers[0] == last + 1
        assert numbers == sorted(set(numbers))
        assert numbers[-1] < last + 100


@EACH_STORE
def test_numbers_that_are_used_while_others_are_skipped_are_unique_and_increase(make: StoreFactory) -> None:
    with open_test_store(make) as store, ThreadPoolExecutor(8) as threads:
        first = store.next_task_id()

        def use(count: int) -> list[int]:
            return [store.next_task_id() for _ in range(count)]

        def skip(last: int) -> int:
            store.skip_task_ids(last)
            number = store.next_task_id()
            assert number > last
            return number

        used = [threads.submit(use, 100) for _ in range(4)]
        skipped = [threads.submit(skip, first + 500 * step) for step in range(8)]
        runs = [run.result(TIMEOUT) for run in used]
        numbers = [first, *(number for run in runs for number in run), *(run.result(TIMEOUT) for run in skipped)]
    assert len(set(numbers)) == len(numbers)
    assert all(run == sorted(run) for run in runs)


FAULT: Final = "{id = 'f', kind = 'hang'}"


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (
            f"{SHOP}sends = [\n{SEND.format(100001)}]\n{SHOP.replace('7', '8')}sends = [\n{SEND.format(100001)}]\n",
            "line 12: accounts.1.sends.0.task_id: two accounts have a send with the task_id 100001",
        ),
        (f"faults = [\n{FAULT},\n{FAULT}]\n", "line 3: faults.1.id: two faults have the id f"),
        (f"{SHOP}faults = [\n{FAULT},\n{FAULT}]\n", "line 7: accounts.0.faults.1.id: two faults have the id f"),
    ],
)
def test_a_number_or_id_that_occurs_twice_is_refused_with_its_line(state: str, error: str) -> None:
    assert put_state(FlaskEmulator(), state) == (422, {"error": f"state: {error}"})
