"""Vendors that act wrongly: the emulator's own, with a method overridden.

Here belongs every fault that needs to know the vendor from inside. They call its public methods only.
"""

from sms10692 import protocol
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.records import Report
from sms10692_mock.domain.results import Refusal, SendResult
from sms10692_mock.domain.vendor import Vendor, VendorResult


class EmptiesQueueOnRefusal(Vendor):
    """Refuses a fetch, and empties the queue."""

    def handle(self, call: ApiRequest, request: int = 0) -> VendorResult:
        told = super().handle(call, request)
        if isinstance(told.result, Refusal) and told.account is not None and call.operation is protocol.STATUS:
            self.store.fetch_reports(told.account.userid, 10**6, told.now, request)
        return told


class ChargesPartialOnRefusal(Vendor):
    """Refuses, and takes what it could get."""

    def send(self, account: Account, now: float, request: int, call: ApiRequest) -> SendResult | Refusal:
        answer = super().send(account, now, request, call)
        if answer == Refusal(protocol.BALANCE_TOO_SMALL):
            self.store.add_points(account.userid, -self.store.balance(account.userid).points)
        return answer


class AllowsOverdraft(Vendor):
    """A balance may be overdrawn by a point."""

    def send(self, account: Account, now: float, request: int, call: ApiRequest) -> SendResult | Refusal:
        answer = super().send(account, now, request, call)
        if answer == Refusal(protocol.BALANCE_TOO_SMALL):
            self.store.add_points(account.userid, 1)
            answer = super().send(account, now, request, call)
            if isinstance(answer, Refusal):
                self.store.add_points(account.userid, -1)
        return answer


class QueuesRefusedSends(Vendor):
    """A send refused for its balance is reported all the same."""

    def send(self, account: Account, now: float, request: int, call: ApiRequest) -> SendResult | Refusal:
        answer = super().send(account, now, request, call)
        if answer == Refusal(protocol.BALANCE_TOO_SMALL):
            self.store.enqueue(account.userid, [Report(now, call.mobile, 1, 10, "DELIVRD", call.extno)], [], now)
        return answer


class ChargesRefusedSends(Vendor):
    """A refused send costs a point."""

    def handle(self, call: ApiRequest, request: int = 0) -> VendorResult:
        told = super().handle(call, request)
        if isinstance(told.result, Refusal) and told.account is not None and call.operation is protocol.SEND:
            self.store.add_points(told.account.userid, -1)
        return told


class ChecksBalanceTooEarly(Vendor):
    """Looks at the balance before the extno and the sendTime."""

    def handle(self, call: ApiRequest, request: int = 0) -> VendorResult:
        told = super().handle(call, request)
        if told.result != Refusal(protocol.OTHER_ERROR) or told.account is None or call.operation is not protocol.SEND:
            return told
        cost = self.billing(call.content) * len(call.mobile.split(","))
        is_dear = not told.account.postpaid and cost > self.store.balance(told.account.userid).points
        return told._replace(result=Refusal(protocol.BALANCE_TOO_SMALL)) if is_dear else told
