"""Tests of all hand-written exchanges, byte for byte, inside the process and over a socket.

No switch rewrites the exchanges.
"""

import pytest

from sms10692 import protocol
from support.emulators import WsgiHarness, emulator_server, send_raw
from support.exchanges import EXCHANGES, Exchange, load_exchange


@pytest.mark.parametrize("held", EXCHANGES, ids=lambda held: held.name)
def test_an_exchange_holds_inside_the_process(held: Exchange) -> None:
    emulator = WsgiHarness(**held.given)
    for name in held.before:
        emulator.send_raw(load_exchange(name).request)
    assert emulator.send_raw(held.request) == held.response


@pytest.mark.parametrize("chapter", sorted({held.name.split("/")[0] for held in EXCHANGES}))
def test_the_exchanges_of_a_chapter_hold_over_a_socket(chapter: str) -> None:
    for held in (held for held in EXCHANGES if held.name.startswith(chapter)):
        with emulator_server(held.given) as address:
            for name in held.before:
                send_raw(address, load_exchange(name).request)
            assert send_raw(address, held.request) == held.response, held.name


WORDS_OF = [
    (operation, page, word)
    for operation in protocol.OPERATIONS
    for page in operation.endpoints
    for word in operation.messages
]


@pytest.mark.parametrize(("operation", "page", "word"), WORDS_OF, ids=lambda value: getattr(value, "path", None))
def test_every_message_of_every_operation_has_an_exchange_on_each_page(
    operation: protocol.Operation, page: protocol.Endpoint, word: str
) -> None:
    codec = "gbk" if page.charset == "gb2312" else "utf-8"
    element = "remark" if operation.item_element else "message"
    wanted = f"<{element}>{word}</{element}>".encode(codec)
    assert [
        held.name
        for held in EXCHANGES
        if held.request.startswith(f"POST {page.path} ".encode())
        and (operation.item_element or f"action={operation.action}&".encode() in held.request + b"&")
        and wanted in held.response.body
    ]
