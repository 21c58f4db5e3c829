"""The command `sms10692-mock ready`: it waits for the emulator and its store, and says what it waits for."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
from click.testing import CliRunner

from sms10692_mock.cli import command
from support.emulators import emulator_process
from support.fake_servers import fake_control_api
from support.http_client import TIMEOUT
from support.stores import file_locked

ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - of all interfaces; the control API has a token


def run_ready(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of the command."""
    completed = subprocess.run(
        [sys.executable, "-m", "sms10692_mock", "ready", *arguments],
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
        env=os.environ | environment,
    )
    return completed.returncode, completed.stdout, completed.stderr


def test_a_running_emulator_is_ready_without_a_token() -> None:
    with emulator_process("--token", "secret", "--host", ANY_ADDRESS) as (_, (_, port)):
        in_environment = {"SMS10692_MOCK_PORT": str(port), "SMS10692_MOCK_HOST": ANY_ADDRESS}
        ready = run_ready(**in_environment, http_proxy="http://127.0.0.1:9")
        assert ready == (0, f"http://127.0.0.1:{port} is ready\n", "")


def test_a_kubernetes_service_of_the_same_name_does_not_change_the_port() -> None:
    code, _, log = run_ready(SMS10692_MOCK_PORT="tcp://10.96.0.12:10692", SMS10692_MOCK_HOST="127.0.0.2")
    assert (code, log) == (1, "sms10692-mock: not ready: http://127.0.0.2:10692: Connection refused\n")


def test_the_command_waits_until_the_emulator_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    command = [sys.executable, "-m", "sms10692_mock", "ready", "--port", str(port), "--wait", "30"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as waiting:
        assert waiting.stderr is not None
        line = waiting.stderr.readline()
        assert line == f"waiting for http://127.0.0.1:{port}: Connection refused\n"
        with emulator_process("--port", str(port)):
            output, log = waiting.communicate(timeout=TIMEOUT)
        assert (waiting.returncode, output, log) == (0, f"http://127.0.0.1:{port} is ready\n", "")


def test_an_emulator_whose_store_is_locked_is_not_ready(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with emulator_process("--store", f"sqlite:{store}") as (_, (_, port)), file_locked(store):
        code, output, log = run_ready("--port", str(port))
    assert (code, output) == (1, "")
    assert log == f"sms10692-mock: not ready: http://127.0.0.1:{port}: its store is unavailable\n"


@pytest.mark.parametrize("document", ["[]", '{"live": true}'])
def test_another_server_is_not_ready(document: str) -> None:
    with fake_control_api(200, document) as url:
        assert run_ready("--url", url)[2] == (
            f"sms10692-mock: not ready: {url}: HTTP 200 from something that is no emulator\n"
        )


@pytest.mark.parametrize("url", ["127.0.0.1:10692", "ftp://127.0.0.1", "http://", "http://127.0.0.1:x", "http://a/?b"])
def test_a_wrong_url_is_a_usage_error(url: str) -> None:
    result = CliRunner().invoke(command, ["ready", "--url", url])
    assert result.exit_code == 2
    assert f"'{url}' is not a URL: http://127.0.0.1:10692" in result.output


def test_a_free_port_is_unknown_to_the_command() -> None:
    result = CliRunner().invoke(command, ["ready", "--port", "0"])
    assert result.exit_code == 2
    assert "give --url, which serve has printed" in result.output


def test_an_https_url_is_ready_for_those_who_trust_its_ca(tmp_path: Path) -> None:
    authority = trustme.CA()
    file, ca = tmp_path / "server.pem", tmp_path / "ca.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(file)
    authority.cert_pem.write_to_path(ca)
    with emulator_process("--tls-cert", str(file), "--tls-port", "0") as (process, _):
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert url.startswith("https://")
        assert run_ready("--url", url, "--ca", str(ca)) == (0, f"{url} is ready\n", "")
        code, _, log = run_ready("--url", url)
    assert code == 1
    assert "certificate verify failed" in log.lower().replace("_", " ")


def test_a_ca_that_cannot_be_read_is_a_usage_error() -> None:
    for file in ("/no/such/file", __file__):
        result = CliRunner().invoke(command, ["ready", "--ca", file])
        assert result.exit_code == 2
        assert f"cannot read {file}: " in " ".join(result.output.split())
