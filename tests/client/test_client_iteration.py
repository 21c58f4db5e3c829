"""The pairs of methods of the queues: one fetch is a batch, and what fetches until nothing is left is iterated."""

import asyncio
from typing import Any

import httpx2
import pytest

from sms10692 import AsyncClient, Client, Reply, Report
from sms10692_mock.admin.app import create_app
from support.client import SETTINGS
from support.emulators import emulator_process

NUMBERS = ["10000000030", "10000000030", "15023239810"]


@pytest.fixture
def settings() -> dict[str, Any]:
    """Settings of clients of one emulator, to which the three numbers were sent."""
    settings = SETTINGS | {"url": "http://vendor", "transport": httpx2.WSGITransport(create_app())}
    with Client(**settings) as vendor:
        vendor.send(NUMBERS, "内容")
    return settings


def test_all_status_yields_reports_and_all_calls_replies(settings: dict[str, Any]) -> None:
    with Client(**settings) as vendor:
        reports = list(vendor.all_status(2))
        replies = list(vendor.all_calls())
        assert list(vendor.all_status()) == []
        assert list(vendor.all_calls()) == []
    assert [(type(report), report.mobile) for report in reports] == [(Report, number) for number in NUMBERS]
    assert [(type(reply), reply.content) for reply in replies] == [(Reply, "T"), (Reply, "T")]


def test_status_batches_yields_batches(settings: dict[str, Any]) -> None:
    with Client(**settings) as vendor:
        assert [len(batch) for batch in vendor.status_batches(2)] == [2, 1]
        assert [len(batch) for batch in vendor.call_batches()] == [2]


def test_the_async_client_yields_the_same(settings: dict[str, Any], tmp_path: Any) -> None:
    async def fetch() -> list[Any]:
        async with AsyncClient(**settings) as vendor:
            mobiles = [report.mobile async for report in vendor.all_status(2)]
            contents = [reply.content async for reply in vendor.all_calls()]
            await vendor.send(NUMBERS, "内容")
            sizes = [len(batch) async for batch in vendor.status_batches(2, keep=tmp_path)]
            async for batch in vendor.call_batches(keep=tmp_path):
                sizes.append(len(batch))
                batch.done()
            return [mobiles, contents, sizes, len(list(tmp_path.iterdir()))]

    assert asyncio.run(fetch()) == [NUMBERS, ["T", "T"], [2, 1, 2], 2]


@pytest.mark.parametrize("method", ["all_status", "all_calls", "status_batches", "call_batches"])
def test_to_await_what_is_iterated_is_an_error_that_says_how_it_is_done(settings: Any, method: str) -> None:
    async def misuse(use: Any) -> str:
        async with AsyncClient(**settings) as vendor:
            with pytest.raises(TypeError) as raised:
                await use(getattr(vendor, method)())
            return str(raised.value)

    async def awaited(items: Any) -> None:
        await items

    async def gone_through(items: Any) -> None:
        list(items)

    for use in (awaited, gone_through):
        assert f"async for item in client.{method}()" in asyncio.run(misuse(use))


def test_an_async_client_is_used_by_one_event_loop_after_another(settings: dict[str, Any]) -> None:
    with emulator_process("--log-level", "error") as (_, (host, port)):
        client = AsyncClient(**settings | {"url": f"http://{host}:{port}", "transport": None})

        async def overage() -> int:
            return (await client.overage()).overage

        assert [asyncio.run(overage()) for _ in range(3)] == [1000] * 3
        asyncio.run(client.close())
