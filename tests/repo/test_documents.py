"""README.md, CONTRIBUTING.md and docs/ are true: every block runs, every table is complete, every link leads somewhere.

A block in a fence is executed by the test of its language: `sh` commands, `python` programs and pytest modules, `toml`
start states. `xml` is a response: to the `curl` line of the block above, or to a request of `fixtures/exchanges`.
`test_code_blocks` parses all languages.
"""

import ast
import contextlib
import inspect
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

import click
import pytest
from click.testing import CliRunner

import key_clauses
import reference_tables
from examine.careless_clients import CAREFUL
from sms10692 import Client, Reason, SmsError, Status, VendorRefusal, protocol
from sms10692_contract.run_command import run as contract_run_command
from sms10692_examine.cli import command as examine_command
from sms10692_examine.known_failures import load_known_failures
from sms10692_examine.ready_drivers import DRIVERS
from sms10692_mock import EmulatorControl, SmsVendor
from sms10692_mock.admin.app import create_app
from sms10692_mock.domain.delivery import RESERVED_NUMBERS
from sms10692_mock.domain.keywords import DEFAULT_WORDS
from sms10692_mock.profile_file import read_profile
from sms10692_mock.serve_options import OPTIONS
from sms10692_mock.testing import models
from sms10692_mock.testing.clock import Clock
from support.documents import BLOCKS, DOCUMENTS, TOP, Block, read
from support.emulators import WsgiHarness, emulator_process, wait_exit
from support.http_client import build_request, send_raw
from support.recordings import recorder_process

DEFAULT_URL: Final = "http://127.0.0.1:10692"
TRANSLATED: Final = [name for name in DOCUMENTS if name.removesuffix(".md") + ".zh-CN.md" in DOCUMENTS]
EACH_TRANSLATED: Final = pytest.mark.parametrize("name", TRANSLATED)
EACH_LANGUAGE: Final = pytest.mark.parametrize("suffix", [".md", ".zh-CN.md"], ids=["English", "Chinese"])


def each_block(language: str) -> pytest.MarkDecorator:
    """Run a test once for each block of this language. Those of tutorials are run by `test_tutorials`."""
    chosen = [block for block in BLOCKS if block.language == language and "/tutorial-" not in block.document]
    return pytest.mark.parametrize("block", chosen, ids=[block.place for block in chosen])


# Programs


def run_pytest(module: str, folder: Path) -> str:
    """The last line of pytest's output for this module, in a process of its own."""
    (folder / "test_block.py").write_text(module, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "test_block.py"]
    completed = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout.splitlines()[-1]


def run_program(program: str, folder: Path) -> list[str]:
    """The lines that this program prints, with an emulator of its own at the default address."""
    with emulator_process() as (_, (host, port)):
        program = program.replace(DEFAULT_URL, f"http://{host}:{port}")
        command = [sys.executable, "-W", "error", "-c", program]
        completed = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=True)
    return completed.stdout.splitlines()


def expect_client_output(printed: list[str], _: Path) -> None:
    """The program of the guide's chapter on the client."""
    assert printed[:3] == ["100001 998 2", "PREPAID 998 1000", "True"]
    assert [line.split()[:3] for line in printed[3:5]] == [
        ["15023239810", "100001", "DELIVERED"],
        ["10000000030", "100001", "DELIVERED"],
    ]
    assert printed[5:] == ["10000000030 T"]


def expect_async_client_output(printed: list[str], folder: Path) -> None:
    """The program with `AsyncClient`: it prints all items and leaves no file in the spool folder."""
    assert printed == ["15023239810", "10000000030", "['T']"]
    assert list((folder / "replies").iterdir()) == []


def expect_wsgi_output(printed: list[str], _: Path) -> None:
    """The program with Flask's test client."""
    assert " <returnstatus>Sucess</returnstatus>" in printed


