"""A user's file that uses all of the client, and what tests hold, for type checkers to read.

`make check` runs mypy and pyright over it.
"""

from datetime import datetime
from pathlib import Path
from typing import assert_type

import httpx2

from sms10692 import (
    CHINA,
    AsyncClient,
    BalanceResult,
    Client,
    ConnectionFailed,
    FetchedBatch,
    InvalidResponse,
    KeywordResult,
    PayInfo,
    RawResponse,
    Reason,
    Reply,
    Report,
    Segments,
    SendResult,
    SmsError,
    Status,
    UnencodableText,
    VendorRefusal,
    count_segments,
    replay_spool,
)
from sms10692_mock import AsyncSmsVendor, Emulator, EmulatorControl, MessageNotSent, SmsVendor


def synchronous(transport: httpx2.BaseTransport, folder: Path) -> None:
    with Client(
        "http://127.0.0.1:10692",
        userid="12",
        account="test",
        password="mima",
        charset="gbk",
        timeout=5.0,
        total_timeout=60.0,
        retries=2,
        proxy=None,
        trust_env=False,
        ca=None,
        transport=transport,
        clock=lambda: datetime.now(CHINA),
        max_response_bytes=1024,
        accepts_empty_body=True,
    ) as vendor:
        sent = vendor.send(["15023239810"], "内容", send_time=datetime.now(CHINA), extno="01")
        assert_type(sent, SendResult)
        assert_type((sent.task_id, sent.remain_point, sent.success_counts), tuple[int, int, int])
        overage = vendor.overage()
        assert_type(overage, BalanceResult)
        assert_type(overage.payinfo, PayInfo)
        assert_type(vendor.checkkeyword("内容"), KeywordResult)
        batch = vendor.status(10, spool_dir=folder)
        assert_type(batch, FetchedBatch[Report])
        for report in batch:
            assert_type(report.status, Status)
            assert_type(report.receivetime, datetime)
        batch.ack()
        for replies in vendor.call_batches(spool_dir=folder):
            assert_type(replies, FetchedBatch[Reply])
            assert_type(replies[0].content, str)
        for reports in vendor.status_batches(10, spool_dir=folder):
            assert_type(reports, FetchedBatch[Report])
        for report in vendor.all_status(10):
            assert_type(report, Report)
        for reply in vendor.all_calls():
            assert_type(reply, Reply)
    for replayed in replay_spool(folder):
        assert_type(replayed, FetchedBatch[Report] | FetchedBatch[Reply])
        replayed.ack()
    assert_type(count_segments("内容"), Segments)


async def asynchronous(transport: httpx2.AsyncBaseTransport) -> None:
    async with AsyncClient(
        "http://127.0.0.1:10692", userid="12", account="test", password="mima", transport=transport
    ) as vendor:
        assert_type(await vendor.send("15023239810", "内容"), SendResult)
        assert_type(await vendor.overage(), BalanceResult)
        assert_type(await vendor.status(), FetchedBatch[Report])
        assert_type(await vendor.call(), FetchedBatch[Reply])
        async for reports in vendor.status_batches():
            assert_type(reports, FetchedBatch[Report])
        async for replies in vendor.call_batches(spool_dir="folder"):
            assert_type(replies, FetchedBatch[Reply])
        async for report in vendor.all_status():
            assert_type(report, Report)
        async for reply in vendor.all_calls():
            assert_type(reply, Reply)
        await vendor.all_status()  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues] - not to be awaited
        for _ in vendor.all_calls():  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues] - nor this
            pass


def errors(error: SmsError) -> Reason | None:
    match error:
        case VendorRefusal():
            assert_type(error.response, RawResponse)
            assert_type(error.code, int | None)
            return error.reason
        case InvalidResponse():
            assert_type((error.status, error.body), tuple[int, bytes])
        case ConnectionFailed():
            assert_type(error.maybe_delivered, bool)
        case UnencodableText():
            assert_type(error.positions, tuple[tuple[int, str], ...])
        case _:
            pass
    return None


def test_of_a_user(sms_vendor: SmsVendor) -> None:
    with Client(sms_vendor.url, **sms_vendor.credentials, timeout=5) as vendor:
        assert_type(vendor.send(["15023239810"], "内容"), SendResult)
    try:
        message = sms_vendor.wait_message(to="15023239810", timeout=1)
    except MessageNotSent as error:
        raise LookupError from error
    assert_type((message.content, message.sent, message.faults), tuple[str, datetime, tuple[str, ...]])
    assert_type(sms_vendor.clock.advance(60), datetime)
    assert_type(sms_vendor.fault("truncate", "send", at=5).id, str)
    assert_type([finding.sentence for request in sms_vendor.requests() for finding in request.diagnosis], list[str])


async def test_of_a_user_on_an_event_loop(async_sms_vendor: AsyncSmsVendor) -> None:
    async with AsyncClient(async_sms_vendor.url, **async_sms_vendor.credentials) as vendor:
        assert_type(await vendor.send(["15023239810"], "内容"), SendResult)
    message = await async_sms_vendor.wait_message(to="15023239810", timeout=1)
    assert_type((message.content, message.sent), tuple[str, datetime])
    assert_type([each.content for each in await async_sms_vendor.messages(to="15023239810")], list[str])
    assert_type(await async_sms_vendor.clock.advance(60), datetime)
    assert_type((await async_sms_vendor.fault("truncate", "send", at=5)).id, str)
    await async_sms_vendor.fail_next("MK:0001", count=2)


def emulators() -> None:
    with Emulator() as emulator, emulator.account(points=5) as held:
        assert_type(held, SmsVendor)
    with EmulatorControl("http://127.0.0.1:10692", "token") as control:
        assert_type(control.get_account("12"), SmsVendor)
