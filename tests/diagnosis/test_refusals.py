"""Every refusal has a finding that names the received value and the rule."""

from dataclasses import replace
from functools import cache
from typing import Any, get_args
from urllib.parse import urlencode

import pytest

from sms10692 import protocol
from sms10692.protocol import Authentication, Endpoint
from sms10692_mock.app.vendor_app import VendorApp, VendorRequest
from sms10692_mock.config import build_vendor
from sms10692_mock.diagnosis import CODES, diagnose
from sms10692_mock.diagnosis.service import diagnose_logged, has_findings
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.authentication import CREDENTIALS_CHECKS
from sms10692_mock.domain.evidence import EXCERPT_LIMIT, REMARKS, Evidence, excerpt
from sms10692_mock.domain.evidence_texts import EvidenceCode
from sms10692_mock.domain.fault_kinds import FaultKind
from sms10692_mock.domain.faults import Fault
from sms10692_mock.domain.records import LoggedRequest, Query
from sms10692_mock.domain.store import StoreUnavailable
from sms10692_mock.domain.validation import RULES
from sms10692_mock.stores.memory.store import MemoryStore
from support.diagnosis import FORM, NOW, TIMESTAMP, build_context, build_form, md5
from support.emulators import WsgiHarness, build_options
from support.exchanges import EXCHANGES, Exchange, load_exchange
from support.faults import FAULTS
from support.flask_emulator import FlaskEmulator

EVIDENCE_CODES: tuple[str, ...] = get_args(EvidenceCode)
READ_ONLY = Account(userid="13", account="reader", password="geheim", can_read_queues=False)
POOR = Account(userid="14", account="poor", password="geheim", points=991)


def fetch_form(account: Account = DEFAULT_ACCOUNT, **fields: str) -> bytes:
    sign = md5(f"{account.account}{account.password}{TIMESTAMP}")
    credentials = {"action": "query", "userid": account.userid, "timestamp": TIMESTAMP, "sign": sign}
    return urlencode(credentials | fields).encode()


def without(form: bytes, *names: str) -> bytes:
    return b"&".join(pair for pair in form.split(b"&") if pair.partition(b"=")[0].decode() not in names)


def renamed(form: bytes, name: bytes, new_name: bytes) -> bytes:
    assert name + b"=" in form
    return form.replace(name + b"=", new_name + b"=")


MANY = ",".join(["15023239810"] * 1200)
POOR_SIGN = md5(f"poorgeheim{TIMESTAMP}")
V2SMS, STATUS, CALL = protocol.V2SMS, protocol.V2STATUS_API, protocol.V2CALL_API

