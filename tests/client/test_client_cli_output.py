"""Output and exit codes of the command `sms10692`: encodings, closed streams, hostile servers, recipient files."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sms10692.terminal import escape_controls
from support.emulators import emulator_process
from support.http_client import TIMEOUT
from support.raw_servers import encode_response, raw_server

ENCODINGS = ["utf-8", "gbk", "cp936", "cp1252", "ascii", "cp437", "latin-1", "utf-16"]
NUMBER = "15023239810"


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    with emulator_process("--log-level", "error") as (_, (host, port)):
        yield build_environment(f"http://{host}:{port}")


def build_environment(url: str) -> dict[str, str]:
    return os.environ | {
        "SMS10692_URL": url,
        "SMS10692_USERID": "12",
        "SMS10692_ACCOUNT": "test",
        "SMS10692_PASSWORD": "mima",
        "COLUMNS": "200",
        "PYTHONIOENCODING": "utf-8",
    }


def run_cli(environment: dict[str, str], *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the command. Arguments may contain any bytes (surrogates)."""
    defaults: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, "-m", "sms10692", *arguments]
    result: subprocess.CompletedProcess[bytes] = subprocess.run(
        command, check=False, timeout=TIMEOUT, env=environment, **defaults | options
    )
    return result


# Encodings


RUN_ALL = """
import json, sys
from sms10692.__main__ import main

for expected, *arguments in json.loads(sys.argv[1]):
    sys.argv[1:] = arguments
    try:
        main()
        code = 0
    except SystemExit as exit:
        code = exit.code or 0
    if code != expected:
        sys.exit(f"{arguments!a} exited with {code}")
"""


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_subcommand_has_the_expected_exit_code_in_any_encoding(
    environment: dict[str, str], encoding: str, tmp_path: Path
) -> None:
    table, broken, missing = (str(tmp_path / name) for name in ("表😀.csv", "坏€.csv", "没有é"))
    Path(table).write_text(f"手机号,姓名\n{NUMBER},张三😀\n", "utf-8")
    Path(broken).write_text("张三😀\n", "utf-8")
    commands: list[tuple[Any, ...]] = [
        (0, "--help"),
        (0, "send", "--help"),
        (0, "send", "--file", table, "--column", "手机号", "--text", "é€😀"),
        (0, "send", "10000000031", "--text", "内容"),
        (2, "send", "--file", table, "--column", "姓名😀", "--text", "内容"),
        (2, "send", "--file", broken, "--text", "内容"),
        (2, "send", "--file", missing, "--text", "内容"),
        (2, "send", "张三😀", "--text", "内容"),
        (2, "send", NUMBER, "--text", "😀", "--charset", "gbk"),
        (0, "overage"),
        (0, "checkkeyword", "代开发票€"),
        (0, "status"),
        (0, "call"),
        (0, "call", "--json"),
        (1, "send", "10000000006", "--text", "内容"),
        (1, "status", "--account", "商户€"),
        (2, "没有€"),
        (2, "overage", "--没有€"),
        (2, "overage", "--url", "http://vendor/没有.aspx"),
        (3, "overage", "--url", "http://127.0.0.1:1"),
    ]
    result = subprocess.run(
        [sys.executable, "-c", RUN_ALL, json.dumps(commands)],
        check=False,
        capture_output=True,
        timeout=TIMEOUT,
        env=environment | {"PYTHONIOENCODING": encoding},
    )
    assert result.returncode == 0, result.stderr
    assert b"Traceback" not in result.stderr


def test_arguments_that_are_not_utf_8_are_refused_in_one_line(environment: dict[str, str]) -> None:
    for arguments in (["send", NUMBER, "--text", os.fsdecode(b"\xff")], ["overage", "--account", os.fsdecode(b"\xff")]):
        result = run_cli(environment, *arguments)
        assert (result.returncode, result.stderr.count(b"\n")) == (2, 1), result.stderr


# Exit codes


