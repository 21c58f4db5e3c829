"""Iteration over the queues: `status_batches`, `call_batches`, `all_status` and `all_calls`."""

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
    """Client settings for an emulator that has accepted a send to each of the three numbers."""
    settings = SETTINGS | {"url": "http://vendor", "transport": httpx2.WSGITransport(create_app())}
    with Client(**settings) as client:
        for number in NUMBERS:  # one send to a repeated number would send once
            client.send([number], "内容")
    return settings


def test_all_status_yields_reports_and_all_calls_yields_replies(settings: dict[str, Any]) -> None:
    with Client(**settings) as client:
        reports = list(client.all_status(2))
        replies = list(client.all_calls())
        assert list(client.all_status()) == []
        assert list(client.all_calls()) == []
    assert [(type(report), report.mobile) for report in reports] == [(Report, number) for number in NUMBERS]
    assert [(type(reply), reply.content) for reply in replies] == [(Reply, "T"), (Reply, "T")]


def test_status_batches_and_call_batches_yield_batches(settings: dict[str, Any]) -> None:
    with Client(**settings) as client:
        assert [len(batch) for batch in client.status_batches(2)] == [2, 1]
        assert [len(batch) for batch in client.call_batches()] == [2]


def test_the_async_client_yields_the_same_items(settings: dict[str, Any], tmp_path: Any) -> None:
    async def fetch() -> list[Any]:
        async with AsyncClient(**settings) as client:
            mobiles = [report.mobile async for report in client.all_status(2)]
            contents = [reply.content async for reply in client.all_calls()]
            for number in NUMBERS:
                await client.send([number], "内容")
            sizes = [len(batch) async for batch in client.status_batches(2, spool_dir=tmp_path)]
            async for batch in client.call_batches(spool_dir=tmp_path):
                sizes.append(len(batch))
                batch.ack()
            return [mobiles, contents, sizes, len(list(tmp_path.iterdir()))]

    assert asyncio.run(fetch()) == [NUMBERS, ["T", "T"], [2, 1, 2], 2]


@pytest.mark.parametrize("method", ["all_status", "all_calls", "status_batches", "call_batches"])
def test_awaiting_an_async_iterator_raises_an_error_that_shows_the_correct_form(settings: Any, method: str) -> None:
    async def misuse(use: Any) -> str:
        async with AsyncClient(**settings) as client:
            with pytest.raises(TypeError) as raised:
                await use(getattr(client, method)())
            return str(raised.value)

    async def await_items(items: Any) -> None:
        await items

    async def loop_over_items(items: Any) -> None:
        list(items)

    for use in (await_items, loop_over_items):
        assert f"async for item in client.{method}()" in asyncio.run(misuse(use))


def test_an_async_client_may_be_used_by_several_event_loops_in_turn(settings: dict[str, Any]) -> None:
    with emulator_process("--log-level", "error") as (_, (host, port)):
        client = AsyncClient(**settings | {"url": f"http://{host}:{port}", "transport": None})

        async def overage() -> int:
            return (await client.overage()).overage

        assert [asyncio.run(overage()) for _ in range(3)] == [1000] * 3
        asyncio.run(client.close())
