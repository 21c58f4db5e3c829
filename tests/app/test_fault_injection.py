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
def test_a_fault_is_triggered_only_by_its_operations_and_only_as_often_as_it_says(
    fault: Fault, requests: list[str]
) -> None:
    left: tuple[Fault, ...] = (fault,)
    strikes = 0
    for operation in requests:
        before = left
        now, left = evaluate(left, operation, ["ok"])
        strikes += len(now)
        assert not now or not fault.operations or operation in fault.operations
        assert before or not now
    fitting = [one for one in requests if not fault.operations or one in fault.operations]
    most = len(fitting) if fault.times is None else min(len(fitting), fault.times)
    assert strikes <= most
    if fault.probability in (0.0, 1.0):
        assert strikes == most * fault.probability
    assert (left == ()) == (strikes == fault.times)


@given(faults=st.lists(FAULTS, max_size=4), requests=st.lists(OPERATIONS, max_size=40))
def test_faults_are_independent_of_each_other(faults: list[Fault], requests: list[str]) -> None:
    together: tuple[Fault, ...] = tuple(faults)
    alone: list[tuple[Fault, ...]] = [(fault,) for fault in faults]
    for operation in requests:
        now, together = evaluate(together, operation, ["ok"])
        each = [evaluate(one, operation, ["ok"]) for one in alone]
        alone = [left for _, left in each]
        assert [one.id for one in now] == [one.id for strikes, _ in each for one in strikes]


@given(text=st.text())
def test_seeded_random_numbers_are_repeatable_and_in_range(text: str) -> None:
    assert 0 <= seeded_random(text) == seeded_random(text) < 1


@given(low=st.floats(0, 100), width=st.floats(0, 100), seed=st.integers(), seen=st.integers(0, 1000))
def test_a_latency_is_in_its_range(low: float, width: float, seed: int, seen: int) -> None:
    fault = Fault(id="a", kind="latency", seconds=low, seconds_max=low + width, seed=seed, evaluated=seen)
    assert low <= fault.latency() <= low + width
    assert replace(fault, seconds_max=None).latency() == low


def test_latencies_differ_from_request_to_request() -> None:
    fault = Fault(id="a", kind="latency", seconds=0.0, seconds_max=1.0)
    assert all(one != other for one, other in pairwise(replace(fault, evaluated=n).latency() for n in range(50)))


# In process there is no connection, so a broken one is an exception


@pytest.fixture
def office() -> FlaskEmulator:
    return FlaskEmulator()


@pytest.fixture
def account(office: FlaskEmulator) -> Any:
    return office.control("POST", "accounts")


def fault(office: FlaskEmulator, account: Any, kind: str, **given: Any) -> Any:
    return office.control("POST", f"accounts/{account['userid']}/faults", {"kind": kind, "times": 1} | given)


@pytest.mark.parametrize(
    ("kind", "given", "error"),
    [
        ("hang", {}, TimeoutError),
        ("disconnect", {}, ConnectionResetError),
        ("drop_fetch", {"operations": ["call"]}, ConnectionResetError),
        ("truncate", {"at": 5}, ConnectionResetError),
    ],
)
def test_a_broken_connection_is_an_exception_inside_the_process(
    office: FlaskEmulator, account: Any, kind: str, given: dict[str, Any], error: type[Exception]
) -> None:
    fault(office, account, kind, **given)
    with pytest.raises(error, match="a fault"):
        office.call(account)
    assert "returnsms" in office.call(account)


def test_a_latency_is_slept_inside_the_process(
    office: FlaskEmulator, account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("sms10692_mock.app.wsgi.sleep", slept.append)
    fault(office, account, "latency", seconds=7.5)
    assert "returnsms" in office.call(account)
    assert slept == [7.5]


@pytest.mark.parametrize("status", [200, 299, 418, 599])
def test_any_status_has_a_reason_phrase_inside_the_process(office: FlaskEmulator, account: Any, status: int) -> None:
    fault(office, account, "status", status=status)
    credentials = {"action": "overage", "userid": account["userid"]}
    response = office.http.post("/v2sms.aspx", data=credentials)
    assert (response.status_code, response.mimetype) == (status, "text/html")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"kind": "latency"}, "requires seconds"),
        ({"kind": "latency", "seconds": 2, "seconds_max": 1}, "less than seconds"),
        ({"kind": "latency", "seconds": 10**6}, "seconds"),
        ({"kind": "vendor_error"}, "requires message"),
        ({"kind": "vendor_error", "message": "ok"}, "message"),
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
    office: FlaskEmulator, document: dict[str, Any], said: str
) -> None:
    status, words = office.refusal("POST", "accounts/12/faults", json=document)
    assert status == 422
    assert said in words
    assert office.control("GET", "accounts/12/faults")["faults"] == []


