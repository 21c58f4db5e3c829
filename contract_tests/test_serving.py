"""What a person who starts `sms10692-mock serve` gets: a line when it is ready, one line of error, a prompt end.

Here belongs the command as a process of its own, on a real socket.
"""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulators import (
    CALL,
    CREDENTIALS,
    GBK,
    MANUALS_SIGN,
    PATIENCE,
    STATUS,
    UTF8,
    Address,
    ask,
    ended,
    is_of_a_request,
    logged,
    request,
    running,
    sign,
)
from storming.connections import control

QUERY = f"userid=12&timestamp=20120701231212&sign={MANUALS_SIGN}"
SEND = f"action=send&{QUERY}&mobile=15023239810&content=x".encode()


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with running() as (_, address):
        yield address


def overage(address: Address, account: str = "test", password: str = "mima", userid: str = "12") -> str:
    timestamp = CREDENTIALS["timestamp"]
    form = f"action=overage&userid={userid}&timestamp={timestamp}&sign={sign(account, password, timestamp)}"
    return ask(address, request(UTF8, form.encode())).body.decode()


def refused(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """What the command says when it does not start: one line on standard error, exit code 2, nothing else."""
    done = subprocess.run(
        [sys.executable, "-m", "sms10692_mock", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
        env=environment,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sms10692-mock: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


# The start


def test_the_line_to_paste_gets_a_real_answer() -> None:
    with running() as (process, _):
        assert process.stdout is not None
        assert process.stdout.readline() == "account test, userid 12, password mima, prepaid, 1000 points\n"
        curl = shlex.split(process.stdout.readline())
        assert MANUALS_SIGN in curl[-1]
        answer = subprocess.run(
            [*curl, "--silent"], capture_output=True, text=True, encoding="utf-8", check=True
        ).stdout
    assert "<returnstatus>Success</returnstatus>" in answer


@pytest.mark.parametrize("arguments", [["--account", "12:a&b:c d:e"], ["--max-clock-skew", "60"]], ids=str)
def test_the_line_to_paste_is_signed_for_what_was_chosen(arguments: list[str]) -> None:
    with running(*arguments) as (process, _):
        assert process.stdout is not None
        process.stdout.readline()
        curl = shlex.split(process.stdout.readline())
        answer = subprocess.run(
            [*curl, "--silent"], capture_output=True, text=True, encoding="utf-8", check=True
        ).stdout
    assert "<returnstatus>Success</returnstatus>" in answer


def test_a_request_is_a_line_on_standard_error_and_nothing_on_standard_output() -> None:
    with running() as (process, address):
        ask(address, request(UTF8, SEND))
        ask(address, request(UTF8, b"action=send"))
        ask(address, b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
        assert process.stdout is not None
        assert [process.stdout.readline().partition(" ")[0] for _ in range(2)] == ["account", "curl"]
        explained = logged(process, 3)
        process.send_signal(signal.SIGTERM)
        out, err = ended(process)
    assert out == ""
    explained += err.splitlines()
    lines = list(filter(is_of_a_request, explained))
    assert len(lines) == 3
    assert "POST /v2sms.aspx send, userid '12': task 100001, numbers 1, points left 999" in lines[0]
    assert "POST /v2sms.aspx send, userid '': refused, 用户名或密码不能为空" in lines[1]
    assert "GET /nowhere: 404" in lines[2]
    assert not re.search(f"mima|{MANUALS_SIGN}|15023239810", "".join(explained))


def test_below_a_refused_request_the_log_says_why() -> None:
    with running() as (process, address):
        upper = QUERY.replace(MANUALS_SIGN, MANUALS_SIGN.upper())
        ask(address, request(UTF8, f"action=overage&{upper}".encode()))
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in range(2)]
    assert "refused, 用户名或密码错误" in lines[0]
    assert "signature.upper-case" in lines[1]
    assert "mima" not in "".join(lines)


def test_without_requests_in_the_log_standard_error_is_silent() -> None:
    with running("--log-level", "warning") as (process, address):
        ask(address, request(UTF8, SEND))
        process.send_signal(signal.SIGINT)
        assert ended(process)[1] == ""


def test_a_hostile_userid_does_not_break_the_log() -> None:
    with running() as (process, address):
        ask(address, request(UTF8, b"action=send&timestamp=1&sign=1&userid=%0Afake%1B[2J" + b"x" * 1000))
        lines = logged(process, 1)
        process.send_signal(signal.SIGTERM)
        lines += ended(process)[1].splitlines()
    assert len([line for line in lines if "POST" in line]) == 1
    assert "\x1b" not in "".join(lines)
    assert all(len(line) < 400 for line in lines)


def test_control_characters_of_an_account_do_not_reach_the_terminal() -> None:
    with running("--account", "7:a\nb\x1b[2J:secret") as (process, _):
        assert process.stdout is not None
        process.stdout.readline()
        assert process.stdout.readline() == "account a\\nb\\x1b[2J, userid 7, password as given, prepaid, 1000 points\n"


def test_a_log_that_nobody_reads_any_more_stops_nothing() -> None:
    with running() as (process, address):
        assert process.stderr is not None
        process.stderr.close()
        for _ in range(3):
            assert "Sucess" in overage(address)
        process.send_signal(signal.SIGTERM)
        ended(process)


def test_standard_output_that_cannot_be_written_is_one_clear_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sms10692_mock", "serve", "--port", "0"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "standard output" in done.stderr


# Options, each also in the environment


def test_options_do_what_they_say(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("\ufeffalpha\r\n\r\n beta \n", "utf-8")
    arguments = ["--account", "7:shop:a:b:5", "--account", "8:shop2:1234", "--postpaid", "8", "--no-reports", "7"]
    arguments += ["--keywords", str(words), "--report-delay", "3600", "--billing", "numbers", "--dialect", "observed"]
    with running(*arguments) as (_, address):
        check_options(address)


def test_options_may_come_from_the_environment(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("alpha\nbeta\n", "utf-8")
    environment = os.environ | {
        "SMS10692_MOCK_ACCOUNT": "7:shop:a:b:5\n8:shop2:1234\n",
        "SMS10692_MOCK_POSTPAID": "8",
        "SMS10692_MOCK_NO_REPORTS": "7\n",
        "SMS10692_MOCK_KEYWORDS": str(words),
        "SMS10692_MOCK_REPORT_DELAY": "3600",
        "SMS10692_MOCK_BILLING": "numbers",
        "SMS10692_MOCK_DIALECT": "observed",
        "SMS10692_MOCK_LOG_LEVEL": "error",
        "SMS10692_MOCK_HOST": "127.0.0.2",
    }
    with running(environment=environment) as (_, address):
        assert address[0] == "127.0.0.2"
        check_options(address)


def check_options(address: Address) -> None:
    assert "<overage>5<" in overage(address, "shop", "a:b", "7")
    assert "后付费" in overage(address, "shop2", "1234", "8")
    assert "<overage>1000<" in overage(address)
    form = f"action=query&userid=7&timestamp=1&sign={sign('shop', 'a:b', '1')}"
    assert "<error>3<" in ask(address, request(STATUS, form.encode())).body.decode()
    check = f"action=checkkeyword&{QUERY}&content="
    assert "包含非法字符<" in ask(address, request(UTF8, f"{check}a beta".encode())).body.decode()
    assert "<checkCounts>发票<" in ask(address, request(UTF8, f"{check}发票".encode())).body.decode()
    long = f"action=send&{QUERY}&mobile=15023239810&content={'x' * 700}"
    assert "<remainpoint>999<" in ask(address, request(UTF8, long.encode())).body.decode()
    assert "statusbox" not in ask(address, request(STATUS, f"action=query&{QUERY}".encode())).body.decode()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serve", "--port", "70000"], "--port"),
        (["serve", "--port", "x"], "--port"),
        (["serve", "--nonsense"], "--nonsense"),
        (["nonsense"], "nonsense"),
        (["serve", "--account", "7:shop"], "USERID:ACCOUNT:PASSWORD"),
        (["serve", "--account", "7: :p"], "USERID:ACCOUNT:PASSWORD"),
        (["serve", "--account", "7:a:b", "--account", "7:c:d"], "twice"),
        (["serve", "--postpaid", "99"], "--postpaid"),
        (["serve", "--no-reports", "99"], "--no-reports"),
        (["serve", "--report-delay", "-1"], "--report-delay"),
        (["serve", "--report-delay", "nan"], "--report-delay"),
        (["serve", "--max-clock-skew", "inf"], "--max-clock-skew"),
        (["serve", "--billing", "free"], "--billing"),
        (["serve", "--dialect", "json"], "--dialect"),
        (["serve", "--keywords", "/no/such/file"], "/no/such/file"),
        (["serve", "--keywords", "."], "cannot read"),
        (["serve", "--host", "::g"], "::g"),  # no name, so that nobody far away is asked for it
        (["serve", "--host", "192.0.2.1", "--port", "0"], "192.0.2.1"),
        (["serve", "--host", "a..b"], "no name of a host"),
        (["serve", "--host", "a" * 64], "aaa"),
        (["serve", "--account", "12:\udcff:mima"], "UTF-8"),
        (["serve", "--account", "7:a:b:9999999999999999"], "15 digits"),
        (["serve", "--account", "7:shop::50"], "blank"),
    ],
    ids=str,
)
def test_a_wrong_option_is_one_clear_line(arguments: list[str], said: str) -> None:
    assert said in refused(*arguments)


def test_a_wrong_environment_is_one_clear_line() -> None:
    assert "7:shop" not in (said := refused("serve", environment=os.environ | {"SMS10692_MOCK_ACCOUNT": "7:shop"}))
    assert "SMS10692_MOCK_ACCOUNT" in said or "--account" in said


def test_a_list_of_words_that_is_not_utf_8_is_one_clear_line(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_bytes("发票".encode("gbk"))
    assert "is not UTF-8" in refused("serve", "--keywords", str(words))


def test_a_port_that_another_emulator_has_is_one_clear_line(address: Address) -> None:
    assert str(address[1]) in refused("serve", "--port", str(address[1]))


def test_a_port_that_somebody_else_has_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert "in use" in refused("serve", "--port", str(other.getsockname()[1]))


# The end


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_though_requests_are_half_sent(name: signal.Signals) -> None:
    with running() as (process, address), ExitStack() as connections:
        for place in range(40):
            connection = connections.enter_context(socket.create_connection(address, timeout=PATIENCE))
            connection.sendall(request(UTF8, SEND)[:-5] if place % 2 else b"")
        ask(address, request(UTF8, SEND))
        process.send_signal(name)
        ended(process)


def test_a_signal_ends_it_though_nobody_reads_its_answers() -> None:
    with running("--postpaid", "12", "--log-level", "error") as (process, address), ExitStack() as connections:
        send = f"action=send&{QUERY}&content=x&mobile=".encode() + b"13000000001," * 100_000
        for _ in range(2):
            ask(address, request(UTF8, send))
        for _ in range(4):
            connection = connections.enter_context(socket.create_connection(address, timeout=PATIENCE))
            connection.sendall(request(STATUS, f"action=query&{QUERY}&statusNum=50000".encode()))
            assert connection.recv(1) == b"H", "ten megabytes have begun to come, more than a socket holds"
        process.send_signal(signal.SIGTERM)
        ended(process)


@pytest.mark.parametrize("form", ["statusNum=99999999&rt=json", "statusNum=99999999"])
def test_a_signal_ends_it_before_an_answer_that_takes_seconds_to_make(form: str) -> None:
    with running("--postpaid", "12", "--log-level", "error") as (process, address):
        ask(address, request(UTF8, f"action=send&{QUERY}&content=x&mobile=".encode() + b"1," * 500_000))
        assert taken_reports(address) == 0
        with socket.create_connection(address, timeout=PATIENCE) as connection:
            connection.sendall(request(STATUS, f"action=query&{QUERY}&{form}".encode()))
            while not taken_reports(address):
                continue
            process.send_signal(signal.SIGTERM)
            ended(process)
            with suppress(ConnectionError):
                assert connection.recv(1) == b""


def taken_reports(address: Address) -> int:
    """How many reports fetches have taken: what is made of them comes later."""
    queues = json.loads(ask(address, control("GET", "/accounts/12/queues")).body)
    taken: int = queues["reports"]["handed_out"]
    return taken


# The wire


def test_requests_half_sent_keep_nobody_waiting(address: Address) -> None:
    with ExitStack() as connections:
        for _ in range(300):
            connection = connections.enter_context(socket.create_connection(address, timeout=PATIENCE))
            connection.sendall(request(UTF8, SEND)[:-5])
        assert "Sucess" in overage(address)


@pytest.mark.parametrize("cut", ["length", "chunked"])
def test_a_body_that_broke_off_is_not_acted_on(cut: str) -> None:
    with running() as (_, address), socket.create_connection(address, timeout=PATIENCE) as connection:
        if cut == "length":
            raw = request(UTF8, SEND).replace(b"Content-Length: ", b"Content-Length: 1")
        else:
            head = f"POST {UTF8} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{len(SEND):x}\r\n".encode()
            raw = head + SEND + b"\r\n"
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")
        assert "<overage>1000<" in overage(address)


@pytest.mark.parametrize("size", [4 * 1024 * 1024 + 1, 16 * 1024 * 1024])
@pytest.mark.parametrize("chunked", [False, True])
def test_who_sends_a_body_that_is_too_large_reads_413(address: Address, size: int, chunked: bool) -> None:
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        if chunked:
            connection.sendall(f"POST {UTF8} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
            connection.sendall(f"{size:x}\r\n".encode() + b"x" * size + b"\r\n0\r\n\r\n")
        else:
            connection.sendall(f"POST {UTF8} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode())
            connection.sendall(b"x" * size)
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


PATHS = st.sampled_from(
    [UTF8, GBK, STATUS, CALL, "//v2SMS.aspx/x", "/_mock/accounts", "/_mock/swagger", "/"]
) | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zs", "Zl", "Zp"])).map(lambda text: "/" + text)
TARGETS = st.builds(lambda path, query: f"{path}?{query}".encode(), PATHS, st.text("&=%+u0aé内;?/"))
LINES = st.sampled_from(
    [
        b"Content-Type: \xc4\xda",
        b"Content-Type: multipart/form-data; boundary=",
        b"Content-Type: application/json",
        b"Content-Encoding: gzip",
        b"Content-Length: 3",
        b"Content-Length: 0",
        b"Transfer-Encoding: chunked",
        b"Expect: 100-continue",
        b"Cookie: \xff",
        b"Authorization: Bearer \xff",
        b"Host: \xe5\x86\x85",
        b"Accept-Encoding: gzip, \xff",
    ]
)
REQUESTS = st.builds(
    lambda method, target, lines, body: (
        b"%s %s HTTP/1.1\r\nConnection: close\r\n%s\r\n%s"
        % (method, target, b"".join(line + b"\r\n" for line in lines), body)
    ),
    st.sampled_from([b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"X-\xff"]),
    TARGETS,
    st.lists(LINES, max_size=4),
    st.sampled_from([b"", b"a=b", b"3\r\na=b\r\n0\r\n\r\n", b"zz"]) | st.binary(max_size=100),
)


@given(raw=REQUESTS)
def test_nothing_that_a_client_sends_is_a_500(address: Address, raw: bytes) -> None:
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        try:
            connection.sendall(raw)
            with suppress(OSError):  # it may be gone meanwhile
                connection.shutdown(socket.SHUT_WR)
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        except ConnectionError:  # it had not read all before it refused
            return
    assert not received.startswith(b"HTTP/1.1 5"), received


def test_405_says_which_methods_there_are_and_413_closes(address: Address) -> None:
    def head(raw: bytes) -> bytes:
        with socket.create_connection(address, timeout=PATIENCE) as connection:
            connection.sendall(raw)
            return connection.recv(1000).lower()

    assert b"\r\nallow: get, head, post\r\n" in head(b"PUT /v2sms.aspx HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"\r\nconnection: close\r\n" in head(request(UTF8, b"x" * (4 * 1024 * 1024 + 1)))


def test_a_client_that_waits_to_be_told_to_continue_is_told(address: Address) -> None:
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        head, _, body = request(UTF8, SEND).partition(b"\r\n\r\n")
        connection.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_connection_serves_one_request_after_another(address: Address) -> None:
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        for _ in range(3):
            connection.sendall(request(UTF8, b"action=overage"))
            received = b""
            while not received.endswith(b"</returnsms>"):
                received += connection.recv(1000)
            assert received.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /v2sms.aspx?content=\xc4\xda HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        *(
            (b"GET /v2sms.aspx?content=" + one + b" HTTP/1.1\r\nHost: x\r\n\r\n", 400)
            for one in (b" ", b'"', b"<", b">", b"\t")
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET /v2sms.aspx?content=" + b"x" * 65_600 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /v2sms.aspx HTTP/1.1\r\n" + b"X: x\r\n" * 101 + b"\r\n", 431),
        (b"GET /v2sms.aspx?content=" + b"x" * 65_000 + b" HTTP/1.1\r\n" + b"X: x\r\n" * 100 + b"\r\n", 200),
    ],
    ids=lambda value: value[:26] if isinstance(value, bytes) else None,
)
def test_the_server_below_refuses_what_the_readme_says(address: Address, raw: bytes, status: int) -> None:
    assert ask(address, raw).status == status


def test_a_head_request_has_the_headers_of_a_get_and_no_body(address: Address) -> None:
    with socket.create_connection(address, timeout=PATIENCE) as connection:
        connection.sendall(b"HEAD /v2sms.aspx?action=overage HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(1000), b""))
    length = len(ask(address, b"GET /v2sms.aspx?action=overage HTTP/1.1\r\nHost: x\r\n\r\n").body)
    assert received.endswith(b"\r\n\r\n")
    assert f"content-length: {length}\r\n".encode() in received.lower()


def test_r11_fetches_at_the_same_moment_share_nothing_and_lose_nothing() -> None:
    with running("--log-level", "error") as (_, address):
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


# What one client does costs no other


def test_a_log_that_nobody_reads_holds_up_neither_answers_nor_the_end() -> None:
    with running() as (process, address):  # its standard error is a pipe, which is soon full
        for _ in range(1500):
            assert ask(address, request(UTF8, b"action=overage")).status == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_an_answer_that_is_cut_for_somebody_who_is_gone_is_no_error() -> None:
    with running() as (process, address):
        for fault in ({"kind": "latency", "seconds": 0.1}, {"kind": "cut", "at": 50}):
            assert ask(address, control("POST", "/accounts/12/faults", fault)).status == 201
        raw = request(UTF8, f"action=overage&{QUERY}".encode())
        for _ in range(20):
            with socket.create_connection(address, timeout=PATIENCE) as connection:
                connection.sendall(raw)
        with socket.create_connection(address, timeout=PATIENCE) as last, suppress(ConnectionError):
            last.sendall(raw)
            while last.recv(65536):  # what was asked before has been late before
                continue
        process.send_signal(signal.SIGTERM)
        assert "Traceback" not in ended(process)[1]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit on Windows")
def test_more_connections_than_a_process_may_usually_have_are_all_served() -> None:
    with running(files=128) as (_, address), ExitStack() as connections:
        for _ in range(200):
            connections.enter_context(socket.create_connection(address, timeout=PATIENCE))
        assert ask(address, request(UTF8, b"action=overage")).status == 200


AT_ONCE = """
import sys, threading, time

class Slow:  # so that both threads are in the middle of it
    def find_spec(self, name, path=None, target=None):
        if name.startswith("werkzeug"):
            time.sleep(0.005)

sys.meta_path.insert(0, Slow())
from sms10692_mock.http.serve import Deferred
from sms10692_mock.wire.forms import fields_of

def make():
    from sms10692_mock.http import app
    return lambda environ, start_response: [app]

ways = [
    lambda: Deferred(make)({}, None),
    lambda: fields_of(b"", "multipart/form-data; boundary=x", b"--x--", bytes.decode),
]
threads = [threading.Thread(target=way) for way in ways]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_the_first_multipart_body_and_the_first_request_beside_the_pages_may_come_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", AT_ONCE], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stderr == ""