EXPECTATIONS: Final[dict[str, Callable[[list[str], Path], None]]] = {
    "from sms10692 import Client, Reason, VendorRefusal\n": expect_client_output,
    "import asyncio\n": expect_async_client_output,
    "from sms10692_mock.admin.app import create_app\n": expect_wsgi_output,
}
"""What a program prints, by its first line."""


def dump_program(block: Block) -> str:
    """The syntax tree of a Python block without docstrings."""
    tree = ast.parse(block.text)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and ast.get_docstring(node) is not None
        ):
            del node.body[0]
    return ast.dump(tree)


def each_program() -> pytest.MarkDecorator:
    """Run a test once for each Python block, and once for those that differ in comments and docstrings only."""
    blocks = [block for block in BLOCKS if block.language == "python" and "/tutorial-" not in block.document]
    chosen = list({dump_program(block): block for block in reversed(blocks)}.values())[::-1]
    return pytest.mark.parametrize("block", chosen, ids=[f"{block.document}:{block.line}" for block in chosen])


@pytest.mark.slow("Runs every Python example of the documents.")
@each_program()
def test_a_python_block_runs(block: Block, tmp_path: Path) -> None:
    tests = len(re.findall(r"^ *(?:async )?def test_", block.text, re.MULTILINE))
    if tests:
        assert f"{tests} passed" in run_pytest(block.text, tmp_path)
    else:
        EXPECTATIONS[block.text.splitlines(keepends=True)[0]](run_program(block.text, tmp_path), tmp_path)


# Requests and responses


def run_curl(line: str, host: str, port: int, *options: str) -> str:
    """The output of a `curl` line, sent to this address in place of the default one."""
    arguments = shlex.split(line.replace(DEFAULT_URL, f"http://{host}:{port}"))
    assert arguments[0] == "curl"
    pasted = [*arguments, "--silent", *options]
    return subprocess.run(pasted, capture_output=True, encoding="utf-8", check=True).stdout


@each_block("xml")
def test_an_xml_block_is_the_response_to_the_curl_line_above_or_of_an_exchange(block: Block) -> None:
    expected = block.text.rstrip("\n")
    above = BLOCKS[BLOCKS.index(block) - 1]
    if above.text.startswith("curl "):
        (line,) = above.text.splitlines()
        with emulator_process() as (_, (host, port)):
            assert run_curl(line, host, port) == expected
    else:
        assert any(
            file.read_bytes().endswith(b"\r\n\r\n" + expected.encode())
            for file in (TOP / "fixtures" / "exchanges").glob("*/*/response.http")
        )


CURL_BLOCKS: Final = [
    block
    for block in BLOCKS
    if block.language == "sh" and block.text.startswith("curl ") and "deployment" not in block.document
]
"""Those of docs/deployment are run by `test_deployment`."""


@pytest.mark.parametrize("block", CURL_BLOCKS, ids=[block.place for block in CURL_BLOCKS])
def test_curl_lines_have_their_response_below_or_use_the_control_api(block: Block) -> None:
    if "/_mock/" in block.text:
        checks = (check_control_session, check_faults_session, check_reasons_session)
        (check,) = (check for check in checks if CONTROL_SESSIONS[check.__name__] in block.text)
        check(block.text.splitlines())
    else:
        assert BLOCKS[BLOCKS.index(block) + 1].language == "xml"


CONTROL_SESSIONS: Final = {
    "check_control_session": '"private_clock": true',
    "check_faults_session": "/accounts/12/faults",
    "check_reasons_session": "/accounts/12/requests?",
}
"""A part of the block of each session."""


