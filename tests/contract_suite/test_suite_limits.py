"""Tests of the limits towards a server that may be a real vendor: rate, requests, wrong signatures, numbers."""

import hashlib
import re
import socket
import threading
from collections.abc import Callable, Sequence
from time import monotonic

import pytest

from sms10692 import protocol
from sms10692_contract.account_check import check_account_at_start
from sms10692_contract.clauses import BY_ID, CLAUSES
from sms10692_contract.effort import EFFORTS
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import HttpResponse, parse_address
from sms10692_contract.progress import Lines
from sms10692_contract.rate_limit import RateLimit
from sms10692_contract.request_limits import LAST_SECONDS, EnoughRequests, LimitReached, RequestLimits, build_limits
from sms10692_contract.requests import GBK, OLDER_UTF8, UTF8, WireRequest, build_form
from sms10692_contract.run_clock import RunClock
from sms10692_contract.runner import State, Verdict, run_checks
from sms10692_contract.safety import INVALID_SIGN, SafetyGuard
from sms10692_contract.suite_account import SuiteAccount
from sms10692_mock.domain.api_request import ApiRequest
from support.contract_cli import run_contract
from support.mutant_vendor import Defect, mutant_server

OWN = SuiteAccount("12", "test", "mima")
NUMBERS = ("13000000001", "13000000002", "13000000003")


