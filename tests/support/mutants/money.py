"""Defects of prices and balances far from the ordinary: long texts, rare characters, large and negative balances."""

import re
import struct
import unicodedata
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from sms10692 import protocol
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.billing import segment_price
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.records import AccountBalance, InboundReply, RulesTransition, StatusReport, Task
from sms10692_mock.domain.results import AcceptedSend, CheckedText, QueriedBalance, Refusal, Result
from sms10692_mock.domain.store import BalanceTooSmall
from sms10692_mock.domain.vendor import Vendor, VendorResult
from sms10692_mock.stores.memory.store import MemoryStore
from support.mutant_vendor import Defect
from support.mutants import stores
from support.mutants.mutant import Mutant


def _priced(change: Callable[[str], str]) -> Defect:
    return Defect(pricing=lambda text: segment_price(change(text)))


def _keep_pairs_together(text: str) -> int:
    """Count segments whose limit never splits a surrogate pair."""
    sizes = [1 + (character > "\uffff") for character in text]
    if sum(sizes) <= 70:
        return 1
    count, used = 1, 0
    for size in sizes:
        if used + size > 67:
            count, used = count + 1, 0
        used += size
    return count


def _change_balances(change: Callable[[int], int]) -> Defect:
    def change_result(request: ApiRequest, result: Result) -> Result:
        match result:
            case AcceptedSend():
                return result._replace(remainpoint=change(result.remainpoint))
            case QueriedBalance():
                return result._replace(overage=change(result.overage))
        return result

    return Defect(result=change_result)


def _change_text_of_balances(change: Callable[[str], str]) -> Defect:
    pattern = re.compile("(?<=<overage>)[0-9-]+|(?<=<remainpoint>)[0-9-]+")
    return Defect(text=lambda text, request: pattern.sub(lambda number: change(number[0]), text))


def _to_single(number: int) -> int:
    return int(struct.unpack("f", struct.pack("f", number))[0])


def _limit_credit(limit: int) -> type[Vendor]:
    """Return a vendor that refuses sends of postpaid accounts beyond this balance."""

    class LimitsCredit(Vendor):
        def send(
            self, account: Account, now: float, request_number: int, request: ApiRequest
        ) -> AcceptedSend | Refusal:
            if account.postpaid and self.store.balance(account.userid).points < -limit:
                return Refusal(protocol.BALANCE_TOO_SMALL, Evidence("balance"))
            return super().send(account, now, request_number, request)

    return LimitsCredit