def check_faults_session(lines: list[str]) -> None:
    """Paste the lines that make the vendor refuse or fail one after another, with requests of the account `12`."""
    with emulator_process() as (_, (host, port)), EmulatorControl(f"http://{host}:{port}") as control:

        def paste(line: str) -> Any:
            return json.loads(run_curl(line, host, port, "--fail"))

        vendor = control.get_account("12")
        with Client(vendor.url, **vendor.credentials) as client:
            paste(lines[0])
            client.overage()  # the fault concerns sends only
            with pytest.raises(VendorRefusal, match="其他错误"):
                client.send(["15023239810"], "x")
            paste(lines[1])
            with pytest.raises(SmsError, match="503"):
                client.overage()
        added = paste(lines[2])
        assert (added["kind"], added["seconds"]) == ("latency", 5)
        listed = paste(lines[3])
        assert [fault["kind"] for fault in listed["faults"]] == ["latency"]
        paste(lines[4])
        assert vendor.faults() == []


def check_reasons_session(lines: list[str]) -> None:
    """Paste the lines that show why a request was refused: the last one has the diagnosis."""
    with emulator_process() as (_, (host, port)), EmulatorControl(f"http://{host}:{port}") as control:
        credentials = control.get_account("12").credentials
        for userid in ("12", "no-such"):
            with Client(control.url, userid=userid, account="wrong", password=credentials["password"]) as client:
                with pytest.raises(VendorRefusal):
                    client.send(["15023239810"], "x")
        mistakes, refused, request = (json.loads(run_curl(line, host, port, "--fail")) for line in lines)
        assert [(item["number"], item["userid"]) for item in mistakes["items"]] == [(1, "12")]
        assert [(item["number"], item["userid"]) for item in refused["items"]] == [(2, "no-such")]
        assert request["refusal"] == protocol.CREDENTIALS_WRONG
        assert any(finding["code"].startswith("signature.") for finding in request["diagnosis"])


def check_control_session(lines: list[str]) -> None:
    """Paste the lines for other languages one after another, with vendor requests in between."""
    with emulator_process() as (_, (host, port)), EmulatorControl(f"http://{host}:{port}") as control:

        def paste(line: str, userid: str = "") -> Any:
            return json.loads(run_curl(line.replace("USERID", userid), host, port, "--fail"))

        created = paste(lines[0])
        userid = created["userid"]
        vendor = control.get_account(userid)
        before = vendor.clock.freeze()
        with Client(vendor.url, **vendor.credentials) as client:
            client.send(["15023239810"], "x")
            (message,) = paste(lines[1], userid)["items"]
            assert (message["content"], created["points"]) == ("x", 5)
            for line in lines[2:5]:
                paste(line, userid)
            client.send(["15023239810"], "y")
            assert [report.errorcode for report in client.status()] == ["DELIVRD", "UNDELIV"]
            assert [reply.content for reply in client.call()] == ["T"]
        assert (vendor.clock.now() - before).total_seconds() == 60
        fault, requests, reset = (paste(line, userid) for line in lines[5:])
        assert (fault["kind"], requests["items"][0]["operation"], reset["messages"]) == ("drop_fetch", "call", 0)


