"""Tests of the findings about account and password in clear: one mistake each, by the older endpoints (R19, R20)."""

from urllib.parse import quote, urlencode

import pytest

from sms10692 import protocol
from sms10692_mock.diagnosis import diagnose
from sms10692_mock.diagnosis.service import public_findings
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT, Account
from sms10692_mock.domain.records import Query
from support.diagnosis import build_context, build_form, get_findings, md5
from support.emulators import WsgiHarness
from support.flask_emulator import FlaskEmulator
from support.http_client import build_request

NEWEST = Query(newest_first=True, limit=1)
SHOP = Account(userid="5", account="商店+1", password="geheim &#1")


def find(body: str | dict[str, str], account: Account = DEFAULT_ACCOUNT, charset: str = "utf-8") -> list[str]:
    """Return the codes about the credentials of a balance query, and the parameter that each names."""
    endpoint = protocol.SMS if charset == "utf-8" else protocol.SMS_GBK
    form = body if isinstance(body, str) else urlencode(body, encoding=charset)
    findings = diagnose(build_context(f"action=overage&{form}".encode("ascii"), endpoint=endpoint, account=account))
    for finding in findings:
        assert account.password not in finding.sentence
    return [
        " ".join((finding.code.partition(".")[2], *finding.values))
        for finding in findings
        if finding.kind == "password"
    ]


def credentials(userid: str = "12", account: str = "test", password: str = "mima") -> dict[str, str]:
    return {"userid": userid, "account": account, "password": password}


def of_shop(**changed: str) -> dict[str, str]:
    return {"userid": "5", "account": SHOP.account, "password": SHOP.password} | changed


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"userid": "12", "account": "test"}, "absent password"),
        ({"userid": "12", "password": "mima"}, "absent account"),
        (credentials(password=" "), "blank password"),
        ({"userid": "12", "account": "test", "pwd": "mima"}, "misnamed pwd password"),
        ({"userid": "12", "username": "test", "password": "mima"}, "misnamed username account"),
        ({"userid": "12", "timestamp": "20120701231212", "sign": md5("x")}, "signed-request /v2sms.aspx"),
        (credentials(account="mima", password="test"), "swapped"),
        (credentials(password=md5("mima")), "hashed"),
        (credentials(password=md5("mima").upper()), "hashed"),
        (credentials(password=md5("mima")[8:24]), "hashed"),
        (credentials(password=md5("another")), "digest-form"),
        (credentials(password="geheim-shop"), "of-another"),
        (credentials(password="mima\n"), "white-space password"),
        (credentials(account=" test"), "white-space account"),
        (credentials(password="Mima"), "letter-case password"),
        (credentials(account='"test"'), "quotes account"),
        (credentials(password="mim"), "differs password"),
        (credentials(account="tester"), "differs account"),
        (credentials(userid=" 7", account="shop", password="geheim-shop"), "white-space userid"),
        (credentials(userid="99", account="shop", password="geheim-shop"), "userid-of-another 7"),
        (credentials(userid="99"), "userid-of-another 12"),
        (credentials(userid="99", password="x"), "userid-unknown 99"),
    ],
)
def test_a_mistake_with_the_credentials_is_explained(sent: dict[str, str], expected: str) -> None:
    assert find(sent) == [expected]


def test_several_mistakes_are_explained_together() -> None:
    assert find("userid=12&account=&pwd=x") == ["blank account", "misnamed pwd password"]
    assert find(credentials(account="Test", password="x")) == ["letter-case account", "differs password"]
    assert find(credentials(userid="99", account="nobody", password=md5("x"))) == ["userid-unknown 99", "digest-form"]


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_a_mistake_with_the_encoding_of_the_credentials_is_explained(charset: str) -> None:
    assert find(of_shop(), SHOP, charset) == []
    assert find(of_shop(account=quote(SHOP.account)), SHOP, charset) == ["encoded-twice account"]
    raw_plus = urlencode(of_shop(), encoding=charset).replace("%2B", "+")
    assert find(raw_plus, SHOP, charset) == ["plus account"]
    raw_ampersand = urlencode(of_shop(), encoding=charset).replace("%26", "&")
    assert find(raw_ampersand, SHOP, charset) == ["cut password"]
    other = "gbk" if charset == "utf-8" else "utf-8"
    assert find(urlencode(of_shop(), encoding=other), SHOP, charset) == ["charset account"]


