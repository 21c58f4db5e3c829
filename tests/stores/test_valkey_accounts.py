"""Accounts in the Valkey store, with one server and one process. Clusters are in `test_valkey_slots`."""

import time
from dataclasses import replace
from typing import Any

import pytest

from sms10692_mock.domain.records import Query, StatusReport
from sms10692_mock.stores.valkey.connection import Batch
from sms10692_mock.stores.valkey.runner import CommandExecutor
from sms10692_mock.stores.valkey.store import ValkeyStore
from support import valkey_store
from support.valkey_server import ValkeyServer
from support.valkey_store import ACCOUNT, NEED_SERVERS, TASK, open_store

pytestmark = NEED_SERVERS

server = valkey_store.server
store = valkey_store.store


@pytest.mark.parametrize("temporary", [False, True])
def test_a_userid_without_an_account_is_unregistered(
    store: ValkeyStore, monkeypatch: pytest.MonkeyPatch, temporary: bool
) -> None:
    class KilledError(Exception):
        pass

    def killed(*arguments: object) -> None:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(store, "_run", killed)
        with pytest.raises(KilledError):
            store.create_account(replace(ACCOUNT, userid="ghost", temporary=temporary))
    assert store.userids() == ["12", "ghost"]
    assert store.expire(time.time() + 60) == 0
    assert store.userids() == ["12"]


def test_expired_accounts_are_deleted_in_batches(server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    batch_sizes: list[int] = []
    execute = CommandExecutor.execute

    def count_and_execute(executor: CommandExecutor, address: tuple[str, int], batch: Batch) -> list[Any]:
        batch_sizes.append(batch.size)
        return execute(executor, address, batch)

    with open_store(server) as store:
        for number in range(300):
            store.create_account(replace(ACCOUNT, userid=str(number), temporary=number != 7))
        assert store.expire(0.0) == 0
        monkeypatch.setattr(CommandExecutor, "execute", count_and_execute)
        assert store.expire(time.time() + 60) == 299
        assert store.userids() == ["7"]
    assert len(batch_sizes) < 10


def test_a_send_to_50_000_numbers_is_listed_in_pages(store: ValkeyStore) -> None:
    numbers = [str(13000000000 + place) for place in range(50_000)]
    reports = [StatusReport(2.0, number, 100001, 10, "DELIVRD", "", place) for place, number in enumerate(numbers)]
    store.add_points("12", 50_000)
    assert store.record_send("12", TASK._replace(numbers=numbers), reports, [], 2.0) == 100
    taken = [report for _ in range(13) for report in store.fetch_reports("12", 4000, 2.0, 1)]
    assert taken == reports
    [last] = store.messages("12", Query(newest_first=True, limit=1), 2.0).items
    assert (last.number, last.mobile, last.report) == (50_000, numbers[-1], reports[-1])
