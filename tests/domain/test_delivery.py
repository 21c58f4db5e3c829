"""Delivery rules: as functions of values, in a send, and through the control API.

Reserved numbers are tested in `test_readings`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms10692 import protocol
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import parse_request
from sms10692_mock.domain.delivery import (
    RESERVED_NUMBERS,
    DeliveryOutcome,
    DeliveryRule,
    DeliveryRules,
    apply_rules,
    default_outcome,
)
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.records import InboundReply, RulesTransition, StatusReport, Task
from sms10692_mock.domain.results import AcceptedSend, Refusal
from sms10692_mock.domain.store import BalanceTooSmall, StoreUnavailable
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.stores.memory.store import MemoryStore
from support.flask_emulator import FlaskEmulator

NUMBERS = st.sampled_from(["15023239810", "15000000000", "13800000000", "10086", *RESERVED_NUMBERS])
OUTCOMES = st.sampled_from(
    [DeliveryOutcome(20, "A"), DeliveryOutcome(10, "B"), DeliveryOutcome(unreported=True), DeliveryOutcome(delay=5.0)]
)
PREFIXES = st.sampled_from(["", "1", "15", "150", "15023239810", "138", "9", "10000000020"])
RULE = st.builds(
    DeliveryRule,
    PREFIXES,
    OUTCOMES,
    st.sampled_from([1.0, 0.0, 0.5]),
    st.none() | st.integers(min_value=1, max_value=4),
)
RULES = st.builds(lambda rules, seed: DeliveryRules(tuple(rules), seed), st.lists(RULE, max_size=5), st.integers(0, 3))


@given(rules=RULES, numbers=st.lists(NUMBERS, max_size=30), cuts=st.lists(st.integers(0, 30), max_size=3))
def test_outcomes_are_the_same_in_one_send_and_in_many(
    rules: DeliveryRules, numbers: list[str], cuts: list[int]
) -> None:
    if any(rule.times for rule in rules.rules):  # A used-up rule changes the random numbers of the rules after it.
        rules = replace(rules, rules=tuple(replace(rule, probability=1.0) for rule in rules.rules))
    whole, left = apply_rules(rules, numbers, 0)
    joined: list[DeliveryOutcome] = []
    bounds = sorted({0, len(numbers), *(cut for cut in cuts if cut < len(numbers))})
    remaining = rules
    for begin, end in pairwise(bounds):
        outcomes, remaining = apply_rules(remaining, numbers[begin:end], begin)
        joined += outcomes
    assert (joined, remaining) == (whole, left)


@given(rules=RULES, numbers=st.lists(NUMBERS, max_size=30), before=st.integers(0, 1000))
def test_every_outcome_is_that_of_a_matching_rule_or_the_default(
    rules: DeliveryRules, numbers: list[str], before: int
) -> None:
    outcomes, left = apply_rules(rules, numbers, before)
    assert len(outcomes) == len(numbers)
    for number, outcome in zip(numbers, outcomes, strict=True):
        expected = [rule.outcome for rule in rules.rules if rule.probability and _matches(rule, number)]
        assert outcome in [*expected, default_outcome(number)]
    used = sum(rule.times or 0 for rule in rules.rules) - sum(rule.times or 0 for rule in left.rules)
    assert 0 <= used <= len(numbers)
    assert apply_rules(rules, numbers, before) == (outcomes, left)


def _matches(rule: DeliveryRule, number: str) -> bool:
    return number == rule.number or (number.startswith(rule.number) and number not in RESERVED_NUMBERS)


@given(numbers=st.permutations(["", "1", "15", "150", "1502"]))
def test_the_longest_matching_rule_wins_in_any_order(numbers: Sequence[str]) -> None:
    rules = DeliveryRules(tuple(DeliveryRule(number, DeliveryOutcome(20, number or "all")) for number in numbers))
    outcomes, _ = apply_rules(rules, ["15023239810", "15100000000", "13800000000", "99"], 0)
    assert [outcome.errorcode for outcome in outcomes] == ["1502", "15", "1", "all"]


def test_the_first_of_two_equal_rules_applies_until_it_is_used_up() -> None:
    rules = DeliveryRules(
        (DeliveryRule("15", DeliveryOutcome(20, "A"), times=2), DeliveryRule("15", DeliveryOutcome(20, "B")))
    )
    outcomes, left = apply_rules(rules, ["15023239810"] * 4, 0)
    assert [outcome.errorcode for outcome in outcomes] == ["A", "A", "B", "B"]
    assert [rule.outcome.errorcode for rule in left.rules] == ["B"]


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_a_probability_is_kept_and_depends_on_the_seed(probability: float) -> None:
    def failing(seed: int) -> list[bool]:
        outcomes, _ = apply_rules(
            DeliveryRules((DeliveryRule("", DeliveryOutcome(20, "A"), probability),), seed), ["15023239810"] * 2000, 0
        )
        return [outcome.errorcode == "A" for outcome in outcomes]

    assert failing(1) == failing(1) != failing(2)
    assert probability - 0.05 < sum(failing(1)) / 2000 < probability + 0.05


@pytest.fixture
def emulator() -> FlaskEmulator:
    return FlaskEmulator()


def fetch_all_reports(emulator: FlaskEmulator, account: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Fetch the reports and return number, status and errorcode of every report fetched so far."""
    assert "statusbox" in emulator.status(account)
    items = emulator.control("GET", f"accounts/{account['userid']}/reports?state=fetched&order=desc")["items"]
    return [(item["mobile"], str(item["status"]), item["errorcode"]) for item in reversed(items)]


