"""Addresses of the vendor: with or without the endpoint path; invalid ones are refused with the reason."""

from typing import Any

import httpx2
import pytest

from sms10692 import AsyncClient, Client
from support.client import BODY, SETTINGS


def request_url(address: str, **options: Any) -> str:
    """Return the URL that a send is posted to."""
    urls: list[str] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        urls.append(str(request.url))
        return httpx2.Response(200, content=BODY)

    with Client(address, **SETTINGS, transport=httpx2.MockTransport(respond), **options) as client:
        client.send(["15023239810"], "内容")
    return urls[0]


@pytest.mark.parametrize(
    "address",
    [
        "http://vendor",
        "http://vendor/",
        "http://vendor/v2sms.aspx",
        "http://vendor/v2smsGBK.aspx",
        "http://vendor/v2statusApi.aspx",
        "http://vendor/v2callApi.aspx",
        "http://vendor/V2SMS.ASPX",
        "http://vendor/v2smsgbk.aspx/",
        "http://vendor//v2sms.aspx",
        "http://vendor/v2sms.aspx/v2sms.aspx",
        "http://vendor/v2sms.aspx?",
    ],
)
def test_the_endpoint_path_of_an_address_is_ignored(address: str) -> None:
    assert request_url(address) == "http://vendor/v2sms.aspx"
    assert request_url(address, charset="gbk") == "http://vendor/v2smsGBK.aspx"


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("http://vendor/brand", "http://vendor/brand/v2sms.aspx"),
        ("http://vendor/brand/v2sms.aspx", "http://vendor/brand/v2sms.aspx"),
        ("http://vendor:8080/a%2Fb/V2statusapi.aspx/", "http://vendor:8080/a%2Fb/v2sms.aspx"),
        ("https://vendor/v2sms.aspx/brand", "https://vendor/v2sms.aspx/brand/v2sms.aspx"),
    ],
)
def test_a_path_prefix_is_kept(address: str, url: str) -> None:
    assert request_url(address) == url


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("http://vendor/v2sms.aspx?action=send", "query string"),
        ("http://vendor/?a=1", "query string"),
        ("http://vendor/#a", "fragment"),
        (
            "http://vendor/sms.aspx",
            "'sms.aspx'; with authentication='signed' the endpoints are v2sms.aspx, v2smsGBK.aspx",
        ),
        ("http://vendor/brand/v2sms2.aspx/", "'v2sms2.aspx'"),
        ("vendor/v2sms.aspx", "expected a URL such as http"),
    ],
)
@pytest.mark.parametrize("client_class", [Client, AsyncClient])
def test_an_invalid_address_is_refused_with_the_reason(client_class: Any, address: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        client_class(address, **SETTINGS)


def test_the_error_for_an_invalid_address_contains_no_password() -> None:
    for address in ("http://user:top-secret@vendor/?a=b", "http://user:top-secret@vendor/sms.aspx"):
        with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is checked below
            Client(address, **SETTINGS)
        assert "top-secret" not in str(raised.value)


@pytest.mark.parametrize("address", ["http://vendor", "http://vendor/sms.aspx", "http://vendor/SMSgbk.aspx/"])
def test_account_and_password_are_sent_to_the_older_endpoints(address: str) -> None:
    assert request_url(address, authentication="password") == "http://vendor/sms.aspx"
    with pytest.raises(ValueError, match=r"'v2sms\.aspx'; with authentication='password' the endpoints are sms\.aspx"):
        Client("http://vendor/v2sms.aspx", **SETTINGS, authentication="password")
    with pytest.raises(ValueError, match="invalid authentication 'sign': use signed or password"):
        Client(address, **SETTINGS, authentication="sign")  # type: ignore[arg-type]
