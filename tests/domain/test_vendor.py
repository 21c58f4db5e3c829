"""The vendor in process: defaults, and accounts that are deleted during a request.

The documented behaviour is tested in `test_readings` and by the exchanges.
"""

from dataclasses import replace
from typing import Any

import pytest

from sms10692 import protocol
from sms10692_mock.domain.accounts import DEFAULT_ACCOUNT
from sms10692_mock.domain.api_request import ApiRequest, parse_request
from sms10692_mock.domain.evidence import Evidence
from sms10692_mock.domain.faults import Fault
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.domain.records import Query, StatusReport
from sms10692_mock.domain.results import AcceptedSend, QueriedBalance, Refusal, ReportsResult
from sms10692_mock.domain.store import BalanceTooSmall
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.stores.memory.store import MemoryStore
from support.emulators import CREDENTIALS


@pytest.fixture
def vendor() -> Vendor:
    return make_vendor(MemoryStore(real_time=lambda: 1000.0))


def make_vendor(store: MemoryStore) -> Vendor:
    store.create_account(DEFAULT_ACCOUNT)
    return Vendor(store, lambda: 1000.0, Keywords(()))


def call(action: str, **fields: str) -> ApiRequest:
    page = protocol.V2STATUS_API if action == "query" else protocol.V2SMS
    return parse_request(page, CREDENTIALS | {"action": action} | fields)


SEND = call("send", mobile="15023239810", content="x")


def test_without_a_delay_a_report_is_due_at_once(vendor: Vendor) -> None:
    assert isinstance(vendor.handle(SEND).result, AcceptedSend)
    result = vendor.handle(call("query")).result
    assert isinstance(result, ReportsResult)
    assert [report.due for report in result.items] == [1000.0]


def test_a_request_without_a_number_is_number_0(vendor: Vendor) -> None:
    vendor.handle(SEND)
    (message,) = vendor.store.messages("12", Query(), 1000.0).items
    assert message.task.request == 0


def test_keywords_are_compiled_once_per_word_list(vendor: Vendor) -> None:
    for words in (("乙",), ("甲",), ("丙",)):
        vendor.store.change_settings(lambda settings, words=words: replace(settings, words=words))  # type: ignore[misc]
        assert vendor.keywords() is vendor.keywords()
        assert vendor.keywords().contains_any("".join(words))
        assert not vendor.keywords().contains_any("丁")


def test_a_global_fault_applies_to_unknown_accounts_and_actions(vendor: Vendor) -> None:
    fault = Fault(id="a", kind="empty_body")
    vendor.store.change_settings(lambda settings: replace(settings, faults=(fault,)))
    for request in (call("overage", userid="nobody"), call("nothing"), call("nothing", userid="nobody")):
        result = vendor.handle(request)
        assert (result.result, [fault.kind for fault in result.faults]) == (None, ["empty_body"])


def test_the_evidence_of_a_small_balance_is_the_balance_that_was_compared() -> None:
    class RefillingStore(MemoryStore):
        def record_send(self, userid: str, *arguments: Any) -> int | BalanceTooSmall:
            recorded = super().record_send(userid, *arguments)
            self.add_points(userid, 1000)
            return recorded

    store = RefillingStore()
    store.create_account(replace(DEFAULT_ACCOUNT, points=1))
    refusal = Vendor(store, lambda: 1000.0, Keywords()).handle(SEND._replace(mobile="1,2,3")).result
    assert refusal == Refusal("对不起，您当前要发送的量大于您当前余额", Evidence("balance", (3, 3, 1, 1)))


def test_an_account_deleted_during_a_send_is_unknown() -> None:
    class DeletingStore(MemoryStore):
        def next_task_id(self) -> int:
            self.delete_account("12")
            return super().next_task_id()

    result = make_vendor(DeletingStore(real_time=lambda: 1000.0)).handle(SEND)
    assert result.result == Refusal(protocol.CREDENTIALS_WRONG, Evidence("account-deleted"))
    assert result.account is None


def test_a_status_num_of_any_length_is_a_limit(vendor: Vendor) -> None:
    for number in ("9" * 11, "9" * 12, "9" * 13, "0" * 50 + "3", "8" * 5000):
        vendor.store.enqueue("12", [StatusReport(1.0, "1", 1, 10, "DELIVRD", "", 0)] * 4, (), 1.0)
        result = vendor.handle(call("query", statusnum=number)).result
        assert isinstance(result, ReportsResult)
        assert len(result.items) == (3 if number.endswith("3") else 4)
        vendor.handle(call("query"))


def test_overage_returns_the_balance_and_the_points_added(vendor: Vendor) -> None:
    vendor.handle(SEND)
    assert vendor.handle(call("overage")).result == QueriedBalance(protocol.PREPAID, 999, 1000)
