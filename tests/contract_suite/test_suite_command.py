"""Tests of the command `sms10692-contract`: exercised clauses, reports and exit codes.

Whether the suite detects defects is tested in `test_suite_detects_mutants`, the pytest plugin in
`test_suite_under_pytest`.
"""

import os
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sms10692_contract.clauses import CLAUSES
from sms10692_mock.domain.api_request import ApiRequest
from support.contract_cli import run_contract, select
from support.emulators import emulator_process
from support.mutant_vendor import Defect, mutant_server
from support.mutants import MUTANTS

OWN = ["--userid", "12", "--account", "test", "--password", "mima", "--rate", "0"]


def test_an_account_with_a_chinese_name_can_be_used() -> None:
    with emulator_process("--account", "7:商家:secret") as (_, (host, port)):
        target_options = ["--userid", "7", "--account", "商家", "--password", "secret", "--rate", "0"]
        completed = run_contract(
            f"http://{host}:{port}", *target_options, *select("1.2-sign", "1.2-sign-wrong", "Q2", "Q5")
        )
    assert completed.returncode == 0, completed.stdout
    assert "4 of 4 clauses exercised, 4 held" in completed.stdout


@pytest.mark.slow("Runs the whole contract suite.")
def test_with_a_control_api_the_emulator_holds_every_clause(tmp_path: Path) -> None:
    html, junit = tmp_path / "report.html", tmp_path / "report.xml"
    with emulator_process() as (_, (host, port)):
        url = f"http://{host}:{port}"
        completed = run_contract(url, "--control", url, "--html", str(html), "--junit", str(junit))
    assert completed.returncode == 0, completed.stdout
    assert f"{len(CLAUSES)} of {len(CLAUSES)} clauses exercised, {len(CLAUSES)} held" in completed.stdout
    suite = ET.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == (str(len(CLAUSES)), "0", "0")
    assert html.read_text("utf-8").count("<tr class=") == len(CLAUSES)


def test_a_failed_clause_is_reported_with_its_request_and_a_command_to_repeat_it(tmp_path: Path) -> None:
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == "Sucess corrected")
    html, junit = tmp_path / "report.html", tmp_path / "report.xml"
    with mutant_server(mutant.defect) as vendor:
        target_options = [vendor.url, "--userid", "12", "--account", "test", "--password", "mima", "--rate", "0"]
        selection = select("2.3-found", "2.3-payinfo", "3.3-forbidden")
        completed = run_contract(*target_options, *selection, "--seed", "5", "--html", str(html), "--junit", str(junit))
        assert completed.returncode == 1
        (line,) = re.findall(r"^  request:  (curl .*)$", completed.stdout, re.MULTILINE)
        (repeat,) = re.findall(r"^  repeat:   sms10692-contract run (.*)$", completed.stdout, re.MULTILINE)
        environment = os.environ | {"SMS10692_PASSWORD": "mima"}
        pasted = subprocess.run(
            ["/bin/bash", "-c", line], capture_output=True, encoding="utf-8", check=True, env=environment
        ).stdout
        assert "<returnstatus>Success</returnstatus>" in pasted
        assert run_contract(*repeat.split(), "--password", "mima").returncode == 1
    assert "<returnstatus>Sucess</returnstatus>" in completed.stdout
    assert "2.3-found (manual 2.3)" in completed.stdout
    assert "mima" not in completed.stdout
    suite = ET.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert "curl -sg" in html.read_text("utf-8")


def test_clauses_without_permission_are_listed_as_not_exercised() -> None:
    permitted = ["2.3-credentials-empty", "2.3-found", "3.3-forbidden", "Q4"]
    needs_permission = [clause.id for clause in CLAUSES if clause.permissions]
    with mutant_server() as vendor:
        target_options = [vendor.url, "--userid", "12", "--account", "test", "--password", "mima", "--rate", "0"]
        completed = run_contract(*target_options, *select(*permitted, *needs_permission))
    assert completed.returncode == 0
    assert (
        f"{len(permitted)} of {len(permitted) + len(needs_permission)} clauses exercised, {len(permitted)} held"
        in completed.stdout
    )
    assert completed.stdout.count("not exercised") == len(needs_permission)


