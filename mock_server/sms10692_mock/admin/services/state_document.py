"""The exact state of an account in a state document (TOML): sends and queues, clock and faults; and the writer of TOML.

The whole document is described in `initial_state`, which reads it, and written by `state`.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from math import floor
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from sms10692 import protocol
from sms10692_mock.admin.services.behaviour import NewFault
from sms10692_mock.admin.services.schemas import INTEGRAL, StrictInput, Timestamp, encodable
from sms10692_mock.domain.bounds import MAX_COUNT, MAX_POINTS, MAX_SPEED, MAX_TASK_ID
from sms10692_mock.domain.clock import ClockOverride, to_china_datetime
from sms10692_mock.domain.fault_kinds import FAULT_KINDS
from sms10692_mock.domain.faults import Fault
from sms10692_mock.domain.records import NO_TASK_INDEX, DeliveryState, InboundReply, StatusReport, Task

Balance = Annotated[int, Field(ge=-MAX_POINTS, le=MAX_POINTS), INTEGRAL]
_Count = Annotated[int, Field(ge=0, le=MAX_COUNT), INTEGRAL]
_TaskId = Annotated[int, Field(ge=1, le=MAX_TASK_ID), INTEGRAL]
_AnyText = Annotated[str, AfterValidator(encodable)]
_Due = Annotated[AwareDatetime, Field(strict=False)]
"""Unlike a Timestamp, a due time may be after the last time of a clock."""

_PATHS: Final = tuple(endpoint.path for endpoint in protocol.ENDPOINTS)


class ClockState(StrictInput):
    """A clock that was set: it showed `at` at the real time `since`, and runs at `speed` (0: frozen)."""

    at: Timestamp
    since: Timestamp
    speed: float = Field(1.0, ge=0, le=MAX_SPEED)

    def build(self) -> ClockOverride:
        return ClockOverride(self.at.timestamp(), self.since.timestamp(), self.speed)


class FaultState(NewFault):
    """An active fault. `evaluated` is the number of requests for which its probability was evaluated.

    `triggered` is the number of those that it affected, `since` when it was added, `preset` the preset that did.
    """

    id: str = Field(pattern="^[0-9A-Za-z-]{1,40}$")
    evaluated: _Count = 0
    triggered: _Count = 0
    since: Timestamp | None = None
    preset: str = Field("", pattern="^[a-z_]{0,40}$")

    def build(self) -> Fault:
        spec = FAULT_KINDS[self.kind]
        values = self.model_dump() | {
            "operations": tuple(self.operations) or spec.operations,
            "message": self.message or "",
            "apply": spec.executed == "yes" if self.apply is None else self.apply,
            "since": self.since.timestamp() if self.since else 0.0,
        }
        return Fault(**values)


class SendState(StrictInput):
    """A send that was accepted. `due` is the time of delivery; without it, the time of the send."""

    task_id: _TaskId
    sent_at: Timestamp
    due: _Due | None = None
    numbers: list[_AnyText] = Field(min_length=1)
    content: _AnyText
    extno: _AnyText = ""
    endpoint: str = Field(protocol.V2SMS.path, pattern=f"^(?:{'|'.join(map(re.escape, _PATHS))})$")
    price: Annotated[int, Field(ge=0, le=MAX_POINTS), INTEGRAL] = 1

    def build(self) -> Task:
        sent_at = self.sent_at.timestamp()
        due = sent_at if self.due is None else self.due.timestamp()
        return Task(
            self.task_id, sent_at, due, self.numbers, self.content, self.extno, self.endpoint, self.price, request=0
        )


class _QueueEntry(StrictInput):
    """Where an item of a queue is: `scheduled`, or `fetched` at a time on the account's clock, or waiting."""

    scheduled: bool = False
    fetched: Timestamp | None = None


class ReportState(_QueueEntry):
    """A report. With `index`, it is that of the recipient at this index of the send `task_id`, from 0.

    Then number, `extno` and due time are those of the send, unless they are given.
    """

    task_id: _TaskId
    index: Annotated[int, Field(ge=0), INTEGRAL] | None = None
    mobile: _AnyText | None = None
    status: Annotated[Literal[10, 20], INTEGRAL] = protocol.DELIVERED
    errorcode: _AnyText = "DELIVRD"
    extno: _AnyText | None = None
    due: _Due | None = None

    def build(self, task: Task | None) -> StatusReport:
        """Return the report. `task` is the send with the number `task_id`. Raises ValueError."""
        if self.index is not None and task is not None and self.index >= len(task.numbers):
            raise ValueError(f"the send {self.task_id} has only {len(task.numbers)} numbers")
        is_of_task = self.index is not None and task is not None
        if not is_of_task and None in (self.mobile, self.due):
            raise ValueError(f"mobile and due are required, since there is no recipient of a send {self.task_id}")
        mobile, extno, due = self.mobile, self.extno, None if self.due is None else self.due.timestamp()
        if task is not None and self.index is not None:
            mobile = task.numbers[self.index] if mobile is None else mobile
            extno = task.extno if extno is None else extno
            due = task.due if due is None else due
        index = NO_TASK_INDEX if self.index is None else self.index
        return StatusReport(due or 0.0, mobile or "", self.task_id, self.status, self.errorcode, extno or "", index)


