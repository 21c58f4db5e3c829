"""Tests of the standard streams of the command `sms10692-mock`: every encoding, and closed or full streams.

The command writes its banner, help, refusals, log lines and internal errors.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TypeAlias

import pytest

from sms10692_mock.cli import command
from sms10692_mock.streams import INTERNAL_ERROR
from support.emulators import UTF8, emulator_process, read_log, wait_exit
from support.http_client import TIMEOUT, build_request, send_raw
from support.serve_cli import SEND

ENCODINGS = ("gbk", "cp936", "cp1252", "ascii", "cp437", "latin-1", "utf-8")
Completed: TypeAlias = subprocess.CompletedProcess[bytes]

HARD = "商户€ß🎉\udcff"
"""Characters that some encodings lack, and a byte that is not UTF-8."""


def run(*arguments: str, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE) -> Completed:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "sms10692_mock", *arguments], stdout=stdout, stderr=stderr, timeout=TIMEOUT, check=False
    )


def run_python(program: str, *arguments: str, encoding: str = "utf-8", stderr: int = subprocess.PIPE) -> Completed:
    """Run a Python program that modifies the command before it runs."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        stdout=subprocess.PIPE,
        stderr=stderr,
        timeout=TIMEOUT,
        check=False,
    )


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_banner_and_the_log_are_written_in_any_encoding(encoding: str) -> None:
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    accounts = ["--account", f"7:商户€:{HARD[:-1]}", "--account", "8:账:x"]
    with emulator_process(*accounts, environment=environment, encoding=encoding) as (process, address):
        assert process.stdout is not None
        banner = [process.stdout.readline() for _ in range(3)]
        assert "account test" in banner[0]
        assert banner[1].startswith("account \\u5546\\u6237\\u20ac, userid 7")
        assert banner[2].startswith(f"account {'账'.encode(encoding, 'backslashreplace').decode(encoding)}, userid 8")
        send_raw(address, build_request(UTF8, SEND.replace(b"userid=12", "userid=商户".encode())))
        (line,) = read_log(process, 1)[:1]
        assert "refused, " in line
        process.send_signal(signal.SIGTERM)
        wait_exit(process)
        assert process.returncode == 0


REFUSED = (
    ["nonsense" + HARD],
    ["serve", f"--{HARD}"],
    ["serve", "--keywords", f"/no/{HARD}"],
    ["serve", "--initial-state", f"/no/{HARD}"],
    ["serve", "--store", HARD],
    ["serve", "--profile", HARD],
    ["serve", "--account", HARD],
    ["serve", "--account", f"{HARD[:-1]}/:a:b"],
    ["serve", "--postpaid", HARD],
    ["serve", "--host", HARD],
    ["serve", "--token", HARD],
    ["serve", "--port", HARD],
)
HELP = (
    ["--help"],
    ["serve", "--help"],
    ["explain", "--help"],
    ["profile", "--help"],
    ["backup", "--help"],
    ["ready", "--help"],
    ["record", "--help"],
    ["trust", "--help"],
    ["--version"],
)
RUN_COMMANDS = """
import sys
from sms10692_mock.__main__ import main
codes = []
for arguments in {commands}:
    sys.argv = ["sms10692-mock", *arguments]
    try:
        main()
        codes.append(0)
    except SystemExit as end:
        codes.append(end.code)
sys.exit(str(codes))
"""


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_each_refusal_is_one_line_in_any_encoding(encoding: str) -> None:
    completed = run_python(RUN_COMMANDS.format(commands=ascii(REFUSED)), encoding=encoding)
    *lines, codes = completed.stderr.decode(encoding).splitlines()
    assert (completed.stdout, codes) == (b"", str([2] * len(REFUSED)))
    assert len(lines) == len(REFUSED)
    assert all(line.startswith("sms10692-mock: ") for line in lines)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_help_is_written_in_any_encoding(encoding: str) -> None:
    assert len(command.commands) == len(HELP) - 2, "a command whose help is not tested"
    completed = run_python(RUN_COMMANDS.format(commands=ascii(HELP)), encoding=encoding)
    assert completed.stderr.decode(encoding).strip() == str([0] * len(HELP))
    assert completed.stdout.decode(encoding).count("Usage: sms10692-mock") == len(HELP) - 1


