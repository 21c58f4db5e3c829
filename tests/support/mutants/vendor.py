"""Vendors that act wrongly: the emulator's own, with a method overridden.

Here belongs every fault that needs to know the vendor from inside. They call its public methods only.
"""

from sms10692 import protocol
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import Call
from sms10692_mock.domain.records import Report
from sms10692_mock.domain.results import Refusal, Sent
from sms10692_mock.domain.vendor import Told, Vendor


class Losing(Vendor):
    """Refuses a fetch, and empties the queue."""

    def answer(self, call: Call, request: int = 0) -> Told:
        told = super().answer(call, request)
        if isinstance(told.answer, Refusal) and told.account is not None and call.operation is protocol.STATUS:
            self.store.take_reports(told.account.userid, 10**6, told.now, request)
        return told


class Spends(Vendor):
    """Refuses, and takes what it could get."""

    def send(self, account: Account, now: float, request: int, call: Call) -> Sent | Refusal:
        answer = super().send(account, now, request, call)
        if answer == Refusal(protocol.BALANCE_TOO_SMALL):
            self.store.charge_up(account.userid, -self.store.standing(account.userid).points)
        return answer


class Overdrawn(Vendor):
    """A balance may be overdrawn by a point."""

    def send(self, account: Account, now: float, request: int, call: Call) -> Sent | Refusal:
        answer = super().send(account, now, request, call)
        if answer == Refusal(protocol.BALANCE_TOO_SMALL):
            self.store.charge_up(account.userid, 1)
            answer = super().send(account, now, request, call)
            if isinstance(answer, Refusal):
                self.store.charge_up(account.userid, -1)
        return answer


class QueuesRefused(Vendor):
    """A send refused for its balance is reported all the same."""

    def send(self, account: Account, now: float, request: int, call: Call) -> Sent | Refusal:
        answer = super().send(account, now, request, call)
        if answer == Refusal(protocol.BALANCE_TOO_SMALL):
            self.store.put(account.userid, [Report(now, call.mobile, 1, 10, "DELIVRD", call.extno)], [], now)
        return answer


class ChargedRefusals(Vendor):
    """A refused send costs a point."""

    def answer(self, call: Call, request: int = 0) -> Told:
        told = super().answer(call, request)
        if isinstance(told.answer, Refusal) and told.account is not None and call.operation is protocol.SEND:
            self.store.charge_up(told.account.userid, -1)
        return told


class BalanceBeforeOther(Vendor):
    """Looks at the balance before the extno and the sendTime."""

    def answer(self, call: Call, request: int = 0) -> Told:
        told = super().answer(call, request)
        if told.answer != Refusal(protocol.OTHER_ERROR) or told.account is None or call.operation is not protocol.SEND:
            return told
        cost = self.billing(call.content) * len(call.mobile.split(","))
        is_dear = not told.account.postpaid and cost > self.store.standing(told.account.userid).points
        return told._replace(answer=Refusal(protocol.BALANCE_TOO_SMALL)) if is_dear else told
