"""Tests of `serve --store` over several starts, of initial states, and of `--reset`."""

import json
import sqlite3
import time
from pathlib import Path

import pytest

from support.emulators import MANUAL_SIGN, STATUS, UTF8, emulator_process
from support.http_client import TIMEOUT, Address, build_request, send_raw
from support.serve_cli import SEND, get_overage, get_start_error

FETCH = f"action=query&userid=12&timestamp=20120701231212&sign={MANUAL_SIGN}".encode()
INITIAL_STATE = """
[[accounts]]
userid = "7"
account = "shop"
password = "secret"
points = 5
delivery_rules.rules = [{ number = "138", outcome = "failed" }]
messages = [
    { mobile = "13900000000", content = "first" },
    { mobile = "13900000000", content = "您的包裹已到", extno = "07" },
    { mobile = "13800000000", content = "x" },
]
reports = [{ mobile = "13800000000" }, { mobile = "13900000000", seconds = 3600 }]
replies = [{ mobile = "13800000000", content = "退订" }]
"""


SHOP = "[[accounts]]\nuserid='7'\naccount='a'\npassword='p'\n"


def get_document(address: Address, path: str) -> dict[str, object]:
    response = send_raw(address, f"GET /_mock/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    document: dict[str, object] = json.loads(response.body)
    return document


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path / 'store'}"


def test_a_restart_continues_with_the_stored_data(store: str) -> None:
    with emulator_process("--store", store) as (process, address):
        assert b"<taskID>100001<" in send_raw(address, build_request(UTF8, SEND)).body
        assert get_document(address, "health")["store"] == "sqlite"
        process.terminate()
        process.wait(TIMEOUT)
    with emulator_process("--store", store, "--account", "12:test:mima:5") as (process, address):
        assert process.stdout is not None
        assert process.stdout.readline() == "account test, userid 12, password mima, prepaid, 999 points\n"
        assert "<overage>999<" in get_overage(address)
        assert send_raw(address, build_request(STATUS, FETCH)).body.count(b"<mobile>15023239810<") == 1
        requests = get_document(address, "requests")["items"]
        assert isinstance(requests, list)
        assert [request["operation"] for request in requests] == ["send", "overage", "status"]
    with emulator_process("--store", store, "--reset") as (_, address):
        assert "<overage>1000<" in get_overage(address)


def test_an_initial_state_is_applied_once(store: str, tmp_path: Path) -> None:
    state_file = tmp_path / "state.toml"
    state_file.write_text(INITIAL_STATE, "utf-8")
    for _ in range(2):
        with emulator_process("--store", store, "--initial-state", str(state_file)) as (_, address):
            assert "<overage>5<" in get_overage(address, "shop", "secret", "7")
            assert get_document(address, "accounts/7/queue-stats") == {
                "reports": {"created": 2, "scheduled": 1, "waiting": 1, "fetched": 0, "evicted": 0},
                "replies": {"created": 1, "scheduled": 0, "waiting": 1, "fetched": 0, "evicted": 0},
            }
            rules = get_document(address, "accounts/7/delivery-rules")["rules"]
            assert isinstance(rules, list)
            assert [rule["outcome"] for rule in rules] == ["failed"]
            sent, replies = (get_document(address, f"accounts/7/{name}")["items"] for name in ("messages", "replies"))
            assert isinstance(sent, list)
            assert isinstance(replies, list)
            assert [(message["content"], message["state"]) for message in sent] == [
                ("first", "unreported"),
                ("您的包裹已到", "scheduled"),
                ("x", "waiting"),
            ]
            assert [reply["task_id"] for reply in replies] == [sent[2]["task_id"]]


@pytest.mark.parametrize(
    ("initial_state", "reason"),
    [
        ("accounts = 1", "accounts: Input should be a valid list"),
        ("[[accounts]]\nuserid = '7'", "accounts.0.account: Field required"),
        (
            "[[accounts]]\nuserid='7'\naccount='a'\npassword='p'\npoint=1",
            "accounts.0: there is no field point; the fields are userid, account, password, points,",
        ),
        ("[[accounts]", "is not valid TOML"),
        (
            f"{SHOP}replies = [{{ mobile = '138', content = 'T' }}]",
            "replies has 138, but no entry of messages",
        ),
        (
            f"{SHOP}points = 1000000000000000\nmessages = [{{ mobile = '139', content = 'x' }}]",
            "state.toml:1: accounts.0: a balance is from -1000000000000000",
        ),
        (
            f"{SHOP}reports = [{{ mobile = '138' }}]\nmessages = [{{ mobile = '139', content = 'x' }}]",
            "reports has 138",
        ),
        (
            f"{SHOP}reports = [{{ mobile = '138', task_id = 100001 }}]",
            "accounts.0.reports.0: there is no field task_id; the fields are mobile,",
        ),
        ("[[accounts]]\nuserid='7'\naccount='a'\npassword='p'\n" * 2, "two accounts have the same userid"),
        (f"accounts = {'[' * 5000}", "is nested too deeply"),
        (f"accounts = [{'{a=' * 5000}", "is nested too deeply"),
    ],
)
def test_an_error_in_an_initial_state_names_its_place(initial_state: str, reason: str, tmp_path: Path) -> None:
    file = tmp_path / "state.toml"
    file.write_text(initial_state, "utf-8")
    assert reason in get_start_error("serve", "--port", "0", "--initial-state", str(file))


