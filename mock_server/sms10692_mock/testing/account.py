"""One account of an emulator, in the hands of a test.

Here belongs what a test sees and turns of its own account. The emulator as a whole is in `control`.
"""

import sys
import threading
import warnings
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Literal, Self, TypedDict

from sms10692 import protocol
from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.testing.api_client import ControlApi, ControlRefused, account_path
from sms10692_mock.testing.failure_report import format_report
from sms10692_mock.testing.models import (
    EnqueuedReply,
    EnqueuedReport,
    Message,
    OutcomeName,
    Queues,
    Reply,
    Report,
    Request,
    Rule,
    Standing,
    from_document,
)
from sms10692_mock.testing.scope import ControlScope

_LONGEST_WAIT: Final = 60.0
"""Seconds for which the control address waits at once."""
_TOLD: Final = 20
_TOLD_OF_STRANGERS: Final = 5
_GONE: Final = 404
_HIDDEN: Final = "***"
_BLOCKED: Final = (
    "wait_message was called on a running event loop and blocks it, so that nothing on that loop can send meanwhile: "
    "await the wait_message of the fixture async_sms_vendor, or of AsyncSmsVendor(sms_vendor)"
)


class MessageNotSent(AssertionError):
    """A message that a test waited for was not sent; the text says what was, and what was refused."""


class Credentials(TypedDict):
    """What a client needs beside the address, named as the arguments of `sms10692.Client`."""

    userid: str
    account: str
    password: str


