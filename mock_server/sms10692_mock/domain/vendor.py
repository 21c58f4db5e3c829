"""The imaginary vendor: it takes a call and gives an answer.

Here belong the five things the vendor does, in terms of accounts, tasks and two queues. No HTTP, no layout, no
storage: the clock and the store are arguments.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, TypeAlias

from sms10692 import protocol
from sms10692.protocol import Operation
from sms10692_mock.domain import clock, delivery, faults
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.billing import Billing, segment_price
from sms10692_mock.domain.clock import Clock, later, shown
from sms10692_mock.domain.delivery import DeliveryOutcome, DeliveryRules
from sms10692_mock.domain.faults import Fault
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.records import Reply, Report, RulesTransition, Settings, Task
from sms10692_mock.domain.results import (
    BalanceResult,
    KeywordResult,
    Refusal,
    RepliesResult,
    ReportsResult,
    Result,
    SendResult,
)
from sms10692_mock.domain.store import NoSuchAccount, RulesConflict, Store
from sms10692_mock.domain.validation import ValidationContext, first_failure

_ENDLESS: Final = 12
"""Digits of a statusNum that are read: so many are more than any queue holds."""


class VendorResult(NamedTuple):
    """What the vendor says to a call, and to whom, when, and how spoilt it is to arrive.

    `answer` is None where a fault kept the vendor from being asked, `account` where there is none of the call's userid.
    """

    result: Result | None
    account: Account | None
    now: float
    faults: tuple[Fault, ...] = ()


class Vendor:
    """The five interfaces as one function from call to answer.

    `store` may be looked at and changed at any time. `keywords` are those that hold until the settings have others.

    `billing` is the price of a text to one number in points, `report_delay` the seconds from a send to its reports,
    `max_clock_skew` the seconds that a timestamp may be off, or None where any timestamp will do (R3).
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        keywords: Keywords,
        *,
        billing: Billing = segment_price,
        report_delay: float = 0.0,
        max_clock_skew: float | None = None,
    ) -> None:
        self.store = store
        self.real_time = clock
        self._first_keywords = keywords
        self._put_keywords: tuple[tuple[str, ...], Keywords] = ((), Keywords(()))
        self.billing = billing
        self._report_delay = report_delay
        self.max_clock_skew = max_clock_skew

    def now(self, account: Account | None = None) -> float:
        """What the account's clock shows, or the emulator's (R12)."""
        return self._now(account, self.store.settings())

    def _now(self, account: Account | None, settings: Settings) -> float:
        return shown((account and account.clock) or settings.clock, self.real_time())

    def keywords(self) -> Keywords:
        """The forbidden words that hold."""
        return self._keywords(self.store.settings())

    def _keywords(self, settings: Settings) -> Keywords:
        words = settings.words
        if words is None:
            return self._first_keywords
        if self._put_keywords[0] is not words:
            self._put_keywords = words, Keywords(words)
        return self._put_keywords[1]

    def handle(self, call: ApiRequest, request: int = 0) -> VendorResult:
        """What the vendor says to a call, which is the `request`-th of the journal."""
        account = self.store.account(call.userid)
        settings = self.store.settings()
        now = self._now(account, settings)
        strikes: tuple[Fault, ...] = ()
        if settings.faults or (account and account.faults):
            try:
                strikes = self._evaluate_faults(call, account, settings)
            except NoSuchAccount:  # closed since it was looked up
                account = None
        for fault in strikes:
            if not fault.acts:
                return VendorResult(Refusal(fault.message) if fault.message else None, account, now, strikes)
        message = first_failure(ValidationContext(call, account, self._keywords(settings), now, self.max_clock_skew))
        if message is not None:
            return VendorResult(Refusal(message), account, now, strikes)
        if account is None or call.operation is None:
            raise AssertionError("the checks refuse a call without either")
        try:
            return VendorResult(_ANSWERS[call.operation](self, account, now, call, request), account, now, strikes)
        except NoSuchAccount:  # closed since it was looked up
            return VendorResult(Refusal(protocol.CREDENTIALS_WRONG), None, now, strikes)

    def _evaluate_faults(self, call: ApiRequest, account: Account | None, settings: Settings) -> tuple[Fault, ...]:
        operation, messages = call.operation.name if call.operation else "", (call.operation or protocol.SEND).messages
        strikes: list[tuple[Fault, ...]] = []

        def of_account(terms: Account) -> Account:
            strikes[0], left = faults.evaluate(terms.faults, operation, messages)
            return replace(terms, faults=left)

        def of_all(terms: Settings) -> Settings:
            strikes[1], left = faults.evaluate(terms.faults, operation, messages)
            return replace(terms, faults=left)

        def may_strike(some: Sequence[Fault]) -> bool:
            return any(faults.matches(fault, operation, messages) for fault in some)

        strikes = [(), ()]
        if account is not None and may_strike(account.faults):
            self.store.update_account(account.userid, of_account)
        if may_strike(settings.faults):
            self.store.change_settings(of_all)
        return strikes[0] + strikes[1]

    def send(self, account: Account, now: float, request: int, call: ApiRequest) -> SendResult | Refusal:
        """Send a text to every number (chapter 1), as far as the checks let the call pass."""
        numbers = [number for part in call.mobile.split(",") if (number := part.strip())]
        price, extno = self.billing(call.content), call.extno.strip()
        wished = clock.parse_time(call.send_time) if call.send_time else None
        due = now if wished is None else max(now, wished)
        if self._report_delay:
            due = later(due, self._report_delay)
        rules = account.outcomes
        while True:
            fates, left = self._decide_outcomes(account, rules, numbers)
            for fate in fates:
                if fate.refusal is not None:
                    return Refusal(fate.refusal)
            task_id = self.store.next_task_id()
            task = Task(task_id, now, due, numbers, call.content, extno, call.page.path, price, request)
            reports, replies = _reports_and_replies(task, fates)
            # A send that is refused uses no rule up, so what it uses is changed when it is accepted.
            used = None if left is rules else RulesTransition(rules, left)
            try:
                balance = self.store.record_send(account.userid, task, reports, replies, now, used)
            except RulesConflict as error:  # another send was quicker, or somebody who changes them
                rules = error.rules
                continue
            if balance is None:
                return Refusal(protocol.BALANCE_TOO_SMALL)
            return SendResult(balance, task_id, len(numbers))

    def _decide_outcomes(
        self, account: Account, rules: DeliveryRules, numbers: list[str]
    ) -> tuple[list[DeliveryOutcome], DeliveryRules]:
        """What becomes of messages under the rules of the account, and the rules that are left."""
        if not rules.rules:
            return [delivery.default_outcome(number) for number in numbers], rules
        return delivery.apply_rules(rules, numbers, self.store.balance(account.userid).messages)

    def overage(self, account: Account) -> BalanceResult:
        """Tell what is left and what was ever charged up (chapter 2)."""
        standing = self.store.balance(account.userid)
        payinfo = protocol.POSTPAID if account.postpaid else protocol.PREPAID
        return BalanceResult(payinfo, standing.points, standing.charged_up)

    def checkkeyword(self, content: str) -> KeywordResult:
        """Tell whether a text holds a forbidden word (chapter 3)."""
        forbidden = self.keywords().contains_any(content)
        return KeywordResult(protocol.FORBIDDEN_FOUND if forbidden else protocol.NOTHING_FORBIDDEN, content)

    def status(self, account: Account, now: float, request: int, limit: int) -> ReportsResult:
        """Hand over the next reports, up to `limit`, once (chapter 4)."""
        return ReportsResult(self.store.fetch_reports(account.userid, limit, now, request))

    def call(self, account: Account, now: float, request: int) -> RepliesResult:
        """Hand over all replies, once (chapter 5)."""
        return RepliesResult(self.store.fetch_replies(account.userid, now, request))