def test_a_run_that_exercises_no_clause_is_no_success() -> None:
    with mutant_server() as vendor:
        completed = run_contract(vendor.url, *OWN, *select("1.3-ok", "4.1-once"))
    assert completed.returncode == 3
    assert "0 of 2 clauses exercised, 0 held" in completed.stdout
    assert completed.stderr == "sms10692-contract: no clause was exercised; see the reasons above\n"


def test_a_run_that_exercises_only_clauses_beyond_its_demand_is_no_success() -> None:
    with mutant_server() as vendor:
        completed = run_contract(vendor.url, *OWN, *select("1.3-ok", "Q4"))
    assert completed.returncode == 3
    assert "1 of 2 clauses exercised, 1 held" in completed.stdout
    assert completed.stderr == (
        "sms10692-contract: no clause that --demand manual includes was exercised; see the reasons above\n"
    )


@pytest.mark.parametrize(
    "options",
    [["--allow-send", "13000000001,13000000002"], ["--allow-send", "13000000001， 13000000002"]],
    ids=["comma", "Chinese comma"],
)
def test_every_number_of_a_list_is_sent_to(options: list[str]) -> None:
    mobiles: set[str] = set()

    def record(request: ApiRequest) -> ApiRequest:
        mobiles.update(request.mobile.split(","))
        return request

    with mutant_server(Defect(api_request=record)) as vendor:
        completed = run_contract(vendor.url, *OWN, *select("1.2-mobile", "1.3-ok"), *options)
    assert completed.returncode == 0, completed.stdout
    assert mobiles >= {"13000000001", "13000000002"}


def test_an_allowed_number_is_sent_to_within_the_budget() -> None:
    with mutant_server() as vendor:
        options = ["--allow-send", "15023239810", "--allow-fetch", "--budget", "20"]
        completed = run_contract(vendor.url, *OWN, *select("1.3-ok", "1.3-remainpoint", "4.4-4", "A10"), *options)
    assert completed.returncode == 0, completed.stdout
    assert "4 of 4 clauses exercised, 4 held" in completed.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["http://127.0.0.1:1", "--userid", "1", "--account", "a", "--password", "b"], 3, "127.0.0.1:1"),
        (["http://127.0.0.1:1", "--control", "http://127.0.0.1:1"], 3, "127.0.0.1:1"),
        (["http://127.0.0.1:1"], 2, "--control"),
        (["http://a..b", "--userid", "1", "--account", "a", "--password", "b"], 2, "a..b is not a valid host name"),
        (["http://127.0.0.1:1", "--control", "http://a..b"], 2, "a..b is not a valid host name"),
        (["ftp://127.0.0.1", "--userid", "1", "--account", "a", "--password", "b"], 2, "http://HOST:PORT"),
        (["http://127.0.0.1:1", "--only", "nonsense"], 2, "nonsense"),
        (["http://127.0.0.1:1", "--nonsense"], 2, "--nonsense"),
        (["http://127.0.0.1:1", "--rate", "-1"], 2, "-1.0 is not in the range x>=0"),
        (["http://127.0.0.1:1", "--rate", "nan"], 2, "--rate nan: use a number of requests per second"),
        (["http://127.0.0.1:1", "--budget", "-1"], 2, "-1 is not in the range x>=0"),
        (["http://127.0.0.1:1", "--allow-send", "13000000001,home"], 2, "--allow-send: home is not a phone number"),
        ([], 2, "HOST:PORT"),
    ],
    ids=str,
)
def test_wrong_usage_is_reported_in_one_line(arguments: list[str], code: int, message: str) -> None:
    completed = run_contract(*arguments)
    assert (completed.returncode, completed.stdout) == (code, "")
    assert message in completed.stderr
    assert completed.stderr.count("\n") == 1
