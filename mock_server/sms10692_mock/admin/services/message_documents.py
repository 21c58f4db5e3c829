"""Messages and both queues as documents of the control API, and what may be put into a queue."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from sms10692 import protocol
from sms10692_mock.admin.services.schemas import INTEGRAL, Moment, Number, Seconds, StrictInput, Text
from sms10692_mock.domain.records import State


class _NewItem(StrictInput):
    """What all items have in common that are put into a queue."""

    mobile: Text
    extno: str | None = Field(None, pattern=r"^[0-9]{0,10}$", description="without it, the task's")
    seconds: Seconds = Field(0.0, description="how long until it waits")


class _OfTask(StrictInput):
    """Which task of the account an item belongs to."""

    task_id: Number | None = Field(None, description="of this account; without it, the last one sent to that number")


class ReportOfNumber(_NewItem):
    """A report of the last task that was sent to a number, as if the network had sent it."""

    status: Annotated[Literal[10, 20], INTEGRAL] = protocol.DELIVERED
    errorcode: Text = "DELIVRD"


class ReplyOfNumber(_NewItem):
    """An answer from a handset to the last task that was sent to it."""

    content: Text


class NewReport(ReportOfNumber, _OfTask):
    """A report to put into the queue, as if the network had sent it: everything but the number may be left out."""


class NewReply(ReplyOfNumber, _OfTask):
    """An answer from a handset to put into the queue: everything but number and text may be left out."""


class Requeue(StrictInput):
    """Which of what was handed out is to wait again: the last `count`, or those since a moment; without either, all."""

    count: Annotated[int, Field(ge=0), INTEGRAL] | None = None
    since: Moment | None = None


class RequeueResult(BaseModel):
    """How many items wait again."""

    rewound: int


class MessageDocument(BaseModel):
    """What one number was sent, and what became of its report.

    `parts` are the messages of a telephone that the text of `units` UTF-16 units takes; `cost` is in points, and
    `cost_why` says why.
    `status` and `errorcode` are None for a message that is never reported. `spoilt_by` are the faults that struck the
    answer in which its report was handed out.
    """

    number: int
    task_id: int
    mobile: str
    content: str
    units: int
    parts: int
    cost: int
    cost_why: str
    page: str
    charset: str
    extno: str
    sent: str
    due: str
    status: int | None
    errorcode: str | None
    state: State
    handed_out: str | None
    handed_out_to: int | None
    spoilt_by: list[str]
    request: int


class EnqueuedReport(BaseModel):
    """A report that was put into the queue: `waiting`, or `later` until its moment."""

    mobile: str
    task_id: int
    status: int
    errorcode: str
    extno: str
    due: str
    state: State


class EnqueuedReply(BaseModel):
    """A reply that was put into the queue: `waiting`, or `later` until its moment."""

    mobile: str
    task_id: int
    content: str
    extno: str
    due: str
    state: State


class ReportDocument(EnqueuedReport):
    """A report, and what became of it: `handed_out_to` is the number of a request.

    `spoilt_by` are the faults that struck its answer: with most of them, the client never saw the report. `injected`
    says that no send brought it about, but somebody put it into the queue.
    """

    number: int
    injected: bool
    handed_out: str | None
    handed_out_to: int | None
    spoilt_by: list[str]


class ReplyDocument(EnqueuedReply):
    """A reply, and what became of it: `handed_out_to` is the number of a request.

    `spoilt_by` are the faults that struck its answer: with most of them, the client never saw the reply.
    """

    number: int
    handed_out: str | None
    handed_out_to: int | None
    spoilt_by: list[str]


class QueueStatsDocument(BaseModel):
    """A queue in numbers: `created` = `later` + `waiting` + `handed_out`; `forgotten` of these are no longer kept."""

    created: int
    later: int
    waiting: int
    handed_out: int
    forgotten: int


class QueuesDocument(BaseModel):
    """Both queues in numbers."""

    reports: QueueStatsDocument
    replies: QueueStatsDocument


class SpendingDocument(BaseModel):
    """What was charged lately: `points` for each of equal spans of time, from `since` to `until`.

    Only the last messages are looked at; `messages` is how many of them there are, `total` what they cost.
    """

    since: str | None
    until: str | None
    points: list[int]
    messages: int
    total: int
