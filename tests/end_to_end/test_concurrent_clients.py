"""Tests of concurrent clients over sockets, without faults: no client delays another, and no item is lost.

The stress tool combines all of this, with faults.
"""

import re
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress

import pytest

from support.emulators import STATUS, UTF8, emulator_process, wait_exit
from support.http_client import TIMEOUT, build_request, call_control, connect, send_raw
from support.serve_cli import QUERY


def test_r11_concurrent_fetches_share_no_item_and_lose_none() -> None:
    with emulator_process("--log-level", "error") as (_, address):
        numbers = [str(13000000000 + index) for index in range(900)]
        send = f"action=send&{QUERY}&content=x&mobile={','.join(numbers)}"
        assert "Success" in send_raw(address, build_request(UTF8, send.encode())).body.decode()
        fetch = build_request(STATUS, f"action=query&{QUERY}&statusNum=10".encode())
        fetched: list[str] = []

        def fetch_until_empty() -> None:
            while mobiles := re.findall(r"<mobile>(\d+)<", send_raw(address, fetch).body.decode()):
                fetched.extend(mobiles)

        fetchers = [threading.Thread(target=fetch_until_empty) for _ in range(8)]
        for fetcher in fetchers:
            fetcher.start()
        for fetcher in fetchers:
            fetcher.join(60)
        assert sorted(fetched) == numbers


def test_an_unread_log_blocks_neither_responses_nor_the_shutdown() -> None:
    with emulator_process() as (process, address):  # its standard error is a pipe, which is soon full
        for _ in range(1500):
            assert send_raw(address, build_request(UTF8, b"action=overage")).status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0


def test_a_truncated_response_to_a_disconnected_client_is_no_error() -> None:
    with emulator_process() as (process, address):
        for fault in ({"kind": "latency", "seconds": 0.1}, {"kind": "truncate", "at": 50}):
            call_control(address, "POST", "/accounts/12/faults", fault)
        raw = build_request(UTF8, f"action=overage&{QUERY}".encode())
        for _ in range(20):
            with connect(address) as connection:
                connection.sendall(raw)
        with connect(address) as connection, suppress(ConnectionError):
            connection.sendall(raw)
            while connection.recv(65536):  # the responses to the earlier requests were sent before this one
                continue
        process.send_signal(signal.SIGTERM)
        assert "Traceback" not in wait_exit(process)[1]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit on Windows")
def test_more_connections_than_the_soft_file_limit_are_all_served() -> None:
    with emulator_process(files=128) as (_, address), ExitStack() as connections:
        for _ in range(200):
            connections.enter_context(connect(address))
        assert send_raw(address, build_request(UTF8, b"action=overage")).status == 200


CONCURRENT_IMPORTS = """
import sys, threading, time

class SlowFinder:  # makes the imports of both threads overlap
    def find_spec(self, name, path=None, target=None):
        if name.startswith("werkzeug"):
            time.sleep(0.005)

sys.meta_path.insert(0, SlowFinder())
from sms10692_mock.server.process import LazyWsgiApp
from sms10692_mock.codec.forms import parse_fields

def create_app():
    from sms10692_mock.admin import app
    return lambda environ, start_response: [app]

callables = [
    lambda: LazyWsgiApp(create_app)({}, None),
    lambda: parse_fields(b"", "multipart/form-data; boundary=x", b"--x--", bytes.decode),
]
threads = [threading.Thread(target=run) for run in callables]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_concurrent_first_requests_to_the_form_parser_and_the_console_import_their_modules_without_an_error() -> None:
    completed = subprocess.run(
        [sys.executable, "-c", CONCURRENT_IMPORTS], capture_output=True, text=True, timeout=TIMEOUT, check=True
    )
    assert completed.stderr == ""
