"""What docs/deployment.md says is true: its configurations are read by the programs for which they are."""

import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from sms10692_mock.admin.app import create_app
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.clock import system_time
from sms10692_mock.domain.records import Limits
from sms10692_mock.stores.sqlite import SqliteStore
from support.emulators import emulator_process
from support.http_client import build_request, call_control, free_port, send_raw
from support.valkey_store import eventually

DOCS = Path(__file__).parents[2] / "docs"
REQUIRED_VARIABLE = "SMS10692_REQUIRE_OPERATIONS_TOOLS"
"""If this environment variable is set, a machine without these programs fails the tests instead of skipping them."""
EACH_LANGUAGE = pytest.mark.parametrize("suffix", [".md", ".zh-CN.md"], ids=["English", "Chinese"])


def read(suffix: str) -> str:
    return (DOCS / f"deployment{suffix}").read_text("utf-8")


def find_blocks(suffix: str, language: str) -> list[str]:
    """The blocks of this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", read(suffix), re.MULTILINE | re.DOTALL)


def test_both_languages_have_the_same_blocks() -> None:
    for language in ("sh", "yaml", "conf", "ini", "toml"):
        assert find_blocks(".md", language) == find_blocks(".zh-CN.md", language)


@EACH_LANGUAGE
def test_the_scrape_configuration_reads_the_metrics(suffix: str) -> None:
    (configuration,) = find_blocks(suffix, "yaml")
    (job,) = yaml.safe_load(configuration)["scrape_configs"]
    assert set(job["authorization"]) == {"credentials_file"}
    assert job["static_configs"] == [{"targets": ["127.0.0.1:10692"]}]
    assert create_app().test_client().get(job["metrics_path"]).mimetype == "text/plain"


@EACH_LANGUAGE
def test_every_metric_is_in_the_table_with_its_labels(suffix: str) -> None:
    client = create_app().test_client()
    client.post("/v2sms.aspx", data={"action": "send"})
    described: Any = re.findall(r"^# TYPE (\w+) ", client.get("/_mock/metrics").text, re.MULTILINE)
    own = {name for name in described if not name.startswith("process_")}
    assert own == set(re.findall(r"^\| `(sms10692_mock_\w+)`", read(suffix), re.MULTILINE))


def find_program(name: str) -> str:
    """The path of a program; skips the test if it is not installed, or fails it if `REQUIRED_VARIABLE` is set."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        if os.environ.get(REQUIRED_VARIABLE):
            pytest.fail(f"{name} is not installed, and {REQUIRED_VARIABLE} is set")
        pytest.skip(f"{name} is not installed (.ci/install-operations-tools installs it)")
    return found


def find_configuration(word: str) -> str:
    """The configuration that has this word."""
    (configuration,) = (block for block in find_blocks(".md", "conf") if word in block)
    return configuration


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """Except for the path of the program, which must exist."""
    program = find_program("systemd-analyze")
    documented = "/opt/sms10692/bin/sms10692-mock"
    unit = find_configuration("[Service]")
    assert unit.count(documented) == 2
    file = tmp_path / "sms10692-mock.service"
    file.write_text(unit.replace(documented, sys.executable))
    verify = [program, "verify", "--man=no", str(file)]
    accepted = subprocess.run(verify, capture_output=True, encoding="utf-8", check=False)
    assert file.name not in accepted.stderr, accepted.stderr
    file.write_text(unit.replace(documented, sys.executable).replace("ProtectHome=", "ProtectHmoe="))
    refused = subprocess.run(verify, capture_output=True, encoding="utf-8", check=False)
    assert "ProtectHmoe" in refused.stderr, "systemd-analyze checks nothing"


def test_the_commands_of_the_unit_start_an_emulator_and_find_it_ready(tmp_path: Path) -> None:
    unit = find_configuration("[Service]")
    folders = {"/var/lib/sms10692-mock": tmp_path / "lib", "/var/log/sms10692-mock": tmp_path / "log"}
    for documented, own in folders.items():
        assert documented in unit
        own.mkdir()
        unit = unit.replace(documented, str(own))
    environment = dict(re.findall(r"^Environment=(\w+)=(.*)$", unit, re.MULTILINE))
    environment["SMS10692_MOCK_PORT"] = str(free_port())
    serve, ready = (
        [sys.executable, "-m", "sms10692_mock", *shlex.split(arguments)]
        for arguments in re.findall(r"^ExecStart(?:Post)?=/opt/sms10692/bin/sms10692-mock (.*)$", unit, re.MULTILINE)
    )
    with subprocess.Popen(serve, env=os.environ | environment, stdout=subprocess.DEVNULL) as process:
        try:
            subprocess.run(ready, env=os.environ | environment, check=True, capture_output=True)
        finally:
            process.terminate()
    assert process.returncode == 0
    assert {path.name for folder in folders.values() for path in folder.iterdir()} >= {"store", "emulator.log"}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