@each_block("toml")
def test_a_file_of_a_user_is_valid(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "state.toml"
    file.write_text(block.text, "utf-8")
    document = tomllib.loads(block.text)
    if "known" in document:
        assert [failure.case for failure in load_known_failures(file)] == ["R-status-old-date"]
        return
    if "accounts" not in document:
        assert read_profile(block.text, Path("brand.toml")).name == "brand"
        return
    (account,) = document["accounts"]
    with (
        emulator_process("--initial-state", str(file)) as (_, (host, port)),
        EmulatorControl(f"http://{host}:{port}") as control,
    ):
        vendor = control.get_account(account["userid"])
        assert [message.content for message in vendor.messages()] == [account["messages"][0]["content"]]
        assert [reply.content for reply in vendor.replies()] == ["T"]
        assert vendor.delivery_rules()[0].errorcode == "MK:0011"
        assert len(vendor.reports()) == 1


# Commands


def run_explain(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "sms10692_mock", "explain", *arguments]
    completed = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert (completed.returncode, completed.stderr) == (1, "")
    assert "'8615023239810' has a country code" in completed.stdout
    assert "'B' was lost" in completed.stdout


def run_contract_suite(arguments: list[str]) -> None:
    """The command of the contract suite against an emulator, for one clause."""
    with emulator_process() as (_, (host, port)):
        own = [argument.replace(DEFAULT_URL, f"http://{host}:{port}") for argument in arguments]
        command = [sys.executable, "-m", "sms10692_contract", *own, "--only", "1.1-utf8"]
        completed = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert completed.returncode == 0, completed.stdout + completed.stderr


def run_contract_plugin(arguments: list[str], folder: Path) -> None:
    """The contract suite under pytest against an emulator, for one clause."""
    with emulator_process() as (_, (host, port)):
        own = [argument.replace(DEFAULT_URL, f"http://{host}:{port}") for argument in arguments]
        command = [sys.executable, "-m", "pytest", *own, "--only", "1.1-utf8", "-p", "no:cacheprovider"]
        completed = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    assert "1 passed" in completed.stdout, completed.stdout + completed.stderr


MAKE_TARGETS: Final = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))


def check_make_arguments(arguments: list[str]) -> None:
    """`make` has these targets; they are not run, because they install packages and run the whole suite."""
    targets = [argument for argument in arguments if "=" not in argument]
    assert targets
    assert set(targets) <= MAKE_TARGETS


def check_pytest_arguments(arguments: list[str]) -> None:
    """The paths and expressions of a pytest command select at least one test; `-k` and `-x` are its only options."""
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", *arguments]
    completed = subprocess.run(command, cwd=TOP, capture_output=True, encoding="utf-8", check=False)
    assert completed.returncode == 0, completed.stdout + completed.stderr


def check_installation(project: str, folder: str) -> None:
    """`pip install` is given this project and an extra that exists; the environment is outside the clone."""
    extras = tomllib.loads(read("pyproject.toml"))["project"]["optional-dependencies"]
    assert project in {f".[{name}]" for name in extras}
    assert folder.startswith("../")


def run_profile(arguments: list[str], folder: Path) -> None:
    """`sms10692-mock profile` with these options succeeds. The file is the example of the document."""
    arguments = arguments[: arguments.index(">")] if ">" in arguments else arguments
    (example,) = (each.text for each in BLOCKS if each.language == "toml" and each.document == "docs/profiles.md")
    (folder / "brand.toml").write_text(example, "utf-8")
    command = [sys.executable, "-m", "sms10692_mock", "profile", *arguments]
    completed = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert (completed.returncode, completed.stderr) == (0, "")


def run_backup(arguments: list[str], folder: Path) -> None:
    """`sms10692-mock backup` with these options copies the store of an emulator, and the copy is one."""
    with emulator_process("--store", f"sqlite:{folder / 'store'}"):
        subprocess.run(
            [sys.executable, "-m", "sms10692_mock", "backup", *arguments], cwd=folder, check=True, timeout=60
        )
    with emulator_process("--store", f"sqlite:{folder / arguments[-1]}"):
        pass


def run_ready(arguments: list[str]) -> None:
    """`sms10692-mock ready` with these options finds an emulator ready."""
    with emulator_process() as (_, (host, port)):
        own = [argument.replace(DEFAULT_URL, f"http://{host}:{port}") for argument in arguments]
        subprocess.run([sys.executable, "-m", "sms10692_mock", "ready", *own], check=True, timeout=60)


def run_record(arguments: list[str], folder: Path) -> None:
    """`sms10692-mock record` has these options, and records an emulator."""
    assert arguments == ["--to", DEFAULT_URL, "--out", "recording"]
    record_overage(folder / "recording")


def record_overage(folder: Path) -> None:
    """Record one exchange with an emulator."""
    with (
        emulator_process() as (_, (host, port)),
        recorder_process(f"http://{host}:{port}", folder) as (process, address),
    ):
        assert send_raw(address, build_request("/v2sms.aspx", b"action=overage")).status == 200
        process.terminate()
        assert wait_exit(process) == (f"1 exchanges in {folder}\n", "")


