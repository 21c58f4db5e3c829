"""Every exchange is read to the right value, and every request that a client can make is built to the byte.

Here belongs what the client makes of the exchanges, by both ways of waiting. The emulator has no part in it.
"""

import asyncio
from dataclasses import asdict
from datetime import datetime
from typing import Any

import httpx2
import pytest

from sms10692 import (
    CHINA,
    AsyncClient,
    BalanceResult,
    Client,
    FetchedBatch,
    InvalidResponse,
    KeywordResult,
    PayInfo,
    Reason,
    Reply,
    Report,
    SendResult,
    Status,
    VendorRefusal,
)
from support.exchanges import EXCHANGES, Exchange

MANUALS_MOMENT = datetime(2012, 7, 1, 23, 12, 12, tzinfo=CHINA)
METHODS = {"1": "send", "2": "overage", "3": "checkkeyword", "4": "status", "5": "call"}
DEFAULT_ARGUMENTS: dict[str, dict[str, Any]] = {"send": {"mobiles": [], "content": ""}, "checkkeyword": {"content": ""}}
EACH_EXCHANGE = pytest.mark.parametrize("held", EXCHANGES, ids=lambda held: held.name)
BUILDABLE = [held for held in EXCHANGES if held.calls]


class Wire:
    """Answers every request with the exchange's answer, and remembers what was asked."""

    def __init__(self, held: Exchange) -> None:
        self.held = held
        self.asked: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        response = self.held.response
        return httpx2.Response(response.status, headers={"Content-Type": response.content_type}, content=response.body)


def arguments(held: Exchange) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The method, its arguments, and those of the client."""
    method, given = next(iter(held.calls.items()), (METHODS[held.name[0]], {}))
    given = DEFAULT_ARGUMENTS.get(method, {}) | given
    charset = given.pop("charset", "utf-8")
    settings = {"userid": "12", "account": "test", "password": "mima", "clock": lambda: MANUALS_MOMENT}
    return method, given, settings | {"charset": charset}


def outcome(ask: Any) -> Any:
    try:
        return ask()
    except (VendorRefusal, InvalidResponse) as error:
        return error


def ask(held: Exchange) -> tuple[Any, httpx2.Request]:
    method, given, settings = arguments(held)
    wire = Wire(held)
    with Client("http://127.0.0.1:10692", transport=httpx2.MockTransport(wire), **settings) as vendor:
        return outcome(lambda: getattr(vendor, method)(**given)), wire.asked[0]


def ask_and_await(held: Exchange) -> tuple[Any, httpx2.Request]:
    method, given, settings = arguments(held)
    wire = Wire(held)

    async def exchange() -> Any:
        transport = httpx2.MockTransport(wire)
        async with AsyncClient("http://127.0.0.1:10692", transport=transport, **settings) as vendor:
            return await getattr(vendor, method)(**given)

    return outcome(lambda: asyncio.run(exchange())), wire.asked[0]


EACH_WAY = pytest.mark.parametrize("ask", [ask, ask_and_await])


@EACH_WAY
@EACH_EXCHANGE
def test_an_answer_is_read_to_the_right_value(held: Exchange, ask: Any) -> None:
    value, _ = ask(held)
    match held.reads:
        case {"sent": fields}:
            assert value == SendResult(**fields)
        case {"overage": fields}:
            assert value == BalanceResult(**fields | {"payinfo": PayInfo(fields["payinfo"])})
        case {"checked": fields}:
            assert value == KeywordResult(**fields)
        case {"reports": boxes}:
            assert value == FetchedBatch([Report(**box | {"status": Status(box["status"])}) for box in boxes])
        case {"replies": boxes}:
            assert value == FetchedBatch([Reply(**box) for box in boxes])
        case {"refused": fields}:
            assert isinstance(value, VendorRefusal)
            assert {"code": None} | fields == {
                "message": value.message,
                "reason": value.reason.value,
                "code": value.code,
            }
            assert value.reply.body == held.response.body
        case {"unreadable": True}:
            assert isinstance(value, InvalidResponse)
            assert (value.status, value.body) == (200, held.response.body)
        case _:
            pytest.fail(f"{held.name} does not say how it reads")


@EACH_WAY
@pytest.mark.parametrize("held", BUILDABLE, ids=lambda held: held.name)
def test_a_request_is_built_to_the_byte(held: Exchange, ask: Any) -> None:
    _, request = ask(held)
    head, _, body = held.request.partition(b"\r\n\r\n")
    assert request.content == body
    assert f"{request.method} {request.url.raw_path.decode()} HTTP/1.1".encode() == head.partition(b"\r\n")[0]
    assert request.headers["content-type"].encode() in head


def test_each_operation_is_built_on_each_of_its_pages() -> None:
    built = {(next(iter(held.calls)), held.request.split(b" ")[1].decode()) for held in BUILDABLE}
    assert built == {
        *(
            (method, page)
            for method in ("send", "overage", "checkkeyword")
            for page in ("/v2sms.aspx", "/v2smsGBK.aspx")
        ),
        ("status", "/v2statusApi.aspx"),
        ("call", "/v2callApi.aspx"),
    }


def test_every_reason_but_the_last_is_read_in_some_exchange() -> None:
    read = {held.reads["refused"]["reason"] for held in EXCHANGES if "refused" in held.reads}
    assert read == {reason.value for reason in Reason} - {"not-in-the-manual"}


def test_values_cannot_be_changed() -> None:
    sent = SendResult(1, 2, 3)
    with pytest.raises(AttributeError):
        sent.task_id = 2  # type: ignore[misc]
    assert asdict(sent) == {"task_id": 1, "remain_point": 2, "success_counts": 3}
