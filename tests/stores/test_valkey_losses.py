"""Data loss on a Valkey server: flush, evicted keys, rejected requests. Clients never get "wrong password" then."""

import logging
from collections.abc import Callable, Iterator

import pytest
from werkzeug.test import Client

from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.app.wsgi import WsgiVendorApp
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.domain.records import LoggedRequest, Query
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.stores import readiness
from sms10692_mock.stores.availability import AvailabilityLog
from sms10692_mock.stores.valkey import request_log, script_client
from sms10692_mock.stores.valkey.store import ValkeyStore
from support import valkey_store
from support.emulators import MANUAL_SIGN, admin_app
from support.valkey_server import ValkeyServer, get_url, open_client, start_server, terminating
from support.valkey_store import ACCOUNT, NEED_SERVERS, REPORT, TASK, eventually, is_available, open_store

pytestmark = [NEED_SERVERS, pytest.mark.slow("Stops and restarts Valkey servers.")]

server = valkey_store.server
cluster = valkey_store.cluster

MADE = Account("13", "made", "later", points=5)
FORM = {"action": "overage", "userid": "12", "timestamp": "20120701231212", "sign": MANUAL_SIGN}


@pytest.fixture(autouse=True)
def each_check_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "_CACHE_SECONDS", 0.0)


@pytest.fixture
def store(server: ValkeyServer) -> Iterator[ValkeyStore]:
    """A store with an account from the options and one that was created later."""
    with open_store(server) as store:
        store.create_account(ACCOUNT, keep=True)
        store.create_account(MADE)
        yield store


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


EMPTIED = "the server was flushed or has evicted keys: stored data may be lost; accounts created again: '12'"


