"""Tests of the diagnosis over HTTP: findings in the header X-Mock-Hint and in the control API.

Which findings a request has is tested in the other modules of this folder.
"""

import base64
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import pytest

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT
from support.client_mistakes import RIGHT, SIGNS, TEXTS
from support.diagnosis import FORM, NOW, OTHERS, SECRETS, TIMESTAMP, build_form, md5
from support.emulators import emulator_process
from support.flask_emulator import FlaskEmulator
from support.http_client import Address, open_session

QUEUES = (protocol.STATUS, protocol.CALL)


@pytest.fixture(scope="module")
def emulator() -> FlaskEmulator:
    """Emulator at the time of the manual's timestamp, with several accounts."""
    emulator = FlaskEmulator(replaced_options={"accounts": (DEFAULT_ACCOUNT, *OTHERS)})
    emulator.now = NOW
    return emulator


class DiagnosedRequest:
    """One sent request with its response, its hint header and its document in the control API."""

    def __init__(self, emulator: FlaskEmulator, endpoint: Endpoint, body: bytes, **request: Any) -> None:
        arguments = {"method": "POST", "content_type": FORM} | request
        response = emulator.http.open(endpoint.path, data=body, **arguments)
        self.response = response.data
        self.hint = response.headers.get("X-Mock-Hint", "")
        (entry,) = emulator.control("GET", "requests?order=desc&limit=1")["items"]
        self.document = emulator.control("GET", f"requests/{entry['number']}")
        if entry["userid"] == "12":
            assert emulator.control("GET", f"accounts/12/requests/{entry['number']}") == self.document
        output = f"{self.hint} {self.document['diagnosis']}"
        assert not any(secret in output for secret in SECRETS)
        assert base64.b64decode(self.document["response_body"]) == self.response
        assert base64.b64decode(self.document["body"]) == body

    def codes(self, kind: str) -> list[str]:
        found = [finding["code"] for finding in self.document["diagnosis"] if finding["kind"] == kind]
        assert all(f"{code}: " in self.hint for code in found)
        return found


@pytest.mark.parametrize(("code", "sign"), SIGNS.values(), ids=SIGNS)
def test_a_wrong_signature_is_explained(emulator: FlaskEmulator, code: str, sign: str) -> None:
    diagnosed = DiagnosedRequest(emulator, protocol.V2SMS, build_form(sign=sign))
    assert "用户名或密码错误" in diagnosed.response.decode()
    assert diagnosed.codes("signature") == [f"signature.{code}"]
    assert diagnosed.document["refusal"] == "用户名或密码错误"
    assert diagnosed.document["fields"]["sign"] == sign