def run_serve(arguments: list[str], folder: Path) -> None:
    """`sms10692-mock serve` with these options listens, at free ports."""
    if "brand.toml" in arguments:
        return  # `run_profile` checks the file
    if "--replay" in arguments:
        record_overage(folder / arguments[arguments.index("--replay") + 1])
        arguments = [str(folder / word) if word == "recording" else word for word in arguments]
    if "0.0.0.0" in arguments:  # noqa: S104 - tests listen on loopback only
        arguments[arguments.index("0.0.0.0")] = "127.0.0.1"  # noqa: S104 - tests listen on loopback only
    for port in ("--port", "--tls-port"):
        if port in arguments:
            arguments[arguments.index(port) + 1] = "0"
    environment = os.environ | {"SMS10692_MOCK_TLS_FOLDER": str(folder), "SMS10692_MOCK_TLS_PORT": "0"}
    with emulator_process(*arguments, environment=environment):
        pass


def check_container(arguments: list[str]) -> None:
    """`docker run` publishes the port on loopback, sets variables of options, and runs a command of the image.

    The image itself is run by `make test-image`.
    """
    image = arguments.index("sms10692-mock")
    assert arguments[image + 1 :] in ([], ["serve", "--help"])
    options = arguments[:image]
    assert options.pop(0) == "--rm"
    variables = {spec.variable for spec in OPTIONS.values()}
    for flag, value in zip(options[::2], options[1::2], strict=True):
        match flag:
            case "-p":
                assert value == "127.0.0.1:10692:10692"
            case "-e":
                assert value.partition("=")[0] in variables
            case _:
                assert (flag, value.partition(":")[2]) == ("-v", "/data")


def run_trust(folder: Path) -> None:
    """`sms10692-mock trust` prints the path of the CA."""
    command = [sys.executable, "-m", "sms10692_mock", "trust", "--tls-folder", str(folder)]
    printed = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    assert printed.startswith(f"{folder / 'ca.pem'}\n")


def run_examine(arguments: list[str], folder: Path) -> None:
    """Run a command of the examiner, with one case of the careful client in place of the user's driver."""
    arguments = arguments[: arguments.index(">")] if ">" in arguments else arguments
    if "--" in arguments:
        place = arguments.index("--")
        program = [sys.executable, "-c", "pass"] if arguments[0] == "watch" else [sys.executable, str(CAREFUL)]
        only = [] if arguments[0] == "watch" else ["--only", "Q-plus"]
        arguments = [*arguments[:place], *only, "--", *program]
    with contextlib.chdir(folder):
        result = CliRunner().invoke(examine_command, arguments, standalone_mode=False, catch_exceptions=False)
    assert result.return_value == (1 if arguments[0] == "watch" else 0)  # a program without requests is a failure


