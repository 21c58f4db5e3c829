"""Safety guard: blocks requests that could send messages or empty queues unless the user allowed that.

**Every request passes `SafetyGuard.check` before a byte of it is sent.** The decision uses only the names and values of
the request. The server may be faulty in any way, so a request is harmless only if no vendor could act on it.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from sms10692_contract.requests import CREDENTIALS, OLDER_ENDPOINTS, QUEUES, WireRequest
from sms10692_contract.segmentation import count_segments

READ_ONLY_ACTIONS: Final = frozenset({"overage", "checkkeyword"})
"""Actions without side effects."""

INVALID_SIGN: Final = "0" * 32
"""A signature that no account can have."""

BUDGET_DEFAULT: Final = 20

OPTIONS: Final[Mapping[str, str]] = {
    "send": "--allow-send NUMBER",
    "fetch": "--allow-fetch",
    "control": "--control URL",
    "older": "--endpoints all",
}
"""The option that gives each permission."""


class PermissionMissing(Exception):
    """A request was blocked. The message names the option that would allow it."""


@dataclass
class SafetyGuard:
    """Permissions of a run, and the points spent so far.

    `numbers` may be sent to, for at most `budget` points. `may_fetch` allows emptying the queues of the own account.
    `userids` are the temporary accounts created for this run; their requests are always allowed. `older`
    allows the older endpoints, which take the password in clear.

    `check` may be called from several threads.
    """

    numbers: frozenset[str] = frozenset()
    budget: int = BUDGET_DEFAULT
    may_fetch: bool = False
    userids: set[str] = field(default_factory=set)
    older: bool = False
    spent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find_missing_permission(self, permissions: Iterable[str]) -> str:
        """Return the options that are missing for these permissions; empty if none is."""
        is_free = bool(self.userids)
        allowed = {
            "send": is_free or bool(self.numbers),
            "fetch": is_free or self.may_fetch,
            "control": is_free,
            "older": self.older,
        }
        return ", ".join(OPTIONS[permission] for permission in permissions if not allowed[permission])

    def check(self, request: WireRequest) -> None:
        """Raise PermissionMissing if the request must not be sent; otherwise count the points that it may cost.

        A send or a fetch needs its permission even if its credentials are empty or wrong: a vendor counts it as an
        attempt. **No permission allows changing the password of a real account,** and a password in clear needs its
        own at every endpoint.
        """
        if request.endpoint in OLDER_ENDPOINTS and not self.older:
            raise PermissionMissing("the request has the password in clear: needs --endpoints all")
        if self._uses_temporary_account(request):
            return
        if not _has_path_of_endpoint(request):
            raise PermissionMissing(f"the request is not to {request.endpoint}, which was to be allowed")
        if any(map(str.strip, _get_values(request, "password"))) and not self.older:
            raise PermissionMissing("the request has a password in clear: needs --endpoints all")
        if any("pwd" in action.lower() for action in _get_values(request, "action")):
            raise PermissionMissing("the request changes the password: needs --control URL, not --allow-send")
        if request.endpoint in QUEUES:
            if not self.may_fetch:
                raise PermissionMissing("the request fetches from a queue: needs --allow-fetch")
        elif not _get_values(request, "action") or not _get_values(request, "action") <= READ_ONLY_ACTIONS:
            self._spend(request, is_refused=_is_refused_by_any_vendor(request))

    def _uses_temporary_account(self, request: WireRequest) -> bool:
        """Return whether the request is of a temporary account, or of nobody while temporary accounts are used."""
        userids = {userid for userid in _get_values(request, "userid") if userid.strip()}
        return bool(self.userids) and (userids <= self.userids if userids else _is_refused_by_any_vendor(request))

    def _spend(self, request: WireRequest, is_refused: bool) -> None:
        numbers = [number for value in _get_values(request, "mobile") for number in _split_mobiles(value)]
        if not self.numbers:
            raise PermissionMissing("the request sends: needs --allow-send NUMBER")
        if not self.numbers.issuperset(numbers):
            raise PermissionMissing("the request sends to a number that --allow-send does not name")
        cost = 0 if is_refused else _calculate_cost(request)
        with self._lock:
            if self.spent + cost > self.budget:
                raise PermissionMissing(
                    f"--budget {self.budget}: {self.spent} points are spent, and this send costs {cost}"
                )
            self.spent += cost


def _calculate_cost(request: WireRequest) -> int:
    """Return the price of a send in points: number of recipients times segments of the text (R6).

    For a parameter in both the query string and the form, the more expensive value counts.
    """
    numbers = max(len(_split_mobiles(mobile)) for mobile in _get_alternative_values(request, "mobile"))
    return numbers * max(count_segments(content) for content in _get_alternative_values(request, "content"))


def _get_alternative_values(request: WireRequest, name: str) -> tuple[str, str]:
    """Return the value of a parameter in the query string and in the form, of which a vendor uses one (R14).

    Repeated values are joined with commas.
    """
    query, body = request.pairs[: request.query_count], request.pairs[request.query_count :]
    in_query, in_body = (
        ",".join(value for key, value in pairs if key.strip().lower() == name) for pairs in (query, body)
    )
    return in_query, in_body


def _has_path_of_endpoint(request: WireRequest) -> bool:
    """Return whether the bytes of a request go to its endpoint, in any case and with any slashes (Q9)."""
    path = request.target.decode("latin-1").partition("?")[0].partition("://")
    local = "/" + path[2].partition("/")[2] if path[1] else path[0]
    return f"/{unquote(local).lstrip('/').lower()}/".startswith(f"{request.endpoint.lower()}/")


def _split_mobiles(mobile: str) -> list[str]:
    return [number for part in mobile.replace("，", ",").split(",") if (number := part.strip())]


def _get_values(request: WireRequest, name: str) -> set[str]:
    return {value for key, value in request.pairs if key.strip().lower() == name}


def _is_refused_by_any_vendor(request: WireRequest) -> bool:
    """Return whether the credentials are blank or invalid, so that no vendor could accept the request."""
    blank = {"sign": ("", INVALID_SIGN)}

    def is_given(name: str) -> bool:
        return any(value.strip() not in blank.get(name, ("",)) for value in _get_values(request, name))

    # A vendor may accept either kind of credentials at any endpoint.
    return not any(all(map(is_given, names)) for names in set(CREDENTIALS.values()))