@pytest.mark.parametrize(("endpoint", "raw", "code", "meant"), TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("sign", [RIGHT, md5("x")], ids=["accepted", "refused"])
def test_a_garbled_text_is_explained_even_if_the_send_is_accepted(
    emulator: FlaskEmulator, endpoint: Endpoint, raw: bytes, code: str, meant: str, sign: str
) -> None:
    body = build_form(endpoint, sign=sign, content="x").replace(
        b"content=x", b"content=" + quote_from_bytes(raw).encode()
    )
    diagnosed = DiagnosedRequest(emulator, endpoint, body)
    assert (b">ok<" in diagnosed.response) == (sign == RIGHT)
    assert diagnosed.codes("text") == [f"text.{code}"]
    assert [finding["meant"] for finding in diagnosed.document["diagnosis"] if finding["kind"] == "text"] == [meant]


CORRECT_REQUESTS = {
    "send": (protocol.V2SMS, build_form()),
    "send to the GBK endpoint": (protocol.V2SMS_GBK, build_form(protocol.V2SMS_GBK)),
    "send of a long text": (protocol.V2SMS, build_form(content="【商店】您的验证码是 1234，5 分钟内有效。" * 20)),
    "send of English": (protocol.V2SMS, build_form(content="Hello! Is 50% off ok?")),
    "send later": (protocol.V2SMS, build_form(sendTime="2012-07-02 08:00:00", extno="01")),
}


@pytest.mark.parametrize(("endpoint", "body"), CORRECT_REQUESTS.values(), ids=CORRECT_REQUESTS)
def test_a_correct_send_has_no_findings(emulator: FlaskEmulator, endpoint: Endpoint, body: bytes) -> None:
    diagnosed = DiagnosedRequest(emulator, endpoint, body)
    assert b">ok<" in diagnosed.response
    assert (diagnosed.hint, diagnosed.document["diagnosis"]) == ("", [])


def credentials(emulator: FlaskEmulator, **fields: str) -> tuple[dict[str, Any], bytes]:
    """Create an account; return it with a correctly signed form."""
    account = emulator.control("POST", "accounts")
    sign = md5(f"{account['account']}{account['password']}{TIMESTAMP}")
    sent = {"userid": account["userid"], "timestamp": TIMESTAMP, "sign": sign}
    return account, urlencode(sent | fields).encode()


SIGNED_OPERATIONS = [
    operation for operation in protocol.OPERATIONS if operation.endpoints[0].authentication is protocol.SIGNED
]


@pytest.mark.parametrize("operation", SIGNED_OPERATIONS, ids=lambda operation: operation.name)
def test_a_correct_request_of_any_operation_has_no_findings(
    emulator: FlaskEmulator, operation: protocol.Operation
) -> None:
    texts = {"content": "内容", "mobile": "15023239810"} if operation is protocol.SEND else {"content": "内容"}
    fields = texts if operation in (protocol.SEND, protocol.CHECKKEYWORD) else {}
    _, body = credentials(emulator, action=operation.action, **fields)
    diagnosed = DiagnosedRequest(emulator, operation.endpoints[0], body)
    assert diagnosed.document["refusal"] == ""
    assert (diagnosed.hint, diagnosed.document["diagnosis"]) == ("", [])


STYLE_CASES: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "a GET": ("habit.get", {"method": "GET"}, {}),
    "a stale timestamp": ("habit.stale", {}, {"timestamp": "20120601231212"}),
    "a 12-hour clock": ("habit.twelve-hour", {}, {"timestamp": "20120701111212"}),
    "another Content-Type": ("habit.content-type", {"content_type": "text/plain"}, {}),
    "another charset": ("habit.charset-label", {"content_type": f"{FORM}; charset=gbk"}, {}),
    "an unknown parameter": ("habit.unknown-parameters", {}, {"sendtype": "1"}),
    "credentials in the query": ("habit.credentials-in-query", {"query_string": "userid=12"}, {"userid": ""}),
}


@pytest.mark.parametrize(("code", "request_arguments", "fields"), STYLE_CASES.values(), ids=STYLE_CASES)
def test_a_style_warning_is_given_for_an_accepted_request(
    emulator: FlaskEmulator, code: str, request_arguments: dict[str, Any], fields: dict[str, str]
) -> None:
    stamp = fields.get("timestamp", TIMESTAMP)
    body = build_form(protocol.V2SMS, **{"sign": md5(f"testmima{stamp}")} | fields).replace(b"userid=&", b"")
    diagnosed = DiagnosedRequest(emulator, protocol.V2SMS, body, **request_arguments)
    assert b">ok<" in diagnosed.response
    assert diagnosed.codes("habit") == [code]


@pytest.mark.parametrize("operation", QUEUES, ids=lambda operation: operation.name)
def test_frequent_polling_is_warned_about(emulator: FlaskEmulator, operation: protocol.Operation) -> None:
    _, body = credentials(emulator, action=operation.action)
    endpoint = operation.endpoints[0]
    assert DiagnosedRequest(emulator, endpoint, body).codes("habit") == []
    assert DiagnosedRequest(emulator, endpoint, body).codes("habit") == ["habit.polling", "habit.fetched-after-empty"]
    emulator.now += 20
    assert DiagnosedRequest(emulator, endpoint, body).codes("habit") == ["habit.polling"]
    emulator.now += 30
    assert DiagnosedRequest(emulator, endpoint, body).codes("habit") == []
    emulator.now = NOW


