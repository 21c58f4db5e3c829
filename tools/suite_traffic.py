"""Counts at a server what each mode of the contract suite sends, and prints what the suite says about network errors.

Both as tables for docs/suite-traffic.md. Runs that wait take a turned time; the rate is that of this time.
"""

import argparse
import contextlib
import io
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from sms10692_contract.account_check import check_account_at_start
from sms10692_contract.clauses import CLAUSES
from sms10692_contract.control import ControlClient
from sms10692_contract.dry_run import print_dry_run
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import parse_address
from sms10692_contract.run_clock import RunClock, TurnedClock
from sms10692_contract.runner import allow_older_endpoints, delete_run_accounts, enable_sandbox, run_checks
from sms10692_contract.safety import SafetyGuard
from sms10692_contract.suite_account import SuiteAccount
from support.counting_vendor import Traffic, counting_vendor
from support.lossy_proxy import CUT, DROP, PASS, STALL, Outcome, build_answer, lossy_proxy
from support.mutant_vendor import mutant_server

OWN: Final = SuiteAccount("12", "test", "mima")
NUMBERS: Final = frozenset({"10000000030", "10000000031"})
"""The emulator lets these numbers reply."""

POINTS: Final = 60
"""Points that the runs with `--allow-send` may spend."""

Mode = tuple[str, SafetyGuard, float]

MODES: Final[tuple[Mode, ...]] = (
    ("harmless, by default", SafetyGuard(), 2.0),
    ("harmless, `--endpoints all`", SafetyGuard(older=True), 2.0),
    ("harmless, `--rate 0`", SafetyGuard(), 0),
    (f"`--allow-send`, two numbers, `--budget {POINTS}`", SafetyGuard(NUMBERS, POINTS), 2.0),
    ("`--allow-fetch`", SafetyGuard(may_fetch=True), 2.0),
    ("both", SafetyGuard(NUMBERS, POINTS, may_fetch=True), 2.0),
)


