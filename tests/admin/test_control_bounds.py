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
from sms10692_mock.stores.memory.incremental_free import free_incrementally
from sms10692_mock.stores.memory.store import MemoryStore
from support.emulators import MANUAL_TIME, build_options
from support.flask_emulator import FlaskEmulator


def test_what_is_too_old_is_dropped_counted_and_said() -> None:
    limits = Limits(messages=10, message_bytes=10_000, fetched=10, requests=5, request_bytes=100_000)
    office = FlaskEmulator(replaced_options={"limits": limits})
    account = office.control("POST", "accounts")
    path = f"accounts/{account['userid']}"
    for _ in range(30):
        office.send(account)
        office.status(account)
    messages, requests, reports = (
        office.control("GET", f"{path}/{what}?limit=1000") for what in ("messages", "requests", "reports")
    )
    assert (len(messages["items"]), messages["evicted"], messages["items"][0]["number"]) == (10, 20, 21)
    assert (len(requests["items"]), requests["evicted"]) == (5, 55)
    assert len(reports["items"]) + reports["evicted"] == 30
    assert 10 <= len(reports["items"]) <= 20
    ledger = office.control("GET", f"{path}/queue-stats")["reports"]
    assert ledger == {"created": 30, "scheduled": 0, "waiting": 0, "fetched": 30, "evicted": reports["evicted"]}
    assert office.refusal("GET", f"{path}/requests/1")[0] == 404
    assert office.control("POST", f"{path}/reports/requeue", {})["requeued"] == len(reports["items"])


def test_what_takes_too_many_bytes_is_dropped() -> None:
    office = FlaskEmulator(replaced_options={"limits": Limits(message_bytes=5_100, request_bytes=50_000)})
    account = office.control("POST", "accounts", {"points": 10**6})
    path = f"accounts/{account['userid']}"
    for _ in range(20):
        office.send(account, content="x" * 1000)
    assert len(office.control("GET", f"{path}/messages")["items"]) == 5
    requests = office.control("GET", f"{path}/requests")
    assert 10 < len(requests["items"]) < 20
    assert len(requests["items"]) + requests["evicted"] == 20


def test_what_waits_is_never_dropped() -> None:
    office = FlaskEmulator(replaced_options={"limits": Limits(messages=1, fetched=1, requests=1)})
    account = office.control("POST", "accounts")
    for _ in range(30):
        office.send(account)
    assert office.status(account).count("<statusbox>") == 30


def test_temporary_accounts_beyond_the_limit_are_closed_counted_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    office = FlaskEmulator(accounts=["7:shop:a"], replaced_options={"limits": Limits(accounts=3)})
    waiting = office.control("POST", "accounts")
    office.send(waiting)
    made: list[dict[str, Any]] = []
    for _ in range(8):
        office.now += 1
        made.append(office.control("POST", "accounts"))
        office.now += 1
        office.send(made[0], mobile="10000000022")  # which is never reported, so nothing waits
    listed = office.control("GET", "accounts")
    assert [one["userid"] for one in listed["accounts"]] == [
        "12", "7", waiting["userid"], made[0]["userid"], made[-2]["userid"], made[-1]["userid"],
    ]  # fmt: skip
    assert listed["evicted"] == 5
    assert "用户名或密码错误" in office.send(made[1])
    assert "statusbox" in office.status(waiting)
    said = [record.getMessage() for record in caplog.records if "--max-accounts" in record.getMessage()]
    assert len(said) == 5
    assert said[0].startswith(
        "evicted the 1 least recently used temporary accounts with empty queues; the limits are 3 such"
    )


def test_the_history_of_all_accounts_together_is_bounded_while_they_send() -> None:
    """Seen to by a thread, of which nobody waits for the end: a test does."""
    office = FlaskEmulator(replaced_options={"limits": Limits(messages=40), "account_ttl": 1e9})
    accounts = [office.control("POST", "accounts") for _ in range(10)]
    for account in accounts:
        for _ in range(12):
            office.send(account)

    def kept() -> int:
        return sum(len(office.control("GET", f"accounts/{one['userid']}/messages")["items"]) for one in accounts)

    until = time.monotonic() + 60
    while kept() > 50:
        assert time.monotonic() < until
        office.send(accounts[0])
    assert kept() >= 10
    assert office.control("GET", "accounts")["evicted"] == 0  # something waits for all of them


# Beginning anew, and expiry


