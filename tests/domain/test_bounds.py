"""Limits of stored numbers: enforced by every store and by the control API, and documented in `docs/limits.md`."""

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
from sms10692_mock.domain.store import BalanceTooSmall
from support.flask_emulator import FlaskEmulator
from support.serve_cli import get_start_error
from support.stores import EACH_STORE, POSTPAID, PREPAID, StoreFactory, build_task, open_test_store

LIMITS = (Path(__file__).parents[2] / "docs" / "limits.md").read_text("utf-8")
NUMBERS_NEAR_BOUNDS = st.sampled_from(
    [0, 1, -1, MAX_POINTS, -MAX_POINTS, MAX_POINTS - 1, 2**53, 2**63, -(2**63), 10**30, 2 * 10**15]
)
OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["add_points", "set_balance", "accept"]), NUMBERS_NEAR_BOUNDS), max_size=12
)


@EACH_STORE
@pytest.mark.parametrize("account", [PREPAID, POSTPAID], ids=["prepaid", "postpaid"])
def test_a_balance_is_exact_and_stays_within_its_limits(make: StoreFactory, account: Any) -> None:
    """Compare a store with exact arithmetic over random steps; a step beyond the limits has no effect."""
    with open_test_store(make) as store:

        @given(steps=OPERATIONS)
        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        def holds(steps: list[tuple[str, int]]) -> None:
            store.create_account(account)
            points = total_added = 0 if account.postpaid else account.points
            for operation, number in steps:
                if operation == "accept":
                    cost = abs(number)
                    enough = points - cost >= (-MAX_POINTS if account.postpaid else 0)
                    left = store.record_send(account.userid, build_task(cost), [], [], 0.0)
                    assert left == (points - cost if enough else BalanceTooSmall(points))
                    points -= cost if enough else 0
                else:
                    more = number if operation == "add_points" else number - points
                    beyond = max(abs(points + more), abs(total_added + more)) > MAX_POINTS
                    assert exceeds_bounds(lambda: getattr(store, operation)(account.userid, number)) is beyond  # noqa: B023 - called at once
                    points, total_added = (points, total_added) if beyond else (points + more, total_added + more)
                balance = store.balance(account.userid)
                assert balance[:2] == (points, total_added)
                assert {type(balance.points), type(balance.total_added)} == {int}

        holds()


def exceeds_bounds(operation: Callable[[], object]) -> bool:
    """Return whether the operation raises BalanceOutOfBounds."""
    try:
        operation()
    except BalanceOutOfBounds:
        return True
    return False


@EACH_STORE
def test_an_account_is_created_within_the_limits(make: StoreFactory) -> None:
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
def test_lists_accept_the_largest_numbers_and_reject_larger_ones(make: StoreFactory) -> None:
    with open_test_store(make) as store:
        emulator = FlaskEmulator(store=store)
        for path in ("messages", "reports", "replies", "requests"):
            for query in (f"after={2**53}", f"task_id={2**53}", f"limit=1000&count=1000&after={2**53}&order=desc"):
                emulator.control("GET", f"accounts/12/{path}?{query}")
            beyond = (f"after={2**53 + 1}", f"task_id={2**63}", "limit=1001", "after=0", "since=9001-01-01T00:00:00Z")
            for query in beyond:
                assert emulator.refusal("GET", f"accounts/12/{path}?{query}")[0] == 422
        assert store.messages("12", Query(after=2**53), 0.0).items == []


BEYOND: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "accounts", {"points": MAX_POINTS + 1}),
    ("PATCH", "accounts/12", {"points": MAX_POINTS + 1}),
    ("PATCH", "accounts/12", {"points": -MAX_POINTS - 1}),
    ("PATCH", "accounts/12", {"top_up": 2**63}),
    ("PUT", "clock", {"mode": "running", "speed": 1_000_001}),
    ("PUT", "clock", {"mode": "frozen", "now": "1969-12-31T23:59:59Z"}),
    ("PUT", "clock", {"mode": "frozen", "now": "9000-01-02T00:00:00Z"}),
    ("POST", "clock/advance", {"seconds": 10.0**10 + 1}),
    ("POST", "faults", {"kind": "latency", "seconds": 86_401}),
    ("POST", "faults", {"kind": "empty_body", "times": 10**9 + 1}),
    ("POST", "faults", {"kind": "empty_body", "seed": 2**53 + 1}),
    ("POST", "accounts/12/delivery-rules", {"delay": 10.0**10 + 1}),
    ("POST", "accounts/12/delivery-rules", {"times": 10**9 + 1}),
    ("PUT", "accounts/12/delivery-rules", {"rules": [{}] * 1001}),
    ("PUT", "keywords", {"words": ["x" * 10_001]}),
    ("POST", "accounts/12/replies", {"mobile": "1", "content": "x" * 10_001}),
    ("POST", "accounts/12/replies", {"mobile": "1", "content": "x", "task_id": 2**53 + 1}),
    ("POST", "accounts/12/replies", {"mobile": "1", "content": "x", "extno": "1" * 11}),
]


@pytest.mark.parametrize(("method", "path", "document"), BEYOND, ids=str)
def test_the_control_api_rejects_values_beyond_a_limit(method: str, path: str, document: dict[str, Any]) -> None:
    status, error = FlaskEmulator().refusal(method, path, json=document)
    assert status == 422
    assert any(field in error for field in document)


@pytest.mark.parametrize("option", ["--report-delay", "--account-ttl"])
@pytest.mark.parametrize("seconds", ["1e11", "-1", "nan", "inf"])
def test_serve_rejects_seconds_beyond_the_limits(option: str, seconds: str) -> None:
    assert "0 to 10000000000" in get_start_error("serve", "--port", "0", option, seconds)


def test_docs_limits_states_every_limit_of_the_code() -> None:
    stated = {int(number.replace(",", "")) for number in re.findall(r"(?<![\d.])\d[\d,]*(?![\d:.-])", LIMITS)}
    in_code = {name: getattr(bounds, name) for name in dir(bounds) if name.startswith("MAX_")}
    assert {name for name, number in in_code.items() if int(number) not in stated} == set()
