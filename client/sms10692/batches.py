"""A long list of numbers, sent in requests of a bearable size, and accounted for to the last number.

Here belong the split and the ledger. Nothing is sent a second time.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sms10692.client import Client
from sms10692.errors import Refused, UnencodableText, Unreachable
from sms10692.values import Sent


class Ledger:
    """What became of a list of numbers: the first ones are `accepted`, the next ones `in_doubt`, the rest not sent.

    `sent` holds an answer for each request that was accepted.
    """

    def __init__(self, numbers: Sequence[str]) -> None:
        self.numbers = tuple(numbers)
        self.sent: list[Sent] = []
        self.accepted = 0
        self.in_doubt = 0

    def __str__(self) -> str:
        """A line for each of the three that there is.

        >>> ledger = Ledger(["13000000001", "13000000002", "13000000003"])
        >>> ledger.accepted, ledger.in_doubt = 2, 1
        >>> print(ledger)
        accepted: 2 of 3, number 1 (13000000001) to number 2 (13000000002)
        in doubt: 1 of 3, number 3 (13000000003): no answer came, so they may have been accepted
        """
        doubted = self.accepted + self.in_doubt
        return "\n".join(
            f"{word}: {end - start} of {len(self.numbers)}, {self._span(start, end)}{remark}"
            for word, start, end, remark in (
                ("accepted", 0, self.accepted, ""),
                ("in doubt", self.accepted, doubted, ": no answer came, so they may have been accepted"),
                ("not sent", doubted, len(self.numbers), ""),
            )
            if end > start
        )

    def _span(self, start: int, end: int) -> str:
        first, last = (f"number {place + 1} ({self.numbers[place]})" for place in (start, end - 1))
        return first if end - start == 1 else f"{first} to {last}"


def send_in_batches(
    client: Client, ledger: Ledger, text: str, *, batch: int, send_time: datetime | None = None, extno: str = ""
) -> Iterator[tuple[Sent, tuple[str, ...]]]:
    """Send to the numbers of a ledger, `batch` at a time; yield each answer with its numbers.

    Raises what `Client.send` raises; the ledger then says how far it came.
    """
    for start in range(0, len(ledger.numbers), batch):
        numbers = ledger.numbers[start : start + batch]
        ledger.in_doubt = len(numbers)
        try:
            sent = client.send(numbers, text, send_time=send_time, extno=extno)
        except (Refused, UnencodableText):
            ledger.in_doubt = 0
            raise
        except Unreachable as error:
            ledger.in_doubt = len(numbers) if error.sent else 0
            raise
        ledger.accepted += len(numbers)
        ledger.in_doubt = 0
        ledger.sent.append(sent)
        yield sent, numbers