REFUSED: dict[str, tuple[Endpoint, bytes, str, str, str]] = {
    "slashes": (
        *(V2SMS, build_form(sendTime="2026/12/30 10:00:00"), "其他错误"),
        "refusal.send-time-format",
        "sendTime is '2026/12/30 10:00:00'; expected yyyy-MM-dd HH:mm:ss",
    ),
    "no seconds": (
        *(V2SMS, build_form(sendTime="2026-12-30 10:00"), "其他错误"),
        "refusal.send-time-format",
        "sendTime is '2026-12-30 10:00'; expected yyyy-MM-dd HH:mm:ss",
    ),
    "no such day": (
        *(V2SMS, build_form(sendTime="2026-02-30 10:00:00"), "其他错误"),
        "refusal.send-time-no-date",
        "sendTime is '2026-02-30 10:00:00', and there is no such date",
    ),
    "long extno": (
        *(V2SMS, build_form(extno="12345678901"), "其他错误"),
        "refusal.extno-too-long",
        "extno has 11 digits; at most 10 are allowed",
    ),
    "letters in extno": (
        *(V2SMS, build_form(extno="A1"), "其他错误"),
        "refusal.extno-not-digits",
        "extno is 'A1', and only digits are allowed",
    ),
    "action in another case": (
        *(V2SMS, build_form(action="Send"), "其他错误"),
        "refusal.action",
        "action is 'Send'; this endpoint supports send, overage, checkkeyword",
    ),
    "no action": (
        *(V2SMS, without(build_form(), "action"), "其他错误"),
        "refusal.action-missing",
        "action is missing; this endpoint supports send, overage, checkkeyword",
    ),
    "action of another page": (
        *(STATUS, fetch_form(action="status"), "参数不正确"),
        "refusal.action",
        "action is 'status'; this endpoint supports query",
    ),
    "no action of a queue": (
        *(CALL, fetch_form(action=" "), "参数不正确"),
        "refusal.action-missing",
        "action is missing; this endpoint supports query",
    ),
    "a word for a number": (
        *(STATUS, fetch_form(statusNum="all"), "参数不正确"),
        "refusal.status-num",
        "statusNum 'all' is not a number",
    ),
    "zero reports": (
        *(STATUS, fetch_form(statusNum="0"), "参数不正确"),
        "refusal.status-num-zero",
        "statusNum is '0', and must be at least 1",
    ),
    "forbidden word": (
        *(V2SMS, build_form(content="【店】代开发票"), "包含非法字符："),
        "refusal.forbidden-word",
        "The text contains the forbidden word '发票' at character 6",
    ),
    "quote": (
        *(V2SMS, build_form(content="it' or not"), "发送内容包含sql注入字符"),
        "refusal.sql-injection",
        "The text looks like SQL injection: '' or' at character 3",
    ),
    "quote after a harmless one": (
        *(V2SMS, build_form(content="it' oral ' or not"), "发送内容包含sql注入字符"),
        "refusal.sql-injection",
        "The text looks like SQL injection: '' or' at character 10",
    ),
    "a phone": (
        *(V2SMS, renamed(build_form(), b"mobile", b"phone"), "短信号码不能为空"),
        "refusal.mobile-missing",
        "mobile is missing; received 'phone'",
    ),
    "only commas": (
        *(V2SMS, build_form(mobile=",,"), "短信号码不能为空"),
        "refusal.mobile-empty",
        "mobile is ',,', without a number",
    ),
    "no text": (
        *(V2SMS, build_form(content=" "), "短信内容不能为空"),
        "refusal.content-empty",
        "content is ' ', without visible text",
    ),
    "another name of the text": (
        *(V2SMS, renamed(build_form(), b"content", b"msg"), "短信内容不能为空"),
        "refusal.content-missing",
        "content is missing; received 'msg'",
    ),
    "too expensive": (
        *(V2SMS, build_form(userid="14", sign=POOR_SIGN, mobile=MANY), "对不起，您当前要发送的量大于您当前余额"),
        "refusal.balance",
        "The send costs 1200 points (1200 numbers × 1 per number), the balance is 991",
    ),
    "queues": (
        *(STATUS, fetch_form(READ_ONLY), "该用户不允许查看状态报告"),
        "refusal.queues-not-allowed",
        "This account may not read the queues",
    ),
    "queue of replies": (
        *(CALL, fetch_form(READ_ONLY), "该用户不允许查看状态报告"),
        "refusal.replies-not-allowed",
        "This account may not read the queues",
    ),
    **{
        f"reserved number {number}": (
            *(V2SMS, build_form(mobile=f"15023239810,1000000000{number}"), message),
            "refusal.reserved-number",
            f"The number 1000000000{number} is reserved for this refusal",
        )
        for number, message in enumerate(protocol.SEND.messages[1:], start=1)
    },
}


@pytest.fixture(scope="module")
def emulator() -> FlaskEmulator:
    """Emulator at the time of the manual's timestamp."""
    emulator = FlaskEmulator(replaced_options={"accounts": (DEFAULT_ACCOUNT, READ_ONLY, POOR)})
    emulator.now = NOW
    return emulator


def last_document(emulator: FlaskEmulator) -> dict[str, Any]:
    (entry,) = emulator.control("GET", "requests?order=desc&limit=1")["items"]
    document: dict[str, Any] = emulator.control("GET", f"requests/{entry['number']}")
    return document