def _reports_and_replies(task: Task, fates: Sequence[DeliveryOutcome]) -> tuple[list[Report], list[Reply]]:
    """The reports and replies that a send brings about, whose numbers fare so."""
    task_id, due, extno = task.task_id, task.due, task.extno
    reports: list[Report] = []
    replies: list[Reply] = []
    for place, number in enumerate(task.numbers):
        status, errorcode, delay, silent, reply, _ = fates[place]
        its_due = later(due, delay) if delay else due
        if not silent:
            reports.append(Report(its_due, number, task_id, status, errorcode, extno, place))
        if reply is not None:
            replies.append(Reply(its_due, number, task_id, reply, extno))
    return reports, replies


_Answering: TypeAlias = Callable[[Vendor, Account, float, ApiRequest, int], Result]

_ANSWERS: Final[Mapping[Operation, _Answering]] = {
    protocol.SEND: lambda vendor, account, now, call, request: vendor.send(account, now, request, call),
    protocol.OVERAGE: lambda vendor, account, now, call, request: vendor.overage(account),
    protocol.CHECKKEYWORD: lambda vendor, account, now, call, request: vendor.checkkeyword(call.content),
    protocol.STATUS: lambda vendor, account, now, call, request: vendor.status(
        account, now, request, _limit(call.status_num)
    ),
    protocol.CALL: lambda vendor, account, now, call, request: vendor.call(account, now, request),
}


def _limit(status_num: str) -> int:
    digits = status_num.strip().lstrip("0")
    if not digits:
        return protocol.STATUS_NUM_DEFAULT
    return int(digits[:_ENDLESS])
