"""`AsyncSmsVendor`: a test on an event loop awaits messages that are sent on the same loop."""

import asyncio
import inspect
import warnings
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from sms10692 import AsyncClient
from sms10692_mock import AsyncSmsVendor, EmulatorControl, MessageNotSent, MessageSent, MistakeFound, SmsVendor
from sms10692_mock.testing.async_sms_vendor import AsyncClock
from sms10692_mock.testing.clock import Clock
from support import handles
from support.handles import NUMBER, OTHER_NUMBER
from support.http_client import TIMEOUT

pytest_plugins = ["pytester"]

emulator = handles.emulator
control = handles.control


@pytest.fixture
def vendor(control: EmulatorControl) -> Iterator[AsyncSmsVendor]:
    with control.account() as vendor:
        yield AsyncSmsVendor(vendor)


def open_async_client(vendor: AsyncSmsVendor, late: timedelta = timedelta()) -> AsyncClient:
    """Create a client for this account, whose clock is `late`."""
    transport = httpx2.AsyncHTTPTransport(verify=False)
    return AsyncClient(
        vendor.url,
        **vendor.credentials,
        transport=transport,
        timeout=TIMEOUT,
        clock=lambda: datetime.now(UTC) - late,
    )


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, TIMEOUT))


def test_the_event_loop_runs_while_a_message_is_awaited(vendor: AsyncSmsVendor) -> None:
    async def main() -> None:
        async with open_async_client(vendor) as client:
            waiting = asyncio.create_task(vendor.wait_message(to=NUMBER, timeout=TIMEOUT))
            await asyncio.sleep(0)
            await client.send([NUMBER], "first")
            assert (await waiting).content == "first"

    run(main())


def test_concurrent_waits_return_different_messages(vendor: AsyncSmsVendor) -> None:
    async def main() -> None:
        async with open_async_client(vendor) as client:
            waiting = [asyncio.create_task(vendor.wait_message(timeout=TIMEOUT)) for _ in range(3)]
            for number in (NUMBER, OTHER_NUMBER, NUMBER):
                await client.send([number], "x")
            assert sorted([(await task).number for task in waiting]) == [1, 2, 3]

    run(main())


def test_a_cancelled_wait_consumes_no_message(vendor: AsyncSmsVendor) -> None:
    async def main() -> None:
        async with open_async_client(vendor) as client:
            for text in ("first", "second"):
                waiting = asyncio.create_task(vendor.wait_message(timeout=TIMEOUT))
                await asyncio.sleep(0)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
                await client.send([NUMBER], text)
                assert (await vendor.wait_message(timeout=TIMEOUT)).content == text

    run(main())


def test_a_code_is_awaited_and_nothing_else_is_sent(vendor: AsyncSmsVendor) -> None:
    async def main() -> None:
        async with open_async_client(vendor) as client:
            waiting = asyncio.create_task(vendor.wait_code(NUMBER, timeout=TIMEOUT))
            await asyncio.sleep(0)
            await client.send([NUMBER], "【示例】您的验证码是 1234")
            assert await waiting == "1234"
            await vendor.assert_nothing_sent()
            watching = asyncio.create_task(vendor.assert_nothing_sent(within=TIMEOUT))
            await asyncio.sleep(0)
            await client.send([OTHER_NUMBER], "late")
            with pytest.raises(MessageSent, match=rf"1 was sent:\n  to {OTHER_NUMBER}, task"):
                await watching
            with pytest.raises(MessageNotSent, match="no other message with a verification code was sent"):
                await vendor.wait_code(timeout=0.01)

    run(main())


def test_a_mistake_that_the_vendor_accepts_raises_mistake_found(vendor: AsyncSmsVendor) -> None:
    async def main() -> None:
        async with open_async_client(vendor) as client:
            await client.send([NUMBER], "x")
            await vendor.assert_no_findings()
        async with open_async_client(vendor, late=timedelta(days=400)) as client:
            await client.send([NUMBER], "x")
            with pytest.raises(MistakeFound, match=r"found habit.stale:\n"):
                await vendor.assert_no_findings()

    run(main())


