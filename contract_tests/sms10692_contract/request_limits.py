"""Limits of a run against a server that may be a real vendor: time, number of requests, and of wrong signatures.

Vendors lock accounts after a few wrong signatures, and addresses after many requests. A check sends its first cases
only; what they show was judged before the next request, so the check ends as if these were all.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from sms10692_contract.http import HttpResponse
from sms10692_contract.rate_limit import DEFAULT_RATE
from sms10692_contract.requests import CREDENTIALS, OLDER_ENDPOINTS, WireRequest, compute_signature, is_encodable

REQUESTS: Final = 120
"""Maximum number of requests of all checks that neither send nor fetch."""

SECONDS: Final = 90.0
"""Duration of the checks that neither send nor fetch, at the default rate; at a lower one in proportion longer."""

LAST_SECONDS: Final = 2.0
"""No request starts in the last seconds, because its turn and its response take some."""

PROBES: Final = 5
"""How many of these are kept for queries whether the server still accepts the account."""

REQUESTS_PER_CHECK: Final = 4
"""Maximum number of requests of a check of the manual that neither sends nor fetches. Others: 3/4 of it."""

REQUESTS_PER_PERMISSION: Final[Mapping[str, int]] = {"send": 2, "fetch": 3}
"""How many more a permission adds to such a check: what it also sends or fetches then."""

WRONG_SIGNATURES: Final = 5
"""Maximum number of requests with a wrong signature in a run that neither sends nor fetches.

