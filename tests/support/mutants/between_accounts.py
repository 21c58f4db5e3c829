"""Defects between accounts: what one account does changes what another one sees."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import Any, Final

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.records import AccountBalance, InboundReply, RulesTransition, StatusReport, Task
from sms10692_mock.domain.results import AcceptedSend, Refusal
from sms10692_mock.domain.store import FIRST_TASK_ID, BalanceTooSmall
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.stores.memory.store import MemoryStore
from support.mutant_vendor import Defect
from support.mutants import stores
from support.mutants.mutant import Mutant

_FAR_FUTURE: Final = 10.0**11
ALL_ACCOUNTS: Final = ""
"""Instead of a userid: the sends of all accounts race for one number."""


class RacyTaskNumbers(stores.RacyStore):
    """Reads the last task number, waits for another account, and writes the next."""

    def __init__(self) -> None:
        super().__init__()
        self._last = FIRST_TASK_ID

    def next_task_id(self) -> int:
        number = self._last
        self.wait_for_others(ALL_ACCOUNTS)
        self._last = number + 1
        return number


class LocksEachAccount(Vendor):
    """Sends of one account wait for each other, sends of two accounts do not."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._locks: defaultdict[str, Lock] = defaultdict(Lock)

    def send(self, account: Account, now: float, request_number: int, request: ApiRequest) -> AcceptedSend | Refusal:
        with self._locks[account.userid]:
            return super().send(account, now, request_number, request)


