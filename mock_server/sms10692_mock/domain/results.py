"""What the vendor says, as values: five kinds of answer and one refusal.

Here belong values without layout or charset; `wire.render` gives them the bytes of a page. A refusal is an answer
like any other: to the vendor it is HTTP 200.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from sms10692 import protocol
from sms10692.protocol import Operation
from sms10692_mock.domain.records import Reply, Report


class Refusal(NamedTuple):
    """The vendor says no, in one of the messages of the operation's chapter."""

    message: str


class SendResult(NamedTuple):
    """A send was accepted (1.3): the balance afterwards, the task, and how many numbers it has."""

    remainpoint: int
    task_id: int
    success_counts: int


class BalanceResult(NamedTuple):
    """How the account pays and what it has (2.3)."""

    payinfo: str
    overage: int
    send_total: int


class KeywordResult(NamedTuple):
    """The verdict on a text (3.3), and the text itself, which the dialect `observed` repeats (A13)."""

    message: str
    content: str


class ReportsResult(NamedTuple):
    """The reports that this fetch takes from the queue (4.3)."""

    boxes: Sequence[Report]


class RepliesResult(NamedTuple):
    """The replies that this fetch takes from the queue (5.3)."""

    boxes: Sequence[Reply]


Result: TypeAlias = Refusal | SendResult | BalanceResult | KeywordResult | ReportsResult | RepliesResult

REFUSAL_VALUES: Final[Mapping[Operation, Callable[[str], tuple[str | int, ...]]]] = {
    protocol.SEND: lambda message: (protocol.SEND.failure, message, 0, 0, 0),  # A4
    protocol.OVERAGE: lambda message: (protocol.OVERAGE.failure, message, "", 0, 0),
    protocol.CHECKKEYWORD: lambda message: (message,),
}
"""The values that a refusal has, in the order of an operation's elements, by its message."""
