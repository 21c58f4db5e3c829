"""Tests of health checks: `/live` and `/ready` are public, `/_mock/health` shows details to authorized clients."""

import json
import select
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import pytest

from sms10692_mock.admin.auth import AccessPolicy
from sms10692_mock.domain.store import Store, StoreUnavailable
from sms10692_mock.stores.memory.store import MemoryStore
from sms10692_mock.stores.probe import StoreProbe
from support.emulators import emulator_process
from support.flask_emulator import FlaskEmulator
from support.http_client import TIMEOUT, Address, Response, connect, send_raw
from support.stores import file_locked
from support.valkey_server import get_url, start_server, terminating, unresponsive_server
from support.valkey_store import NEED_SERVERS, eventually

LIVE, READY, DETAILS = "/_mock/health/live", "/_mock/health/ready", "/_mock/health"
WAITING = 300
"""More requests than the fallback pool has threads."""


def send_get(address: Address, path: str, *headers: str, method: str = "GET") -> Response:
    return send_raw(address, "\r\n".join([f"{method} {path} HTTP/1.1", *headers, "", ""]).encode())


def get_health(address: Address) -> tuple[int, bool]:
    response = send_get(address, DETAILS, "Host: 127.0.0.1")
    return response.status, json.loads(response.body)["ready"]


@pytest.fixture(scope="module")
def exposed() -> Iterator[Address]:
    """An emulator as in a container: bound to all interfaces, so that it requires a token."""
    with emulator_process("--host", "0.0.0.0", "--log-level", "error") as (_, (_, port)):  # noqa: S104 - binding to all interfaces is tested
        yield "127.0.0.1", port


@pytest.mark.parametrize(
    "headers",
    [
        ["Host: 10.244.0.7:10692"],
        ["Host: sms"],
        ["Host: rebound.example", "Origin: http://rebound.example", "Sec-Fetch-Site: cross-site"],
        ["X-Forwarded-For: 10.0.0.1", "Via: 1.1 proxy"],
        [],
    ],
)
@pytest.mark.parametrize(("path", "body"), [(LIVE, b'{"live":true}'), (READY, b'{"ready":true}')])
def test_a_health_check_needs_neither_a_token_nor_a_known_host(
    exposed: Address, path: str, body: bytes, headers: list[str]
) -> None:
    assert send_get(exposed, path, *headers) == (200, "application/json", body)
    assert send_get(exposed, path, *headers, method="HEAD") == (200, "application/json", b"")


def test_details_require_authorization(exposed: Address) -> None:
    assert send_get(exposed, DETAILS, "Host: 127.0.0.1").status == 401
    assert send_get(exposed, DETAILS, "Host: rebound.example").status == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_a_health_check_is_read_only(exposed: Address, method: str) -> None:
    assert send_get(exposed, LIVE, method=method).status == 405
    assert send_get(exposed, READY, method=method).status == 405


def test_without_a_socket_a_health_check_needs_neither_a_token_nor_a_known_host() -> None:
    emulator = FlaskEmulator(AccessPolicy(token="secret"))
    for path, document in ((LIVE, {"live": True}), (READY, {"ready": True})):
        response = emulator.http.get(path, headers={"Host": "rebound.example", "X-Forwarded-For": "10.0.0.1"})
        assert (response.status_code, response.json) == (200, document)
        assert emulator.http.head(path).data == b""


def test_a_health_check_is_answered_while_all_threads_are_busy(exposed: Address) -> None:
    with emulator_process("--log-level", "error") as (_, address), ExitStack() as stack:
        waiting = [stack.enter_context(connect(address)) for _ in range(WAITING)]
        for connection in waiting:
            connection.sendall(b"GET /_mock/accounts/12/messages?count=1&wait=60 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert send_get(address, LIVE).status == 200
        assert send_get(address, READY).status == 200
        assert select.select(waiting, [], [], 0)[0] == []


@pytest.mark.slow("Waits for time-outs of a store.")
def test_a_locked_file_is_not_ready_until_it_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "store"
    with emulator_process("--store", f"sqlite:{path}", "--log-level", "error") as (_, address):
        assert get_health(address) == (200, True)
        with file_locked(path):
            assert eventually(lambda: send_get(address, READY).status == 503)
            assert send_get(address, READY).body == b'{"ready":false}'
            assert send_get(address, LIVE).status == 200
            assert get_health(address) == (503, False)
        assert eventually(lambda: send_get(address, READY).status == 200)
        assert eventually(lambda: get_health(address) == (200, True))


@pytest.mark.slow("Waits for time-outs of a store.")
@NEED_SERVERS
def test_an_unreachable_or_hanging_valkey_is_not_ready_until_it_responds_again(tmp_path: Path) -> None:
    server = start_server(tmp_path)
    with (
        terminating(server),
        emulator_process("--store", f"{get_url(server)}?timeout={TIMEOUT}", "--log-level", "error") as (_, address),
    ):
        assert send_get(address, READY).status == 200
        with unresponsive_server(server):  # the store itself would wait for a minute
            assert eventually(lambda: send_get(address, READY).status == 503)
            assert send_get(address, LIVE).status == 200
            assert get_health(address) == (503, False)
        assert eventually(lambda: send_get(address, READY).status == 200)
        server.terminate()
        assert eventually(lambda: send_get(address, READY).status == 503)
        response = send_get(address, DETAILS, "Host: 127.0.0.1")
        assert response.status == 503
        assert json.loads(response.body)["error"].startswith("the store is unavailable: ")


class SlowStore:
    """A store whose readiness check blocks until `release` is set, and that counts the checks."""

    blocking = True

    def __init__(self) -> None:
        self.release = threading.Event()
        self.checks = 0

    def check_ready(self) -> None:
        self.checks += 1
        assert self.release.wait(TIMEOUT)


def test_a_slow_check_is_shared_and_awaited_until_the_deadline() -> None:
    store = SlowStore()
    probe = StoreProbe(cast(Store, store), deadline=0.01)
    first = probe.start()
    assert probe.failure() == "no response in time"
    assert probe.start() is first
    store.release.set()
    assert first.result(TIMEOUT) == ""
    assert StoreProbe(cast(Store, store), deadline=TIMEOUT).failure() == ""
    assert store.checks == 2


def test_a_failed_check_returns_its_reason_and_the_next_check_runs_again() -> None:
    class UnavailableStore(MemoryStore):
        is_available = False

        def check_ready(self) -> None:
            if not self.is_available:
                raise StoreUnavailable("the server is down")

    store = UnavailableStore()
    probe = StoreProbe(store)
    assert probe.failure() == "the server is down"
    store.is_available = True
    assert probe.failure() == ""
