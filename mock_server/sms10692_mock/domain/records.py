"""Records that every store accepts and returns: values without behaviour.

The interface of a store is in `store`. Times are seconds since 1970 on the account's clock, unless stated otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from sms10692_mock.domain.clock import ClockOverride
from sms10692_mock.domain.delivery import DeliveryRules
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.faults import Fault, TriggeredFault
from sms10692_mock.domain.profiles import Profile

ItemT = TypeVar("ItemT", covariant=True)

QueueName: TypeAlias = Literal["reports", "replies"]
State: TypeAlias = Literal["unreported", "scheduled", "waiting", "fetched"]

_ENTRY_OVERHEAD: Final = 600
"""Estimated overhead of a logged request, in bytes, without request and response."""

_HEADER_OVERHEAD: Final = 150
"""Estimated overhead of a header, in bytes, without name and value."""

_MAX_CHARACTER_BYTES: Final = 4
"""Bytes of the widest character in memory."""

NO_TASK_INDEX: Final = -1
"""The `recipient_index` of a report that belongs to no send."""


def utf8_length(text: str) -> int:
    """Return the number of UTF-8 bytes of a text; a lone surrogate counts three.

    >>> [utf8_length(text) for text in ("T", "好", "😀", "\\ud800")]
    [1, 3, 4, 3]
    """
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


class StatusReport(NamedTuple):
    """A status report (4.3). `due` is the time from which the report can be fetched.

    `recipient_index` is the index of its recipient in the task, from 0.
    """

    due: float
    mobile: str
    task_id: int
    status: int
    errorcode: str
    extno: str
    recipient_index: int = NO_TASK_INDEX


class InboundReply(NamedTuple):
    """A reply from a phone (5.3). `due` is the time from which the reply can be fetched."""

    due: float
    mobile: str
    task_id: int
    content: str
    extno: str


class Task(NamedTuple):
    """An accepted send.

    `sent_at` is the time of the request, `due` the time of delivery (sendTime and report delay included), `price` the
    points per recipient (R6), `request` the number of the request in the request log.
    """

    task_id: int
    sent_at: float
    due: float
    numbers: Sequence[str]
    content: str
    extno: str
    endpoint_path: str
    price: int
    request: int

    @property
    def cost(self) -> int:
        return self.price * len(self.numbers)

    @property
    def size(self) -> int:
        """Bytes of the parts whose length the client decides."""
        return utf8_length(f"{self.content}{self.extno}{''.join(self.numbers)}")


class RulesTransition(NamedTuple):
    """The delivery rules by which a send was decided, and the rules that remain after the send."""

    before: DeliveryRules
    after: DeliveryRules


class AccountBalance(NamedTuple):
    """The balance of an account. A postpaid balance is zero or negative (R6).

    `total_added` is the sum of all points ever added, `messages` the number of messages ever sent, one per recipient.
    """

    points: int
    total_added: int
    messages: int


class QueueStats(NamedTuple):
    """The counters of a queue: `created` = `scheduled` + `waiting` + `fetched`.

    `scheduled` items are scheduled, `fetched` items were fetched; `evicted` of the fetched items were evicted and can
    no longer be listed or requeued.
    """

    created: int
    scheduled: int
    waiting: int
    fetched: int
    evicted: int


class DeliveryState(NamedTuple):
    """What has happened to a report or a reply.

    `time` (account's clock) and `request` say when and by which request the item was fetched. Both are None before the
    fetch, and when this is no longer known.
    """

    state: State
    time: float | None = None
    request: int | None = None


UNREPORTED: Final = DeliveryState("unreported")
SCHEDULED: Final = DeliveryState("scheduled")
WAITING: Final = DeliveryState("waiting")


class SentMessage(NamedTuple):
    """A message to one recipient: the `number`-th of its account, from 1. `report` is None if unreported."""

    number: int
    task: Task
    mobile: str
    report: StatusReport | None
    delivery_state: DeliveryState


class QueueItem(NamedTuple, Generic[ItemT]):
    """An item of a queue: the `number`-th one released, from 1."""

    number: int
    item: ItemT
    delivery_state: DeliveryState


class LoggedRequest(NamedTuple):
    """A request to one of the vendor's endpoints, or bytes that are no HTTP request, and the response, byte for byte.

    `received` is wall-clock time in seconds since 1970, `account_time` the time on the account's clock. `duration` is
    in seconds and includes store access. `fetched` is the number of items fetched, None for other operations. `faults`
    are the faults that the request triggered. `rejection` names the cause for which the request did not reach the
    vendor. Bytes that are no HTTP request have no method and no path, and `body` is their beginning.
    `evidence` says why the vendor refused the request, or with what it let an accepted one pass (`evidence.REMARKS`).
    """

    number: int
    received: float
    account_time: float
    duration: float
    method: str
    path: str
    query: bytes
    headers: Sequence[tuple[str, str]]
    body: bytes
    userid: str
    operation: str
    refusal: str
    fetched: int | None
    status: int
    content_type: str
    response_body: bytes
    faults: tuple[TriggeredFault, ...] = ()
    rejection: str = ""
    evidence: Evidence | None = None

    @property
    def size(self) -> int:
        """Estimated bytes in memory; everything whose length the client decides is counted."""
        size = _ENTRY_OVERHEAD + len(self.path) + len(self.query) + len(self.body) + len(self.response_body)
        for name, value in self.headers:
            size += _HEADER_OVERHEAD + len(name) + len(value)
        if self.evidence is not None:
            size += self.evidence.size
        return size + _MAX_CHARACTER_BYTES * len(self.userid)


class Query(NamedTuple):
    """A filter for a list: an item must match every field that is not None.

    `after` is the number of the last item of the previous page. `number` matches a whole phone number, `text` any part
    of a text; `since` and `until` are inclusive times.
    """

    number: str | None = None
    text: str | None = None
    task_id: int | None = None
    since: float | None = None
    until: float | None = None
    state: State | None = None
    after: int | None = None
    newest_first: bool = False
    limit: int = 100


class Page(NamedTuple, Generic[ItemT]):
    """One page of a list. `more` says whether further items follow; `evicted` counts items evicted before the first.

    `last_read` is the number of the last item that was read, None if that is the last of `items`.
    """

    items: Sequence[ItemT]
    more: bool
    evicted: int
    last_read: int | None = None


class Limits(NamedTuple):
    """How much history is kept for inspection.

    Beyond a limit the oldest entries are deleted. **Unfetched items are never deleted.**

    `messages`, `fetched` (per queue) and `requests` apply to all accounts together. Each has a limit in bytes as
    well, and the limit reached first applies; for messages and fetched items, bytes are those of texts and numbers. The
    newest entry is kept, whatever its size. A single account never exceeds a limit; the total of all accounts is
    checked after each further quarter of the limit. `accounts` limits temporary accounts with empty queues, with a
    tolerance of one tenth.
    """

    messages: int = 100_000
    message_bytes: int = 64 * 1024 * 1024
    fetched: int = 100_000
    fetched_bytes: int = 64 * 1024 * 1024
    requests: int = 10_000
    request_bytes: int = 64 * 1024 * 1024
    accounts: int = 10_000


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings for all accounts: the clock of accounts without their own, forbidden words, faults, profiles.

    `words` is None while the words of the start are in force. `profiles` are those that were added at run time.
    """

    clock: ClockOverride | None = None
    words: tuple[str, ...] | None = None
    faults: tuple[Fault, ...] = ()
    profiles: tuple[Profile, ...] = ()
