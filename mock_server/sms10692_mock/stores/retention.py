"""The limits of what all accounts together keep of what is over: which accounts to close, and what to drop of others.

`plan` decides, and every store does what it says: `Store.enforce_limits`. `Growth` says when it is due.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from sms10692_mock.domain.records import Limits
from sms10692_mock.domain.store import StoreUnavailable

_STEPS: Final = 4
"""Limits are enforced anew when what came since is this part of one: each time, all accounts are looked at."""

_ACCOUNT_STEPS: Final = 10
"""The same for temporary accounts."""


_LATELY: Final = 60.0
"""Seconds before the last use of any account."""


class History(NamedTuple):
    """What an account keeps of what is over: messages, items that were fetched of each queue, and bytes of their texts.

    As a limit, how much of each it may keep.
    """

    messages: int = 0
    message_bytes: int = 0
    reports: int = 0
    report_bytes: int = 0
    replies: int = 0
    reply_bytes: int = 0


class Usage(NamedTuple):
    """An account as `plan` sees it. `is_idle`: it is temporary, and nothing waits in its queues, now or later."""

    userid: str
    is_idle: bool
    used: float
    history: History


class Plan(NamedTuple):
    """Accounts to close, unless they were used meanwhile, and accounts of which to drop what is beyond `kept`."""

    close: Sequence[Usage]
    shrink: Sequence[str]
    kept: History


def total_limits(limits: Limits) -> History:
    """How much all accounts together may keep; of fetched items twice as much as of one can be requeued for sure."""
    fetched, fetched_bytes = 2 * limits.handed_out, 2 * limits.handed_out_bytes
    return History(limits.messages, limits.message_bytes, fetched, fetched_bytes, fetched, fetched_bytes)


def plan(usages: Iterable[Usage], limits: Limits) -> Plan:
    """What to do so that all limits hold.

    Of temporary accounts whose queues are empty, those unused longest are closed, as long as there are too many. So
    are those that nobody used lately, as long as all accounts together have too much of something that they have.
    Then the largest histories are cut to one length.
    """
    accounts = list(usages)
    allowed = total_limits(limits)
    totals = [sum(column) for column in zip(*(account.history for account in accounts), strict=True)] or [0] * 6
    too_many = sum(account.is_idle for account in accounts) - limits.accounts
    lately = max((account.used for account in accounts), default=0.0) - _LATELY
    close: list[Usage] = []
    for account in sorted((one for one in accounts if one.is_idle), key=lambda one: one.used):
        is_history_to_go = account.used < lately and any(
            total > most and own > 0 for total, most, own in zip(totals, allowed, account.history, strict=True)
        )
        if too_many > 0 or is_history_to_go:
            close.append(account)
            too_many -= 1
            totals = [total - own for total, own in zip(totals, account.history, strict=True)]
    closed = {account.userid for account in close}
    rest = [account for account in accounts if account.userid not in closed]
    kept = History(
        *(highest_cut(sorted(account.history[place] for account in rest), most) for place, most in enumerate(allowed))
    )
    shrink = [
        account.userid for account in rest if any(own > most for own, most in zip(account.history, kept, strict=True))
    ]
    return Plan(close, shrink, kept)


def highest_cut(sizes: Sequence[int], most: int) -> int:
    """The greatest length to which sizes, in ascending order, can be cut so that their sum is at most `most`.

    >>> highest_cut([1, 5, 9], 100), highest_cut([1, 5, 9], 11), highest_cut([4, 4, 4], 2)
    (100, 5, 0)
    """
    left = most
    for place, size in enumerate(sizes):
        share = left // (len(sizes) - place)
        if size > share:
            return share
        left -= size
    return most


class Growth:
    """Counts what comes, and has the limits of all accounts enforced when it is much.

    `enforce` returns how many accounts it closed. What it raises as StoreUnavailable is left for the next time.
    """

    def __init__(self, limits: Limits, enforce: Callable[[], int]) -> None:
        self._limits = limits
        self._enforce = enforce
        self._messages = self._bytes = self._accounts = 0
        self._message_step = max(1, limits.messages // _STEPS)
        self._byte_step = max(1, limits.message_bytes // _STEPS)
        self._account_step = max(1, limits.accounts // _ACCOUNT_STEPS)
        self._running = threading.Lock()

    def add(self, items: int, size: int) -> None:
        """So many messages or other items came. Returns at once: the limits are enforced by another thread."""
        self._messages += items
        self._bytes += size
        if self._messages >= self._message_step or self._bytes >= self._byte_step:
            self._messages = self._bytes = 0
            threading.Thread(target=self._run, name="retention", daemon=True).start()

    def add_account(self) -> None:
        """A temporary account was made. Now and then, waits until the limits are enforced."""
        self._accounts += 1
        if self._accounts >= self._account_step:
            self._accounts = 0
            self._run()

    def _run(self) -> None:
        if not self._running.acquire(blocking=False):
            return  # another thread is at it
        try:
            closed = self._enforce()
        except StoreUnavailable:
            return
        finally:
            self._running.release()
        if closed:
            logging.getLogger(__name__).info(
                "closed %d temporary accounts, those unused longest whose queues are empty: %d of them are kept "
                "(--keep-accounts), and of all accounts together %d messages (--keep-messages)",
                closed,
                self._limits.accounts,
                self._limits.messages,
            )
