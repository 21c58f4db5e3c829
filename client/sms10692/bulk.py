"""A long list of numbers, sent in requests of a bearable size, and accounted for to the last number.

Here belong the split and the ledger. Nothing is sent a second time.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from sms10692.client import Client
from sms10692.errors import ConnectionFailed, UnencodableText, VendorRefusal
from sms10692.models import SendResult


class BulkCounts(NamedTuple):
    """How far a list came: the first so many numbers are `accepted`, the next so many `in_doubt`, the rest not sent."""

    accepted: int = 0
    uncertain: int = 0


class BulkProgress:
    """What became of a list of numbers; `sent` holds an answer for each request that was accepted.

    Entries may hold several numbers, separated by commas as on the wire (1.2); blank ones are none.

    >>> Ledger(["13000000001, 13000000002", "", "13000000003"]).numbers
    ('13000000001', '13000000002', '13000000003')
    """

    def __init__(self, entries: Iterable[str]) -> None:
        self.numbers = tuple(number for entry in entries for part in entry.split(",") if (number := part.strip()))
        self.sent: list[SendResult] = []
        self.mark = BulkCounts()

    def __str__(self) -> str:
        """A line for each of the three that there is.

        >>> ledger = Ledger(["13000000001", "13000000002", "13000000003"])
        >>> ledger.mark = Mark(accepted=2, in_doubt=1)
        >>> print(ledger)
        accepted: 2 of 3, number 1 (13000000001) to number 2 (13000000002)
        in doubt: 1 of 3, number 3 (13000000003): no answer came, so they may have been accepted
        """
        accepted, in_doubt = self.mark
        return "\n".join(
            f"{word}: {end - start} of {len(self.numbers)}, {self._span(start, end)}{remark}"
            for word, start, end, remark in (
                ("accepted", 0, accepted, self._counted()),
                ("in doubt", accepted, accepted + in_doubt, ": no answer came, so they may have been accepted"),
                ("not sent", accepted + in_doubt, len(self.numbers), ""),
            )
            if end > start
        )

    def _span(self, start: int, end: int) -> str:
        first, last = (f"number {place + 1} ({self.numbers[place]})" for place in (start, end - 1))
        return first if end - start == 1 else f"{first} to {last}"

    def _counted(self) -> str:
        counted = sum(sent.success_counts for sent in self.sent)
        return "" if counted in {0, self.mark.accepted} else f"; the vendor counted {counted}"


def send_in_batches(
    client: Client, ledger: BulkProgress, text: str, *, batch: int, send_time: datetime | None = None, extno: str = ""
) -> Iterator[tuple[SendResult, tuple[str, ...]]]:
    """Send to the numbers of a ledger, `batch` at a time; yield each answer with its numbers.

    Raises what `Client.send` raises; the ledger then says how far it came, also when it was interrupted.
    """
    for start in range(0, len(ledger.numbers), batch):
        numbers = ledger.numbers[start : start + batch]
        ledger.mark = BulkCounts(start, len(numbers))
        try:
            sent = client.send(numbers, text, send_time=send_time, extno=extno)
        except (VendorRefusal, UnencodableText):
            ledger.mark = BulkCounts(start)
            raise
        except ConnectionFailed as error:
            ledger.mark = BulkCounts(start, len(numbers) if error.sent else 0)
            raise
        ledger.sent.append(sent)
        ledger.mark = BulkCounts(start + len(numbers))  # at once: an interrupt must find the one or the other
        yield sent, numbers
