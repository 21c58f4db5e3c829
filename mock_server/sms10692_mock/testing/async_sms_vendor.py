"""One account of an emulator for tests that run on an event loop: every method of `SmsVendor` as a coroutine.

A row for each method; what it does is documented where it is defined, and `wait_message` is written out, because a
cancelled wait must not take a message. Runs on asyncio and on trio.
"""

from collections.abc import Callable, Coroutine
from functools import partial, wraps
from types import TracebackType
from typing import Any, Concatenate, Final, Generic, ParamSpec, Self, TypeVar

from anyio.to_thread import run_sync

from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.testing.account import Credentials, MessageNotSent, SmsVendor
from sms10692_mock.testing.clock import Clock
from sms10692_mock.testing.models import Message

Wrapped = TypeVar("Wrapped")
Wrapped_co = TypeVar("Wrapped_co", covariant=True)
Result = TypeVar("Result")
P = ParamSpec("P")

_LONGEST_WAIT: Final = 1.0
"""Seconds for which a thread waits at once: that of a cancelled wait ends after so long."""


class _Async(Generic[Wrapped_co]):
    def __init__(self, wrapped: Wrapped_co) -> None:
        self._wrapped = wrapped


def _awaited(
    method: Callable[Concatenate[Wrapped, P], Result],
) -> Callable[Concatenate[_Async[Wrapped], P], Coroutine[Any, Any, Result]]:
    """Make a method a coroutine, which runs it on a thread."""

    @wraps(method)
    async def call(self: _Async[Wrapped], /, *args: P.args, **kwargs: P.kwargs) -> Result:
        return await run_sync(partial(method, self._wrapped, *args, **kwargs))

    return call


class AsyncClock(_Async[Clock]):
    """The `Clock` of an account, awaited."""

    now = _awaited(Clock.now)
    freeze = _awaited(Clock.freeze)
    set = _awaited(Clock.set)
    real = _awaited(Clock.real)
    advance = _awaited(Clock.advance)
    advance_to_next = _awaited(Clock.advance_to_next)


class AsyncSmsVendor(_Async[SmsVendor]):
    """The vendor, as one account sees it: an `SmsVendor` whose methods are awaited.

    As an asynchronous context manager it closes the account at the end.
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
        """The address for the client. An emulator in this process begins to listen when this is first asked for."""
        return self._wrapped.url

    @property
    def credentials(self) -> Credentials:
        """For a client: `AsyncClient(sms_vendor.url, **sms_vendor.credentials)`."""
        return self._wrapped.credentials

    @property
    def wsgi(self) -> Any:
        """The emulator as a WSGI application. Raises RuntimeError where the emulator runs elsewhere."""
        return self._wrapped.wsgi

    async def wait_message(self, to: str | None = None, text: str | None = None, timeout: float = 5.0) -> Message:
        """The first such message that was not awaited before, as soon as it is sent; the event loop runs meanwhile.

        Each message is returned once, also beside other waits. Raises NotSent after `timeout` seconds of real time.
        """
        __tracebackhide__ = True  # pytest's: what matters is where the test called this
        until = monotonic() + timeout
        while True:
            left = max(0.0, until - monotonic())
            fetch = partial(self._wrapped._fetch_not_awaited, to, text, min(left, _LONGEST_WAIT))
            message = self._wrapped._take_first(to, text, await run_sync(fetch, abandon_on_cancel=True))
            if message is not None:
                return message
            if not left:
                raise MessageNotSent(await run_sync(self._wrapped._explain_not_sent, to, text, timeout))

    messages = _awaited(SmsVendor.messages)
    reports = _awaited(SmsVendor.reports)
    replies = _awaited(SmsVendor.replies)
    requests = _awaited(SmsVendor.requests)
    ledger = _awaited(SmsVendor.queue_stats)
    explain = _awaited(SmsVendor.explain)
    report = _awaited(SmsVendor.report)
    reply = _awaited(SmsVendor.reply)
    rewind_reports = _awaited(SmsVendor.requeue_reports)
    rewind_replies = _awaited(SmsVendor.requeue_replies)
    fail_next = _awaited(SmsVendor.fail_next)
    rule = _awaited(SmsVendor.rule)
    outcomes = _awaited(SmsVendor.outcomes)
    clear_outcomes = _awaited(SmsVendor.clear_outcomes)
    fault = _awaited(SmsVendor.fault)
    faults = _awaited(SmsVendor.faults)
    remove_fault = _awaited(SmsVendor.remove_fault)
    clear_faults = _awaited(SmsVendor.clear_faults)
    standing = _awaited(SmsVendor.balance)
    charge = _awaited(SmsVendor.top_up)
    change = _awaited(SmsVendor.change)
    reset = _awaited(SmsVendor.reset)
    close = _awaited(SmsVendor.close)
