"""Tests that a dry run lists what a run then sends, counted at a server. Time is turned, so nobody waits."""

import re
import socket
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from sms10692.protocol import Endpoint
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
from sms10692_mock.app.vendor_app import VendorRequest
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.server.http_types import Response
from support.contract_cli import run_contract, select
from support.mutant_vendor import Defect, mutant_server

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


def count_run(permissions: str) -> tuple[list[str], float]:
    """Return method, path and action of the requests that a server receives, and the seconds that the run lasts."""
    clock = TurnedClock(START)
    received: list[str] = []

    class TurnedVendor(Vendor):
        def __init__(self, store: Any, wall_clock: Any, *arguments: Any, **options: Any) -> None:
            super().__init__(store, lambda: clock.now().timestamp(), *arguments, **options)

    def record(endpoint: Endpoint, request: VendorRequest) -> VendorRequest:
        received.append(f"{request.method} {request.path}")
        return request

    def record_action(request: ApiRequest) -> ApiRequest:
        received[-1] += f" {request.action}"
        return request

    def add_date(request: ApiRequest, response: Response) -> Response:
        return response._replace(headers=[*response.headers, ("Date", format_datetime(clock.now(), usegmt=True))])

    defect = Defect(vendor=TurnedVendor, http_request=record, api_request=record_action, response=add_date)
    with mutant_server(defect) as vendor:
        context = build_context(vendor.url, permissions, clock.run_clock)
        context.limit_requests(2.0)
        assert check_account_at_start(context) is None
        list(run_checks(context, CLAUSES))
    return received, clock.seconds


def find_action(line: str) -> str:
    """Return method, path and action of a line of a dry run."""
    method, path, *pairs = line.split(" ")
    values = [pair.partition("=")[2] for pair in pairs if pair.lower().startswith("action=")]
    return " ".join([method, path, *values[:1]])


@pytest.mark.parametrize("permissions", PERMISSIONS)
def test_a_dry_run_lists_what_a_run_sends(permissions: str, capsys: pytest.CaptureFixture[str]) -> None:
    listed, summary = list_dry_run(permissions, capsys)
    received, seconds = count_run(permissions)
    assert [find_action(line) for line in listed] == received
    (count, points, duration) = re.findall("[0-9]+", summary.splitlines()[0])
    assert (int(count), int(duration)) == (len(received), round(seconds))
    assert (int(points) > 0) is bool(PERMISSIONS[permissions][0])
    assert "A run with --seed 7 sends the same" in summary


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
