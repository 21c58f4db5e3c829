"""What every store promises.

Here belong the operations, each of which happens whole or not at all, also when many callers come at once. What a
send costs, or what becomes of it, is decided before it reaches a store; the records themselves are in `records`.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from typing import Final, Protocol, TypeVar

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.delivery import DeliveryRules
from sms10692_mock.domain.records import (
    AccountBalance,
    LoggedRequest,
    Message,
    Page,
    Query,
    QueueItem,
    QueueName,
    QueueStats,
    Reply,
    Report,
    RulesTransition,
    Settings,
    Task,
)

Made = TypeVar("Made")

FIRST_TASK_ID: Final = 100001  # R7


class NoSuchAccount(LookupError):
    """There is no customer of this userid, or none any more."""


class StoreUnavailable(Exception):
    """The store cannot be reached or written now; nothing of the operation happened, as far as can be known."""


class RulesConflict(Exception):
    """An account has other rules now than those by which a send was decided; nothing of it happened."""

    def __init__(self, rules: DeliveryRules) -> None:
        super().__init__("the rules of the account have changed")
        self.rules = rules


class LoopExecutor(Protocol):
    """Does work that asks a store on one event loop, where it is put aside while it waits.

    Other work goes on in the same thread meanwhile, so no work holds a lock while it asks.
    """

    def submit(self, work: Callable[[], Made]) -> "asyncio.Future[Made]":
        """What the work returns, or raises, once it has been done."""

    def close(self) -> None:
        """Let go of connections. Work that is under way may still ask, on the threads."""


class Store(Protocol):
    """The vendor's memory. What is asked of an account raises NoSuchAccount where there is none.

    Any operation raises StoreUnavailable where the store is away.

    A queue is what came up, in order, and beside it what is to come. An operation that is told `now` lets come up what
    is due then, in the order of the moments due, and of equals in that of arrival; this in each queue that it looks at
    or puts something into. What came up stays so, even if the clock goes back.
    """

    name: str
    """What kind of store it is, in a word."""

    blocking: bool
    """Whether an operation may wait, for a network, a disk or another writer: not for a thread that serves all."""

    def loop_executor(self, threads: Executor) -> LoopExecutor | None:
        """What does work that asks the store, on the event loop that runs now, and some of it on the threads.

        None where the store gains nothing by that.
        """

    def batch_transaction(self) -> AbstractContextManager[None] | None:
        """For many calls at once: what this thread asks inside happens when it is left, all of it or nothing.

        Each operation sees those before it, and fails alone if it found that it had nothing to do. Everybody else sees
        none of them before the end, and is kept from writing for as long: nothing is waited for inside, nobody told
        what came of it, and only asked for what an answer to a call is made of, and no list.

        Entering raises StoreUnavailable where another process writes for a while, leaving where nothing of it happened:
        then each call may be answered alone, at once. No number that was given inside is given again. None where
        nothing is gained.
        """

    def close(self) -> None:
        """Write what is still to be written, and let go of files and connections. The store is not used any more."""

    def check_ready(self) -> None:
        """Raise StoreUnavailable unless the store can be read and written now and has lost nothing.

        Takes a few seconds at most. Waits for a network or a disk, so it is not for the event loop.
        """

    def create_account(self, account: Account, *, keep: bool = False) -> bool:
        """Take in a new customer, in place of one of the same userid and all that was kept for it.

        With `keep`, one that is there stays as it is, and a store that can lose accounts creates a lasting one again
        that it has lost. Returns whether the new one was taken in. Raises BalanceOutOfBounds.
        """

    def reset(self, userid: str, change: Callable[[Account], Account]) -> Account:
        """Forget all that was kept for a customer, and let it begin anew with other terms, which are returned.

        `change` may be called more than once, as for `change`. Raises BalanceOutOfBounds.
        """

    def account(self, userid: str) -> Account | None:
        """The customer of this userid, if there is one."""

    def userids(self) -> list[str]:
        """All customers, in the order in which they came."""

    def accounts(self, last: int | None = None) -> list[Account]:
        """All customers, or so many that came last, in the order in which they came. Looking is no use of them."""

    def update_account(self, userid: str, change: Callable[[Account], Account]) -> Account:
        """Put other terms in place of a customer's, and return them; what it has and what waits for it stay.

        `change` may be called more than once, where another was quicker.
        """

    def delete_account(self, userid: str) -> None:
        """Forget a customer and all that was kept for it. Of no effect where there is none."""

    def expire(self, unused_since: float) -> int:
        """Close the throw-away accounts that nobody used since this moment of real time, and say how many."""

    def enforce_limits(self) -> int:
        """Close accounts and drop what is over so that all accounts together keep no more than the limits.

        Returns how many accounts were closed: temporary ones with empty queues, those unused longest first. Looks at
        all accounts; a store calls it itself now and then.
        """

    def evicted(self) -> int:
        """How many accounts were ever closed so."""

    def settings(self) -> Settings:
        """What holds for all accounts."""

    def change_settings(self, change: Callable[[Settings], Settings]) -> Settings:
        """Put other settings in place, and return them. `change` may be called more than once."""

    def add_points(self, userid: str, points: int) -> None:
        """Give an account points (2.3: sendTotal counts them). Raises BalanceOutOfBounds."""

    def set_balance(self, userid: str, points: int) -> None:
        """Give an account the points that are missing to this balance, or take what is too much, and count them alike.

        Raises BalanceOutOfBounds.
        """

    def balance(self, userid: str) -> AccountBalance:
        """What the account has now."""

    def next_task_id(self) -> int:
        """A number never given before, to any account, by any process; later ones are greater (R7).

        On a Valkey server, later means a second later where another process gave the number before.
        """

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[Report],
        replies: Sequence[Reply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | None:
        """Charge a send, remember it, queue what becomes of it, and return the balance afterwards.

        Returns None, with nothing charged or queued, where a pre-paid balance is smaller than the cost (R6), or a
        post-paid one would be below `-MAX_POINTS`. A send that uses rules up leaves others with the account; raises
        OtherRules where it has not those of before.
        """

    def enqueue(self, userid: str, reports: Sequence[Report], replies: Sequence[Reply], now: float) -> None:
        """Queue what came without a send."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[Report]:
        """Hand over, for good, up to `limit` of the reports that are due, first in, first out (R10, R11)."""

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[Reply]:
        """Hand over, for good, all the replies that are due, first in, first out (R10, R11)."""

    def requeue(self, userid: str, queue: QueueName, count: int | None, since: float | None) -> int:
        """Let the last `count` items wait again that were handed out, or those since a moment, or all; how many."""

    def queue_stats(self, userid: str, queue: QueueName, now: float) -> QueueStats:
        """A queue in numbers."""

    def next_due(self, userid: str, now: float) -> float | None:
        """The first moment after `now` at which something falls due, if anything will."""

    def messages(self, userid: str, wanted: Query, now: float) -> Page[Message]:
        """What the account sent. `since` and `until` are of the moment of the send."""

    def reports(self, userid: str, wanted: Query, now: float) -> Page[QueueItem[Report]]:
        """The queue of reports, with what was handed out of it. `since` and `until` are of the moment due."""

    def replies(self, userid: str, wanted: Query, now: float) -> Page[QueueItem[Reply]]:
        """The queue of replies, likewise."""

    def next_request(self) -> int:
        """A number for a request, never given before; later ones of the same process are greater."""

    def log_request(self, entry: LoggedRequest) -> None:
        """Write a request into the journal. May be lost if the process ends at once."""

    def requests(self, userid: str | None, wanted: Query) -> Page[LoggedRequest]:
        """The journal, of one userid or of all, known or not. `since` and `until` are of the account's clock.

        `number` and `task_id`, as whole numbers, and `text`, in UTF-8 or GBK, are sought in what was sent and answered.
        """

    def request(self, number: int) -> LoggedRequest | None:
        """One request of the journal, if it is still there."""

    def is_logged(self, number: int) -> bool:
        """Whether a request is in the journal still."""

    def clear_request_log(self) -> None:
        """Empty the journal."""
