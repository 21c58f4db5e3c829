"""Tests of the safety guard: without permission the suite sends no message and empties no queue.

They check the guard itself and the requests that a server receives.
"""

import re
from dataclasses import replace

import pytest

from sms10692_contract.clauses import CLAUSES
from sms10692_contract.effort import EFFORTS
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import parse_address
from sms10692_contract.requests import (
    CALL,
    GBK,
    OLDER_CALL,
    OLDER_GBK,
    OLDER_STATUS,
    OLDER_UTF8,
    STATUS,
    UTF8,
    WireRequest,
    build_form,
    build_request,
)
from sms10692_contract.runner import State, run_checks
from sms10692_contract.safety import INVALID_SIGN, PermissionMissing, SafetyGuard
from sms10692_contract.suite_account import SuiteAccount
from sms10692_mock.domain.api_request import ApiRequest
from support.contract_cli import run_contract, select
from support.fake_servers import recording_server
from support.mutant_vendor import Defect, mutant_server
from support.mutants import MUTANTS

ACCOUNT = SuiteAccount("7", "shop", "secret")
FEW = replace(EFFORTS["quick"], examples=12)


BLANK = re.compile(r"(?:\s|\xe3\x80\x80|\xa1\xa1)*")
"""White space, including the full-width space in UTF-8 and GBK bytes."""


def is_harmless(path: str, fields: dict[str, list[str]]) -> bool:
    """Return whether a received request has no side effects, or blank or invalid credentials."""
    if any(
        BLANK.fullmatch(value) or value == INVALID_SIGN
        for name in ("userid", "timestamp", "sign")
        for value in fields.get(name, [""])
    ):
        return True
    is_read_only = set(fields.get("action", [])) <= {"overage", "checkkeyword"} and "action" in fields
    return is_read_only and path.strip("/").lower().startswith("v2sms")


def test_without_permission_no_send_and_no_fetch_is_transmitted() -> None:
    with recording_server() as (url, received):
        list(run_checks(CheckContext(parse_address(url), ACCOUNT, SafetyGuard(), effort=FEW), CLAUSES))
    readable = [(path, fields) for path, fields in received if fields.get("action") or fields.get("sign")]
    assert len(readable) > 40
    assert [request for request in readable if not is_harmless(*request)] == []


def test_without_permission_a_working_vendor_receives_no_valid_send_or_fetch() -> None:
    requests: list[ApiRequest] = []

    def record(request: ApiRequest) -> ApiRequest:
        requests.append(request)
        return request

    own = SuiteAccount("12", "test", "mima")
    with mutant_server(Defect(api_request=record)) as vendor:
        verdicts = list(run_checks(CheckContext(parse_address(vendor.url), own, SafetyGuard(), effort=FEW), CLAUSES))
    assert {verdict.state for verdict in verdicts} == {State.HELD, State.NOT_EXERCISED}
    assert len(requests) > 500
    for request in requests:
        sign = request.credentials[2]
        has_invalid_credentials = sign.strip() in ("", INVALID_SIGN) or not all(map(str.strip, request.credentials))
        assert has_invalid_credentials or (
            request.endpoint.path in (UTF8, GBK) and request.action in ("overage", "checkkeyword")
        ), request


def test_a_check_without_permission_is_blocked_before_it_transmits() -> None:
    """Even if the table of clauses lacks the needed permission."""
    with recording_server() as (url, received):
        context = CheckContext(parse_address(url), ACCOUNT, SafetyGuard())
        for operation in (context.send, context.status, context.call):
            with pytest.raises(PermissionMissing):
                operation(ACCOUNT)
    assert received == []


CREDENTIALS = ACCOUNT.build_credentials("20120701231212")
SEND = CREDENTIALS | {"action": "send", "mobile": "13000000001", "content": "内容"}