def test_correct_credentials_have_no_finding() -> None:
    body = b"action=overage&userid=12&account=test&password=mima"
    assert get_findings(build_context(body, endpoint=protocol.SMS)) == {}


def test_the_forms_of_request_that_older_clients_use_have_no_wrong_finding() -> None:
    both = b"action=overage&userid=12&account=test&password=mima&timestamp=20120701231212&sign=x"
    assert get_findings(build_context(both, endpoint=protocol.SMS)) == {}
    in_query = get_findings(build_context(b"", endpoint=protocol.SMS, method="GET", query=both))
    assert list(in_query) == ["habit.credentials-in-query"]
    assert in_query["habit.credentials-in-query"].sentence == (
        "userid and password are in the query string, which logs record: send them in the body of a POST."
    )
    signed = get_findings(build_context(b"", method="GET", query=build_form()))
    assert list(signed) == ["habit.get", "habit.credentials-in-query"]
    assert signed["habit.credentials-in-query"].sentence.startswith("userid and sign are in the query string")


@pytest.mark.parametrize(
    "part", ["password:geheim99", "newpwd: geheim99", "pasword=ge%zzheim99", '"password":"geheim99"']
)
def test_a_password_that_was_not_read_as_one_is_not_in_a_finding(part: str) -> None:
    body = f"action=overage&userid=12&account=test&{part}".encode()
    for finding in get_findings(build_context(body, endpoint=protocol.SMS)).values():
        assert "heim" not in finding.sentence


def test_the_sender_is_not_told_whose_userid_or_password_exists() -> None:
    """Behind a public address, a hint must not confirm guesses: only the form of the values is explained."""
    emulator = WsgiHarness(accounts=["7:shop:geheim-shop"])
    codes = []
    for userid, password in (("7", "Geheim-shop"), ("8", "Geheim-shop"), ("8", md5("x"))):
        body = f"action=overage&userid={userid}&account=shop&password={password}".encode()
        emulator.send_raw(build_request("/sms.aspx", body))
        (entry,) = emulator.store.requests(None, NEWEST).items
        findings, is_partial = public_findings(entry, emulator.store)
        assert is_partial
        codes.append([finding.code for finding in findings])
    assert codes == [[], [], ["password.digest-form"]]


def test_a_new_password_that_cannot_be_used_is_explained() -> None:
    emulator = WsgiHarness()
    for newpwd, again, code in (
        ("", "", "new-password-empty"),
        ("a", "b", "new-passwords-differ"),
        ("x" * 10_001, "x" * 10_001, "new-password-unusable"),
    ):
        form = f"action=changespwd&userid=12&account=test&password=mima&newpwd={newpwd}&renewpwd={again}"
        response = emulator.send_raw(build_request("/sms.aspx", form.encode()))
        assert b"<returnstatus>Faild</returnstatus>" in response.body
        (entry,) = emulator.store.requests(None, NEWEST).items
        assert entry.evidence is not None
        assert entry.evidence.code == code


@pytest.mark.parametrize(
    ("path", "action", "older"),
    [
        ("/v2sms.aspx", "send", "/sms.aspx"),
        ("/v2smsGBK.aspx", "overage", "/smsGBK.aspx"),
        ("/v2statusApi.aspx", "query", "/statusApi.aspx"),
        ("/v2callApi.aspx", "query", "/callApi.aspx"),
    ],
)
def test_a_password_at_a_signed_endpoint_is_directed_to_the_older_one(path: str, action: str, older: str) -> None:
    form = {"action": action, "userid": "12", "account": "test", "password": "mima"}
    hint = FlaskEmulator().http.post(path, data=form).headers["X-Mock-Hint"]
    assert (
        "signature.clear-credentials: Account and password were sent in plain text: this endpoint takes userid, "
        f"timestamp and sign; the older endpoint {older} takes account and password." in hint
    )
