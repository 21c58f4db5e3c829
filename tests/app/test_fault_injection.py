"""Tests of faults without sockets: which requests trigger a fault, and what it changes in the response.

The same seed triggers a fault for the same requests. `tests/end_to_end/test_faults_on_the_wire.py` tests the bytes that
a client receives.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms10692 import protocol
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import parse_request
from sms10692_mock.domain.faults import Fault, evaluate, seeded_random
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.records import Settings
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.stores.memory.store import MemoryStore
from support.flask_emulator import FlaskEmulator

OPERATIONS = st.sampled_from([operation.name for operation in protocol.OPERATIONS])
FAULTS = st.builds(
    Fault,
    id=st.uuids().map(str),
    kind=st.sampled_from(["latency", "empty_body", "disconnect"]),
    operations=st.sets(OPERATIONS, max_size=2).map(tuple),
    times=st.none() | st.integers(1, 5),
    probability=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 5),
)


@given(fault=FAULTS, requests=st.lists(OPERATIONS, max_size=60))
def test_a_fault_is_triggered_only_by_its_operations_and_within_its_limit(fault: Fault, requests: list[str]) -> None:
    remaining: tuple[Fault, ...] = (fault,)
    triggered_count = 0
    for operation in requests:
        before = remaining
        triggered, remaining = evaluate(remaining, operation, ["ok"])
        triggered_count += len(triggered)
        assert not triggered or not fault.operations or operation in fault.operations
        assert before or not triggered
    matching = [operation for operation in requests if not fault.operations or operation in fault.operations]
    maximum = len(matching) if fault.times is None else min(len(matching), fault.times)
    assert triggered_count <= maximum
    if fault.probability in (0.0, 1.0):
        assert triggered_count == maximum * fault.probability
    assert (remaining == ()) == (triggered_count == fault.times)


@given(faults=st.lists(FAULTS, max_size=4), requests=st.lists(OPERATIONS, max_size=40))
def test_faults_are_independent_of_each_other(faults: list[Fault], requests: list[str]) -> None:
    combined: tuple[Fault, ...] = tuple(faults)
    separate: list[tuple[Fault, ...]] = [(fault,) for fault in faults]
    for operation in requests:
        triggered, combined = evaluate(combined, operation, ["ok"])
        results = [evaluate(faults_of_one, operation, ["ok"]) for faults_of_one in separate]
        separate = [remaining for _, remaining in results]
        assert [fault.id for fault in triggered] == [fault.id for alone, _ in results for fault in alone]


@given(text=st.text())
def test_seeded_random_numbers_are_repeatable_and_in_range(text: str) -> None:
    assert 0 <= seeded_random(text) == seeded_random(text) < 1


@given(low=st.floats(0, 100), width=st.floats(0, 100), seed=st.integers(), evaluated=st.integers(0, 1000))
def test_a_latency_is_in_its_range(low: float, width: float, seed: int, evaluated: int) -> None:
    fault = Fault(id="a", kind="latency", seconds=low, seconds_max=low + width, seed=seed, evaluated=evaluated)
    assert low <= fault.latency() <= low + width
    assert replace(fault, seconds_max=None).latency() == low


def test_latencies_differ_from_request_to_request() -> None:
    fault = Fault(id="a", kind="latency", seconds=0.0, seconds_max=1.0)
    assert all(first != second for first, second in pairwise(replace(fault, evaluated=n).latency() for n in range(50)))


# Faults in process: without a connection, a disconnect is an exception


@pytest.fixture
def emulator() -> FlaskEmulator:
    return FlaskEmulator()


@pytest.fixture
def account(emulator: FlaskEmulator) -> Any:
    return emulator.control("POST", "accounts")


def add_fault(emulator: FlaskEmulator, account: Any, kind: str, **fields: Any) -> Any:
    """Add a fault of the account that is triggered once."""
    return emulator.control("POST", f"accounts/{account['userid']}/faults", {"kind": kind, "times": 1} | fields)


@pytest.mark.parametrize(
    ("kind", "fields", "error"),
    [
        ("hang", {}, TimeoutError),
        ("disconnect", {}, ConnectionResetError),
        ("drop_fetch", {"operations": ["call"]}, ConnectionResetError),
        ("truncate", {"at": 5}, ConnectionResetError),
    ],
)
def test_a_broken_connection_is_an_exception_in_process(
    emulator: FlaskEmulator, account: Any, kind: str, fields: dict[str, Any], error: type[Exception]
) -> None:
    add_fault(emulator, account, kind, **fields)
    with pytest.raises(error, match=f"fault .*{kind}"):
        emulator.call(account)
    assert "returnsms" in emulator.call(account)


def test_a_latency_is_slept_in_process(emulator: FlaskEmulator, account: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("sms10692_mock.app.wsgi.sleep", slept.append)
    add_fault(emulator, account, "latency", seconds=7.5)
    assert "returnsms" in emulator.call(account)
    assert slept == [7.5]


@pytest.mark.parametrize("status", [200, 299, 418, 599])
def test_any_status_has_a_reason_phrase_in_process(emulator: FlaskEmulator, account: Any, status: int) -> None:
    add_fault(emulator, account, "status", status=status)
    credentials = {"action": "overage", "userid": account["userid"]}
    response = emulator.http.post("/v2sms.aspx", data=credentials)
    assert (response.status_code, response.mimetype) == (status, "text/html")


@pytest.mark.parametrize(
    ("document", "expected_error"),
    [
        ({"kind": "latency"}, "requires seconds"),
        ({"kind": "latency", "seconds": 2, "seconds_max": 1}, "less than seconds"),
        ({"kind": "latency", "seconds": 10**6}, "seconds"),
        ({"kind": "vendor_error"}, "requires message"),
        ({"kind": "vendor_error", "message": "ok"}, "message"),
        ({"kind": "vendor_error", "message": ""}, "message"),
        ({"kind": "vendor_error", "message": " \u3000"}, "message"),
        ({"kind": "vendor_error", "message": "a\nb"}, "message"),
        ({"kind": "vendor_error", "message": "a\x00"}, "message"),
        ({"kind": "vendor_error", "message": "\x85a"}, "message"),
        ({"kind": "vendor_error", "message": "a\u2028b"}, "message"),
        ({"kind": "vendor_error", "message": "\ud800"}, "message"),
        ({"kind": "vendor_error", "message": "字" * 201}, "message"),
        ({"kind": "wrong_charset"}, "requires charset"),
        ({"kind": "wrong_charset", "charset": "utf-8\r\nX: y"}, "charset"),
        ({"kind": "drop_fetch", "operations": ["send"]}, "applies to status and call only"),
        ({"kind": "vendor_error", "message": protocol.SEND.messages[1], "apply": True}, "apply"),
        ({"kind": "status", "status": 100}, "status"),
        ({"kind": "truncate", "at": -1}, "at"),
        ({"kind": "empty_body", "probability": 1.5}, "probability"),
        ({"kind": "empty_body", "times": 0}, "times"),
        ({"kind": "fire"}, "kind"),
        ({}, "kind"),
    ],
    ids=str,
)
def test_an_invalid_fault_is_refused_and_its_field_named(
    emulator: FlaskEmulator, document: dict[str, Any], expected_error: str
) -> None:
    status, error = emulator.refusal("POST", "accounts/12/faults", json=document)
    assert status == 422
    assert expected_error in error
    assert emulator.control("GET", "accounts/12/faults")["faults"] == []


def test_a_message_of_200_characters_in_one_line_is_accepted_as_it_is(emulator: FlaskEmulator) -> None:
    message = " 短信必须带【】格式签名\u3000😀" + "字" * 185 + " "
    assert len(message) == 200
    assert emulator.control("POST", "faults", {"kind": "vendor_error", "message": message})["message"] == message
    assert f"<message>{message}</message>" in emulator.http.post("/sms.aspx", data={"action": "send"}).text


def test_faults_are_listed_removed_and_gone_after_a_reset(emulator: FlaskEmulator, account: Any) -> None:
    path = f"accounts/{account['userid']}"
    first, second = (add_fault(emulator, account, kind, times=5) for kind in ("empty_body", "bom"))
    global_fault = emulator.control("POST", "faults", {"kind": "latency", "seconds": 0.001, "operations": ["overage"]})
    assert emulator.control("GET", f"{path}/faults")["faults"] == [first, second]
    assert emulator.control("GET", "faults")["faults"] == [global_fault]
    emulator.control("DELETE", f"{path}/faults/{first['id']}")
    assert [remaining["id"] for remaining in emulator.control("GET", f"{path}/faults")["faults"]] == [second["id"]]
    assert emulator.refusal("DELETE", f"{path}/faults/{first['id']}")[0] == 404
    assert emulator.refusal("DELETE", f"faults/{second['id']}")[0] == 404
    emulator.control("POST", f"{path}/reset")
    assert emulator.control("GET", f"{path}/faults")["faults"] == []
    assert emulator.control("GET", "faults")["faults"] == [global_fault]
    emulator.control("POST", "reset")
    assert emulator.control("GET", "faults")["faults"] == []


@pytest.mark.parametrize("is_global", [False, True])
def test_more_than_100_faults_are_refused_and_change_nothing(
    emulator: FlaskEmulator, account: Any, is_global: bool
) -> None:
    path = "faults" if is_global else f"accounts/{account['userid']}/faults"
    document = {"kind": "empty_body", "operations": ["call"]}
    for _ in range(100):
        emulator.control("POST", path, document)
    status, error = emulator.refusal("POST", path, json=document)
    assert (status, "at most 100 faults can be active" in error) == (422, True)
    faults = emulator.control("GET", path)["faults"]
    assert len(faults) == 100
    emulator.control("POST", "accounts/12/faults", document)  # of another account
    emulator.control("DELETE", f"{path}/{faults[0]['id']}")
    emulator.control("POST", path, document)
    assert len(emulator.control("GET", path)["faults"]) == 100


BALANCE_TOO_SMALL = "对不起，您当前要发送的量大于您当前余额"


def test_a_global_fault_affects_every_account(emulator: FlaskEmulator, account: Any) -> None:
    other = emulator.control("POST", "accounts")
    vendor_error = {"kind": "vendor_error", "message": BALANCE_TOO_SMALL, "operations": ["send"], "times": 2}
    emulator.control("POST", "faults", vendor_error)
    for affected in (account, other):
        assert BALANCE_TOO_SMALL in emulator.send(affected)
        assert emulator.control("GET", f"accounts/{affected['userid']}")["messages"] == 0
    assert "<message>ok</message>" in emulator.send(account)


def test_a_fault_of_an_account_affects_no_other(emulator: FlaskEmulator, account: Any) -> None:
    other = emulator.control("POST", "accounts")
    add_fault(emulator, account, "vendor_error", message=BALANCE_TOO_SMALL, operations=["send"])
    assert "<message>ok</message>" in emulator.send(other)
    assert BALANCE_TOO_SMALL in emulator.send(account)
    assert "<message>ok</message>" in emulator.send(account)


def test_account_faults_and_global_faults_are_combined(emulator: FlaskEmulator, account: Any) -> None:
    add_fault(emulator, account, "bom")
    emulator.control("POST", "faults", {"kind": "wrong_charset", "charset": "utf-16", "times": 1})
    credentials = {"action": "overage", "userid": account["userid"]}
    response = emulator.http.post("/v2sms.aspx", data=credentials)
    assert response.data.startswith(b"\xef\xbb\xbf<?xml")
    assert b'encoding="utf-16"' in response.data
    assert emulator.control("GET", "faults")["faults"] == []


@pytest.mark.parametrize(("apply", "messages"), [(False, 0), (True, 1), (None, 1)])
def test_a_fault_decides_whether_the_request_still_takes_effect(
    emulator: FlaskEmulator, account: Any, apply: bool | None, messages: int
) -> None:
    add_fault(emulator, account, "empty_body", apply=apply)
    assert emulator.send(account) == ""
    assert emulator.control("GET", f"accounts/{account['userid']}")["messages"] == messages


def test_a_fault_that_cannot_be_triggered_causes_no_write() -> None:
    """A fault of another operation, or with a message that the operation does not have."""
    writes: list[object] = []

    class RecordingStore(MemoryStore):
        def update_account(self, userid: str, change: Callable[[Account], Account]) -> Account:
            writes.append(userid)
            return super().update_account(userid, change)

        def change_settings(self, change: Callable[[Settings], Settings]) -> Settings:
            writes.append(change)
            return super().change_settings(change)

    other_faults = (
        Fault(id="a", kind="empty_body", operations=("send",)),
        Fault(id="b", kind="vendor_error", message=protocol.BALANCE_TOO_SMALL),
    )
    store = RecordingStore()
    store.create_account(Account("1", "a", "p", faults=other_faults))
    store.change_settings(lambda settings: replace(settings, faults=other_faults))
    writes.clear()
    vendor = Vendor(store, lambda: 0.0, Keywords(()))
    assert vendor.handle(parse_request(protocol.V2STATUS_API, {"action": "query", "userid": "1"})).faults == ()
    assert writes == []
    assert len(vendor.handle(parse_request(protocol.V2SMS, {"action": "send", "userid": "1"})).faults) == 4
    assert len(writes) == 2
