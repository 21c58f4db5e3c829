"""Results of the operations, and refusals, as values without layout or charset.

`codec.xml` and `codec.json_renderer` encode them. A refusal is a result like the others: the vendor sends HTTP 200.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from sms10692 import protocol
from sms10692.protocol import Operation
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.records import InboundReply, StatusReport


class Refusal(NamedTuple):
    """The vendor refuses the request with a message; the evidence says why.

    `replaced` is the message of the operation's chapter that the profile replaces by `message`, or empty.
    """

    message: str
    evidence: Evidence
    replaced: str = ""


class AcceptedSend(NamedTuple):
    """An accepted send (1.3): the balance afterwards, the task number, the number of recipients."""

    remainpoint: int
    task_id: int
    success_counts: int


class QueriedBalance(NamedTuple):
    """The way of payment, the balance, and the sum of all points added (2.3)."""

    payinfo: str
    overage: int
    send_total: int


class CheckedText(NamedTuple):
    """The verdict on a text (3.3), and the text itself, which the profile `observed` repeats (A13)."""

    message: str
    content: str


class ChangedPassword(NamedTuple):
    """The password of the account was changed (R20)."""


class ReportsResult(NamedTuple):
    """The reports fetched from the queue by this request (4.3)."""

    items: Sequence[StatusReport]


class RepliesResult(NamedTuple):
    """The replies fetched from the queue by this request (5.3)."""

    items: Sequence[InboundReply]


Result: TypeAlias = (
    Refusal | AcceptedSend | QueriedBalance | CheckedText | ChangedPassword | ReportsResult | RepliesResult
)

REFUSAL_VALUES: Final[Mapping[Operation, Callable[[str], tuple[str | int, ...]]]] = {
    protocol.SEND: lambda message: (protocol.SEND.failure, message, 0, 0, 0),  # A4
    protocol.OVERAGE: lambda message: (protocol.OVERAGE.failure, message, "", 0, 0),
    protocol.CHECKKEYWORD: lambda message: (message,),
    protocol.CHANGESPWD: lambda message: (protocol.CHANGESPWD.failure, message),
}
"""For each operation, a function from the message of a refusal to the values of its elements, in the order of the
elements.
"""
