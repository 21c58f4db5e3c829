"""Limits of the history of all accounts together: which accounts to evict, and how much history of others to delete.

`plan` decides, `Store.enforce_limits` of each store carries the plan out, and `GrowthMonitor` triggers it.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from sms10692_mock.domain.records import Limits
from sms10692_mock.domain.store import StoreUnavailable

_STEPS: Final = 4
"""Limits are enforced when a quarter of a limit has been added since: each time, all accounts are read."""

_ACCOUNT_STEPS: Final = 10
"""Likewise for temporary accounts: a tenth of the limit."""


_RECENT_SECONDS: Final = 60.0
"""Accounts used within these seconds before the last use of any account count as recently used."""


class History(NamedTuple):
    """History of an account: numbers of messages and of fetched items of each queue, and the bytes of their texts.

    Also used for the limits of these values.
    """

    messages: int = 0
    message_bytes: int = 0
    reports: int = 0
    report_bytes: int = 0
    replies: int = 0
    reply_bytes: int = 0


class Usage(NamedTuple):
    """An account as input of `plan`. `is_idle`: it is temporary and its queues are empty. `used`: time of last use."""

    userid: str
    is_idle: bool
    used: float
    history: History


class Plan(NamedTuple):
    """`evict`: accounts to evict unless used meanwhile. `shrink`: userids whose history is cut to `limits`."""

    evict: Sequence[Usage]
    shrink: Sequence[str]
    limits: History


def total_limits(limits: Limits) -> History:
    """The limits of all accounts together. For fetched items, twice the number that one account can requeue."""
    fetched, fetched_bytes = 2 * limits.fetched, 2 * limits.fetched_bytes
    return History(limits.messages, limits.message_bytes, fetched, fetched_bytes, fetched, fetched_bytes)


def plan(usages: Iterable[Usage], limits: Limits) -> Plan:
    """Plan how to meet all limits.

    First, idle accounts are evicted, least recently used first, while there are too many of them, or while a total is
    over its limit, the account contributes to it, and was not used recently. Then the largest histories are cut to one
    common length.
    """
    accounts = list(usages)
    allowed = total_limits(limits)
    totals = [sum(column) for column in zip(*(account.history for account in accounts), strict=True)] or [0] * 6
    too_many = sum(account.is_idle for account in accounts) - limits.accounts
    recent_since = max((account.used for account in accounts), default=0.0) - _RECENT_SECONDS
    evict: list[Usage] = []
    for account in sorted((account for account in accounts if account.is_idle), key=lambda account: account.used):
        contributes_to_excess = account.used < recent_since and any(
            total > limit and size > 0 for total, limit, size in zip(totals, allowed, account.history, strict=True)
        )
        if too_many > 0 or contributes_to_excess:
            evict.append(account)
            too_many -= 1
            totals = [total - size for total, size in zip(totals, account.history, strict=True)]
    evicted = {account.userid for account in evict}
    remaining = [account for account in accounts if account.userid not in evicted]
    history_limits = History(
        *(
            highest_cut(sorted(account.history[index] for account in remaining), limit)
            for index, limit in enumerate(allowed)
        )
    )
    shrink = [
        account.userid
        for account in remaining
        if any(size > limit for size, limit in zip(account.history, history_limits, strict=True))
    ]
    return Plan(evict, shrink, history_limits)


def highest_cut(sizes: Sequence[int], limit: int) -> int:
    """The greatest length to which sizes, in ascending order, can be cut so that their sum is at most `limit`.

    >>> highest_cut([1, 5, 9], 100), highest_cut([1, 5, 9], 11), highest_cut([4, 4, 4], 2)
    (100, 5, 0)
    """
    budget = limit
    for index, size in enumerate(sizes):
        cut = budget // (len(sizes) - index)
        if size > cut:
            return cut
        budget -= size
    return limit


class GrowthMonitor:
    """Counts additions, and calls `enforce_limits` when they are a considerable part of a limit. Thread-safe.

    `enforce_limits` returns how many accounts it evicted. If it raises StoreUnavailable, the next call repeats the
    work. Counts are approximate: concurrent updates may be lost.
    """

    def __init__(self, limits: Limits, enforce_limits: Callable[[], int]) -> None:
        self._limits = limits
        self._enforce_limits = enforce_limits
        self._messages = self._bytes = self._accounts = 0
        self._message_step = max(1, limits.messages // _STEPS)
        self._byte_step = max(1, limits.message_bytes // _STEPS)
        self._account_step = max(1, limits.accounts // _ACCOUNT_STEPS)
        self._running = threading.Lock()

    def add(self, items: int, size: int) -> None:
        """Count messages or other items. Returns at once: limits are enforced on another thread."""
        self._messages += items
        self._bytes += size
        if self._messages >= self._message_step or self._bytes >= self._byte_step:
            self._messages = self._bytes = 0
            threading.Thread(target=self._run, name="retention", daemon=True).start()

    def add_account(self) -> None:
        """Count a new temporary account. Now and then, enforces the limits on this thread."""
        self._accounts += 1
        if self._accounts >= self._account_step:
            self._accounts = 0
            self._run()

    def _run(self) -> None:
        if not self._running.acquire(blocking=False):
            return  # another thread enforces the limits
        try:
            evicted = self._enforce_limits()
        except StoreUnavailable:
            return
        finally:
            self._running.release()
        if evicted:
            logging.getLogger(__name__).info(
                "evicted the %d least recently used temporary accounts with empty queues; the limits are %d such "
                "accounts (--max-accounts) and %d messages of all accounts (--max-messages)",
                evicted,
                self._limits.accounts,
                self._limits.messages,
            )