A request with an empty userid or signature is none: nothing is compared with a password, so no account is locked.
"""

WRONG_SIGNATURES_PER_CHECK: Final = 2
"""Maximum number of requests with a wrong signature in a check that neither sends nor fetches."""

WRONG_SIGNATURES_PER_PERMISSION: Final[Mapping[str, int]] = {"send": 3, "fetch": 4}
"""How many more a permission adds to a run: the refusals of its own endpoints."""

WRONG_SIGNATURES_PER_CHECK_AND_PERMISSION: Final[Mapping[str, int]] = {"send": 1, "fetch": 2}
"""How many more a permission adds to a check."""


class CheckStopped(KeyboardInterrupt):
    """Ends a check at once. Derived from KeyboardInterrupt, which Hypothesis does not catch."""


class EnoughRequests(CheckStopped):
    """The check has sent its share of requests, and all their responses were as expected."""


class LimitReached(CheckStopped):
    """The check could send nothing. The message names the limit."""


@dataclass
class RequestLimits:
    """Limits of a run, and what it has used of them: `sent` counts the requests of checks that neither send nor fetch.

    `account` and `password` are those of the user, to tell wrong signatures from correct ones. A refusal that was
    requested before in the same way is not requested again: `admit` returns the recorded response.
    """

    userid: str
    account: str
    password: str
    wrong_signatures: int = WRONG_SIGNATURES
    wrong_per_check: int = WRONG_SIGNATURES_PER_CHECK
    per_check: int = REQUESTS_PER_CHECK
    requests: int = REQUESTS
    seconds: float = SECONDS
    clock: Callable[[], float] = monotonic
    sent: int = 0
    wrong: int = 0
    _sent_in_check: int = 0
    _wrong_in_check: int = 0
    _answered_in_check: int = 0
    _is_harmless_check: bool = True
    _share: int = REQUESTS_PER_CHECK
    _recorded: dict[object, HttpResponse] = field(default_factory=dict)
    _seconds_used: float = 0.0
    _check_started: float | None = None
    _is_account_refused: bool = False

    def start_check(self, is_harmless: bool, is_manual: bool = True) -> None:
        """Begin a check; `is_harmless` if it needs no permission, `is_manual` if it is one of the manual."""
        now = self.clock()
        if self._is_harmless_check and self._check_started is not None:
            self._seconds_used += now - self._check_started
        self._check_started = now
        self._share = self.per_check if is_manual else self.per_check * 3 // 4
        self._sent_in_check = self._wrong_in_check = self._answered_in_check = 0
        self._is_harmless_check = is_harmless

    @property
    def seconds_left(self) -> float:
        """Time that is left for the current check; infinite if it sends or fetches, because it waits for reports."""
        if not self._is_harmless_check:
            return math.inf
        if self._check_started is None:
            self._check_started = self.clock()
        return self.seconds - self._seconds_used - (self.clock() - self._check_started)

    def expect_time_left(self) -> None:
        """Raise EnoughRequests or LimitReached if the time of the checks is over."""
        if self.seconds_left < LAST_SECONDS:
            if self._answered_in_check:
                raise EnoughRequests
            raise LimitReached(
                f"time: checks that neither send nor fetch end after {self.seconds:g} s;"
                " --rate 0 lifts it on your own server"
            )

    def count_correct_signatures_as_wrong(self) -> None:
        """Count every signature as wrong from now on: the server has refused the correct one, and counts so too."""
        self._is_account_refused = True
        self.wrong += 1

    @property
    def prefers_fixed_cases(self) -> bool:
        """Whether a check generates values only if it has no fixed cases."""
        return self.per_check < 10 * REQUESTS_PER_CHECK

    @property
    def has_sent(self) -> bool:
        """Whether the current check has sent a request."""
        return self._sent_in_check > 0

    def admit(self, request: WireRequest) -> HttpResponse | None:
        """Count a request, or return the response that was recorded for the same refusal.

        Raises EnoughRequests if the check has had its share, and LimitReached if nothing is left for it.
        """
        is_wrong, is_refused = self.has_wrong_signature(request), _has_empty_credential(request)
        is_refused |= is_wrong
        has_enough_wrong = is_wrong and self._wrong_in_check >= self.wrong_per_check
        if has_enough_wrong or (self._is_harmless_check and self._sent_in_check >= self._share):
            raise EnoughRequests
        recorded = self._recorded.get(_build_key(request)) if is_refused else None
        if recorded is None:
            self._expect_left(is_wrong)
            self.count(request)
        self._sent_in_check += 1
        self._wrong_in_check += is_wrong
        self._answered_in_check += recorded is not None
        return recorded

    def record(self, request: WireRequest, response: HttpResponse) -> None:
        """Count a response; keep it if the request had a wrong signature or an empty credential."""
        self._answered_in_check += 1
        if self.has_wrong_signature(request) or _has_empty_credential(request):
            self._recorded[_build_key(request)] = response

    def count(self, request: WireRequest) -> None:
        """Count a request that is sent now. **Every request on the wire is counted, repetitions included.**"""
        self.sent += self._is_harmless_check
        self.wrong += self.has_wrong_signature(request)

    def has_left(self, request: WireRequest) -> bool:
        """Return whether a request that belongs to no check, or repeats one, is within the limits."""
        is_within = not self._is_harmless_check or (self.sent < self.requests and self.seconds_left >= LAST_SECONDS)
        return is_within and not (self.has_wrong_signature(request) and self.wrong >= self.wrong_signatures)

    def _expect_left(self, is_wrong: bool) -> None:
        """Raise EnoughRequests or LimitReached if a check may not send another request."""
        if is_wrong and self.wrong >= self.wrong_signatures:
            self._stop(f"{self.wrong_signatures} wrong signatures")
        if self._is_harmless_check and self.sent >= self.requests - PROBES:
            self._stop(f"{self.requests - PROBES} requests")
        self.expect_time_left()

    def _stop(self, limit: str) -> None:
        if self.has_sent:
            raise EnoughRequests
        raise LimitReached(f"after {limit} no more are sent; --rate 0 lifts it on your own server")

    def has_wrong_signature(self, request: WireRequest) -> bool:
        """Return whether a vendor counts the request as a failed login of the user."""
        if self._is_account_refused and not _has_empty_credential(request):
            return True
        return has_wrong_signature(request, self.userid, self.account, self.password)


def has_wrong_signature(request: WireRequest, userid: str, account: str, password: str) -> bool:
    """Return whether a vendor counts the request as a failed login: another userid, or a wrong signature or password.

    A vendor may read any of the values of a repeated parameter, so one that is wrong is enough. A request with an
    empty credential is none: there is nothing to compare with a password.
    """
    if not request.query_count and any(
        "json" in value.lower() for name, value in request.headers if name == "Content-Type"
    ):
        return True  # the server reads no fields (R16)
    if request.endpoint not in OLDER_ENDPOINTS and _has_wrong_password(request, (userid, account, password)):
        return True
    if _has_empty_credential(request):
        return False
    if request.endpoint in OLDER_ENDPOINTS:
        own = dict(zip(CREDENTIALS[request.endpoint], (userid, account, password), strict=True))
        return any(value != own.get(name.lower(), value) for name, value in request.pairs)
    userids, timestamps, signatures = (
        {value for name, value in request.pairs if name.lower() == wanted} for wanted in ("userid", "timestamp", "sign")
    )
    texts = {account + password + timestamp for timestamp in timestamps if timestamp.strip()}
    # A signature over GBK bytes is accepted by some servers only (R4), so it counts as wrong.
    is_signed = (
        len(texts) == len(timestamps) == 1
        and all(is_encodable(text, "utf-8") for text in texts)
        and signatures == {compute_signature(account, password, timestamp) for timestamp in timestamps}
    )
    return not is_signed or any(value.strip() != userid for value in userids)


def _has_wrong_password(request: WireRequest, own: tuple[str, str, str]) -> bool:
    """Return whether a request has a password that is wrong: a vendor may read it at a signed endpoint too."""
    names = ("userid", "account", "password")
    given = [{value for name, value in request.pairs if name.lower() == wanted} for wanted in names]
    is_given = all(any(map(str.strip, values)) for values in given)
    return is_given and any(values != {right} for values, right in zip(given, own, strict=True))


def _has_empty_credential(request: WireRequest) -> bool:
    """Return whether a credential is empty or absent. Every timestamp is one, because some servers do not read it."""
    values = _get_values(request)
    return not all(values.get(name) for name in CREDENTIALS[request.endpoint] if name != "timestamp")


def build_limits(
    userid: str,
    account: str,
    password: str,
    permissions: Iterable[str],
    is_thorough: bool,
    rate: float = DEFAULT_RATE,
    clock: Callable[[], float] = monotonic,
) -> RequestLimits:
    """Return the limits of a run with these permissions. A thorough run sends ten times as many requests."""
    names = tuple(permissions)
    factor = 10 if is_thorough else 1
    return RequestLimits(
        userid,
        account,
        password,
        WRONG_SIGNATURES + sum(WRONG_SIGNATURES_PER_PERMISSION[name] for name in names),
        WRONG_SIGNATURES_PER_CHECK + sum(WRONG_SIGNATURES_PER_CHECK_AND_PERMISSION[name] for name in names),
        (REQUESTS_PER_CHECK + sum(REQUESTS_PER_PERMISSION[name] for name in names)) * factor,
        REQUESTS * factor * (1 + len(names)),
        SECONDS * factor * (1 + len(names)) * max(1.0, DEFAULT_RATE / rate),
        clock,
    )


def _get_values(request: WireRequest) -> dict[str, str]:
    """Return the first value of each parameter, by its name in lower case."""
    return {name.lower(): value for name, value in reversed(request.pairs)}


def _build_key(request: WireRequest) -> object:
    """Return a key that is equal for requests that differ only in their timestamp, or in what overage does not read."""
    unread = {"timestamp", "content"} if ("action", "overage") in request.pairs else {"timestamp"}
    pairs = tuple((name, value) for name, value in request.pairs if name not in unread)
    headers = tuple(header for header in request.headers if header[0] != "Content-Length")
    return request.endpoint, request.method, request.query_count, pairs, headers, request.protocol
