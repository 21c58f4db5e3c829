"""Tests of all hand-written exchanges, byte for byte, inside the process and over a socket.

No switch rewrites the exchanges.
"""

import pytest

from sms10692 import protocol
from support.emulators import WsgiHarness, emulator_server
from support.exchanges import EXCHANGES, Exchange, load_exchange
from support.http_client import send_raw


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.name)
def test_every_exchange_holds_inside_the_process(exchange: Exchange) -> None:
    emulator = WsgiHarness(**exchange.given)
    for name in exchange.before:
        emulator.send_raw(load_exchange(name).request)
    assert emulator.send_raw(exchange.request) == exchange.response


@pytest.mark.parametrize("chapter", sorted({exchange.name.split("/")[0] for exchange in EXCHANGES}))
def test_the_exchanges_of_a_chapter_hold_over_a_socket(chapter: str) -> None:
    for exchange in (exchange for exchange in EXCHANGES if exchange.name.startswith(chapter)):
        with emulator_server(exchange.given) as address:
            for name in exchange.before:
                send_raw(address, load_exchange(name).request)
            assert send_raw(address, exchange.request) == exchange.response, exchange.name


_NO_REFUSALS = (protocol.OK, protocol.OVERAGE_FOUND, protocol.NOTHING_FORBIDDEN)
_CREDENTIALS_REFUSALS = (protocol.CREDENTIALS_EMPTY, protocol.CREDENTIALS_WRONG)

MESSAGES = [
    (operation, endpoint, message)
    for operation in protocol.OPERATIONS
    for endpoint in operation.endpoints
    for message in operation.all_messages
    # Beyond the manual's endpoints, what differs is who asks; the rest is the same code.
    if endpoint.provenance == "manual" or message in (*_NO_REFUSALS, *_CREDENTIALS_REFUSALS)
]


@pytest.mark.parametrize(
    ("operation", "endpoint", "message"),
    MESSAGES,
    ids=lambda value: getattr(value, "path", None) or getattr(value, "name", None),
)
def test_every_message_of_every_operation_has_an_exchange_on_each_endpoint(
    operation: protocol.Operation, endpoint: protocol.Endpoint, message: str
) -> None:
    codec = "gbk" if endpoint.charset == "gb2312" else "utf-8"
    element = "remark" if operation.item_element else "message"
    expected = f"<{element}>{message}</{element}>".encode(codec)
    assert [
        exchange.name
        for exchange in EXCHANGES
        if exchange.request.startswith(f"POST {endpoint.path} ".encode())
        and (operation.item_element or f"action={operation.action}&".encode() in exchange.request + b"&")
        and expected in exchange.response.body
    ], f"fixtures/exchanges has no POST {endpoint.path} of {operation.name} with the response '{message}'"