def test_an_initial_state_beyond_the_limits_leaves_the_store_unchanged(tmp_path: Path) -> None:
    file, store = tmp_path / "state.toml", tmp_path / "store"
    file.write_text(
        f"{SHOP}messages = [{{ mobile = '138', content = 'x' }}, {{ mobile = '139', content = 'x' }}]", "utf-8"
    )
    options = "--store", f"sqlite:{store}", "--max-messages", "1"
    error = get_start_error("serve", "--port", "0", *options, "--initial-state", str(file))
    problem = "the account 7 has 2 messages, and the emulator keeps 1: increase --max-messages"
    assert f"{file}:1: accounts.0: {problem}" in error
    assert not store.exists()


def test_an_option_that_contradicts_a_stored_account_is_an_error(store: str, tmp_path: Path) -> None:
    """The same options start again. A new password is neither applied nor silently ignored."""
    state_file = tmp_path / "state.toml"
    for options in ([], [], ["--account", "12:test:mima:5"]):
        with emulator_process("--store", store, *options):
            pass
    for account, difference, field in (
        ("12:test:NEW", "with another password", '"password": ...'),
        ("12:shop:mima", "with another name", '"account": ...'),
    ):
        error = get_start_error("serve", "--port", "0", "--store", store, "--account", account)
        assert difference in error
        assert f"PATCH /_mock/accounts/12 {{{field}}}" in error
        assert "--reset" in error
        assert "NEW" not in error
        assert "mima" not in error
    state_file.write_text("[[accounts]]\nuserid='12'\naccount='test'\npassword='NEW'\n", "utf-8")
    assert "with another password" in get_start_error(
        "serve", "--port", "0", "--store", store, "--initial-state", str(state_file)
    )
    assert "with another way to pay" in get_start_error("serve", "--port", "0", "--store", store, "--postpaid", "12")
    with emulator_process("--store", store, "--account", "12:test:NEW", "--reset") as (process, _):
        assert process.stdout is not None
        assert process.stdout.readline() == "account test, userid 12, password as given, prepaid, 1000 points\n"


def test_in_memory_an_account_may_have_any_password() -> None:
    with emulator_process("--account", "12:test:NEW") as (_, address):
        assert "<overage>1000<" in get_overage(address, password="NEW")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--store", "mysql://x"], "the stores are memory, sqlite:PATH and valkey://HOST:PORT/DATABASE"),
        (["--store", "Valkey://x"], "did you mean valkey? "),
        (["--store", "sqlite:"], "needs a path: sqlite:PATH"),
        (["--store", "sqlite:no/such/folder/file"], "there is no folder"),
        (["--durable"], "the memory store cannot be durable"),
        (["--store", "memory:x"], "takes no path"),
        (["--initial-state", "no-such-file"], "cannot read no-such-file"),
        (["--initial-state", "/dev/zero"], "/dev/zero is longer than 64 MiB"),
        (["--keywords", "/dev/zero"], "/dev/zero is longer than 16 MiB"),
        (["--store", "valkey://h/abc"], "the database of a Valkey store must be a number: valkey://HOST:PORT/0"),
        (["--store", "valkey://h/1O"], "must be a number"),
        (["--store", "valkey://h/-1"], "must be a number"),
        (["--store", "valkey://h/0/1"], "must be a number"),
        (["--store", "valkey://h:0"], "must be from 1 to 65535"),
        (["--store", "valkey://h?timeout=1e308"], "must be more than 0 and at most 3600 s"),
        (["--store", "valkey://h?timeout=nan"], "must be more than 0 and at most 3600 s"),
        (["--store", "valkey://h?timeout=0"], "must be more than 0 and at most 3600 s"),
        (["--store", "valkey://h?timeout=x"], "as ?NAME=VALUE"),
        (["--store", "valkey://h?timeout"], "as ?NAME=VALUE"),
        (["--store", "valkey://h?tiemout=1"], "unknown option of a Valkey store; allowed: timeout"),
        (["--store", "valkey://h?ssl_ca_certs=x"], "unknown option of a Valkey store; allowed: timeout"),
        (["--store", "valkeys://127.0.0.1:1?ssl_ca_certs=/no/such"], "127.0.0.1:1"),
        (["--store", f"valkey://{'h' * 70}"], "label"),
    ],
    ids=str,
)
def test_an_unusable_option_of_the_store_ends_with_one_line(options: list[str], reason: str) -> None:
    assert reason in get_start_error("serve", "--port", "0", *options)


