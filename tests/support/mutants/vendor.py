"""Vendors with one defect: subclasses of the emulator's vendor that override one public method."""

from sms10692 import protocol
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.records import Report
from sms10692_mock.domain.results import Refusal, SendResult
from sms10692_mock.domain.vendor import Vendor, VendorResult


class EmptiesQueueOnRefusal(Vendor):
    """Empties the report queue when a fetch is refused."""

    def handle(self, call: ApiRequest, request: int = 0) -> VendorResult:
        told = super().handle(call, request)
        if isinstance(told.result, Refusal) and told.account is not None and call.operation is protocol.STATUS:
            self.store.fetch_reports(told.account.userid, 10**6, told.now, request)
        return told


class ChargesPartialOnRefusal(Vendor):
    """Charges the whole balance when a send is refused because the balance is too small."""

    def send(self, account: Account, now: float, request: int, call: ApiRequest) -> SendResult | Refusal:
        answer = super().send(account, now, request, call)
        if answer == Refusal(protocol.BALANCE_TOO_SMALL):
            self.store.add_points(account.userid, -self.store.balance(account.userid).points)
        return answer


class AllowsOverdraft(Vendor):
    """Allows the balance to be overdrawn by one point."""

    def send(self, account: Account, now: float, request: int, call: ApiRequest) -> SendResult | Refusal:
        answer = super().send(account, now, request, call)
        if answer == Refusal(protocol.BALANCE_TOO_SMALL):
            self.store.add_points(account.userid, 1)
            answer = super().send(account, now, request, call)
            if isinstance(answer, Refusal):
                self.store.add_points(account.userid, -1)
        return answer


class QueuesRefusedSends(Vendor):
    """Queues a report for a send that was refused because the balance is too small."""

    def send(self, account: Account, now: float, request: int, call: ApiRequest) -> SendResult | Refusal:
        answer = super().send(account, now, request, call)
        if answer == Refusal(protocol.BALANCE_TOO_SMALL):
            self.store.enqueue(account.userid, [Report(now, call.mobile, 1, 10, "DELIVRD", call.extno)], [], now)
        return answer


class ChargesRefusedSends(Vendor):
    """Charges one point for a refused send."""

    def handle(self, call: ApiRequest, request: int = 0) -> VendorResult:
        told = super().handle(call, request)
        if isinstance(told.result, Refusal) and told.account is not None and call.operation is protocol.SEND:
            self.store.add_points(told.account.userid, -1)
        return told


class ChecksBalanceTooEarly(Vendor):
    """Checks the balance before extno and sendTime."""

    def handle(self, call: ApiRequest, request: int = 0) -> VendorResult:
        told = super().handle(call, request)
        if told.result != Refusal(protocol.OTHER_ERROR) or told.account is None or call.operation is not protocol.SEND:
            return told
        cost = self.billing(call.content) * len(call.mobile.split(","))
        is_dear = not told.account.postpaid and cost > self.store.balance(told.account.userid).points
        return told._replace(result=Refusal(protocol.BALANCE_TOO_SMALL)) if is_dear else told