def test_logrotate_rotates_the_log_of_a_running_emulator(tmp_path: Path) -> None:
    """Except for the owner of the new file and the way to the process, which need root and systemd."""
    logrotate = find_program("logrotate")
    configuration = find_configuration("postrotate")
    log = tmp_path / "emulator.log"
    with emulator_process("--log-file", str(log)) as (process, address):
        send_raw(address, build_request("/v2sms.aspx", b"action=first"))
        assert eventually(lambda: log.exists() and "no such action" in log.read_text())
        kill = "systemctl kill --signal=HUP --kill-who=main sms10692-mock.service"
        for documented, own in (
            ("/var/log/sms10692-mock/*.log", str(log)),
            ("sms10692 sms10692", ""),
            (kill, f"kill -HUP {process.pid}"),
        ):
            assert documented in configuration
            configuration = configuration.replace(documented, own)
        (tmp_path / "conf").write_text(configuration)
        (tmp_path / "conf").chmod(0o644)
        tmp_path.chmod(0o755)
        command = [logrotate, "--force", "--state", str(tmp_path / "state"), str(tmp_path / "conf")]
        completed = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        assert (completed.returncode, completed.stderr) == (0, "")
        assert "no such action" in (tmp_path / "emulator.log.1").read_text()
        send_raw(address, build_request("/v2sms.aspx", b"action=second"))
        assert eventually(lambda: "no such action" in log.read_text())
        assert (tmp_path / "emulator.log.1").read_text().count("no such action") == 1


@EACH_LANGUAGE
def test_the_state_is_saved_and_restored_by_the_curl_lines(suffix: str, tmp_path: Path) -> None:
    (block,) = (block for block in find_blocks(suffix, "sh") if block.startswith("curl "))
    saving, restoring = block.splitlines()
    with emulator_process() as (_, (host, port)), emulator_process("--account", "7:a:b") as (_, (_, other_port)):
        call_control((host, port), "PATCH", "/accounts/12", {"points": 77})
        for line, to in ((saving, port), (restoring, other_port)):
            own = line.replace("http://127.0.0.1:10692", f"http://{host}:{to}")
            assert own != line
            command = [*shlex.split(own), "--silent", "--show-error", "--fail"]
            subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        accounts = call_control((host, other_port), "GET", "/accounts")["accounts"]
        assert [(account["userid"], account["points"]) for account in accounts] == [("12", 77)]


def test_the_curl_lines_send_the_token_of_a_service_that_has_one(tmp_path: Path) -> None:
    (block,) = (block for block in find_blocks(".md", "sh") if block.startswith("curl "))
    with emulator_process("--token", "t0ken") as (_, (host, port)):
        own = block.replace("http://127.0.0.1:10692", f"http://{host}:{port}")
        for token, code in (("t0ken", 0), ("other", 22)):
            completed = subprocess.run(
                ["/bin/sh", "-e"],
                input=own,
                text=True,
                cwd=tmp_path,
                env=os.environ | {"SMS10692_MOCK_TOKEN": token},
                capture_output=True,
                check=False,
            )
            assert completed.returncode == code, completed.stderr
        assert "[[accounts]]" in (tmp_path / "state.toml").read_text("utf-8")


@pytest.mark.skipif(os.name == "nt", reason="the commands are those of a POSIX shell")
@EACH_LANGUAGE
def test_a_backup_in_the_place_of_a_killed_emulators_store_has_what_was_backed_up(suffix: str, tmp_path: Path) -> None:
    (commands,) = (block for block in find_blocks(suffix, "sh") if "cp backup store" in block)
    live, restored = tmp_path / "live", tmp_path / "restored"
    live.mkdir()
    restored.mkdir()
    with closing(SqliteStore(live / "store", Limits(), system_time)) as store:
        store.create_account(Account("12", "test", "mima"))
        with (
            closing(sqlite3.connect(live / "store")) as source,
            closing(sqlite3.connect(restored / "backup")) as target,
        ):
            source.backup(target)
        store.create_account(Account("7", "shop", "geheim"))
        for file in ("store", "store-wal", "store-shm"):  # what remains of a process that is killed now
            shutil.copy(live / file, restored)
    subprocess.run([find_program("sh"), "-ec", commands], cwd=restored, check=True)
    with closing(SqliteStore(restored / "store", Limits(), system_time)) as store:
        assert store.userids() == ["12"]