def test_rules_set_through_the_control_api_decide_the_reports(emulator: FlaskEmulator) -> None:
    account = emulator.control("POST", "accounts")
    path = f"accounts/{account['userid']}/delivery-rules"
    rules = [
        {"number": "", "outcome": "failed", "errorcode": "MK:0001"},
        {"number": "150", "outcome": "delivered"},
        {"number": "15000000001", "outcome": "unreported"},
        {"number": "15000000002", "outcome": "delivered", "delay": 60, "reply": "T"},
        {"number": "138", "outcome": "failed", "times": 1},
    ]
    put = emulator.control("PUT", path, {"rules": rules, "seed": 5})
    assert put == emulator.control("GET", path)
    assert [(rule["number"], rule["errorcode"]) for rule in put["rules"]][:2] == [("", "MK:0001"), ("150", "DELIVRD")]
    mobile = "13800000000,13800000000,15000000000,15000000001,15000000002"
    assert "<successCounts>5<" in emulator.send(account, mobile=mobile)
    assert fetch_all_reports(emulator, account) == [
        ("13800000000", "20", "UNDELIV"),
        ("13800000000", "20", "MK:0001"),
        ("15000000000", "10", "DELIVRD"),
    ]
    assert "callbox" not in emulator.call(account)
    emulator.now += 60
    assert fetch_all_reports(emulator, account)[-1] == ("15000000002", "10", "DELIVRD")
    assert "<content>T<" in emulator.call(account)
    messages = emulator.control("GET", f"accounts/{account['userid']}/messages")["items"]
    assert [message["state"] for message in messages] == ["fetched"] * 3 + ["unreported", "fetched"]
    assert [rule["number"] for rule in emulator.control("GET", path)["rules"]] == [
        "",
        "150",
        "15000000001",
        "15000000002",
    ]


def test_an_added_rule_is_first_and_belongs_to_one_account(emulator: FlaskEmulator) -> None:
    one, other = (emulator.control("POST", "accounts") for _ in range(2))
    path = f"accounts/{one['userid']}/delivery-rules"
    emulator.control("PUT", path, {"rules": [{"number": "130", "outcome": "failed", "errorcode": "B"}]})
    emulator.control("POST", path, {"number": "130", "outcome": "failed", "errorcode": "A", "times": 1})
    for account in (one, other):
        emulator.send(account, mobile="13000000001,13000000002")
    assert [errorcode for _, _, errorcode in fetch_all_reports(emulator, one)] == ["A", "B"]
    assert [errorcode for _, _, errorcode in fetch_all_reports(emulator, other)] == ["DELIVRD", "DELIVRD"]