def test_a_reset_of_all_leaves_the_accounts_of_the_start_and_nothing_else() -> None:
    office = FlaskEmulator(accounts=["7:shop:a:5"])
    shop = {"userid": "7", "account": "shop", "password": "a"}
    office.control("POST", "accounts")
    office.send(shop)
    office.control("PATCH", "accounts/7", {"top_up": 5, "profile": "observed", "can_read_queues": False})
    office.control("PUT", "accounts/7/delivery-rules", {"rules": [{"outcome": "unreported"}]})
    office.control("PUT", "accounts/7/clock", {"mode": "frozen", "now": "2020-01-01T00:00:00Z"})
    office.control("PUT", "clock", {"mode": "frozen", "now": "2021-01-01T00:00:00Z"})
    office.control("PUT", "keywords", {"words": ["x"]})
    office.control("POST", "faults", {"kind": "empty_body"})
    begun = office.control("POST", "reset")
    assert begun == office.control("GET", "accounts")
    assert [(one["userid"], one["points"], one["profile"]) for one in begun["accounts"]] == [
        ("12", 1000, "manual"),
        ("7", 5, "manual"),
    ]
    assert office.control("GET", "requests")["items"] == []
    assert office.control("GET", "accounts/7/delivery-rules")["rules"] == []
    assert office.control("GET", "clock")["mode"] == office.control("GET", "accounts/7/clock")["mode"] == "real"
    assert "发票" in office.control("GET", "keywords")["words"]
    assert "<message>ok<" in office.send(shop)
    assert "statusbox" in office.status(shop)


def test_a_reset_waits_for_nothing_to_be_forgotten() -> None:
    of_little, of_much = reset_takes(sends=10), reset_takes(sends=1000)
    assert of_much < 10 * of_little  # forgetting it at once would take thirty times as long


def reset_takes(sends: int) -> float:
    """Seconds in which its thread computes: what others do on this machine does not count, nor garbage of others."""
    office = FlaskEmulator()
    account = office.control("POST", "accounts", {"points": 10**6})
    numbers = ",".join(str(13000000000 + number) for number in range(100))
    for _ in range(sends):
        office.send(account, mobile=numbers)
    assert office.control("GET", f"accounts/{account['userid']}")["messages"] == sends * 100
    gc.collect()
    gc.disable()
    try:
        begun = time.thread_time()
        office.control("POST", f"accounts/{account['userid']}/reset")
        took = time.thread_time() - begun
    finally:
        gc.enable()
    assert office.control("GET", f"accounts/{account['userid']}/messages")["items"] == []
    return took


def test_what_is_discarded_is_freed_and_who_looks_at_it_sees_it_whole() -> None:
    class Thing:
        pass

    pile = [Thing() for _ in range(1200)]
    first, looked_at = weakref.ref(pile[0]), iter(pile)
    free_incrementally([pile])
    del pile
    assert len(list(looked_at)) == 1200
    until = time.monotonic() + 60
    while first() is not None and time.monotonic() < until:
        time.sleep(0.01)
    assert first() is None


def test_a_reset_of_one_leaves_the_others_alone() -> None:
    office = FlaskEmulator()
    one, other = (office.control("POST", "accounts", {"points": 7}) for _ in range(2))
    for account in (one, other):
        office.send(account)
    begun = office.control("POST", "reset", {"userid": one["userid"]})["accounts"]
    assert begun == [one]
    assert office.control("GET", f"accounts/{one['userid']}/messages")["items"] == []
    assert len(office.control("GET", f"accounts/{other['userid']}/messages")["items"]) == 1
    assert "statusbox" in office.status(other)
    assert office.refusal("POST", "reset", json={"userid": "nobody"})[0] == 404


def test_a_throw_away_account_that_nobody_uses_expires_and_others_do_not() -> None:
    office = FlaskEmulator(replaced_options={"account_ttl": 100.0})
    idle, busy = (office.control("POST", "accounts") for _ in range(2))
    for _ in range(3):
        office.now += 60
        office.send(busy)
    assert [one["userid"] for one in office.control("GET", "accounts")["accounts"]] == ["12", busy["userid"]]
    assert office.refusal("GET", f"accounts/{idle['userid']}")[0] == 404
    assert "用户名或密码错误" in office.send(idle)
    office.now += 10**6
    assert [one["userid"] for one in office.control("GET", "accounts")["accounts"]] == ["12"]


def test_a_start_state_closes_no_account_of_others_in_the_same_store() -> None:
    now = MANUAL_TIME
    store = MemoryStore(real_time=lambda: now)
    store.create_account(Account("t1", "test-1", "s3cret", temporary=True))
    vendor = build_vendor(build_options(lambda: now), store)
    now += 3600
    report = {"mobile": "13000000001"}
    seeded = {"userid": "7", "account": "shop", "password": "geheim", "reports": [report]}
    seeded["messages"] = [report | {"content": "x"}]
    apply_initial_state(InitialState.model_validate({"accounts": [seeded]}), vendor)
    assert store.userids() == ["t1", "12", "7"]
    assert store.queue_stats("7", "reports", now).created == 1
