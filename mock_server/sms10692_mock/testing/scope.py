"""`ControlScope`: what the whole emulator and one account have in common: a clock, faults and a request log."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, TypeVar

from sms10692.protocol import OperationName
from sms10692_mock.domain.fault_kinds import FaultKind
from sms10692_mock.testing.api_client import ControlApi
from sms10692_mock.testing.clock import Clock
from sms10692_mock.testing.models import Fault, Profile, Request, from_document, read_profile

Value = TypeVar("Value")

_PAGE_SIZE: Final = 1000


class ControlScope:
    """The resources below `prefix` of a control API."""

    def __init__(self, api: ControlApi, prefix: str) -> None:
        self._api = api
        self._prefix = prefix
        self.clock = Clock(api, prefix)

    def fault(
        self,
        kind: FaultKind,
        *operations: OperationName,
        times: int | None = None,
        probability: float | None = None,
        seed: int | None = None,
        seconds: float | None = None,
        seconds_max: float | None = None,
        at: int | None = None,
        status: int | None = None,
        message: str | None = None,
        charset: str | None = None,
        apply: bool | None = None,
    ) -> Fault:
        """Add a fault for requests of these operations, or of all operations.

        The fault applies until it is removed, or to the next `times` requests, with this `probability`, repeatable with
        `seed`. The kinds and their arguments are in the table "Faults" of the reference and in `domain.fault_kinds`.
        `apply` decides whether the vendor executes the request all the same.
        """
        document = self._do(
            "POST",
            "faults",
            kind=kind,
            operations=operations,
            times=times,
            probability=probability,
            seed=seed,
            seconds=seconds,
            seconds_max=seconds_max,
            at=at,
            status=status,
            message=message,
            charset=charset,
            apply=apply,
        )
        return from_document(Fault, document)

    def profile(self) -> Profile:
        """Return the profile in force."""
        return read_profile(self._get("profile"))

    def faults(self) -> list[Fault]:
        """Return the active faults."""
        return [from_document(Fault, document) for document in self._get("faults")["faults"]]

    def remove_fault(self, fault: Fault) -> None:
        """Remove a fault. Raises ControlRefused if the fault is not active."""
        self._do("DELETE", f"faults/{fault.id}")

    def clear_faults(self) -> None:
        """Remove all faults."""
        self._do("DELETE", "faults")

    def requests(self, last: int | None = None) -> list[Request]:
        """Return the `last` requests to the vendor's endpoints, or all kept ones, with diagnosis, oldest first.

        A diagnosis takes up to 20 ms.
        """
        if last is None:
            numbers = [document["number"] for document in self._documents("requests")]
        else:
            newest = islice(self._documents("requests", order="desc"), last)
            numbers = [document["number"] for document in newest][::-1]
        return [from_document(Request, self._get(f"requests/{number}")) for number in numbers]

    def _get(self, path: str, **query: Any) -> Any:
        return self._api.get(f"{self._prefix}/{path}" if path else self._prefix, **query)

    def _do(self, method: str, path: str, **document: Any) -> Any:
        return self._api.send(method, f"{self._prefix}/{path}" if path else self._prefix, **document)

    def _documents(self, path: str, **query: Any) -> Iterator[Any]:
        """Yield all items of a list, page by page."""
        after: int | None = None
        while True:
            page = self._get(path, after=after, limit=_PAGE_SIZE, **query)
            yield from page["items"]
            after = page["next"]
            if after is None:
                return
