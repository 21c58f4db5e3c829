"""What the command `sms10692` prints in any encoding, of any server, to any standard output; and its exit codes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sms10692.terminal import escape_controls
from support.emulators import TIMEOUT, emulator_process
from support.raw_servers import http_answer, server

ENCODINGS = ["utf-8", "gbk", "cp936", "cp1252", "ascii", "cp437", "latin-1", "utf-16"]
NUMBER = "15023239810"


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    with emulator_process("--log-level", "error") as (_, (host, port)):
        yield settings(f"http://{host}:{port}")


def settings(url: str) -> dict[str, str]:
    return os.environ | {
        "SMS10692_URL": url,
        "SMS10692_USERID": "12",
        "SMS10692_ACCOUNT": "test",
        "SMS10692_PASSWORD": "mima",
        "COLUMNS": "200",
        "PYTHONIOENCODING": "utf-8",
    }


def ended(environment: dict[str, str], *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """The command after its end. Arguments may hold any bytes."""
    standard: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, "-m", "sms10692", *arguments]
    end: subprocess.CompletedProcess[bytes] = subprocess.run(
        command, check=False, timeout=TIMEOUT, env=environment, **standard | options
    )
    return end


# Encodings


IN_TURN = """
import json, sys
from sms10692.__main__ import main

for expected, *arguments in json.loads(sys.argv[1]):
    sys.argv[1:] = arguments
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    if code != expected:
        sys.exit(f"{arguments!a} ended with {code}")
"""


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_action_ends_as_it_should_in_any_encoding(
    environment: dict[str, str], encoding: str, tmp_path: Path
) -> None:
    table, broken, missing = (str(tmp_path / name) for name in ("表😀.csv", "坏€.csv", "没有é"))
    Path(table).write_text(f"手机号,姓名\n{NUMBER},张三😀\n", "utf-8")
    Path(broken).write_text("张三😀\n", "utf-8")
    actions: list[tuple[Any, ...]] = [
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
    end = subprocess.run(
        [sys.executable, "-c", IN_TURN, json.dumps(actions)],
        check=False,
        capture_output=True,
        timeout=TIMEOUT,
        env=environment | {"PYTHONIOENCODING": encoding},
    )
    assert end.returncode == 0, end.stderr
    assert b"Traceback" not in end.stderr


def test_arguments_that_are_no_utf_8_are_refused_in_one_line(environment: dict[str, str]) -> None:
    for arguments in (["send", NUMBER, "--text", os.fsdecode(b"\xff")], ["overage", "--account", os.fsdecode(b"\xff")]):
        end = ended(environment, *arguments)
        assert (end.returncode, end.stderr.count(b"\n")) == (2, 1), end.stderr


# Exit codes


BREAKS = """
import sys
from sms10692 import client
def breaks(*_): raise {error}
client.Client._exchange = breaks
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
def test_an_error_of_the_program_is_exit_code_70(error: str) -> None:
    end = subprocess.run([sys.executable, "-c", BREAKS.format(error=error)], capture_output=True, check=False)
    assert end.returncode == 70
    assert b"Traceback" in end.stderr
    last = end.stderr.decode().splitlines()[-1]
    assert last.startswith(f"sms10692: internal error, {error.partition('(')[0]}")
    assert "\x9b" not in end.stderr.decode()


def test_a_module_that_cannot_be_loaded_is_exit_code_70() -> None:
    program = "import sys; sys.modules['lxml'] = object(); from sms10692.__main__ import main; main()"
    end = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert end.returncode == 70
    assert b"lxml" in end.stderr


NO_ROOM = """
import os
def no_room(descriptor): raise OSError(28, "No space left on device")
os.fsync = no_room
from sms10692.__main__ import main
main()
"""

ACTIONS = [["--help"], ["--version"], ["send", "--help"], ["overage"], ["checkkeyword", "x"], ["status"], ["call"]]


@pytest.mark.parametrize("arguments", ACTIONS, ids=" ".join)
def test_standard_output_that_nobody_reads_is_exit_code_3(environment: dict[str, str], arguments: list[str]) -> None:
    ended(environment, "send", "10000000031", "--text", "x")
    reading, writing = os.pipe()
    os.close(reading)
    end = ended(environment, *arguments, stdout=writing)
    os.close(writing)
    assert end.returncode == 3
    assert b"sms10692: standard output: " in end.stderr
    if arguments in (["status"], ["call"]):
        assert b'"mobile": "10000000031"' in end.stderr, "what was fetched is lost"


