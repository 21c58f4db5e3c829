"""Limits of stored history: eviction with counts, expiry of idle accounts, reset to the configured state."""

import gc
import time
import weakref
from typing import Any

import pytest

from sms10692_mock.admin.services.initial_state import InitialState, apply_initial_state
from sms10692_mock.config import build_vendor
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.records import Limits
from sms10692_mock.stores.incremental_free import free_incrementally
from sms10692_mock.stores.memory.store import MemoryStore
from support.emulators import MANUAL_TIME, build_options
from support.flask_emulator import FlaskEmulator


def test_items_beyond_the_limits_are_evicted_and_counted() -> None:
    limits = Limits(messages=10, message_bytes=10_000, fetched=10, requests=5, request_bytes=100_000)
    emulator = FlaskEmulator(replaced_options={"limits": limits})
    account = emulator.control("POST", "accounts")
    path = f"accounts/{account['userid']}"
    for _ in range(30):
        emulator.send(account)
        emulator.status(account)
    messages, requests, reports = (
        emulator.control("GET", f"{path}/{name}?limit=1000") for name in ("messages", "requests", "reports")
    )
    assert (len(messages["items"]), messages["evicted"], messages["items"][0]["number"]) == (10, 20, 21)
    assert (len(requests["items"]), requests["evicted"]) == (5, 55)
    assert len(reports["items"]) + reports["evicted"] == 30
    assert 10 <= len(reports["items"]) <= 20
    counts = emulator.control("GET", f"{path}/queue-stats")["reports"]
    assert counts == {"created": 30, "scheduled": 0, "waiting": 0, "fetched": 30, "evicted": reports["evicted"]}
    assert emulator.refusal("GET", f"{path}/requests/1")[0] == 404
    assert emulator.control("POST", f"{path}/reports/requeue", {})["requeued"] == len(reports["items"])


def test_items_beyond_the_byte_limits_are_evicted() -> None:
    emulator = FlaskEmulator(replaced_options={"limits": Limits(message_bytes=5_100, request_bytes=50_000)})
    account = emulator.control("POST", "accounts", {"points": 10**6})
    path = f"accounts/{account['userid']}"
    for _ in range(20):
        emulator.send(account, content="x" * 1000)
    assert len(emulator.control("GET", f"{path}/messages")["items"]) == 5
    requests = emulator.control("GET", f"{path}/requests")
    assert 10 < len(requests["items"]) < 20
    assert len(requests["items"]) + requests["evicted"] == 20


def test_waiting_reports_are_never_evicted() -> None:
    emulator = FlaskEmulator(replaced_options={"limits": Limits(messages=1, fetched=1, requests=1)})
    account = emulator.control("POST", "accounts")
    for _ in range(30):
        emulator.send(account)
    assert emulator.status(account).count("<statusbox>") == 30


def test_temporary_accounts_beyond_the_limit_are_evicted_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    emulator = FlaskEmulator(accounts=["7:shop:a"], replaced_options={"limits": Limits(accounts=3)})
    waiting_account = emulator.control("POST", "accounts")
    emulator.send(waiting_account)
    created: list[dict[str, Any]] = []
    for _ in range(8):
        emulator.now += 1
        created.append(emulator.control("POST", "accounts"))
        emulator.now += 1
        emulator.send(created[0], mobile="10000000022")  # never reported, so no report waits
    listed = emulator.control("GET", "accounts")
    assert [account["userid"] for account in listed["accounts"]] == [
        "12", "7", waiting_account["userid"], created[0]["userid"], created[-2]["userid"], created[-1]["userid"],
    ]  # fmt: skip
    assert listed["evicted"] == 5
    assert "用户名或密码错误" in emulator.send(created[1])
    assert "statusbox" in emulator.status(waiting_account)
    log_lines = [record.getMessage() for record in caplog.records if "--max-accounts" in record.getMessage()]
    assert len(log_lines) == 5
    assert log_lines[0].startswith(
        "evicted the 1 least recently used temporary accounts with empty queues; the limits are 3 such"
    )


def test_the_total_history_of_all_accounts_is_bounded_while_they_send() -> None:
    """A background thread evicts messages, so the test polls."""
    emulator = FlaskEmulator(replaced_options={"limits": Limits(messages=40), "account_ttl": 1e9})
    accounts = [emulator.control("POST", "accounts") for _ in range(10)]
    for account in accounts:
        for _ in range(12):
            emulator.send(account)

    def count_messages() -> int:
        return sum(
            len(emulator.control("GET", f"accounts/{account['userid']}/messages")["items"]) for account in accounts
        )

    until = time.monotonic() + 60
    while count_messages() > 50:
        assert time.monotonic() < until
        emulator.send(accounts[0])
    assert count_messages() >= 10
    assert emulator.control("GET", "accounts")["evicted"] == 0  # each account has waiting reports


# Reset and expiry