@pytest.mark.slow("Runs every command of the documents.")
@each_block("sh")
def test_every_command_of_a_sh_block_runs_or_names_what_there_is(block: Block, tmp_path: Path) -> None:
    environment = ""
    for line in block.text.splitlines():
        match shlex.split(line, comments=True):
            case []:
                pass
            case ["make", *arguments]:
                check_make_arguments(arguments)
            case ["sms10692-mock", "serve", *arguments]:
                run_serve(arguments, tmp_path)
            case ["sms10692-mock", "trust"]:
                run_trust(tmp_path)
            case ["sms10692-mock", "backup", *arguments]:
                run_backup(arguments, tmp_path)
            case ["sms10692-mock", "ready", *arguments]:
                run_ready(arguments)
            case ["sms10692-mock", "record", *arguments]:
                run_record(arguments, tmp_path)
            case ["sms10692-mock", "explain", *arguments]:
                run_explain(arguments)
            case ["sms10692-mock", "profile", *arguments]:
                run_profile(arguments, tmp_path)
            case ["sms10692-contract", *arguments]:
                run_contract_suite(arguments)
            case ["javac" | "mcs" | "go", *_] as command:
                assert tuple(command) in {driver.build for driver in DRIVERS.values()}
            case ["sms10692-examine", *arguments]:
                run_examine(arguments, tmp_path)
            case ["pytest", "-p", *arguments]:
                run_contract_plugin(["-p", *arguments], tmp_path)
            case ["curl", *_]:
                pass  # see "Requests and responses"
            case ["python3", "-m", "venv", environment]:
                pass
            case [pip, "install", project] | [pip, "install", project, "pytest"] if pip == f"{environment}/bin/pip":
                check_installation(project, environment)
            case ["cd", folder]:
                assert f"{folder}/.venv" == environment
            case [".venv/bin/pytest"] if environment:
                pass  # runs the module above, as test_a_python_block_runs does
            case [".venv/bin/pytest", *arguments]:
                check_pytest_arguments(arguments)
            case [".venv/bin/python", "-m", module]:
                assert (TOP / "contract_tests" / f"{module.replace('.', '/')}.py").exists()
            case ["git", *_]:
                pass
            case ["rm", "-f", "store-wal", "store-shm"] | ["cp", "backup", "store"]:
                pass  # tests/repo/test_deployment.py runs both
            case ["docker", "run", *arguments]:
                check_container(arguments)
            case ["docker", "compose", "-f", file, *_] | ["kubectl", "apply", "-f", file]:
                assert (TOP / file).exists()
            case ["kubectl", "create", "secret", *_]:
                pass  # tests/release/test_deployment_files.py reads the manifest
            case _:
                pytest.fail(f"{block.place}: no test for {line!r}")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_that_is_mentioned_exists(name: str) -> None:
    mentioned = set(re.findall(r"`make ([a-z][a-z-]*)", read(name)))
    assert mentioned <= MAKE_TARGETS


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_extra_that_is_mentioned_exists(name: str) -> None:
    extras = tomllib.loads(read("pyproject.toml"))["project"]["optional-dependencies"]
    assert set(re.findall(r"\[([a-z]+)\]'", read(name))) <= set(extras)


# README


@EACH_LANGUAGE
def test_the_readme_shows_a_response_and_a_test_on_the_first_screen(suffix: str) -> None:
    lines = read(f"README{suffix}").splitlines()
    assert 90 <= len(lines) <= 150
    assert "<returnstatus>Success</returnstatus>" in "\n".join(lines[:25])
    assert "def test_" in "\n".join(lines[:50])


@EACH_LANGUAGE
def test_the_readme_has_every_endpoint_and_action(suffix: str) -> None:
    table = "\n".join(re.findall(r"^\| .*$", read(f"README{suffix}"), re.MULTILINE))
    for operation in protocol.OPERATIONS:
        assert f"`{operation.action}`" in table
        for endpoint in operation.endpoints:
            assert f"`{endpoint.path}`" in table


def test_the_request_of_the_readme_has_the_fields_of_the_manual() -> None:
    form = re.findall(r"-d '([^']*)'", read("README.md"))[0]
    assert list(dict(parse_qsl(form))) == ["action", "userid", "timestamp", "sign", "mobile", "content"]
    assert WsgiHarness().send_raw(build_request("/v2sms.aspx", form.encode())).status == 200


# Tables


def option_names(command: click.Command) -> set[str]:
    """The long options of a command."""
    return {name for option in command.params for name in option.opts if name.startswith("--")}


def table_rows(name: str, heading: int) -> list[str]:
    """The rows of all tables of a chapter, by its number."""
    chapter = re.split(r"^## .*$", read(name), flags=re.MULTILINE)[heading]
    return re.findall(r"^\| .*$", chapter, re.MULTILINE)[1:]


