"""What every store keeps and promises.

Here belong the records that are kept and the operations on them, each of which happens whole or not at all, also
when many callers come at once. What a send costs, or what becomes of it, is decided before it reaches a store.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from sms10692_mock.accounts import Account

FIRST_TASK_ID: Final = 100001  # R7


class Report(NamedTuple):
    """A status report: what it says (4.3), and `due`, the moment from which it waits to be fetched."""

    due: float
    mobile: str
    task_id: int
    status: int
    errorcode: str
    extno: str


class Reply(NamedTuple):
    """An answer from a handset: what it says (5.3), and `due`, the moment from which it waits to be fetched."""

    due: float
    mobile: str
    task_id: int
    content: str
    extno: str


class Standing(NamedTuple):
    """The balance of an account, and all the points it was ever given. A post-paid balance is zero or below (R6)."""

    points: int
    charged_up: int


class NoSuchAccount(LookupError):
    """There is no customer of this userid, or none any more."""


class Store(Protocol):
    """The vendor's memory. What is asked of an account raises NoSuchAccount where there is none."""

    def open(self, account: Account) -> None:
        """Take in a new customer, in place of one of the same userid."""

    def account(self, userid: str) -> Account | None:
        """The customer of this userid, if there is one."""

    def userids(self) -> list[str]:
        """All customers, in the order in which they came."""

    def change(self, userid: str, change: Callable[[Account], Account]) -> Account:
        """Put other terms in place of a customer's, and return them; what it has and what waits for it stay."""

    def close(self, userid: str) -> None:
        """Forget a customer and all that was kept for it. Of no effect where there is none."""

    def charge_up(self, userid: str, points: int) -> None:
        """Give an account points (2.3: sendTotal counts them)."""

    def standing(self, userid: str) -> Standing:
        """What the account has now."""

    def next_task_id(self) -> int:
        """A number never given before, to any account; later ones are greater (R7)."""

    def accept(
        self, userid: str, cost: int, reports: Sequence[Report], replies: Sequence[Reply], now: float
    ) -> int | None:
        """Charge a send and queue what becomes of it, and return the balance afterwards.

        Returns None, with nothing charged or queued, where a pre-paid balance is smaller than the cost (R6).
        """

    def put(self, userid: str, reports: Sequence[Report], replies: Sequence[Reply], now: float) -> None:
        """Queue what came without a send."""

    def take_reports(self, userid: str, limit: int, now: float) -> list[Report]:
        """Hand over, for good, up to `limit` of the reports that are due, first in, first out (R10, R11)."""

    def take_replies(self, userid: str, now: float) -> list[Reply]:
        """Hand over, for good, all the replies that are due, first in, first out (R10, R11)."""
