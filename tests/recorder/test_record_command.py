"""`sms10692-mock record` as a process: signals, a full disk, wrong options."""

import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import click
import pytest

from sms10692_mock.cli import command
from support.emulators import killed_after
from support.http_client import TIMEOUT, connect
from support.recordings import ScriptedVendor, read_recording, recorder_process

resource = pytest.importorskip("resource", reason="limits of a process are POSIX's")
BODY = b"<returnsms><message>ok</message></returnsms>"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
REQUEST = b"GET /v2sms.aspx?action=overage HTTP/1.1\r\nHost: x\r\n\r\n"


def answer(connection: socket.socket, _: bytes) -> bool:
    connection.sendall(RESPONSE)
    return True


def read_line(process: "subprocess.Popen[str]") -> str:
    """Read a line of standard error."""
    assert process.stderr is not None
    with killed_after(process, TIMEOUT):
        return process.stderr.readline()


def wait(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    with killed_after(process, TIMEOUT):
        output, errors = process.communicate()
    return process.returncode, output, errors


def read_response(connection: socket.socket) -> bytes:
    received = b""
    while len(received) < len(RESPONSE):
        data = connection.recv(65536)
        if not data:
            break
        received += data
    return received


def test_sigterm_in_the_middle_waits_for_the_response(tmp_path: Path) -> None:
    has_arrived, may_answer = threading.Event(), threading.Event()

    def serve(connection: socket.socket, _: bytes) -> bool:
        has_arrived.set()
        assert may_answer.wait(TIMEOUT)
        connection.sendall(RESPONSE)
        return False

    folder = tmp_path / "out"
    with ScriptedVendor(serve) as vendor, recorder_process(vendor.url, folder) as (process, address):
        with connect(address) as connection:
            connection.sendall(REQUEST)
            assert has_arrived.wait(TIMEOUT)
            process.send_signal(signal.SIGTERM)
            assert "waiting for responses of the vendor" in read_line(process)
            may_answer.set()
            assert read_response(connection) == RESPONSE
        assert wait(process) == (0, f"1 exchanges in {folder}\n", "")
        assert len(vendor.requests) == 1
    [exchange] = read_recording(folder)
    assert (exchange.outcome, exchange.body) == ("complete", BODY)


def test_a_second_signal_ends_at_once_and_the_exchange_is_recorded_as_cut(tmp_path: Path) -> None:
    has_arrived, is_over = threading.Event(), threading.Event()

    def serve(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(RESPONSE[:-10])
        has_arrived.set()
        assert is_over.wait(TIMEOUT)
        return False

    folder = tmp_path / "out"
    with ScriptedVendor(serve) as vendor, recorder_process(vendor.url, folder) as (process, address):
        with connect(address) as connection:
            connection.sendall(REQUEST)
            assert has_arrived.wait(TIMEOUT)
            received = b""
            while len(received) < len(RESPONSE) - 10:
                received += connection.recv(65536)
            process.send_signal(signal.SIGTERM)
            assert "waiting" in read_line(process)
            process.send_signal(signal.SIGTERM)
            assert wait(process)[0] == 0
        is_over.set()
    [exchange] = read_recording(folder)
    assert (exchange.outcome, exchange.body) == ("cut", BODY[:-10])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the files of a running process")
def test_a_full_disk_disturbs_no_client_and_loses_no_exchange(tmp_path: Path) -> None:
    """Files may have no bytes for a while, as on a full disk."""
    folder = tmp_path / "out"
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with (
        ScriptedVendor(answer) as vendor,
        recorder_process(vendor.url, folder) as (process, address),
        connect(address) as connection,
    ):
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, hard))
        for _ in range(3):
            connection.sendall(REQUEST)
            assert read_response(connection) == RESPONSE
        assert "exchanges stay in memory until it works" in read_line(process)
        assert read_recording(folder) == []
        assert len(vendor.requests) == 3
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        connection.sendall(REQUEST)
        assert read_response(connection) == RESPONSE
        assert "nothing was lost" in read_line(process)
        process.send_signal(signal.SIGTERM)
        assert wait(process)[:2] == (0, f"4 exchanges in {folder}\n")
    assert [exchange.body for exchange in read_recording(folder)] == [BODY] * 4


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the files of a running process")
def test_the_exit_code_tells_that_exchanges_could_not_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with (
        ScriptedVendor(answer) as vendor,
        recorder_process(vendor.url, folder) as (process, address),
        connect(address) as connection,
    ):
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, hard))
        connection.sendall(REQUEST)
        assert read_response(connection) == RESPONSE
        assert "stay in memory" in read_line(process)
        process.send_signal(signal.SIGTERM)
        code, output, errors = wait(process)
    assert (code, output) == (1, f"0 exchanges in {folder}\n")
    assert "1 exchanges could not be written" in errors


WRONG = {
    "no URL": (["--to", "vendor"], "--to"),
    "user name in the URL": (["--to", "http://me@127.0.0.1"], "--to"),
    "folder with a file": (["--to", "http://127.0.0.1:1"], "is not empty"),
    "no CA": (["--to", "https://127.0.0.1", "--ca", "missing.pem"], "cannot read missing.pem"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_options_are_explained_and_write_nothing(name: str, tmp_path: Path) -> None:
    arguments, problem = WRONG[name]
    (tmp_path / "file").touch()
    with pytest.raises(click.ClickException) as raised:
        command.main(["record", *arguments, "--out", str(tmp_path), "--port", "0"], standalone_mode=False)
    assert problem in raised.value.format_message()
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
