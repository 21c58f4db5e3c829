"""Bulk send: a long list of recipients in several requests, with exact progress. Nothing is sent twice."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from sms10692.client import Client
from sms10692.errors import ConnectionFailed, UnencodableText, VendorRefusal
from sms10692.models import SendResult


class BulkCounts(NamedTuple):
    """Progress through the list: the first `accepted` numbers, then `uncertain` ones; the rest is not sent."""

    accepted: int = 0
    uncertain: int = 0


class BulkProgress:
    """Recipients of a bulk send and what has become of them.

    `results` has one result per accepted request. `counts` is the progress. Entries may contain several numbers,
    separated by commas as in the request (1.2); blank ones are ignored, and a number that is given twice counts once.

    >>> BulkProgress(["13000000001, 13000000002", "", "13000000003", "13000000001"]).numbers
    ('13000000001', '13000000002', '13000000003')
    """

    def __init__(self, entries: Iterable[str]) -> None:
        numbers = (number for entry in entries for part in entry.split(",") if (number := part.strip()))
        self.numbers = tuple(dict.fromkeys(numbers))
        self.results: list[SendResult] = []
        self.counts = BulkCounts()

    def __str__(self) -> str:
        """Return a line for each group of numbers that is not empty: accepted, uncertain, not sent.

        >>> progress = BulkProgress(["13000000001", "13000000002", "13000000003"])
        >>> progress.counts = BulkCounts(accepted=2, uncertain=1)
        >>> print(progress)
        accepted: 2 of 3, number 1 (13000000001) to number 2 (13000000002)
        uncertain: 1 of 3, number 3 (13000000003): no response arrived, the vendor may have accepted them
        """
        accepted, uncertain = self.counts
        return "\n".join(
            f"{label}: {end - start} of {len(self.numbers)}, {self._format_range(start, end)}{note}"
            for label, start, end, note in (
                ("accepted", 0, accepted, self._format_vendor_count()),
                (
                    "uncertain",
                    accepted,
                    accepted + uncertain,
                    ": no response arrived, the vendor may have accepted them",
                ),
                ("not sent", accepted + uncertain, len(self.numbers), ""),
            )
            if end > start
        )

    def _format_range(self, start: int, end: int) -> str:
        first, last = (f"number {index + 1} ({self.numbers[index]})" for index in (start, end - 1))
        return first if end - start == 1 else f"{first} to {last}"

    def _format_vendor_count(self) -> str:
        """Return a note if the vendor counted a different number of recipients."""
        counted = sum(result.success_counts for result in self.results)
        return "" if counted in {0, self.counts.accepted} else f"; the vendor counted {counted}"


def send_in_batches(
    client: Client, progress: BulkProgress, text: str, *, batch: int, send_time: datetime | None = None, extno: str = ""
) -> Iterator[tuple[SendResult, tuple[str, ...]]]:
    """Send a text to the recipients, `batch` numbers per request; yield each result with its numbers.

    Raises what `Client.send` raises. `progress` is exact whenever the iteration ends, also after an interrupt.
    """
    for start in range(0, len(progress.numbers), batch):
        numbers = progress.numbers[start : start + batch]
        progress.counts = BulkCounts(start, len(numbers))
        try:
            result = client.send(numbers, text, send_time=send_time, extno=extno)
        except (VendorRefusal, UnencodableText):
            progress.counts = BulkCounts(start)
            raise
        except ConnectionFailed as error:
            progress.counts = BulkCounts(start, len(numbers) if error.maybe_delivered else 0)
            raise
        progress.results.append(result)
        progress.counts = BulkCounts(start + len(numbers))  # one assignment: an interrupt sees the old or the new value
        yield result, numbers
