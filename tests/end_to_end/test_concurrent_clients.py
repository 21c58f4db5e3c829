"""What one client does costs no other, and clients at once lose nothing: on sockets, without faults.

Here belongs what only a socket shows of several. All of it at once, and with faults, is in `test_stress_tool`.
"""

import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress

import pytest

from stress.connections import control_request
from support.emulators import (
    STATUS,
    TIMEOUT,
    UTF8,
    ask,
    emulator_process,
    request,
    wait_exit,
)
from support.serve_cli import QUERY


def test_r11_fetches_at_the_same_moment_share_nothing_and_lose_nothing() -> None:
    with emulator_process("--log-level", "error") as (_, address):
        numbers = [str(13000000000 + place) for place in range(900)]
        send = f"action=send&{QUERY}&content=x&mobile={','.join(numbers)}"
        assert "Success" in ask(address, request(UTF8, send.encode())).body.decode()
        fetch = request(STATUS, f"action=query&{QUERY}&statusNum=10".encode())
        taken: list[str] = []

        def fetch_until_empty() -> None:
            while boxes := re.findall(r"<mobile>(\d+)<", ask(address, fetch).body.decode()):
                taken.extend(boxes)

        fetchers = [threading.Thread(target=fetch_until_empty) for _ in range(8)]
        for fetcher in fetchers:
            fetcher.start()
        for fetcher in fetchers:
            fetcher.join(60)
        assert sorted(taken) == numbers


def test_a_log_that_nobody_reads_holds_up_neither_answers_nor_the_end() -> None:
    with emulator_process() as (process, address):  # its standard error is a pipe, which is soon full
        for _ in range(1500):
            assert ask(address, request(UTF8, b"action=overage")).status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0


def test_an_answer_that_is_cut_for_somebody_who_is_gone_is_no_error() -> None:
    with emulator_process() as (process, address):
        for fault in ({"kind": "latency", "seconds": 0.1}, {"kind": "cut", "at": 50}):
            assert ask(address, control_request("POST", "/accounts/12/faults", fault)).status == 201
        raw = request(UTF8, f"action=overage&{QUERY}".encode())
        for _ in range(20):
            with socket.create_connection(address, timeout=TIMEOUT) as connection:
                connection.sendall(raw)
        with socket.create_connection(address, timeout=TIMEOUT) as last, suppress(ConnectionError):
            last.sendall(raw)
            while last.recv(65536):  # what was asked before has been late before
                continue
        process.send_signal(signal.SIGTERM)
        assert "Traceback" not in wait_exit(process)[1]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit on Windows")
def test_more_connections_than_a_process_may_usually_have_are_all_served() -> None:
    with emulator_process(files=128) as (_, address), ExitStack() as connections:
        for _ in range(200):
            connections.enter_context(socket.create_connection(address, timeout=TIMEOUT))
        assert ask(address, request(UTF8, b"action=overage")).status == 200


AT_ONCE = """
import sys, threading, time

class Slow:  # so that both threads are in the middle of it
    def find_spec(self, name, path=None, target=None):
        if name.startswith("werkzeug"):
            time.sleep(0.005)

sys.meta_path.insert(0, Slow())
from sms10692_mock.server.process import LazyWsgiApp
from sms10692_mock.codec.forms import parse_fields

def make():
    from sms10692_mock.admin import app
    return lambda environ, start_response: [app]

ways = [
    lambda: LazyWsgiApp(make)({}, None),
    lambda: parse_fields(b"", "multipart/form-data; boundary=x", b"--x--", bytes.decode),
]
threads = [threading.Thread(target=way) for way in ways]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_the_first_multipart_body_and_the_first_request_beside_the_pages_may_come_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", AT_ONCE], capture_output=True, text=True, timeout=TIMEOUT, check=True)
    assert done.stderr == ""