def test_an_account_has_at_most_1000_rules(emulator: FlaskEmulator) -> None:
    account = emulator.control("POST", "accounts")
    path = f"accounts/{account['userid']}/delivery-rules"
    emulator.control("PUT", path, {"rules": [{"number": str(number)} for number in range(999)]})
    emulator.control("POST", path, {"number": "999"})
    status, error = emulator.refusal("POST", path, json={"number": "1000"})
    assert (status, "1000 rules" in error) == (422, True)
    assert len(emulator.control("PUT", path, emulator.control("GET", path))["rules"]) == 1000


def test_a_refused_send_does_not_use_up_a_rule(emulator: FlaskEmulator) -> None:
    account = emulator.control("POST", "accounts", {"points": 1})
    path = f"accounts/{account['userid']}/delivery-rules"
    emulator.control("PUT", path, {"rules": [{"number": "13", "outcome": "failed", "times": 1}]})
    assert "余额" in emulator.send(account, mobile="13000000001,13000000002")
    emulator.control("PATCH", f"accounts/{account['userid']}", {"top_up": 5})
    assert "其他错误" in emulator.send(account, mobile="10000000008,13000000002")
    assert len(emulator.control("GET", path)["rules"]) == 1
    emulator.send(account)
    assert fetch_all_reports(emulator, account) == [("13000000001", "20", "UNDELIV")]


# A rule that holds so often is used up by sends that happen, and by no others


FAILING_ONCE = DeliveryRules((DeliveryRule("", DeliveryOutcome(20, "UNDELIV"), times=1),))
SEND = parse_request(protocol.V2SMS, {"action": "send", "userid": "1", "mobile": "15023239810", "content": "x"})


class InterferingStore(MemoryStore):
    """A store that runs a function once, just before it records a send: a concurrent change."""

    def __init__(self, interfere: Callable[["InterferingStore"], object]) -> None:
        super().__init__()
        self.interferences = [interfere]
        self.create_account(Account("1", "a", "p", points=1, delivery_rules=FAILING_ONCE))

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[StatusReport],
        replies: Sequence[InboundReply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | BalanceTooSmall:
        while self.interferences:
            self.interferences.pop()(self)
        return super().record_send(userid, task, reports, replies, now, used)

    def send(self) -> Refusal | AcceptedSend:
        account = self.account("1")
        assert account is not None
        return Vendor(self, lambda: 0.0, Keywords(())).send(account, 0.0, 1, SEND)

    def rules(self) -> DeliveryRules | None:
        account = self.account("1")
        return account.delivery_rules if account else None


def become_unavailable(store: InterferingStore) -> None:
    raise StoreUnavailable("away")


def test_a_send_that_fails_in_the_store_does_not_use_up_a_rule() -> None:
    store = InterferingStore(become_unavailable)
    with pytest.raises(StoreUnavailable):
        store.send()
    assert store.rules() == FAILING_ONCE
    assert isinstance(store.send(), AcceptedSend)
    assert store.rules() == DeliveryRules()
    assert [report.errorcode for report in store.fetch_reports("1", 9, 0.0, 1)] == ["UNDELIV"]


def test_a_send_without_points_does_not_use_up_a_rule() -> None:
    store = InterferingStore(lambda store: store.add_points("1", -1))
    assert store.send() == Refusal(protocol.BALANCE_TOO_SMALL, Evidence("balance", (1, 1, 1, 0)))
    assert store.rules() == FAILING_ONCE


def test_a_rule_used_up_by_a_concurrent_send_does_not_apply() -> None:
    store = InterferingStore(InterferingStore.send)
    store.add_points("1", 1)
    assert isinstance(store.send(), AcceptedSend)
    assert store.rules() == DeliveryRules()
    assert [report.errorcode for report in store.fetch_reports("1", 9, 0.0, 1)] == ["UNDELIV", "DELIVRD"]


def test_a_refusing_rule_added_concurrently_applies() -> None:
    refusing = DeliveryRules((DeliveryRule("", DeliveryOutcome(refusal=protocol.OTHER_ERROR)),))
    store = InterferingStore(
        lambda store: store.update_account("1", lambda account: replace(account, delivery_rules=refusing))
    )
    assert store.send() == Refusal(protocol.OTHER_ERROR, Evidence("delivery-rule", ("15023239810",)))
    assert store.balance("1").points == 1