@pytest.mark.parametrize(
    "request_",
    [
        build_form(UTF8, SEND),
        build_form(GBK, SEND | {"action": "Send"}),
        build_form(UTF8, SEND | {"action": ""}),
        build_form(UTF8, {name: value for name, value in SEND.items() if name != "action"}),
        build_form(UTF8, SEND | {"sign": CREDENTIALS["sign"].upper()}),
        build_form(UTF8, SEND | {"sign": CREDENTIALS["sign"][:16]}),
        build_form(UTF8, {name.upper(): value for name, value in SEND.items()}),
        build_request(UTF8, query=[("action", "overage")], body=list(SEND.items())),
        build_request(UTF8, query=[("sign", "")], body=list(SEND.items())),
        build_form(STATUS, CREDENTIALS | {"action": "query"}),
        build_form(CALL, CREDENTIALS | {"action": "x"}),
        build_form(STATUS, CREDENTIALS | {"action": "query", "statusNum": "0"}),
    ],
    ids=lambda request: f"{request.endpoint} {request.body.decode('ascii')[-60:]}",
)
def test_a_request_that_any_vendor_might_act_on_is_blocked(request_: object) -> None:
    with pytest.raises(PermissionMissing):
        SafetyGuard().check(request_)  # type: ignore[arg-type]


CLEAR = ACCOUNT.build_password_credentials()
CLEAR_SEND = CLEAR | {"action": "send", "mobile": "13000000001", "content": "内容"}


@pytest.mark.parametrize(
    ("endpoint", "fields", "needed"),
    [
        (OLDER_UTF8, CLEAR | {"action": "overage"}, "--endpoints all"),
        (OLDER_UTF8, CLEAR_SEND, "--allow-send"),
        (OLDER_GBK, CLEAR | {"action": "changespwd"}, "--allow-send"),
        (OLDER_GBK, CLEAR_SEND | {"password": ""}, "--allow-send"),
        (OLDER_STATUS, CLEAR | {"action": "query"}, "--allow-fetch"),
        (OLDER_CALL, CLEAR | {"password": ""}, "--allow-fetch"),
    ],
)
def test_requests_to_the_older_endpoints_need_their_permissions(
    endpoint: str, fields: dict[str, str], needed: str
) -> None:
    guard = SafetyGuard(older=needed != "--endpoints all")
    with pytest.raises(PermissionMissing, match=needed):
        guard.check(build_form(endpoint, fields))


def test_a_send_to_an_older_endpoint_costs_unless_no_vendor_accepts_it() -> None:
    guard = SafetyGuard(frozenset({"13000000001"}), budget=2, older=True)
    guard.check(build_form(OLDER_UTF8, CLEAR_SEND | {"password": ""}))
    assert guard.spent == 0
    guard.check(build_form(OLDER_UTF8, CLEAR_SEND))
    guard.check(build_form(OLDER_GBK, CLEAR_SEND | {"password": "", "sign": "x", "timestamp": "x"}))
    assert guard.spent == 2, "a vendor may accept a signature at any endpoint"
    with pytest.raises(PermissionMissing, match="--budget 2"):
        guard.check(build_form(OLDER_UTF8, CLEAR_SEND))


def test_sends_are_limited_to_allowed_numbers_and_the_budget() -> None:
    guard = SafetyGuard(frozenset({"13000000001", "13000000002"}), budget=5)
    for mobile in ("13000000003", "13000000001,13000000003", "13000000001，13000000003"):
        with pytest.raises(PermissionMissing, match="does not name"):
            guard.check(build_form(UTF8, SEND | {"mobile": mobile}))
    guard.check(build_form(UTF8, SEND | {"mobile": "13000000001,13000000002"}))
    guard.check(build_form(UTF8, SEND | {"content": "字" * 71}))
    guard.check(build_form(UTF8, SEND))
    assert guard.spent == 5
    with pytest.raises(PermissionMissing, match="--budget 5: 5 points are spent, and this send costs 1"):
        guard.check(build_form(UTF8, SEND))
    with pytest.raises(PermissionMissing, match="allow-fetch"):
        guard.check(build_form(STATUS, CREDENTIALS | {"action": "query"}))


