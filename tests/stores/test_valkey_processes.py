"""Several processes on one Valkey server: changes are visible to all, and no concurrent change is lost."""

from dataclasses import replace

import pytest

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.clock import ClockOverride
from sms10692_mock.domain.delivery import DeliveryRules
from sms10692_mock.domain.faults import Fault
from sms10692_mock.domain.records import RulesTransition
from sms10692_mock.domain.store import NoSuchAccount, RulesConflict
from sms10692_mock.stores.valkey.store import ValkeyStore
from support import valkey_store
from support.valkey_server import ValkeyServer
from support.valkey_store import ACCOUNT, NEED_SERVERS, TASK, eventually, open_store

pytestmark = [NEED_SERVERS, pytest.mark.slow("Starts several emulator processes on Valkey.")]

server = valkey_store.server
store = valkey_store.store


def test_account_updates_are_visible_to_other_processes_at_once(server: ValkeyServer, store: ValkeyStore) -> None:
    with open_store(server) as other:
        assert other.account("12") == ACCOUNT
        changed = store.update_account(
            "12", lambda account: replace(account, password="new", clock=ClockOverride(1.0, 2.0))
        )
        assert other.account("12") == changed
        store.delete_account("12")
        assert other.account("12") is None
        with pytest.raises(NoSuchAccount):
            other.fetch_reports("12", 1, 2.0, 1)


def test_delivery_rules_are_used_up_after_an_update_by_another_process(
    server: ValkeyServer, store: ValkeyStore
) -> None:
    used = RulesTransition(ACCOUNT.delivery_rules, DeliveryRules((), 7))
    with open_store(server) as other:
        assert store.account("12") == ACCOUNT
        other.update_account("12", lambda account: replace(account, password="new"))
        assert store.record_send("12", TASK, [], [], 2.0, used) == 99
        assert store.account("12") == other.account("12") == replace(ACCOUNT, password="new", delivery_rules=used.after)
        with pytest.raises(RulesConflict) as raised:
            other.record_send("12", TASK, [], [], 2.0, used)
        assert (raised.value.rules, other.balance("12").points) == (used.after, 99)


def test_no_concurrent_account_update_is_lost(server: ValkeyServer, store: ValkeyStore) -> None:
    with open_store(server) as other:
        quicker = iter([lambda account: replace(account, profile="observed")])

        def change(account: Account) -> Account:
            for quick_change in quicker:
                other.update_account("12", quick_change)
            return replace(account, password="new")

        assert store.update_account("12", change) == replace(ACCOUNT, password="new", profile="observed")
        assert other.account("12") == store.account("12")


def test_settings_are_visible_to_other_processes_soon(server: ValkeyServer, store: ValkeyStore) -> None:
    with open_store(server) as other:
        assert other.settings().words is None
        words = tuple(f"word {number}" for number in range(3))
        changed = store.change_settings(lambda settings: replace(settings, words=words))
        assert eventually(lambda: other.settings() == changed)
        known = other.settings().words
        store.change_settings(lambda settings: replace(settings, clock=ClockOverride(1.0, 2.0)))
        assert eventually(lambda: other.settings().clock == ClockOverride(1.0, 2.0))
        assert other.settings().words is known, "what did not change is not read again"


def test_no_concurrent_settings_update_is_lost(server: ValkeyServer, store: ValkeyStore) -> None:
    with open_store(server) as other:
        fault = Fault(id="a", kind="hang")
        other.change_settings(lambda settings: replace(settings, faults=(fault,)))
        changed = store.change_settings(lambda settings: replace(settings, clock=ClockOverride(1.0, 2.0)))
        assert changed.faults == (fault,)


def test_numbers_are_unique_across_processes(server: ValkeyServer) -> None:
    with open_store(server) as one, open_store(server) as other:
        given = [store.next_task_id() for _ in range(300) for store in (one, other, other)]
    assert len(set(given)) == len(given)
    assert min(given) == 100001
