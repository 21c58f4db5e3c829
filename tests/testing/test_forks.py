"""Forked processes: a child inherits nothing of a running emulator and reaches it by its URL only.

Each test runs a program of its own, because the pytest process has threads and must not be forked.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.http_client import TIMEOUT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="requires os.fork")

PROGRAM = """
import os, socket
from contextlib import contextmanager
from sms10692 import Client
from sms10692_mock import ControlUnreachable, Emulator, EmulatorControl

@contextmanager
def child(work=lambda: None, is_awaited=True):
    # Fork a child that exits after the block. The child works before the block starts, or during the block if
    # is_awaited is false. If the child fails, the program fails.
    from_parent, to_child = os.pipe()
    from_child, to_parent = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(to_child)
        try:
            work()
            os.write(to_parent, b"done")
            os.read(from_parent, 1)
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    os.close(to_parent)
    done = os.read(from_child, 4) if is_awaited else b"done"
    try:
        yield
    finally:
        os.close(to_child)
        _, status = os.waitpid(pid, 0)
        assert (done, status) == (b"done", 0)

def get_address(emulator):
    host, _, port = emulator.url.removeprefix("http://").rpartition(":")
    return host, int(port)

def is_refused(address):
    with socket.socket() as connection:
        return connection.connect_ex(address) != 0
"""


def run(program: str, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM + program)
    command = [sys.executable, "-W", "ignore::DeprecationWarning", str(script)]
    result = subprocess.run(command, timeout=TIMEOUT, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


def test_the_port_is_closed_after_stop_while_a_child_lives(tmp_path: Path) -> None:
    program = """
with Emulator() as emulator:
    address = get_address(emulator)
    with child():
        assert not is_refused(address)
        emulator.__exit__(None, None, None)
        assert is_refused(address)
        emulator.__enter__()
"""
    run(program, tmp_path)


def test_a_connection_is_closed_while_a_child_lives(tmp_path: Path) -> None:
    program = f"""
REQUEST = b"GET /v2sms.aspx HTTP/1.1\\r\\nHost: x\\r\\n%b\\r\\n"
with Emulator() as emulator, socket.create_connection(get_address(emulator), timeout={TIMEOUT}) as connection:
    connection.sendall(REQUEST % b"")
    assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
    with child():
        connection.sendall(REQUEST % b"Connection: close\\r\\n")
        while connection.recv(65536):
            pass
"""
    run(program, tmp_path)


def test_a_child_uses_the_emulator_by_its_url(tmp_path: Path) -> None:
    program = """
def send():
    with Client(vendor.url, **vendor.credentials) as client:
        client.send("15023239810", "x")
    with EmulatorControl(vendor.url) as control:
        assert control.get_account(vendor.userid).wait_message().content == "x"

with Emulator() as emulator:
    vendor = emulator.account()
    _ = vendor.url
    with child(send):
        assert vendor.wait_message().content == "x"
"""
    run(program, tmp_path)


def test_a_childs_copy_of_the_emulator_raises_an_error(tmp_path: Path) -> None:
    program = """
def use_copies():
    for call in (vendor.messages, emulator.account):
        try:
            call()
        except ControlUnreachable as error:
            assert "was forked: use EmulatorControl(url) here" in str(error), error
        else:
            raise AssertionError(call)
    try:
        emulator.url
    except RuntimeError as error:
        assert "read its url before the fork" in str(error)
    else:
        raise AssertionError("a child got a URL")

with Emulator() as emulator:
    vendor = emulator.account()
    with child(use_copies):
        assert vendor.messages() == []
"""
    run(program, tmp_path)


def test_a_child_that_exits_the_emulator_stops_nothing(tmp_path: Path) -> None:
    program = """
with Emulator() as emulator:
    vendor, address = emulator.account(), get_address(emulator)
    with child(lambda: emulator.__exit__(None, None, None)):
        assert not is_refused(address)
        with Client(vendor.url, **vendor.credentials) as client:
            assert client.overage().overage == 1000
"""
    run(program, tmp_path)


def test_parent_and_child_share_no_connection_to_a_remote_emulator(tmp_path: Path) -> None:
    program = """
def check_points(points):
    for _ in range(50):
        assert control.get_account(userids[points]).balance().points == points

with Emulator() as emulator, EmulatorControl(emulator.url) as control:
    userids = {points: control.account(points=points).userid for points in (1, 2)}
    with child(lambda: check_points(1), is_awaited=False):
        check_points(2)
"""
    run(program, tmp_path)
