"""`serve --replay` answers recorded requests with the recorded responses, once, in order, and others by the rules."""

import base64
import os
import shutil
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import parse_qs, quote

import pytest

from sms10692_mock import Emulator
from sms10692_mock.app.dispatch import dispatcher_factory
from sms10692_mock.app.vendor_app import VendorApp
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.notifier import ChangeNotifier
from sms10692_mock.recording.exchange_folder import find_exchanges
from sms10692_mock.recording.replay import Replay
from sms10692_mock.serve_options import ServeOptions
from sms10692_mock.server.thread_runner import ThreadRunner
from sms10692_mock.startup import InvalidOption, add_replay_state
from support.emulators import CREDENTIALS, admin_app, emulator_process, wait_exit
from support.exchanges import EXCHANGES, EXCHANGES_FOLDER, load_folder
from support.http_client import (
    TIMEOUT,
    Address,
    build_request,
    connect,
    open_session,
    parse_address,
    read_all,
    send_raw,
)
from support.recordings import read_recording, recorder_process, recording

REQUIRED = "SMS10692_REQUIRE_INTERPRETERS" in os.environ
CLIENTS = Path(__file__).parents[1] / "support" / "clients"
USERID, ACCOUNT, PASSWORD = "4711", "某公司", "s3cret-Pw"
MOBILES, TEXT, WORD = "13812345678,15023239810", "【某店】验证码80215397请查收", "代开发票"


