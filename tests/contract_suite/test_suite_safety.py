"""Nothing leaves the suite that was not allowed: no send, no fetch, no number too many.

Here belongs the gate, and what came over the wire. That a control address is the vendor's own is in
`test_suite_control`.
"""

import re
from dataclasses import replace

import pytest

from sms10692_contract.clauses import CLAUSES
from sms10692_contract.harness import EFFORTS, CheckContext, SuiteAccount
from sms10692_contract.http import parse_address
from sms10692_contract.requests import CALL, GBK, STATUS, UTF8, WireRequest, build_request, form
from sms10692_contract.runner import State, run_checks
from sms10692_contract.safety import INVALID_SIGN, PermissionMissing, SafetyGuard
from sms10692_mock.domain.api_request import ApiRequest
from support.contract_cli import contract, only
from support.fake_servers import recording_server
from support.mutant_vendor import Defect, mutant_server
from support.mutants import MUTANTS

ACCOUNT = SuiteAccount("7", "shop", "secret")
FEW = replace(EFFORTS["quick"], examples=12)


BLANK = re.compile(r"(?:\s|\xe3\x80\x80|\xa1\xa1)*")
"""White space, the full-width space in the bytes of either page included."""


def is_harmless(path: str, fields: dict[str, list[str]]) -> bool:
    """By what came over the wire: it only asks, or nobody could accept it."""
    if any(
        BLANK.fullmatch(value) or value == INVALID_SIGN
        for name in ("userid", "timestamp", "sign")
        for value in fields.get(name, [""])
    ):
        return True
    asks = set(fields.get("action", [])) <= {"overage", "checkkeyword"} and "action" in fields
    return asks and path.strip("/").lower().startswith("v2sms")


def test_without_permission_nothing_that_sends_or_fetches_leaves() -> None:
    with recording_server() as (url, kept):
        list(run_checks(CheckContext(parse_address(url), ACCOUNT, SafetyGuard(), profile=FEW), CLAUSES))
    readable = [(path, fields) for path, fields in kept if fields.get("action") or fields.get("sign")]
    assert len(readable) > 40
    assert [one for one in readable if not is_harmless(*one)] == []


def test_without_permission_a_vendor_that_answers_is_not_asked_to_send_or_to_hand_over() -> None:
    asked: list[ApiRequest] = []

    def keep(call: ApiRequest) -> ApiRequest:
        asked.append(call)
        return call

    own = SuiteAccount("12", "test", "mima")
    with mutant_server(Defect(call=keep)) as vendor:
        verdicts = list(run_checks(CheckContext(parse_address(vendor.url), own, SafetyGuard(), profile=FEW), CLAUSES))
    assert {verdict.state for verdict in verdicts} == {State.HELD, State.NOT_EXERCISED}
    assert len(asked) > 500
    for call in asked:
        nobodys = call.sign.strip() in ("", INVALID_SIGN) or not (
            call.userid.strip() and call.timestamp.strip() and call.sign.strip()
        )
        assert nobodys or (call.page.path in (UTF8, GBK) and call.action in ("overage", "checkkeyword")), call


def test_a_check_that_asks_too_much_is_held_back_before_its_bytes_are_made() -> None:
    """Even where the table says by mistake that a clause needs nothing."""
    with recording_server() as (url, kept):
        lab = CheckContext(parse_address(url), ACCOUNT, SafetyGuard())
        for ask in (lab.send, lab.status, lab.call):
            with pytest.raises(PermissionMissing):
                ask(ACCOUNT)
    assert kept == []


CREDENTIALS = ACCOUNT.credentials("20120701231212")
SEND = CREDENTIALS | {"action": "send", "mobile": "13000000001", "content": "内容"}


@pytest.mark.parametrize(
    "request_",
    [
        form(UTF8, SEND),
        form(GBK, SEND | {"action": "Send"}),
        form(UTF8, SEND | {"action": ""}),
        form(UTF8, {name: value for name, value in SEND.items() if name != "action"}),
        form(UTF8, SEND | {"sign": CREDENTIALS["sign"].upper()}),
        form(UTF8, SEND | {"sign": CREDENTIALS["sign"][:16]}),
        form(UTF8, {name.upper(): value for name, value in SEND.items()}),
        build_request(UTF8, query=[("action", "overage")], body=list(SEND.items())),
        build_request(UTF8, query=[("sign", "")], body=list(SEND.items())),
        form(STATUS, CREDENTIALS | {"action": "query"}),
        form(CALL, CREDENTIALS | {"action": "x"}),
        form(STATUS, CREDENTIALS | {"action": "query", "statusNum": "0"}),
    ],
    ids=lambda request: f"{request.page} {request.body.decode('ascii')[-60:]}",
)
def test_a_request_that_some_vendor_might_act_on_is_held_back(request_: object) -> None:
    with pytest.raises(PermissionMissing):
        SafetyGuard().check(request_)  # type: ignore[arg-type]