class SmsVendor(ControlScope):
    """The vendor, as one account sees it: `url` and `credentials` are for the client, the rest is for the test.

    As a context manager it closes the account at the end. Every method may raise ControlError.
    """

    def __init__(self, connection: ControlApi, document: Mapping[str, Any], wsgi: Any = None) -> None:
        super().__init__(connection, account_path(document["userid"]))
        self.userid: str = document["userid"]
        self.account: str = document["account"]
        self.password: str = document["password"]
        self._throwaway: bool = document["throwaway"]
        self._wsgi = wsgi
        self._awaited: set[int] = set()
        self._looked_through: dict[tuple[str | None, str | None], int] = {}
        self._waiting = threading.Lock()

    def __repr__(self) -> str:
        return f"<SmsVendor userid={self.userid} of {self._connection.name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The address for the client. An emulator in this process begins to listen when this is first asked for."""
        return self._connection.url

    @property
    def credentials(self) -> Credentials:
        """For a client: `Client(sms_vendor.url, **sms_vendor.credentials)`."""
        return {"userid": self.userid, "account": self.account, "password": self.password}

    @property
    def wsgi(self) -> Any:
        """The emulator as a WSGI application, for calls without a socket, such as by `httpx2.WSGITransport`.

        Raises RuntimeError where the emulator runs elsewhere.
        """
        if self._wsgi is None:
            raise RuntimeError(f"the emulator at {self.url} runs elsewhere, so here is no WSGI application")
        return self._wsgi

    def messages(self, to: str | None = None, text: str | None = None) -> list[Message]:
        """What was sent, the oldest first: all, or what went to a number, or what has a text anywhere in it."""
        return [from_document(Message, document) for document in self._documents("messages", mobile=to, text=text)]

    def wait_message(self, to: str | None = None, text: str | None = None, timeout: float = 5.0) -> Message:
        """The first such message that was not awaited before, as soon as it is sent.

        Each message is returned once, so that a second call waits for a second message. Raises NotSent after `timeout`
        seconds of real time. Blocks the thread: on an event loop take that of `AsyncSmsVendor`.
        """
        __tracebackhide__ = True  # pytest's: what matters is where the test called this
        until = monotonic() + timeout
        blocks_a_loop = timeout > 0 and _runs_on_an_event_loop()
        wait = 0.0 if blocks_a_loop else min(max(0.0, timeout), _LONGEST_WAIT)
        while True:
            message = self._take_first(to, text, self._fetch_not_awaited(to, text, wait))
            if message is not None:
                return message
            if blocks_a_loop and not wait:
                warnings.warn(_BLOCKED, RuntimeWarning, stacklevel=2)
            left = until - monotonic()
            if left <= 0:
                note = f"\n{_BLOCKED}" if blocks_a_loop else ""
                raise MessageNotSent(self._explain_not_sent(to, text, timeout) + note)
            wait = min(left, _LONGEST_WAIT)

    def _fetch_not_awaited(self, to: str | None, text: str | None, wait: float) -> list[Mapping[str, Any]]:
        """Such messages behind those that were looked through, after at most `wait` seconds."""
        after = self._looked_through.get((to, text))
        page = self._get("messages", mobile=to, text=text, after=after, wait=wait)
        return list(page["items"])

    def _take_first(self, to: str | None, text: str | None, documents: Iterable[Mapping[str, Any]]) -> Message | None:
        """The first of these that was not awaited before, which it is from now on."""
        for document in documents:
            number = document["number"]
            with self._waiting:
                is_new = number not in self._awaited
                self._awaited.add(number)
                self._looked_through[to, text] = number
            if is_new:
                return from_document(Message, document)
        return None

    def _explain_not_sent(self, to: str | None, text: str | None, timeout: float) -> str:
        """That no such message was sent, and what was."""
        another = "no other" if self._awaited else "no"
        whom = f" to {to}" if to is not None else ""
        what = f" with '{text}'" if text is not None else ""
        return f"{another} message{whom}{what} was sent within {timeout:g} s\n{self.explain()}"

    def reports(self) -> list[Report]:
        """The queue of reports, with what was handed out of it."""
        return [from_document(Report, document) for document in self._documents("reports")]

    def replies(self) -> list[Reply]:
        """The queue of replies, with what was handed out of it."""
        return [from_document(Reply, document) for document in self._documents("replies")]

    def queue_stats(self) -> Queues:
        """Both queues in numbers."""
        return from_document(Queues, self._get("queues"))

    def report(
        self,
        number: str,
        status: Literal[10, 20] = protocol.DELIVERED,
        errorcode: str | None = None,
        *,
        task_id: int | None = None,
        extno: str | None = None,
        seconds: float | None = None,
    ) -> EnqueuedReport:
        """Put a report into the queue, as if the network had sent it, so many `seconds` from now.

        Without `task_id` it belongs to the last task that was sent to that number, without `extno` it has the task's.
        Raises ControlRefused where the account has no such task.
        """
        if errorcode is None and status == protocol.FAILED:
            errorcode = "UNDELIV"
        document = self._do(
            "POST",
            "reports",
            mobile=number,
            status=status,
            errorcode=errorcode,
            task_id=task_id,
            extno=extno,
            seconds=seconds,
        )
        return from_document(EnqueuedReport, document)

    def reply(
        self,
        number: str,
        text: str,
        *,
        task_id: int | None = None,
        extno: str | None = None,
        seconds: float | None = None,
    ) -> EnqueuedReply:
        """Answer from a handset, so many `seconds` from now: to the last task that was sent to it, or to another.

        Raises ControlRefused where the account has no such task.
        """
        wanted = {"mobile": number, "content": text, "task_id": task_id, "extno": extno, "seconds": seconds}
        return from_document(EnqueuedReply, self._do("POST", "replies", **wanted))

    def requeue_reports(self, count: int | None = None, since: datetime | None = None) -> int:
        """Let the last `count` reports wait again that were handed out, or those since a moment, or all; how many."""
        return self._rewind("reports", count, since)

    def requeue_replies(self, count: int | None = None, since: datetime | None = None) -> int:
        """The same for replies."""
        return self._rewind("replies", count, since)

    def _rewind(self, queue: str, count: int | None, since: datetime | None) -> int:
        document = self._do("POST", f"{queue}/rewind", count=count, since=since and since.isoformat())
        return int(document["rewound"])

    def fail_next(self, errorcode: str = "UNDELIV", *, count: int = 1, to: str = "") -> None:
        """Let the next `count` messages fail, of all or of those to a number or to numbers that begin so."""
        self.rule(to, "failed", errorcode=errorcode, remaining=count)

    def rule(
        self,
        number: str = "",
        outcome: OutcomeName = "delivered",
        *,
        errorcode: str | None = None,
        delay: float | None = None,
        reply: str | None = None,
        share: float | None = None,
        remaining: int | None = None,
    ) -> None:
        """Say what becomes of messages to a number, or to numbers that begin so; the values are those of `Rule`."""
        self._do(
            "POST",
            "outcomes",
            number=number,
            outcome=outcome,
            errorcode=errorcode,
            delay=delay,
            reply=reply,
            share=share,
            remaining=remaining,
        )

    def outcomes(self) -> list[Rule]:
        """The rules that hold."""
        return [from_document(Rule, document) for document in self._get("outcomes")["rules"]]

    def clear_outcomes(self, *, seed: int = 0) -> None:
        """Forget the rules. `seed` loads the dice of those that are made for a share."""
        self._do("PUT", "outcomes", rules=[], seed=seed)

    def balance(self) -> Standing:
        """What the account has."""
        return from_document(Standing, self._get(""))

    def top_up(self, points: int) -> Standing:
        """Charge the account up, and say what it has then."""
        return from_document(Standing, self._do("PATCH", "", charge=points))

    def change(
        self,
        *,
        may_read_reports: bool | None = None,
        dialect: Literal["manual", "observed"] | None = None,
        account: str | None = None,
        password: str | None = None,
        points: int | None = None,
    ) -> Standing:
        """Give the account other terms; what is None stays. With another name or password, `credentials` has it.

        `points` is the balance that it has then, whatever it had.
        """
        document = self._do(
            "PATCH",
            "",
            may_read_reports=may_read_reports,
            dialect=dialect,
            account=account,
            password=password,
            points=points,
        )
        self.account, self.password = document["account"], document["password"]
        return from_document(Standing, document)

    def reset(self) -> None:
        """Begin anew, with the same credentials: nothing was sent, nothing waits, no rules, no faults."""
        self._do("POST", "reset")
        if self._throwaway:
            self.clock.set()
        self._awaited.clear()
        self._looked_through.clear()

    def close(self) -> None:
        """Forget the account, if it is a throw-away one, and all that was kept for it."""
        if self._throwaway:
            try:
                self._do("DELETE", "")
            except ControlRefused as error:
                if error.status != _GONE:
                    raise

    def explain(self) -> str:
        """The account's last requests, with what was wrong with them, and its last messages, as text.

        Where it has had no request, the last that were refused and named no known userid. No password is in it.
        """
        requests = self.requests(_TOLD)
        page = self._get("messages", order="desc", limit=_TOLD)["items"]
        messages = [from_document(Message, document) for document in reversed(page)]
        text = format_report(requests, messages, [] if requests else self._strangers())
        return f"account {self.account}, userid {self.userid}, at {self._connection.name}\n{text}".replace(
            self.password, _HIDDEN
        )

    def _strangers(self) -> list[Request]:
        known = {document["userid"] for document in self._connection.get("/accounts")["accounts"]}
        last = self._connection.get("/requests", order="desc")["items"]
        # Not those that were answered: their accounts are closed by now.
        strange = [document["number"] for document in last if document["refusal"] and document["userid"] not in known]
        numbers = reversed(strange[:_TOLD_OF_STRANGERS])
        return [from_document(Request, self._connection.get(f"/requests/{number}")) for number in numbers]


def _runs_on_an_event_loop() -> bool:
    """Whether this thread runs asyncio or trio now."""
    asyncio, trio = sys.modules.get("asyncio"), sys.modules.get("trio")  # a library that runs a loop is loaded
    if asyncio is not None and asyncio._get_running_loop() is not None:
        return True
    return trio is not None and bool(trio.lowlevel.in_trio_run())