class SteppedClock:
    """A clock that only its own `sleep` moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def run_limited(
    guard: SafetyGuard,
    defect: Defect | None = None,
    clauses: Sequence[str] = (),
    latency: float = 0,
    effort: str = "quick",
) -> tuple[list[Verdict], list[ApiRequest], float]:
    """Run clauses, by default all, with the limits of a real vendor whose every answer takes `latency` seconds.

    Returns verdicts, requests and the seconds that it took.
    """
    requests: list[ApiRequest] = []
    clock = SteppedClock()

    def record(request: ApiRequest) -> ApiRequest:
        requests.append(request)
        clock.sleep(latency)
        return request

    with mutant_server(defect or Defect(api_request=record)) as vendor:
        context = CheckContext(parse_address(vendor.url), OWN, guard, run_clock=RunClock(clock, clock.sleep))
        context.effort = EFFORTS[effort]
        context.limit_requests(2.0)
        if not clauses:
            assert check_account_at_start(context) is None
        verdicts = list(run_checks(context, [BY_ID[clause] for clause in clauses] or CLAUSES))
    return verdicts, requests, clock.now - 100


def is_wrong(request: ApiRequest) -> bool:
    """Return whether the signature of a received request is not over its timestamp.

    A request with an empty userid or signature is none: nothing is compared with a password.
    """
    userid, timestamp, sign = request.credentials
    if not timestamp.isascii() or not userid or not sign:
        return False  # signed over GBK bytes too (R4)
    return sign != hashlib.md5(f"testmima{timestamp}".encode(), usedforsecurity=False).hexdigest()


def test_a_harmless_run_sends_few_requests_slowly_with_few_wrong_signatures() -> None:
    verdicts, requests, seconds = run_limited(SafetyGuard())
    assert 60 < len(requests) <= 120
    assert (len(requests) - 1) / 2 <= seconds <= 90
    assert sum(is_wrong(request) for request in requests) <= 5
    assert {request.action for request in requests} == {"overage", "checkkeyword"}
    assert {verdict.state for verdict in verdicts} == {State.HELD, State.NOT_EXERCISED}
    manual = {"2.3-credentials-empty", "2.3-credentials-wrong", "3.3-credentials-empty", "3.3-credentials-wrong"}
    assert {verdict.clause.id for verdict in verdicts if verdict.state is State.HELD} >= manual | {"1.2-sign-wrong"}
    cases = {verdict.clause.id: verdict.cases for verdict in verdicts}
    assert cases["1.2-sign-wrong"] == "2 of 12 cases"
    assert cases["2.3-credentials-empty"] == cases["3.3-credentials-empty"] == ""
    assert cases["2.3-credentials-wrong"] == cases["3.3-credentials-wrong"] == "1 of 2 cases"
    assert cases["3.2-content"] == "4 of 6 cases"
    assert cases["Q2"] == "its first requests only"
    assert cases["2.3-found"] == ""


def is_wrong_password(request: ApiRequest) -> bool:
    userid, name, password = request.credentials
    return bool(userid and name and password) and (userid, name, password) != ("12", "test", "mima")


def test_a_harmless_run_over_all_endpoints_has_the_same_limits() -> None:
    verdicts, requests, seconds = run_limited(SafetyGuard(older=True))
    older = [request for request in requests if request.endpoint.authentication is protocol.PASSWORD]
    signed = [request for request in requests if request.endpoint.authentication is protocol.SIGNED]
    assert len(older) >= 5
    assert len(older) + len(signed) <= 120
    assert seconds <= 90
    assert sum(map(is_wrong, signed)) + sum(map(is_wrong_password, older)) <= 5
    assert {request.action for request in older} <= {"overage", "checkkeyword"}
    states = {verdict.clause.id: verdict.state for verdict in verdicts}
    assert states["E-credentials"] is states["E-credentials-empty"] is states["E-both"] is State.HELD
    assert states["E-same"] is State.NOT_EXERCISED


def test_a_run_without_the_option_sends_no_password() -> None:
    verdicts, requests, _ = run_limited(SafetyGuard())
    assert {request.endpoint.authentication for request in requests} == {protocol.SIGNED}
    reasons = {verdict.clause.id: verdict.reason for verdict in verdicts}
    assert reasons["E-credentials"] == "needs --endpoints all"
    assert reasons["E-same"] == "needs --endpoints all, --control URL"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, 0),
        ({"password": "mimb"}, 1),
        ({"account": "tes"}, 1),
        ({"userid": "13"}, 1),
        ({"password": ""}, 0),
        ({"sign": INVALID_SIGN, "timestamp": "x"}, 0),
    ],
)
def test_what_counts_as_a_wrong_password(fields: dict[str, str], wrong: int, limits: RequestLimits) -> None:
    limits.admit(build_form(OLDER_UTF8, OWN.build_password_credentials() | {"action": "overage"} | fields))
    assert limits.wrong == wrong


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, 0),
        ({"account": "test", "password": "mima"}, 0),
        ({"account": "x", "password": "y"}, 1),
        ({"account": "test", "password": "mimb"}, 1),
        ({"account": "x", "password": "mima", "sign": ""}, 1),
        ({"account": "x", "password": ""}, 0),
        ({"password": "y"}, 0),
    ],
)
def test_a_wrong_password_at_a_signed_endpoint_counts_too(
    fields: dict[str, str], wrong: int, limits: RequestLimits
) -> None:
    """A vendor may accept either kind of credentials at any endpoint."""
    limits.admit(build_form(UTF8, OWN.build_credentials() | {"action": "overage"} | fields))
    assert limits.wrong == wrong


def test_no_form_that_a_real_account_tries_has_a_password() -> None:
    verdicts, requests, _ = run_limited(SafetyGuard())
    assert not any("password" in request.fields for request in requests)
    assert {verdict.clause.id: verdict.state for verdict in verdicts}["Q11"] is State.HELD


@pytest.mark.parametrize("latency", [0.4, 1.5, 12.0])
def test_a_harmless_run_ends_in_time_at_a_slow_server(latency: float) -> None:
    verdicts, requests, seconds = run_limited(SafetyGuard(), latency=latency)
    assert len(requests) <= 90 / (latency + 0.5) + 1
    assert seconds <= 90 + max(latency - LAST_SECONDS, 0), "a started answer is cut on the real clock only"
    reasons = {verdict.clause.id: verdict.reason for verdict in verdicts if verdict.state is State.NOT_EXERCISED}
    time = "time: checks that neither send nor fetch end after 90 s; --rate 0 lifts it on your own server"
    assert [clause for clause, reason in reasons.items() if reason == time]
    assert reasons.get("2.3-found") is None


def test_the_time_of_a_run_is_longer_at_a_lower_rate_and_with_permissions(limits: RequestLimits) -> None:
    assert limits.seconds == 90
    assert build_limits("12", "test", "mima", ["send"], is_thorough=False, rate=0.5).seconds == 90 * 2 * 4
    assert build_limits("12", "test", "mima", [], is_thorough=False, rate=50).seconds == 90


def test_the_time_of_sends_and_fetches_is_not_that_of_other_checks() -> None:
    clock = SteppedClock()
    limits = build_limits("12", "test", "mima", [], is_thorough=False, clock=clock)
    for is_harmless in (True, False, True):
        limits.start_check(is_harmless)
        clock.sleep(40)
    assert limits.seconds_left == 10
    clock.sleep(8.1)
    with pytest.raises(LimitReached, match="time: checks that neither send nor fetch end after 90 s"):
        limits.admit(overage())
    assert not limits.has_left(overage())


def test_an_answer_is_not_waited_for_longer_than_the_run_lasts() -> None:
    """A server that never answers: the exchange is given up when the time is over, not after 30 seconds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        context = CheckContext(parse_address(f"http://127.0.0.1:{server.getsockname()[1]}"), OWN, SafetyGuard())
        context.limit_requests(50.0)
        assert context.limits is not None
        context.limits.seconds = LAST_SECONDS + 0.2
        started = monotonic()
        verdicts = list(run_checks(context, [BY_ID["2.3-found"]]))
    assert monotonic() - started < LAST_SECONDS + 20
    assert verdicts[0].reason.startswith("time: checks that neither send nor fetch end after")