def print_traffic() -> None:
    """Print a table of what a server receives in each mode."""
    print("| mode | requests | seconds | most in a second | wrong signatures | empty ones | sends | points | fetches |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    print(_format_row("dry run", _count_dry_run()))
    for name, guard, rate in MODES:
        print(_format_row(name, _count(guard, rate)), flush=True)
    print(_format_row("`--control`, quick", _count_with_control(), points="of temporary accounts"))


def _format_row(name: str, traffic: Traffic, points: str = "") -> str:
    """Return a row; `points` replaces their number where the vendor does not count them: for temporary accounts."""
    times = traffic.seconds
    values = (
        len(traffic.requests),
        round(times[-1] - times[0]) if times else 0,
        traffic.most_in_a_second,
        traffic.wrong,
        traffic.empty,
        traffic.sends,
        points or traffic.points,
        traffic.fetches,
    )
    return f"| {name} | " + " | ".join(value if isinstance(value, str) else f"{value:,}" for value in values) + " |"


def _count_dry_run() -> Traffic:
    with counting_vendor(lambda: datetime.now(UTC)) as (url, traffic), contextlib.redirect_stdout(io.StringIO()):
        print_dry_run(CheckContext(parse_address(url), OWN, SafetyGuard(NUMBERS, POINTS, may_fetch=True)), CLAUSES, 2.0)
    return traffic


def _count(guard: SafetyGuard, rate: float) -> Traffic:
    clock = TurnedClock(datetime.now(UTC)).run_clock if rate else RunClock()
    with counting_vendor(clock.now) as (url, traffic):
        context = CheckContext(parse_address(url), OWN, guard, run_clock=clock)
        context.limit_requests(rate)
        check_account_at_start(context)
        list(run_checks(context, CLAUSES))
    return traffic


def _count_with_control() -> Traffic:
    with counting_vendor(lambda: datetime.now(UTC)) as (url, traffic):
        address, guard = parse_address(url), SafetyGuard()
        control = ControlClient(address)
        own, _ = enable_sandbox(address, control, guard)
        allow_older_endpoints(None, control, guard)
        list(run_checks(CheckContext(address, own, guard, control), CLAUSES))
        delete_run_accounts(control, keep=False)
    return traffic


REFUSED: Final = (
    "<returnsms><returnstatus>Faild</returnstatus><message>{}</message><payinfo></payinfo><overage>0</overage>"
    "<sendTotal>0</sendTotal></returnsms>"
)
GATEWAY: Final = build_answer("502 Bad Gateway", "<html>502</html>")
TOO_MANY: Final = build_answer("429 Too Many Requests")
TOO_OFTEN: Final = build_answer("200 OK", REFUSED.format("操作过于频繁，请稍后再试"))
LOCKED: Final = build_answer("200 OK", REFUSED.format("帐号已锁定"))
LOSSES: Final[dict[str, Outcome]] = {"dropped": DROP, "cut": CUT, "stalled": STALL, "502": GATEWAY}
QUERY, SEND = "2.3-found", "1.3-ok"


def _refuse_with_old_date() -> bytes:
    date = format_datetime(datetime.now(UTC) - timedelta(hours=8), usegmt=True)
    return build_answer("200 OK", REFUSED.format("用户名或密码错误"), f"Date: {date}")


def _lose(loss: Outcome, applies: Callable[[int, bytes], bool]) -> Callable[[int, bytes], Outcome]:
    return lambda number, request: loss if applies(number, request) else PASS


def print_network_errors(suite: str | None) -> None:
    """Print a table of what the report says about each kind of network error."""

    def run(
        kind: str, decide: Callable[[int, bytes], Outcome], clauses: tuple[str, ...] = (QUERY,), password: str = "mima"
    ) -> None:
        with mutant_server() as vendor, lossy_proxy(vendor.url, decide) as proxy:
            code, says = _run_command(proxy.url, clauses, password, suite)
            print(f"| {kind} | {says.replace(proxy.url, 'URL')} | {code} |", flush=True)

    print("| what happens | what the report says | exit code |\n|---|---|--:|")
    for name, loss in LOSSES.items():
        run(f"one response to a query: {name}", _lose(loss, lambda number, request: number == 2))
    for name, loss in LOSSES.items():
        run(f"the response to a send: {name}", _lose(loss, lambda number, request: b"action=send" in request), (SEND,))
    run("HTTP 429 once", lambda number, request: TOO_MANY if number == 2 else PASS)
    run("HTTP 429 from then on", lambda number, request: TOO_MANY if number >= 2 else PASS)
    run("“too often” from then on", lambda number, request: TOO_OFTEN if number >= 2 else PASS)
    run("the account is locked in the middle", lambda number, request: LOCKED if number >= 2 else PASS)
    run("the password is wrong", lambda number, request: PASS, password="x")
    run("the clock is 8 hours off", lambda number, request: _refuse_with_old_date())
    run("the server goes away", lambda number, request: DROP if number >= 2 else PASS)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    code, says = _run_command(url, (QUERY,), "mima", suite)
    print(f"| nothing listens at the address | {says.replace(url, 'URL')} | {code} |")


def _run_command(url: str, clauses: tuple[str, ...], password: str, suite: str | None) -> tuple[int, str]:
    """Run the command, of this or of another version. Return its exit code, and what it says about the clause."""
    with tempfile.TemporaryDirectory() as folder:
        junit = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "sms10692_contract", "run", url, "--userid", "12", "--account", "test"]
        command += ["--password", password, "--allow-send", "15023239810", "--junit", str(junit)]
        command += [word for clause in clauses for word in ("--only", clause)]
        command += [] if suite else ["--rate", "100"]
        environment = os.environ | ({"PYTHONPATH": suite} if suite else {})
        completed = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, env=environment)
        said = [_shorten(line.partition(": ")[2]) for line in completed.stderr.splitlines() if ": " in line][-1:]
        if junit.exists():
            case = next(ET.parse(junit).getroot().iter("testcase"))
            outcome = next((child for child in case if child.tag in ("failure", "skipped")), None)
            state = "held" if outcome is None else outcome.tag.replace("failure", "failed").replace("skipped", "")
            text = "" if outcome is None or said else _shorten(outcome.get("message") or "")
            said.insert(0, f"{state}: {text}".strip(": ") if text or not said else state)
    return completed.returncode, "; ".join(part for part in said if part)


def _shorten(text: str) -> str:
    text = re.sub(r"\s+", " ", text)
    return text if len(text) < 200 else f"{text[:200]}…"


def main() -> None:
    """Print both tables, or one of them."""
    parser = argparse.ArgumentParser(prog="suite_traffic", description=str(__doc__).partition("\n")[0])
    parser.add_argument("part", nargs="?", choices=["traffic", "errors"], help="print this table only")
    parser.add_argument("--suite", metavar="PATH", help="folders of another version of the suite, for the second table")
    options = parser.parse_args()
    if options.part != "errors":
        print_traffic()
        print()
    if options.part != "traffic":
        print_network_errors(options.suite)


if __name__ == "__main__":
    main()