FAILING_CLIENT = """
import sys
from sms10692 import client
def fail(*_): raise {error}
client.Client._exchange = fail
sys.argv[1:] = ["overage", "--url", "http://127.0.0.1:1", "--userid", "1", "--account", "a", "--password", "p"]
from sms10692.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "error",
    [
        "RuntimeError('broken\\x9b')",
        "AssertionError()",
        "RecursionError()",
        "MemoryError()",
        "ModuleNotFoundError('x')",
    ],
)
def test_an_internal_error_is_exit_code_70(error: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", FAILING_CLIENT.format(error=error)], capture_output=True, check=False
    )
    assert result.returncode == 70
    assert b"Traceback" in result.stderr
    last = result.stderr.decode().splitlines()[-1]
    assert last.startswith(f"sms10692: internal error, {error.partition('(')[0]}")
    assert "\x9b" not in result.stderr.decode()


def test_a_broken_module_is_exit_code_70() -> None:
    program = "import sys; sys.modules['lxml'] = object(); from sms10692.__main__ import main; main()"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert result.returncode == 70
    assert b"lxml" in result.stderr


DISK_FULL = """
import os
def raise_disk_full(descriptor): raise OSError(28, "No space left on device")
os.fsync = raise_disk_full
from sms10692.__main__ import main
main()
"""

COMMANDS = [["--help"], ["--version"], ["send", "--help"], ["overage"], ["checkkeyword", "x"], ["status"], ["call"]]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_broken_pipe_on_standard_output_is_exit_code_3(environment: dict[str, str], arguments: list[str]) -> None:
    run_cli(environment, "send", "10000000031", "--text", "x")
    reading, writing = os.pipe()
    os.close(reading)
    result = run_cli(environment, *arguments, stdout=writing)
    os.close(writing)
    assert result.returncode == 3
    assert b"sms10692: standard output: " in result.stderr
    if arguments in (["status"], ["call"]):
        assert b'"mobile": "10000000031"' in result.stderr, "the fetched items are lost"


@pytest.mark.skipif(os.name == "nt", reason="Windows starts programs with all three streams")
@pytest.mark.parametrize(
    "arguments", [["call"], ["call", "--json"], ["send", "10000000031", "--text", "x"]], ids=" ".join
)
def test_closed_standard_output_is_exit_code_3_before_any_request(arguments: list[str]) -> None:
    with raw_server(lambda connection: connection.sendall(encode_response(REPLY.encode()))) as (url, received):
        result = run_cli(build_environment(url), *arguments, stdout=None, preexec_fn=lambda: os.close(1))
    assert (result.returncode, received) == (3, [])
    assert result.stderr == b"sms10692: standard output is closed; no request was sent\n"


@pytest.mark.parametrize("output", ["", "--json"])
def test_a_response_that_cannot_be_spooled_is_printed(environment: dict[str, str], output: str, tmp_path: Path) -> None:
    run_cli(environment, "send", "10000000031", "--text", "x")
    arguments = [argument for argument in ("call", "--spool", str(tmp_path), output) if argument]
    result = subprocess.run(
        [sys.executable, "-c", DISK_FULL, *arguments], capture_output=True, check=False, env=environment
    )
    assert (result.returncode, b"10000000031" in result.stdout) == (3, True)
    assert b"sms10692: the response could not be written to disk: No space left on device" in result.stderr


def test_a_broken_pipe_on_standard_error_does_not_change_the_exit_code(environment: dict[str, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    assert run_cli(environment, "send", "10000000006", "--text", "x", stderr=writing).returncode == 1
    assert run_cli(environment, "send", "x", "--text", "x", stderr=writing).returncode == 2
    numbers = [str(13000000000 + index) for index in range(25)]
    result = run_cli(environment, "send", *numbers, numbers[0], "--batch", "5", "--text", "x", stderr=writing)
    assert (result.returncode, b"accepted: 25 of 25" in result.stdout) == (0, True)
    os.close(writing)


# Responses of a hostile server


HOSTILE = "\x9b2J\nsms10692: ok\rx\u202egnp.exe\u2028y\x7f\u200fz\U000e0067"


def escape_xml(text: str) -> str:
    return "".join(f"&#{ord(character)};" for character in text)


REFUSAL = f"<returnsms><returnstatus>Faild</returnstatus><message>{escape_xml(HOSTILE)}</message></returnsms>"
REPLY = (
    f"<returnsms><callbox><mobile>{escape_xml(HOSTILE)}</mobile><taskid>1</taskid><content>好{escape_xml(HOSTILE)}</content>"
    "<receivetime>2011-12-02 22:12:11</receivetime><extno></extno></callbox></returnsms>"
)
INVALID_REPLY = REPLY.replace("2011-12-02 22:12:11", escape_xml(HOSTILE))
FORBIDDEN = f"<returnsms><message>包含非法字符{escape_xml(HOSTILE)}</message></returnsms>"


@pytest.mark.parametrize(
    ("body", "arguments", "code"),
    [
        (REFUSAL, ["send", NUMBER, "--text", "x"], 1),
        (REFUSAL, ["overage"], 1),
        (REFUSAL, ["checkkeyword", "x"], 1),
        (REFUSAL, ["status"], 1),
        (FORBIDDEN, ["checkkeyword", "x"], 0),
        (FORBIDDEN, ["checkkeyword", "x", "--json"], 0),
        (REPLY, ["call"], 0),
        (REPLY, ["call", "--json"], 0),
        (INVALID_REPLY, ["call"], 3),
    ],
    ids=str,
)
def test_no_control_character_of_a_response_body_reaches_the_terminal(
    body: str, arguments: list[str], code: int
) -> None:
    with raw_server(lambda connection: connection.sendall(encode_response(body.encode()))) as (url, _):
        result = run_cli(build_environment(url), *arguments)
    printed = result.stdout.decode() + result.stderr.decode()
    assert result.returncode == code
    assert not set(printed) & set("\x9b\r\u202e\u2028\x7f\u200f\x1b"), printed
    assert not any(line.startswith("sms10692: ok") for line in printed.splitlines())


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 \x1b[2J\r\n", b"HTTP/1.1 \x1b[2J\r\n", b"\x1b]0;x\x07\r\n", b"HTTP/1.1 200 OK\r\n\x1b[2J: x\r\n"],
)
def test_no_control_character_of_a_response_head_reaches_the_terminal(head: bytes) -> None:
    with raw_server(lambda connection: connection.sendall(head + b"\r\n")) as (url, _):
        result = run_cli(build_environment(url), "overage")
    assert result.returncode == 3
    assert result.stderr.count(b"\n") == 1
    assert not set(result.stderr) & {0x1B, 0x07}


def test_json_output_preserves_the_content() -> None:
    with raw_server(lambda connection: connection.sendall(encode_response(REPLY.encode()))) as (url, _):
        (line,) = run_cli(build_environment(url), "call", "--json").stdout.splitlines()
    assert json.loads(line)["content"] == f"好{HOSTILE}"


@pytest.mark.parametrize(
    "text", ["内容", "【签名】您的验证码是 1234", "👨\u200d👩\u200d👧 é한", "全角\u3000空格", "\\x1b"]
)
def test_ordinary_text_is_printed_unchanged(text: str) -> None:
    assert escape_controls(text) == text


# Recipient files


def test_nothing_is_sent_if_a_line_is_not_a_number(environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text(f"手机号,姓名\n{NUMBER},张三\n", "utf-8")
    result = run_cli(environment, "send", "--file", str(file), "--text", "内容")
    assert result.returncode == 2
    assert "line 1 has '手机号'" in result.stderr.decode()
    assert result.stderr.count(b"\n") == 1
    assert b"998" not in run_cli(environment, "overage").stdout
    assert b"1000" in run_cli(environment, "overage").stdout
    result = run_cli(environment, "send", "--file", str(file), "--column", "手机号", "--text", "内容", "--json")
    assert (result.returncode, result.stderr) == (0, b"")
    assert b'"remain_point": 999' in result.stdout


def test_numbers_are_read_from_standard_input(environment: dict[str, str]) -> None:
    result = run_cli(environment, "send", "--file", "-", "--text", "x", input=f"{NUMBER}\n{NUMBER}\n".encode())
    assert result.returncode == 0
    assert b"duplicate numbers are sent to only once: 15023239810 in line 2 repeats line 1" in result.stderr
    assert b"accepted: 1 of 1" in result.stdout


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
def test_an_endless_file_is_refused(environment: dict[str, str]) -> None:
    result = run_cli(environment, "send", "--file", "/dev/zero", "--text", "x")
    assert (result.returncode, b"larger than 32 MiB" in result.stderr) == (2, True)


@pytest.mark.skipif(
    not Path("/proc/self/mem").exists(), reason="this system has no file that can be opened but not read"
)
def test_a_file_that_cannot_be_read_is_exit_code_2(environment: dict[str, str]) -> None:
    result = run_cli(environment, "send", "--file", "/proc/self/mem", "--text", "x")
    assert (result.returncode, b"the file cannot be read: Input/output error" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    "arguments",
    [["overage", "--timeout", "1e10"], ["overage", "--total-timeout", "1e300"], ["call", "--follow", "1e300"]],
    ids=" ".join,
)
def test_a_timeout_beyond_the_system_limit_is_refused(arguments: list[str]) -> None:
    result = run_cli(build_environment("http://127.0.0.1:1"), *arguments)
    assert (result.returncode, result.stderr.count(b"\n")) == (2, 1), result.stderr


def test_a_column_without_a_file_is_refused(environment: dict[str, str]) -> None:
    result = run_cli(environment, "send", NUMBER, "--column", "1", "--text", "x")
    assert (result.returncode, b"--column requires --file" in result.stderr) == (2, True)


# Proxies and certificates of the environment


@pytest.mark.parametrize(
    ("name", "value", "url"),
    [
        ("ALL_PROXY", "socks://127.0.0.1:7890", "http://vendor.invalid"),
        ("http_proxy", "http://127.0.0.1:99999", "http://vendor.invalid"),
        ("SSL_CERT_FILE", "/no/such/ca.pem", "https://vendor.invalid"),
    ],
)
def test_an_invalid_environment_setting_is_named_in_one_line(name: str, value: str, url: str) -> None:
    result = run_cli(build_environment(url) | {name: value}, "overage")
    assert result.returncode == 2
    assert result.stderr.startswith(b"sms10692: ")
    assert result.stderr.count(b"\n") == 1
    assert name.encode() in result.stderr


def test_invalid_environment_settings_do_not_affect_loopback(environment: dict[str, str]) -> None:
    invalid = environment | {"ALL_PROXY": "socks5://127.0.0.1:1", "SSL_CERT_FILE": "/no/such/ca.pem"}
    assert run_cli(invalid, "overage").returncode == 0


def test_proxy_and_trust_env_are_options() -> None:
    with raw_server(lambda connection: connection.sendall(encode_response(FORBIDDEN.encode()))) as (url, received):
        invalid = build_environment("http://vendor.invalid") | {"ALL_PROXY": "socks://nonsense"}
        assert run_cli(invalid, "checkkeyword", "x", "--no-trust-env", "--proxy", url).returncode == 0
    assert received[0].startswith(b"POST http://vendor.invalid/v2sms.aspx ")


def test_an_empty_response_of_a_queue_is_an_empty_queue_only_on_request() -> None:
    with raw_server(lambda connection: connection.sendall(encode_response(b""))) as (url, _):
        refused = run_cli(build_environment(url), "status")
        accepted = run_cli(build_environment(url), "status", "--accept-empty-body")
    assert (refused.returncode, refused.stdout) == (3, b"")
    assert (accepted.returncode, accepted.stdout) == (0, b"the queue is empty\n")
