"""Tests of network errors: a lost answer is no failure, a send is never repeated, and a cause is named once."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from sms10692_contract import limits
from sms10692_contract.account_check import check_account_at_start
from sms10692_contract.clauses import BY_ID
from sms10692_contract.control import ControlClient
from sms10692_contract.effort import EFFORTS
from sms10692_contract.fetched_file import FetchedFile
from sms10692_contract.harness import CheckContext, ShrinkLimitReached
from sms10692_contract.http import HttpResponse, parse_address
from sms10692_contract.network_errors import ConnectionLost, TargetStopped
from sms10692_contract.request_limits import build_limits
from sms10692_contract.runner import State, Verdict, enable_sandbox, run_checks
from sms10692_contract.safety import SafetyGuard
from sms10692_contract.suite_account import SuiteAccount
from sms10692_contract.target import Target, compute_clock_difference
from support.contract_cli import run_contract, select
from support.lossy_proxy import CUT, DROP, PASS, STALL, LossyProxy, Outcome, build_answer, lossy_proxy
from support.mutant_vendor import Defect, MutantServer, mutant_server

OWN = SuiteAccount("12", "test", "mima")
OWN_OPTIONS = ["--userid", "12", "--account", "test", "--password", "mima"]
NUMBER = "13000000001"
FEW = replace(EFFORTS["quick"], examples=8, shrink_requests=20)
GATEWAY = build_answer("502 Bad Gateway", "<html>502</html>")
LOSSES: dict[str, Outcome] = {"drop": DROP, "cut": CUT, "stall": STALL, "502": GATEWAY}
REFUSED = (
    '<?xml version="1.0" encoding="utf-8" ?><returnsms>\n <returnstatus>Faild</returnstatus>\n'
    " <message>{}</message>\n <payinfo></payinfo>\n <overage>0</overage>\n <sendTotal>0</sendTotal></returnsms>"
)


@pytest.fixture(autouse=True)
def _short_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STEP_SECONDS", 0.2)


@contextmanager
def lossy_vendor(
    decide: Callable[[int, bytes], Outcome], defect: Defect | None = None
) -> Iterator[tuple[MutantServer, LossyProxy]]:
    with mutant_server(defect) as vendor, lossy_proxy(vendor.url, decide) as proxy:
        yield vendor, proxy


def build_context(url: str, *, guard: SafetyGuard | None = None, pauses: list[float] | None = None) -> CheckContext:
    """Return a context without a control API, whose waits end at once and are appended to `pauses`."""
    context = CheckContext(parse_address(url), OWN, guard or SafetyGuard(), effort=FEW)
    context.target = Target(context.address, sleep=([] if pauses is None else pauses).append, pauses=True)
    return context


def check(context: CheckContext, *clauses: str) -> list[Verdict]:
    return list(run_checks(context, [BY_ID[clause] for clause in clauses]))


def get_states(verdicts: list[Verdict]) -> list[State]:
    return [verdict.state for verdict in verdicts]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_query_whose_answer_is_lost_is_repeated(loss: str) -> None:
    with lossy_vendor(lambda number, request: PASS if number % 7 else LOSSES[loss]) as (_, proxy):
        verdicts = check(build_context(proxy.url), "2.3-found", "3.3-forbidden", "3.3-nothing-forbidden")
    assert get_states(verdicts) == [State.HELD] * 3
    assert len(proxy.received) > 20


@pytest.mark.parametrize("answer", [DROP, build_answer("429 Too Many Requests", "")])
def test_a_request_with_a_wrong_signature_is_never_repeated(answer: Outcome) -> None:
    """A vendor that locks accounts counts each of them."""
    with lossy_vendor(lambda number, request: answer) as (_, proxy):
        context = build_context(proxy.url)
        for fields in ({"sign": "f" * 32}, {"userid": "nobody"}):
            with pytest.raises((ConnectionLost, TargetStopped)):
                context.overage(OWN, **fields)
    assert len(proxy.received) == 2


def test_every_request_on_the_wire_is_counted() -> None:
    with lossy_vendor(lambda number, request: DROP if number in (1, 2) else PASS) as (_, proxy):
        context = build_context(proxy.url)
        context.limits = build_limits("12", "test", "mima", [], is_thorough=False)
        assert check_account_at_start(context) is None
        context.start_check(is_harmless=True)
        context.overage(OWN)
        context.overage(OWN, sign="f" * 32)
        assert context.probe_account() is not None
        context.limits.requests = context.limits.sent
        assert context.probe_account() is None
    assert (context.limits.sent, context.limits.wrong) == (len(proxy.received), 1) == (6, 1)


def test_the_wrong_signatures_at_the_start_are_counted() -> None:
    with lossy_vendor(lambda number, request: build_answer("200 OK", REFUSED.format("用户名或密码错误"))) as (_, proxy):
        context = build_context(proxy.url)
        context.limits = build_limits("12", "test", "mima", [], is_thorough=False)
        assert check_account_at_start(context) is not None
    assert (context.limits.sent, context.limits.wrong) == (len(proxy.received), 4) == (4, 4)


REPLY = (
    "<returnsms><callbox><mobile>13812345678</mobile><taskid>1</taskid><content>请勿频繁发送</content>"
    "<receivetime>2026-01-01 00:00:00</receivetime><extno></extno></callbox></returnsms>"
)


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (build_answer("200 OK", REPLY), REPLY),
        (build_answer("429 Too Many Requests", REPLY), REPLY),
        (build_answer("502 Bad Gateway", REPLY), REPLY),
        (build_answer("200 OK", REPLY)[:-13], REPLY[:-13]),
        (f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n99\r\n{REPLY[:80]}".encode(), REPLY[:80]),
        (b"HTTP/1.1 200 OK\r\n\r\n" + REPLY.encode() + b" " * 70_000, REPLY + " " * 2),
    ],
    ids=["rate limit words", "429", "502", "cut", "cut chunk", "too large"],
)
def test_every_fetched_body_is_kept_before_anything_is_concluded(
    answer: bytes, kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RESPONSE_BYTES", 60_000)
    with lossy_vendor(lambda number, request: answer) as (_, proxy):
        context = build_context(proxy.url, guard=SafetyGuard(may_fetch=True))
        context.fetched = FetchedFile(tmp_path / "fetched.jsonl")
        with suppress(ConnectionLost, TargetStopped, ShrinkLimitReached):
            context.call(OWN)
    (line,) = context.fetched.path.read_text("utf-8").splitlines()
    assert json.loads(line)["body"].startswith(kept)
    assert len(proxy.received) == 1


def test_a_reply_with_words_of_a_rate_limit_is_an_ordinary_answer() -> None:
    with lossy_vendor(lambda number, request: build_answer("200 OK", REPLY)) as (_, proxy):
        response = build_context(proxy.url, guard=SafetyGuard(may_fetch=True)).call(OWN)
    assert [item["content"] for item in response.get_items("callbox")] == ["请勿频繁发送"]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_send_whose_answer_is_lost_is_not_repeated_and_not_judged(loss: str) -> None:
    with lossy_vendor(lambda number, request: LOSSES[loss] if b"action=send" in request else PASS) as (_, proxy):
        context = build_context(proxy.url, guard=SafetyGuard(frozenset({NUMBER})))
        verdicts = check(context, "1.3-ok", "2.3-found")
    assert get_states(verdicts) == [State.NOT_JUDGED, State.HELD]
    assert verdicts[0].reason.startswith(f"connection lost: {proxy.url}: ")
    assert sum(b"action=send" in request for request in proxy.received) == 1


@pytest.mark.parametrize("page", [b"v2statusApi", b"v2callApi"])
def test_a_fetch_whose_answer_is_lost_is_not_repeated_and_not_judged(page: bytes) -> None:
    clause = "4.4-2" if page == b"v2statusApi" else "5.4-2"
    with lossy_vendor(lambda number, request: DROP if page in request else PASS) as (_, proxy):
        verdicts = check(build_context(proxy.url, guard=SafetyGuard(may_fetch=True)), clause)
    assert get_states(verdicts) == [State.NOT_JUDGED]
    assert sum(page in request for request in proxy.received) == 1


@pytest.mark.parametrize("loss", ["drop", "502"])
def test_a_server_that_goes_away_ends_the_run(loss: str) -> None:
    with lossy_vendor(lambda number, request: PASS if number < 3 else LOSSES[loss]) as (_, proxy):
        pauses: list[float] = []
        with pytest.raises(TargetStopped, match="the server went away: "):
            check(build_context(proxy.url, pauses=pauses), "3.3-nothing-forbidden")
    assert pauses == [0.5, 2.0] * 2


def build_sandbox(proxy_url: str, control_url: str) -> CheckContext:
    address, guard = parse_address(proxy_url), SafetyGuard()
    control = ControlClient(parse_address(control_url))
    own, accepted = enable_sandbox(address, control, guard)
    assert accepted
    context = CheckContext(address, own, guard, control, FEW)
    context.target = Target(address, sleep=lambda seconds: None)
    return context


def test_with_a_control_api_a_check_that_lost_an_answer_is_repeated() -> None:
    losses = iter([DROP])

    def decide(number: int, request: bytes) -> Outcome:
        return next(losses, PASS) if b"action=send" in request else PASS

    with lossy_vendor(decide) as (vendor, proxy):
        assert get_states(check(build_sandbox(proxy.url, vendor.url), "R6-edge")) == [State.HELD]


def test_with_a_control_api_a_request_that_is_never_answered_fails() -> None:
    with lossy_vendor(lambda number, request: DROP if b"sendTime=x" in request else PASS) as (vendor, proxy):
        (verdict,) = check(build_sandbox(proxy.url, vendor.url), "R6-refused")
    assert verdict.state is State.FAILED
    assert verdict.actual.startswith("none, twice: ")
    assert verdict.request is not None
    assert ("sendTime", "x") in verdict.request.pairs


def test_an_answer_that_is_wrong_once_is_a_failure_in_words_of_the_suite() -> None:
    answered: list[str] = []

    def corrupt(text: str, request: object) -> str:
        answered.append(text)
        return text.replace("没有包含屏蔽词", "x") if len(answered) == 6 else text

    with mutant_server(Defect(text=corrupt)) as vendor:
        (verdict,) = check(build_context(vendor.url), "3.3-nothing-forbidden")
    assert verdict.state is State.FAILED
    assert verdict.actual.endswith("(once; when the request was repeated, the response was as expected)")
    assert "Hypothesis" not in verdict.reason + verdict.actual
    assert "Flaky" not in verdict.reason + verdict.actual


TOO_OFTEN = build_answer("200 OK", REFUSED.format("操作过于频繁，请稍后再试"))


@pytest.mark.parametrize(
    ("answer", "pauses"),
    [
        (build_answer("429 Too Many Requests", ""), [5.0]),
        (build_answer("429 Too Many Requests", "", "Retry-After: 7"), [7.0]),
        (TOO_OFTEN, [5.0]),
    ],
)
def test_a_server_that_limits_requests_is_waited_for(answer: bytes, pauses: list[float]) -> None:
    waited: list[float] = []
    with lossy_vendor(lambda number, request: answer if number == 1 else PASS) as (_, proxy):
        verdicts = check(build_context(proxy.url, pauses=waited), "2.3-found")
    assert (get_states(verdicts), waited) == ([State.HELD], pauses)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (build_answer("429 Too Many Requests", ""), "the server limits requests (HTTP 429); try again later"),
        (build_answer("429 Too Many Requests", "", "Retry-After: 3600"), "the server limits requests (HTTP 429)"),
        (TOO_OFTEN, "the server limits requests: 操作过于频繁，请稍后再试"),
    ],
)
def test_a_server_that_goes_on_limiting_requests_ends_the_run(answer: bytes, message: str) -> None:
    with lossy_vendor(lambda number, request: PASS if number < 2 else answer) as (_, proxy):
        with pytest.raises(TargetStopped) as raised:
            check(build_context(proxy.url), "3.3-nothing-forbidden")
    assert str(raised.value).startswith(message)
    assert len(proxy.received) <= 5


def test_an_account_that_is_locked_after_wrong_signatures_ends_the_run() -> None:
    wrong: list[int] = []

    def lock(text: str, request: object) -> str:
        if "用户名或密码错误" in text:
            wrong.append(1)
        return REFUSED.format("用户名或密码错误") if len(wrong) >= 2 else text

    with mutant_server(Defect(text=lock)) as vendor:
        context = build_context(vendor.url)
        context.limit_requests(0)
        assert check_account_at_start(context) is None
        with pytest.raises(
            TargetStopped, match=r"no longer accepts userid 12.*is the account locked.*用户名或密码错误"
        ):
            check(context, "1.2-sign-wrong", "2.3-found", "3.3-forbidden")


# The start of a run


def find_refusal(answer: bytes) -> str:
    with lossy_vendor(lambda number, request: answer) as (_, proxy):
        return str(check_account_at_start(build_context(proxy.url)))


def test_a_wrong_password_is_named_once_in_every_report(tmp_path: Path) -> None:
    html, junit = tmp_path / "report.html", tmp_path / "report.xml"
    with mutant_server() as vendor:
        options = ["--userid", "12", "--account", "test", "--password", "wrong", "--rate", "0"]
        completed = run_contract(
            vendor.url, *options, *select("2.3-found", "A7"), "--html", str(html), "--junit", str(junit)
        )
    assert completed.returncode == 3
    message = "the server refuses userid 12: is the account or the password wrong, or a clock? Its response: Faild"
    assert completed.stderr.startswith(f"sms10692-contract: {message}")
    assert "0 of 2 clauses exercised, 0 held" in completed.stdout
    skipped = [element.get("message") or "" for element in ET.parse(junit).getroot().iter("skipped")]
    assert [message in text for text in skipped] == [True, False]
    assert html.read_text("utf-8").count(message) == 1


def test_a_clock_that_is_hours_off_is_named() -> None:
    date = format_datetime(datetime.now(UTC) - timedelta(hours=8, minutes=1), usegmt=True)
    answer = build_answer("200 OK", REFUSED.format("用户名或密码错误"), f"Date: {date}")
    assert "the clock of this machine is 8 h 1 min ahead of the server's" in find_refusal(answer)
    assert "is its clock right?" in find_refusal(build_answer("200 OK", REFUSED.format("时间戳已过期")))


def test_the_difference_of_the_clocks_comes_from_the_date_of_the_response() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    response = HttpResponse(200, "", b"", date="Thu, 01 Jan 2026 01:00:00 GMT")
    assert compute_clock_difference(response, now) == -3600
    assert compute_clock_difference(HttpResponse(200, "", b"", date="x"), now) is None
    assert compute_clock_difference(HttpResponse(200, "", b""), now) is None


def test_a_locked_account_is_named() -> None:
    assert "is the account locked?" in find_refusal(build_answer("200 OK", REFUSED.format("账号已锁定")))


def test_lost_answers_end_the_command_with_exit_code_3_and_are_in_every_report(tmp_path: Path) -> None:
    html, junit = tmp_path / "report.html", tmp_path / "report.xml"
    files = ["--html", str(html), "--junit", str(junit)]
    with lossy_vendor(lambda number, request: DROP if b"action=send" in request else PASS) as (_, proxy):
        options = [*OWN_OPTIONS, "--allow-send", NUMBER, "--rate", "0", *select("2.3-found", "1.3-ok")]
        completed = run_contract(proxy.url, *options, *files)
    assert completed.returncode == 3, completed.stderr
    assert "1 of 2 clauses exercised, 1 held, 1 not judged" in completed.stdout
    reason = f"not judged: connection lost: {proxy.url}: Remote end closed connection without response"
    assert ET.parse(junit).getroot().find(".//skipped").get("message") == reason  # type: ignore[union-attr]
    assert reason.removeprefix("not judged: ") in html.read_text("utf-8")


def test_a_server_that_goes_away_ends_the_command_with_exit_code_3() -> None:
    with lossy_vendor(lambda number, request: PASS if number < 30 else GATEWAY) as (_, proxy):
        completed = run_contract(proxy.url, *OWN_OPTIONS, "--rate", "0", *select("2.3-found", "Q4", "A7"))
    assert completed.returncode == 3
    assert completed.stderr == (
        f"sms10692-contract: the server went away: {proxy.url}: HTTP 502 instead of a response\n"
    )
    assert completed.stdout.count("the server went away") <= 1


def test_the_accounts_of_a_run_that_the_server_ended_are_deleted() -> None:
    with lossy_vendor(lambda number, request: PASS if number < 40 else DROP) as (vendor, proxy):
        completed = run_contract(proxy.url, "--control", vendor.url, *select("R6-edge", "R6-refused"))
        assert vendor.control.userids() == ["12"]
    assert completed.returncode == 3
    assert "the server went away" in completed.stderr
