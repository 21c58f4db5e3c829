"""Tests of the pytest plugin of the suite, in a separate pytest process."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.contract_cli import select
from support.mutant_vendor import mutant_server
from support.mutants import MUTANTS

pytestmark = pytest.mark.slow("Runs the contract suite under pytest in subprocesses.")

ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(str(Path(folder).absolute()) for folder in sys.path)}


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the suite with pytest in `folder`."""
    command = [sys.executable, "-m", "pytest", "-p", "sms10692_contract.plugin", "-p", "no:cacheprovider"]
    command += ["--pyargs", "sms10692_contract", "-q", *options]
    # Importing other plugins takes longer than checking the clauses.
    environment = ENVIRONMENT | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", env=environment, timeout=60)


def run_pytest_on_two_clauses(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the clauses 2.3-found and 2.3-payinfo with pytest in `folder`."""
    return run_pytest(folder, *select("2.3-found", "2.3-payinfo"), *options)


@pytest.mark.parametrize("defect", ["", "Sucess corrected"])
def test_pytest_runs_each_clause_as_a_test(defect: str, tmp_path: Path) -> None:
    defects = {mutant.name: mutant.defect for mutant in MUTANTS}
    with mutant_server(defects.get(defect)) as vendor:
        completed = run_pytest_on_two_clauses(tmp_path, "--target", vendor.url, "--control", vendor.url)
    assert completed.returncode == (1 if defect else 0), completed.stdout + completed.stderr
    assert ("request:  curl" in completed.stdout) is bool(defect)


def test_pytest_accepts_credentials_and_skips_clauses_without_permission(tmp_path: Path) -> None:
    with mutant_server() as vendor:
        credentials = ["--userid", "12", "--account", "test", "--password", "mima", "--rate", "0"]
        completed = run_pytest_on_two_clauses(tmp_path, "--target", vendor.url, *credentials)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert "1 passed, 1 skipped" in completed.stdout


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--target", "http://127.0.0.1:1"], 4, "--userid, --account and --password are needed, or --control"),
        (["--target", "http://127.0.0.1:1", "--control", "http://127.0.0.1:1"], 3, "http://127.0.0.1:1"),
        (["--target", "http://127.0.0.1:1", "--userid", "\udcff"], 4, "--userid: the value cannot be encoded in gbk"),
        (
            ["--target", "http://127.0.0.1:1", "--password", "\udcff"],
            4,
            "--password: the value cannot be encoded in utf-8",
        ),
    ],
)
def test_pytest_stops_without_a_reachable_server_and_valid_credentials(
    options: list[str], code: int, message: str, tmp_path: Path
) -> None:
    completed = run_pytest_on_two_clauses(tmp_path, *options)
    assert completed.returncode == code, completed.stdout + completed.stderr
    assert message in completed.stdout + completed.stderr
    assert "failed" not in completed.stdout


OWN = ["--userid", "12", "--account", "test", "--password", "mima", "--rate", "0"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rate", "-1"], "--rate -1: use a number of requests per second, or 0 for no limit"),
        (["--rate", "nan"], "--rate nan: use a number of requests per second"),
        (["--budget", "-3"], "--budget -3: use a number of points, 0 or more"),
        (["--allow-send", "13000000001,home"], "--allow-send: home is not a phone number"),
        (["--allow-fetch", "--fetched", "none/fetched.jsonl"], "none/fetched.jsonl cannot be written: No such file"),
        (["--expect", "none.toml"], "--expect: [Errno 2] No such file"),
        (["--write-expect", "none/expect.toml"], "none/expect.toml cannot be written: No such file"),
        (["--dry-run", "--control", "http://127.0.0.1:1"], "--dry-run is for servers without --control"),
        (["--dry-run", "-k", "2.3"], "--dry-run does not support -k"),
    ],
    ids=str,
)
def test_wrong_options_are_refused_before_a_request(options: list[str], message: str, tmp_path: Path) -> None:
    completed = run_pytest(tmp_path, "--target", "http://127.0.0.1:1", *OWN, *options)
    assert completed.returncode == 4, completed.stdout + completed.stderr
    assert message in completed.stderr
    assert "Traceback" not in completed.stderr


def test_pytest_without_an_exercised_clause_is_no_success(tmp_path: Path) -> None:
    with mutant_server() as vendor:
        completed = run_pytest(tmp_path, "--target", vendor.url, *OWN, *select("2.3-payinfo", "1.3-ok"))
    assert completed.returncode == 3
    assert "2 skipped" in completed.stdout
    assert "no clause was exercised; see the reasons above" in completed.stdout


def test_pytest_writes_and_reads_accepted_differences(tmp_path: Path) -> None:
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == "Sucess corrected")
    with mutant_server(mutant.defect) as vendor:
        options = ["--target", vendor.url, *OWN, *select("2.3-found", "3.3-forbidden")]
        failed = run_pytest(tmp_path, *options, "--write-expect", "expect.toml")
        assert failed.returncode == 1
        accepted = run_pytest(tmp_path, *options, "--expect", "expect.toml")
        assert accepted.returncode == 0, accepted.stdout
        assert re.search("1 passed, [0-9]+ deselected, 1 xfailed", accepted.stdout)
    with mutant_server() as vendor:
        options = ["--target", vendor.url, *OWN, *select("2.3-found", "3.3-forbidden")]
        gone = run_pytest(tmp_path, *options, "--expect", "expect.toml")
    assert gone.returncode == 0
    assert "gone: 2.3-found, expected since" in gone.stdout


def test_pytest_prints_a_dry_run_without_a_server(tmp_path: Path) -> None:
    completed = run_pytest(tmp_path, "--target", "http://127.0.0.1:1", *OWN, *select("3.3-forbidden"), "--dry-run")
    assert completed.returncode == 0, completed.stderr
    assert "POST /v2sms.aspx userid=… timestamp=… sign=… action=checkkeyword content=…" in completed.stdout
    assert "0 sends, 0 fetches, at most 0 points" in completed.stdout
