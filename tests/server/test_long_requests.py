"""Tests of long requests: other threads run meanwhile, and exceptions are logged with their location."""

import copy
import sys
import threading
import time

import pytest

from sms10692 import protocol, signing
from sms10692_mock.app.vendor_app import VendorApp, VendorRequest
from sms10692_mock.config import Options, build_vendor
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.billing import PRICINGS
from sms10692_mock.domain.delivery import DeliveryOutcome, DeliveryRule, DeliveryRules
from sms10692_mock.emulator import Emulator
from support.emulators import MANUAL_TIME, build_options
from support.http_client import build_request, parse_address, send_raw

LONG = {
    "commas": (protocol.V2SMS, b"action=send&content=x&mobile=15023239810" + b"," * 500_000),
    "fields": (protocol.V2SMS, b"action=send&content=x&mobile=15023239810" + b"&" * 500_000),
    "escapes": (protocol.V2SMS, b"action=send&content=" + b"%35x" * 200_000),
    "escapes of characters": (protocol.V2SMS, b"action=send&content=" + b"%u5bb9" * 100_000),
    "no GBK": (protocol.V2SMS_GBK, b"action=send&content=" + b"\xff" * 500_000),
    "quotes": (protocol.V2SMS, b"action=send&content=" + b"' " * 1_000_000),
    "escaped characters": (protocol.V2SMS, b"action=checkkeyword&content=" + b"<" * 500_000),
}
"""Requests that take long. All but the last are refused before their signature is checked."""


@pytest.mark.parametrize("name", LONG)
def test_other_threads_run_during_a_long_request(name: str) -> None:
    page, form = LONG[name]
    chosen = build_options(lambda: MANUAL_TIME, profile="observed")
    pages = VendorApp(build_vendor(chosen), chosen)
    sign = signing.sign("test", "mima", "20120701231212")
    body = form + f"&userid=12&timestamp=20120701231212&sign={sign}".encode()
    turns, done = 0, threading.Event()

    def take_turns() -> None:
        nonlocal turns
        while not done.is_set():
            turns += 1
            time.sleep(0)

    other = threading.Thread(target=take_turns)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    other.start()
    try:
        before = turns
        response = pages.finish(pages.handle(page, VendorRequest("POST", b"", "", body))).response
        after = turns
    finally:
        done.set()
        other.join()
        sys.setswitchinterval(interval)
    assert response.status == 200
    assert after - before > 10


def test_public_values_can_be_copied() -> None:
    rules = DeliveryRules((DeliveryRule("150", DeliveryOutcome(reply="T")),), 7)
    account = Account("1", "a", "p", delivery_rules=rules)
    for value in (rules, account, Options(accounts=(account,)).accounts):
        assert copy.deepcopy(value) == value
        assert copy.copy(value) == value


@pytest.mark.parametrize("more", ["", "," * 20_000])
def test_the_log_shows_the_location_of_an_exception(
    more: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if a thread raised the exception and a coroutine awaited its result."""

    def broken(text: str) -> int:
        raise ZeroDivisionError(text)

    sign = signing.sign("test", "mima", "20120701231212")
    form = f"action=send&userid=12&timestamp=20120701231212&sign={sign}&content=x&mobile=15023239810{more}"
    monkeypatch.setitem(PRICINGS, "segment", broken)
    with Emulator() as emulator:
        response = send_raw(parse_address(emulator.url), build_request("/v2sms.aspx", form.encode()))
    assert response.status == 500
    assert "in broken" in caplog.text
