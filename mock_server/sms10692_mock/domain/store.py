"""The interface of every store, and the rules for calling one.

Each operation is atomic, also under concurrent calls from several threads or processes. Prices and delivery outcomes
are decided before an operation is called; the records are defined in `records`.

Two rules protect the stored data:

1. **Hold no lock across a store call.** A `Runner` may suspend a request during each store call and run another
   request on the same thread meanwhile, so a lock held there deadlocks the event loop.
2. **Publish nothing before the commit.** A `Runner` may run several requests in one transaction, which may fail.
   Responses, log lines and notifications are sent after the commit.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Final, NamedTuple, Protocol, TypeVar

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.delivery import DeliveryRules
from sms10692_mock.domain.records import (
    AccountBalance,
    InboundReply,
    LoggedRequest,
    Page,
    Query,
    QueueItem,
    QueueName,
    QueueStats,
    RulesTransition,
    SentMessage,
    Settings,
    StatusReport,
    Task,
)

HandledT = TypeVar("HandledT")
ResultT = TypeVar("ResultT")

FIRST_TASK_ID: Final = 100001  # R7


class NoSuchAccount(LookupError):
    """No account has this userid, or the account was deleted."""


class StoreUnavailable(Exception):
    """The store cannot be read or written now.

    With SQLite, the operation had no effect. With Valkey, the operation was executed completely or not at all, and
    which of both is unknown.
    """


class BalanceTooSmall(NamedTuple):
    """A send was not recorded, because of this balance when the cost was compared with it."""

    points: int


class RulesConflict(Exception):
    """The account's delivery rules changed after a send was decided. Nothing was stored; `rules` are the new ones."""

    def __init__(self, rules: DeliveryRules) -> None:
        super().__init__("the rules of the account have changed")
        self.rules = rules


class Runner(Protocol):
    """Runs requests on a store: at once, in batches, or suspended during store I/O. The store decides which.

    Use a runner on the thread of its event loop only.
    """

    def submit(
        self, handle: Callable[[], HandledT], finish: Callable[[HandledT], ResultT]
    ) -> "ResultT | asyncio.Future[ResultT]":
        """Run `handle`, which uses the store, and after the commit `finish` with its result.

        Returns the result of `finish`, or a future of the result. An exception of either function is raised here or
        becomes that of the future.

        **`handle` publishes nothing (no response, log line or notification)**: its transaction may fail, and then
        nothing was stored and `handle` runs again. **Neither function holds a lock across a store call.** `handle`
        calls no listing of the store.
        """

    def close(self) -> None:
        """Close the connections of the runner. Work that has started may still finish."""


class AccountStore(Protocol):
    """Accounts: credentials, permissions, rules and faults. Balances are in `SendStore`."""

    def create_account(self, account: Account, *, keep: bool = False) -> bool:
        """Create an account, replacing an account of the same userid and all of its data. Raises BalanceOutOfBounds.

        With `keep`, an existing account is left unchanged; a store that can lose accounts recreates a permanent one
        after a loss. Returns whether the account was created.
        """

    def reset(self, userid: str, change: Callable[[Account], Account]) -> Account:
        """Delete all data of an account, replace the account by `change(account)`, and return the new account.

        `change` may be called more than once, as in `update_account`. Raises BalanceOutOfBounds.
        """

    def account(self, userid: str) -> Account | None:
        """Return the account of this userid, or None."""

    def userids(self) -> list[str]:
        """Return the userids of all accounts, in order of creation."""

    def accounts(self, last: int | None = None) -> list[Account]:
        """Return all accounts, or the `last` ones created, in order of creation.

        Listing an account does not count as a use of the account (see `expire`).
        """

    def update_account(self, userid: str, change: Callable[[Account], Account]) -> Account:
        """Replace an account by `change(account)` and return the new one. The balance and the queues stay.

        `change` may be called more than once, after a conflict with another writer, so it must have no side effects.
        """

    def delete_account(self, userid: str) -> None:
        """Delete an account and all of its data. Does nothing if no such account exists."""

    def expire(self, unused_since: float) -> int:
        """Delete temporary accounts unused since this wall-clock time. Returns how many were deleted."""

    def enforce_limits(self) -> int:
        """Delete temporary accounts and old history until the store is within its `Limits`.

        Returns the number of accounts deleted. Only temporary accounts with empty queues are deleted, least recently
        used first. Reads all accounts; a store also calls this by itself from time to time.
        """

    def evicted(self) -> int:
        """Return how many accounts `enforce_limits` has ever deleted."""


class SettingsStore(Protocol):
    """The settings that apply to all accounts: clock, forbidden words, faults."""

    def settings(self) -> Settings:
        """Return the settings that apply to all accounts."""

    def change_settings(self, change: Callable[[Settings], Settings]) -> Settings:
        """Replace the settings by `change(settings)` and return the new ones.

        `change` may be called more than once, after a conflict with another writer, so it must have no side effects.
        """