def test_faults_are_listed_removed_and_gone_after_a_reset(office: FlaskEmulator, account: Any) -> None:
    path = f"accounts/{account['userid']}"
    one, two = (fault(office, account, kind, times=5) for kind in ("empty_body", "bom"))
    for_all = office.control("POST", "faults", {"kind": "latency", "seconds": 0.001, "operations": ["overage"]})
    assert office.control("GET", f"{path}/faults")["faults"] == [one, two]
    assert office.control("GET", "faults")["faults"] == [for_all]
    office.control("DELETE", f"{path}/faults/{one['id']}")
    assert [left["id"] for left in office.control("GET", f"{path}/faults")["faults"]] == [two["id"]]
    assert office.refusal("DELETE", f"{path}/faults/{one['id']}")[0] == 404
    assert office.refusal("DELETE", f"faults/{two['id']}")[0] == 404
    office.control("POST", f"{path}/reset")
    assert office.control("GET", f"{path}/faults")["faults"] == []
    assert office.control("GET", "faults")["faults"] == [for_all]
    office.control("POST", "reset")
    assert office.control("GET", "faults")["faults"] == []


@pytest.mark.parametrize("for_all", [False, True])
def test_more_than_a_hundred_faults_are_refused_and_change_nothing(
    office: FlaskEmulator, account: Any, for_all: bool
) -> None:
    path = "faults" if for_all else f"accounts/{account['userid']}/faults"
    document = {"kind": "empty_body", "operations": ["call"]}
    for _ in range(100):
        office.control("POST", path, document)
    status, words = office.refusal("POST", path, json=document)
    assert (status, "at most 100 faults can be active" in words) == (422, True)
    faults = office.control("GET", path)["faults"]
    assert len(faults) == 100
    office.control("POST", "accounts/12/faults", document)  # another's
    office.control("DELETE", f"{path}/{faults[0]['id']}")
    office.control("POST", path, document)
    assert len(office.control("GET", path)["faults"]) == 100


TOO_SMALL = "对不起，您当前要发送的量大于您当前余额"


def test_a_global_fault_affects_every_account(office: FlaskEmulator, account: Any) -> None:
    other = office.control("POST", "accounts")
    refusing = {"kind": "vendor_error", "message": TOO_SMALL, "operations": ["send"], "times": 2}
    office.control("POST", "faults", refusing)
    for struck_one in (account, other):
        assert TOO_SMALL in office.send(struck_one)
        assert office.control("GET", f"accounts/{struck_one['userid']}")["messages"] == 0
    assert "<message>ok</message>" in office.send(account)


def test_a_fault_of_an_account_affects_no_other(office: FlaskEmulator, account: Any) -> None:
    other = office.control("POST", "accounts")
    fault(office, account, "vendor_error", message=TOO_SMALL, operations=["send"])
    assert "<message>ok</message>" in office.send(other)
    assert TOO_SMALL in office.send(account)
    assert "<message>ok</message>" in office.send(account)


def test_account_faults_and_global_faults_are_combined(office: FlaskEmulator, account: Any) -> None:
    fault(office, account, "bom")
    office.control("POST", "faults", {"kind": "wrong_charset", "charset": "utf-16", "times": 1})
    credentials = {"action": "overage", "userid": account["userid"]}
    response = office.http.post("/v2sms.aspx", data=credentials)
    assert response.data.startswith(b"\xef\xbb\xbf<?xml")
    assert b'encoding="utf-16"' in response.data
    assert office.control("GET", "faults")["faults"] == []


@pytest.mark.parametrize(("apply", "messages"), [(False, 0), (True, 1), (None, 1)])
def test_a_fault_decides_whether_the_request_still_takes_effect(
    office: FlaskEmulator, account: Any, apply: bool | None, messages: int
) -> None:
    fault(office, account, "empty_body", apply=apply)
    assert office.send(account) == ""
    assert office.control("GET", f"accounts/{account['userid']}")["messages"] == messages


def test_a_fault_that_cannot_be_triggered_causes_no_write() -> None:
    """A fault of another operation, or with a message that this operation does not have."""
    written: list[object] = []

    class Watched(MemoryStore):
        def update_account(self, userid: str, change: Callable[[Account], Account]) -> Account:
            written.append(userid)
            return super().update_account(userid, change)

        def change_settings(self, change: Callable[[Settings], Settings]) -> Settings:
            written.append(change)
            return super().change_settings(change)

    elsewhere = (
        Fault(id="a", kind="empty_body", operations=("send",)),
        Fault(id="b", kind="vendor_error", message=protocol.BALANCE_TOO_SMALL),
    )
    store = Watched()
    store.create_account(Account("1", "a", "p", faults=elsewhere))
    store.change_settings(lambda settings: replace(settings, faults=elsewhere))
    written.clear()
    vendor = Vendor(store, lambda: 0.0, Keywords(()))
    assert vendor.handle(parse_request(protocol.V2STATUS_API, {"action": "query", "userid": "1"})).faults == ()
    assert written == []
    assert len(vendor.handle(parse_request(protocol.V2SMS, {"action": "send", "userid": "1"})).faults) == 4
    assert len(written) == 2