@pytest.mark.parametrize(
    "address",
    [
        "valky://:S3CRETpw@h/0",
        "Valkey://:S3CRETpw@h/0",
        "postgres://user:S3CRETpw@h/0",
        "S3CRETpw",
        "S3CRETpw:x@h",
        "memory:S3CRETpw",
        "valkey://:S3CRETpw/x@h",
        "valkey://:S3CRETpw#x@h",
        "valkey://:S3CRETpw?x@h",
        "valkey://:S3CRETpw?x=y@h",
        "valkey://h:S3CRETpw/0",
        "valkey://:S3CRETpw@h:x/0",
        "valkey://:S3CRETpw@h/abc",
        "valkey://:S3CRETpw@h/0?x=1",
        "valkey://:S3CRETpw@h/0?S3CRETpw=1",
        "valkey://:S3CRETpw@h?timeout=1e308",
        "valkey://:S3CRETpw@[h/0",
        "valkey:/:S3CRETpw@h/0",
        "valkey::S3CRETpw@h/0",
    ],
)
def test_no_error_about_a_store_contains_a_password(address: str) -> None:
    assert "S3CRETpw" not in get_start_error("serve", "--port", "0", "--store", address)


@pytest.mark.slow("Waits for the time-out of a lock.")
def test_while_the_file_is_locked_a_send_is_refused_and_a_fetch_is_503(store: str) -> None:
    with emulator_process("--store", store, "--log-level", "error") as (_, address):
        send_raw(address, build_request(UTF8, SEND))
        connection = sqlite3.connect(store.removeprefix("sqlite:"), isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        try:
            assert "其他错误" in send_raw(address, build_request(UTF8, SEND)).body.decode()
            fetched = send_raw(address, build_request(STATUS, FETCH))
        finally:
            connection.execute("ROLLBACK")
            connection.close()
        assert (fetched.status, fetched.body.count(b"\n")) == (503, 1)
        assert b"is locked by another program" in fetched.body
        deadline = time.monotonic() + TIMEOUT
        while (
            response := send_raw(address, build_request(STATUS, FETCH))
        ).status == 503 and time.monotonic() < deadline:
            time.sleep(0.05)  # the file is tried again a quarter of a second later
        assert response.body.count(b"<mobile>15023239810<") == 1
        assert "<overage>999<" in get_overage(address)


@pytest.mark.slow("Waits for time-outs of a store.")
@pytest.mark.parametrize("level", ["error", "warning", "info"])
def test_an_unavailable_store_is_logged_at_every_level(store: str, level: str) -> None:
    """Once, however many requests are refused."""
    with emulator_process("--store", store, "--log-level", level) as (process, address):
        connection = sqlite3.connect(store.removeprefix("sqlite:"), isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        try:
            for _ in range(3):
                assert "其他错误" in send_raw(address, build_request(UTF8, SEND)).body.decode()
        finally:
            connection.execute("ROLLBACK")
            connection.close()
        process.terminate()
        logged = process.communicate(timeout=TIMEOUT)[1].splitlines()
        lines = [line for line in logged if "sms10692_mock.stores.availability" in line]
        assert [line.partition("availability: ")[2] for line in lines] == [
            f"the store is unavailable: {store.removeprefix('sqlite:')} is locked by another program"
        ]


def test_r7_task_ids_increase_for_a_client_that_alternates_between_two_processes(store: str) -> None:
    with emulator_process("--store", store) as (_, first), emulator_process("--store", store) as (_, second):
        responses = [send_raw((first, second)[turn % 2], build_request(UTF8, SEND)).body.decode() for turn in range(80)]
    numbers = [int(response.partition("<taskID>")[2].partition("<")[0]) for response in responses]
    assert numbers == sorted(set(numbers))