class RepliesByExtno(MemoryStore):
    """Gives a reply to the account that was the first to use its extno."""

    def __init__(self) -> None:
        super().__init__()
        self._first_user: dict[str, str] = {}

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[StatusReport],
        replies: Sequence[InboundReply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | BalanceTooSmall:
        owner = self._first_user.get(task.extno, "")
        if owner not in self.userids():
            self._first_user[task.extno] = owner = userid
        if owner == userid or not task.extno:
            return super().record_send(userid, task, reports, replies, now, used)
        balance = super().record_send(userid, task, reports, [], now, used)
        if not isinstance(balance, BalanceTooSmall):
            self.enqueue(owner, [], replies, now)
        return balance


class ReportsByNumber(MemoryStore):
    """Gives a report to the account that sent to the number before, if that has unfetched reports."""

    def __init__(self) -> None:
        super().__init__()
        self._last_sender: dict[str, str] = {}

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[StatusReport],
        replies: Sequence[InboundReply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | BalanceTooSmall:
        own: list[tuple[str, StatusReport]] = []
        others: list[tuple[str, StatusReport]] = []
        for report in reports:
            sender = self._last_sender.get(report.mobile, userid)
            is_waiting = sender in self.userids() and self.queue_stats(sender, "reports", now).waiting
            (others if sender != userid and is_waiting else own).append((sender, report))
        balance = super().record_send(userid, task, [report for _, report in own], replies, now, used)
        if not isinstance(balance, BalanceTooSmall):
            self._last_sender |= {report.mobile: userid for report in reports}
            for sender, report in others:
                self.enqueue(sender, [report], [], now)
        return balance


class MergesUserids(MemoryStore):
    """Fetches from the queue of the account whose userid differs only by leading zeros, if there is one."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[StatusReport]:
        same = userid.lstrip("0")
        return super().fetch_reports(same if same in self.userids() else userid, limit, now, request)


class ChargesByPrefix(MemoryStore):
    """Knows accounts by the first eight characters of the userid when it queries a balance."""

    def balance(self, userid: str) -> AccountBalance:
        return super().balance(next(other for other in self.userids() if other[:8] == userid[:8]))


class CountsTopUpsTogether(MemoryStore):
    """Adds a top-up also to the sendTotal of the account that was created before."""

    def __init__(self) -> None:
        super().__init__()
        self._extra: dict[str, int] = {}

    def add_points(self, userid: str, points: int) -> None:
        super().add_points(userid, points)
        userids = self.userids()
        previous = userids[userids.index(userid) - 1]
        self._extra[previous] = self._extra.get(previous, 0) + points

    def balance(self, userid: str) -> AccountBalance:
        balance = super().balance(userid)
        return balance._replace(total_added=balance.total_added + self._extra.get(userid, 0))


class KeepsQueuesOfDeleted(MemoryStore):
    """Gives the unfetched items of a deleted account to the next account with its userid."""

    keeps_reports, keeps_replies = True, True

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, tuple[Sequence[StatusReport], Sequence[InboundReply]]] = {}

    def delete_account(self, userid: str) -> None:
        reports = self.fetch_reports(userid, stores.NO_LIMIT, _FAR_FUTURE, 0)
        replies = self.fetch_replies(userid, _FAR_FUTURE, 0)
        self._kept[userid] = reports if self.keeps_reports else [], replies if self.keeps_replies else []
        super().delete_account(userid)

    def create_account(self, account: Account, *, keep: bool = False) -> bool:
        created = super().create_account(account, keep=keep)
        self.enqueue(account.userid, *self._kept.pop(account.userid, ([], [])), 0)
        return created


class KeepsRepliesOfDeleted(KeepsQueuesOfDeleted):
    """Keeps only the replies."""

    keeps_reports = False


class KeepsReportsOfDeleted(KeepsQueuesOfDeleted):
    """Keeps only the reports."""

    keeps_replies = False


class KeepsPointsOfDeleted(MemoryStore):
    """Adds the points that a deleted account had left to the next account with its userid."""

    def __init__(self) -> None:
        super().__init__()
        self._left: dict[str, int] = {}

    def delete_account(self, userid: str) -> None:
        self._left[userid] = self.balance(userid).points
        super().delete_account(userid)

    def create_account(self, account: Account, *, keep: bool = False) -> bool:
        created = super().create_account(account, keep=keep)
        self.add_points(account.userid, self._left.pop(account.userid, 0))
        return created


class KeepsPasswordOfDeleted(MemoryStore):
    """Knows a userid with the password that it had first."""

    def __init__(self) -> None:
        super().__init__()
        self._passwords: dict[str, str] = {}

    def create_account(self, account: Account, *, keep: bool = False) -> bool:
        password = self._passwords.setdefault(account.userid, account.password)
        return super().create_account(replace(account, password=password), keep=keep)


class IgnoresCaseOfUserid(MemoryStore):
    """Finds an account by its userid in another case, if there is none with the exact userid."""

    def account(self, userid: str) -> Account | None:
        same = (other for other in self.userids() if other.lower() == userid.lower())
        return super().account(userid) or super().account(next(same, userid))


class FindsAccountByName(Vendor):
    """After the login works for the first account with this name and password."""

    def _first(self, account: Account) -> Account:
        return next(
            other
            for other in self.store.accounts()
            if (other.account, other.password) == (account.account, account.password)
        )

    def send(self, account: Account, now: float, request_number: int, request: ApiRequest) -> AcceptedSend | Refusal:
        return super().send(self._first(account), now, request_number, request)


BETWEEN_ACCOUNTS: Final = (
    Mutant(
        "two accounts that send at once share a task number",
        Defect(store=RacyTaskNumbers, vendor=LocksEachAccount),
        ("B-taskID",),
        is_race=True,
    ),
    Mutant(
        "a reply goes to the account that used its extno first",
        Defect(store=RepliesByExtno),
        ("B-items", "S-again", "T-replies", "M-items"),
    ),
    Mutant(
        "a report goes to the account that sent to the number before",
        Defect(store=ReportsByNumber),
        ("B-items", "M-items"),
    ),
    Mutant("userids with leading zeros share a queue", Defect(store=MergesUserids), ("B-items",)),
    Mutant("the balance of a userid with the same eight characters", Defect(store=ChargesByPrefix), ("B-balance",)),
    Mutant("a top-up counts for another account too", Defect(store=CountsTopUpsTogether), ("B-balance",)),
    Mutant("a new account inherits the replies of a deleted one", Defect(store=KeepsRepliesOfDeleted), ("B-deleted",)),
    Mutant("a new account inherits the reports of a deleted one", Defect(store=KeepsReportsOfDeleted), ("B-deleted",)),
    Mutant("a new account inherits the points of a deleted one", Defect(store=KeepsPointsOfDeleted), ("B-deleted",)),
    Mutant(
        "a new account inherits the password of a deleted one", Defect(store=KeepsPasswordOfDeleted), ("B-deleted",)
    ),
    Mutant("a userid is found in any case", Defect(store=IgnoresCaseOfUserid), ("R2-similar-userid",)),
    Mutant("accounts with one name and password are one", Defect(vendor=FindsAccountByName), ("B-items",)),
)
