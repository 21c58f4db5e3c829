"""The registry of stores: its rows are distinct, and each is a store of the tests that run on every store."""

import pytest

from sms10692_mock.stores.factory import STORES, StoreKind
from support import stores
from support.valkey_server import SERVERS_AVAILABLE


@pytest.mark.parametrize("kind", STORES, ids=lambda kind: kind.address)
def test_a_store_has_its_own_schemes_and_runs_the_tests_of_stores(kind: StoreKind) -> None:
    others = [scheme for other in STORES if other is not kind for scheme in other.schemes]
    assert not set(kind.schemes) & set(others)
    assert kind.address.partition(":")[0] == kind.schemes[0]
    assert kind.schemes[0] in stores.STORES or not SERVERS_AVAILABLE
