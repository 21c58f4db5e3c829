"""Result types of the client, all immutable. `sms10692.responses` builds them from the response body."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum
from pathlib import Path
from typing import TypeVar, overload

from sms10692 import protocol


@dataclass(frozen=True, slots=True)
class SendResult:
    """Result of an accepted send (1.3): task ID, remaining balance in points, and number of accepted recipients."""

    task_id: int
    remain_point: int
    success_counts: int


class PayInfo(Enum):
    """Billing type of an account (2.3); the values are the vendor's words."""

    PREPAID = protocol.PREPAID
    POSTPAID = protocol.POSTPAID


@dataclass(frozen=True, slots=True)
class BalanceResult:
    """Balance of an account (2.3): billing type, remaining points, and total points ever credited."""

    payinfo: PayInfo
    overage: int
    send_total: int


@dataclass(frozen=True, slots=True)
class KeywordResult:
    """Result of a keyword check (3.3): whether the text contains a forbidden word, and the vendor's message."""

    is_forbidden: bool
    message: str


class Status(IntEnum):
    """Delivery state in a status report (4.3)."""

    DELIVERED = protocol.DELIVERED
    FAILED = protocol.FAILED


@dataclass(frozen=True, slots=True)
class Report:
    """A status report (4.3). `errorcode` is the network's code; `receivetime` is aware, in China Standard Time."""

    mobile: str
    task_id: int
    status: Status
    receivetime: datetime
    errorcode: str
    extno: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An inbound message (5.3). `task_id` is the send it replies to; `receivetime` is aware, in China Standard Time."""

    mobile: str
    task_id: int
    content: str
    receivetime: datetime
    extno: str


Item = TypeVar("Item", bound=Report | Reply, covariant=True)


class FetchedBatch(Sequence[Item]):
    """Items of one fetch, as an immutable sequence in the vendor's order. **The vendor returns each item only once.**

    `spool_file` is the file with the raw response, or None if the fetch had no spool directory (`spool_dir=`).
    """

    __slots__ = ("_items", "spool_file")

    def __init__(self, items: Sequence[Item], spool_file: Path | None = None) -> None:
        self._items = tuple(items)
        self.spool_file = spool_file

    def ack(self) -> None:
        """Acknowledge the items: delete the spool file. **Call this only after the items are stored safely.**

        Until then `replay_spool` yields the batch again. Without a spool file, or when called again, it does nothing.
        """
        if self.spool_file is not None:
            self.spool_file.unlink(missing_ok=True)

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
        return f"FetchedBatch({list(self._items)!r})"
