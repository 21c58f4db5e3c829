"""Presets of the console: each changes one thing for one account, and undoes only that."""

from collections.abc import Callable
from typing import Any

import pytest

from sms10692_mock.stores.memory.store import MemoryStore
from support.console import CONSOLE_HEADERS
from support.flask_emulator import FlaskEmulator

ACCOUNT = {"userid": "12", "account": "test", "password": "mima"}


@pytest.fixture
def emulator() -> FlaskEmulator:
    return FlaskEmulator()


def toggle(emulator: FlaskEmulator, name: str) -> str:
    response = emulator.http.post(
        "/faults/preset", data={"name": name}, headers=CONSOLE_HEADERS | {"Accept-Language": "en"}
    )
    assert response.status_code == 200
    return response.text


def is_on(emulator: FlaskEmulator, name: str) -> bool:
    return f'id="preset-{name}" aria-pressed="true"' in emulator.http.get("/faults").text


@pytest.mark.parametrize(
    ("name", "fault"), [("down", {"kind": "status", "status": 503}), ("truncate", {"kind": "truncate", "at": 100})]
)
def test_a_preset_does_not_touch_an_equal_fault_of_the_user(
    emulator: FlaskEmulator, name: str, fault: dict[str, object]
) -> None:
    own = emulator.control("POST", "accounts/12/faults", fault)
    assert not is_on(emulator, name)
    assert "Added for userid 12" in toggle(emulator, name)
    assert is_on(emulator, name)
    presets = [active["preset"] for active in emulator.control("GET", "accounts/12/faults")["faults"]]
    assert presets == ["", name]
    assert "and nothing else" in toggle(emulator, name)
    assert emulator.control("GET", "accounts/12/faults")["faults"] == [own]


def test_a_preset_does_not_touch_an_equal_rule_of_the_user(emulator: FlaskEmulator) -> None:
    emulator.control("POST", "accounts/12/delivery-rules", {"number": "", "delay": 3600.0})
    emulator.control("POST", "accounts/12/delivery-rules", {"number": "", "outcome": "failed", "times": 2})
    before = emulator.control("GET", "accounts/12/delivery-rules")
    assert not is_on(emulator, "late")
    assert "3600 s late" in toggle(emulator, "late")
    assert len(emulator.control("GET", "accounts/12/delivery-rules")["rules"]) == 3
    emulator.send(ACCOUNT)
    assert "<statusbox>" not in emulator.status(ACCOUNT)
    toggle(emulator, "late")
    assert emulator.control("GET", "accounts/12/delivery-rules") == before


def test_the_low_balance_gives_back_what_it_took(emulator: FlaskEmulator) -> None:
    emulator.control("PATCH", "accounts/12", {"points": 300})
    assert "299 points, so that 1 is left" in toggle(emulator, "low_balance")
    account = emulator.control("GET", "accounts/12")
    assert (account["points"], account["send_total"]) == (1, 1)
    assert is_on(emulator, "low_balance")
    emulator.send(ACCOUNT)
    assert "299 points, and nothing else" in toggle(emulator, "low_balance")
    account = emulator.control("GET", "accounts/12")
    assert (account["points"], account["send_total"]) == (299, 300)
    assert not is_on(emulator, "low_balance")


def run_before(monkeypatch: pytest.MonkeyPatch, store: MemoryStore, name: str, action: Callable[[], object]) -> None:
    """Run an action once, just before the next call of a method of the store: as another thread would."""
    method, pending = getattr(store, name), [action]

    def call(*arguments: Any) -> Any:
        if pending:
            pending.pop()()
        return method(*arguments)

    monkeypatch.setattr(store, name, call)


@pytest.mark.parametrize("method", ["update_account", "add_points"])
def test_a_send_during_the_low_balance_is_paid(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    store = MemoryStore()
    emulator = FlaskEmulator(store=store)
    emulator.control("PATCH", "accounts/12", {"points": 300})
    run_before(monkeypatch, store, method, lambda: emulator.send(ACCOUNT))
    assert "299 points, so that" in toggle(emulator, "low_balance")
    assert "299 points, and nothing else" in toggle(emulator, "low_balance")
    account = emulator.control("GET", "accounts/12")
    assert (account["points"], account["send_total"]) == (299, 300)


def test_the_low_balance_taken_or_given_back_twice_at_once_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    emulator = FlaskEmulator(store=store)
    emulator.control("PATCH", "accounts/12", {"points": 300})
    run_before(monkeypatch, store, "update_account", lambda: toggle(emulator, "low_balance"))
    assert "0 points, so that" in toggle(emulator, "low_balance")
    assert emulator.control("GET", "accounts/12")["points"] == 1
    run_before(monkeypatch, store, "update_account", lambda: toggle(emulator, "low_balance"))
    assert "0 points, and nothing else" in toggle(emulator, "low_balance")
    account = emulator.control("GET", "accounts/12")
    assert (account["points"], account["send_total"]) == (300, 300)
    assert not is_on(emulator, "low_balance")


def test_a_balance_that_was_spent_is_no_preset_and_stays(emulator: FlaskEmulator) -> None:
    emulator.control("PATCH", "accounts/12", {"points": 0})
    assert not is_on(emulator, "low_balance")
    assert "0 points, so that" in toggle(emulator, "low_balance")
    assert is_on(emulator, "low_balance")
    emulator.http.post("/faults/clear", headers=CONSOLE_HEADERS)
    assert not is_on(emulator, "low_balance")
    assert emulator.control("GET", "accounts/12")["points"] == 0


def test_removing_all_and_a_reset_end_every_preset(emulator: FlaskEmulator) -> None:
    for path in ("/faults/clear", "/account/reset"):
        for name in ("down", "truncate", "late", "low_balance"):
            toggle(emulator, name)
        emulator.http.post(path, headers=CONSOLE_HEADERS)
        assert [name for name in ("down", "truncate", "late", "low_balance") if is_on(emulator, name)] == []
        assert emulator.control("GET", "accounts/12")["points"] == 1000


def test_the_page_says_since_when_and_how_often_a_fault_was_triggered(emulator: FlaskEmulator) -> None:
    emulator.control("POST", "faults", {"kind": "empty_body", "operations": ["send"], "times": 3})
    emulator.send(ACCOUNT)
    emulator.send(ACCOUNT)
    emulator.status(ACCOUNT)
    page = emulator.http.get("/faults", headers={"Accept-Language": "en"}).text
    assert "applied to 2 of 2 requests" in page
    assert "all accounts" in page
    (fault,) = emulator.control("GET", "faults")["faults"]
    assert (fault["triggered"], fault["evaluated"], fault["times"]) == (2, 2, 1)
    assert fault["since"].startswith("2011-12-02T22:12:11+08:00")
    assert f'<time datetime="{fault["since"]}"' in page


def test_a_saved_state_keeps_counts_and_presets(emulator: FlaskEmulator) -> None:
    toggle(emulator, "down")
    assert emulator.http.post("/v2sms.aspx", data={"action": "overage", "userid": "12"}).status_code == 503
    before = emulator.control("GET", "accounts/12/faults")
    state = emulator.http.get("/_mock/state").data
    emulator.http.post("/faults/clear", headers=CONSOLE_HEADERS)
    assert emulator.http.put("/_mock/state", data=state, content_type="application/toml").status_code == 200
    assert emulator.control("GET", "accounts/12/faults") == before
    assert is_on(emulator, "down")
