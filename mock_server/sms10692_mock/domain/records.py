"""What a store keeps, and what it shows of that: values without behaviour.

Here belong the records that go in and come out of every store. What a store promises about them stands in `protocol`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from sms10692_mock.domain.clock import ClockOverride
from sms10692_mock.domain.delivery import DeliveryRules
from sms10692_mock.domain.faults import Fault

Thing = TypeVar("Thing", covariant=True)

QueueName: TypeAlias = Literal["reports", "replies"]
State: TypeAlias = Literal["never", "later", "waiting", "handed out"]

_EACH_ENTRY: Final = 600
"""Bytes that an entry of the journal takes beside what was sent and answered."""

_EACH_HEADER: Final = 150
"""Bytes that a header takes beside its name and its value."""

_WIDEST: Final = 4
"""Bytes that a character takes at most."""

NO_TASK_INDEX: Final = -1
"""The place of a report in its task, where no send brought it about."""


def text_bytes(text: str) -> int:
    """Bytes of a text in UTF-8, in which a half of a character takes three.

    >>> [text_bytes(text) for text in ("T", "好", "😀", "\\ud800")]
    [1, 3, 4, 3]
    """
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


class Report(NamedTuple):
    """A status report: what it says (4.3), and `due`, the moment from which it waits to be fetched.

    `place` says to which number of its task it belongs, counted from 0.
    """

    due: float
    mobile: str
    task_id: int
    status: int
    errorcode: str
    extno: str
    place: int = NO_TASK_INDEX


class Reply(NamedTuple):
    """An answer from a handset: what it says (5.3), and `due`, the moment from which it waits to be fetched."""

    due: float
    mobile: str
    task_id: int
    content: str
    extno: str


class Task(NamedTuple):
    """A send that was accepted: when, at which page, what it said to whom, and its price.

    `price` is the points that each number costs (R6), `due` when the network has it, `request` the number of the
    request in the journal.
    """

    task_id: int
    moment: float
    due: float
    numbers: Sequence[str]
    content: str
    extno: str
    page: str
    price: int
    request: int

    @property
    def cost(self) -> int:
        return self.price * len(self.numbers)

    @property
    def size(self) -> int:
        """Bytes of all that a client can make long."""
        return text_bytes(self.content + self.extno) + text_bytes("".join(self.numbers))


class RulesTransition(NamedTuple):
    """The rules of an account by which a send was decided, and those that it leaves."""

    before: DeliveryRules
    after: DeliveryRules


class AccountBalance(NamedTuple):
    """The balance of an account, and all the points it was ever given. A post-paid balance is zero or below (R6).

    `messages` is how many it ever sent, a message for each number.
    """

    points: int
    charged_up: int
    messages: int


class QueueStats(NamedTuple):
    """A queue in numbers: `created` = `later` + `waiting` + `handed_out`.

    `later` are not due yet; `forgotten` of those handed out can no longer be shown or rewound.
    """

    created: int
    later: int
    waiting: int
    handed_out: int
    forgotten: int


class DeliveryState(NamedTuple):
    """What became of a report or a reply: to which request it was handed out, and when on the account's clock.

    Both are None where it was not, or where that is no longer known.
    """

    state: State
    moment: float | None = None
    request: int | None = None


NEVER: Final = DeliveryState("never")
LATER: Final = DeliveryState("later")
WAITING: Final = DeliveryState("waiting")


class Message(NamedTuple):
    """What one number was sent: the `number`-th message of its account, from 1. Without `report`, it is never told."""

    number: int
    task: Task
    mobile: str
    report: Report | None
    fate: DeliveryState


class QueueItem(NamedTuple, Generic[Thing]):
    """An item of a queue, the `number`-th to come up, from 1."""

    number: int
    item: Thing
    fate: DeliveryState


class LoggedRequest(NamedTuple):
    """One request to a page of the vendor's, as it came, and its answer, as it went.

    `received` is real time in seconds since 1970, `now` what the account's clock showed, `took` seconds, waiting for
    the store included. `handed_out` is how many items it took from a queue, where it asked for one. `faults` names
    those that spoilt the answer.
    """

    number: int
    received: float
    now: float
    took: float
    method: str
    path: str
    query: bytes
    headers: Sequence[tuple[str, str]]
    body: bytes
    userid: str
    operation: str
    refusal: str
    handed_out: int | None
    status: int
    content_type: str
    answer: bytes
    faults: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes that it takes in memory, about: all that a client can make long counts."""
        size = _EACH_ENTRY + len(self.path) + len(self.query) + len(self.body) + len(self.answer)
        for name, value in self.headers:
            size += _EACH_HEADER + len(name) + len(value)
        return size + _WIDEST * len(self.userid)


class Query(NamedTuple):
    """Which items of a list: all that fit what is given. `after` is the number of the last one seen.

    `number` is a whole telephone number, `text` any part of a text; `since` and `until` are moments, both included.
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


class Page(NamedTuple, Generic[Thing]):
    """A page of a list. `more` says that there are others behind the last one; `dropped` is how many were too old."""

    items: Sequence[Thing]
    more: bool
    dropped: int


class Limits(NamedTuple):
    """How much of what is over is kept, for looking at: beyond, the oldest is dropped. What waits is never dropped.

    `messages`, `handed_out`, which is for each queue, and `requests` are for all accounts together; each has bytes as
    well, and what is reached first holds. Of messages and of items handed out these are the bytes of texts and numbers.
    The last of each is kept, however long. One account alone never has more; that all together have not is seen to when
    a quarter of it has come since. `accounts` is how many temporary accounts with empty queues there may be, and a
    tenth of it more.
    """

    messages: int = 100_000
    message_bytes: int = 64 * 1024 * 1024
    handed_out: int = 100_000
    handed_out_bytes: int = 64 * 1024 * 1024
    requests: int = 10_000
    request_bytes: int = 64 * 1024 * 1024
    accounts: int = 10_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for all accounts: the clock of those without their own, forbidden words, faults.

    `words` is None while they are those that the emulator was started with.
    """

    clock: ClockOverride | None = None
    words: tuple[str, ...] | None = None
    faults: tuple[Fault, ...] = ()
