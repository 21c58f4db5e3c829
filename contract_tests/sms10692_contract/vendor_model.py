"""A small model of the vendor: accounts with a balance, a clock and two queues, used through either send endpoint.

`ModelAccount` sends each request and compares the response with what the model expects: exactly these items, in this
order, with these values. The outcomes of messages are those of the reserved numbers (R13), so a control API is needed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Final, NamedTuple

from sms10692_contract.expectations import build_mismatch, expect, expect_message, expect_sent
from sms10692_contract.expected import INSUFFICIENT_BALANCE, ParsedResponse
from sms10692_contract.harness import CheckContext
from sms10692_contract.pace import REPORT_TIMEOUT
from sms10692_contract.requests import UTF8
from sms10692_contract.segmentation import count_segments
from sms10692_contract.suite_account import CHINA

TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
DEFAULT_LIMIT: Final = 4000
START_OF_CLOCK: Final = time(21, 43, 52, tzinfo=CHINA)
"""Time of day at which the clock of a ModelAccount begins: an hour after noon, neither minute nor second 0."""

LONGEST_ADVANCE: Final = timedelta(seconds=10**10)
"""Maximum of one step of a clock."""


class Outcome(NamedTuple):
    """What happens to a message: its report, `delay` seconds late, and the text that the phone sends back."""

    status: str = "10"
    errorcode: str = "DELIVRD"
    delay: int = 0
    is_reported: bool = True
    reply: str | None = None


OUTCOMES: Final[Mapping[str, Outcome]] = {
    "10000000020": Outcome("20", "UNDELIV"),
    "10000000021": Outcome("20", "MK:0011"),
    "10000000022": Outcome(is_reported=False),
    "10000000023": Outcome(delay=30),
    "10000000030": Outcome(reply="T"),
    "10000000031": Outcome(reply="<好> & 😀"),
    "10086": Outcome("20", "UNDELIV"),
}
"""Outcomes of the reserved numbers, and of a number that no handset has. Every other number is delivered."""

DELIVERED: Final = Outcome()


class Item(NamedTuple):
    """A report or a reply: the time from which it can be fetched, and its elements."""

    due: datetime
    elements: Mapping[str, str]


class ReportLag(NamedTuple):
    """Seconds from a delivery until its report can be fetched, and until its receivetime, both in whole seconds."""

    until_due: int = 0
    until_received: int = 0


AT_ONCE: Final = ReportLag()


def measure_report_lag(context: CheckContext) -> ReportLag:
    """Return how late the server reports a message. A server may report at once or some time later."""
    account = ModelAccount(context)
    expect_sent(context.send(account.account), 1)
    if context.status(account.account).get_items("statusbox"):
        return AT_ONCE
    sent = account.now
    account.advance(REPORT_TIMEOUT)
    response = context.status(account.account)
    try:
        received = datetime.strptime(response.get_element("receivetime"), TIME_FORMAT).replace(tzinfo=sent.tzinfo)
    except ValueError:
        raise build_mismatch(response, f"a report within {REPORT_TIMEOUT} s, with its receivetime") from None
    seconds = int((received - sent).total_seconds())
    expect_sent(context.send(account.account), 1)
    account.advance(max(seconds, 0))
    is_due = bool(context.status(account.account).get_items("statusbox"))
    return ReportLag(seconds if is_due else seconds + 1, seconds)


@dataclass
class ModelAccount:
    """A temporary account, and what the vendor must know of it.

    Its clock is stopped at the next START_OF_CLOCK, so that a run at any time of day finds the same faults.
    `settings` are those of the control API. `points` and `total` are what overage and sendTotal must show. Every method
    raises Mismatch.
    """

    context: CheckContext
    settings: Mapping[str, Any] = field(default_factory=dict)
    lag: ReportLag = AT_ONCE
    waiting_reports: list[Item] = field(default_factory=list)
    waiting_replies: list[Item] = field(default_factory=list)
    tasks: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.is_postpaid = bool(self.settings.get("postpaid"))
        self.account = self.context.create_frozen_account(**self.settings)
        self.points = self.total = 0 if self.is_postpaid else self.account.points
        self.now = self.context.read_clock(self.account)
        start = datetime.combine(self.now, START_OF_CLOCK)
        self.advance_to(start if start >= self.now else start + timedelta(days=1))

    # The clock

    def advance(self, seconds: int) -> None:
        """Move the clock forward."""
        self.advance_to(self.now + timedelta(seconds=seconds))

    def advance_to(self, time: datetime) -> None:
        """Move the clock forward to a time, also within a second."""
        while self.now < time:
            step = min(time - self.now, LONGEST_ADVANCE)
            self.context.clock.advance(self.account.userid, step.total_seconds())
            self.now += step

    # Sends

    def send(
        self,
        mobiles: Sequence[str],
        content: str = "内容",
        endpoint: str = UTF8,
        extno: str = "",
        send_time: datetime | None = None,
    ) -> ParsedResponse:
        """Send a message, expect that it is accepted or refused as the balance says, and remember what it causes."""
        schedule = {} if send_time is None else {"sendTime": send_time.strftime(TIME_FORMAT)}
        response = self.context.send(self.account, ",".join(mobiles), content, endpoint, extno=extno, **schedule)
        self.record_send(response, mobiles, content, extno, send_time)
        return response

    def record_send(
        self,
        response: ParsedResponse,
        mobiles: Sequence[str],
        content: str = "内容",
        extno: str = "",
        send_time: datetime | None = None,
    ) -> None:
        """Expect the response to a send, and remember what the send causes."""
        cost = len(mobiles) * count_segments(content)
        if cost > self.points and not self.is_postpaid:
            expect_message(response, INSUFFICIENT_BALANCE)
            return
        task = expect_sent(response, len(mobiles))
        expect(task not in self.tasks, response, "a taskID that no other send of this account has")
        self.tasks.append(task)
        self.points -= cost
        remaining = response.get_number("remainpoint")
        expect(remaining == self.points, response, f"remainpoint {self.points}", f"remainpoint {remaining}")
        delivered = max(self.now, send_time or self.now)
        for mobile in mobiles:
            outcome = OUTCOMES.get(mobile, DELIVERED)
            due, received = (delivered + timedelta(seconds=outcome.delay + lag) for lag in self.lag)
            common = {
                "mobile": mobile,
                "taskid": str(task),
                "receivetime": received.strftime(TIME_FORMAT),
                "extno": extno,
            }
            if outcome.is_reported:
                result = {"status": outcome.status, "errorcode": outcome.errorcode}
                self.waiting_reports.append(Item(due, common | result))
            if outcome.reply is not None:
                self.waiting_replies.append(Item(due, common | {"content": outcome.reply}))

    # Fetches

    def fetch_reports(self, limit: str = "") -> ParsedResponse:
        """Fetch reports and expect exactly those that are due, at most `limit`."""
        response = self.context.status(self.account, **{"statusNum": limit} if limit else {})
        self.record_reports(response, int(limit or DEFAULT_LIMIT))
        return response

    def record_reports(self, response: ParsedResponse, limit: int = DEFAULT_LIMIT) -> None:
        """Expect the response to a fetch of reports, and remove the reports from the model."""
        self.waiting_reports = self._expect_items(response, "statusbox", self.waiting_reports, limit)

    def fetch_replies(self) -> ParsedResponse:
        """Fetch replies and expect exactly those that are due."""
        response = self.context.call(self.account)
        self.waiting_replies = self._expect_items(response, "callbox", self.waiting_replies, len(self.waiting_replies))
        return response

    def _expect_items(self, response: ParsedResponse, name: str, waiting: list[Item], limit: int) -> list[Item]:
        """Expect the items that are due, in their order; return the others."""
        ordered = sorted(waiting, key=lambda item: item.due)
        count = min(sum(item.due <= self.now for item in ordered), limit)
        expected = [dict(item.elements) for item in ordered[:count]]
        actual = response.get_items(name)
        if actual != expected:
            raise build_mismatch(response, *_describe_difference(expected, actual))
        return ordered[count:]

    def fetch_everything(self) -> None:
        """Fetch reports and replies until both queues are empty, and expect that they are."""
        while True:
            waiting = len(self.waiting_reports)
            self.fetch_reports()
            if len(self.waiting_reports) == waiting:
                break
        self.fetch_replies()
        self.fetch_replies()

    # Balances

    def top_up(self, points: int) -> None:
        """Add credit."""
        self.context.clock.top_up(self.account.userid, points)
        self.points += points
        self.total += points

    def expect_balance(self, endpoint: str = UTF8) -> ParsedResponse:
        """Expect the balance and the sum of all credit."""
        response = self.context.overage(self.account, endpoint)
        self.record_balance(response)
        return response

    def record_balance(self, response: ParsedResponse) -> None:
        """Expect this response to a query of the balance."""
        actual = response.get_element("overage"), response.get_element("sendTotal")
        expected = str(self.points), str(self.total)
        expect(actual == expected, response, "overage {} and sendTotal {}".format(*expected), f"{actual}")


def _describe_difference(expected: Sequence[Mapping[str, str]], actual: Sequence[Mapping[str, str]]) -> tuple[str, str]:
    """Describe the first difference between two lists of items."""
    index = next(
        (index for index, (left, right) in enumerate(zip(expected, actual, strict=False)) if left != right),
        min(len(expected), len(actual)),
    )
    left, right = (f"{items[index]}" if index < len(items) else "no item" for items in (expected, actual))
    position = f"item {index + 1} of {{}}: {{}}"
    return position.format(len(expected), left), position.format(len(actual), right)
