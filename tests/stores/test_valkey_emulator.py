"""Emulator processes with a Valkey store: shared data, and behaviour while the server hangs or is unreachable."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlencode

import pytest

from support import valkey_store
from support.emulators import CREDENTIALS, STATUS, UTF8, emulator_process
from support.http_client import TIMEOUT, build_request, closed_port, send_raw
from support.valkey_server import ValkeyServer, get_url, start_server, terminating, unresponsive_server
from support.valkey_store import NEED_SERVERS, eventually

pytestmark = NEED_SERVERS

server = valkey_store.server


def post(path: str, **fields: str) -> bytes:
    return build_request(path, urlencode(CREDENTIALS | fields).encode())


SEND = post(UTF8, action="send", mobile="15023239810", content="x")
FETCH = post(STATUS, action="query")


def test_two_emulators_on_one_server_share_their_data(server: ValkeyServer) -> None:
    with (
        emulator_process("--store", get_url(server)) as (_, one),
        emulator_process("--store", get_url(server)) as (_, other),
    ):
        assert "<message>ok</message>" in send_raw(one, SEND).body.decode()
        assert "<message>ok</message>" in send_raw(other, SEND).body.decode()
        assert send_raw(other, FETCH).body.count(b"<statusbox>") == 2
        assert send_raw(one, FETCH).body.count(b"<statusbox>") == 0
        assert b"<overage>998</overage>" in send_raw(one, post(UTF8, action="overage")).body


def test_requests_get_an_error_while_the_server_hangs() -> None:
    with (
        terminating(start_server()) as server,
        emulator_process("--store", f"{get_url(server)}?timeout=1") as (_, address),
    ):
        assert b"<message>ok</message>" in send_raw(address, SEND).body
        with unresponsive_server(server):
            with ThreadPoolExecutor(4) as threads:
                answers = list(threads.map(partial(send_raw, address), [SEND] * 4))
            assert all("其他错误" in answer.body.decode() for answer in answers)
            fetched = send_raw(address, FETCH)
            assert (fetched.status, fetched.body[:24]) == (503, b"the store is unavailable")
        assert eventually(lambda: send_raw(address, FETCH).status == 200)


def test_requests_without_store_access_are_served_while_the_server_hangs() -> None:
    with (
        terminating(start_server()) as server,
        emulator_process("--store", f"{get_url(server)}?timeout={TIMEOUT}") as (_, address),
        ThreadPoolExecutor(4) as threads,
    ):
        with unresponsive_server(server):
            waiting = [threads.submit(send_raw, address, SEND) for _ in range(4)]
            assert send_raw(address, build_request("/nowhere", b"")).status == 404
            assert not any(future.done() for future in waiting)
        assert all(b"<message>ok</message>" in future.result().body for future in waiting)


def test_an_unavailable_store_at_startup_is_one_error_line() -> None:
    with closed_port() as port:
        for store, message in (
            (f"valkey://127.0.0.1:{port}", "Connection refused"),
            ("valkey://127.0.0.1/0?colour=red", "Valkey store"),
        ):
            with pytest.raises(AssertionError, match=message), emulator_process("--store", store):
                pass
