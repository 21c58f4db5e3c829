"""The vendor's address is taken with or without the page; what cannot be an address is an error that says why."""

from typing import Any

import httpx2
import pytest

from sms10692 import AsyncClient, Client
from support.client import BODY, SETTINGS


def requested(address: str, **options: Any) -> str:
    """The URL that a send to an address goes to."""
    urls: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        urls.append(str(request.url))
        return httpx2.Response(200, content=BODY)

    with Client(address, **SETTINGS, transport=httpx2.MockTransport(answer), **options) as vendor:
        vendor.send(["15023239810"], "内容")
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
def test_an_address_with_any_page_of_the_vendors_is_the_address_without(address: str) -> None:
    assert requested(address) == "http://vendor/v2sms.aspx"
    assert requested(address, charset="gbk") == "http://vendor/v2smsGBK.aspx"


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("http://vendor/brand", "http://vendor/brand/v2sms.aspx"),
        ("http://vendor/brand/v2sms.aspx", "http://vendor/brand/v2sms.aspx"),
        ("http://vendor:8080/a%2Fb/V2statusapi.aspx/", "http://vendor:8080/a%2Fb/v2sms.aspx"),
        ("https://vendor/v2sms.aspx/brand", "https://vendor/v2sms.aspx/brand/v2sms.aspx"),
    ],
)
def test_a_path_before_the_page_is_kept(address: str, page: str) -> None:
    assert requested(address) == page


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://vendor/v2sms.aspx?action=send", "query string"),
        ("http://vendor/?a=1", "query string"),
        ("http://vendor/#a", "fragment"),
        ("http://vendor/sms.aspx", "'sms.aspx'; the manual defines v2sms.aspx, v2smsGBK.aspx"),
        ("http://vendor/brand/v2sms2.aspx/", "'v2sms2.aspx'"),
        ("vendor/v2sms.aspx", "expected a URL such as http"),
    ],
)
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_an_address_that_cannot_be_the_vendors_is_refused_with_the_reason(kind: Any, address: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        kind(address, **SETTINGS)


def test_an_address_that_is_refused_shows_no_password() -> None:
    for address in ("http://user:top-secret@vendor/?a=b", "http://user:top-secret@vendor/sms.aspx"):
        with pytest.raises(ValueError) as raised:  # noqa: PT011 - its words are looked at below
            Client(address, **SETTINGS)
        assert "top-secret" not in str(raised.value)
