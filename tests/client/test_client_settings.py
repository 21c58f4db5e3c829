"""A client is made with settings that can be right, and shows its password to nobody.

Here belong the address and the account of a client, and what is said of them. What it asks is in
`test_client_requests`.
"""

import logging
import traceback
from typing import Any

import httpx2
import pytest

from sms10692 import Client, ConnectionFailed, VendorRefusal
from sms10692_mock.admin.app import create_app
from support.client import SETTINGS, FlakyTransport


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:10692",
        "ftp://vendor",
        "http://",
        "//vendor",
        "http://vendor/?a=1",
        "http://vendor/#a",
        "http://..",
        "http://vendor:-1",
    ],
)
def test_an_address_that_is_none_is_an_error_of_the_caller(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Client(url, **SETTINGS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"retries": -1},
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": float("nan")},
        {"timeout": 1e10},
        {"timeout": 2**32 / 1000 + 1},
        {"total_timeout": 1e300},
        {"charset": "GBK"},
        {"account": "test\udcff"},
        {"password": "top-secret\udcff"},
        {"url": "http://user:top-secret@vendor:70000"},
    ],
    ids=str,
)
def test_settings_that_cannot_be_right_are_errors_of_the_caller(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - its words are looked at below
        Client(**{"url": "http://vendor"} | SETTINGS | wrong)
    assert "top-secret" not in "".join(traceback.format_exception(raised.value)) + repr(raised.value.args)


def test_an_address_with_a_password_does_not_show_it() -> None:
    assert "top-secret" not in repr(Client("http://user:top-secret@vendor", **SETTINGS))


def test_the_password_is_in_no_repr_error_or_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []
    secret: dict[str, Any] = SETTINGS | {"password": "top-secret"}
    for transport in (
        httpx2.WSGITransport(create_app()),
        FlakyTransport(1, httpx2.ReadError),
        FlakyTransport(1, httpx2.ConnectError),
    ):
        with Client("http://vendor", **secret, transport=transport) as vendor:
            seen += [repr(vendor), repr(vars(vendor))]
            with pytest.raises((VendorRefusal, ConnectionFailed)) as raised:
                vendor.overage()
            error: BaseException | None = raised.value
            seen += traceback.format_exception(error)
            while error is not None:
                seen += [repr(error), repr(vars(error))]
                error = error.__cause__
    seen.append(caplog.text)
    assert "top-secret" not in "".join(seen)
