"""Defects between the UTF-8 and the GBK endpoint: what one of them did is seen differently on the other."""

from collections.abc import Callable
from itertools import count
from typing import Any, Final

from sms10692 import protocol
from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.results import AcceptedSend, QueriedBalance, Refusal, Result
from sms10692_mock.domain.store import FIRST_TASK_ID
from sms10692_mock.domain.vendor import Vendor, VendorResult
from support.mutant_vendor import Defect
from support.mutants import stores
from support.mutants.mutant import Mutant


def _is_gbk(request: ApiRequest) -> bool:
    return request.endpoint is protocol.V2SMS_GBK


class RemembersBalanceOfGbkPage(Vendor):
    """overage on the GBK endpoint is the balance after the last send there."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._balances: dict[str, int] = {}

    def handle(self, request: ApiRequest, request_number: int = 0) -> VendorResult:
        handled = super().handle(request, request_number)
        if not _is_gbk(request):
            return handled
        match handled.result:
            case AcceptedSend(remainpoint=remainpoint):
                self._balances[request.userid] = remainpoint
            case QueriedBalance() as balance if request.userid in self._balances:
                return handled._replace(result=balance._replace(overage=self._balances[request.userid]))
        return handled


class NumbersTasksOfEachPage(Vendor):
    """The GBK endpoint has task numbers of its own."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        utf8, gbk = self.store.next_task_id, count(FIRST_TASK_ID).__next__
        self._numbering: dict[bool, Callable[[], int]] = {False: utf8, True: gbk}

    def send(self, account: Account, now: float, request_number: int, request: ApiRequest) -> AcceptedSend | Refusal:
        vendor = Vendor(_Numbered(self.store, self._numbering[_is_gbk(request)]), self.wall_clock, self.keywords())
        return vendor.send(account, now, request_number, request)


class _Numbered:
    """A store with other task numbers."""

    def __init__(self, store: Any, next_task_id: Callable[[], int]) -> None:
        self._store = store
        self.next_task_id = next_task_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def _change_on_gbk(change: Callable[[ApiRequest], ApiRequest]) -> Defect:
    return Defect(api_request=lambda request: change(request) if _is_gbk(request) else request)


def _count_gbk_bytes(send: stores.Send) -> int:
    task = send.task
    if task.endpoint_path != protocol.V2SMS_GBK.path:
        return task.price
    size = len(task.content.encode("gbk", "replace"))
    return 1 if size <= 140 else -(-size // 134)


def _hide_credit_on_gbk(request: ApiRequest, result: Result) -> Result:
    if _is_gbk(request) and isinstance(result, QueriedBalance):
        return result._replace(send_total=result.overage)
    return result


BETWEEN_PAGES: Final = (
    Mutant(
        "overage on the GBK endpoint ignores other sends",
        Defect(vendor=RemembersBalanceOfGbkPage),
        ("O-balance", "O-endpoints", "P-negative"),
    ),
    Mutant(
        "the GBK endpoint has its own task numbers",
        Defect(vendor=NumbersTasksOfEachPage),
        ("B-taskID", "P-segments"),
    ),
    Mutant(
        "extno is lost on the GBK endpoint",
        _change_on_gbk(lambda request: request._replace(extno="")),
        ("B-items", "N-send", "S-again", "M-items"),
    ),
    Mutant(
        "sendTime is lost on the GBK endpoint",
        _change_on_gbk(lambda request: request._replace(send_time="")),
        ("O-endpoints", "T-second", "M-items"),
    ),
    Mutant(
        "the GBK endpoint counts bytes",
        Defect(store=stores.charging(_count_gbk_bytes)),
        ("P-segments", "M-sent"),
    ),
    Mutant(
        "the GBK endpoint sends repeated numbers once",
        _change_on_gbk(lambda request: request._replace(mobile=",".join(dict.fromkeys(request.mobile.split(","))))),
        ("N-send", "O-reports", "O-endpoints"),
    ),
    Mutant(
        "sendTotal on the GBK endpoint is the balance",
        Defect(result=_hide_credit_on_gbk),
        ("S-fresh", "P-large"),
    ),
)