@pytest.mark.parametrize("endpoint", [OLDER_UTF8, OLDER_STATUS, UTF8, GBK])
@pytest.mark.parametrize("action", ["changespwd", "ChangesPwd", " changespwd", "changepwd"])
def test_no_permission_allows_changing_the_password_of_a_real_account(endpoint: str, action: str) -> None:
    guard = SafetyGuard(frozenset({"13000000001"}), budget=99, may_fetch=True, older=True)
    fields = CREDENTIALS | CLEAR | {"action": action, "newpwd": "n", "renewpwd": "n", "mobile": "13000000001"}
    for sent in (fields, fields | {"password": "", "sign": ""}):
        with pytest.raises(PermissionMissing, match="changes the password: needs --control"):
            guard.check(build_form(endpoint, sent))
    with pytest.raises(PermissionMissing, match="changes the password"):
        guard.check(build_request(endpoint, query=[("action", "overage")], body=list(fields.items())))
    assert guard.spent == 0
    guard.userids = {"7"}
    guard.check(build_form(endpoint, fields))


@pytest.mark.parametrize(
    "path", ["/statusApi.aspx", "/sms.aspx", "/v2callApi.aspx", "/", "//V2STATUSAPI.aspx/v2sms.aspx"]
)
def test_a_request_to_another_path_than_its_endpoint_is_blocked(path: str) -> None:
    overage = list((CREDENTIALS | {"action": "overage"}).items())
    guard = SafetyGuard(frozenset({"13000000001"}), may_fetch=True, older=True)
    for target in (path, f"http://sms10692.com{path}"):
        request = replace(build_request(UTF8, body=overage), target=target.encode())
        with pytest.raises(PermissionMissing, match=r"the request is not to /v2sms\.aspx"):
            guard.check(request)
    for target in ("/v2sms.aspx", "//V2SMS.aspx/", "/v2sms.aspx/v2sms.aspx", "http://sms10692.com/v2sms.aspx?a=/b"):
        guard.check(replace(build_request(UTF8, body=overage), target=target.encode()))


def test_a_password_at_a_signed_endpoint_needs_the_permission_too() -> None:
    for fields in (CLEAR, CREDENTIALS | {"account": "x", "Password": "y"}):
        request = build_form(UTF8, fields | {"action": "overage"})
        with pytest.raises(PermissionMissing, match="--endpoints all"):
            SafetyGuard().check(request)
        SafetyGuard(older=True).check(request)
    SafetyGuard().check(build_form(UTF8, CREDENTIALS | {"action": "overage", "password": " "}))


A, B = "13000000001", "13000000002"
AB = frozenset({A, B})


@pytest.mark.parametrize(
    ("mobile", "content", "cost"),
    [
        (A, "", 1),
        (A, "字" * 70, 1),
        (A, "字" * 71, 2),
        (A, "字" * 134, 2),
        (A, "字" * 135, 3),
        (A, "x" * 70, 1),
        (A, "x" * 71, 2),
        (A, "😀" * 35, 1),
        (A, "😀" * 35 + "x", 2),
        (A, "😀" * 67, 2),
        (A, "字" * 69 + "😀", 2),
        (A, "字" * 133 + "😀", 3),
        (A, "\ud83d" * 70, 1),
        (A, " \n" * 35, 1),
        (f"{A},{B}", "字" * 70, 2),
        (f"{A},{B}", "😀" * 67, 4),
        (f"{A},{A},{A}", "字" * 71, 6),
        (f",{A} , ,{B},,", "内容", 2),
        (f"{A}，{B}", "内容", 2),
        (",", "内容", 0),
        ("", "内容", 0),
    ],
    ids=lambda value: f"{value[:4]!a}x{len(value)}" if isinstance(value, str) else None,
)
def test_the_cost_of_a_send_is_its_price(mobile: str, content: str, cost: int) -> None:
    pairs = tuple((SEND | {"mobile": mobile, "content": content}).items())
    request = WireRequest(UTF8, pairs, "POST", UTF8.encode(), (), b"")
    guard = SafetyGuard(AB, budget=cost)
    guard.check(request)
    assert guard.spent == cost
    if cost:
        with pytest.raises(
            PermissionMissing, match=f"--budget {cost}: {cost} points are spent, and this send costs {cost}"
        ):
            guard.check(request)
        with pytest.raises(
            PermissionMissing, match=f"--budget {cost - 1}: 0 points are spent, and this send costs {cost}"
        ):
            SafetyGuard(AB, budget=cost - 1).check(request)


