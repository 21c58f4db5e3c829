"""Tests of `sms10692-mock serve` as a process: the banner with an example command, and the log.

See also `test_options`, `test_shutdown` and `test_sockets`.
"""

import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.emulators import MANUAL_SIGN, UTF8, emulator_process, is_request_line, read_log, wait_exit
from support.http_client import TIMEOUT, build_request, send_raw
from support.serve_cli import QUERY, SEND, get_overage


def test_the_example_curl_command_gets_a_response() -> None:
    with emulator_process() as (process, _):
        assert process.stdout is not None
        assert process.stdout.readline() == "account test, userid 12, password mima, prepaid, 1000 points\n"
        curl = shlex.split(process.stdout.readline())
        assert MANUAL_SIGN in curl[-1]
        response = subprocess.run(
            [*curl, "--silent"], capture_output=True, text=True, encoding="utf-8", check=True
        ).stdout
    assert "<returnstatus>Success</returnstatus>" in response


@pytest.mark.parametrize("arguments", [["--account", "12:a&b:c d:e"], ["--profile", "brand.toml"]], ids=str)
def test_the_example_curl_command_is_signed_for_the_chosen_account(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("brand.toml").write_text("max_clock_skew = 60\n", "utf-8")
    with emulator_process(*arguments) as (process, _):
        assert process.stdout is not None
        process.stdout.readline()
        curl = shlex.split(process.stdout.readline())
        response = subprocess.run(
            [*curl, "--silent"], capture_output=True, text=True, encoding="utf-8", check=True
        ).stdout
    assert "<returnstatus>Success</returnstatus>" in response


def test_a_request_writes_one_line_to_standard_error_and_none_to_standard_output() -> None:
    with emulator_process() as (process, address):
        send_raw(address, build_request(UTF8, SEND))
        send_raw(address, build_request(UTF8, b"action=send"))
        send_raw(address, b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
        assert process.stdout is not None
        assert [process.stdout.readline().partition(" ")[0] for _ in range(2)] == ["account", "curl"]
        log = read_log(process, 3)
        process.send_signal(signal.SIGTERM)
        out, err = wait_exit(process)
    assert out == ""
    log += err.splitlines()
    lines = list(filter(is_request_line, log))
    assert len(lines) == 3
    assert "POST /v2sms.aspx send, userid '12': task 100001, numbers 1, points left 999" in lines[0]
    assert "POST /v2sms.aspx send, userid '': refused, 用户名或密码不能为空" in lines[1]
    assert "GET /nowhere: 404" in lines[2]
    assert not re.search(f"mima|{MANUAL_SIGN}|15023239810", "".join(log))


def test_the_log_explains_a_refused_request_below_its_line() -> None:
    with emulator_process() as (process, address):
        upper_case_query = QUERY.replace(MANUAL_SIGN, MANUAL_SIGN.upper())
        send_raw(address, build_request(UTF8, f"action=overage&{upper_case_query}".encode()))
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in range(2)]
    assert "refused, 用户名或密码错误" in lines[0]
    assert "signature.upper-case" in lines[1]
    assert "mima" not in "".join(lines)


def test_without_requests_in_the_log_standard_error_is_silent() -> None:
    with emulator_process("--log-level", "warning") as (process, address):
        send_raw(address, build_request(UTF8, SEND))
        process.send_signal(signal.SIGINT)
        assert wait_exit(process)[1] == ""


def test_a_hostile_userid_does_not_break_the_log() -> None:
    with emulator_process() as (process, address):
        send_raw(address, build_request(UTF8, b"action=send&timestamp=1&sign=1&userid=%0Afake%1B[2J" + b"x" * 1000))
        lines = read_log(process, 1)
        process.send_signal(signal.SIGTERM)
        lines += wait_exit(process)[1].splitlines()
    assert len([line for line in lines if "POST" in line]) == 1
    assert "\x1b" not in "".join(lines)
    assert all(len(line) < 400 for line in lines)


def test_control_characters_of_an_account_do_not_reach_the_terminal() -> None:
    with emulator_process("--account", "7:a\nb\x1b[2J:secret") as (process, _):
        assert process.stdout is not None
        process.stdout.readline()
        assert process.stdout.readline() == "account a\\nb\\x1b[2J, userid 7, password as given, prepaid, 1000 points\n"


def test_the_server_continues_after_standard_error_is_closed() -> None:
    with emulator_process() as (process, address):
        assert process.stderr is not None
        process.stderr.close()
        for _ in range(3):
            assert "Sucess" in get_overage(address)
        process.send_signal(signal.SIGTERM)
        wait_exit(process)


def test_standard_output_that_cannot_be_written_ends_with_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        completed = subprocess.run(
            [sys.executable, "-m", "sms10692_mock", "serve", "--port", "0"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    assert (completed.returncode, completed.stderr.count("\n")) == (2, 1)
    assert "standard output" in completed.stderr
