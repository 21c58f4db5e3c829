"""Tests of cleanup: the temporary accounts of a run are deleted in every way in which a run can end."""

import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from contract_suite.test_suite_under_pytest import ENVIRONMENT, run_pytest, run_pytest_on_two_clauses
from sms10692_contract.clauses import BY_ID
from sms10692_contract.control import ControlApiError, ControlClient
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import parse_address
from sms10692_contract.interruptions import Interrupted, Interruptions
from sms10692_contract.runner import delete_run_accounts, enable_sandbox, run_checks
from sms10692_contract.safety import SafetyGuard
from support import http_client
from support.contract_cli import run_contract, select
from support.emulators import emulator_process, read_log
from support.fake_servers import fake_control_api
from support.mutant_vendor import mutant_server
from support.mutants import MUTANTS

pytestmark = pytest.mark.slow("Runs the contract suite, and interrupts it, in subprocesses.")

ACCOUNT_CLAUSES = ["1.3-ok", "4.1-once", "M-once", "C-balance", "R6-segments"]
"""Clauses whose checks create accounts."""


def fetch_userids(url: str) -> list[str]:
    """Return the userids of all accounts of an emulator."""
    document = http_client.call_control(http_client.parse_address(url), "GET", "/accounts?limit=1000")
    return [account["userid"] for account in document["accounts"]]


@pytest.mark.parametrize("clauses", [ACCOUNT_CLAUSES, ["2.3-found"]], ids=["many", "one"])
def test_a_run_leaves_the_accounts_as_they_were(clauses: list[str]) -> None:
    with emulator_process() as (_, (host, port)):
        url = f"http://{host}:{port}"
        completed = run_contract(url, "--control", url, *select(*clauses))
        assert fetch_userids(url) == ["12"]
    assert (completed.returncode, completed.stderr) == (0, "")


def test_a_run_in_which_a_clause_fails_leaves_the_accounts_as_they_were() -> None:
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == "reports never leave the queue")
    with mutant_server(mutant.defect) as vendor:
        completed = run_contract(vendor.url, "--control", vendor.url, *select("M-once", "R6-segments"))
        assert vendor.control.userids() == ["12"]
    assert completed.returncode == 1
    assert "The accounts of this run are deleted; --keep-accounts keeps them" in completed.stdout


def test_a_run_with_a_wrong_control_address_leaves_the_accounts_as_they_were() -> None:
    with mutant_server() as vendor, mutant_server() as other:
        assert run_contract(other.url, "--control", vendor.url).returncode == 2
        assert vendor.control.userids() == other.control.userids() == ["12"]


def test_the_accounts_of_a_check_are_deleted_before_the_next() -> None:
    with mutant_server() as vendor:
        address, guard = parse_address(vendor.url), SafetyGuard()
        control = ControlClient(address)
        own, _ = enable_sandbox(address, control, guard)
        for _ in run_checks(
            CheckContext(address, own, guard, control), [BY_ID[clause_id] for clause_id in ("R6-edge", "R6-refused")]
        ):
            assert control.userids == [own.userid]
            assert guard.userids == {own.userid}
            assert vendor.control.userids() == ["12", own.userid]
        assert delete_run_accounts(control, keep=False) == ""
        assert vendor.control.userids() == ["12"]


def test_keep_accounts_keeps_the_accounts_and_counts_them() -> None:
    with mutant_server() as vendor:
        completed = run_contract(vendor.url, "--control", vendor.url, "--keep-accounts", *select("R6-edge"))
        kept_count = len(vendor.control.userids()) - 1
    assert completed.returncode == 0
    assert kept_count > 1
    assert completed.stderr == f"sms10692-contract: accounts left at {vendor.url}: {kept_count} (--keep-accounts)\n"


