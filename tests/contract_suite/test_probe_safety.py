"""What the commands send is counted at a server: only what permissions and limits allow, also after every failure."""

import re
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sms10692_contract import limits
from sms10692_contract.compare_command import run_comparison
from sms10692_contract.expected_differences import write_differences
from sms10692_contract.fetched_file import FetchedFile
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import TargetUnreachable, parse_address
from sms10692_contract.learn_command import write_profile
from sms10692_contract.pace import Pace
from sms10692_contract.probes import PROBES, ProbeSession
from sms10692_contract.report import write_html, write_json, write_junit
from sms10692_contract.request_limits import REQUESTS, WRONG_SIGNATURES, WRONG_SIGNATURES_PER_PERMISSION
from sms10692_contract.requests import compute_signature
from sms10692_contract.run_clock import TurnedClock
from sms10692_contract.safety import SafetyGuard
from sms10692_contract.suite_account import SuiteAccount
from support.counting_vendor import Traffic, counting_vendor
from support.lossy_proxy import CUT, DROP, PASS, STALL, LossyProxy, Outcome, build_answer, lossy_proxy
from support.mutant_vendor import mutant_server

OWN = SuiteAccount("12", "test", "mima")
NUMBERS = ("10000000030", "13912345678")
REPLY = "TD"
"""What phones of the emulator reply."""

Decide = Callable[[int, bytes], Outcome]
Write = Callable[[ProbeSession, Path], object]


class Run:
    """What a run wrote, and what the server received: requests with the bytes on the wire, and the counts."""

    def __init__(self, written: str, traffic: Traffic, proxy: LossyProxy, session: ProbeSession) -> None:
        self.written = written
        self.traffic = traffic
        self.received = proxy.received
        self.session = session

    def count(self, text: bytes) -> int:
        return sum(text in request for request in self.received)


def learn(session: ProbeSession, folder: Path) -> object:
    return write_profile(session, folder / "brand.toml", date(2030, 1, 1))


def compare(session: ProbeSession, folder: Path) -> object:
    """Compare another vendor with that of the session, and write all reports."""
    guard = SafetyGuard(frozenset(NUMBERS), 500, may_fetch=True, older=True)
    with mutant_server() as vendor:
        clock = TurnedClock(datetime.now(UTC)).run_clock
        context = CheckContext(parse_address(vendor.url), OWN, guard, run_clock=clock, pace=Pace(schedule=0))
        context.limit_requests(0)
        verdicts = run_comparison(ProbeSession(context), session) or []
    repeat = {verdict.clause.id: "again" for verdict in verdicts}
    address = session.context.address
    write_html(verdicts, folder / "report.html", address, repeat, "A and B")
    write_junit(verdicts, folder / "report.xml", address, repeat)
    write_json(verdicts, folder / "report.json", address, "A and B")
    write_differences(verdicts, [], folder / "expected.toml", date(2030, 1, 1))
    return verdicts


COMMANDS: dict[str, Write] = {"learn": learn, "compare": compare}


def run(
    write: Write, folder: Path, guard: SafetyGuard, capsys: pytest.CaptureFixture[str], decide: Decide = lambda *_: PASS
) -> Run:
    """Run a command in a turned time, at two requests per second; return what it wrote and sent."""
    clock = TurnedClock(datetime.now(UTC)).run_clock
    with counting_vendor(clock.now) as (url, traffic), lossy_proxy(url, decide) as proxy:
        context = CheckContext(parse_address(proxy.url), OWN, guard, run_clock=clock)
        context.limit_requests(2.0)
        context.fetched = FetchedFile(folder / "fetched.jsonl")
        session = ProbeSession(context)
        try:
            write(session, folder)
        except TargetUnreachable as error:
            sys.stderr.write(str(error))
    output = capsys.readouterr()
    files = [file.read_text("utf-8") for file in folder.iterdir() if file.name != "fetched.jsonl"]
    return Run("\n".join((output.out, output.err, *files)), traffic, proxy, session)


def allow_all(budget: int = 60) -> SafetyGuard:
    return SafetyGuard(frozenset(NUMBERS), budget, may_fetch=True, older=True)


MOST_WRONG = WRONG_SIGNATURES + sum(WRONG_SIGNATURES_PER_PERMISSION.values())