class WrongLogins:
    """A vendor that accepts other signatures than the manual's, and counts those that it refuses."""

    def __init__(self, accept: Callable[[str], str]) -> None:
        self._accept = accept
        self.refused = 0

    def exchange_signatures(self, request: ApiRequest) -> ApiRequest:
        userid, timestamp, sign = request.credentials
        if not (userid and timestamp and sign):
            return request
        is_accepted = sign == self._accept(timestamp)
        self.refused += not is_accepted
        correct = hashlib.md5(f"testmima{timestamp}".encode(), usedforsecurity=False).hexdigest()
        return request._replace(credentials=(userid, timestamp, correct if is_accepted else INVALID_SIGN))


def _sign(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize(
    "accept",
    [
        lambda timestamp: _sign(f"testmima{timestamp}").upper(),
        lambda timestamp: _sign(f"mimatest{timestamp}"),
        lambda timestamp: "nothing is accepted",
    ],
    ids=["upper case", "other order", "nothing"],
)
def test_a_vendor_that_refuses_the_correct_signature_sees_five_wrong_ones(accept: Callable[[str], str]) -> None:
    """Each request with a correct signature is a wrong login for such a vendor, as those of the probes are."""
    logins = WrongLogins(accept)
    with mutant_server(Defect(api_request=logins.exchange_signatures)) as vendor:
        completed = run_contract(
            vendor.url, "--userid", "12", "--account", "test", "--password", "mima", "--rate", "100"
        )
    assert 1 <= logins.refused <= 5
    assert completed.returncode == (3 if accept("") == "nothing is accepted" else 1)


def test_the_refusals_of_a_harmless_run_are_spread_over_pages_and_credentials() -> None:
    _, requests, _ = run_limited(SafetyGuard())
    empty = {
        (request.action, request.endpoint.path, name)
        for request in requests
        for name, value in zip(("userid", "timestamp", "sign"), request.credentials, strict=True)
        if not value
    }
    assert empty >= {
        ("overage", UTF8, "sign"),
        ("overage", GBK, "userid"),
        ("checkkeyword", GBK, "sign"),
        ("checkkeyword", UTF8, "userid"),
    }
    wrong = {(request.action, request.endpoint.path) for request in requests if is_wrong(request)}
    assert wrong >= {("overage", UTF8), ("overage", GBK), ("checkkeyword", GBK)}


def test_sends_and_fetches_leave_the_requests_of_harmless_checks() -> None:
    verdicts, requests, _ = run_limited(SafetyGuard(frozenset(NUMBERS), 50, may_fetch=True))
    reasons = {verdict.clause.id: verdict.reason for verdict in verdicts if verdict.state is State.NOT_EXERCISED}
    assert [clause for clause, reason in reasons.items() if "120 requests" in reason] == []
    wrong = [(request.action, request.endpoint.path) for request in requests if is_wrong(request)]
    assert {("send", UTF8), ("send", GBK), ("query", "/v2statusApi.aspx"), ("query", "/v2callApi.aspx")} <= {*wrong}


LAYOUT_DEFECTS = {
    "A1-declaration": Defect(text=lambda text, request: text.replace(" ?>", "?>")),
    "A1-lines": Defect(text=lambda text, request: text.replace("\n ", "\n")),
    "A7": Defect(response=lambda request, response: response._replace(status=400)),
    "A8": Defect(text=lambda text, request: text.replace("gb2312", "GBK")),
    "L-lines": Defect(text=lambda text, request: text.replace("\n ", "\n")),
    "L-zeros": Defect(text=lambda text, request: text.replace("<overage>0<", "<overage><")),
}


@pytest.mark.parametrize("clause", LAYOUT_DEFECTS)
def test_a_clause_of_the_layout_fails_alone(clause: str) -> None:
    verdicts, _, _ = run_limited(SafetyGuard(), LAYOUT_DEFECTS[clause], [clause])
    assert [verdict.state for verdict in verdicts] == [State.FAILED]


@pytest.mark.parametrize("clause", ["A3", "A4", "A10"])
def test_a_clause_of_the_layout_without_its_document_is_not_exercised(clause: str) -> None:
    """The queue is never empty, a send is never refused, and no report comes."""
    defect = Defect(text=lambda text, request: "<returnsms><message>x</message></returnsms>")
    verdicts, _, _ = run_limited(SafetyGuard(frozenset(NUMBERS), 50, may_fetch=True), defect, [clause])
    assert [verdict.state for verdict in verdicts] == [State.NOT_EXERCISED]


@pytest.mark.parametrize("may_send", [True, False])
@pytest.mark.parametrize("may_fetch", [True, False])
def test_an_action_without_permission_is_not_requested_at_all(may_send: bool, may_fetch: bool) -> None:
    guard = SafetyGuard(frozenset(NUMBERS) if may_send else frozenset(), 50, may_fetch)
    _, requests, _ = run_limited(guard)
    pages = {request.endpoint.path for request in requests}
    assert ("/v2statusApi.aspx" in pages, "/v2callApi.aspx" in pages) == (may_fetch, may_fetch)
    sends = [request for request in requests if request.endpoint.path in (UTF8, GBK) and request.action == "send"]
    assert bool(sends) is may_send
    assert sum(is_wrong(request) for request in requests) <= 5 + 3 * may_send + 4 * (may_fetch)


def test_a_real_vendor_receives_no_destructive_text_and_no_userid_of_another_customer() -> None:
    _, requests, _ = run_limited(SafetyGuard(frozenset(NUMBERS), 50, may_fetch=True))
    contents = [request.content for request in requests if request.content]
    assert any("union select" in content for content in contents)
    destructive = re.compile(r"drop|delete|insert|update|exec|xp_|shutdown|truncate", re.IGNORECASE)
    assert [content for content in contents if destructive.search(content) and "'" in content] == []
    assert [content for content in contents if re.search(r";\s*\w|exec\(|xp_", content)] == []
    assert [request.credentials[0] for request in requests if re.fullmatch("[0-9]+", request.credentials[0])] == (
        ["12"] * sum(request.credentials[0] == "12" for request in requests)
    )


def test_all_allowed_numbers_are_sent_to_in_turn() -> None:
    _, requests, _ = run_limited(SafetyGuard(frozenset(NUMBERS), 50, may_fetch=True))
    used = [request.mobile.strip(",") for request in requests if request.action == "send" and request.mobile]
    assert set(used) >= set(NUMBERS)
    assert abs(used.count(NUMBERS[0]) - used.count(NUMBERS[2])) <= len(used) // 2


def test_a_limited_check_still_judges_every_response() -> None:
    """A server that answers everything with one text fails each clause of which a request was sent."""
    verdicts, _, _ = run_limited(
        SafetyGuard(), Defect(text=lambda text, request: "<returnsms><message>x</message></returnsms>")
    )
    held = {verdict.clause.id for verdict in verdicts if verdict.state is State.HELD}
    # Status, JSON and content type are still right, and the document has no white space, CDATA or other charset.
    assert held <= {"A7", "R15-checkkeyword", "R15-gbk", "R17-type", "A2", "A8", "R17-values"}


def test_a_failure_counts_although_the_check_then_reaches_its_limit() -> None:
    """A server that answers some texts wrongly fails: making the failure smaller takes the rest of the requests."""
    defect = Defect(text=lambda text, request: "<x/>" if max(request.content, default="") > "\u9000" else text)
    names = ("3.3-forbidden", "Q1", "Q2", "Q17", "R8-word")
    verdicts, _, _ = run_limited(SafetyGuard(), defect, names, effort="thorough")
    assert {verdict.clause.id for verdict in verdicts if verdict.state is State.FAILED} == set(names)


def test_sends_and_fetches_take_nothing_from_the_requests_of_other_checks(limits: RequestLimits) -> None:
    limits.start_check(is_harmless=False)
    for _ in range(200):
        limits.admit(overage())
    limits.start_check(is_harmless=True)
    assert limits.admit(overage()) is None
    assert limits.sent == 1


@pytest.fixture
def limits() -> RequestLimits:
    return build_limits("12", "test", "mima", [], is_thorough=False)


def overage(endpoint: str = UTF8, **fields: str) -> WireRequest:
    return build_form(endpoint, OWN.build_credentials() | {"action": "overage"} | fields)


def test_a_check_sends_two_wrong_signatures_and_at_most_four_requests(limits: RequestLimits) -> None:
    limits.start_check(is_harmless=True)
    for sign in (INVALID_SIGN, "x"):
        assert limits.admit(overage(sign=sign)) is None
    with pytest.raises(EnoughRequests):
        limits.admit(overage(GBK, sign=INVALID_SIGN))
    for _ in range(2):
        limits.admit(overage())
    with pytest.raises(EnoughRequests):
        limits.admit(overage())
    assert (limits.sent, limits.wrong) == (4, 2)


def test_a_permission_raises_the_share_of_a_check() -> None:
    limits = build_limits("12", "test", "mima", ["send", "fetch"], is_thorough=False)
    limits.start_check(is_harmless=True)
    for number in range(5):
        limits.admit(overage(sign=f"{number}"))
    with pytest.raises(EnoughRequests):
        limits.admit(overage(sign="5"))


def test_the_same_refusal_is_requested_once(limits: RequestLimits) -> None:
    response = HttpResponse(200, "", b"refused")
    limits.start_check(is_harmless=True)
    limits.admit(overage(sign=""))
    limits.record(overage(sign=""), response)
    limits.start_check(is_harmless=True)
    assert limits.admit(overage(sign="", timestamp="20120701231212")) == response
    limits.start_check(is_harmless=True)
    assert limits.admit(overage(sign=INVALID_SIGN)) is None
    assert (limits.sent, limits.wrong) == (2, 1)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, 0),
        ({"userid": "13"}, 1),
        ({"sign": ""}, 0),
        ({"userid": ""}, 0),
        ({"sign": OWN.build_credentials()["sign"].upper()}, 1),
        ({"timestamp": ""}, 1),
        ({"userid": " "}, 1),
        ({"SIGN": "0" * 32}, 1),
        ({"USERID": "13"}, 1),
        ({"Timestamp": "20200101000000"}, 1),
    ],
)
def test_what_counts_as_a_wrong_signature(fields: dict[str, str], wrong: int, limits: RequestLimits) -> None:
    limits.admit(overage(**fields))
    assert limits.wrong == wrong


