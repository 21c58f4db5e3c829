"""`SmsVendor`: one account of an emulator, for use in a test.

The emulator as a whole is `EmulatorControl` in `control`.
"""

import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Generic, Literal, Self, TypedDict, TypeVar
from urllib.parse import urlencode

from sms10692 import protocol
from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.testing.api_client import ControlApi, ControlRefused, account_path
from sms10692_mock.testing.failure_report import format_message, format_report
from sms10692_mock.testing.models import (
    AccountInfo,
    EnqueuedReply,
    EnqueuedReport,
    Message,
    OutcomeName,
    Queues,
    Reply,
    Report,
    Request,
    Rule,
    from_document,
)
from sms10692_mock.testing.scope import ControlScope
from sms10692_mock.testing.verification_code import find_code

_LONGEST_WAIT: Final = 60.0
"""Maximum seconds of one waiting request to the control API."""
_REPORTED: Final = 20
_REPORTED_UNKNOWN: Final = 5
_NOT_FOUND: Final = 404
_REDACTED: Final = "***"
_DEMANDED: Final = frozenset(
    {
        "refusal.fault",
        "refusal.fault-unlimited",
        "http.fault",
        "http.fault-unlimited",
        "refusal.reserved-number",
        "refusal.delivery-rule",
    }
)
"""Codes of findings about what a test demanded: they are no mistakes of the client."""
_BLOCKS_LOOP: Final = (
    "{name} blocks the running event loop, so nothing on that loop can send a message meanwhile: await "
    "{name} of the fixture async_sms_vendor, or of AsyncSmsVendor(sms_vendor)"
)
Value = TypeVar("Value")
Value_co = TypeVar("Value_co", covariant=True)


class MessageAssertion(AssertionError):
    """The sent messages are not those that a test expects. The text lists what was sent and what was refused."""


class MessageNotSent(MessageAssertion):
    """The message that a test waited for was not sent."""


class MessageSent(MessageAssertion):
    """A message was sent of which a test asserts that it is not sent."""


class MistakeFound(MessageAssertion):
    """A request had a mistake of which a test asserts that there is none, or there was no request."""


@dataclass(frozen=True, slots=True)
class Wait(Generic[Value_co]):
    """A method that waits for messages: its name, a noun for its error, and what it makes of a message's document.

    `read` returns None for a message that is passed over. `takes`: no later wait returns the message.
    """

    method: str
    noun: str
    read: Callable[[Mapping[str, Any]], Value_co | None]
    takes: bool = True


WAIT_MESSAGE: Final[Wait[Message]] = Wait("wait_message", "message", lambda document: from_document(Message, document))
WAIT_CODE: Final[Wait[str]] = Wait(
    "wait_code", "message with a verification code", lambda document: find_code(document["content"])
)
ASSERT_NOTHING_SENT: Final[Wait[bool]] = Wait("assert_nothing_sent", "message", lambda document: True, takes=False)


class Credentials(TypedDict):
    """The credentials of a client, named like the arguments of `sms10692.Client`."""

    userid: str
    account: str
    password: str