@pytest.mark.parametrize(("endpoint", "body", "message", "code", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_names_the_value_and_the_rule(
    emulator: FlaskEmulator, endpoint: Endpoint, body: bytes, message: str, code: str, sentence: str
) -> None:
    response = emulator.http.post(endpoint.path, data=body, content_type=FORM)
    assert f">{message}<" in response.text
    first = last_document(emulator)["diagnosis"][0]
    assert (first["code"], first["kind"]) == (code, "refusal")
    assert first["sentence"].startswith(sentence)
    assert response.headers["X-Mock-Hint"].startswith(
        f"{code}: {sentence.encode('ascii', 'backslashreplace').decode()}"
    )


EVIDENCE = {
    "account-deleted": ((), "The account was deleted while the request was processed"),
    "credentials-empty": (("userid, timestamp", "sign"), "userid, timestamp or sign was empty"),
    "delivery-rule": (("150",), "A delivery rule of the account refuses sends to the number 150"),
    "fault": (("vendor_error", 2), "The fault 'vendor_error' was triggered (2 left)"),
    "fault-unlimited": (("vendor_error",), "The fault 'vendor_error' was triggered (without a limit)"),
    "store-unavailable": ((), "The store of the emulator is unavailable"),
    "timestamp-format": (("1341155532",), "The timestamp is '1341155532', and this emulator checks it"),
    "timestamp-skew": (("20120701231212", 600, "300"), "The timestamp 20120701231212 is 600 s off; 300 s are allowed"),
}


@pytest.mark.parametrize(("code", "values", "sentence"), [(code, *rest) for code, rest in EVIDENCE.items()])
def test_the_values_of_evidence_are_in_the_sentence(
    code: EvidenceCode, values: tuple[str | int, ...], sentence: str
) -> None:
    context = build_context(build_form())._replace(evidence=Evidence(code, values))
    (finding,) = diagnose(context)
    assert finding.code == f"refusal.{code}"
    assert finding.sentence.startswith(sentence)


def test_a_fault_says_how_often_it_will_be_triggered_again(emulator: FlaskEmulator) -> None:
    emulator.control("POST", "faults", {"kind": "vendor_error", "message": "其他错误", "times": 3})
    hint = emulator.http.post("/v2sms.aspx", data=build_form(), content_type=FORM).headers["X-Mock-Hint"]
    assert hint.startswith("refusal.fault: The fault 'vendor_error' was triggered (2 left)")
    emulator.control("DELETE", "faults")
    emulator.control("POST", "faults", {"kind": "vendor_error", "message": "其他错误"})
    hint = emulator.http.post("/v2sms.aspx", data=build_form(), content_type=FORM).headers["X-Mock-Hint"]
    assert hint.startswith("refusal.fault-unlimited: The fault 'vendor_error' was triggered (without a limit)")
    emulator.control("DELETE", "faults")


def post(body: bytes) -> VendorRequest:
    return VendorRequest("POST", b"", FORM, body, headers=[("Content-Type", FORM)])


def build_app(log: list[str]) -> VendorApp:
    options = build_options(lambda: NOW)
    store = MemoryStore(real_time=lambda: NOW)
    store.create_account(DEFAULT_ACCOUNT)
    return VendorApp(build_vendor(options, store), options, log=lambda entry: log.append(str(entry)))


@pytest.mark.parametrize("kind", [kind for kind in FAULTS if kind != "vendor_error"])
def test_a_fault_that_was_triggered_is_named_everywhere(kind: FaultKind) -> None:
    log: list[str] = []
    app = build_app(log)
    fault = Fault(id="a", times=3, **FAULTS[kind])
    app._vendor.store.change_settings(lambda settings: replace(settings, faults=(fault,)))
    response = app.respond(STATUS, post(fetch_form()))
    sentence = f"http.fault: The fault '{kind}' was triggered and may have changed the response (2 left)"
    assert dict(response.headers)["X-Mock-Hint"].startswith(sentence)
    assert f"\n  {sentence}" in log[0]
    (entry,) = app._vendor.store.requests(None, Query()).items
    assert [one.code for one in diagnose_logged(entry, app._vendor.store)] == ["http.fault"]
    assert has_findings(entry, app._vendor.store)


def test_a_refused_request_with_a_fault_has_both_findings() -> None:
    log: list[str] = []
    app = build_app(log)
    faults = (
        Fault(id="a", kind="latency", seconds=0.01, apply=True),
        Fault(id="b", kind="vendor_error", message="其他错误"),
    )
    app._vendor.store.change_settings(lambda settings: replace(settings, faults=faults))
    hint = dict(app.respond(V2SMS, post(build_form())).headers)["X-Mock-Hint"]
    assert [one.partition(":")[0] for one in hint.split(" | ")] == ["refusal.fault-unlimited", "http.fault-unlimited"]
    assert "'vendor_error'" in hint.split(" | ")[0]
    assert "'latency'" in hint.split(" | ")[1]
    app._vendor.store.change_settings(lambda settings: replace(settings, faults=faults[:1]))
    response = app.respond(V2SMS, post(build_form(extno="x")))
    hint = dict(response.headers)["X-Mock-Hint"]
    assert [one.partition(":")[0] for one in hint.split(" | ")] == ["refusal.extno-not-digits", "http.fault-unlimited"]


PLAIN = Authentication("plain", ("userid", "account", "password"))


def test_credentials_of_another_authentication_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(request: ApiRequest, account: Account, now: float, max_clock_skew: float | None) -> Evidence | None:
        accepted = (account.userid, account.account, account.password)
        return None if request.credentials == accepted else Evidence("credentials-wrong")

    monkeypatch.setitem(CREDENTIALS_CHECKS, PLAIN, check)
    endpoint = replace(V2SMS, path="/sms.aspx", authentication=PLAIN)
    context = build_context(build_form())
    wrong = ("12", "test", "geheim")
    request = context.request._replace(endpoint=endpoint, credentials=wrong)
    refused = context._replace(request=request, evidence=Evidence("credentials-wrong"))
    first = diagnose(refused)[0]
    assert first.sentence.startswith("userid, account and password are not those of an account at /sms.aspx")
    changed = refused._replace(request=request._replace(credentials=("12", "test", "mima")))
    assert diagnose(changed)[0].sentence.startswith(
        "The account did not accept userid, account and password at /sms.aspx when the request arrived"
    )


def test_a_timestamp_that_is_refused_gets_its_distance() -> None:
    emulator = FlaskEmulator(replaced_options={"accounts": (DEFAULT_ACCOUNT,)}, profile="max_clock_skew = 300")
    emulator.now = NOW + 600
    hint = emulator.http.post("/v2sms.aspx", data=build_form(), content_type=FORM).headers["X-Mock-Hint"]
    assert hint.startswith("refusal.timestamp-skew: The timestamp 20120701231212 is 600 s off; 300 s are allowed")
    form = build_form(timestamp="1341155532", sign=md5("testmima1341155532"))
    hint = emulator.http.post("/v2sms.aspx", data=form, content_type=FORM).headers["X-Mock-Hint"]
    assert hint.startswith("refusal.timestamp-format: The timestamp is '1341155532', and this emulator checks it")


def test_a_signature_that_became_right_since_is_explained(emulator: FlaskEmulator) -> None:
    form = build_form(userid="15", sign=md5(f"later{TIMESTAMP}"))
    emulator.http.post("/v2sms.aspx", data=form, content_type=FORM)
    document = last_document(emulator)
    assert document["diagnosis"][0]["code"] == "signature.userid-unknown"
    emulator.control("POST", "accounts", {"userid": "15", "account": "l", "password": "ater"})
    document = emulator.control("GET", f"requests/{document['number']}")
    assert document["diagnosis"][0]["code"] == "refusal.credentials-changed"
    assert document["diagnosis"][0]["sentence"].startswith(
        "The account did not accept userid, timestamp and sign at /v2sms.aspx"
    )


def test_a_failing_store_is_named() -> None:
    class FailingStore(MemoryStore):
        def next_task_id(self) -> int:
            raise StoreUnavailable("gone")

    options = build_options(lambda: NOW)
    store = FailingStore(real_time=lambda: NOW)
    store.create_account(DEFAULT_ACCOUNT)
    app = VendorApp(build_vendor(options, store), options)
    response = app.respond(V2SMS, VendorRequest("POST", b"", FORM, build_form()))
    assert "其他错误" in response.body.decode()
    assert dict(response.headers)["X-Mock-Hint"].startswith("refusal.store-unavailable: ")


def test_each_evidence_has_a_message() -> None:
    refined = {
        "refusal.action-missing",
        "refusal.action-elsewhere",
        "refusal.mobile-missing",
        "refusal.content-missing",
        "refusal.credentials-changed",
        "refusal.profile-rule",
    }
    codes = {code for code in CODES if code.startswith("refusal.")}
    assert codes == {f"refusal.{code}" for code in {*EVIDENCE_CODES} - REMARKS} | refined
    assert {f"habit.{code}" for code in REMARKS} <= set(CODES)


CHECKS = {
    check: (operation.name if operation else "", message)
    for operation, rules in reversed(list(RULES.items()))
    for message, check in rules
}
"""Every check of the table, with an operation and a message."""


@pytest.mark.parametrize("refusal", CHECKS.values(), ids=[check.__name__ for check in CHECKS])
def test_each_check_of_the_table_refuses_an_exchange(refusal: tuple[str, str]) -> None:
    """So a new row of the table needs an exchange, whose finding the next test reads."""
    assert refusal in {one for exchange in EXCHANGES for one in read_refusals(exchange.name)}


@cache
def read_refusals(name: str) -> frozenset[tuple[str, str]]:
    """Send an exchange; return operation and message of each refusal. Asserts that the refusals have findings."""
    exchange = load_exchange(name)
    emulator = WsgiHarness(**exchange.given)
    for one in (*exchange.before, name):
        emulator.send_raw(load_exchange(one).request)
    refusals = set()
    for entry in emulator.store.requests(None, Query()).items:
        explained = [
            one for one in diagnose_logged(entry, emulator.store) if one.kind in ("refusal", "signature", "password")
        ]
        assert bool(explained) == bool(entry.refusal), explained
        if entry.refusal:
            refusals.add((entry.operation, entry.refusal))
    return frozenset(refusals)


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.name)
def test_every_refusal_of_the_exchanges_has_a_finding(exchange: Exchange) -> None:
    refusals = {message for _, message in read_refusals(exchange.name)}
    expected = exchange.result.get("refusal", {}).get("message")
    assert expected is None or expected in refusals


ORDINARY = [exchange for exchange in EXCHANGES if "/q" not in exchange.name and "/older-both" not in exchange.name]
"""The exchanges without an oddity, such as a GET (`q…`), which has a finding although the vendor accepts it."""


_REMARKS = {"/older-word-unchecked": "habit.word-unchecked", "/profile-json-other-switch": "habit.json-parameter"}


@pytest.mark.parametrize("exchange", ORDINARY, ids=lambda exchange: exchange.name)
def test_an_ordinary_exchange_that_succeeds_has_no_finding_but_about_polling(exchange: Exchange) -> None:
    emulator = WsgiHarness(**exchange.given)
    for one in (*exchange.before, exchange.name):
        emulator.send_raw(load_exchange(one).request)
    last = emulator.store.requests(None, Query(newest_first=True)).items[0]
    codes = {finding.code for finding in diagnose_logged(last, emulator.store)}
    remarks = {code for part, code in _REMARKS.items() if part in exchange.name}
    assert last.refusal or codes - {"habit.polling"} == remarks


def test_evidence_of_a_long_value_is_short(emulator: FlaskEmulator) -> None:
    emulator.http.post("/v2sms.aspx", data=build_form(extno="x" * 50_000), content_type=FORM)
    (finding,) = last_document(emulator)["diagnosis"]
    assert finding["sentence"].startswith(f"extno is '{'x' * 64}…'")
    assert len(excerpt("x" * 50_000)) == EXCERPT_LIMIT


def test_evidence_counts_in_the_size_of_the_request_log() -> None:
    entry = LoggedRequest(1, 0.0, 0.0, 0.0, "GET", "/", b"", [], b"", "1", "", "", None, 200, "", b"")
    refused = entry._replace(evidence=Evidence("extno-not-digits", ("x" * 100,)))
    assert refused.size >= entry.size + 400


def test_no_password_is_in_the_finding_of_a_refusal(emulator: FlaskEmulator) -> None:
    response = emulator.http.post("/v2sms.aspx", data=build_form(extno="mima"), content_type=FORM)
    assert "extno is '***'" in response.headers["X-Mock-Hint"]
    assert "mima" not in str(last_document(emulator)["diagnosis"])
