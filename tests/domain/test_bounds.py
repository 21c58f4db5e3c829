"""The bounds of what is kept hold in every store alike, at the door and behind it, and `docs/limits.md` names them."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sms10692_mock.domain import bounds
from sms10692_mock.domain.bounds import MAX_POINTS, BalanceOutOfBounds
from sms10692_mock.domain.records import Query
from support.flask_emulator import FlaskEmulator
from support.serve_cli import refused
from support.stores import EACH_STORE, POSTPAID, PREPAID, StoreFactory, open_test_store, task

LIMITS = (Path(__file__).parents[2] / "docs" / "limits.md").read_text("utf-8")
NEAR = st.sampled_from([0, 1, -1, MAX_POINTS, -MAX_POINTS, MAX_POINTS - 1, 2**53, 2**63, -(2**63), 10**30, 2 * 10**15])
STEPS = st.lists(st.tuples(st.sampled_from(["add_points", "set_balance", "accept"]), NEAR), max_size=12)


@EACH_STORE
@pytest.mark.parametrize("account", [PREPAID, POSTPAID], ids=["prepaid", "postpaid"])
def test_a_balance_stays_within_its_bounds_and_exact(make: StoreFactory, account: Any) -> None:
    """Whatever comes, what a store says is what arithmetic says, and what is beyond is refused whole."""
    with open_test_store(make) as store:

        @given(steps=STEPS)
        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        def holds(steps: list[tuple[str, int]]) -> None:
            store.create_account(account)
            points = charged_up = 0 if account.postpaid else account.points
            for operation, number in steps:
                if operation == "accept":
                    cost = abs(number)
                    enough = points - cost >= (-MAX_POINTS if account.postpaid else 0)
                    left = store.record_send(account.userid, task(cost), [], [], 0.0)
                    assert left == (points - cost if enough else None)
                    points -= cost if enough else 0
                else:
                    more = number if operation == "add_points" else number - points
                    beyond = max(abs(points + more), abs(charged_up + more)) > MAX_POINTS
                    assert outcome(lambda: getattr(store, operation)(account.userid, number)) is beyond  # noqa: B023
                    points, charged_up = (points, charged_up) if beyond else (points + more, charged_up + more)
                standing = store.balance(account.userid)
                assert standing[:2] == (points, charged_up)
                assert {type(standing.points), type(standing.charged_up)} == {int}

        holds()


def outcome(operation: Callable[[], object]) -> bool:
    """Whether it is refused as beyond the bounds."""
    try:
        operation()
    except BalanceOutOfBounds:
        return True
    return False


@EACH_STORE
def test_an_account_begins_within_the_bounds(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        for points in (MAX_POINTS + 1, 2**63, -MAX_POINTS - 1):
            with pytest.raises(BalanceOutOfBounds):
                store.create_account(replace(PREPAID, points=points))
            with pytest.raises(BalanceOutOfBounds):
                store.create_account(replace(PREPAID, points=points), keep=True)
        assert store.userids() == []
        assert store.create_account(replace(PREPAID, points=MAX_POINTS))
        with pytest.raises(BalanceOutOfBounds):
            store.reset("1", lambda account: replace(account, points=MAX_POINTS + 1))
        assert store.balance("1") == (MAX_POINTS, MAX_POINTS, 0)


@EACH_STORE
def test_the_greatest_numbers_are_found_in_lists(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        office = FlaskEmulator(store=store)
        for path in ("messages", "reports", "replies", "requests"):
            for query in (f"after={2**53}", f"task_id={2**53}", f"limit=1000&count=1000&after={2**53}&order=desc"):
                office.control("GET", f"accounts/12/{path}?{query}")
            beyond = (f"after={2**53 + 1}", f"task_id={2**63}", "limit=1001", "after=0", "since=9001-01-01T00:00:00Z")
            for query in beyond:
                assert office.refusal("GET", f"accounts/12/{path}?{query}")[0] == 422
        assert store.messages("12", Query(after=2**53), 0.0).items == []


BEYOND: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "accounts", {"points": MAX_POINTS + 1}),
    ("PATCH", "accounts/12", {"points": MAX_POINTS + 1}),
    ("PATCH", "accounts/12", {"points": -MAX_POINTS - 1}),
    ("PATCH", "accounts/12", {"charge": 2**63}),
    ("PUT", "clock", {"mode": "running", "speed": 1_000_001}),
    ("PUT", "clock", {"mode": "frozen", "now": "1969-12-31T23:59:59Z"}),
    ("PUT", "clock", {"mode": "frozen", "now": "9000-01-02T00:00:00Z"}),
    ("POST", "clock/advance", {"seconds": 10.0**10 + 1}),
    ("POST", "faults", {"kind": "latency", "seconds": 86_401}),
    ("POST", "faults", {"kind": "empty", "remaining": 10**9 + 1}),
    ("POST", "faults", {"kind": "empty", "seed": 2**53 + 1}),
    ("POST", "accounts/12/outcomes", {"delay": 10.0**10 + 1}),
    ("POST", "accounts/12/outcomes", {"remaining": 10**9 + 1}),
    ("PUT", "accounts/12/outcomes", {"rules": [{}] * 1001}),
    ("PUT", "keywords", {"words": ["x" * 10_001]}),
    ("POST", "accounts/12/replies", {"mobile": "1", "content": "x" * 10_001}),
    ("POST", "accounts/12/replies", {"mobile": "1", "content": "x", "task_id": 2**53 + 1}),
    ("POST", "accounts/12/replies", {"mobile": "1", "content": "x", "extno": "1" * 11}),
]


@pytest.mark.parametrize(("method", "path", "document"), BEYOND, ids=str)
def test_what_is_beyond_a_bound_is_refused_at_the_door(method: str, path: str, document: dict[str, Any]) -> None:
    status, words = FlaskEmulator().refusal(method, path, json=document)
    assert status == 422
    assert any(field in words for field in document)


@pytest.mark.parametrize("option", ["--report-delay", "--max-clock-skew", "--expire"])
@pytest.mark.parametrize("seconds", ["1e11", "-1", "nan", "inf"])
def test_seconds_beyond_the_bounds_are_no_start(option: str, seconds: str) -> None:
    assert "0 to 10000000000" in refused("serve", "--port", "0", option, seconds)


def test_the_limits_in_the_documents_are_those_of_the_code() -> None:
    stated = {int(number.replace(",", "")) for number in re.findall(r"(?<![\d.])\d[\d,]*(?![\d:.-])", LIMITS)}
    in_code = {name: getattr(bounds, name) for name in dir(bounds) if name.startswith("MAX_")}
    assert {name for name, number in in_code.items() if int(number) not in stated} == set()
