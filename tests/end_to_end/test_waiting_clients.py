"""Tests of long polling: waiting clients do not delay others."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from sms10692_mock import Emulator
from sms10692_mock.stores.memory.store import MemoryStore
from support.http_client import TIMEOUT, Address, build_control_request, connect, parse_address, send_raw

CLIENTS = 300
"""More clients than the server has threads."""


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


def get_address(emulator: Emulator) -> Address:
    return parse_address(emulator.url)


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(int(TIMEOUT * 100)):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("the condition was not met in time")


@pytest.mark.parametrize(
    "raw",
    [
        build_control_request("GET", "/accounts/12/messages?wait=60"),
        build_control_request("GET", "/requests?wait=60"),
        b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    ],
    ids=["messages", "requests", "events"],
)
def test_many_waiting_clients_delay_no_other_and_stop_waiting_when_they_disconnect(
    emulator: Emulator, raw: bytes
) -> None:
    address = get_address(emulator)
    with ExitStack() as connections:
        for _ in range(CLIENTS):
            connection = connections.enter_context(connect(address))
            connection.sendall(raw)
        wait_until(lambda: emulator._notifier.waiting > CLIENTS * 0.9)  # some streams pause between two events
        with socket.create_connection(address, timeout=TIMEOUT / 3) as other:
            other.sendall(build_control_request("GET", "/health"))
            assert other.recv(12) == b"HTTP/1.1 200"
        assert threading.active_count() < CLIENTS / 2
    wait_until(lambda: not emulator._notifier.waiting)


def test_a_wait_ends_with_a_change_in_its_account_and_ignores_other_accounts(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    original = MemoryStore.messages

    def count_and_read(store: MemoryStore, userid: str, *rest: Any) -> Any:
        reads.append(userid)
        return original(store, userid, *rest)

    monkeypatch.setattr(MemoryStore, "messages", count_and_read)
    with emulator.account() as mine, emulator.account() as other:
        with connect(get_address(emulator)) as waiting:
            waiting.sendall(build_control_request("GET", f"/accounts/{mine.userid}/messages?wait=60&mobile=1"))
            wait_until(lambda: emulator._notifier.waiting == 1)
            for _ in range(20):
                other.top_up(1)
            assert reads.count(mine.userid) == 1
            mine.top_up(1)  # a change in the account, but no message
            wait_until(lambda: reads.count(mine.userid) >= 2)
            waiting.setblocking(False)
            with pytest.raises(BlockingIOError):
                waiting.recv(1)
            waiting.settimeout(TIMEOUT)


@pytest.mark.parametrize("close", ["both", "sending"])
def test_a_disconnect_ends_the_wait(emulator: Emulator, close: str) -> None:
    with connect(get_address(emulator)) as waiting:
        waiting.sendall(build_control_request("GET", "/accounts/12/messages?wait=60"))
        wait_until(lambda: emulator._notifier.waiting == 1)
        if close == "sending":
            waiting.shutdown(socket.SHUT_WR)
            assert waiting.recv(1) == b""
        else:
            waiting.close()
        wait_until(lambda: not emulator._notifier.waiting)


def test_a_wait_without_a_change_ends_after_its_time_with_the_current_items(emulator: Emulator) -> None:
    response = send_raw(get_address(emulator), build_control_request("GET", "/accounts/12/messages?wait=0.05&count=2"))
    assert (response.status, json.loads(response.body)["items"]) == (200, [])


def test_a_wait_for_an_account_that_is_deleted_meanwhile_ends_with_404(emulator: Emulator) -> None:
    vendor = emulator.account()
    with connect(get_address(emulator)) as waiting:
        waiting.sendall(build_control_request("GET", f"/accounts/{vendor.userid}/messages?wait=60"))
        wait_until(lambda: emulator._notifier.waiting == 1)
        assert (
            send_raw(get_address(emulator), build_control_request("DELETE", f"/accounts/{vendor.userid}", {})).status
            == 200
        )
        assert waiting.recv(12) == b"HTTP/1.1 404"