def test_a_global_reset_restores_the_configured_state() -> None:
    emulator = FlaskEmulator(accounts=["7:shop:a:5"])
    shop = {"userid": "7", "account": "shop", "password": "a"}
    emulator.control("POST", "accounts")
    emulator.send(shop)
    emulator.control("PATCH", "accounts/7", {"top_up": 5, "profile": "observed", "can_read_queues": False})
    emulator.control("PUT", "accounts/7/delivery-rules", {"rules": [{"outcome": "unreported"}]})
    emulator.control("PUT", "accounts/7/clock", {"mode": "frozen", "now": "2020-01-01T00:00:00Z"})
    emulator.control("PUT", "clock", {"mode": "frozen", "now": "2021-01-01T00:00:00Z"})
    emulator.control("PUT", "keywords", {"words": ["x"]})
    emulator.control("POST", "faults", {"kind": "empty_body"})
    after_reset = emulator.control("POST", "reset")
    assert after_reset == emulator.control("GET", "accounts")
    assert [(account["userid"], account["points"], account["profile"]) for account in after_reset["accounts"]] == [
        ("12", 1000, "manual"),
        ("7", 5, "manual"),
    ]
    assert emulator.control("GET", "requests")["items"] == []
    assert emulator.control("GET", "accounts/7/delivery-rules")["rules"] == []
    assert emulator.control("GET", "clock")["mode"] == emulator.control("GET", "accounts/7/clock")["mode"] == "real"
    assert "发票" in emulator.control("GET", "keywords")["words"]
    assert "<message>ok<" in emulator.send(shop)
    assert "statusbox" in emulator.status(shop)


def test_a_reset_does_not_wait_until_memory_is_freed() -> None:
    # Freeing the history at once would take thirty times as long. Other processes disturb some measurements.
    assert any(measure_reset(sends=1000) < 10 * measure_reset(sends=10) for _ in range(5))


def measure_reset(sends: int) -> float:
    """Return the CPU seconds that a reset takes in this thread. Garbage collection is switched off meanwhile."""
    emulator = FlaskEmulator()
    account = emulator.control("POST", "accounts", {"points": 10**6})
    numbers = ",".join(str(13000000000 + number) for number in range(100))
    for _ in range(sends):
        emulator.send(account, mobile=numbers)
    assert emulator.control("GET", f"accounts/{account['userid']}")["messages"] == sends * 100
    gc.collect()
    gc.disable()
    try:
        started = time.thread_time()
        emulator.control("POST", f"accounts/{account['userid']}/reset")
        seconds = time.thread_time() - started
    finally:
        gc.enable()
    assert emulator.control("GET", f"accounts/{account['userid']}/messages")["items"] == []
    return seconds


def test_a_discarded_list_is_freed_while_its_iterator_yields_all_items() -> None:
    class Item:
        pass

    items = [Item() for _ in range(1200)]
    first, iterator = weakref.ref(items[0]), iter(items)
    free_incrementally([items])
    del items
    assert len(list(iterator)) == 1200
    until = time.monotonic() + 60
    while first() is not None and time.monotonic() < until:
        time.sleep(0.01)
    assert first() is None


def test_a_reset_of_one_account_changes_no_other() -> None:
    emulator = FlaskEmulator()
    first, second = (emulator.control("POST", "accounts", {"points": 7}) for _ in range(2))
    for account in (first, second):
        emulator.send(account)
    after_reset = emulator.control("POST", "reset", {"userid": first["userid"]})["accounts"]
    assert after_reset == [first]
    assert emulator.control("GET", f"accounts/{first['userid']}/messages")["items"] == []
    assert len(emulator.control("GET", f"accounts/{second['userid']}/messages")["items"]) == 1
    assert "statusbox" in emulator.status(second)
    assert emulator.refusal("POST", "reset", json={"userid": "nobody"})[0] == 404


def test_an_idle_temporary_account_expires_and_others_do_not() -> None:
    emulator = FlaskEmulator(replaced_options={"account_ttl": 100.0})
    idle, busy = (emulator.control("POST", "accounts") for _ in range(2))
    for _ in range(3):
        emulator.now += 60
        emulator.send(busy)
    assert [account["userid"] for account in emulator.control("GET", "accounts")["accounts"]] == ["12", busy["userid"]]
    assert emulator.refusal("GET", f"accounts/{idle['userid']}")[0] == 404
    assert "用户名或密码错误" in emulator.send(idle)
    emulator.now += 10**6
    assert [account["userid"] for account in emulator.control("GET", "accounts")["accounts"]] == ["12"]


def test_an_initial_state_deletes_no_other_account_of_the_store() -> None:
    now = MANUAL_TIME
    store = MemoryStore(real_time=lambda: now)
    store.create_account(Account("t1", "test-1", "s3cret", temporary=True))
    vendor = build_vendor(build_options(lambda: now), store)
    now += 3600
    report = {"mobile": "13000000001"}
    account_state = {"userid": "7", "account": "shop", "password": "geheim", "reports": [report]}
    account_state["messages"] = [report | {"content": "x"}]
    apply_initial_state(InitialState.model_validate({"accounts": [account_state]}), vendor)
    assert store.userids() == ["t1", "12", "7"]
    assert store.queue_stats("7", "reports", now).created == 1
