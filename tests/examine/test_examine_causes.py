"""A verdict names the cause that its observation shows, and no other."""

import ast
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest

import sms10692_examine
from examine.careless_clients import CARELESS_BY_NAME, change_driver
from sms10692_examine.case_table import load_causes
from sms10692_examine.language import fix_of
from sms10692_examine.runner import RunResult, run_cases, select_cases
from sms10692_examine.settings import Settings
from sms10692_examine.verdicts import State, find_shared_causes

PACKAGE = Path(sms10692_examine.__file__).parent
Run: TypeAlias = Callable[..., RunResult]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run cases with a source of a driver, one at a time."""

    def run_source(source: str, cases: Sequence[str]) -> RunResult:
        driver = tmp_path / "driver.py"
        driver.write_text(source, "utf-8")
        return run_cases(Settings((sys.executable, str(driver)), timeout=5.0, jobs=1), select_cases(cases))

    return run_source


def test_each_cause_is_used_and_has_its_texts() -> None:
    """The constants of the source with the name of a cause are its uses: `cause="repeated"`, or rows of a table."""
    words = {
        node.value
        for file in PACKAGE.rglob("*.py")
        if file.parent.name != "drivers"
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(load_causes()) - words == set()
    for cause in load_causes().values():
        assert all((cause.text, cause.text_zh, cause.fix, cause.fix_zh)), cause.id


def test_each_cause_that_the_source_names_is_in_the_table() -> None:
    named = {
        (file.name, word.value)
        for file in PACKAGE.rglob("*.py")
        if file.parent.name != "drivers"
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.keyword) and node.arg == "cause"
        for word in ast.walk(node.value)
        if isinstance(word, ast.Constant) and isinstance(word.value, str) and word.value
    }
    assert len(named) > 10
    # A comparison within the value, as in `"repeated" if answer.kind == "refused" else ""`, has words that are none.
    kinds = {"accepted", "refused", "unknown", "cause"}
    assert {row for row in named if row[1] not in load_causes() and row[1] not in kinds} == set()


def test_a_client_that_misspells_sucess_is_told_that_and_nothing_else(run: Run) -> None:
    cases = ("Q-one-clock", "Q-actions", "R-sucess", "R-postpaid")
    result = run(CARELESS_BY_NAME["success is spelt right"].build(), cases)
    assert {verdict.case.id: verdict.state for verdict in result.verdicts} == {
        "Q-one-clock": State.PASSED,
        "Q-actions": State.PASSED,
        "R-sucess": State.FAILED,
        "R-postpaid": State.NOT_JUDGED,
    }
    assert [verdict.observed for verdict in result.verdicts if verdict.state is State.NOT_JUDGED] == [
        "the answer to overage is not understood (refused); see R-sucess"
    ]
    assert result.refused is None


def test_two_readings_of_the_clock_are_shown_by_the_signature(run: Run) -> None:
    (verdict,) = run(CARELESS_BY_NAME["the clock is read twice"].build(), ["Q-one-clock"]).verdicts
    assert verdict.state is State.FAILED
    assert "and sign is that of 2" in verdict.observed


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("self.account + self.password", "self.password", "The account was not signed"),
        ('settings["userid"], settings["account"]', '"4711", settings["account"]', "No account has this userid"),
    ],
)
def test_refused_credentials_are_said_once_and_nothing_else_is_judged(
    old: str, new: str, sentence: str, run: Run
) -> None:
    cases = ("Q-signature", "Q-post", "Q-one-number", "Q-send-time", "R-balance", "R-faild")
    result = run(change_driver(old, new), cases)
    assert result.refused is not None
    assert str(result.refused).startswith("the vendor refused all ")
    assert f" requests with 用户名或密码错误: nothing else can be judged before this is mended. {sentence}" in str(
        result.refused
    )
    assert result.refused.in_chinese().startswith("厂商以“用户名或密码错误”拒绝了全部 ")
    states = {verdict.case.id: verdict.state for verdict in result.verdicts}
    judged = {"Q-post": State.PASSED, "R-faild": State.PASSED, "Q-signature": State.FAILED}
    assert states == dict.fromkeys(cases, State.NOT_JUDGED) | judged
    (signature,) = (verdict for verdict in result.verdicts if verdict.case.id == "Q-signature")
    assert signature.observed.startswith(f"the vendor answered 用户名或密码错误. {sentence}")


def test_an_account_that_alone_is_refused_is_a_failure(run: Run) -> None:
    result = run(CARELESS_BY_NAME["the signature is over GBK"].build(), ["Q-chinese-account"])
    assert (result.refused, result.verdicts[0].state) == (None, State.FAILED)


def test_failures_with_one_cause_have_its_fix_and_are_named_together(run: Run) -> None:
    result = run(CARELESS_BY_NAME["whatever fails is a refusal"].build(), ("F-reset", "F-gateway", "F-status-lost"))
    assert {fix_of(verdict, "en").partition(":")[0] for verdict in result.verdicts} == {"report unknown, not refused"}
    (shared,) = find_shared_causes(result.verdicts)
    assert str(shared) == (
        "3 cases have one cause, the client reports refused where nobody knows whether the vendor did it: "
        "F-reset, F-gateway, F-status-lost"
    )
    assert shared.in_chinese().startswith("3 个用例出于同一原因，")


@pytest.mark.parametrize(
    ("client", "case", "fix"),
    [
        ("lost connections are repeated", "F-reset", "repeat no send"),
        ("a refused connection is a success", "F-closed", "report accepted only for a complete document"),
        ("an error page is an empty queue", "F-status-page", "report unknown: an empty queue is HTTP 200"),
        ("every send is sent twice", "Q-one-number", "repeat no send"),
        ("sendTime and extno are ignored", "Q-send-time", "send the parameter; if the client cannot"),
        ("sendTime has slashes", "Q-send-time", "format with a 24-hour clock"),
        ("Unix seconds", "Q-timestamp", "write yyyyMMddHHmmss"),
        ("the driver ends at a refusal", "R-faild", "catch the exception in the driver"),
        ("the driver prints to standard output", "R-accepted", "let only the driver write to standard output"),
    ],
)
def test_the_fix_follows_what_was_observed(client: str, case: str, fix: str, run: Run) -> None:
    (verdict,) = run(CARELESS_BY_NAME[client].build(), [case]).verdicts
    assert verdict.state is State.FAILED
    assert fix_of(verdict, "en").startswith(fix)


@pytest.mark.parametrize(
    ("client", "observed"),
    [
        ("UTC", "the timestamp differs from the time in China by -8.00 h: it is the time of UTC"),
        ("local time", ": it is the time of the zone America/New_York, in which the driver runs"),
    ],
)
def test_a_wrong_clock_is_named(client: str, observed: str, run: Run) -> None:
    (verdict,) = run(CARELESS_BY_NAME[client].build(), ["Q-timestamp"]).verdicts
    assert observed in verdict.observed


def test_reports_of_a_brand_are_judged_without_extno(run: Run) -> None:
    source = change_driver('operations = ["send", ', "operations = [")
    (verdict,) = run(source, ["R-profile-cdata"]).verdicts
    assert verdict.state is State.PASSED