def test_only_the_numbers_that_are_allowed_are_sent_to_and_only_so_many_messages() -> None:
    gate = SafetyGuard(frozenset({"13000000001", "13000000002"}), budget=5)
    for mobile in ("13000000003", "13000000001,13000000003", "13000000001，13000000003"):
        with pytest.raises(PermissionMissing, match="does not name"):
            gate.check(form(UTF8, SEND | {"mobile": mobile}))
    gate.check(form(UTF8, SEND | {"mobile": "13000000001,13000000002"}))
    gate.check(form(UTF8, SEND | {"content": "字" * 71}))
    gate.check(form(UTF8, SEND))
    assert gate.spent == 5
    with pytest.raises(PermissionMissing, match="--budget 5: 5 are spent, and this send costs 1"):
        gate.check(form(UTF8, SEND))
    with pytest.raises(PermissionMissing, match="allow-fetch"):
        gate.check(form(STATUS, CREDENTIALS | {"action": "query"}))


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
def test_a_send_is_counted_as_the_account_is_billed(mobile: str, content: str, cost: int) -> None:
    pairs = tuple((SEND | {"mobile": mobile, "content": content}).items())
    request = WireRequest(UTF8, pairs, "POST", UTF8.encode(), (), b"")
    gate = SafetyGuard(AB, budget=cost)
    gate.check(request)
    assert gate.spent == cost
    if cost:
        with pytest.raises(PermissionMissing, match=f"--budget {cost}: {cost} are spent, and this send costs {cost}"):
            gate.check(request)
        with pytest.raises(PermissionMissing, match=f"--budget {cost - 1}: 0 are spent, and this send costs {cost}"):
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
def test_a_parameter_given_twice_is_counted_as_it_is_read(
    query: list[tuple[str, str]], body: list[tuple[str, str]], cost: int
) -> None:
    gate = SafetyGuard(AB, budget=100)
    gate.check(build_request(UTF8, query=query, body=[*FEWER, *body]))
    assert gate.spent == cost


def test_the_budget_is_what_the_balance_of_a_paid_account_loses() -> None:
    own = SuiteAccount("12", "test", "mima")
    texts = ["字" * 70, "字" * 71, "😀" * 67, "x" * 135, "字" * 69 + "😀"]
    with mutant_server() as vendor:
        lab = CheckContext(parse_address(vendor.url), own, SafetyGuard(AB, budget=100))
        for text in texts:
            before, spent = lab.balance(own), lab.guard.spent
            lab.send(own, f"{A},{B}", text)
            assert before - lab.balance(own) == lab.guard.spent - spent, text


def test_control_allows_everything_to_its_own_accounts_only() -> None:
    gate = SafetyGuard(userids={"91"})
    gate.check(form(UTF8, SEND | {"userid": "91"}))
    with pytest.raises(PermissionMissing):
        gate.check(form(UTF8, SEND))
    with pytest.raises(PermissionMissing):
        gate.check(build_request(UTF8, query=[("userid", "7")], body=list((SEND | {"userid": "91"}).items())))


def test_an_account_that_is_known_and_not_accepted_allows_nothing() -> None:
    asked: list[ApiRequest] = []
    (broken,) = (one for one in MUTANTS if one.name == "a signature over password + account")

    def keep(call: ApiRequest) -> ApiRequest:
        asked.append(call)
        return call

    with mutant_server(replace(broken.fault, call=keep)) as vendor:
        ended = contract(vendor.url, "--control", vendor.url, *only("1.2-sign", "1.3-ok", "4.3-nothing"))
    assert ended.returncode == 1
    assert "is not accepted: nothing is sent or fetched" in ended.stderr
    assert "1 of 3 clauses exercised, 0 held, 1 failed" in ended.stdout
    assert {call.action for call in asked} == {"overage"}
