"""Tests of the shutdown of the `serve` command by a signal, while clients send, read, or wait for a response.

The shutdown of an emulator inside a test process is tested in `tests/testing/test_emulator.py`.
"""

import signal
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from support.emulators import STATUS, UTF8, emulator_process, wait_exit
from support.http_client import TIMEOUT, Address, build_request, call_control, connect, send_raw
from support.serve_cli import QUERY, SEND


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)])
def test_a_signal_ends_the_process_despite_incomplete_requests(name: signal.Signals) -> None:
    with emulator_process() as (process, address), ExitStack() as connections:
        for index in range(40):
            connection = connections.enter_context(connect(address))
            connection.sendall(build_request(UTF8, SEND)[:-5] if index % 2 else b"")
        send_raw(address, build_request(UTF8, SEND))
        process.send_signal(name)
        wait_exit(process)


@pytest.mark.slow("Waits for time-outs.")
@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit on Windows")
def test_a_full_pipe_as_standard_error_blocks_neither_responses_nor_the_shutdown() -> None:
    """Includes records that the event loop logs."""
    with emulator_process(files=64, at_most=True) as (process, address), ExitStack() as connections:
        for _ in range(1500):
            assert send_raw(address, build_request(UTF8, b"action=overage")).status == 200  # the lines fill the pipe
        for _ in range(100):  # more than can be accepted, about which the event loop logs an error
            connections.enter_context(connect(address))
        connections.close()
        assert send_raw(address, build_request(UTF8, b"action=overage")).status == 200
        call_control(address, "GET", "/health")
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0


@pytest.mark.slow("Waits for time-outs.")
def test_a_full_pipe_and_an_unavailable_store_do_not_block_the_shutdown(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    with emulator_process("--store", f"sqlite:{file}") as (process, address):
        for _ in range(1500):
            assert send_raw(address, build_request(UTF8, b"action=overage")).status == 200
        file.unlink()
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0


def test_a_signal_ends_the_process_despite_unread_responses() -> None:
    with emulator_process("--postpaid", "12", "--log-level", "error") as (process, address), ExitStack() as connections:
        send = f"action=send&{QUERY}&content=x&mobile=".encode() + b"13000000001," * 100_000
        for _ in range(2):
            send_raw(address, build_request(UTF8, send))
        for _ in range(4):
            connection = connections.enter_context(connect(address))
            connection.sendall(build_request(STATUS, f"action=query&{QUERY}&statusNum=50000".encode()))
            assert connection.recv(1) == b"H", (
                "the response has begun; its ten megabytes exceed the buffers of a socket"
            )
        process.send_signal(signal.SIGTERM)
        wait_exit(process)


@pytest.mark.slow("Waits for a long request.")
@pytest.mark.parametrize("form", ["statusNum=99999999&rt=json", "statusNum=99999999"])
def test_a_signal_ends_the_process_during_a_request_that_takes_seconds(form: str) -> None:
    with emulator_process("--postpaid", "12", "--log-level", "error") as (process, address):
        send_raw(address, build_request(UTF8, f"action=send&{QUERY}&content=x&mobile=".encode() + b"1," * 500_000))
        assert count_fetched_reports(address) == 0
        with connect(address) as connection:
            connection.sendall(build_request(STATUS, f"action=query&{QUERY}&{form}".encode()))
            while not count_fetched_reports(address):
                continue
            process.send_signal(signal.SIGTERM)
            wait_exit(process)
            with suppress(ConnectionError):
                assert connection.recv(1) == b""


def count_fetched_reports(address: Address) -> int:
    """Return the number of reports that were fetched, before their response is complete."""
    queues = call_control(address, "GET", "/accounts/12/queue-stats")
    fetched: int = queues["reports"]["fetched"]
    return fetched
