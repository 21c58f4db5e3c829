"""The imaginary vendor: it takes a call and gives an answer.

Here belong the five things the vendor does, in terms of accounts, tasks and two queues. No HTTP, no layout, no
storage: the clock and the store are arguments.
"""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Final, TypeAlias

from sms10692 import contract
from sms10692.contract import Operation
from sms10692_mock import clock, outcomes
from sms10692_mock.accounts import Account
from sms10692_mock.answers import Answer, Balance, Checked, Refusal, Replies, Reports, Sent
from sms10692_mock.billing import Billing, parts
from sms10692_mock.calls import Call
from sms10692_mock.checks import Case, refusal
from sms10692_mock.clock import Clock, Turned
from sms10692_mock.keywords import Keywords
from sms10692_mock.stores.protocol import NoSuchAccount, Reply, Report, Store

_ENDLESS: Final = 12
"""So many digits of a statusNum are more than any queue holds."""


class Vendor:
    """The five interfaces as one function from call to answer.

    `store` and `keywords` may be looked at and changed at any time; `clock`, where the one for all was turned, is that.

    `billing` is the price of a text to one number in points, `report_delay` the seconds from a send to its reports,
    `max_clock_skew` the seconds that a timestamp may be off, or None where any timestamp will do (R3).
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        keywords: Keywords,
        *,
        billing: Billing = parts,
        report_delay: float = 0.0,
        max_clock_skew: float | None = None,
    ) -> None:
        self.store = store
        self.keywords = keywords
        self.clock: Turned | None = None
        self._turning = Lock()
        self._real_time = clock
        self._billing = billing
        self._report_delay = report_delay
        self._max_clock_skew = max_clock_skew

    def real_time(self) -> float:
        """What no clock that was turned shows."""
        return self._real_time()

    def turn(self, change: Callable[[Turned | None], Turned | None]) -> None:
        """Turn the clock for all."""
        with self._turning:
            self.clock = change(self.clock)

    def now(self, account: Account | None = None) -> float:
        """What the account's clock shows, or the emulator's (R12)."""
        turned = (account and account.clock) or self.clock
        return turned.now(self._real_time()) if turned else self._real_time()

    def answer(self, call: Call) -> tuple[Answer, Account | None]:
        """What the vendor says to a call, and to whom."""
        account = self.store.account(call.userid)
        now = self.now(account)
        message = refusal(Case(call, account, self.keywords, now, self._max_clock_skew))
        if message is not None:
            return Refusal(message), account
        if account is None or call.operation is None:
            raise AssertionError("the checks refuse a call without either")
        try:
            return _ANSWERS[call.operation](self, account, now, call), account
        except NoSuchAccount:  # closed since it was looked up
            return Refusal(contract.CREDENTIALS_WRONG), None

    def send(
        self, account: Account, now: float, mobile: str, content: str, send_time: str, extno: str
    ) -> Sent | Refusal:
        """Send a text to every number (chapter 1). The four parameters are as the checks let them pass."""
        numbers = [number for part in mobile.split(",") if (number := part.strip())]
        fates = [outcomes.outcome(number) for number in numbers]
        for fate in fates:
            if fate.refusal is not None:
                return Refusal(fate.refusal)
        due = max(now, clock.moment(send_time) or now) + self._report_delay
        task_id = self.store.next_task_id()
        extno = extno.strip()
        balance = self.store.accept(
            account.userid,
            self._billing(content) * len(numbers),
            [
                Report(due + fate.delay if fate.delay else due, number, task_id, fate.status, fate.errorcode, extno)
                for number, fate in zip(numbers, fates, strict=True)
                if not fate.silent
            ],
            [
                Reply(due + fate.delay, number, task_id, fate.reply, extno)
                for number, fate in zip(numbers, fates, strict=True)
                if fate.reply is not None
            ],
            now,
        )
        if balance is None:
            return Refusal(contract.BALANCE_TOO_SMALL)
        return Sent(balance, task_id, len(numbers))

    def overage(self, account: Account) -> Balance:
        """Tell what is left and what was ever charged up (chapter 2)."""
        standing = self.store.standing(account.userid)
        payinfo = contract.POSTPAID if account.postpaid else contract.PREPAID
        return Balance(payinfo, standing.points, standing.charged_up)

    def checkkeyword(self, content: str) -> Checked:
        """Tell whether a text holds a forbidden word (chapter 3)."""
        forbidden = self.keywords.in_text(content)
        return Checked(contract.FORBIDDEN_FOUND if forbidden else contract.NOTHING_FORBIDDEN, content)

    def status(self, account: Account, now: float, limit: int) -> Reports:
        """Hand over the next reports, up to `limit`, once (chapter 4)."""
        return Reports(self.store.take_reports(account.userid, limit, now))

    def call(self, account: Account, now: float) -> Replies:
        """Hand over all replies, once (chapter 5)."""
        return Replies(self.store.take_replies(account.userid, now))


_Answering: TypeAlias = Callable[[Vendor, Account, float, Call], Answer]

_ANSWERS: Final[Mapping[Operation, _Answering]] = {
    contract.SEND: lambda vendor, account, now, call: vendor.send(
        account, now, call.mobile, call.content, call.send_time, call.extno
    ),
    contract.OVERAGE: lambda vendor, account, now, call: vendor.overage(account),
    contract.CHECKKEYWORD: lambda vendor, account, now, call: vendor.checkkeyword(call.content),
    contract.STATUS: lambda vendor, account, now, call: vendor.status(account, now, _limit(call.status_num)),
    contract.CALL: lambda vendor, account, now, call: vendor.call(account, now),
}


def _limit(status_num: str) -> int:
    digits = status_num.strip().lstrip("0")
    if not digits:
        return contract.STATUS_NUM_DEFAULT
    return int(digits) if len(digits) < _ENDLESS else 10**_ENDLESS
