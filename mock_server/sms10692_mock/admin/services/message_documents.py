"""Models of messages, reports, replies and queues, for the control API and the console."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from sms10692 import protocol
from sms10692_mock.admin.services.schemas import INTEGRAL, Number, Seconds, StrictInput, Text, Timestamp
from sms10692_mock.domain.records import State


class _NewItem(StrictInput):
    """Common fields of items to put into a queue."""

    mobile: Text
    extno: str | None = Field(None, pattern=r"^[0-9]{0,10}$", description="default: the extno of the task")
    seconds: Seconds = Field(0.0, description="seconds until it can be fetched")


class _OfTask(StrictInput):
    """The task of the account that an item belongs to."""

    task_id: Number | None = Field(
        None, description="a task of this account; default: the last task that was sent to the number"
    )


class ReportOfNumber(_NewItem):
    """A report for the last task that was sent to a number."""

    status: Annotated[Literal[10, 20], INTEGRAL] = protocol.DELIVERED
    errorcode: Text = "DELIVRD"


class ReplyOfNumber(_NewItem):
    """A reply from a phone to the last task that was sent to it."""

    content: Text


class NewReport(ReportOfNumber, _OfTask):
    """A report to put into the queue. Only the number is required."""


class NewReply(ReplyOfNumber, _OfTask):
    """A reply from a phone to put into the queue. Only the number and the text are required."""


class Requeue(StrictInput):
    """Selects the fetched items to requeue: the last `count`, those fetched `since` a time, or all."""

    count: Annotated[int, Field(ge=0), INTEGRAL] | None = None
    since: Timestamp | None = None


class RequeueResult(BaseModel):
    """Number of requeued items."""

    requeued: int


class MessageDocument(BaseModel):
    """A message to one number, and the state of its report.

    `segments` is the number of segments for a text of `units` UTF-16 code units. `cost` is in points, and `cost_why`
    explains it. `status` and `errorcode` are null for a message without a report. `fetched_at` is the time at which the
    report was fetched, `fetched_by_request` the number of the request that fetched it, `faults` the faults that
    affected its response. `has_findings`: the request `request` that sent it has findings, as far as it is still kept.
    """

    number: int
    task_id: int
    mobile: str
    content: str
    units: int
    segments: int
    cost: int
    cost_why: str
    endpoint: str
    charset: str
    extno: str
    sent: str
    due: str
    status: int | None
    errorcode: str | None
    state: State
    fetched_at: str | None
    fetched_by_request: int | None
    faults: list[str]
    request: int
    has_findings: bool


class EnqueuedReportDocument(BaseModel):
    """A report that was put into the queue. `state` is `scheduled` until it is due, then `waiting`."""

    mobile: str
    task_id: int
    status: int
    errorcode: str
    extno: str
    due: str
    state: State


class EnqueuedReplyDocument(BaseModel):
    """A reply that was put into the queue. `state` is `scheduled` until it is due, then `waiting`."""

    mobile: str
    task_id: int
    content: str
    extno: str
    due: str
    state: State


class ReportDocument(EnqueuedReportDocument):
    """A report and its state: `fetched_by_request` is the number of the request that fetched it.

    `faults` are the faults that affected that request's response. With most of them, the client never received the
    report. `injected` marks a report that was put into the queue by hand.
    """

    number: int
    injected: bool
    fetched_at: str | None
    fetched_by_request: int | None
    faults: list[str]


class ReplyDocument(EnqueuedReplyDocument):
    """A reply and its state: `fetched_by_request` is the number of the request that fetched it.

    `faults` are the faults that affected that request's response. With most of them, the client never received the
    reply.
    """

    number: int
    fetched_at: str | None
    fetched_by_request: int | None
    faults: list[str]


class QueueStatsDocument(BaseModel):
    """Queue statistics: `created` = `scheduled` + `waiting` + `fetched`; `evicted` of them are no longer kept."""

    created: int
    scheduled: int
    waiting: int
    fetched: int
    evicted: int


class QueuesDocument(BaseModel):
    """Statistics of both queues."""

    reports: QueueStatsDocument
    replies: QueueStatsDocument


class SpendingDocument(BaseModel):
    """Spending over time: `points` for each of equal intervals from `since` to `until`.

    Only the latest messages count: `messages` is their number, `total` their cost.
    """

    since: str | None
    until: str | None
    points: list[int]
    messages: int
    total: int
