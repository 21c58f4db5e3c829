"""Tests of `--expect`, `--write-expect` and `--dry-run`."""

import re
import shlex
from datetime import date
from pathlib import Path

import pytest

from sms10692_contract.clauses import BY_ID, CLAUSES, Provenance
from sms10692_contract.dry_run import ModelVendor
from sms10692_contract.expected_differences import (
    ExpectedDifference,
    describe_observation,
    find_gone,
    load_differences,
    write_differences,
)
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import parse_address
from sms10692_contract.pace import Pace
from sms10692_contract.runner import State, Verdict, run_checks
from sms10692_contract.safety import SafetyGuard
from sms10692_contract.suite_account import SuiteAccount
from support.contract_cli import run_contract, select
from support.fake_servers import recording_server
from support.mutant_vendor import mutant_server
from support.mutants import MUTANTS

OWN = ["--userid", "12", "--account", "test", "--password", "mima", "--rate", "0"]
(CORRECTED,) = (mutant for mutant in MUTANTS if mutant.name == "Sucess corrected")
(MISSPELT,) = (mutant for mutant in MUTANTS if mutant.name == "Sucess in lower case")


def test_a_written_difference_is_expected_and_another_one_fails(tmp_path: Path) -> None:
    file = tmp_path / "expect.toml"
    chosen = [*OWN, *select("2.3-found", "3.3-forbidden")]
    with mutant_server(CORRECTED.defect) as vendor:
        assert run_contract(vendor.url, *chosen, "--write-expect", str(file)).returncode == 1
        text = file.read_text("utf-8")
        assert "observation = \"returnstatus is 'Success' instead of 'Sucess'\"" in text
        file.write_text(text.replace("to be explained", "the vendor corrected it"), "utf-8")
        accepted = run_contract(vendor.url, *chosen, "--expect", str(file), "--write-expect", str(file))
    assert accepted.returncode == 0
    assert "1 held, 1 differ as expected" in accepted.stdout
    assert 'reason = "the vendor corrected it"' in file.read_text("utf-8")
    with mutant_server(MISSPELT.defect) as vendor:
        assert run_contract(vendor.url, *chosen, "--expect", str(file)).returncode == 1
    with mutant_server() as vendor:
        honest = run_contract(vendor.url, *chosen, "--expect", str(file))
    assert honest.returncode == 0
    assert "gone: 2.3-found, expected since" in honest.stdout


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "is not TOML"),
        ("[other]", "has other keys"),
        ('[[difference]]\nclause = "2.3-found"', "its keys must be clause, observation, reason, since"),
        (
            '[[difference]]\nclause = "9"\nobservation = ""\nreason = ""\nsince = ""',
            "difference 1: there is no clause 9",
        ),
    ],
)
def test_a_wrong_file_is_refused_before_any_request(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "expect.toml"
    file.write_text(text, "utf-8")
    with recording_server() as (url, received):
        completed = run_contract(url, *OWN, "--expect", str(file))
    assert completed.returncode == 2
    assert message in completed.stderr
    assert received == []


def test_a_dry_run_sends_nothing_and_prints_what_an_honest_vendor_receives() -> None:
    chosen = select("2.3-found", "1.3-ok", "4.3-taskid")
    permissions = ["--allow-send", "15023239810", "--allow-fetch"]
    with recording_server() as (url, received):
        dry = run_contract(url, *OWN, *chosen, *permissions, "--dry-run")
    assert (dry.returncode, dry.stderr, received) == (0, "", [])
    assert "POST /v2sms.aspx userid=… timestamp=… sign=… action=overage\n" in dry.stdout
    assert "POST /v2smsGBK.aspx userid=… timestamp=… sign=… action=send mobile=… content=…\n" in dry.stdout
    assert "POST /v2statusApi.aspx userid=… timestamp=… sign=… action=query" in dry.stdout
    assert re.search(
        "requests, [0-9]+ with a wrong signature, [0-9]+ sends, [0-9]+ fetches, at most 3 points", dry.stdout
    )
    assert "15023239810" not in dry.stdout


def test_the_model_of_a_dry_run_holds_every_clause() -> None:
    """Otherwise the list of requests would be that of a failing run."""
    own, address = SuiteAccount("12", "test", "mima"), parse_address("http://127.0.0.1:1")
    guard = SafetyGuard(frozenset({"13800138007", "13900139017"}), 500, may_fetch=True)
    pace = Pace(poll=1, report=1, reply=1, schedule=0)
    context = CheckContext(address, own, guard, pace=pace)
    context.target = ModelVendor(address, own, "发票")
    manual = [clause for clause in CLAUSES if clause.provenance is Provenance.MANUAL and clause.id != "1.2-sendTime"]
    verdicts = list(run_checks(context, manual))
    assert {verdict.clause.id: verdict.reason for verdict in verdicts if verdict.is_deviation} == {}
    assert sum(verdict.state is State.HELD for verdict in verdicts) > 40


def test_a_dry_run_needs_no_control_api() -> None:
    with recording_server() as (url, _):
        refused = run_contract("--dry-run", url, "--control", url)
    assert refused.returncode == 2
    assert "--dry-run is for servers without --control" in refused.stderr


def observe(expected: str, actual: str) -> str:
    return describe_observation(Verdict(CLAUSES[0], State.FAILED, "", expected, actual))


def test_an_observation_is_the_same_in_a_run_with_other_numbers_tasks_points_and_times() -> None:
    document = (
        "<returnsms> <returnstatus>Success</returnstatus> <message>OK</message> <remainpoint>{points}</remainpoint>"
        " <taskID>{task}</taskID> <successCounts>1</successCounts></returnsms>"
    )
    first = observe("a report of task 7 after 09:08:10", document.format(points=99, task="7"))
    assert first == observe("a report of task a81 after 10:00:00", document.format(points=-1.5, task="a81"))
    assert "<message>OK</message>" in first
    replies = "replies [('138****8007', '7')]", "replies [('138****8007', '7'), ('139****9017', '8')]"
    assert observe(replies[0], "[]") == observe(replies[1], "['x']")
    assert observe("number 13800138007", "x") == observe("number 15023239810", "x") == "expected number #; got x"


def test_clauses_that_a_run_did_not_judge_are_neither_gone_nor_deleted(tmp_path: Path) -> None:
    known = [
        ExpectedDifference(clause, "", "known", "2026-11-30") for clause in ("2.3-found", "3.3-forbidden", "1.3-ok")
    ]
    verdicts = [
        Verdict(BY_ID["2.3-found"], State.NOT_JUDGED, "connection lost"),
        Verdict(BY_ID["3.3-forbidden"], State.HELD),
    ]
    assert [difference.clause for difference in find_gone(verdicts, known)] == ["3.3-forbidden"]
    write_differences(verdicts, known, tmp_path / "expect.toml", date(2026, 12, 1))
    kept = load_differences(tmp_path / "expect.toml")
    assert {(difference.clause, difference.reason) for difference in kept} == {
        ("2.3-found", "known"),
        ("1.3-ok", "known"),
    }


def test_a_repeat_line_has_demand_and_expect_and_no_number(tmp_path: Path) -> None:
    file = tmp_path / "expect.toml"
    file.write_text("", "utf-8")
    options = ["--demand", "observed", "--expect", str(file), "--allow-send", "13800138007"]
    with mutant_server(CORRECTED.defect) as vendor:
        completed = run_contract(vendor.url, *OWN, *select("2.3-found"), *options)
    (line,) = (line for line in completed.stdout.splitlines() if "repeat:" in line)
    assert '--allow-send "$NUMBER"' in line
    assert f"--demand observed --expect {file}" in line
    assert "Set the shell variables of a repeat line ($NUMBER, $TOKEN) first" in completed.stdout
    assert "13800138007" not in completed.stdout


def test_a_repeat_line_works_with_the_token_in_a_variable_and_shows_none(tmp_path: Path) -> None:
    page, junit = tmp_path / "report.html", tmp_path / "report.xml"
    with mutant_server(CORRECTED.defect) as vendor:
        options = ["--control", vendor.url, "--control-token", "a-secret-token", "--html", str(page)]
        completed = run_contract(vendor.url, *select("2.3-found"), *options, "--junit", str(junit))
        (line,) = (line for line in completed.stdout.splitlines() if "repeat:" in line)
        command = line.partition("repeat:")[2].strip()
        words = shlex.split(command.replace("$TOKEN", "a-secret-token"))
        assert words[:2] == ["sms10692-contract", "run"]
        assert run_contract(*words[2:]).returncode == 1
    assert '--control-token "$TOKEN"' in command
    for text in (completed.stdout, completed.stderr, page.read_text("utf-8"), junit.read_text("utf-8")):
        assert "a-secret-token" not in text
