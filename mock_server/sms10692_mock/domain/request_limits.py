"""Limits of profiles that need counting: requests and wrong credentials of an account, verification codes (R22).

Counts are in the memory of one process, and their times are those of the account's clock. **Each process counts for
itself: n processes on one store let n times as many requests through.** Within a process no concurrent request slips
through. A request counts when it is checked: also if the store then fails, and again if it is executed again because
the transaction of its batch failed.
"""

import threading
from bisect import bisect_right
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from sms10692 import protocol
from sms10692_mock.domain.evidence import Evidence, excerpt
from sms10692_mock.domain.evidence_texts import EvidenceCode
from sms10692_mock.domain.profiles import Profile
from sms10692_mock.domain.results import Refusal
from sms10692_mock.domain.validation import ValidationContext, build_refusal

TOO_FREQUENT: Final = "提交太频繁"
"""The message of a refusal for too many requests or verification codes. It is ours."""

VERIFICATION_WORD: Final = "验证码"
"""Texts with this word are verification codes."""

_REQUEST_WINDOWS: Final = (("requests_per_second", 1), ("requests_per_minute", 60))
_VERIFICATION_WINDOWS: Final = (("verification_codes_per_3_minutes", 180), ("verification_codes_per_day", 86_400))
"""The keys of a profile, each with the seconds in which the limit applies, the longest last."""

_KEYS: Final = frozenset(name for name, _ in (*_REQUEST_WINDOWS, *_VERIFICATION_WINDOWS)) | {"lock_out_after"}

_UNVERIFIED: Final[frozenset[EvidenceCode]] = frozenset(("credentials-empty", "sql-injection"))
"""Refusals before the credentials are compared: they do not say whether these were right."""

_MAX_ACCOUNTS: Final = 10_000
"""Accounts that are remembered; the one first seen is forgotten first."""

_SET_BACK_SECONDS: Final = 60.0
"""A time that is earlier by more than this means that the clock was set back. Concurrent requests differ by less."""


@dataclass(slots=True)
class _AccountCounts:
    """What is remembered of an account. **Hold `lock` while anything of it is read or changed.**

    `latest` is the latest time of a request, `requests` the times of those that count, `numbers` those of the
    verification codes to each number. `failures` are the wrong credentials in a row, and `locked_since` is when the
    account was locked.
    """

    max_numbers: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    latest: float = 0.0
    requests: list[float] = field(default_factory=list)
    numbers: OrderedDict[str, list[float]] = field(default_factory=OrderedDict)
    failures: int = 0
    locked_since: float | None = None

    def advance(self, now: float) -> float:
        """Return the time of a request that read the clock at `now`: not before that of an earlier request.

        If the clock was set back, everything is forgotten.
        """
        if now < self.latest - _SET_BACK_SECONDS:
            self.requests.clear()
            self.numbers.clear()
            self.failures, self.locked_since, self.latest = 0, None, now
        self.latest = max(now, self.latest)
        return self.latest


