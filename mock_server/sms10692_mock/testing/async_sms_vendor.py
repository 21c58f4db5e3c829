"""`AsyncSmsVendor`: the methods of `SmsVendor` as coroutines, for tests on an event loop (asyncio or trio).

Each method runs on a thread and is documented in `SmsVendor`. The waits are written out, because **a cancelled wait
must not consume a message**.
"""

from collections.abc import Callable, Coroutine
from functools import partial, wraps
from types import TracebackType
from typing import Any, Concatenate, Final, Generic, ParamSpec, Self, TypeVar

from anyio.to_thread import run_sync

from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.testing.account import (
    ASSERT_NOTHING_SENT,
    WAIT_CODE,
    WAIT_MESSAGE,
    Credentials,
    MessageNotSent,
    MessageSent,
    SmsVendor,
    Wait,
)
from sms10692_mock.testing.clock import Clock
from sms10692_mock.testing.models import Message

Wrapped = TypeVar("Wrapped")
Wrapped_co = TypeVar("Wrapped_co", covariant=True)
Result = TypeVar("Result")
P = ParamSpec("P")

_LONGEST_WAIT: Final = 1.0
"""Maximum seconds of one waiting request. The thread of a cancelled wait ends after at most this time."""


class _AsyncWrapper(Generic[Wrapped_co]):
    def __init__(self, wrapped: Wrapped_co) -> None:
        self._wrapped = wrapped


def _on_thread(
    method: Callable[Concatenate[Wrapped, P], Result],
) -> Callable[Concatenate[_AsyncWrapper[Wrapped], P], Coroutine[Any, Any, Result]]:
    """Return a coroutine function that runs `method` on a thread."""

    @wraps(method)
    async def call(self: _AsyncWrapper[Wrapped], /, *args: P.args, **kwargs: P.kwargs) -> Result:
        return await run_sync(partial(method, self._wrapped, *args, **kwargs))

    return call


class AsyncClock(_AsyncWrapper[Clock]):
    """The `Clock` of an account with coroutines for methods."""

    now = _on_thread(Clock.now)
    freeze = _on_thread(Clock.freeze)
    set = _on_thread(Clock.set)
    real = _on_thread(Clock.real)
    advance = _on_thread(Clock.advance)
    advance_to_next = _on_thread(Clock.advance_to_next)


class AsyncSmsVendor(_AsyncWrapper[SmsVendor]):
    """The vendor as one account sees it: an `SmsVendor` with coroutines for methods.

    As an asynchronous context manager it deletes the account at the end, if the account is temporary.
    """

    def __init__(self, vendor: SmsVendor) -> None:
        super().__init__(vendor)
        self.userid = vendor.userid
        self.account = vendor.account
        self.password = vendor.password
        self.clock = AsyncClock(vendor.clock)

    def __repr__(self) -> str:
        return f"<Async{repr(self._wrapped)[1:]}"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def url(self) -> str:
        """The base URL for the client. An emulator in this process starts to listen when this is first read."""
        return self._wrapped.url

    @property
    def console_url(self) -> str:
        """The address of the console's page with the messages of this account."""
        return self._wrapped.console_url

    @property
    def credentials(self) -> Credentials:
        """Keyword arguments for a client: `AsyncClient(sms_vendor.url, **sms_vendor.credentials)`."""
        return self._wrapped.credentials

    @property
    def wsgi(self) -> Any:
        """The emulator as a WSGI application. Raises RuntimeError if the emulator runs in another process."""
        return self._wrapped.wsgi

    async def wait_message(self, to: str | None = None, text: str | None = None, timeout: float = 5.0) -> Message:
        """Wait for a matching message and return the first one that no earlier wait returned.

        The event loop keeps running. Each message is returned once, also with concurrent waits. Raises MessageNotSent
        after `timeout` seconds of real time.
        """
        __tracebackhide__ = True  # pytest's: the traceback ends at the call in the test
        return await self._require(WAIT_MESSAGE, to, text, timeout)

    async def wait_code(self, to: str | None = None, text: str | None = None, timeout: float = 5.0) -> str:
        """Wait for a matching message that contains a verification code, and return the code.

        As `SmsVendor.wait_code`; the event loop keeps running.
        """
        __tracebackhide__ = True
        return await self._require(WAIT_CODE, to, text, timeout)

    async def assert_nothing_sent(self, to: str | None = None, text: str | None = None, within: float = 0.0) -> None:
        """Raise MessageSent if there is a matching message that no wait returned.

        As `SmsVendor.assert_nothing_sent`; the event loop keeps running for `within` seconds of real time.
        """
        __tracebackhide__ = True
        if await self._wait(ASSERT_NOTHING_SENT, to, text, within) is not None:
            raise MessageSent(await run_sync(self._wrapped._explain_sent, to, text))

    async def assert_no_findings(self) -> None:
        """Raise MistakeFound if a request of this account had a mistake, as `SmsVendor.assert_no_findings`."""
        __tracebackhide__ = True
        await run_sync(self._wrapped.assert_no_findings)

    async def _require(self, wait: Wait[Result], to: str | None, text: str | None, timeout: float) -> Result:
        __tracebackhide__ = True
        result = await self._wait(wait, to, text, timeout)
        if result is None:
            raise MessageNotSent(await run_sync(self._wrapped._explain_not_sent, wait, to, text, timeout))
        return result

    async def _wait(self, wait: Wait[Result], to: str | None, text: str | None, timeout: float) -> Result | None:
        __tracebackhide__ = True
        until = monotonic() + timeout
        while True:
            left = max(0.0, until - monotonic())
            fetch = partial(self._wrapped._fetch_not_awaited, wait, to, text, min(left, _LONGEST_WAIT))
            result = self._wrapped._take_first(wait, to, text, await run_sync(fetch, abandon_on_cancel=True))
            if result is not None or not left:
                return result

    messages = _on_thread(SmsVendor.messages)
    reports = _on_thread(SmsVendor.reports)
    replies = _on_thread(SmsVendor.replies)
    requests = _on_thread(SmsVendor.requests)
    queue_stats = _on_thread(SmsVendor.queue_stats)
    explain = _on_thread(SmsVendor.explain)
    report = _on_thread(SmsVendor.report)
    reply = _on_thread(SmsVendor.reply)
    requeue_reports = _on_thread(SmsVendor.requeue_reports)
    requeue_replies = _on_thread(SmsVendor.requeue_replies)
    fail_next = _on_thread(SmsVendor.fail_next)
    rule = _on_thread(SmsVendor.rule)
    delivery_rules = _on_thread(SmsVendor.delivery_rules)
    clear_delivery_rules = _on_thread(SmsVendor.clear_delivery_rules)
    fault = _on_thread(SmsVendor.fault)
    faults = _on_thread(SmsVendor.faults)
    remove_fault = _on_thread(SmsVendor.remove_fault)
    clear_faults = _on_thread(SmsVendor.clear_faults)
    profile = _on_thread(SmsVendor.profile)
    balance = _on_thread(SmsVendor.balance)
    top_up = _on_thread(SmsVendor.top_up)
    change = _on_thread(SmsVendor.change)
    reset = _on_thread(SmsVendor.reset)
    close = _on_thread(SmsVendor.close)