FEWER = [(name, value) for name, value in SEND.items() if name not in ("mobile", "content")]


@pytest.mark.parametrize(
    ("query", "body", "cost"),
    [
        ([], [("mobile", A), ("mobile", A), ("content", "x")], 2),
        ([], [("Mobile", A), ("MOBILE", f"{B},{A}"), ("content", "x")], 3),
        ([("mobile", A)], [("mobile", A), ("content", "x")], 1),
        ([("mobile", A)], [("mobile", f"{A},{B}"), ("content", "x")], 2),
        ([("mobile", f"{A},{B}"), ("content", "x")], [("content", "字" * 71)], 4),
        ([], [("mobile", A), ("content", "字" * 35), ("content", "字" * 35)], 2),
        ([("content", "字" * 35)], [("mobile", A), ("content", "字" * 35)], 1),
    ],
)
def test_the_cost_of_repeated_parameters_is_the_price_of_their_decoded_value(
    query: list[tuple[str, str]], body: list[tuple[str, str]], cost: int
) -> None:
    guard = SafetyGuard(AB, budget=100)
    guard.check(build_request(UTF8, query=query, body=[*FEWER, *body]))
    assert guard.spent == cost


def test_the_counted_cost_equals_the_decrease_of_the_balance() -> None:
    own = SuiteAccount("12", "test", "mima")
    texts = ["字" * 70, "字" * 71, "😀" * 67, "x" * 135, "字" * 69 + "😀"]
    with mutant_server() as vendor:
        context = CheckContext(parse_address(vendor.url), own, SafetyGuard(AB, budget=100))
        for text in texts:
            before, spent = context.query_balance(own), context.guard.spent
            context.send(own, f"{A},{B}", text)
            assert before - context.query_balance(own) == context.guard.spent - spent, text


def test_control_permits_requests_of_its_own_accounts_only() -> None:
    guard = SafetyGuard(userids={"91"})
    guard.check(build_form(UTF8, SEND | {"userid": "91"}))
    with pytest.raises(PermissionMissing):
        guard.check(build_form(UTF8, SEND))
    with pytest.raises(PermissionMissing):
        guard.check(build_request(UTF8, query=[("userid", "7")], body=list((SEND | {"userid": "91"}).items())))


def test_an_account_that_is_not_accepted_permits_nothing() -> None:
    requests: list[ApiRequest] = []
    (mutant,) = (mutant for mutant in MUTANTS if mutant.name == "a signature over password + account")

    def record(request: ApiRequest) -> ApiRequest:
        requests.append(request)
        return request

    with mutant_server(replace(mutant.defect, api_request=record)) as vendor:
        completed = run_contract(vendor.url, "--control", vendor.url, *select("1.2-sign", "1.3-ok", "A10"))
    assert completed.returncode == 1
    assert "is not accepted: nothing is sent or fetched" in completed.stderr
    assert "1 of 3 clauses exercised, 0 held, 1 failed" in completed.stdout
    assert {request.action for request in requests} == {"overage"}
