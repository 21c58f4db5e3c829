"""What may leave: nothing that sends or fetches, unless whoever runs the suite allowed it.

Here belongs the decision about a request, from the names and values in it, before a byte of it goes out. The
examined vendor may be wrong in any way, so a request counts as harmless only if no vendor could act on it.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from sms10692_contract.billing import count_parts
from sms10692_contract.requests import CALL, STATUS, WireRequest

READ_ONLY_ACTIONS: Final = frozenset({"overage", "checkkeyword"})
"""Actions that change nothing."""

INVALID_SIGN: Final = "0" * 32
"""A signature that is nobody's."""

BUDGET_DEFAULT: Final = 20


class PermissionMissing(Exception):
    """A request was held back. The message says what would allow it."""


@dataclass
class SafetyGuard:
    """The permissions of a run. `userids` are of accounts made for this run, which may do everything."""

    numbers: frozenset[str] = frozenset()
    budget: int = BUDGET_DEFAULT
    may_fetch: bool = False
    userids: set[str] = field(default_factory=set)
    spent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def missing_permission(self, needs: Iterable[str]) -> str:
        """Why a clause that needs this cannot be exercised, or nothing."""
        if self.userids:
            return ""
        allowed = {"send": bool(self.numbers), "fetch": self.may_fetch, "control": False}
        ways = {"send": "--allow-send NUMBER", "fetch": "--allow-fetch", "control": "--control URL"}
        return ", ".join(ways[need] for need in needs if not allowed[need])

    def check(self, request: WireRequest) -> None:
        """Raise NotAllowed for a request that must not leave; count the messages of one that may."""
        if self._is_of_this_run(request) or _is_refused_by_anyone(request):
            return
        if request.page in (STATUS, CALL):
            if not self.may_fetch:
                raise PermissionMissing("it fetches, and --allow-fetch was not given")
        elif not _values(request, "action") or not _values(request, "action") <= READ_ONLY_ACTIONS:
            self._spend(request)

    def _is_of_this_run(self, request: WireRequest) -> bool:
        named = _values(request, "userid")
        return bool(named) and named <= self.userids

    def _spend(self, request: WireRequest) -> None:
        numbers = [number for value in _values(request, "mobile") for number in _split(value)]
        if not self.numbers:
            raise PermissionMissing("it sends, and --allow-send was not given")
        if not self.numbers.issuperset(numbers):
            raise PermissionMissing("it sends to a number that --allow-send does not name")
        cost = _cost(request)
        with self._lock:
            if self.spent + cost > self.budget:
                raise PermissionMissing(f"--budget {self.budget}: {self.spent} are spent, and this send costs {cost}")
            self.spent += cost


def _cost(request: WireRequest) -> int:
    """Return the points that a vendor charges for a send: its numbers times the parts of its text (R6).

    Where a parameter stands in the query string and in the form, the dearer of both counts.
    """
    numbers = max(len(_split(mobile)) for mobile in _readings(request, "mobile"))
    return numbers * max(count_parts(content) for content in _readings(request, "content"))


def _readings(request: WireRequest, name: str) -> tuple[str, str]:
    """Return a parameter's value in the query string and in the form. What is repeated is joined with commas (R14)."""
    query, body = request.pairs[: request.in_query], request.pairs[request.in_query :]
    in_query, in_body = (
        ",".join(value for key, value in pairs if key.strip().lower() == name) for pairs in (query, body)
    )
    return in_query, in_body


def _split(mobile: str) -> list[str]:
    return [number for part in mobile.replace("，", ",").split(",") if (number := part.strip())]


def _values(request: WireRequest, name: str) -> set[str]:
    return {value for key, value in request.pairs if key.strip().lower() == name}


def _is_refused_by_anyone(request: WireRequest) -> bool:
    if all(value.strip() in ("", INVALID_SIGN) for value in _values(request, "sign")):
        return True
    return any(not any(value.strip() for value in _values(request, name)) for name in ("userid", "timestamp"))
