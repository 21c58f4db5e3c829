"""Values returned by the testing handles: frozen dataclasses.

Their fields have the names of the control API's documents, from which `from_document` builds them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias, TypeVar

from sms10692_mock.domain.fault_kinds import FaultKind
from sms10692_mock.testing.api_client import ControlError

ValueT = TypeVar("ValueT")

State: TypeAlias = Literal["unreported", "scheduled", "waiting", "fetched"]
OutcomeName: TypeAlias = Literal["delivered", "failed", "unreported"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message to one recipient: the `number`-th message of its account, from 1.

    `segments` is the number of segments for a text of `units` UTF-16 code units; `cost` is in points, and `cost_why`
    explains the cost. `status` and `errorcode` are those of the report, None for a message without report; `due` is
    when the report is due, `state` its delivery state, `fetched_by_request` the number of the request that fetched it,
    and `faults` the faults injected into that response.
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
    sent: datetime
    due: datetime
    status: int | None
    errorcode: str | None
    state: State
    fetched_at: datetime | None
    fetched_by_request: int | None
    faults: tuple[str, ...]
    request: int
    has_findings: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueuedReport:
    """A report added to the queue: `waiting`, or `scheduled` until it is due."""

    mobile: str
    task_id: int
    status: int
    errorcode: str
    extno: str
    due: datetime
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class EnqueuedReply:
    """A reply added to the queue: `waiting`, or `scheduled` until it is due."""

    mobile: str
    task_id: int
    content: str
    extno: str
    due: datetime
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(EnqueuedReport):
    """A report in its queue or fetched: when, by which request, and with which faults injected into the response.

    `injected` is true for a report that was added to the queue without a send.
    """

    number: int
    injected: bool
    fetched_at: datetime | None
    fetched_by_request: int | None
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(EnqueuedReply):
    """A reply in its queue or fetched: when, by which request, and with which faults injected into the response."""

    number: int
    fetched_at: datetime | None
    fetched_by_request: int | None
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem of a request. `meant` is the intended text, where a text is the problem.

    `values` are the parts of `sentence` that are specific to this request.
    """

    code: str
    kind: str
    sentence: str
    meant: str | None
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to one of the vendor's endpoints, or bytes that are no HTTP request, with its diagnosis.

    `operation` is empty for an unknown action, `refusal` for a request that was not refused, `rejection` for one that
    reached the vendor, `method` for bytes that are no HTTP request. `fetched` is the number of items fetched;
    `duration` is in seconds.
    """

    number: int
    received: datetime
    account_time: datetime
    duration: float
    method: str
    path: str
    userid: str
    operation: str
    refusal: str
    status: int
    fetched: int | None
    faults: tuple[str, ...]
    rejection: str
    fields: Mapping[str, str]
    response_text: str
    diagnosis: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A delivery rule for numbers that start with `number`. The longest matching rule applies; of equals, the first.

    `delay` is in seconds, `reply` the text that the phone sends back. The rule applies with this `probability`, to the
    next `times` messages (None: no limit).
    """

    number: str
    outcome: OutcomeName
    errorcode: str
    delay: float
    reply: str | None
    probability: float
    times: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An active fault, with the arguments of `fault`.

    `evaluated` counts the requests that the fault could affect, `triggered` those that it affected. `since` is when it
    was added, `preset` the console's preset that added it, or empty.
    """

    id: str
    kind: FaultKind
    operations: tuple[str, ...]
    times: int | None
    probability: float
    seed: int
    seconds: float
    seconds_max: float | None
    at: int
    status: int
    message: str | None
    charset: str
    apply: bool
    evaluated: int
    triggered: int
    since: datetime | None
    preset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueCounts:
    """The counters of a queue: `created` = `scheduled` + `waiting` + `fetched`; `evicted` of the last were evicted."""

    created: int
    scheduled: int
    waiting: int
    fetched: int
    evicted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """The counters of both queues."""

    reports: QueueCounts
    replies: QueueCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountInfo:
    """The balance and settings of an account: `points` left, `send_total` ever added, `messages` ever sent."""

    points: int
    send_total: int
    messages: int
    can_read_queues: bool
    profile: str


@dataclass(frozen=True, slots=True)
class Profile:
    """How the vendor differs from the manual: the values of all `keys`, as in a profile file."""

    name: str
    keys: Mapping[str, Any]


def read_profile(document: Mapping[str, Any]) -> Profile:
    """Build a profile from the control API's document."""
    return Profile(document["name"], {name: key["value"] for name, key in document["keys"].items()})


def from_document(kind: type[ValueT], document: Mapping[str, Any]) -> ValueT:
    """Build a value from a document; unknown fields are ignored.

    Raises ControlError if a field is missing: the emulator then has another version than this package.
    """
    try:
        return kind(**{name: read(document[name]) for name, read in _field_parsers(kind)})
    except KeyError as missing:
        raise ControlError(
            f"the emulator's {kind.__name__} has no field {missing}: install the same version on both sides"
        ) from None


def _field_parsers(kind: type[Any]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    parsers = _PARSERS_BY_TYPE.get(kind)
    if parsers is None:
        parsers = _PARSERS_BY_TYPE[kind] = tuple(
            (field.name, _PARSERS.get(field.type, _identity)) for field in fields(kind)
        )
    return parsers


def _identity(raw: Any) -> Any:
    return raw


def _parse_optional_time(raw: str | None) -> datetime | None:
    return None if raw is None else datetime.fromisoformat(raw)


_PARSERS_BY_TYPE: Final[dict[type[Any], tuple[tuple[str, Callable[[Any], Any]], ...]]] = {}
_PARSERS: Final[Mapping[Any, Callable[[Any], Any]]] = {
    datetime: datetime.fromisoformat,
    datetime | None: _parse_optional_time,
    tuple[str, ...]: tuple,
    tuple[Finding, ...]: lambda raw: tuple(from_document(Finding, item) for item in raw),
    QueueCounts: lambda raw: from_document(QueueCounts, raw),
}