class SmsVendor(ControlScope):
    """The vendor as one account sees it.

    `url` and `credentials` are for the client under test, everything else is for the test.

    As a context manager it deletes the account at the end, if the account is temporary. Every method may raise
    ControlError.
    """

    def __init__(
        self, api: ControlApi, document: Mapping[str, Any], wsgi: Any = None, *, created_after: int = 0
    ) -> None:
        """Handle of the account in `document`.

        `created_after` is the number of the last request that the emulator received before the account was created.
        """
        super().__init__(api, account_path(document["userid"]))
        self.userid: str = document["userid"]
        self.account: str = document["account"]
        self.password: str = document["password"]
        self._temporary: bool = document["temporary"]
        self._wsgi = wsgi
        self._created_after = created_after
        self._returned: set[int] = set()
        self._positions: dict[tuple[str, str | None, str | None], int] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<SmsVendor userid={self.userid} of {self._api.name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The base URL for the client. An emulator in this process starts to listen when this is first read."""
        return self._api.url

    @property
    def console_url(self) -> str:
        """The address of the console's page with the messages of this account."""
        return f"{self.url}/?{urlencode({'userid': self.userid})}"

    @property
    def credentials(self) -> Credentials:
        """Keyword arguments for a client: `Client(sms_vendor.url, **sms_vendor.credentials)`."""
        return {"userid": self.userid, "account": self.account, "password": self.password}

    @property
    def wsgi(self) -> Any:
        """The emulator as a WSGI application, for requests without a socket, for example with `httpx2.WSGITransport`.

        Raises RuntimeError if the emulator runs in another process.
        """
        if self._wsgi is None:
            raise RuntimeError(
                f"the emulator at {self.url} runs in another process, so it has no WSGI application here"
            )
        return self._wsgi

    def messages(self, to: str | None = None, text: str | None = None) -> list[Message]:
        """Return the sent messages, oldest first: all, those to the number `to`, or those that contain `text`."""
        return [from_document(Message, document) for document in self._documents("messages", mobile=to, text=text)]

    def wait_message(self, to: str | None = None, text: str | None = None, timeout: float = 5.0) -> Message:
        """Wait for a matching message and return the first one that no earlier wait returned.

        Each message is returned once, so a second call waits for a second message. Raises MessageNotSent after
        `timeout` seconds of real time. **Blocks the thread: on an event loop, await `AsyncSmsVendor.wait_message`
        instead.**
        """
        __tracebackhide__ = True  # pytest's: the traceback ends at the call in the test
        message = self._wait(WAIT_MESSAGE, to, text, timeout)
        if message is None:
            raise MessageNotSent(self._explain_not_sent(WAIT_MESSAGE, to, text, timeout))
        return message

    def wait_code(self, to: str | None = None, text: str | None = None, timeout: float = 5.0) -> str:
        """Wait for a matching message that contains a verification code, and return the code.

        The message is the first one with a code that no earlier wait returned; messages without a code are left to
        `wait_message`. `find_code` defines what a code is. Raises MessageNotSent after `timeout` seconds of real time.
        Raises AmbiguousCode if several numbers of the message could be the code; the message is then left to
        `wait_message` too. **Blocks the thread: on an event loop, await `AsyncSmsVendor.wait_code` instead.**
        """
        __tracebackhide__ = True
        code = self._wait(WAIT_CODE, to, text, timeout)
        if code is None:
            raise MessageNotSent(self._explain_not_sent(WAIT_CODE, to, text, timeout))
        return code

    def assert_nothing_sent(self, to: str | None = None, text: str | None = None, within: float = 0.0) -> None:
        """Raise MessageSent if there is a matching message that no wait returned.

        **A message that is sent after the call is not noticed**: if the program sends on another thread or later, wait
        for its end first, or give `within`, the seconds of real time to wait for a message. A refused send is no
        message.
        """
        __tracebackhide__ = True
        if self._wait(ASSERT_NOTHING_SENT, to, text, within) is not None:
            raise MessageSent(self._explain_sent(to, text))

    def assert_no_findings(self) -> None:
        """Raise MistakeFound if a request of this account had a mistake, also one that the vendor accepts.

        It is raised too if no request named the account. Faults, reserved numbers and delivery rules are no mistakes.
        """
        __tracebackhide__ = True
        requests = self.requests()
        codes = [finding.code for request in requests for finding in request.diagnosis]
        mistakes = [code for code in codes if code not in _DEMANDED]
        if mistakes or not requests:
            found = f"found {', '.join(mistakes)}" if mistakes else "no request named the account"
            raise MistakeFound(f"requests without a finding were expected, {found}:\n{self.explain()}")

    def _wait(self, wait: Wait[Value], to: str | None, text: str | None, timeout: float) -> Value | None:
        """Return the result of the first message that has one, or None after `timeout` seconds."""
        __tracebackhide__ = True
        until = monotonic() + timeout
        blocks_a_loop = timeout > 0 and _runs_on_an_event_loop()
        seconds = 0.0 if blocks_a_loop else min(max(0.0, timeout), _LONGEST_WAIT)
        while True:
            result = self._take_first(wait, to, text, self._fetch_not_awaited(wait, to, text, seconds))
            if result is not None:
                return result
            if blocks_a_loop and not seconds:
                warnings.warn(_BLOCKS_LOOP.format(name=wait.method), RuntimeWarning, stacklevel=3)
            left = until - monotonic()
            if left <= 0:
                return None
            seconds = min(left, _LONGEST_WAIT)

    def _fetch_not_awaited(
        self, wait: Wait[Any], to: str | None, text: str | None, seconds: float
    ) -> list[Mapping[str, Any]]:
        """Fetch matching messages after the last one examined, waiting at most `seconds` for the first."""
        after = self._positions.get((wait.method, to, text))
        page = self._get("messages", mobile=to, text=text, after=after, wait=seconds)
        return list(page["items"])

    def _take_first(
        self, wait: Wait[Value], to: str | None, text: str | None, documents: Iterable[Mapping[str, Any]]
    ) -> Value | None:
        """Return the first result of a message that no wait returned, and mark the message as returned."""
        for document in documents:
            number = document["number"]
            with self._lock:
                result = None if number in self._returned else wait.read(document)
                if wait.takes or result is None:
                    self._positions[wait.method, to, text] = number
                if wait.takes and result is not None:
                    self._returned.add(number)
            if result is not None:
                return result
        return None

    def _explain_not_sent(self, wait: Wait[Any], to: str | None, text: str | None, timeout: float) -> str:
        """Return the text of MessageNotSent."""
        another = "no other" if self._returned else "no"
        blocks_a_loop = timeout > 0 and _runs_on_an_event_loop()
        note = "\n" + _BLOCKS_LOOP.format(name=wait.method) if blocks_a_loop else ""
        return f"{another} {wait.noun}{_describe(to, text)} was sent within {timeout:g} s\n{self.explain()}{note}"

    def _explain_sent(self, to: str | None, text: str | None) -> str:
        """Return the text of MessageSent."""
        sent = [message for message in self.messages(to, text) if message.number not in self._returned]
        lines = [format_message(message) for message in sent[:_REPORTED]]
        count = "1 was" if len(sent) == 1 else f"{len(sent)} were"
        return "\n".join([f"no message{_describe(to, text)} was expected, {count} sent:", *lines, self.explain()])

    def reports(self) -> list[Report]:
        """Return the reports of the account, including fetched ones."""
        return [from_document(Report, document) for document in self._documents("reports")]

    def replies(self) -> list[Reply]:
        """Return the replies of the account, including fetched ones."""
        return [from_document(Reply, document) for document in self._documents("replies")]

    def queue_stats(self) -> Queues:
        """Return the counters of both queues."""
        return from_document(Queues, self._get("queue-stats"))

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
        """Add a report to the queue, as if the network had sent one, due after `seconds`.

        `task_id` defaults to the last task sent to that number, `extno` to the task's extno. Raises ControlRefused if
        the account has no such task.
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
        """Add a reply from a phone to the queue, due after `seconds`.

        `task_id` defaults to the last task sent to that number. Raises ControlRefused if the account has no such task.
        """
        wanted = {"mobile": number, "content": text, "task_id": task_id, "extno": extno, "seconds": seconds}
        return from_document(EnqueuedReply, self._do("POST", "replies", **wanted))

    def requeue_reports(self, count: int | None = None, since: datetime | None = None) -> int:
        """Requeue fetched reports: the last `count`, those fetched since a time, or all. Returns how many."""
        return self._requeue("reports", count, since)

    def requeue_replies(self, count: int | None = None, since: datetime | None = None) -> int:
        """Requeue fetched replies: the last `count`, those fetched since a time, or all. Returns how many."""
        return self._requeue("replies", count, since)

    def _requeue(self, queue: str, count: int | None, since: datetime | None) -> int:
        document = self._do("POST", f"{queue}/requeue", count=count, since=since and since.isoformat())
        return int(document["requeued"])

    def fail_next(self, errorcode: str = "UNDELIV", *, count: int = 1, to: str = "") -> None:
        """Let the next `count` messages fail: all, or those to numbers that start with `to`."""
        self.rule(to, "failed", errorcode=errorcode, times=count)

    def rule(
        self,
        number: str = "",
        outcome: OutcomeName = "delivered",
        *,
        errorcode: str | None = None,
        delay: float | None = None,
        reply: str | None = None,
        probability: float | None = None,
        times: int | None = None,
    ) -> None:
        """Add a delivery rule for numbers that start with `number`. The arguments are the fields of `Rule`."""
        self._do(
            "POST",
            "delivery-rules",
            number=number,
            outcome=outcome,
            errorcode=errorcode,
            delay=delay,
            reply=reply,
            probability=probability,
            times=times,
        )

    def delivery_rules(self) -> list[Rule]:
        """Return the delivery rules in force."""
        return [from_document(Rule, document) for document in self._get("delivery-rules")["rules"]]

    def clear_delivery_rules(self, *, seed: int = 0) -> None:
        """Delete all delivery rules. `seed` makes the random decisions of later rules repeatable."""
        self._do("PUT", "delivery-rules", rules=[], seed=seed)

    def balance(self) -> AccountInfo:
        """Return the balance and the settings of the account."""
        return from_document(AccountInfo, self._get(""))

    def top_up(self, points: int) -> AccountInfo:
        """Add points to the account and return the new balance."""
        return from_document(AccountInfo, self._do("PATCH", "", top_up=points))

    def change(
        self,
        *,
        can_read_queues: bool | None = None,
        profile: str | None = None,
        account: str | None = None,
        password: str | None = None,
        points: int | None = None,
    ) -> AccountInfo:
        """Change settings of the account; None leaves a setting unchanged. `credentials` follow a new name or password.

        `points` sets the balance. An empty `profile` is that of the emulator.
        """
        document = self._do(
            "PATCH",
            "",
            can_read_queues=can_read_queues,
            profile=profile,
            account=account,
            password=password,
            points=points,
        )
        self.account, self.password = document["account"], document["password"]
        return from_document(AccountInfo, document)

    def reset(self) -> None:
        """Reset the account, keeping its credentials: no messages, empty queues, no rules, no faults."""
        self._do("POST", "reset")
        if self._temporary:
            self.clock.set()
        self._returned.clear()
        self._positions.clear()

    def close(self) -> None:
        """Delete the account and all of its data, if the account is temporary."""
        if self._temporary:
            try:
                self._do("DELETE", "")
            except ControlRefused as error:
                if error.status != _NOT_FOUND:
                    raise

    def explain(self) -> str:
        """Describe the account's last requests, with diagnosis, and its last messages, as text.

        The password is redacted. If the account made no request, the text has the last refused requests of unknown
        userids since the account was created.
        """
        requests = self.requests(_REPORTED)
        page = self._get("messages", order="desc", limit=_REPORTED)["items"]
        messages = [from_document(Message, document) for document in reversed(page)]
        text = format_report(requests, messages, [] if requests else self._unknown_account_requests())
        head = f"account {self.account}, userid {self.userid}, at {self._api.name}; times: the account's clock, UTC+8"
        return f"{head}\n{text}".replace(self.password, _REDACTED)

    def _unknown_account_requests(self) -> list[Request]:
        known = {document["userid"] for document in self._api.get("/accounts")["accounts"]}
        last = self._api.get("/requests", order="desc")["items"]
        # Accounts of earlier tests have been deleted, so their requests name unknown userids too. Those of tests that
        # run at the same time may be deleted as well; requests that were not refused are known to belong to them.
        refused = [
            document["number"]
            for document in last
            if document["number"] > self._created_after
            and (document["refusal"] or not document["method"])
            and document["userid"] not in known
        ]
        numbers = reversed(refused[:_REPORTED_UNKNOWN])
        return [from_document(Request, self._api.get(f"/requests/{number}")) for number in numbers]


def _describe(to: str | None, text: str | None) -> str:
    """Return the words for the messages that a test asked for."""
    return (f" to {to}" if to is not None else "") + (f" with '{text}'" if text is not None else "")


def _runs_on_an_event_loop() -> bool:
    """Return whether this thread is running asyncio or trio."""
    asyncio, trio = (
        sys.modules.get("asyncio"),
        sys.modules.get("trio"),
    )  # a running loop implies that its library is imported
    if asyncio is not None and asyncio._get_running_loop() is not None:
        return True
    return trio is not None and bool(trio.lowlevel.in_trio_run())
