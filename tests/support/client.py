"""Helpers for tests of the client: one send with the sync and the async client, and a transport that fails at first."""

import asyncio
from typing import Any

import httpx2
import pytest

from sms10692 import AsyncClient, Client

SETTINGS: dict[str, Any] = {"userid": "12", "account": "test", "password": "mima"}
BODY = (
    b'<?xml version="1.0" encoding="utf-8" ?><returnsms>\n <returnstatus>Success</returnstatus>\n'
    b" <message>ok</message>\n <remainpoint>998</remainpoint>\n <taskID>100001</taskID>\n"
    b" <successCounts>1</successCounts></returnsms>"
)


def send(url: str, **options: Any) -> Any:
    with Client(url, **SETTINGS | options) as vendor:
        return vendor.send(["15023239810"], "内容")


def send_async(url: str, **options: Any) -> Any:
    async def run() -> Any:
        async with AsyncClient(url, **SETTINGS | options) as vendor:
            return await vendor.send(["15023239810"], "内容")

    return asyncio.run(run())


EACH_SEND = pytest.mark.parametrize("send", [send, send_async])


class FlakyTransport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Raises `error` for the first `failures` requests, then returns a successful response."""

    def __init__(self, failures: int, error: type[httpx2.RequestError]) -> None:
        self.failures = failures
        self.error = error
        self.attempts = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.attempts += 1
        if self.attempts <= self.failures:
            raise self.error("no")
        return httpx2.Response(200, content=BODY)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return self.handle_request(request)
