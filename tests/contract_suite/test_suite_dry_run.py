"""Tests that a dry run lists what a run then sends, counted at a server. Time is turned, so nobody waits."""

import re
import socket
from datetime import UTC, datetime

import pytest

from sms10692_contract.account_check import check_account_at_start
from sms10692_contract.clauses import CLAUSES
from sms10692_contract.dry_run import print_dry_run
from sms10692_contract.effort import EFFORTS
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import parse_address
from sms10692_contract.run_clock import RunClock, TurnedClock
from sms10692_contract.runner import run_checks
from sms10692_contract.safety import SafetyGuard
from sms10692_contract.suite_account import SuiteAccount
from support.contract_cli import run_contract, select
from support.counting_vendor import Traffic, counting_vendor

OWN = SuiteAccount("12", "test", "mima")
NUMBERS = frozenset({"10000000030", "10000000031"})
"""The emulator lets these numbers reply."""

START = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
PERMISSIONS = {
    "harmless": (frozenset[str](), False),
    "sends": (NUMBERS, False),
    "fetches": (frozenset[str](), True),
    "sends and fetches": (NUMBERS, True),
}


def build_context(url: str, permissions: str, clock: RunClock, effort: str = "quick") -> CheckContext:
    numbers, may_fetch = PERMISSIONS[permissions]
    guard = SafetyGuard(numbers, 60, may_fetch)
    return CheckContext(parse_address(url), OWN, guard, effort=EFFORTS[effort], seed=7, run_clock=clock)


def list_dry_run(permissions: str, capsys: pytest.CaptureFixture[str], effort: str = "quick") -> tuple[list[str], str]:
    """Return the requests of a dry run, and its summary."""
    context = build_context("http://127.0.0.1:1", permissions, TurnedClock(START).run_clock, effort)
    print_dry_run(context, CLAUSES, 2.0)
    requests, _, summary = capsys.readouterr().out.partition("\n\n")
    return requests.splitlines(), summary


def count_run(permissions: str) -> tuple[Traffic, float]:
    """Return what a server receives, and the seconds that the run lasts."""
    clock = TurnedClock(START)
    with counting_vendor(clock.now) as (url, traffic):
        context = build_context(url, permissions, clock.run_clock)
        context.limit_requests(2.0)
        assert check_account_at_start(context) is None
        list(run_checks(context, CLAUSES))
    return traffic, clock.seconds


def find_action(line: str) -> str:
    """Return method, path and action of a line of a dry run."""
    method, path, *pairs = line.split(" ")
    values = [pair.partition("=")[2] for pair in pairs if pair.lower().startswith("action=")]
    return " ".join([method, path, *values[:1]])


@pytest.mark.parametrize("permissions", PERMISSIONS)
def test_a_dry_run_lists_what_a_run_sends(permissions: str, capsys: pytest.CaptureFixture[str]) -> None:
    listed, summary = list_dry_run(permissions, capsys)
    traffic, seconds = count_run(permissions)
    assert [find_action(line) for line in listed] == traffic.requests
    count, wrong, sends, fetches, points, duration = map(int, re.findall("[0-9]+", summary.splitlines()[0]))
    assert (count, duration) == (len(traffic.requests), round(seconds))
    assert traffic.wrong <= wrong <= 5 + 3 * bool(sends) + 4 * bool(fetches)
    assert (traffic.sends <= sends, traffic.fetches <= fetches) == (True, True), "a refused one is listed too"
    assert traffic.points <= points, "a send that is refused counts as spent"
    assert "A run with --seed 7 sends the same" in summary
    may_send, may_fetch = bool(PERMISSIONS[permissions][0]), PERMISSIONS[permissions][1]
    assert traffic.most_in_a_second <= 2
    assert traffic.wrong <= 5 + 3 * may_send + 4 * may_fetch, "as the server judges them"
    assert (traffic.sends > 0, traffic.fetches > 0) == (may_send, may_fetch)


def test_effort_and_seed_of_a_dry_run_are_those_of_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    quick, _ = list_dry_run("harmless", capsys)
    thorough, _ = list_dry_run("harmless", capsys, "thorough")
    assert len(thorough) > 3 * len(quick)


def test_a_dry_run_connects_to_nothing() -> None:
    """The checks of connections open their own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        options = ["--userid", "12", "--account", "test", "--password", "mima", "--dry-run"]
        completed = run_contract(url, *options, *select("K-expect", "K-pieces", "K-close"))
        assert completed.returncode == 0
        assert completed.stdout.count("checkkeyword") > 5
        with pytest.raises(BlockingIOError):
            server.accept()
