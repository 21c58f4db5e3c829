"""Serialization of accounts: a round trip is lossless."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.clock import ClockOverride
from sms10692_mock.domain.delivery import DeliveryOutcome, DeliveryRule, DeliveryRules
from sms10692_mock.domain.faults import Fault
from sms10692_mock.stores.serialization import dump_account, load_account

TEXTS = st.text(st.characters(codec=None), max_size=5)
MOMENTS = st.floats(0, 1e11)
FAULTS = st.builds(Fault, id=TEXTS, operations=st.lists(TEXTS, max_size=2).map(tuple), seconds_max=st.none() | MOMENTS)
RULES = st.builds(
    DeliveryRule,
    TEXTS,
    st.builds(DeliveryOutcome, delay=MOMENTS, reply=st.none() | TEXTS),
    times=st.none() | st.just(3),
)


@settings(max_examples=30)
@given(
    st.builds(
        Account,
        TEXTS,
        TEXTS,
        TEXTS,
        clock=st.none() | st.builds(ClockOverride, MOMENTS, MOMENTS, MOMENTS),
        delivery_rules=st.builds(DeliveryRules, st.lists(RULES, max_size=2).map(tuple), st.integers(0, 9)),
        faults=st.lists(FAULTS, max_size=2).map(tuple),
        temporary=st.booleans(),
    )
)
def test_a_serialized_account_is_loaded_without_loss(account: Account) -> None:
    assert load_account(dump_account(account)) == account
