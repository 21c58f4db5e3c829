"""Tests of the pytest plugin of the suite, in a separate pytest process."""

import os
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
