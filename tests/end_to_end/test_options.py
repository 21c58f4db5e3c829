"""Tests of the options of `sms10692-mock serve`, on the command line and in the environment.

A wrong value ends the command with one line on standard error.
"""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.core import ParameterSource

from sms10692_mock.cli import serve_command
from support.emulators import STATUS, UTF8, emulator_process, sign, wait_exit
from support.http_client import Address, build_request, send_raw
from support.serve_cli import QUERY, get_overage, get_start_error


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with emulator_process() as (_, address):
        yield address


def test_options_on_the_command_line_have_their_effects(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("\ufeffalpha\r\n\r\n beta \n", "utf-8")
    arguments = ["--account", "7:shop:a:b:5", "--account", "8:shop2:1234", "--postpaid", "8", "--deny-queues", "7"]
    arguments += [
        "--keywords",
        str(words),
        "--report-delay",
        "3600",
        "--profile",
        str(write_profile(tmp_path)),
    ]
    with emulator_process(*arguments) as (_, address):
        check_options(address)


def test_options_in_the_environment_have_the_same_effects(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("alpha\nbeta\n", "utf-8")
    environment = os.environ | {
        "SMS10692_MOCK_ACCOUNT": "7:shop:a:b:5\n8:shop2:1234\n",
        "SMS10692_MOCK_POSTPAID": "8",
        "SMS10692_MOCK_DENY_QUEUES": "7\n",
        "SMS10692_MOCK_KEYWORDS": str(words),
        "SMS10692_MOCK_REPORT_DELAY": "3600",
        "SMS10692_MOCK_PROFILE": str(write_profile(tmp_path)),
        "SMS10692_MOCK_LOG_LEVEL": "error",
        "SMS10692_MOCK_HOST": "127.0.0.2",
    }
    with emulator_process(environment=environment) as (_, address):
        assert address[0] == "127.0.0.2"
        check_options(address)


def write_profile(folder: Path) -> Path:
    file = folder / "brand.toml"
    file.write_text('base = "observed"\nbilling = "recipient"\n', "utf-8")
    return file


def check_options(address: Address) -> None:
    assert "<overage>5<" in get_overage(address, "shop", "a:b", "7")
    assert "后付费" in get_overage(address, "shop2", "1234", "8")
    assert "<overage>1000<" in get_overage(address)
    form = f"action=query&userid=7&timestamp=1&sign={sign('shop', 'a:b', '1')}"
    assert "<error>3<" in send_raw(address, build_request(STATUS, form.encode())).body.decode()
    check = f"action=checkkeyword&{QUERY}&content="
    assert "包含非法字符<" in send_raw(address, build_request(UTF8, f"{check}a beta".encode())).body.decode()
    assert "<checkCounts>发票<" in send_raw(address, build_request(UTF8, f"{check}发票".encode())).body.decode()
    long = f"action=send&{QUERY}&mobile=15023239810&content={'x' * 700}"
    assert "<remainpoint>999<" in send_raw(address, build_request(UTF8, long.encode())).body.decode()
    assert "statusbox" not in send_raw(address, build_request(STATUS, f"action=query&{QUERY}".encode())).body.decode()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serve", "--port", "70000"], "--port"),
        (["serve", "--port", "x"], "--port"),
        (["serve", "--nonsense"], "--nonsense"),
        (["nonsense"], "nonsense"),
        (["serve", "--account", "7:shop"], "USERID:ACCOUNT:PASSWORD"),
        (["serve", "--account", "7: :p"], "USERID:ACCOUNT:PASSWORD"),
        (["serve", "--account", "7:a:b", "--account", "7:c:d"], "twice"),
        (["serve", "--postpaid", "99"], "--postpaid"),
        (["serve", "--deny-queues", "99"], "--deny-queues"),
        (["serve", "--report-delay", "-1"], "--report-delay"),
        (["serve", "--report-delay", "nan"], "--report-delay"),
        (["serve", "--profile", "json"], "--profile"),
        (["serve", "--profile", "manual", "--profile", "/"], "cannot read /: "),
        (["serve", "--account-profile", "12:某品牌"], "no profile is called '某品牌'"),
        (["serve", "--port", "0", "--log-file", "/no/such/file"], "cannot open /no/such/file: No such file"),
        (["serve", "--port", "0", "--log-format", "xml"], "--log-format"),
        (["serve", "--keywords", "/no/such/file"], "/no/such/file"),
        (["serve", "--keywords", "."], "cannot read"),
        (["serve", "--host", "::g"], "::g"),  # not a name, so that no DNS server is queried
        (["serve", "--host", "192.0.2.1", "--port", "0"], "192.0.2.1"),
        (["serve", "--host", "a..b"], "not a host name"),
        (["serve", "--host", "a" * 64], "aaa"),
        (["serve", "--account", "12:\udcff:mima"], "UTF-8"),
        (["serve", "--account", "7:a:b:9999999999999999"], "15 digits"),
        (["serve", "--account", "7:shop::50"], "blank"),
        (["serve", "--token", "a", "--read-only-token", "a"], "--read-only-token: must differ from --token"),
        (["serve", "--read-only-token", "a b"], "printable ASCII characters without spaces"),
        (["serve", "--allow-host", ""], "not a host name"),
        (["serve", "--allow-host", "https://sms.example"], "without scheme and port"),
        (["serve", "--allow-host", "sms.example:8443"], "without scheme and port"),
        (["serve", "--public-url", "sms.example"], "https://sms.example:8443"),
        (["serve", "--public-url", "https://sms.example/sms?a=b"], "without user name and query"),
        (["serve", "--public-url", "https://sms.example//foreign.example"], "without user name and query"),
        (["serve", "--public-url", "https://sms.example/a/../b"], "without user name and query"),
        (["serve", "--host", "127.0.0.1", "--host", "192.0.2.1", "--port", "0"], "cannot listen on 192.0.2.1 port "),
        (["serve", "--tls-key", "key.pem"], "--tls-cert"),
        (["serve", "--tls-cert", "/no/such/file"], "cannot read /no/such/file: No such file"),
        (["serve", "--tls-cert", "README.md"], "no certificate with its private key in README.md"),
        (["serve", "--tls-cert", "README.md", "--tls", "self-signed"], "either --tls-cert"),
        (["serve", "--tls", "self-signed", "--tls-folder", "/dev/null"], "cannot write /dev/null"),
        (["serve", "--tls", "on"], "'on'"),
        (["serve", "--public-url", "https://user@sms.example"], "user name"),
        (["serve", "--public-url", "ftp://sms.example"], "--public-url"),
        (["serve", "--trusted-proxy", "nginx"], "expected an IP address, or a network"),
        (["serve", "--trusted-proxy", "10.0.0.0/33"], "10.0.0.0/33"),
    ],
    ids=str,
)
def test_a_wrong_option_ends_with_one_line(arguments: list[str], message: str) -> None:
    assert message in get_start_error(*arguments)


