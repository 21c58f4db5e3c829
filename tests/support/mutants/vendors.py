"""Vendors with one defect: subclasses of the emulator's vendor that override one public method."""

from sms10692 import protocol
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.records import StatusReport
from sms10692_mock.domain.results import AcceptedSend, Refusal, Result
from sms10692_mock.domain.vendor import Vendor, VendorResult


def _is_refusal(result: Result | None, message: str) -> bool:
    return isinstance(result, Refusal) and result.message == message


class EmptiesQueueOnRefusal(Vendor):
    """Empties the report queue when a fetch is refused."""

    def handle(self, request: ApiRequest, request_number: int = 0) -> VendorResult:
        vendor_result = super().handle(request, request_number)
        if (
            isinstance(vendor_result.result, Refusal)
            and vendor_result.account is not None
            and request.operation is protocol.STATUS
        ):
            self.store.fetch_reports(vendor_result.account.userid, 10**6, vendor_result.now, request_number)
        return vendor_result


class TakesBalanceOnRefusal(Vendor):
    """Charges the whole balance when a send is refused because the balance is too small."""

    def send(self, account: Account, now: float, request_number: int, request: ApiRequest) -> AcceptedSend | Refusal:
        result = super().send(account, now, request_number, request)
        if _is_refusal(result, protocol.BALANCE_TOO_SMALL):
            self.store.add_points(account.userid, -self.store.balance(account.userid).points)
        return result


class AllowsOverdraft(Vendor):
    """Allows the balance to be overdrawn by one point."""

    def send(self, account: Account, now: float, request_number: int, request: ApiRequest) -> AcceptedSend | Refusal:
        result = super().send(account, now, request_number, request)
        if _is_refusal(result, protocol.BALANCE_TOO_SMALL):
            self.store.add_points(account.userid, 1)
            result = super().send(account, now, request_number, request)
            if isinstance(result, Refusal):
                self.store.add_points(account.userid, -1)
        return result


class QueuesRefusedSends(Vendor):
    """Queues a report for a send that was refused because the balance is too small."""

    def send(self, account: Account, now: float, request_number: int, request: ApiRequest) -> AcceptedSend | Refusal:
        result = super().send(account, now, request_number, request)
        if _is_refusal(result, protocol.BALANCE_TOO_SMALL):
            self.store.enqueue(
                account.userid, [StatusReport(now, request.mobile, 1, 10, "DELIVRD", request.extno)], [], now
            )
        return result


class ChargesRefusedSends(Vendor):
    """Charges one point for a refused send."""

    def handle(self, request: ApiRequest, request_number: int = 0) -> VendorResult:
        vendor_result = super().handle(request, request_number)
        if (
            isinstance(vendor_result.result, Refusal)
            and vendor_result.account is not None
            and request.operation is protocol.SEND
        ):
            self.store.add_points(vendor_result.account.userid, -1)
        return vendor_result


class ChecksBalanceTooEarly(Vendor):
    """Checks the balance before extno and sendTime."""

    def handle(self, request: ApiRequest, request_number: int = 0) -> VendorResult:
        vendor_result = super().handle(request, request_number)
        if (
            not _is_refusal(vendor_result.result, protocol.OTHER_ERROR)
            or vendor_result.account is None
            or request.operation is not protocol.SEND
        ):
            return vendor_result
        cost = self.get_price(vendor_result.account, request.content) * len(request.mobile.split(","))
        too_expensive = (
            not vendor_result.account.postpaid and cost > self.store.balance(vendor_result.account.userid).points
        )
        if not too_expensive:
            return vendor_result
        return vendor_result._replace(result=Refusal(protocol.BALANCE_TOO_SMALL, Evidence("balance")))
