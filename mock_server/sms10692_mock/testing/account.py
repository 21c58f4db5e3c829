"""`SmsVendor`: one account of an emulator, for use in a test.

The emulator as a whole is `EmulatorControl` in `control`.
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

_LONGEST_WAIT: Final = 60.0
"""Maximum seconds of one waiting request to the control API."""
_REPORTED: Final = 20
_REPORTED_UNKNOWN: Final = 5
_NOT_FOUND: Final = 404
_REDACTED: Final = "***"
_BLOCKS_LOOP: Final = (
    "wait_message blocks the running event loop, so nothing on that loop can send a message meanwhile: await "
    "wait_message of the fixture async_sms_vendor, or of AsyncSmsVendor(sms_vendor)"
)


class MessageNotSent(AssertionError):
    """The message that a test waited for was not sent. The text lists what was sent and what was refused."""


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
        self._positions: dict[tuple[str | None, str | None], int] = {}
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
        """Wait for a matching message and return the first one that no earlier call returned.

        Each message is returned once, so a second call waits for a second message. Raises MessageNotSent after
        `timeout` seconds of real time. **Blocks the thread: on an event loop, await `AsyncSmsVendor.wait_message`
        instead.**
        """
        __tracebackhide__ = True  # pytest's: the traceback ends at the call in the test
        until = monotonic() + timeout
        blocks_a_loop = timeout > 0 and _runs_on_an_event_loop()
        wait = 0.0 if blocks_a_loop else min(max(0.0, timeout), _LONGEST_WAIT)
        while True:
            message = self._take_first(to, text, self._fetch_not_awaited(to, text, wait))
            if message is not None:
                return message
            if blocks_a_loop and not wait:
                warnings.warn(_BLOCKS_LOOP, RuntimeWarning, stacklevel=2)
            left = until - monotonic()
            if left <= 0:
                note = f"\n{_BLOCKS_LOOP}" if blocks_a_loop else ""
                raise MessageNotSent(self._explain_not_sent(to, text, timeout) + note)
            wait = min(left, _LONGEST_WAIT)

    def _fetch_not_awaited(self, to: str | None, text: str | None, wait: float) -> list[Mapping[str, Any]]:
        """Fetch matching messages after the last one examined, waiting at most `wait` seconds for the first."""
        after = self._positions.get((to, text))
        page = self._get("messages", mobile=to, text=text, after=after, wait=wait)
        return list(page["items"])

    def _take_first(self, to: str | None, text: str | None, documents: Iterable[Mapping[str, Any]]) -> Message | None:
        """Return the first message that no call returned before, and mark it as returned."""
        for document in documents:
            number = document["number"]
            with self._lock:
                is_new = number not in self._returned
                self._returned.add(number)
                self._positions[to, text] = number
            if is_new:
                return from_document(Message, document)
        return None

    def _explain_not_sent(self, to: str | None, text: str | None, timeout: float) -> str:
        """Return the text of MessageNotSent."""
        another = "no other" if self._returned else "no"
        to_clause = f" to {to}" if to is not None else ""
        text_clause = f" with '{text}'" if text is not None else ""
        return f"{another} message{to_clause}{text_clause} was sent within {timeout:g} s\n{self.explain()}"

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


def _runs_on_an_event_loop() -> bool:
    """Return whether this thread is running asyncio or trio."""
    asyncio, trio = (
        sys.modules.get("asyncio"),
        sys.modules.get("trio"),
    )  # a running loop implies that its library is imported
    if asyncio is not None and asyncio._get_running_loop() is not None:
        return True
    return trio is not None and bool(trio.lowlevel.in_trio_run())