def test_accounts_that_cannot_be_deleted_are_counted_and_change_no_verdict() -> None:
    with mutant_server() as vendor:
        vendor.control.keeps_accounts = True
        completed = run_contract(vendor.url, "--control", vendor.url, *select("2.3-found"))
    assert completed.returncode == 0
    left = rf"accounts left at {vendor.url}: \d+ \(DELETE {vendor.url}/_mock/.* returned HTTP 405: .*\)\n"
    assert re.fullmatch(f"sms10692-contract: {left}", completed.stderr)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupted_run_deletes_its_accounts_and_reports_its_verdicts(name: str, tmp_path: Path) -> None:
    html, number = tmp_path / "report.html", getattr(signal, name)
    with emulator_process() as (emulator, (host, port)):
        url = f"http://{host}:{port}"
        command = [sys.executable, "-m", "sms10692_contract", "run", url, "--control", url, "--effort", "thorough"]
        command += [*select("Q15-many", "M-once"), "--html", str(html)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as process:
            read_log(emulator, 200)
            draining = threading.Thread(target=emulator.stderr.read)  # type: ignore[union-attr]  # it is a pipe
            draining.start()
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        assert fetch_userids(url) == ["12"]
        emulator.kill()
        draining.join()
    assert process.returncode == 128 + number
    assert err == f"sms10692-contract: interrupted by {name}\n"
    assert "1 of 2 clauses exercised, 1 held" in out
    assert f"the run was stopped: interrupted by {name}" in html.read_text("utf-8")


@pytest.mark.parametrize("defect", ["", "Sucess corrected"])
def test_a_run_under_pytest_leaves_the_accounts_as_they_were(defect: str, tmp_path: Path) -> None:
    defects = {mutant.name: mutant.defect for mutant in MUTANTS}
    with mutant_server(defects.get(defect)) as vendor:
        completed = run_pytest(
            tmp_path, "--target", vendor.url, "--control", vendor.url, *select("2.3-found", "R6-edge")
        )
        assert vendor.control.userids() == ["12"]
    assert completed.returncode == (1 if defect else 0), completed.stdout + completed.stderr


def test_a_run_under_pytest_reports_accounts_that_are_left(tmp_path: Path) -> None:
    with mutant_server() as vendor:
        vendor.control.keeps_accounts = True
        completed = run_pytest_on_two_clauses(tmp_path, "--target", vendor.url, "--control", vendor.url)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert re.search(rf"^accounts left at {vendor.url}: \d+ \(DELETE", completed.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupted_run_under_pytest_deletes_its_accounts(name: str, tmp_path: Path) -> None:
    with emulator_process() as (emulator, (host, port)):
        url = f"http://{host}:{port}"
        command = [sys.executable, "-m", "pytest", "-p", "sms10692_contract.plugin", "-p", "no:cacheprovider"]
        command += ["--pyargs", "sms10692_contract", "-q", "--only", "M-once", "--target", url, "--control", url]
        command += ["--effort", "thorough"]
        environment = ENVIRONMENT | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        with subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", env=environment
        ) as process:
            read_log(emulator, 200)
            draining = threading.Thread(target=emulator.stderr.read)  # type: ignore[union-attr]  # it is a pipe
            draining.start()
            process.send_signal(getattr(signal, name))
            out, _ = process.communicate(timeout=60)
        assert fetch_userids(url) == ["12"]
        emulator.kill()
        draining.join()
    assert process.returncode == 2, out


def test_deferred_delays_the_first_signal_and_not_the_second() -> None:
    interruptions, finished = Interruptions(), list[bool]()

    def interrupted_inside(*names: str) -> None:
        with interruptions.deferred():
            with interruptions.deferred():
                for name in names:
                    signal.raise_signal(getattr(signal, name))
            finished.append(True)

    interruptions.install()
    try:
        with pytest.raises(Interrupted, match="SIGTERM") as raised:
            interrupted_inside("SIGTERM")
        assert (finished, raised.value.exit_code) == ([True], 143)
        with pytest.raises(Interrupted, match="SIGTERM"):
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Interrupted, match="SIGINT"):
            interrupted_inside("SIGTERM", "SIGINT")
        assert finished == [True]
    finally:
        interruptions.restore()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_an_account_with_an_incomplete_response_is_deleted_too() -> None:
    with fake_control_api(201, '{"userid": "1/../2", "account": "a"}') as url:
        control = ControlClient(parse_address(url))
        with pytest.raises(ControlApiError, match="lacks userid, account"):
            control.create_account()
        assert control.userids == ["1/../2"]
        assert delete_run_accounts(control, keep=False) == ""
        assert control.userids == []
