"""Whoever is refused, or will be, is told why: in a header of the answer, and at the control address.

Here belongs the way of a finding out of the emulator. What is found in which request is in the tests beside this.
"""

import base64
import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import pytest

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT
from support.client_mistakes import RIGHT, SIGNS, TEXTS
from support.diagnosis import FORM, NOW, OTHERS, SECRETS, TIMESTAMP, form, md5
from support.emulators import Address, emulator_process
from support.flask_emulator import FlaskEmulator

QUEUES = (protocol.STATUS, protocol.CALL)


@pytest.fixture(scope="module")
def office() -> FlaskEmulator:
    """One at the moment of the manual's timestamp, where other accounts are known too."""
    made = FlaskEmulator(also={"accounts": (DEFAULT_ACCOUNT, *OTHERS)})
    made.now = NOW
    return made


class Told:
    """What a client and whoever looks afterwards are told of one request."""

    def __init__(self, office: FlaskEmulator, page: Endpoint, body: bytes, **request: Any) -> None:
        arguments = {"method": "POST", "content_type": FORM} | request
        response = office.http.open(page.path, data=body, **arguments)
        self.answer = response.data
        self.hint = response.headers.get("X-Mock-Hint", "")
        (entry,) = office.control("GET", "requests?order=desc&limit=1")["items"]
        self.whole = office.control("GET", f"requests/{entry['number']}")
        if entry["userid"] == "12":
            assert office.control("GET", f"accounts/12/requests/{entry['number']}") == self.whole
        said = f"{self.hint} {self.whole['diagnosis']}"
        assert not any(secret in said for secret in SECRETS)
        assert base64.b64decode(self.whole["answer"]) == self.answer
        assert base64.b64decode(self.whole["body"]) == body

    def codes(self, kind: str) -> list[str]:
        found = [finding["code"] for finding in self.whole["diagnosis"] if finding["kind"] == kind]
        assert all(f"{code}: " in self.hint for code in found)
        return found


@pytest.mark.parametrize(("code", "sign"), SIGNS.values(), ids=SIGNS)
def test_a_mistake_of_signature_is_told(office: FlaskEmulator, code: str, sign: str) -> None:
    told = Told(office, protocol.V2SMS, form(sign=sign))
    assert "用户名或密码错误" in told.answer.decode()
    assert told.codes("signature") == [f"signature.{code}"]
    assert told.whole["refusal"] == "用户名或密码错误"
    assert told.whole["fields"]["sign"] == sign


@pytest.mark.parametrize(("page", "raw", "code", "meant"), TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("sign", [RIGHT, md5("x")], ids=["accepted", "refused"])
def test_a_mistake_of_text_is_told_also_where_the_vendor_accepted_it(
    office: FlaskEmulator, page: Endpoint, raw: bytes, code: str, meant: str, sign: str
) -> None:
    body = form(page, sign=sign, content="x").replace(b"content=x", b"content=" + quote_from_bytes(raw).encode())
    told = Told(office, page, body)
    assert (b">ok<" in told.answer) == (sign == RIGHT)
    assert told.codes("text") == [f"text.{code}"]
    assert [finding["meant"] for finding in told.whole["diagnosis"] if finding["kind"] == "text"] == [meant]


RIGHT_ONES = {
    "send": (protocol.V2SMS, form()),
    "send on the GBK page": (protocol.V2SMS_GBK, form(protocol.V2SMS_GBK)),
    "send of a long text": (protocol.V2SMS, form(content="【商店】您的验证码是 1234，5 分钟内有效。" * 20)),
    "send of English": (protocol.V2SMS, form(content="Hello! Is 50% off ok?")),
    "send later": (protocol.V2SMS, form(sendTime="2012-07-02 08:00:00", extno="01")),
}


@pytest.mark.parametrize(("page", "body"), RIGHT_ONES.values(), ids=RIGHT_ONES)
def test_a_right_request_is_told_nothing(office: FlaskEmulator, page: Endpoint, body: bytes) -> None:
    told = Told(office, page, body)
    assert b">ok<" in told.answer
    assert (told.hint, told.whole["diagnosis"]) == ("", [])


def credentials(office: FlaskEmulator, **fields: str) -> tuple[dict[str, Any], bytes]:
    """A fresh account, and a right form of it."""
    account = office.control("POST", "accounts")
    sign = md5(f"{account['account']}{account['password']}{TIMESTAMP}")
    sent = {"userid": account["userid"], "timestamp": TIMESTAMP, "sign": sign}
    return account, urlencode(sent | fields).encode()


@pytest.mark.parametrize("operation", protocol.OPERATIONS, ids=lambda operation: operation.name)
def test_no_operation_is_told_anything_when_asked_rightly(office: FlaskEmulator, operation: protocol.Operation) -> None:
    texts = {"content": "内容", "mobile": "15023239810"} if operation is protocol.SEND else {"content": "内容"}
    fields = texts if operation in (protocol.SEND, protocol.CHECKKEYWORD) else {}
    _, body = credentials(office, action=operation.action, **fields)
    told = Told(office, operation.endpoints[0], body)
    assert told.whole["refusal"] == ""
    assert (told.hint, told.whole["diagnosis"]) == ("", [])


HABITS: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "a GET": ("habit.get", {"method": "GET"}, {}),
    "a stale timestamp": ("habit.stale", {}, {"timestamp": "20120601231212"}),
    "a 12-hour clock": ("habit.twelve-hour", {}, {"timestamp": "20120701111212"}),
    "another Content-Type": ("habit.content-type", {"content_type": "text/plain"}, {}),
    "another charset": ("habit.charset-label", {"content_type": f"{FORM}; charset=gbk"}, {}),
    "an unknown parameter": ("habit.unknown-parameters", {}, {"sendtype": "1"}),
    "credentials in the query": ("habit.credentials-in-query", {"query_string": "userid=12"}, {"userid": ""}),
}