class ReplyState(_QueueEntry):
    """A reply from a phone."""

    task_id: _TaskId
    mobile: _AnyText
    content: _AnyText
    extno: _AnyText = ""
    due: _Due

    def build(self) -> InboundReply:
        return InboundReply(self.due.timestamp(), self.mobile, self.task_id, self.content, self.extno)


def to_time(seconds: float) -> datetime:
    """Return a time as a date with microseconds, in the same second.

    >>> to_time(1322835131.9999998).isoformat()
    '2011-12-02T22:12:11.999999+08:00'
    """
    time = to_china_datetime(seconds)
    return time - timedelta(microseconds=1) if floor(time.timestamp()) > floor(seconds) else time


def dump_clock(clock: ClockOverride) -> dict[str, Any]:
    """Return the values of a ClockState."""
    return {"at": to_time(clock.at), "since": to_time(clock.since), "speed": clock.speed}


def dump_fault(fault: Fault) -> dict[str, Any]:
    """Return the values of a FaultState, without those that are the default."""
    values = asdict(fault) | {"operations": list(fault.operations), "message": fault.message or None}
    values |= {"since": to_time(fault.since) if fault.since else None}
    return _without_defaults(FaultState, values) | {"apply": fault.apply}


def dump_send(task: Task) -> dict[str, Any]:
    """Return the values of a SendState."""
    values = {
        "task_id": task.task_id,
        "sent_at": to_time(task.sent_at),
        "due": None if task.due == task.sent_at else to_time(task.due),
        "numbers": list(task.numbers),
        "content": task.content,
        "extno": task.extno,
        "endpoint": task.endpoint_path,
        "price": task.price,
    }
    return _without_defaults(SendState, values)


def dump_report(report: StatusReport, task: Task | None, state: DeliveryState) -> dict[str, Any]:
    """Return the values of a ReportState. `task` is the send of the report, if it is known."""
    index = None if report.recipient_index == NO_TASK_INDEX else report.recipient_index
    values: dict[str, Any] = {
        "task_id": report.task_id,
        "index": index,
        "mobile": report.mobile,
        "status": report.status,
        "errorcode": report.errorcode,
        "extno": report.extno,
        "due": to_time(report.due),
    }
    if task is not None and index is not None:
        same = ("mobile", task.numbers[index]), ("extno", task.extno), ("due", to_time(task.due))
        values |= {name: None for name, value in same if values[name] == value}
    elif not report.extno:
        values["extno"] = None
    return _without_defaults(ReportState, values | _dump_place(state))


def dump_reply(reply: InboundReply, state: DeliveryState) -> dict[str, Any]:
    """Return the values of a ReplyState."""
    values = reply._asdict() | {"due": to_time(reply.due)}
    return _without_defaults(ReplyState, values | _dump_place(state))


def _dump_place(state: DeliveryState) -> dict[str, Any]:
    return {
        "scheduled": state.state == "scheduled",
        "fetched": None if state.time is None else to_time(state.time),
    }


def _without_defaults(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    fields = model.model_fields
    return {
        name: value
        for name, value in values.items()
        if value is not None
        and (fields[name].is_required() or value != fields[name].get_default(call_default_factory=True))
    }


def format_toml(value: Any) -> str:
    r"""Write a value as TOML in one line. A lone surrogate, which TOML cannot have, becomes a question mark.

    >>> format_toml({"a": ['say "好"\n', 1, 0.5, True], "b": {}})
    '{a = ["say \\"好\\"\\n", 1, 0.5, true], b = {}}'
    """
    match value:
        case bool():
            return str(value).lower()
        case str():
            text = json.dumps(value.encode("utf-8", "replace").decode(), ensure_ascii=False)
            return text.replace("\x7f", "\\u007F")
        case int() | float():
            return repr(value)
        case datetime():
            return value.isoformat()
        case Mapping():
            return f"{{{', '.join(f'{name} = {format_toml(one)}' for name, one in value.items())}}}"
        case _:
            return f"[{', '.join(map(format_toml, value))}]"


def format_list(name: str, values: Iterable[Mapping[str, Any]]) -> list[str]:
    """Write a list of tables, one in a line; nothing if it is empty."""
    lines = [f"  {format_toml(value)}," for value in values]
    return [f"{name} = [", *lines, "]"] if lines else []