class LosesConcurrentCharges(stores.RacyStore):
    """Of two sends at the same time, one is charged."""

    def is_affected(self, task: Task) -> bool:
        """Return whether the charge of a task can be lost."""
        return bool(task.numbers)

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[StatusReport],
        replies: Sequence[InboundReply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | BalanceTooSmall:
        before = self.balance(userid).points
        if task.cost > before - 100 or not self.is_affected(task):
            return super().record_send(userid, task, reports, replies, now, used)
        self.wait_for_others(userid)
        super().record_send(userid, task, reports, replies, now, used)
        paid = before - task.cost - self.balance(userid).points
        state: Any = self._states[userid]
        with state.lock:
            state.points += paid
        return before - task.cost


class LosesLargeCharges(LosesConcurrentCharges):
    """Loses the charges of concurrent sends to more than 1,000 numbers."""

    def is_affected(self, task: Task) -> bool:
        return len(task.numbers) > 1000


def _charge_refused(find_charge: Callable[[int, Task], int]) -> type[MemoryStore]:
    """Return a store that charges a part of a send that the balance does not cover; `find_charge` has the balance."""

    class ChargesRefused(MemoryStore):
        def record_send(self, userid: str, task: Task, *others: Any, **named: Any) -> int | BalanceTooSmall:
            result = super().record_send(userid, task, *others, **named)
            if isinstance(result, BalanceTooSmall):
                state: Any = self._states[userid]
                with state.lock:
                    state.points -= find_charge(state.points, task)
            return result

    return ChargesRefused


class ChecksDifferentNumbers(MemoryStore):
    """Accepts a send if the balance covers its different numbers, and charges all."""

    def __init__(self) -> None:
        super().__init__()
        self._debts: dict[str, int] = {}

    def record_send(
        self,
        userid: str,
        task: Task,
        reports: Sequence[StatusReport],
        replies: Sequence[InboundReply],
        now: float,
        used: RulesTransition | None = None,
    ) -> int | BalanceTooSmall:
        points = self.balance(userid).points
        if not task.price * len(set(task.numbers)) <= points < task.cost:
            return super().record_send(userid, task, reports, replies, now, used)
        self._debts[userid] = self._debts.get(userid, 0) + task.cost
        super().record_send(userid, task._replace(price=0), reports, replies, now, used)
        return points - task.cost

    def balance(self, userid: str) -> AccountBalance:
        balance = super().balance(userid)
        return balance._replace(points=balance.points - self._debts.get(userid, 0))


class StartsTotalAnew(MemoryStore):
    """Forgets the credit of an account that is topped up when it has no points."""

    def __init__(self) -> None:
        super().__init__()
        self._forgotten: dict[str, int] = {}

    def add_points(self, userid: str, points: int) -> None:
        before = super().balance(userid)
        if not before.points:
            self._forgotten[userid] = before.total_added
        super().add_points(userid, points)

    def balance(self, userid: str) -> AccountBalance:
        balance = super().balance(userid)
        return balance._replace(total_added=balance.total_added - self._forgotten.get(userid, 0))


class RefundsTotals(Vendor):
    """Subtracts a send of a text of several segments from sendTotal."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._spent: dict[str, int] = {}

    def send(self, account: Account, now: float, request_number: int, request: ApiRequest) -> AcceptedSend | Refusal:
        result = super().send(account, now, request_number, request)
        if isinstance(result, AcceptedSend) and (price := self.get_price(account, request.content)) > 1:
            self._spent[account.userid] = self._spent.get(account.userid, 0) + price * result.success_counts
        return result

    def overage(self, account: Account) -> QueriedBalance:
        balance = super().overage(account)
        return balance._replace(send_total=balance.send_total - self._spent.get(account.userid, 0))


class KeepsTriedPoints(Vendor):
    """Keeps the points of a refused send back from the next send."""

    def send(self, account: Account, now: float, request_number: int, request: ApiRequest) -> AcceptedSend | Refusal:
        result = super().send(account, now, request_number, request)
        if isinstance(result, Refusal) and result.message == protocol.BALANCE_TOO_SMALL:
            self._tried = account.userid
        elif getattr(self, "_tried", "") == account.userid and isinstance(result, AcceptedSend):
            self._tried = ""
            self.store.add_points(account.userid, -1)
        return result


class ChecksNumbersOnly(Vendor):
    """Accepts a send if the balance covers one point per number, and charges no more than the balance."""

    def send(self, account: Account, now: float, request_number: int, request: ApiRequest) -> AcceptedSend | Refusal:
        result = super().send(account, now, request_number, request)
        points = self.store.balance(account.userid).points
        if isinstance(result, Refusal) and 0 < request.mobile.count(",") + 1 <= points:
            missing = (request.mobile.count(",") + 1) * self.get_price(account, request.content) - points
            self.store.add_points(account.userid, missing)
            return super().send(account, now, request_number, request)
        return result


class ChargesChecks(Vendor):
    """Charges a point for a text with a forbidden word that was checked."""

    def handle(self, request: ApiRequest, request_number: int = 0) -> VendorResult:
        handled = super().handle(request, request_number)
        if isinstance(handled.result, CheckedText) and handled.result.message == protocol.FORBIDDEN_FOUND:
            self.store.add_points(request.userid, -1)
        return handled


class RefundsFailures(MemoryStore):
    """Gives a point back for each failed message when its report is fetched."""

    def fetch_reports(self, userid: str, limit: int, now: float, request: int) -> Sequence[StatusReport]:
        items = super().fetch_reports(userid, limit, now, request)
        self.add_points(userid, sum(report.status == 20 for report in items))
        return items


def _charge_above(points: int, price: Callable[[int], int]) -> Defect:
    """Return the defect that a send of more points has this price per number, computed from the right one."""
    return Defect(
        store=stores.charging(lambda send: price(send.task.price) if send.task.cost > points else send.task.price)
    )


MONEY: Final = (
    Mutant(
        "a refused send is charged by full thousands of numbers",
        Defect(store=_charge_refused(lambda points, task: points // (1000 * task.price) * 1000 * task.price)),
        ("P-edge",),
    ),
    Mutant(
        "a refused send to more than 2,000 numbers costs a point",
        Defect(store=_charge_refused(lambda points, task: min(points, len(task.numbers) // 2000))),
        ("P-edge",),
    ),
    Mutant(
        "a refused send of many segments takes what is left",
        Defect(store=_charge_refused(lambda points, task: points * (task.price > 200))),
        ("P-edge",),
    ),
    Mutant("a send of more than 32,767 points is free", _charge_above(32_767, lambda price: 0), ("P-edge",)),
    Mutant("a send of more than 65,535 points is free", _charge_above(65_535, lambda price: 0), ("P-edge",)),
    Mutant(
        "a send of more than 99,999 points costs half", _charge_above(99_999, lambda price: price // 2), ("P-edge",)
    ),
    Mutant("the balance is checked for different numbers only", Defect(store=ChecksDifferentNumbers), ("P-edge",)),
    Mutant("a top-up of an emptied account starts its total", Defect(store=StartsTotalAnew), ("P-large",)),
    Mutant(
        "a parallel send to many numbers is not charged", Defect(store=LosesLargeCharges), ("P-parallel",), is_race=True
    ),
    Mutant("the balance is checked for numbers, not segments", Defect(vendor=ChecksNumbersOnly), ("P-edge",)),
    Mutant("a forbidden word that is checked costs a point", Defect(vendor=ChargesChecks), ("S-keywords",)),
    Mutant("failed messages are refunded when reported", Defect(store=RefundsFailures), ("O-balance",)),
    Mutant(
        "at most ten segments are charged",
        Defect(pricing=lambda text: min(segment_price(text), 10)),
        ("P-segments", "M-sent"),
    ),
    Mutant(
        "from 670 characters a segment has 70",
        Defect(pricing=lambda text: segment_price(text) if len(text) <= 670 else -(-len(text) // 70)),
        ("P-segments",),
    ),
    Mutant(
        "a line end is one character",
        _priced(lambda text: text.replace("\r\n", "\n")),
        ("P-segments", "M-sent"),
    ),
    *(
        Mutant(
            f"a text is charged in the normal form {form}",
            _priced(partial(unicodedata.normalize, form)),
            ("P-segments",),
        )
        for form in ("NFC", "NFD", "NFKC")
    ),
    Mutant("a line feed is two characters", _priced(lambda text: re.sub("(?<!\r)\n", "\r\n", text)), ("P-segments",)),
    Mutant(
        "spaces around a text are free",
        _priced(str.strip),
        ("P-segments", "M-sent"),
    ),
    Mutant("repeated spaces are one", _priced(lambda text: re.sub(" +", " ", text)), ("P-segments",)),
    Mutant(
        "zero-width characters are free",
        _priced(lambda text: re.sub("[\u200b-\u200f\ufeff]", "", text)),
        ("P-segments",),
    ),
    Mutant("a tab is four characters", _priced(lambda text: text.replace("\t", "    ")), ("P-segments",)),
    Mutant("a surrogate pair is in one segment", Defect(pricing=_keep_pairs_together), ("P-segments",)),
    Mutant(
        "balances have 32 bits",
        _change_balances(lambda points: (points + 2**31) % 2**32 - 2**31),
        ("P-large", "M-balance"),
    ),
    Mutant(
        "balances are single-precision numbers",
        _change_balances(_to_single),
        ("N-replies", "P-segments", "P-large", "M-balance"),
    ),
    Mutant(
        "large balances have an exponent",
        _change_text_of_balances(lambda text: f"{float(text):.15g}" if len(text) < 8 else f"{float(text):E}"),
        ("N-replies", "P-segments", "P-large", "M-balance"),
    ),
    Mutant("a postpaid account ends at -1,000", Defect(vendor=_limit_credit(1000)), ("P-negative",)),
    Mutant(
        "of two concurrent sends one is charged",
        Defect(store=LosesConcurrentCharges),
        ("B-charged", "P-parallel"),
        is_race=True,
    ),
    Mutant(
        "sendTotal is reduced by long texts",
        Defect(vendor=RefundsTotals),
        ("O-endpoints", "P-large", "M-balance"),
    ),
    Mutant(
        "a refused send makes the next one dearer",
        Defect(vendor=KeepsTriedPoints),
        ("S-fresh", "S-refused", "P-large"),
    ),
)