class RequestLimits:
    """The counts of one process. All methods may be called from any thread.

    `max_numbers` is how many numbers of an account are remembered; the one first seen is forgotten first. No lock is
    held during a call of the store, and requests of an account wait for no other account.
    """

    def __init__(self, max_numbers: int = 100_000) -> None:
        self._lock = threading.Lock()
        self._max_numbers = max_numbers
        self._accounts: OrderedDict[str, _AccountCounts] = OrderedDict()

    def check(self, context: ValidationContext, refusal: Refusal | None) -> Refusal | None:
        """Count a request of an account, and return its refusal: `refusal`, that of the validation, or one of a limit.

        A locked account refuses everything but empty credentials. A request counts if its credentials are right, also
        if it is refused for another reason, but not if a limit refuses it.
        """
        profile, account = context.profile, context.account
        if account is None or _KEYS.isdisjoint(profile.differences):
            return refusal
        cause = None if refusal is None else refusal.evidence.code
        counts = self._get_counts(account.userid)
        with counts.lock:
            now = counts.advance(context.now)
            message, evidence = protocol.CREDENTIALS_WRONG, _check_lock(counts, profile, cause, now)
            if evidence is None and cause not in _UNVERIFIED and cause != "credentials-wrong":
                message, evidence = TOO_FREQUENT, _count_request(counts, context, now, is_valid=refusal is None)
        return refusal if evidence is None else build_refusal(message, evidence, profile)

    def forget(self, userid: str) -> None:
        """Forget what was counted for an account."""
        with self._lock:
            self._accounts.pop(userid, None)

    def forget_all(self) -> None:
        """Forget what was counted for all accounts."""
        with self._lock:
            self._accounts.clear()

    def _get_counts(self, userid: str) -> _AccountCounts:
        with self._lock:
            counts = self._accounts.get(userid)
            if counts is None:
                if len(self._accounts) >= _MAX_ACCOUNTS:
                    self._accounts.popitem(last=False)
                counts = self._accounts[userid] = _AccountCounts(self._max_numbers)
            return counts


def _count_request(
    counts: _AccountCounts, context: ValidationContext, now: float, *, is_valid: bool
) -> Evidence | None:
    """Count a request with the right credentials and, if valid, its verification codes, unless a limit refuses it."""
    full = _find_full(counts.requests, _REQUEST_WINDOWS, context.profile, now)
    if full is not None:
        return Evidence("too-many-requests", full)
    if is_valid and context.request.operation is protocol.SEND and VERIFICATION_WORD in context.request.content:
        evidence = _count_verification_codes(counts, context, now)
        if evidence is not None:
            return evidence
    counts.requests.append(now)
    return None


def _count_verification_codes(counts: _AccountCounts, context: ValidationContext, now: float) -> Evidence | None:
    """Count a verification code to each number of a send, unless one has no place left: then none is counted."""
    if all(getattr(context.profile, name) is None for name, _ in _VERIFICATION_WINDOWS):
        return None
    numbers = Counter(number for part in context.request.mobile.split(",") if (number := part.strip()))
    for number, count in numbers.items():
        full = _find_full(counts.numbers.get(number, []), _VERIFICATION_WINDOWS, context.profile, now, count)
        if full is not None:
            return Evidence("too-many-verification-codes", (excerpt(number), *full))
    for number, count in numbers.items():
        counts.numbers.setdefault(number, []).extend([now] * count)
    while len(counts.numbers) > counts.max_numbers:
        counts.numbers.popitem(last=False)
    return None


def _find_full(
    times: list[float], windows: Sequence[tuple[str, int]], profile: Profile, now: float, count: int = 1
) -> tuple[int, int] | None:
    """Return limit and seconds of the first window that has no place for so many more; None if all have.

    `times` ascend. Those that no window needs any more are removed.
    """
    longest = windows[-1][1]
    del times[: bisect_right(times, now - longest)]
    for name, seconds in windows:
        limit: int | None = getattr(profile, name)
        if limit is not None and len(times) - bisect_right(times, now - seconds) + count > limit:
            return limit, seconds
    return None


def _check_lock(counts: _AccountCounts, profile: Profile, cause: EvidenceCode | None, now: float) -> Evidence | None:
    """Count right and wrong credentials. Returns evidence if the account is locked already."""
    if profile.lock_out_after is None or cause == "credentials-empty":
        return None
    if counts.locked_since is not None:
        left = counts.locked_since + profile.lock_out_seconds - now
        if left > 0:
            return Evidence("locked-out", (profile.lock_out_after, ceil(left)))
        counts.locked_since, counts.failures = None, 0
    if cause == "credentials-wrong":
        counts.failures += 1
        if counts.failures >= profile.lock_out_after:
            counts.locked_since = now
    elif cause not in _UNVERIFIED:
        counts.failures = 0
    return None
