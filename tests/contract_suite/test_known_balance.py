"""`KnownBalance`: which sends an account cannot pay, by what its responses said."""

import pytest

from sms10692_contract.expected import ParsedResponse
from sms10692_contract.http import HttpResponse
from sms10692_contract.known_balance import KnownBalance
from sms10692_contract.requests import UTF8, build_request


def build_response(text: str) -> ParsedResponse:
    request = build_request(UTF8, body=[("action", "overage")])
    return ParsedResponse(request, HttpResponse(200, "text/xml", f"<returnsms>{text}</returnsms>".encode()))


@pytest.mark.parametrize(
    ("overage", "expected"), [("0.02", True), ("0", True), ("-3", True), ("2", False), ("100.50", False), ("x", False)]
)
def test_an_account_cannot_pay_more_numbers_than_it_has_points(overage: str, expected: bool) -> None:
    balance = KnownBalance()
    balance.record(
        build_response(
            f"<returnstatus>Sucess</returnstatus><message></message><payinfo>预付费</payinfo><overage>{overage}</overage>"
        )
    )
    send = build_request(UTF8, body=[("action", "send"), ("mobile", "13000000001,13000000002")])
    assert balance.cannot_pay(send) == expected