@pytest.mark.parametrize(
    ("file", "text"),
    reference_tables.render_files().items(),
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_generated_document_is_up_to_date(file: Path, text: str) -> None:
    assert file.read_text("utf-8") == text, "run make docs"


def test_the_clauses_of_keys_are_up_to_date() -> None:
    text = key_clauses.CLAUSES.read_text("utf-8")
    assert key_clauses.render_file(text) == text, "run make docs"


def test_the_clauses_of_keys_keep_the_runs_at_real_servers() -> None:
    text = key_clauses.CLAUSES.read_text("utf-8")
    (end,) = re.findall(r'^key = "cdata"\n(?:.+\n)*', text, re.MULTILINE)
    observed = text.replace(end, end + "last_observed = { date = 2026-11-30 }\n")
    assert observed != text
    assert key_clauses.render_file(observed) == observed


@EACH_LANGUAGE
def test_every_option_of_the_contract_suite_is_in_the_how_to(suffix: str) -> None:
    text = read(f"docs/how-to{suffix}")
    options = option_names(contract_run_command) - {"--help"}
    assert options <= set(re.findall(r"(?<=`)--[a-z-]+", text))


@EACH_LANGUAGE
def test_every_reserved_number_is_in_the_reference(suffix: str) -> None:
    text = read(f"docs/reference{suffix}")
    assert set(re.findall(r"1000000\d{4}", text)) == set(RESERVED_NUMBERS)
    refusals = re.findall(r"^\| `(\d+)` \| [^|`]+`([^`]+)` \|$", text, re.MULTILINE)
    expected = [
        (number, outcome.refusal) for number, outcome in RESERVED_NUMBERS.items() if outcome.refusal is not None
    ]
    assert refusals == expected
    assert [message for _, message in refusals] == list(protocol.SEND.all_messages[1:])


@EACH_LANGUAGE
def test_every_path_of_the_control_api_is_in_the_reference(suffix: str) -> None:
    text = read(f"docs/reference{suffix}")
    described = create_app().test_client().get("/_mock/openapi.json").json
    assert described is not None
    for path in described["paths"]:
        shown = re.sub(r"/\{(?!userid)\w+\}$", "", path.removeprefix("/_mock")).replace("{userid}", "USERID")
        head, _, last = shown.rpartition("/")
        assert f"`{shown}`" in text or (f"`{head}`" in text and f"`/{last}`" in text), path


@EACH_LANGUAGE
def test_the_default_forbidden_words_are_in_the_reference(suffix: str) -> None:
    text = read(f"docs/reference{suffix}")
    assert "、".join(DEFAULT_WORDS) in text or ", ".join(DEFAULT_WORDS) in text


@EACH_LANGUAGE
def test_every_reason_and_status_is_in_the_guide(suffix: str) -> None:
    named = set(re.findall(r"`[A-Z_]+`", read(f"docs/guide{suffix}")))
    assert {f"`{name}`" for kind in (Reason, Status) for name in kind.__members__} <= named


def public_methods(owner: type) -> Iterator[tuple[str, inspect.Signature]]:
    """Name and signature of each public method, without `self` and annotations."""
    for name, method in inspect.getmembers(owner, inspect.isfunction):
        if not name.startswith("_"):
            _, *parameters = inspect.signature(method).parameters.values()
            yield name, inspect.Signature([one.replace(annotation=inspect.Parameter.empty) for one in parameters])


@EACH_LANGUAGE
@pytest.mark.parametrize(("owner", "prefix"), [(SmsVendor, ""), (Clock, "clock.")])
def test_every_method_of_the_fixture_is_in_the_guide_with_its_arguments(owner: type, prefix: str, suffix: str) -> None:
    text = read(f"docs/guide{suffix}")
    for name, signature in public_methods(owner):
        call = f"{prefix}{name}{signature}".replace("'", '"')
        assert f"| `{call}` |" in text, call


@EACH_LANGUAGE
def test_every_attribute_of_what_the_fixture_returns_is_in_the_guide(suffix: str) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", read(f"docs/guide{suffix}"), re.MULTILINE))
    for name, kind in vars(models).items():
        if is_dataclass(kind) and not name.startswith("Enqueued"):
            assert re.findall(r"`(\w+)`", rows[name]) == [field.name for field in fields(kind)], name


def test_every_name_in_the_glossary_is_in_the_code() -> None:
    folders = ("client", "mock_server", "contract_tests", "fixtures")
    files = [file for folder in folders for file in (TOP / folder).rglob("*") if file.suffix in {".py", ".toml"}]
    texts = [text for file in files for text in (file.relative_to(TOP).as_posix(), file.read_text("utf-8"))]
    code = "\n".join([*texts, *(spec.flag for spec in OPTIONS.values())])
    for row in table_rows("docs/glossary.md", 0)[1:]:
        for name in re.findall(r"`([^`]+)`", row.split("|")[3]):
            assert name.removeprefix("/_mock") in code, row


def test_every_module_in_the_internals_exists() -> None:
    package = TOP / "mock_server" / "sms10692_mock"
    folders = "|".join(folder.name for folder in package.iterdir() if folder.is_dir())
    for name in set(re.findall(rf"(?<![\w/])(?:{folders})/[a-z0-9_/]+[a-z0-9_]", read("docs/internals.md"))):
        assert (package / name).exists() or (package / f"{name}.py").exists(), name


def test_every_path_in_contributing_exists() -> None:
    package = TOP / "mock_server" / "sms10692_mock"
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]*|\w+\.(?:py|toml|md))`", read("CONTRIBUTING.md"))
    roots = [TOP, package, TOP / "client" / "sms10692", TOP / "contract_tests" / "sms10692_contract", TOP / "fixtures"]
    for name in named:
        assert any((root / name).exists() for root in roots), name


# Languages and links


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if name.endswith(".zh-CN.md")])
def test_the_emulator_has_one_name_in_chinese(name: str) -> None:
    """模拟服务器, as in the console: another word would seem to mean another thing."""
    assert "模拟器" not in read(name)


@EACH_TRANSLATED
def test_each_language_links_to_the_other_below_the_title(name: str) -> None:
    translation = name.removesuffix(".md") + ".zh-CN.md"
    for page, link in (
        (name, f"[中文]({Path(translation).name})"),
        (translation, f"[English]({Path(name).name})"),
    ):
        title, blank, below = read(page).splitlines()[:3]
        assert (title[:2], blank) == ("# ", ""), page
        assert below.startswith(link), page


@EACH_TRANSLATED
def test_both_languages_have_the_same_facts(name: str) -> None:
    english, chinese = read(name), read(name.removesuffix(".md") + ".zh-CN.md")
    for pattern in (r"`(?:--)?[\w=/.-]+`", r"\bR\d+\b"):
        assert sorted(set(re.findall(pattern, english))) == sorted(set(re.findall(pattern, chinese))), pattern
    links = [
        {link.partition("#")[0].replace(".zh-CN", "") for link in re.findall(r"\]\(([^)]+)\)", text)}
        for text in (english, chinese)
    ]
    assert links[0] == links[1]
    for pattern in (r"^#+ ", r"^\|", r"^- ", r"^```"):
        assert len(re.findall(pattern, english, re.MULTILINE)) == len(re.findall(pattern, chinese, re.MULTILINE))


def anchors(text: str) -> set[str]:
    """The anchors of the headings of a document, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).replace(" ", "-").lower() for heading in headings}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name: str) -> None:
    text = read(name)
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if not link.startswith("https://"):
            file, _, anchor = link.partition("#")
            target = (TOP / name).parent / file if file else TOP / name
            assert target.exists(), link
            assert not anchor or anchor in anchors(target.read_text("utf-8")), link