FAILING = """
import sys
from sms10692_mock import cli as command
from sms10692_mock.server import process
from sms10692_mock.__main__ import main

def fail(*arguments):
    raise RuntimeError("商户€ß🎉\\udcff")

setattr(sys.modules[sys.argv[1]], sys.argv[2], fail)
sys.argv = ["sms10692-mock", "serve", "--port", "0"]
main()
"""


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "function",
    ["sms10692_mock.cli.listening_sockets", "sms10692_mock.cli.banner", "sms10692_mock.server.process.Server"],
)
def test_an_internal_error_is_reported_in_any_encoding_with_exit_code_70(function: str, encoding: str) -> None:
    module, _, name = function.rpartition(".")
    completed = run_python(FAILING, module, name, encoding=encoding)
    output = completed.stderr.decode(encoding)
    assert completed.returncode == INTERNAL_ERROR == 70
    assert "Traceback" in output
    assert output.splitlines()[-1].startswith("sms10692-mock: internal error: RuntimeError(")


def test_an_error_while_loading_is_an_internal_error() -> None:
    program = (
        "import sys; sys.modules['sms10692_mock.domain.vendor'] = None; from sms10692_mock.__main__ import main; main()"
    )
    completed = run_python(program)
    assert completed.returncode == INTERNAL_ERROR


FAILING_AT_THE_END = """
import os, signal, sys
from sms10692_mock import cli as command
from sms10692_mock.__main__ import main
from sms10692_mock.stores.memory.store import MemoryStore

def fail(store):
    raise RuntimeError("the store does not close")

MemoryStore.close = fail
command._print_banner = lambda words, log: os.kill(os.getpid(), signal.SIGTERM)
sys.argv = ["sms10692-mock", "serve", "--port", "0"]
main()
"""


def test_an_error_during_the_shutdown_is_an_internal_error() -> None:
    completed = run_python(FAILING_AT_THE_END)
    assert completed.returncode == INTERNAL_ERROR
    assert completed.stderr.endswith(b"sms10692-mock: internal error: RuntimeError('the store does not close')\n")


def test_an_internal_error_ends_the_process_even_if_standard_error_is_not_read() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while os.write(writer, b"x" * 65536):
            pass
    except BlockingIOError:
        os.set_blocking(writer, True)
    try:
        completed = run_python(FAILING, "sms10692_mock.cli", "banner", stderr=writer)
    finally:
        os.close(reader)
        os.close(writer)
    assert completed.returncode == INTERNAL_ERROR


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["serve", "--port", "0"]], ids=str)
def test_full_standard_output_is_one_line_and_exit_code_2(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        completed = run(*arguments, stdout=full.fileno())
    assert (completed.returncode, completed.stderr) == (
        2,
        b"sms10692-mock: cannot write to standard output: No space left on device\n",
    )


def test_closed_standard_output_is_one_line_and_exit_code_2() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        completed = run("serve", "--help", stdout=writer)
    finally:
        os.close(writer)
    assert (completed.returncode, completed.stderr) == (
        2,
        b"sms10692-mock: cannot write to standard output: Broken pipe\n",
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_refusal_that_cannot_be_written_keeps_its_exit_code() -> None:
    with Path("/dev/full").open("w") as full:
        assert run("serve", "--nonsense", stderr=full.fileno()).returncode == 2


SERVING_WITHOUT_STREAMS = """
import os, stat, sys
from pathlib import Path
from sms10692_mock import cli as command
from sms10692_mock.__main__ import main

def check_streams(words, log):
    are_sockets = [stat.S_ISSOCK(os.fstat(descriptor).st_mode) for descriptor in range(3)]
    result.write_text(str(are_sockets))
    os._exit(0)

result = Path(sys.argv[1])
command._print_banner = check_streams
sys.argv = ["sms10692-mock", "serve", "--port", "0"]
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of POSIX closes the streams")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_with_closed_streams_the_command_serves_and_no_socket_gets_their_descriptors(
    closed: str, tmp_path: Path
) -> None:
    result = tmp_path / "result"
    command_line = f'exec "$0" -c "$1" "$2" {closed}'
    completed = subprocess.run(
        ["/bin/sh", "-c", command_line, sys.executable, SERVING_WITHOUT_STREAMS, str(result)],
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert (completed.returncode, result.read_text("utf-8")) == (0, "[False, False, False]")
