"""Messages sent from the console: the same bytes, checks, faults and log as those of a client."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx2
import pytest
import trustme

from sms10692_mock import Emulator
from sms10692_mock.admin.console import own_server
from sms10692_mock.admin.console.own_server import ServerAddress, find_server
from sms10692_mock.admin.forwarding import OWN_SCHEME
from sms10692_mock.certificates import load_context
from sms10692_mock.testing.account import SmsVendor
from support.emulators import sign

CONSOLE = {"HX-Request": "true"}


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def vendor(emulator: Emulator) -> SmsVendor:
    return emulator.account(points=100)


def post(emulator: Emulator, vendor: SmsVendor, form: str, **fields: str) -> str:
    """Submit a form of the page as the browser does, and return what the page then shows."""
    url = f"{emulator.url}/send/{form}?{urlencode({'userid': vendor.userid})}"
    response = httpx2.post(url, data=fields, headers=CONSOLE, timeout=60, trust_env=False)
    assert response.status_code == 200, response.text
    return unescape(response.text)


def newest_request(emulator: Emulator) -> dict[str, Any]:
    requests = httpx2.get(f"{emulator.url}/_mock/requests?order=desc&limit=1", trust_env=False).json()["items"]
    detail: dict[str, Any] = httpx2.get(
        f"{emulator.url}/_mock/requests/{requests[0]['number']}", trust_env=False
    ).json()
    return detail


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/v2sms.aspx", "%E6%82%A8%E5%A5%BD%20%26%20%2B"),
        ("/v2smsGBK.aspx", "%C4%FA%BA%C3%20%26%20%2B"),
        ("/sms.aspx", "%E6%82%A8%E5%A5%BD%20%26%20%2B"),
        ("/smsGBK.aspx", "%C4%FA%BA%C3%20%26%20%2B"),
    ],
)
def test_the_page_sends_what_a_client_sends_and_shows_both_sides(
    emulator: Emulator, vendor: SmsVendor, path: str, content: str
) -> None:
    shown = post(
        emulator, vendor, "message", endpoint=path, mobile="15023239810,13527576163", content="您好 & +", extno="01"
    )
    logged = newest_request(emulator)
    assert (logged["method"], logged["path"], logged["refusal"], logged["diagnosis"]) == ("POST", path, "", [])
    form = logged["body_utf8"]
    fields = dict(parse_qsl(form, keep_blank_values=True))
    credentials = vendor.credentials
    if path.startswith("/v2"):
        expected = sign(credentials["account"], credentials["password"], fields["timestamp"])
        head = f"action=send&userid={vendor.userid}&timestamp={fields['timestamp']}&sign={expected}"
    else:
        head = f"action=send&userid={vendor.userid}&account={credentials['account']}&password={credentials['password']}"
    assert form == f"{head}&mobile=15023239810,13527576163&content={content}&sendTime=&extno=01"
    assert ("Content-Type", "application/x-www-form-urlencoded") in [tuple(pair) for pair in logged["headers"]]
    messages = vendor.messages()
    assert [(message.mobile, message.content, message.extno) for message in messages] == [
        ("15023239810", "您好 & +", "01"),
        ("13527576163", "您好 & +", "01"),
    ]
    assert form in shown
    assert "<remainpoint>98</remainpoint>" in shown
    assert f"/requests/{logged['number']}?" in shown


def test_a_refusal_is_shown_with_its_finding(emulator: Emulator, vendor: SmsVendor) -> None:
    shown = post(emulator, vendor, "message", mobile="15023239810", content="本店代开发票", extno="")
    assert "<message>包含非法字符：" in shown
    assert "refusal.forbidden-word" in shown
    assert vendor.balance().points == 100


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "status", "status": 503}, "HTTP 503"),
        ({"kind": "truncate", "at": 20}, "The response is incomplete"),
        ({"kind": "disconnect"}, "No response: the connection was closed"),
    ],
)
def test_faults_apply_to_what_the_page_sends(
    emulator: Emulator, vendor: SmsVendor, fault: dict[str, Any], expected: str
) -> None:
    url = f"{emulator.url}/_mock/accounts/{vendor.userid}/faults"
    assert httpx2.post(url, json=fault, trust_env=False).status_code in {200, 201}
    shown = post(emulator, vendor, "message", mobile="15023239810", content="x")
    assert expected in shown
    if fault["kind"] == "truncate":
        response = re.findall(r'id="response"[^>]*>(.*?)</pre>', shown, re.DOTALL)[0]
        assert response == '<?xml version="1.0" '


def test_a_response_that_never_comes_ends_the_wait(
    emulator: Emulator, vendor: SmsVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{emulator.url}/_mock/accounts/{vendor.userid}/faults"
    assert httpx2.post(url, json={"kind": "hang"}, trust_env=False).status_code in {200, 201}
    monkeypatch.setattr(own_server, "TIMEOUT", 0.2)
    shown = post(emulator, vendor, "message", mobile="15023239810", content="x")
    assert "no complete response within 10 seconds" in shown


def test_a_request_is_sent_again_byte_for_byte(emulator: Emulator, vendor: SmsVendor) -> None:
    post(emulator, vendor, "message", mobile="15023239810", content="您好")
    first = newest_request(emulator)
    shown = post(emulator, vendor, "again", number=str(first["number"]))
    second = newest_request(emulator)
    assert second["number"] > first["number"]
    for part in ("method", "path", "body", "userid", "operation", "refusal"):
        assert second[part] == first[part]
    assert "<message>ok</message>" in shown
    assert len(vendor.messages()) == 2


@pytest.mark.parametrize(("number", "status"), [("9" * 5000, 422), ("x", 422), ("9" * 30, 404), ("0", 404), ("", 404)])
def test_a_number_of_no_request_is_not_sent_again(
    emulator: Emulator, vendor: SmsVendor, number: str, status: int
) -> None:
    url = f"{emulator.url}/send/again?userid={vendor.userid}"
    response = httpx2.post(url, data={"number": number}, headers=CONSOLE, trust_env=False)
    assert response.status_code == status


def test_the_form_holds_the_values_of_a_logged_send(emulator: Emulator, vendor: SmsVendor) -> None:
    post(
        emulator,
        vendor,
        "message",
        endpoint="/v2smsGBK.aspx",
        mobile="1380,<b>",
        content="【签】</textarea>",
        extno="7",
    )
    number = newest_request(emulator)["number"]
    url = f"{emulator.url}/send?userid={vendor.userid}&request={number}"
    page = httpx2.get(url, headers={"Accept-Language": "en"}, trust_env=False).text
    assert "【签】&lt;/textarea&gt;</textarea>" in page
    assert ">1380,&lt;b&gt;</textarea>" in page
    assert '<option value="/v2smsGBK.aspx" selected>' in page
    assert 'name="extno" value="7"' in page
    assert httpx2.get(f"{emulator.url}/send?request=999999", trust_env=False).status_code == 404


@pytest.mark.parametrize(
    ("content", "mobile", "segments", "points", "lacking"),
    [
        ("字" * 70, "15023239810", 1, 1, ""),
        ("字" * 71, "15023239810, 13527576163,", 2, 4, ""),
        ("好😀€", "15023239810", 1, 1, "😀"),
        ("", "", 1, 0, ""),
    ],
)
def test_segments_cost_and_gbk_are_checked_while_typing(
    emulator: Emulator, vendor: SmsVendor, content: str, mobile: str, segments: int, points: int, lacking: str
) -> None:
    shown = post(emulator, vendor, "check", endpoint="/v2smsGBK.aspx", mobile=mobile, content=content)
    assert f'id="segments"><strong>{segments}</strong>' in shown
    assert f'id="cost"><strong>{points} pt</strong>' in shown
    assert ("not in GBK" in shown) == bool(lacking)
    assert lacking in shown
    assert "POST /v2smsGBK.aspx HTTP/1.1\n" in shown.replace("\r", "")
    assert not vendor.messages()


def test_characters_that_gbk_lacks_are_sent_as_question_marks(emulator: Emulator, vendor: SmsVendor) -> None:
    post(emulator, vendor, "message", endpoint="/v2smsGBK.aspx", mobile="15023239810", content="好😀")
    assert newest_request(emulator)["body_utf8"].endswith("&content=%BA%C3%3F&sendTime=&extno=")


def test_the_page_works_when_it_was_opened_over_https(emulator: Emulator) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    with certificate.private_key_and_cert_chain_pem.tempfile() as file:
        context = load_context(Path(file), None)
    with Emulator(tls=context) as served:
        url = f"{served.https_url}/send/message"
        fields = {"mobile": "15023239810", "content": "x"}
        response = httpx2.post(url, data=fields, headers=CONSOLE, verify=False, timeout=60, trust_env=False)
        assert "<remainpoint>999</remainpoint>" in unescape(response.text)


def test_behind_a_proxy_with_tls_the_page_uses_the_emulators_own_scheme() -> None:
    environ = {"SERVER_NAME": "::", "SERVER_PORT": "10692", "wsgi.url_scheme": "https"}
    assert find_server(environ) == ServerAddress("::1", 10692, is_tls=True)
    assert find_server(environ | {OWN_SCHEME: "http"}) == ServerAddress("::1", 10692, is_tls=False)


def test_a_send_that_a_fault_ends_is_not_shown_as_accepted(emulator: Emulator, vendor: SmsVendor) -> None:
    vendor.fault("status", status=503)
    shown = post(emulator, vendor, "message", mobile="15023239810", content="您好", extno="")
    assert ">HTTP 503<" in shown
    assert "服务不可用" in shown, "the page of the web server is in GB2312, without a declared charset"
    assert ">ok<" not in shown
    assert "/phone?" not in shown
    assert vendor.messages() == []