def write_exchange(folder: Path, form: str, answer: str, *, metadata: str = "", path: str = "/v2sms.aspx") -> None:
    """Write an exchange by hand."""
    folder.mkdir(parents=True)
    body = answer.encode()
    (folder / "request.http").write_bytes(build_request(path, form.encode()))
    (folder / "response.http").write_bytes(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    (folder / "exchange.toml").write_text(f'clause = "1.3"\nprovenance = "recorded"\n{metadata}', "utf-8")


class Server:
    """An emulator with a replay, on a socket of this process."""

    def __init__(self, folder: Path) -> None:
        options = Options()
        vendor, notifier = build_vendor(options), ChangeNotifier()
        self.replay = Replay(folder)
        app = VendorApp(vendor, options, notifier=notifier, replay=self.replay)
        self._runner = ThreadRunner(dispatcher_factory(app, admin_app(vendor, options, notifier)))

    def __enter__(self) -> Address:
        return parse_address(self._runner.__enter__().url)

    def __exit__(self, *_: None) -> None:
        self._runner.__exit__(None, None, None)


def test_recorded_requests_come_first_and_once_and_the_rules_answer_the_rest(tmp_path: Path) -> None:
    signed = "&".join(f"{name}={value}" for name, value in CREDENTIALS.items())
    write_exchange(tmp_path / "0001", f"action=overage&{signed}", "<returnsms>first</returnsms>")
    write_exchange(tmp_path / "0002", f"action=overage&{signed}", "<returnsms>second</returnsms>")
    # Another order, another timestamp and signature, another place: the same request.
    other = build_request("/v2sms.aspx?action=overage&sign=x", b"userid=12&timestamp=20261130000000")
    with Server(tmp_path) as address:
        assert send_raw(address, other).body == b"<returnsms>first</returnsms>"
        by_rules = send_raw(address, build_request("/v2sms.aspx", f"action=overage&extno=1&{signed}".encode()))
        assert b"<overage>1000</overage>" in by_rules.body
        assert send_raw(address, build_request("/v2sms.aspx", f"action=overage&{signed}".encode())).body == (
            b"<returnsms>second</returnsms>"
        )
        assert b"<overage>" in send_raw(address, build_request("/v2sms.aspx", f"action=overage&{signed}".encode())).body


def test_a_replayed_response_names_its_exchange_and_is_in_the_request_log(tmp_path: Path) -> None:
    write_exchange(tmp_path / "0001-overage", "action=overage&userid=7", "<returnsms>one</returnsms>")
    with Server(tmp_path) as address, open_session(address) as session:
        response = session.post("/v2sms.aspx", data={"userid": "7", "action": "overage"})
        assert response.headers["X-Mock-Replay"] == "0001-overage"
        other = session.post("/v2sms.aspx", data={"userid": "7", "action": "overage"})
        assert "X-Mock-Replay" not in other.headers
        logged = session.get("/_mock/requests").json()["items"]
        assert [(entry["operation"], entry["refusal"], entry["rejection"]) for entry in logged] == [
            ("overage", "", ""),
            ("overage", "用户名或密码不能为空", ""),
        ]


@pytest.mark.parametrize(
    ("metadata", "answer", "received"),
    [
        ('[recorded]\noutcome = "cut"\n', "<returnsms>", b"<returnsms>"),
        ('[recorded]\noutcome = "reset"\n', "", None),
        ('[recorded]\noutcome = "refused"\n', "", None),
    ],
)
def test_a_broken_exchange_breaks_in_the_same_way(
    metadata: str, answer: str, received: bytes | None, tmp_path: Path
) -> None:
    folder = tmp_path / "0001"
    write_exchange(folder, "action=overage&userid=7", answer, metadata=metadata)
    if received is None:
        (folder / "response.http").write_bytes(b"")
    with Server(tmp_path) as address, connect(address) as connection:
        connection.sendall(build_request("/v2sms.aspx", b"action=overage&userid=7"))
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert body == (received or b"")
    assert bool(head) == (received is not None)


def test_an_announced_length_is_not_allocated(tmp_path: Path) -> None:
    folder = tmp_path / "0001"
    write_exchange(folder, "action=overage&userid=7", "", metadata='[recorded]\noutcome = "cut"\n')
    (folder / "response.http").write_bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\n<returnsms>")
    with Server(tmp_path) as address, connect(address) as connection:
        connection.sendall(build_request("/v2sms.aspx", b"action=overage&userid=7"))
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert b"Content-Length: 999999999999999" in head
    assert body == b"<returnsms>"


@pytest.mark.parametrize("length", ["9" * 19, "-1", "9" * 5000])
def test_an_impossible_announced_length_is_refused(length: str, tmp_path: Path) -> None:
    write_exchange(tmp_path / "0001", "action=overage&userid=7", "", metadata='[recorded]\noutcome = "cut"\n')
    (tmp_path / "0001" / "response.http").write_bytes(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode())
    with pytest.raises(ValueError, match="Content-Length is no number of at most 18 digits"):
        Replay(tmp_path)


def test_exchanges_are_ordered_by_number(tmp_path: Path) -> None:
    names = ["0002-send", "9999-send", "10000-overage", "100000-send", "after", "before"]
    for name in reversed(names):
        write_exchange(tmp_path / name, "action=overage", "")
    assert [folder.name for folder in find_exchanges(tmp_path)] == names


def test_hand_written_exchanges_are_replayed_too() -> None:
    """Every exchange of the fixtures that is a folder, in its order, byte for byte."""
    for chapter in sorted(folder for folder in EXCHANGES_FOLDER.iterdir() if folder.is_dir()):
        with Server(chapter) as address:
            for exchange in read_recording(chapter):
                response = send_raw(address, exchange.request)
                assert (response.status, response.body) == (exchange.status, exchange.body), exchange.name


def test_a_recorded_exchange_is_in_the_format_of_the_fixtures(tmp_path: Path) -> None:
    with Emulator() as emulator, recording(emulator.url, tmp_path) as address:
        response = send_raw(address, build_request("/v2smsGBK.aspx", b"action=overage"))
    [folder] = find_exchanges(tmp_path)
    exchange = load_folder(folder, tmp_path)
    assert (exchange.name, exchange.clause, exchange.provenance) == ("0001-overage", "2.3", "recorded")
    assert exchange.response == response
    assert exchange.request.endswith(b"\r\n\r\naction=overage")


def test_every_fixture_has_the_result_of_a_client() -> None:
    assert [exchange.name for exchange in EXCHANGES if not exchange.result] == []


INVALID = {
    "no exchange": ({}, "contains no recorded exchange"),
    "no TOML": ({"exchange.toml": "="}, "exchange.toml"),
    "another outcome": ({"exchange.toml": '[recorded]\noutcome = "lost"'}, "outcome is not one of"),
    "an incomplete request": ({"request.http": "POST /v2sms.aspx HTTP/1.1\r\n"}, "the request is incomplete"),
    "no response": ({"response.http": "what"}, "the head is no HTTP response"),
    "a short body": ({"response.http": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"}, "the body has 1 bytes"),
}


@pytest.mark.parametrize("name", INVALID)
def test_a_damaged_recording_is_explained(name: str, tmp_path: Path) -> None:
    files, problem = INVALID[name]
    if files:
        write_exchange(tmp_path / "0001", "action=overage&userid=7", "<returnsms/>")
    for file, content in files.items():
        (tmp_path / "0001" / file).write_bytes(content.encode())
    with pytest.raises(ValueError, match=problem):
        Replay(tmp_path)


def test_a_damaged_start_state_is_explained(tmp_path: Path) -> None:
    write_exchange(tmp_path / "0001", "action=overage&userid=7", "<returnsms/>")
    (tmp_path / "state.toml").write_text("accounts = 1")
    with pytest.raises(InvalidOption, match=r"state\.toml") as raised:
        add_replay_state(ServeOptions(replay=Replay(tmp_path)))
    assert raised.value.flag == "--replay"


def test_new_task_numbers_begin_after_those_of_the_recording(tmp_path: Path) -> None:
    write_exchange(tmp_path / "0001", "action=send&userid=7", "<returnsms><taskID>500</taskID></returnsms>")
    file = add_replay_state(ServeOptions(replay=Replay(tmp_path))).initial_state
    assert file is not None
    assert file.state.last_task_id == 500


def run_client(command: list[str], address: Address, folder: Path, *values: str) -> list[bytes]:
    """Run a client in a folder; return the response bodies that it has received."""
    url = f"http://{address[0]}:{address[1]}"
    completed = subprocess.run(
        [*command, url, *values], cwd=folder, capture_output=True, timeout=TIMEOUT, check=False, text=True
    )
    assert completed.returncode == 0, completed.stderr
    return [base64.b64decode(line) for line in completed.stdout.split("\n") if line]


def get_masked(folder: Path) -> list[str]:
    """Return the masked values of a recording, as a client takes them: userid, name, password, numbers, text, word."""
    state = tomllib.loads((folder / "state.toml").read_text("utf-8"))
    [account] = state["accounts"]
    first = parse_qs(read_recording(folder)[0].request.partition(b"\r\n\r\n")[2].decode())
    credentials = [account[name] for name in ("userid", "account", "password")]
    return [*credentials, first["mobile"][0], first["content"][0], *state["words"]]


def build_client(language: str, folder: Path) -> list[str]:
    """Return the command of a client, built in a folder. Skips the test without its runtime."""
    tool = {"php": "php", "java": "javac"}[language]
    program = shutil.which(tool)
    if program is None:
        assert not REQUIRED, f"{tool} is missing; run .ci/install-interpreters"
        pytest.skip(f"{tool} is not installed")
    if language == "php":
        return [program, str(CLIENTS / "php" / "client.php")]
    subprocess.run([program, "-d", str(folder), str(CLIENTS / "java" / "Client.java")], check=True)
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", str(folder), "Client"]


@pytest.mark.slow("Starts an interpreter twice, and three processes.")
@pytest.mark.parametrize("language", ["php", "java"])
def test_a_recorded_client_gets_the_recorded_responses_in_an_empty_environment(language: str, tmp_path: Path) -> None:
    """It is recorded with its real values and run again with the masked ones, against a new emulator."""
    command = build_client(language, tmp_path)
    folder = tmp_path / "out"
    account = Account(USERID, ACCOUNT, PASSWORD, 1000)
    with Emulator(Options(accounts=(account,))) as emulator:
        with recorder_process(emulator.url, folder, "--forbidden-word", WORD) as (process, address):
            original = run_client(command, address, tmp_path, USERID, ACCOUNT, PASSWORD, MOBILES, TEXT, WORD)
            process.terminate()
            wait_exit(process)
    recorded = read_recording(folder)
    assert [exchange.outcome for exchange in recorded] == ["complete"] * len(original)
    assert [len(exchange.body) for exchange in recorded] == [len(body) for body in original]
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(empty)}
    with emulator_process("--replay", str(folder), environment=environment) as (_, address):
        replayed = run_client(command, address, empty, *get_masked(folder))
    assert replayed == [exchange.body for exchange in recorded]
    for file in folder.rglob("*.*"):
        content = file.read_bytes() if file.is_file() else b""
        for secret in (ACCOUNT, PASSWORD, *MOBILES.split(","), TEXT, "某店", "80215397", WORD):
            for codec in ("utf-8", "gbk"):
                assert secret.encode(codec) not in content
                assert quote(secret.encode(codec)).encode() not in content