def test_fetching_a_queue_in_pages_is_not_warned_about(emulator: FlaskEmulator) -> None:
    account, body = credentials(emulator, action="query", statusNum="1")
    emulator.send(account, mobile="13000000000,13000000001,13000000002")
    for _ in range(4):
        assert DiagnosedRequest(emulator, protocol.STATUS.endpoints[0], body).codes("habit") == []


def test_a_request_of_an_unknown_userid_is_logged_and_explained(emulator: FlaskEmulator) -> None:
    diagnosed = DiagnosedRequest(emulator, protocol.V2SMS, build_form(userid="4711"))
    assert diagnosed.codes("signature") == ["signature.userid-of-another"]
    assert diagnosed.document["userid"] == "4711"
    assert emulator.refusal("GET", "accounts/4711/requests")[0] == 404
    number = diagnosed.document["number"]
    assert emulator.control("GET", f"accounts/4711/requests/{number}")["number"] == number
    assert emulator.refusal("GET", f"accounts/12/requests/{number}")[0] == 404


def test_permanent_accounts_are_compared_even_after_many_temporary_ones() -> None:
    emulator = FlaskEmulator(replaced_options={"accounts": (DEFAULT_ACCOUNT, *OTHERS)})
    emulator.now = NOW
    first, *_ = [emulator.control("POST", "accounts") for _ in range(501)]
    shop = OTHERS[0]
    body = build_form(userid=first["userid"], sign=md5(f"{shop.account}{shop.password}{TIMESTAMP}"))
    diagnosed = DiagnosedRequest(emulator, protocol.V2SMS, body + f"&{shop.password}=a+name+that+is+quoted".encode())
    assert diagnosed.codes("signature") == ["signature.another-account"]
    assert f"'{shop.userid}'" in diagnosed.document["diagnosis"][0]["sentence"]
    assert "***" in diagnosed.hint


def test_a_response_changed_by_a_fault_names_the_fault_and_the_mistake(emulator: FlaskEmulator) -> None:
    fault = emulator.control("POST", "faults", {"kind": "empty_body"})
    diagnosed = DiagnosedRequest(emulator, protocol.V2SMS, build_form(sign="x"))
    assert diagnosed.response == b""
    assert [one.partition(":")[0] for one in diagnosed.hint.split(" | ")] == [
        "http.fault-unlimited",
        "signature.not-32-digits",
    ]
    emulator.control("DELETE", f"faults/{fault['id']}")


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with emulator_process("--log-level", "error") as (_, address):
        yield address


def test_a_request_with_another_method_has_a_hint(emulator: FlaskEmulator) -> None:
    diagnosed = DiagnosedRequest(emulator, protocol.V2SMS, build_form(sign=RIGHT), method="PUT")
    assert diagnosed.hint == "http.method: The method is PUT: use POST."
    assert diagnosed.response == b"this page answers GET, HEAD, POST\n"


def test_the_hint_header_is_one_line_of_ascii(address: Address) -> None:
    with open_session(address) as session:
        for code, sign in list(SIGNS.values())[:20]:
            response = session.post("/v2sms.aspx", content=build_form(sign=sign), headers={"Content-Type": FORM})
            hint = response.headers["X-Mock-Hint"]
            assert f"signature.{code}: " in hint
            assert hint.isascii()
            assert hint.isprintable()


@pytest.mark.slow("Keeps the diagnosis busy.")
def test_under_load_the_hint_names_the_path_of_the_diagnosis(address: Address) -> None:
    hints: list[str] = []
    form, headers = build_form(sign=md5("x")), {"Content-Type": FORM}
    with open_session(address) as session:
        while len(hints) < 2000 and not (hints and hints[-1].startswith("not explained at once: GET ")):
            hints.append(session.post("/v2sms.aspx", content=form, headers=headers).headers["X-Mock-Hint"])
        assert all(hint.startswith("signature.unexplained: ") for hint in hints[:-1])
        assert len(hints) > 20
        document = session.get(hints[-1].partition("GET ")[2]).json()
    assert document["diagnosis"][0]["code"] == "signature.unexplained"
