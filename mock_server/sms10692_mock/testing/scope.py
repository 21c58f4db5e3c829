"""What an emulator as a whole and one account of it have alike: a clock, faults, a journal of requests.

Here belongs what is asked of the control address in the same words for both. What only one of them has is in `control`
and in `sms_vendor`.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, TypeVar

from sms10692_mock.testing.api_client import ControlApi
from sms10692_mock.testing.clock import Clock
from sms10692_mock.testing.models import Fault, FaultKind, OperationName, Request, from_document

Value = TypeVar("Value")

_PAGE: Final = 1000


class ControlScope:
    """Where something can be turned and looked at: below `prefix` of a control address."""

    def __init__(self, connection: ControlApi, prefix: str) -> None:
        self._connection = connection
        self._prefix = prefix
        self.clock = Clock(connection, prefix)

    def fault(
        self,
        kind: FaultKind,
        *operations: OperationName,
        remaining: int | None = None,
        share: float | None = None,
        seed: int | None = None,
        seconds: float | None = None,
        seconds_max: float | None = None,
        at: int | None = None,
        status: int | None = None,
        message: str | None = None,
        charset: str | None = None,
        acts: bool | None = None,
    ) -> Fault:
        """Let something go wrong with requests for these operations, or for all.

        It does until it is removed, or for the next `remaining` requests, and with a `share` of them, by dice that
        `seed` loads. The kinds, with what they take: `latency` (`seconds`, up to `seconds_max`); `hang`, never
        answered; `status` (an HTTP `status`); `empty`; `cut` (`at` a byte of the body); `close`, before the answer;
        `charset` (what it says it is); `bom`; `message` (one of the manual's); `lose`, a queue hands out and the
        connection is closed. `acts` says whether the vendor does all the same what it was asked.
        """
        document = self._do(
            "POST",
            "faults",
            kind=kind,
            operations=operations,
            remaining=remaining,
            share=share,
            seed=seed,
            seconds=seconds,
            seconds_max=seconds_max,
            at=at,
            status=status,
            message=message,
            charset=charset,
            acts=acts,
        )
        return from_document(Fault, document)

    def faults(self) -> list[Fault]:
        """The faults that are on."""
        return [from_document(Fault, document) for document in self._get("faults")["faults"]]

    def remove_fault(self, fault: Fault) -> None:
        """Let it go right again. Raises ControlRefused where it is off by now."""
        self._do("DELETE", f"faults/{fault.id}")

    def clear_faults(self) -> None:
        """Let everything go right again."""
        self._do("DELETE", "faults")

    def requests(self, last: int | None = None) -> list[Request]:
        """The `last` so many requests to the vendor's pages, or all that are kept, each with its diagnosis.

        A diagnosis takes up to 20 ms.
        """
        if last is None:
            numbers = [document["number"] for document in self._documents("requests")]
        else:
            newest = islice(self._documents("requests", order="desc"), last)
            numbers = [document["number"] for document in newest][::-1]
        return [from_document(Request, self._get(f"requests/{number}")) for number in numbers]

    def _get(self, path: str, **query: Any) -> Any:
        return self._connection.get(f"{self._prefix}/{path}" if path else self._prefix, **query)

    def _do(self, method: str, path: str, **document: Any) -> Any:
        return self._connection.send(method, f"{self._prefix}/{path}" if path else self._prefix, **document)

    def _documents(self, path: str, **query: Any) -> Iterator[Any]:
        """All items of a list, page after page."""
        after: int | None = None
        while True:
            page = self._get(path, after=after, limit=_PAGE, **query)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return
