"""Tests of the processes that run checks at the same time: same verdicts, and no account or process is left."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from pathlib import Path
from time import monotonic, sleep

import pytest

from contract_suite.test_suite_accounts import fetch_userids
from sms10692_contract.clauses import BY_ID
from sms10692_contract.control import ControlClient
from sms10692_contract.expectations import Mismatch, SendRefused
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import parse_address
from sms10692_contract.requests import UTF8, build_form
from sms10692_contract.runner import enable_sandbox, find_covered
from sms10692_contract.safety import SafetyGuard
from sms10692_contract.worker_processes import WorkerFailed, start_workers
from support.contract_cli import run_contract, select
from support.driver_programs import is_running
from support.emulators import emulator_process, read_log
from support.mutant_vendor import Defect, mutant_server
from support.mutants import MUTANTS

CHAPTERS = ("1.1", "1.2", "1.3", "2.3", "3.3", "A1-lines", "L-lines")
"""About 40 checks: enough for two processes. A1-lines and L-lines are judged from the responses to all of them."""


def run_with_jobs(url: str, jobs: int, junit: Path) -> tuple[int, dict[str, str]]:
    """Return the exit code of a run of `CHAPTERS`, and "failure", "skipped" or an empty string by clause."""
    completed = run_contract(
        url, "--control", url, "--jobs", str(jobs), "--seed", "1", "--junit", str(junit), *select(*CHAPTERS)
    )
    assert completed.stderr == ""
    cases = ET.parse(junit).getroot().iter("testcase")
    return completed.returncode, {
        str(case.get("name")).split()[0]: next(
            (tag for tag in ("failure", "skipped") if case.find(tag) is not None), ""
        )
        for case in cases
    }


def find_defect(name: str) -> Defect:
    (defect,) = (mutant.defect for mutant in MUTANTS if mutant.name == name)
    return defect


@pytest.mark.slow("Runs 40 clauses four times.")
@pytest.mark.parametrize(
    ("defect", "failed"), [("sendTotal is the balance", {"2.3-sendTotal"}), ("CRLF for LF", {"A1-lines", "L-lines"})]
)
def test_two_processes_find_what_one_finds(defect: str, failed: set[str], tmp_path: Path) -> None:
    results = []
    for jobs in (1, 2):
        with mutant_server(find_defect(defect)) as vendor:
            results.append(run_with_jobs(vendor.url, jobs, tmp_path / f"{jobs}.xml"))
            assert vendor.control.userids() == ["12"]
    assert results[0] == results[1]
    code, verdicts = results[0]
    assert code == 1
    assert failed <= {clause for clause, verdict in verdicts.items() if verdict == "failure"}


def find_children(parent: int) -> list[int]:
    """Return the processes that a process of Linux has started."""
    task = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(child) for child in task.read_text("ascii").split()]


def wait_until_ended(processes: list[int]) -> None:
    """Wait for the end of processes. Python's tracker of resources ends after the process that it belongs to."""
    deadline = monotonic() + 30
    while any(map(is_running, processes)):
        assert monotonic() < deadline
        sleep(0.05)


@pytest.mark.slow("Interrupts runs in subprocesses.")
@pytest.mark.skipif(sys.platform != "linux", reason="The processes are found in /proc.")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupted_run_ends_its_processes_and_deletes_their_accounts(name: str) -> None:
    number = getattr(signal, name)
    with emulator_process() as (emulator, (host, port)):
        url = f"http://{host}:{port}"
        command = [sys.executable, "-m", "sms10692_contract", "run", url, "--control", url, "--effort", "thorough"]
        with subprocess.Popen(
            [*command, "--jobs", "3"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
        ) as process:
            read_log(emulator, 300)
            draining = threading.Thread(target=emulator.stderr.read)  # type: ignore[union-attr]  # it is a pipe
            draining.start()
            children = find_children(process.pid)
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        assert fetch_userids(url) == ["12"]
        emulator.kill()
        draining.join()
    assert (process.returncode, err) == (128 + number, f"sms10692-contract: interrupted by {name}\n")
    assert "the run was stopped" in out
    assert len(children) >= 3
    wait_until_ended(children)


def prepare_run(url: str) -> CheckContext:
    address, guard = parse_address(url), SafetyGuard()
    control = ControlClient(address)
    own, accepted = enable_sandbox(address, control, guard)
    assert accepted
    return CheckContext(address, own, guard, control)


CLAUSES = [BY_ID[name] for name in ("2.3-found", "2.3-payinfo", "2.3-sendTotal", "3.3-forbidden", "1.3-ok", "1.3-sql")]


def test_few_checks_run_in_the_process_of_the_command() -> None:
    with mutant_server() as vendor:
        context = prepare_run(vendor.url)
        with start_workers(context, CLAUSES, 4) as run:
            (verdict,) = run(context, CLAUSES[0], [CLAUSES[0]])
        assert verdict.clause is CLAUSES[0]


@pytest.mark.slow("Starts processes.")
@pytest.mark.skipif(sys.platform != "linux", reason="The processes are found in /proc.")
def test_a_process_that_is_killed_ends_the_run() -> None:
    clauses = [clause for name, clause in BY_ID.items() if name.startswith(("1.", "2.", "3."))]
    with mutant_server() as vendor:
        context = prepare_run(vendor.url)
        with start_workers(context, clauses, 2) as run:
            for child in find_children(os.getpid()):
                os.kill(child, signal.SIGKILL)
            with pytest.raises(WorkerFailed, match="a process of the run ended"):
                _ = [run(context, clause, find_covered(clause)) for clause in clauses]


@pytest.mark.parametrize("kind", [Mismatch, SendRefused])
def test_a_difference_is_the_same_after_it_was_sent_between_processes(kind: type[Mismatch]) -> None:
    difference = kind(build_form(UTF8, {"action": "overage"}), "Sucess", "Success", "one c")
    difference.clause = "2.3-found"
    restored = pickle.loads(pickle.dumps(difference))  # noqa: S301 - data of this test
    assert type(restored) is kind
    assert (str(restored), vars(restored)) == (str(difference), vars(difference))


@pytest.mark.parametrize("url", ["http://[::1]:1/sms", "https://sms.example:8443"])
def test_an_address_is_the_same_after_it_was_sent_between_processes(url: str) -> None:
    address = parse_address(url).with_tls(None, insecure=True)
    restored = pickle.loads(pickle.dumps(address))  # noqa: S301 - data of this test
    assert restored == address
    assert (restored.tls is None) == (address.tls is None)
    assert restored.tls is None or not restored.tls.check_hostname