def test_accounts_from_the_options_are_restored_on_a_flushed_server(
    server: ValkeyServer, store: ValkeyStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.record_send("12", TASK, [REPORT], [], 2.0)
    open_client(server).flushall()
    assert store.account("12") == ACCOUNT
    assert store.balance("12") == (100, 100, 0)
    assert store.account("13") is None
    assert store.account("12") == ACCOUNT
    assert errors(caplog) == [EMPTIED]


def test_a_request_for_any_account_detects_the_flush(
    server: ValkeyServer, store: ValkeyStore, caplog: pytest.LogCaptureFixture
) -> None:
    open_client(server).flushall()
    assert store.account("13") is None
    assert errors(caplog) == [EMPTIED]
    assert store.userids() == ["12"]


def test_a_readiness_check_detects_the_flush(
    server: ValkeyServer, store: ValkeyStore, caplog: pytest.LogCaptureFixture
) -> None:
    open_client(server).flushall()
    store.check_ready()
    assert errors(caplog) == [EMPTIED]
    assert store.userids() == ["12"]


def test_clients_work_after_a_flush(server: ValkeyServer) -> None:
    with open_store(server) as store:
        options, notifier = Options(), ChangeNotifier()
        vendor = build_vendor(options, store)
        pages = VendorApp(vendor, options, notifier=notifier)
        browser = Client(WsgiVendorApp(pages, admin_app(vendor, options, notifier)))
        open_client(server).flushall()
        assert "<overage>1000<" in browser.post("/v2sms.aspx", data=FORM).text


def test_an_evicted_account_from_the_options_is_restored(
    server: ValkeyServer, store: ValkeyStore, caplog: pytest.LogCaptureFixture
) -> None:
    checks: list[Callable[[], bool]] = [lambda: store.account("12") == ACCOUNT, lambda: is_available(store.check_ready)]
    for check in checks:
        caplog.clear()
        open_client(server).delete("sms10692:{=12}:account")
        assert check()
        assert errors(caplog) == ["the server has lost the account '12' (evicted?); the account was created again"]
        assert store.account("12") == ACCOUNT


def test_the_eviction_of_another_account_is_logged_once(
    server: ValkeyServer, store: ValkeyStore, caplog: pytest.LogCaptureFixture
) -> None:
    open_client(server).delete("sms10692:{=13}:account")
    assert [store.account("13") for _ in range(3)] == [None, None, None]
    assert errors(caplog) == ["the server has lost the account '13' (evicted?); the account was removed"]
    assert store.userids() == ["12"]


def test_the_loss_of_an_account_that_existed_at_startup_is_detected(
    server: ValkeyServer, store: ValkeyStore, caplog: pytest.LogCaptureFixture
) -> None:
    with open_store(server) as other:
        other.create_account(ACCOUNT, keep=True)
        open_client(server).delete("sms10692:{=12}:account")
        assert other.account("12") == ACCOUNT
    assert len(errors(caplog)) == 1


def test_deleted_and_unknown_accounts_do_not_count_as_lost(
    server: ValkeyServer, store: ValkeyStore, caplog: pytest.LogCaptureFixture
) -> None:
    with open_store(server) as other:
        other.create_account(ACCOUNT, keep=True)
        store.delete_account("12")
        other.check_ready()
        assert (other.account("12"), other.account("unreported"), store.account("12")) == (None, None, None)
    assert errors(caplog) == []


def test_a_flushed_cluster_node_is_detected(
    cluster: tuple[ValkeyServer, ...], caplog: pytest.LogCaptureFixture
) -> None:
    store = ValkeyStore(get_url(cluster[0]))
    accounts = [Account(str(number), "a", "p") for number in range(12)]
    for account in accounts:
        store.create_account(account, keep=True)
    open_client(cluster[1]).flushall()
    store.check_ready()
    assert sorted(store.userids()) == sorted(account.userid for account in accounts)
    assert all(store.account(account.userid) == account for account in accounts)
    assert errors(caplog)
    store.close()


@pytest.mark.parametrize(("policy", "warns"), [("allkeys-lru", True), ("noeviction", False), ("volatile-lru", False)])
def test_an_eviction_policy_causes_a_warning_at_startup(
    policy: str, warns: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with terminating(start_server(maxmemory_policy=policy)) as server, open_store(server):
        assert (f"has maxmemory-policy {policy}, so accounts and reports are lost" in caplog.text) == warns


# A request that the server does not take


def entry(number: int, size: int = 0) -> LoggedRequest:
    return LoggedRequest(
        number, 1.0, 2.0, 0.1, "GET", "/x", b"", [], b"x" * size, "12", "send", "", None, 200, "t", b""
    )


def test_a_request_that_the_server_rejects_is_dropped_and_the_others_are_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(request_log, "_RETRY_AFTER", 0.0)
    with terminating(start_server(proto_max_bulk_len=1024 * 1024)) as server, open_store(server) as store:
        for number in range(1, 401):
            store.log_request(entry(number, 2 * 1024 * 1024 if number == 250 else 0))
        assert eventually(lambda: is_available(lambda: store.requests(None, Query())))
        page = store.requests(None, Query(limit=1000))
        assert [entry.number for entry in page.items] == [number for number in range(1, 401) if number != 250]
        assert page.evicted == 1
    assert any("request 250 is missing in the request log: the server rejects its" in line for line in errors(caplog))


# What is logged


def test_an_outage_of_the_server_is_logged_once_and_its_end_once(
    store: ValkeyStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, server: ValkeyServer
) -> None:
    now = 50.0
    monkeypatch.setattr(script_client, "AvailabilityLog", lambda: AvailabilityLog(lambda: now))
    open_client(server).config_set("maxmemory", 1)
    try:
        for _ in range(20):
            with pytest.raises(StoreUnavailable):
                store.record_send("12", TASK, [REPORT], [], 2.0)
    finally:
        open_client(server).config_set("maxmemory", 0)
    now = 51.0
    for _ in range(3):
        store.record_send("12", TASK, [REPORT], [], 2.0)
    away, back = errors(caplog)
    assert away.startswith(f"the store is unavailable: 127.0.0.1:{server.port}: ")
    assert back == "the store is available again after 1 s; failed operations: 20"


def test_no_error_message_contains_the_password() -> None:
    with terminating(start_server(rename_command="AUTH NOAUTH")) as server:
        with pytest.raises(StoreUnavailable) as raised:
            ValkeyStore(f"valkey://shop:S3CRETpw@127.0.0.1:{server.port}/0")
    assert "S3CRETpw" not in str(raised.value)
