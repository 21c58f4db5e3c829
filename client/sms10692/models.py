"""What the vendor answers, as values that cannot be changed.

Here belong the types that a caller holds in hand. How they are read from bytes is the affair of `replies`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum
from pathlib import Path
from typing import TypeVar, overload

from sms10692 import protocol


@dataclass(frozen=True, slots=True)
class SendResult:
    """An accepted send (1.3): its number, the balance afterwards, and how many numbers it went to."""

    task_id: int
    remain_point: int
    success_counts: int


class PayInfo(Enum):
    """How an account pays (2.3), in the vendor's words."""

    PREPAID = protocol.PREPAID
    POSTPAID = protocol.POSTPAID


@dataclass(frozen=True, slots=True)
class BalanceResult:
    """How an account pays, what it has left, and all the points it was ever given (2.3)."""

    payinfo: PayInfo
    overage: int
    send_total: int


@dataclass(frozen=True, slots=True)
class KeywordResult:
    """Whether a text holds a forbidden word (3.3), and the vendor's sentence about it."""

    is_forbidden: bool
    message: str


class Status(IntEnum):
    """What became of a message (4.3)."""

    DELIVERED = protocol.DELIVERED
    FAILED = protocol.FAILED


@dataclass(frozen=True, slots=True)
class Report:
    """A status report (4.3). `errorcode` is the network's own word; `receivetime` is China Standard Time."""

    mobile: str
    task_id: int
    status: Status
    receivetime: datetime
    errorcode: str
    extno: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer from a handset (5.3). `task_id` is the send that it answers; `receivetime` is China Standard Time."""

    mobile: str
    task_id: int
    content: str
    receivetime: datetime
    extno: str


Item = TypeVar("Item", bound=Report | Reply, covariant=True)


class FetchedBatch(Sequence[Item]):
    """What one fetch handed over, in the vendor's order: it will not hand these over again.

    Where the raw answer was kept, `kept` is its file, and `done()` says that it is needed no more.
    """

    __slots__ = ("_items", "kept")

    def __init__(self, items: Sequence[Item], kept: Path | None = None) -> None:
        self._items = tuple(items)
        self.kept = kept

    def done(self) -> None:
        """Forget the kept answer. Call it once these items are safe: until then `replay` yields them again."""
        if self.kept is not None:
            self.kept.unlink(missing_ok=True)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | Sequence[Item]:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FetchedBatch) and self._items == other._items

    def __hash__(self) -> int:
        return hash(self._items)

    def __repr__(self) -> str:
        return f"Batch({list(self._items)!r})"