@pytest.mark.parametrize("command", COMMANDS)
def test_without_permission_nothing_is_sent_and_nothing_fetched(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run(COMMANDS[command], tmp_path, SafetyGuard(), capsys)
    assert {request.rpartition(" ")[2] for request in done.traffic.requests} == {"overage", "checkkeyword"}
    assert {request.split(" ")[1] for request in done.traffic.requests} == {"/v2sms.aspx", "/v2smsGBK.aspx"}
    assert 10 < len(done.traffic.requests) <= REQUESTS
    assert (done.traffic.sends, done.traffic.points, done.traffic.fetches) == (0, 0, 0)
    assert 1 <= done.traffic.wrong <= WRONG_SIGNATURES
    assert done.traffic.most_in_a_second <= 2


@pytest.mark.parametrize("command", COMMANDS)
def test_with_permission_the_points_are_within_the_budget(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run(COMMANDS[command], tmp_path, allow_all(), capsys)
    assert 10 < done.traffic.points <= done.session.context.guard.spent <= 60
    assert done.traffic.sends > 10
    assert done.traffic.fetches > 2
    assert done.traffic.wrong <= MOST_WRONG
    assert done.traffic.most_in_a_second <= 2


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("budget", [0, 1, 5])
def test_a_small_budget_is_not_exceeded(
    command: str, budget: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run(COMMANDS[command], tmp_path, allow_all(budget), capsys)
    assert done.traffic.points == budget
    assert "--budget" in done.written


REFUSED = (
    "<returnsms><returnstatus>Faild</returnstatus><message>{}</message><payinfo></payinfo><overage>0</overage>"
    "<sendTotal>0</sendTotal></returnsms>"
)
ANSWERS: dict[str, Outcome] = {
    "dropped": DROP,
    "cut": CUT,
    "stalled": STALL,
    "502": build_answer("502 Bad Gateway", "<html>502</html>"),
    "500": build_answer("500 Internal Server Error", "<html>mima 13912345678</html>"),
    "429": build_answer("429 Too Many Requests"),
    "too often": build_answer("200 OK", REFUSED.format("操作过于频繁，请稍后再试")),
    "locked": build_answer("200 OK", REFUSED.format("帐号已锁定")),
    "empty": build_answer("200 OK", ""),
}


def from_request(number: int) -> Callable[[int, bytes], bool]:
    return lambda index, _: index >= number


def has(text: bytes) -> Callable[[int, bytes], bool]:
    return lambda _, request: text in request


OCCASIONS: dict[str, Callable[[int, bytes], bool]] = {
    "at every request": from_request(0),
    "from the fifth request on": from_request(5),
    "from the thirtieth request on": from_request(30),
    "at every send": has(b"action=send"),
    "at every fetch": has(b"Api.aspx"),
    "at every wrong signature": has(b"sign=" + b"0" * 32),
}


FAILURES = [
    (answer, [*OCCASIONS][(2 * index + more) % len(OCCASIONS)])
    for index, answer in enumerate(ANSWERS)
    for more in (0, 1)
]
"""Each answer on two occasions, and each occasion with three answers."""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("answer", "occasion"), FAILURES)
def test_after_a_failure_nothing_is_repeated_and_no_limit_exceeded(
    command: str,
    answer: str,
    occasion: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    applies = OCCASIONS[occasion]
    if answer == "stalled":
        monkeypatch.setattr(limits, "STEP_SECONDS", 0.1)

    def decide(number: int, request: bytes) -> Outcome:
        return ANSWERS[answer] if applies(number, request) else PASS

    done = run(COMMANDS[command], tmp_path, allow_all(), capsys, decide)
    context = done.session.context
    assert context.limits is not None
    assert done.traffic.points <= context.guard.spent <= 60
    assert done.count(b"sign=" + b"0" * 32) <= MOST_WRONG
    assert context.limits.wrong <= MOST_WRONG
    if answer != "stalled":  # the proxy forwards those at any time, while the client goes on
        assert done.traffic.most_in_a_second <= 2
    calls = [*done.session.responses, *done.session.failures]
    sending = [call for call in calls if PROBES[str(call[0])].permissions in (("send",), ("send", "older"))]
    assert done.count(b"action=send") <= len(sending) + 1, (
        "each is sent once; the tracked one may be sent to one number"
    )
    expect_no_secret(done, context)


def expect_no_secret(done: Run, context: CheckContext) -> None:
    """Nothing written contains the password, a correct signature, an allowed number, or a text of a person."""
    assert context.own.password not in done.written
    stamps = {match[1].decode() for request in done.received for match in re.finditer(rb"timestamp=(\d+)", request)}
    signatures = {compute_signature(OWN.account, OWN.password, stamp) for stamp in stamps}
    assert signatures or not done.received
    assert not {signature for signature in signatures if signature in done.written}
    assert not {number for number in NUMBERS if number in done.written}