@pytest.mark.parametrize(("code", "request_of", "fields"), HABITS.values(), ids=HABITS)
def test_a_habit_of_an_accepted_request_is_told(
    office: FlaskEmulator, code: str, request_of: dict[str, Any], fields: dict[str, str]
) -> None:
    stamp = fields.get("timestamp", TIMESTAMP)
    body = form(protocol.V2SMS, **{"sign": md5(f"testmima{stamp}")} | fields).replace(b"userid=&", b"")
    told = Told(office, protocol.V2SMS, body, **request_of)
    assert b">ok<" in told.answer
    assert told.codes("habit") == [code]


@pytest.mark.parametrize("operation", QUEUES, ids=lambda operation: operation.name)
def test_a_queue_fetched_too_often_is_told(office: FlaskEmulator, operation: protocol.Operation) -> None:
    _, body = credentials(office, action=operation.action)
    page = operation.endpoints[0]
    assert Told(office, page, body).codes("habit") == []
    assert Told(office, page, body).codes("habit") == ["habit.polling", "habit.fetched-after-empty"]
    office.now += 20
    assert Told(office, page, body).codes("habit") == ["habit.polling"]
    office.now += 30
    assert Told(office, page, body).codes("habit") == []
    office.now = NOW


def test_a_queue_that_is_emptied_page_by_page_is_told_nothing(office: FlaskEmulator) -> None:
    account, body = credentials(office, action="query", statusNum="1")
    office.send(account, mobile="13000000000,13000000001,13000000002")
    for _ in range(4):
        assert Told(office, protocol.STATUS.endpoints[0], body).codes("habit") == []


def test_a_request_of_nobody_is_in_the_journal_of_all_and_told_why(office: FlaskEmulator) -> None:
    told = Told(office, protocol.V2SMS, form(userid="4711"))
    assert told.codes("signature") == ["signature.userid-of-another"]
    assert told.whole["userid"] == "4711"
    assert office.refusal("GET", "accounts/4711/requests")[0] == 404
    number = told.whole["number"]
    assert office.control("GET", f"accounts/4711/requests/{number}")["number"] == number
    assert office.refusal("GET", f"accounts/12/requests/{number}")[0] == 404


def test_the_accounts_of_the_start_are_known_however_many_were_made_since() -> None:
    office = FlaskEmulator(also={"accounts": (DEFAULT_ACCOUNT, *OTHERS)})
    office.now = NOW
    first, *_ = [office.control("POST", "accounts") for _ in range(501)]
    shop = OTHERS[0]
    body = form(userid=first["userid"], sign=md5(f"{shop.account}{shop.password}{TIMESTAMP}"))
    told = Told(office, protocol.V2SMS, body + f"&{shop.password}=a+name+that+is+quoted".encode())
    assert told.codes("signature") == ["signature.another-account"]
    assert f"'{shop.userid}'" in told.whole["diagnosis"][0]["sentence"]
    assert "***" in told.hint


def test_a_request_that_was_struck_by_a_fault_has_no_hint(office: FlaskEmulator) -> None:
    fault = office.control("POST", "faults", {"kind": "empty"})
    assert Told(office, protocol.V2SMS, form(sign="x")).hint == ""
    office.control("DELETE", f"faults/{fault['id']}")


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with emulator_process("--log-level", "error") as (_, address):
        yield address


def test_the_hint_comes_over_the_socket_as_one_line_of_ascii(address: Address) -> None:
    connection = http.client.HTTPConnection(*address, timeout=60)
    for code, sign in list(SIGNS.values())[:20]:
        connection.request("POST", "/v2sms.aspx", form(sign=sign), {"Content-Type": FORM})
        response = connection.getresponse()
        response.read()
        hint = response.getheader("X-Mock-Hint") or ""
        assert f"signature.{code}: " in hint
        assert hint.isascii()
        assert hint.isprintable()
    connection.close()


def test_a_flood_is_not_explained_one_by_one_but_each_is_told_where_to_ask(address: Address) -> None:
    connection = http.client.HTTPConnection(*address, timeout=60)
    hints: list[str] = []
    while len(hints) < 2000 and not (hints and hints[-1].startswith("not explained at once: GET ")):
        connection.request("POST", "/v2sms.aspx", form(sign=md5("x")), {"Content-Type": FORM})
        response = connection.getresponse()
        response.read()
        hints.append(response.getheader("X-Mock-Hint") or "")
    assert all(hint.startswith("signature.unexplained: ") for hint in hints[:-1])
    assert len(hints) > 20
    connection.request("GET", hints[-1].partition("GET ")[2])
    whole = json.loads(connection.getresponse().read())
    assert whole["diagnosis"][0]["code"] == "signature.unexplained"
    connection.close()
