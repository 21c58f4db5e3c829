"""The Valkey store on a cluster: slots, redirections, and a hanging node."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from sms10692_mock.domain.records import InboundReply
from sms10692_mock.domain.store import StoreUnavailable
from support import valkey_store
from support.valkey_server import ValkeyServer, open_client, unresponsive_server
from support.valkey_store import ACCOUNT, NEED_SERVERS, REPORT, TASK, eventually, is_available, open_store

pytestmark = [NEED_SERVERS, pytest.mark.slow("Moves slots between the servers of a Valkey cluster.")]

cluster = valkey_store.cluster


def slots(node: ValkeyServer, keys: list[bytes]) -> set[int]:
    return {open_client(node).execute_command("CLUSTER", "KEYSLOT", key) for key in keys}


@pytest.mark.parametrize("userid", ["12", "{", "}", "{}a", "a}b{c}", " ", "客户", "\ud800"])
def test_all_keys_of_an_account_are_in_one_slot_and_deleted_with_it(
    cluster: tuple[ValkeyServer, ...], userid: str
) -> None:
    def keys() -> list[bytes]:
        return [key for node in cluster for key in open_client(node).keys("*") if b"{all}" not in key]

    with open_store(cluster[0]) as store:
        store.create_account(replace(ACCOUNT, userid=userid))
        later = REPORT._replace(due=9.0)
        store.record_send(
            userid, TASK, [REPORT, later], [InboundReply(2.0, "1", 1, "T", ""), InboundReply(9.0, "1", 1, "T", "")], 2.0
        )
        store.fetch_reports(userid, 1, 2.0, 1)
        store.fetch_replies(userid, 2.0, 1)
        assert len(keys()) == 11
        assert len(slots(cluster[0], keys())) == 1
        assert store.userids() == [userid]
        store.delete_account(userid)
        assert keys() == []
        assert store.userids() == []


def test_accounts_are_distributed_over_the_nodes(cluster: tuple[ValkeyServer, ...]) -> None:
    with open_store(cluster[0]) as store:
        for number in range(30):
            store.create_account(replace(ACCOUNT, userid=str(number)))
            assert store.record_send(str(number), TASK, [REPORT], [], 2.0) == 99
        assert all(open_client(node).dbsize() > 5 for node in cluster)
        assert store.userids() == [str(number) for number in range(30)]


def test_an_account_is_found_after_its_slot_has_moved(cluster: tuple[ValkeyServer, ...]) -> None:
    names = [open_client(node).execute_command("CLUSTER", "MYID") for node in cluster]
    with open_store(cluster[0]) as store:
        store.create_account(ACCOUNT)
        [slot] = slots(cluster[0], [b"{=12}"])

        def kept(at: int) -> int:
            number: int = open_client(cluster[at]).execute_command("CLUSTER", "COUNTKEYSINSLOT", slot)
            return number

        [home] = [
            at for at, node in enumerate(cluster) if open_client(node).execute_command("CLUSTER COUNTKEYSINSLOT", slot)
        ]
        store.delete_account("12")
        away = (home + 1) % len(cluster)

        def set_slot(*how: Any) -> None:
            for node in (cluster[away], cluster[home]):
                open_client(node).execute_command("CLUSTER", "SETSLOT", slot, *how)

        open_client(cluster[away]).execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", names[home])
        open_client(cluster[home]).execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", names[away])
        try:
            assert store.account("12") is None, "the request was redirected to the importing node"
            with pytest.raises(StoreUnavailable, match="TRYAGAIN"):
                store.create_account(ACCOUNT)
            set_slot("NODE", names[away])
            store.create_account(ACCOUNT)
            assert store.record_send("12", TASK, [REPORT], [], 2.0) == 99
            assert kept(away) > 0
            store.delete_account("12")
        finally:
            set_slot("NODE", names[home])
        store.create_account(ACCOUNT)
        assert kept(home) > 0


def test_accounts_on_other_nodes_are_served_while_a_node_hangs(cluster: tuple[ValkeyServer, ...]) -> None:
    with open_store(cluster[0], timeout=1.0) as store:
        for number in range(30):
            store.create_account(replace(ACCOUNT, userid=str(number)))

        def served() -> int:
            return sum(is_available(partial(store.balance, str(number))) for number in range(30))

        with unresponsive_server(cluster[2]):
            is_served = served()
        assert 5 < is_served < 25
        assert eventually(lambda: served() == 30)