class SendStore(Protocol):
    """Balances and sent messages."""

    def add_points(self, userid: str, points: int) -> None:
        """Add points to a balance; sendTotal grows as much (2.3). Raises BalanceOutOfBounds."""

    def set_balance(self, userid: str, points: int, total_added: int | None = None) -> None:
        """Set the balance to `points`. Raises BalanceOutOfBounds.

        sendTotal becomes `total_added`; without one, it changes by the same difference as the balance.
        """

    def balance(self, userid: str) -> AccountBalance:
        """Return the current balance of an account."""

    def next_task_id(self) -> int:
        """Allocate a task number: unique over all accounts and processes, and increasing (R7).

        With Valkey, numbers allocated by different processes within one second may be out of order.
        """

    def last_task_id(self) -> int:
        """Return the last task number that was allocated; FIRST_TASK_ID - 1 if there is none.

        With Valkey, it is the last one of this process; of the server if this process has allocated none.
        """

    def skip_task_ids(self, last: int) -> None:
        """Make every task number that is allocated from now on greater than `last`. No effect if it is already.

        With Valkey, other processes may still allocate smaller numbers for a second.
        """

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[StatusReport],
        replies: Sequence[InboundReply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | BalanceTooSmall:
        """Record a send atomically: charge it, store the task, queue its reports and replies.

        Returns the balance afterwards. Returns BalanceTooSmall, without any effect, if a prepaid balance is below the
        cost (R6), or a postpaid balance would fall below `-MAX_POINTS`. `used` replaces the account's delivery rules
        `used.before` by `used.after`; raises RulesConflict, without any effect, if the rules are not `used.before`.
        """

    def messages(self, userid: str, query: Query, now: float) -> Page[SentMessage]:
        """List the sent messages of an account. `since` and `until` filter by the time of the send."""

    def delete_message(self, userid: str, number: int) -> bool:
        """Delete the record of one sent message. Returns whether it was stored.

        The balance, the number of messages ever sent, and the report and the replies in the queues stay.
        """

    def clear_messages(self, userid: str) -> None:
        """Delete the records of all messages that an account has sent, with the same effect as `delete_message`."""


class QueueStore(Protocol):
    """The two queues of each account: status reports and replies.

    A queue has two parts: scheduled items, and released items in their order. An operation that takes `now` first
    releases the items due by then, ordered by due time and then by arrival, in each queue that it reads or appends to.
    A released item stays released when the clock goes back.
    """

    def enqueue(
        self, userid: str, reports: Sequence[StatusReport], replies: Sequence[InboundReply], now: float
    ) -> None:
        """Append reports and replies that belong to no send."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[StatusReport]:
        """Remove and return up to `limit` due reports, oldest first (R10, R11). Each report is returned once.

        `request` is the number of the fetching request in the request log.
        """

    def fetch_replies(self, userid: str, now: float, request: int) -> Sequence[InboundReply]:
        """Remove and return all due replies, oldest first (R10, R11). Each reply is returned once.

        `request` is the number of the fetching request in the request log.
        """

    def requeue(self, userid: str, queue: QueueName, count: int | None, since: float | None) -> int:
        """Make fetched items fetchable again: the last `count`, those fetched since a time, or all.

        Returns how many.
        """

    def queue_stats(self, userid: str, queue: QueueName, now: float) -> QueueStats:
        """Return the counters of a queue."""

    def next_due(self, userid: str, now: float) -> float | None:
        """Return the earliest time after `now` at which an item becomes due, or None."""

    def reports(self, userid: str, query: Query, now: float) -> Page[QueueItem[StatusReport]]:
        """List the reports of an account, fetched ones included. `since` and `until` filter by due time."""

    def replies(self, userid: str, query: Query, now: float) -> Page[QueueItem[InboundReply]]:
        """List the replies of an account, fetched ones included. `since` and `until` filter by due time."""


class RequestLogStore(Protocol):
    """The last requests to the vendor's endpoints, whether or not their account exists."""

    def next_request(self) -> int:
        """Allocate a number for a request: unique, and increasing within one process."""

    def log_request(self, entry: LoggedRequest) -> None:
        """Append a request to the request log. The entry may be lost if the process ends immediately afterwards."""

    def requests(self, userid: str | None, query: Query) -> Page[LoggedRequest]:
        """List the request log of one userid, whether or not such an account exists, or of all.

        `since` and `until` filter by the time on the account's clock. `number` and `task_id` match as whole numbers,
        and `text` matches in UTF-8 and in GBK; all three are searched in the request and in the response.
        """

    def request(self, number: int) -> LoggedRequest | None:
        """Return a request of the request log, or None if the log no longer has it."""

    def is_logged(self, number: int) -> bool:
        """Return whether the request log still has this request."""

    def delete_request(self, number: int) -> bool:
        """Delete one request of the request log. Returns whether the log had it."""

    def clear_request_log(self) -> None:
        """Delete all entries of the request log."""


class Store(AccountStore, SettingsStore, SendStore, QueueStore, RequestLogStore, Protocol):
    """What the vendor remembers, by subject. Most code needs one or two of the parts.

    Every operation raises StoreUnavailable when the store cannot be used. Operations on a userid raise NoSuchAccount
    when no such account exists, except where stated otherwise.

    **Hold no lock across a store call, and publish nothing before the commit**: see the rules at the top of this
    module.
    """

    name: str
    """The kind of store: `memory`, `sqlite` or `valkey`."""

    blocking: bool
    """Whether an operation may wait for a network, a disk or another writer. **Never call a blocking store on the event
    loop's thread**, except through its `Runner`.
    """

    def create_runner(self, threads: Executor) -> Runner:
        """Return a runner for the event loop that is running. `threads` runs what has to block."""

    def close(self) -> None:
        """Write pending data and close files and connections. **Call no other method afterwards.**"""

    def check_ready(self) -> None:
        """Raise StoreUnavailable unless the store can be read and written now and has lost no data.

        Waits for a network or a disk, a few seconds at most. **Do not call this on the event loop's thread.**
        """