def test_a_wrong_variable_ends_with_one_line() -> None:
    error = get_start_error("serve", environment=os.environ | {"SMS10692_MOCK_ACCOUNT": "7:shop"})
    assert "7:shop" not in error
    assert "SMS10692_MOCK_ACCOUNT" in error or "--account" in error


SERVICE = {
    "SMS10692_MOCK_SERVICE_HOST": "10.96.0.12",
    "SMS10692_MOCK_SERVICE_PORT": "10692",
    "SMS10692_MOCK_SERVICE_PORT_HTTP": "10692",
    "SMS10692_MOCK_PORT": "tcp://10.96.0.12:10692",
    "SMS10692_MOCK_PORT_10692_TCP": "tcp://10.96.0.12:10692",
    "SMS10692_MOCK_PORT_10692_TCP_PROTO": "tcp",
    "SMS10692_MOCK_PORT_10692_TCP_PORT": "10692",
    "SMS10692_MOCK_PORT_10692_TCP_ADDR": "10.96.0.12",
}
"""Variables that Kubernetes sets in every container of a namespace with a Service `sms10692-mock`."""


@pytest.mark.parametrize("address", ["tcp://10.96.0.12:10692", "udp://10.96.0.12:53", "tcp://[fd00::12]:10692"])
def test_variables_of_a_kubernetes_service_are_ignored_with_one_line(address: str) -> None:
    environment = os.environ | SERVICE | {"SMS10692_MOCK_PORT": address, "SMS10692_MOCK_ACCOUNT": "7:shop:a:5"}
    with emulator_process(environment=environment) as (process, emulator_address):
        assert "<overage>5<" in get_overage(emulator_address, "shop", "a", "7")
        process.terminate()
        log = wait_exit(process)[1]
    (line,) = [line for line in log.splitlines() if "SMS10692_MOCK" in line]
    assert f"SMS10692_MOCK_PORT={address} is ignored" in line


@pytest.mark.parametrize("option", [option for option in serve_command.params if option.name != "help"], ids=str)
def test_no_option_is_read_from_a_variable_of_a_kubernetes_service(
    option: click.Parameter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SERVICE.items():
        monkeypatch.setenv(name, value)
    with serve_command.make_context("serve", []) as context:
        assert context.get_parameter_source(option.name or "") is ParameterSource.DEFAULT
    assert os.environ["SMS10692_MOCK_PORT"] == SERVICE["SMS10692_MOCK_PORT"]


def test_a_port_in_the_environment_is_not_ignored(address: Address) -> None:
    assert str(address[1]) in get_start_error("serve", environment=os.environ | {"SMS10692_MOCK_PORT": str(address[1])})
    assert "--port" in get_start_error("serve", environment=os.environ | {"SMS10692_MOCK_PORT": "tcp"})


def test_the_url_of_a_service_in_another_option_ends_with_one_line() -> None:
    environment = os.environ | {"SMS10692_MOCK_STORE": "tcp://10.96.0.12:6379", "SMS10692_MOCK_PORT": "0"}
    assert "--store" in get_start_error("serve", environment=environment)


def test_a_word_list_that_is_not_utf_8_ends_with_one_line(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_bytes("发票".encode("gbk"))
    assert "is not UTF-8" in get_start_error("serve", "--keywords", str(words))


def test_a_port_in_use_by_another_emulator_ends_with_one_line(address: Address) -> None:
    assert str(address[1]) in get_start_error("serve", "--port", str(address[1]))


def test_a_port_in_use_by_another_program_ends_with_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        error = get_start_error("serve", "--port", str(other.getsockname()[1]))
    assert 'in use; --port 0 takes a free port (make run ARGS="--port 0")' in error