@pytest.mark.skipif(os.name == "nt", reason="there, a program starts with all three streams")
@pytest.mark.parametrize(
    "arguments", [["call"], ["call", "--json"], ["send", "10000000031", "--text", "x"]], ids=" ".join
)
def test_standard_output_that_is_closed_is_exit_code_3_before_anything_is_asked(arguments: list[str]) -> None:
    with server(lambda connection: connection.sendall(http_answer(REPLY.encode()))) as (url, asked):
        end = ended(settings(url), *arguments, stdout=None, preexec_fn=lambda: os.close(1))
    assert (end.returncode, asked) == (3, [])
    assert end.stderr == b"sms10692: standard output is closed; no request was sent\n"


@pytest.mark.parametrize("output", ["", "--json"])
def test_an_answer_that_cannot_be_kept_is_printed(environment: dict[str, str], output: str, tmp_path: Path) -> None:
    ended(environment, "send", "10000000031", "--text", "x")
    arguments = [argument for argument in ("call", "--keep", str(tmp_path), output) if argument]
    end = subprocess.run([sys.executable, "-c", NO_ROOM, *arguments], capture_output=True, check=False, env=environment)
    assert (end.returncode, b"10000000031" in end.stdout) == (3, True)
    assert b"sms10692: the response could not be written to disk: No space left on device" in end.stderr


