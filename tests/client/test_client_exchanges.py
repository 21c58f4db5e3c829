"""The client against `fixtures/exchanges`: responses are parsed correctly, and requests match byte for byte.

Both clients are tested, without the emulator.
"""

import asyncio
from dataclasses import asdict, replace
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
from support.exchanges import EXCHANGES, Exchange, load_exchange

MANUAL_TIME = datetime(2012, 7, 1, 23, 12, 12, tzinfo=CHINA)
METHODS = {"0": "send", "1": "send", "2": "overage", "3": "checkkeyword", "4": "status", "5": "call"}
DEFAULT_ARGUMENTS: dict[str, dict[str, Any]] = {"send": {"mobiles": [], "content": ""}, "checkkeyword": {"content": ""}}
EACH_EXCHANGE = pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.name)
BUILDABLE = [exchange for exchange in EXCHANGES if exchange.client_call]


class RecordingHandler:
    """Handler of a MockTransport: returns the exchange's response and records the requests."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        response = self.exchange.response
        headers = {"Content-Type": response.content_type, "Content-Length": str(len(response.body))}
        return httpx2.Response(response.status, headers=headers, content=response.body)


def build_call(exchange: Exchange) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return the client method of an exchange, its arguments, and the settings of the client."""
    method, arguments = next(iter(exchange.client_call.items()), (METHODS[exchange.name[0]], {}))
    arguments = DEFAULT_ARGUMENTS.get(method, {}) | arguments
    settings = {"userid": "12", "account": "test", "password": "mima", "clock": lambda: MANUAL_TIME}
    for name, default in (("charset", "utf-8"), ("authentication", "signed")):
        settings[name] = arguments.pop(name, default)
    return method, arguments, settings | exchange.client_settings


def call_or_error(call: Any) -> Any:
    """Return the result of a call, or the error that it raised."""
    try:
        return call()
    except (VendorRefusal, InvalidResponse) as error:
        return error


def perform(exchange: Exchange) -> tuple[Any, httpx2.Request]:
    method, arguments, settings = build_call(exchange)
    handler = RecordingHandler(exchange)
    with Client("http://127.0.0.1:10692", transport=httpx2.MockTransport(handler), **settings) as client:
        return call_or_error(lambda: getattr(client, method)(**arguments)), handler.requests[0]


def perform_async(exchange: Exchange) -> tuple[Any, httpx2.Request]:
    method, arguments, settings = build_call(exchange)
    handler = RecordingHandler(exchange)

    async def call() -> Any:
        transport = httpx2.MockTransport(handler)
        async with AsyncClient("http://127.0.0.1:10692", transport=transport, **settings) as client:
            return await getattr(client, method)(**arguments)

    return call_or_error(lambda: asyncio.run(call())), handler.requests[0]


EACH_WAY = pytest.mark.parametrize("perform", [perform, perform_async])


@EACH_WAY
@EACH_EXCHANGE
def test_a_response_is_parsed_to_the_expected_result(exchange: Exchange, perform: Any) -> None:
    result, _ = perform(exchange)
    match exchange.result:
        case {"send": fields}:
            assert result == SendResult(**fields)
        case {"balance": fields}:
            assert result == BalanceResult(**fields | {"payinfo": PayInfo(fields["payinfo"])})
        case {"keyword": fields}:
            assert result == KeywordResult(**fields)
        case {"reports": items}:
            assert result == FetchedBatch([Report(**item | {"status": Status(item["status"])}) for item in items])
        case {"replies": items}:
            assert result == FetchedBatch([Reply(**item) for item in items])
        case {"refusal": fields}:
            assert isinstance(result, VendorRefusal)
            assert {"code": None} | fields == {
                "message": result.message,
                "reason": result.reason.value,
                "code": result.code,
            }
            assert result.response.body == exchange.response.body
        case {"invalid_response": True}:
            assert isinstance(result, InvalidResponse)
            assert (result.status, result.body) == (200, exchange.response.body)
        case _:
            pytest.fail(f"{exchange.name} has no expected result")


@EACH_WAY
def test_an_empty_body_is_an_empty_queue_only_for_a_client_that_accepts_it(perform: Any) -> None:
    exchange = load_exchange("5-call/profile-empty-queue /v2callApi.aspx")
    assert exchange.client_settings == {"accepts_empty_body": True}
    assert isinstance(perform(replace(exchange, client_settings={}))[0], InvalidResponse)


@EACH_WAY
@pytest.mark.parametrize("exchange", BUILDABLE, ids=lambda exchange: exchange.name)
def test_a_request_matches_its_exchange_byte_for_byte(exchange: Exchange, perform: Any) -> None:
    _, request = perform(exchange)
    head, _, body = exchange.request.partition(b"\r\n\r\n")
    assert request.content == body
    assert f"{request.method} {request.url.raw_path.decode()} HTTP/1.1".encode() == head.partition(b"\r\n")[0]
    assert request.headers["content-type"].encode() in head


def test_the_exchanges_cover_each_operation_on_each_of_its_endpoints() -> None:
    built = {(next(iter(exchange.client_call)), exchange.request.split(b" ")[1].decode()) for exchange in BUILDABLE}
    assert built == {
        *(
            (method, path)
            for method in ("send", "overage", "checkkeyword")
            for path in ("/v2sms.aspx", "/v2smsGBK.aspx")
        ),
        ("status", "/v2statusApi.aspx"),
        ("call", "/v2callApi.aspx"),
        ("send", "/sms.aspx"),
        ("send", "/smsGBK.aspx"),
        ("overage", "/sms.aspx"),
        ("overage", "/smsGBK.aspx"),
        ("checkkeyword", "/sms.aspx"),
        ("status", "/statusApi.aspx"),
        ("call", "/callApi.aspx"),
    }


def test_the_exchanges_cover_every_reason_of_the_manual() -> None:
    covered = {exchange.result["refusal"]["reason"] for exchange in EXCHANGES if "refusal" in exchange.result}
    assert covered - {"not-in-the-manual"} == {reason.value for reason in Reason} - {"not-in-the-manual"}


def test_results_are_immutable() -> None:
    result = SendResult(1, 2, 3)
    with pytest.raises(AttributeError):
        result.task_id = 2  # type: ignore[misc]
    assert asdict(result) == {"task_id": 1, "remain_point": 2, "success_counts": 3}
