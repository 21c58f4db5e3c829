"""What an emulator shows to a test, as frozen values.

Here belong the values, and how they are made of the documents of the control address, which have the same names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias, TypeVar

from sms10692_mock.testing.api_client import ControlError

Value = TypeVar("Value")

State: TypeAlias = Literal["never", "later", "waiting", "handed out"]
FaultKind: TypeAlias = Literal[
    "latency", "hang", "status", "empty", "cut", "close", "charset", "bom", "message", "lose"
]
OperationName: TypeAlias = Literal["send", "overage", "checkkeyword", "status", "call"]
OutcomeName: TypeAlias = Literal["delivered", "failed", "silent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one number was sent: the `number`-th message of its account, from 1.

    `parts` are the messages of a telephone that the text of `units` UTF-16 units takes; `cost` is in points, and
    `cost_why` says why. `status` and `errorcode` are those of its report, None for a message that is never reported;
    `due` is when that is, `state` what became of it, `handed_out_to` the number of the request that fetched it, and
    `spoilt_by` the faults that struck its answer.
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
    sent: datetime
    due: datetime
    status: int | None
    errorcode: str | None
    state: State
    handed_out: datetime | None
    handed_out_to: int | None
    spoilt_by: tuple[str, ...]
    request: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueuedReport:
    """A report that was put into the queue: `waiting`, or `later` until its moment."""

    mobile: str
    task_id: int
    status: int
    errorcode: str
    extno: str
    due: datetime
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueuedReply:
    """A reply that was put into the queue: `waiting`, or `later` until its moment."""

    mobile: str
    task_id: int
    content: str
    extno: str
    due: datetime
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(EnqueuedReport):
    """A report in its queue, or handed out of it: when, to which request, and which faults struck the answer.

    `injected` says that no send brought it about, but somebody put it into the queue.
    """

    number: int
    injected: bool
    handed_out: datetime | None
    handed_out_to: int | None
    spoilt_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(EnqueuedReply):
    """A reply in its queue, or handed out of it: when, to which request, and which faults struck the answer."""

    number: int
    handed_out: datetime | None
    handed_out_to: int | None
    spoilt_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong with a request; `meant` is the text as it was meant, where the text is what is wrong.

    `detail` is what the sentence says beside what every finding of this code says.
    """

    code: str
    kind: str
    sentence: str
    meant: str | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to one of the vendor's pages, with what was wrong with it.

    `operation` is empty for an unknown action, `refusal` for a request that was not refused; `handed_out` is how many
    items it took from a queue; `took` is in seconds.
    """

    number: int
    received: datetime
    now: datetime
    took: float
    method: str
    path: str
    userid: str
    operation: str
    refusal: str
    status: int
    handed_out: int | None
    faults: tuple[str, ...]
    fields: Mapping[str, str]
    answer_text: str
    diagnosis: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What becomes of messages to numbers that begin with `number`; the longest that fits holds, of equals the first.

    `delay` is in seconds, `reply` what the handset answers. It holds for a `share` of them, and only for the next
    `remaining` where that is not None.
    """

    number: str
    outcome: OutcomeName
    errorcode: str
    delay: float
    reply: str | None
    share: float
    remaining: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault that is on, as `fault` was asked for it; `seen` is for how many requests its dice were thrown."""

    id: str
    kind: FaultKind
    operations: tuple[str, ...]
    remaining: int | None
    share: float
    seed: int
    seconds: float
    seconds_max: float | None
    at: int
    status: int
    message: str | None
    charset: str
    acts: bool
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """A queue in numbers: `created` = `later` + `waiting` + `handed_out`; `forgotten` of these are no longer kept."""

    created: int
    later: int
    waiting: int
    handed_out: int
    forgotten: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """Both queues in numbers."""

    reports: Ledger
    replies: Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an account has: `points` left, of `send_total` that it was ever given; `messages` is how many it sent."""

    points: int
    send_total: int
    messages: int
    may_read_reports: bool
    dialect: str


def from_document(kind: type[Value], document: Mapping[str, Any]) -> Value:
    """The value that a document says; what else the document has is left out.

    Raises ControlError where something is missing: then the emulator is of another version than this.
    """
    try:
        return kind(**{name: read(document[name]) for name, read in _reading(kind)})
    except KeyError as missing:
        raise ControlError(f"the emulator says no {missing} of a {kind.__name__}: it is of another version") from None


def _reading(kind: type[Any]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    known = _KNOWN.get(kind)
    if known is None:
        known = _KNOWN[kind] = tuple((field.name, _READ.get(field.type, _as_it_is)) for field in fields(kind))
    return known


def _as_it_is(given: Any) -> Any:
    return given


def _parse_optional_time(given: str | None) -> datetime | None:
    return None if given is None else datetime.fromisoformat(given)


_KNOWN: Final[dict[type[Any], tuple[tuple[str, Callable[[Any], Any]], ...]]] = {}
_READ: Final[Mapping[Any, Callable[[Any], Any]]] = {
    datetime: datetime.fromisoformat,
    datetime | None: _parse_optional_time,
    tuple[str, ...]: tuple,
    tuple[Finding, ...]: lambda given: tuple(from_document(Finding, one) for one in given),
    Ledger: lambda given: from_document(Ledger, given),
}
