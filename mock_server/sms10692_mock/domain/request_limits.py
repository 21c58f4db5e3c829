"""Limits of profiles that need counting: requests of an account, wrong credentials, and codes to one number (R22).

Counts are in the memory of one process, and their times are those of the account's clock. **Each process counts for
itself: n processes on one store let n times as many requests through.** Within a process no concurrent request slips
through. A request that is executed again, because the transaction of its batch failed, counts again.
"""

import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Final, TypeVar

from sms10692 import protocol
from sms10692_mock.domain.evidence import Evidence, EvidenceCode, excerpt
from sms10692_mock.domain.profiles import Profile
from sms10692_mock.domain.results import Refusal
from sms10692_mock.domain.validation import ValidationContext, build_refusal

TOO_FREQUENT: Final = "提交太频繁"
"""The message of a refusal for too many requests or codes. It is ours."""

CODE_WORD: Final = "验证码"
"""Texts with this word are codes."""

_REQUEST_WINDOWS: Final = (("requests_per_second", 1), ("requests_per_minute", 60))
_CODE_WINDOWS: Final = (("codes_per_3_minutes", 180), ("codes_per_day", 86_400))
"""The keys of a profile, each with the seconds in which the limit applies."""

_KEYS: Final = frozenset(name for name, _ in (*_REQUEST_WINDOWS, *_CODE_WINDOWS)) | {"lock_out_after"}

_NOT_AUTHENTICATED: Final[frozenset[EvidenceCode]] = frozenset(
    ("credentials-empty", "sql-injection", "timestamp-format", "timestamp-skew")
)
"""Refusals that do not say whether the credentials were right."""

Key = TypeVar("Key")
Value = TypeVar("Value")

_MAX_ACCOUNTS: Final = 10_000
_MAX_NUMBERS: Final = 100_000
"""Accounts and numbers that are remembered; the one first seen is forgotten first."""


class _Times:
    """The times of what was counted, for several windows."""

    def __init__(self, windows: Sequence[tuple[str, int]]) -> None:
        self._windows = [(name, seconds, deque[float]()) for name, seconds in windows]

    def find_full(self, profile: Profile, now: float, count: int = 1) -> tuple[int, int] | None:
        """Return limit and seconds of the first window that has no place for so many more; None if all have."""
        for name, seconds, times in self._windows:
            limit: int | None = getattr(profile, name)
            if limit is None:
                continue
            while times and times[0] <= now - seconds:
                times.popleft()
            while times and times[-1] > now:  # the clock was set back
                times.pop()
            if len(times) + count > limit:
                return limit, seconds
        return None

    def count(self, profile: Profile, now: float) -> None:
        for name, _, times in self._windows:
            if getattr(profile, name) is not None:
                times.append(now)


@dataclass(slots=True)
class _AccountCounts:
    """What is remembered of an account: its requests, its wrong credentials in a row, and since when it is locked."""

    requests: _Times = field(default_factory=lambda: _Times(_REQUEST_WINDOWS))
    failures: int = 0
    locked_since: float | None = None


class RequestLimits:
    """The counts of one process. All methods may be called from any thread.

    The lock is held while a few numbers are compared, never during a call of the store.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accounts: dict[str, _AccountCounts] = {}
        self._numbers: dict[tuple[str, str], _Times] = {}

    def check(self, context: ValidationContext, refusal: Refusal | None) -> Refusal | None:
        """Count a request of an account, and return its refusal: `refusal`, that of the validation, or one of a limit.

        A locked account refuses everything but empty credentials. Requests with wrong credentials count only towards
        the lock, and requests that a limit refuses do not count.
        """
        profile, account = context.profile, context.account
        if account is None or _KEYS.isdisjoint(profile.differences):
            return refusal
        code = None if refusal is None else refusal.evidence.code
        with self._lock:
            counts = self._accounts.get(account.userid)
            if counts is None:
                counts = _remember(self._accounts, account.userid, _AccountCounts(), _MAX_ACCOUNTS)
            message, evidence = protocol.CREDENTIALS_WRONG, _check_lock(counts, profile, code, context.now)
            if evidence is None and code not in _NOT_AUTHENTICATED and code != "credentials-wrong":
                message, evidence = TOO_FREQUENT, self._count_request(counts, context, is_valid=refusal is None)
        return refusal if evidence is None else build_refusal(message, evidence, profile)

    def forget(self, userid: str) -> None:
        """Forget what was counted for an account."""
        with self._lock:
            self._accounts.pop(userid, None)
            for key in [key for key in self._numbers if key[0] == userid]:
                del self._numbers[key]

    def forget_all(self) -> None:
        """Forget what was counted for all accounts."""
        with self._lock:
            self._accounts.clear()
            self._numbers.clear()

    def _count_request(self, counts: _AccountCounts, context: ValidationContext, *, is_valid: bool) -> Evidence | None:
        """Count a request with the right credentials and, if it is valid, its codes, unless a limit refuses it."""
        full = counts.requests.find_full(context.profile, context.now)
        if full is not None:
            return Evidence("too-many-requests", full)
        if is_valid and context.request.operation is protocol.SEND and CODE_WORD in context.request.content:
            evidence = self._count_codes(context)
            if evidence is not None:
                return evidence
        counts.requests.count(context.profile, context.now)
        return None

    def _count_codes(self, context: ValidationContext) -> Evidence | None:
        numbers = Counter(number for part in context.request.mobile.split(",") if (number := part.strip()))
        counted = []
        for number, count in numbers.items():
            key = context.request.userid, number
            times = self._numbers.get(key)
            if times is None:
                times = _remember(self._numbers, key, _Times(_CODE_WINDOWS), _MAX_NUMBERS)
            full = times.find_full(context.profile, context.now, count)
            if full is not None:
                return Evidence("too-many-codes", (excerpt(number), *full))
            counted += [times] * count
        for times in counted:
            times.count(context.profile, context.now)
        return None


def _remember(remembered: dict[Key, Value], key: Key, value: Value, limit: int) -> Value:
    if len(remembered) >= limit:
        del remembered[next(iter(remembered))]
    remembered[key] = value
    return value


def _check_lock(counts: _AccountCounts, profile: Profile, code: EvidenceCode | None, now: float) -> Evidence | None:
    """Count right and wrong credentials. Returns evidence if the account is locked already."""
    if profile.lock_out_after is None or code == "credentials-empty":
        return None
    since, seconds = counts.locked_since, profile.lock_out_seconds
    if since is not None:
        if since <= now < since + seconds:
            return Evidence("locked-out", (profile.lock_out_after, ceil(since + seconds - now)))
        counts.locked_since, counts.failures = None, 0
    if code == "credentials-wrong":
        counts.failures += 1
        if counts.failures >= profile.lock_out_after:
            counts.locked_since = now
    elif code not in _NOT_AUTHENTICATED:
        counts.failures = 0
    return None