def test_standard_error_that_nobody_reads_changes_no_exit_code(environment: dict[str, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    assert ended(environment, "send", "10000000006", "--text", "x", stderr=writing).returncode == 1
    assert ended(environment, "send", "x", "--text", "x", stderr=writing).returncode == 2
    numbers = [str(13000000000 + place) for place in range(25)]
    end = ended(environment, "send", *numbers, numbers[0], "--batch", "5", "--text", "x", stderr=writing)
    assert (end.returncode, b"accepted: 25 of 25" in end.stdout) == (0, True)
    os.close(writing)


# What a server sends


HOSTILE = "\x9b2J\nsms10692: ok\rx\u202egnp.exe\u2028y\x7f\u200fz\U000e0067"


def escaped(text: str) -> str:
    return "".join(f"&#{ord(character)};" for character in text)


REFUSED = f"<returnsms><returnstatus>Faild</returnstatus><message>{escaped(HOSTILE)}</message></returnsms>"
REPLY = (
    f"<returnsms><callbox><mobile>{escaped(HOSTILE)}</mobile><taskid>1</taskid><content>好{escaped(HOSTILE)}</content>"
    "<receivetime>2011-12-02 22:12:11</receivetime><extno></extno></callbox></returnsms>"
)
UNREADABLE = REPLY.replace("2011-12-02 22:12:11", escaped(HOSTILE))
FORBIDDEN = f"<returnsms><message>包含非法字符{escaped(HOSTILE)}</message></returnsms>"


@pytest.mark.parametrize(
    ("answer", "arguments", "code"),
    [
        (REFUSED, ["send", NUMBER, "--text", "x"], 1),
        (REFUSED, ["overage"], 1),
        (REFUSED, ["checkkeyword", "x"], 1),
        (REFUSED, ["status"], 1),
        (FORBIDDEN, ["checkkeyword", "x"], 0),
        (FORBIDDEN, ["checkkeyword", "x", "--json"], 0),
        (REPLY, ["call"], 0),
        (REPLY, ["call", "--json"], 0),
        (UNREADABLE, ["call"], 3),
    ],
    ids=str,
)
def test_no_control_character_of_a_server_reaches_the_terminal(answer: str, arguments: list[str], code: int) -> None:
    with server(lambda connection: connection.sendall(http_answer(answer.encode()))) as (url, _):
        end = ended(settings(url), *arguments)
    printed = end.stdout.decode() + end.stderr.decode()
    assert end.returncode == code
    assert not set(printed) & set("\x9b\r\u202e\u2028\x7f\u200f\x1b"), printed
    assert not any(line.startswith("sms10692: ok") for line in printed.splitlines())


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 \x1b[2J\r\n", b"HTTP/1.1 \x1b[2J\r\n", b"\x1b]0;x\x07\r\n", b"HTTP/1.1 200 OK\r\n\x1b[2J: x\r\n"],
)
def test_no_control_character_of_a_head_reaches_the_terminal(head: bytes) -> None:
    with server(lambda connection: connection.sendall(head + b"\r\n")) as (url, _):
        end = ended(settings(url), "overage")
    assert end.returncode == 3
    assert end.stderr.count(b"\n") == 1
    assert not set(end.stderr) & {0x1B, 0x07}


def test_json_has_the_content_to_the_letter() -> None:
    with server(lambda connection: connection.sendall(http_answer(REPLY.encode()))) as (url, _):
        (line,) = ended(settings(url), "call", "--json").stdout.splitlines()
    assert json.loads(line)["content"] == f"好{HOSTILE}"


@pytest.mark.parametrize(
    "text", ["内容", "【签名】您的验证码是 1234", "👨\u200d👩\u200d👧 é한", "全角\u3000空格", "\\x1b"]
)
def test_an_ordinary_text_is_printed_as_it_is(text: str) -> None:
    assert escape_controls(text) == text


# Numbers


def test_nothing_is_sent_where_a_line_is_no_number(environment: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text(f"手机号,姓名\n{NUMBER},张三\n", "utf-8")
    end = ended(environment, "send", "--file", str(file), "--text", "内容")
    assert end.returncode == 2
    assert "line 1 has '手机号'" in end.stderr.decode()
    assert end.stderr.count(b"\n") == 1
    assert b"998" not in ended(environment, "overage").stdout
    assert b"1000" in ended(environment, "overage").stdout
    end = ended(environment, "send", "--file", str(file), "--column", "手机号", "--text", "内容", "--json")
    assert (end.returncode, end.stderr) == (0, b"")
    assert b'"remain_point": 999' in end.stdout


def test_numbers_may_come_on_standard_input(environment: dict[str, str]) -> None:
    end = ended(environment, "send", "--file", "-", "--text", "x", input=f"{NUMBER}\n{NUMBER}\n".encode())
    assert end.returncode == 0
    assert b"duplicate numbers are sent to only once: 15023239810 in line 2 repeats line 1" in end.stderr
    assert b"accepted: 1 of 1" in end.stdout


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
def test_a_file_without_end_is_refused(environment: dict[str, str]) -> None:
    end = ended(environment, "send", "--file", "/dev/zero", "--text", "x")
    assert (end.returncode, b"larger than 32 MiB" in end.stderr) == (2, True)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="this system has no file that opens and does not read")
def test_a_file_that_cannot_be_read_is_exit_code_2(environment: dict[str, str]) -> None:
    end = ended(environment, "send", "--file", "/proc/self/mem", "--text", "x")
    assert (end.returncode, b"the file cannot be read: Input/output error" in end.stderr) == (2, True)


@pytest.mark.parametrize(
    "arguments",
    [["overage", "--timeout", "1e10"], ["overage", "--total-timeout", "1e300"], ["call", "--follow", "1e300"]],
    ids=" ".join,
)
def test_a_time_that_no_system_can_wait_is_refused(arguments: list[str]) -> None:
    end = ended(settings("http://127.0.0.1:1"), *arguments)
    assert (end.returncode, end.stderr.count(b"\n")) == (2, 1), end.stderr


def test_a_column_without_a_file_is_refused(environment: dict[str, str]) -> None:
    end = ended(environment, "send", NUMBER, "--column", "1", "--text", "x")
    assert (end.returncode, b"--column requires --file" in end.stderr) == (2, True)


# The environment


@pytest.mark.parametrize(
    ("name", "value", "url"),
    [
        ("ALL_PROXY", "socks://127.0.0.1:7890", "http://vendor.invalid"),
        ("http_proxy", "http://127.0.0.1:99999", "http://vendor.invalid"),
        ("SSL_CERT_FILE", "/no/such/ca.pem", "https://vendor.invalid"),
    ],
)
def test_what_is_wrong_in_the_environment_is_one_line_that_names_it(name: str, value: str, url: str) -> None:
    end = ended(settings(url) | {name: value}, "overage")
    assert end.returncode == 2
    assert end.stderr.startswith(b"sms10692: ")
    assert end.stderr.count(b"\n") == 1
    assert name.encode() in end.stderr


def test_the_environment_changes_nothing_for_an_emulator_on_this_machine(environment: dict[str, str]) -> None:
    spoilt = environment | {"ALL_PROXY": "socks5://127.0.0.1:1", "SSL_CERT_FILE": "/no/such/ca.pem"}
    assert ended(spoilt, "overage").returncode == 0


def test_a_proxy_and_trust_in_the_environment_are_options() -> None:
    with server(lambda connection: connection.sendall(http_answer(FORBIDDEN.encode()))) as (url, asked):
        spoilt = settings("http://vendor.invalid") | {"ALL_PROXY": "socks://nonsense"}
        assert ended(spoilt, "checkkeyword", "x", "--no-trust-env", "--proxy", url).returncode == 0
    assert asked[0].startswith(b"POST http://vendor.invalid/v2sms.aspx ")
