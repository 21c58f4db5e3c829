"""The command `sms10692-contract`: what it exercises, how it reports, and how it ends.

Here belongs the suite to whoever runs it. Whether it catches what is wrong is in `test_teeth`, the same clauses as
tests in `test_suite_under_pytest`.
"""

import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sms10692_contract.clauses import BY_ID, CLAUSES
from support.contract_cli import contract, only
from support.emulators import emulator_process
from support.mutant_vendor import mutant_server
from support.mutants import MUTANTS


def test_an_account_with_a_chinese_name_is_examined_as_any_other() -> None:
    with emulator_process("--account", "7:商家:secret") as (_, (host, port)):
        own = ["--userid", "7", "--account", "商家", "--password", "secret"]
        ended = contract(f"http://{host}:{port}", *own, *only("1.2-sign", "1.2-sign-wrong", "Q2", "Q5"))
    assert ended.returncode == 0, ended.stdout
    assert "4 of 4 clauses exercised, 4 held" in ended.stdout


def test_with_its_control_address_every_clause_of_the_emulator_is_exercised_and_held(tmp_path: Path) -> None:
    page, junit = tmp_path / "report.html", tmp_path / "report.xml"
    with emulator_process() as (_, (host, port)):
        url = f"http://{host}:{port}"
        ended = contract(url, "--control", url, "--html", str(page), "--junit", str(junit))
    assert ended.returncode == 0, ended.stdout
    assert f"{len(CLAUSES)} of {len(CLAUSES)} clauses exercised, {len(CLAUSES)} held" in ended.stdout
    suite = ET.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == (str(len(CLAUSES)), "0", "0")
    assert page.read_text("utf-8").count("<tr class=") == len(CLAUSES)


def test_a_failed_clause_is_shown_with_its_request_and_how_to_repeat_it(tmp_path: Path) -> None:
    (broken,) = (one for one in MUTANTS if one.name == "Sucess corrected")
    page, junit = tmp_path / "report.html", tmp_path / "report.xml"
    with mutant_server(broken.fault) as vendor:
        own = [vendor.url, "--userid", "12", "--account", "test", "--password", "mima"]
        some = only("2.3-found", "2.3-payinfo", "3.3-forbidden")
        ended = contract(*own, *some, "--seed", "5", "--html", str(page), "--junit", str(junit))
        assert ended.returncode == 1
        (line,) = re.findall(r"^  request:  (curl .*)$", ended.stdout, re.MULTILINE)
        (again,) = re.findall(r"^  again:    sms10692-contract (.*)$", ended.stdout, re.MULTILINE)
        pasted = subprocess.run(["/bin/bash", "-c", line], capture_output=True, encoding="utf-8", check=True).stdout
        assert "<returnstatus>Success</returnstatus>" in pasted
        assert contract(*again.split(), "--password", "mima").returncode == 1
    assert "<returnstatus>Sucess</returnstatus>" in ended.stdout
    assert "2.3-found (2.3)" in ended.stdout
    assert "mima" not in ended.stdout
    suite = ET.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert "curl -sg" in page.read_text("utf-8")


def test_without_permission_the_rest_is_listed_and_not_counted_as_held() -> None:
    free = ["1.3-credentials-empty", "2.3-found", "3.3-forbidden", "4.4-1"]
    needing = [clause.id for clause in CLAUSES if clause.needs]
    with mutant_server() as vendor:
        own = [vendor.url, "--userid", "12", "--account", "test", "--password", "mima"]
        ended = contract(*own, *only(*free, *needing))
    assert ended.returncode == 0
    assert f"{len(free)} of {len(free) + len(needing)} clauses exercised, {len(free)} held" in ended.stdout
    assert ended.stdout.count("not exercised") == len(needing)


def test_an_allowed_number_is_sent_to_within_the_budget() -> None:
    with mutant_server() as vendor:
        own = [vendor.url, "--userid", "12", "--account", "test", "--password", "mima"]
        needing = [clause.id for clause in CLAUSES if clause.needs]
        ended = contract(*own, *only(*needing), "--allow-send", "15023239810", "--allow-fetch", "--budget", "20")
    possible = sum("control" not in BY_ID[one].needs for one in needing)
    assert ended.returncode == 0, ended.stdout
    assert f"{possible} of {len(needing)} clauses exercised, {possible} held" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["http://127.0.0.1:1", "--userid", "1", "--account", "a", "--password", "b"], 3, "127.0.0.1:1"),
        (["http://127.0.0.1:1", "--control", "http://127.0.0.1:1"], 3, "127.0.0.1:1"),
        (["http://127.0.0.1:1"], 2, "--control"),
        (["http://a..b", "--userid", "1", "--account", "a", "--password", "b"], 2, "a..b is no name of a host"),
        (["http://127.0.0.1:1", "--control", "http://a..b"], 2, "a..b is no name of a host"),
        (["ftp://127.0.0.1", "--userid", "1", "--account", "a", "--password", "b"], 2, "http://HOST:PORT"),
        (["http://127.0.0.1:1", "--only", "nonsense"], 2, "nonsense"),
        (["http://127.0.0.1:1", "--nonsense"], 2, "--nonsense"),
        ([], 2, "HOST:PORT"),
    ],
    ids=str,
)
def test_what_cannot_be_run_is_one_clear_line(arguments: list[str], code: int, said: str) -> None:
    ended = contract(*arguments)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
