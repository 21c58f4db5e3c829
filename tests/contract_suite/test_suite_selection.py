"""Tests of `--only`, `--skip` and `--list`, in the command and in the pytest plugin."""

import re
from pathlib import Path

import pytest

from contract_suite.test_suite_under_pytest import run_pytest
from sms10692_contract.clauses import BY_ID, CLAUSES
from sms10692_contract.safety import SafetyGuard
from sms10692_contract.selection import Selection, find_reasons_not_run, parse_selection
from support.contract_cli import run_contract, select
from support.fake_servers import recording_server
from support.mutant_vendor import mutant_server

OWN = ["--userid", "12", "--account", "test", "--password", "mima", "--rate", "0"]
HARMLESS = [clause.id for clause in CLAUSES if not clause.permissions]


def listed_verdicts(listing: str) -> list[str]:
    """Return "yes" or "no" for each clause of a listing."""
    return re.findall(r"│ (yes|no)\b[^│\n]*$", listing, re.MULTILINE)


def test_only_and_skip_select_clauses_in_the_order_of_the_table() -> None:
    selection = parse_selection(["R16-json", "2.3-found", "A7"], ["A7"])
    assert [clause.id for clause in selection.get_clauses()] == ["2.3-found", "R16-json"]
    assert selection.get_exclusion_reason(BY_ID["A7"]) == "named by --skip"
    assert selection.get_exclusion_reason(BY_ID["A12"]) == "not named by --only"
    everything = Selection().get_clauses()
    assert everything == list(CLAUSES)
    assert parse_selection([], ["A7"]).get_clauses() == [clause for clause in everything if clause.id != "A7"]


def test_a_chapter_selects_all_its_sections() -> None:
    sources = {clause.source for clause in parse_selection(["4"], []).get_clauses()}
    assert {"4.1", "4.2", "4.3"} <= sources, "with the chapters of the manual"
    assert all(any(part.startswith("4.") for part in source.split(", ")) for source in sources)


def test_a_clause_without_permission_would_not_run() -> None:
    reasons = find_reasons_not_run(Selection(skip=("2.3-found",)), SafetyGuard(), has_control=False)
    assert reasons["2.3-found"] == "named by --skip"
    assert reasons["1.3-ok"] == "needs --allow-send NUMBER"
    assert [clause for clause, reason in reasons.items() if not reason] == [
        clause for clause in HARMLESS if clause != "2.3-found"
    ]
    assert set(find_reasons_not_run(Selection(), SafetyGuard(older=True), has_control=True).values()) == {""}
    reasons = find_reasons_not_run(Selection(), SafetyGuard(), has_control=True)
    older = {clause.id for clause in CLAUSES if "older" in clause.permissions}
    assert {clause for clause, reason in reasons.items() if reason} == older
    assert reasons["E-same"] == "needs --endpoints all"


def test_the_command_skips_clauses() -> None:
    with mutant_server() as vendor:
        completed = run_contract(vendor.url, *OWN, *select("2.3-found", "3.3-forbidden"), "--skip", "2.3-found")
    assert completed.returncode == 0
    assert "1 of 1 clauses exercised, 1 held" in completed.stdout
    assert "2.3-found" not in completed.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "nonsense"], "--only: there is no clause nonsense"),
        (["--skip", "nonsense"], "--skip: there is no clause nonsense"),
        ([*select("R16-json"), "--skip", "R16-json"], "--only and --skip select no clause"),
    ],
)
def test_a_wrong_selection_is_refused_before_any_request(options: list[str], message: str, tmp_path: Path) -> None:
    with recording_server() as (url, received):
        completed = run_contract(url, *OWN, *options)
        plugin = run_pytest(tmp_path, "--target", url, *OWN, *options)
    assert (completed.returncode, completed.stdout, completed.stderr) == (2, "", f"sms10692-contract: {message}\n")
    assert plugin.returncode == pytest.ExitCode.USAGE_ERROR
    assert message in plugin.stdout + plugin.stderr
    assert received == []


def test_list_prints_every_clause_and_sends_no_request(tmp_path: Path) -> None:
    with recording_server() as (url, received):
        completed = run_contract(url, *OWN, "--list")
        plugin = run_pytest(tmp_path, "--target", url, *OWN, "--list")
        selected = run_contract("--list", "--control", url, *select("1.3-ok", "R16-json"))
    assert (completed.returncode, completed.stderr) == (0, "")
    assert completed.stdout.endswith(f"{len(HARMLESS)} of {len(CLAUSES)} clauses would be checked\n")
    assert listed_verdicts(completed.stdout) == ["no" if clause.permissions else "yes" for clause in CLAUSES]
    assert (plugin.returncode, plugin.stdout) == (0, completed.stdout)
    assert selected.stdout.endswith(f"2 of {len(CLAUSES)} clauses would be checked\n")
    assert received == []


def test_pytest_deselects_clauses(tmp_path: Path) -> None:
    options = [*select("2.3-found", "3.3-forbidden"), "--skip", "3.3-forbidden"]
    with mutant_server() as vendor:
        completed = run_pytest(tmp_path, "--target", vendor.url, *OWN, *options)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert f"1 passed, {len(CLAUSES) - 1} deselected" in completed.stdout


def test_list_under_pytest_refuses_an_expression_that_it_would_ignore(tmp_path: Path) -> None:
    completed = run_pytest(tmp_path, "--list", "-k", "R16-json")
    assert completed.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--list does not support -k: select with --only and --skip" in completed.stderr


@pytest.mark.parametrize(
    ("options", "code", "shown"),
    [
        ([], 0, "1 of 1 clauses exercised, 1 held"),
        (["--endpoints", "all"], 0, "1 of 1 clauses exercised, 1 held"),
        (["--endpoints", "signed"], 3, "needs --endpoints all"),
    ],
)
def test_the_older_endpoints_are_checked_where_the_control_api_names_them(
    options: list[str], code: int, shown: str
) -> None:
    with mutant_server() as vendor:
        completed = run_contract(vendor.url, "--control", vendor.url, *select("E-credentials"), *options)
    assert completed.returncode == code
    assert shown in " ".join(completed.stdout.split())
