"""Settings of a client: invalid ones are refused, and the password never appears in a repr, error or log.

The requests of a client are tested in `test_client_requests`.
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
def test_an_invalid_address_raises_value_error(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Client(url, **SETTINGS)


@pytest.mark.parametrize(
    "invalid",
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
def test_invalid_settings_raise_value_error(invalid: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the message is checked below
        Client(**{"url": "http://vendor"} | SETTINGS | invalid)
    assert "top-secret" not in "".join(traceback.format_exception(raised.value)) + repr(raised.value.args)


def test_the_repr_omits_the_password_of_an_address() -> None:
    assert "top-secret" not in repr(Client("http://user:top-secret@vendor", **SETTINGS))


def test_the_password_is_in_no_repr_error_or_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    texts: list[str] = []
    secret: dict[str, Any] = SETTINGS | {"password": "top-secret"}
    for transport in (
        httpx2.WSGITransport(create_app()),
        FlakyTransport(1, httpx2.ReadError),
        FlakyTransport(1, httpx2.ConnectError),
    ):
        with Client("http://vendor", **secret, transport=transport) as client:
            texts += [repr(client), repr(vars(client))]
            with pytest.raises((VendorRefusal, ConnectionFailed)) as raised:
                client.overage()
            error: BaseException | None = raised.value
            texts += traceback.format_exception(error)
            while error is not None:
                texts += [repr(error), repr(vars(error))]
                error = error.__cause__
    texts.append(caplog.text)
    assert "top-secret" not in "".join(texts)