def test_a_message_that_is_not_sent_raises_message_not_sent(vendor: AsyncSmsVendor) -> None:
    async def main() -> None:
        with pytest.raises(MessageNotSent, match=rf"no message to {NUMBER} was sent within 0.01 s\n"):
            await vendor.wait_message(to=NUMBER, timeout=0.01)

    run(main())


@pytest.mark.parametrize(("async_type", "sync_type"), [(AsyncSmsVendor, SmsVendor), (AsyncClock, Clock)])
def test_each_method_is_a_coroutine_with_the_same_arguments(async_type: type, sync_type: type) -> None:
    for name, member in inspect.getmembers(sync_type):
        if name.startswith("_"):
            continue
        counterpart = getattr(async_type, name)
        if isinstance(member, property):
            assert isinstance(counterpart, property), name
        else:
            assert inspect.iscoroutinefunction(counterpart), name
            assert inspect.signature(counterpart).parameters == inspect.signature(member).parameters, name


def test_clock_rules_and_balance_are_awaited(control: EmulatorControl) -> None:
    async def main() -> None:
        async with AsyncSmsVendor(control.account(points=2)) as vendor, open_async_client(vendor) as client:
            await vendor.fail_next("MK:0001")
            await vendor.clock.freeze(handles.NOON)
            await client.send([NUMBER], "x")
            (report,) = await client.status()
            assert (report.errorcode, report.receivetime) == ("MK:0001", handles.NOON)
            assert (await vendor.top_up(5)).points == 6
            assert vendor.userid in repr(vendor)
            assert vendor.password not in repr(vendor)
        assert vendor.userid not in control.userids()

    run(main())


def test_a_wait_that_blocks_the_event_loop_warns(control: EmulatorControl) -> None:
    async def main() -> None:
        with control.account() as vendor:
            with pytest.warns(RuntimeWarning, match="assert_nothing_sent of the fixture async_sms_vendor"):
                vendor.assert_nothing_sent(within=0.01)
            with pytest.warns(RuntimeWarning, match="wait_message of the fixture async_sms_vendor") as recorded:
                with pytest.raises(MessageNotSent, match="blocks the running event loop, so nothing on that loop"):
                    vendor.wait_message(timeout=0.01)
            assert [warning.filename for warning in recorded] == [__file__]

    run(main())


def test_a_wait_for_a_message_already_sent_does_not_warn(control: EmulatorControl) -> None:
    async def main() -> None:
        with control.account() as vendor:
            async with open_async_client(AsyncSmsVendor(vendor)) as client:
                await client.send([NUMBER], "x")
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                assert vendor.wait_message().content == "x"

    run(main())


def test_the_async_fixture_has_the_account_of_sms_vendor(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import asyncio
        import pytest
        from sms10692 import AsyncClient

        pytestmark = pytest.mark.anyio

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        async def register(vendor, number):
            async with AsyncClient(vendor.url, **vendor.credentials) as client:
                await client.send(number, "验证码 1234")

        @pytest.mark.sms_vendor(points=7)
        async def test_it(async_sms_vendor, sms_vendor):
            assert async_sms_vendor.userid == sms_vendor.userid
            task = asyncio.create_task(register(async_sms_vendor, "15023239810"))
            assert "验证码" in (await async_sms_vendor.wait_message(to="15023239810")).content
            await task
            assert (await async_sms_vendor.balance()).points == 6

        async def test_it_fails(async_sms_vendor):
            await register(async_sms_vendor, "15023239810")
            await async_sms_vendor.wait_message(to="13800000000", timeout=0.01)
        """
    )
    result = pytester.runpytest_subprocess("-W", "error")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*MessageNotSent: no message to 13800000000 was sent within 0.01 s", "*to 15023239810, task*"]
    )