def test_a_check_that_can_send_nothing_is_not_exercised(limits: RequestLimits) -> None:
    for _ in range(5):
        limits.start_check(is_harmless=True)
        limits.admit(overage(GBK, sign=f"{limits.wrong}"))
    limits.start_check(is_harmless=True)
    with pytest.raises(
        LimitReached,
        match="after 5 wrong signatures no more are sent; --rate 0 lifts it on your own server",
    ):
        limits.admit(overage(sign="x"))
    assert limits.admit(overage()) is None
    with pytest.raises(EnoughRequests):
        limits.admit(overage(sign="x"))


def test_a_request_starts_an_interval_after_the_end_of_another() -> None:
    clock, starts = SteppedClock(), []
    rate_limit = RateLimit(4.0, clock, clock.sleep)
    for duration in (0.0, 0.1, 0.5, 0.0):
        with rate_limit.wait_for_turn():
            starts.append(clock.now)
            clock.sleep(duration)
    assert starts == pytest.approx([100.0, 100.255, 100.61, 101.365])
    entered = threading.Event()
    with rate_limit.wait_for_turn():
        other = threading.Thread(target=lambda: _enter(rate_limit, entered.set))
        other.start()
        assert not entered.wait(0.05)
    other.join()
    assert entered.is_set()


def _enter(rate_limit: RateLimit, action: Callable[[], object]) -> None:
    with rate_limit.wait_for_turn():
        action()


def test_progress_without_a_terminal_is_a_line_every_thirty_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    clock = SteppedClock()
    lines = Lines(3, clock)
    for clause, seconds in zip(CLAUSES[:3], (14.0, 17.0, 1.0), strict=True):
        lines.start_clause(clause)
        clock.sleep(seconds)
        lines.end_clause()
    assert capsys.readouterr().err == f"sms10692-contract: 2 of 3 clauses checked, now {CLAUSES[2].id}\n"
