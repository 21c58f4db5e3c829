"""Defects of sends, except prices: wrong task ids, and wrong counts of numbers."""

import re
import threading
from collections.abc import Callable
from itertools import count
from typing import Final

from sms10692_mock.domain.accounts import Account
from sms10692_mock.domain.api_request import ApiRequest
from sms10692_mock.domain.results import AcceptedSend, Refusal
from sms10692_mock.domain.vendor import Vendor
from sms10692_mock.stores.memory.store import MemoryStore
from support.mutant_vendor import Defect
from support.mutants import stores
from support.mutants.mutant import Mutant, changing_send_result

_BLOCK_SIZE: Final = 10


def numbering_in_blocks(find_block: Callable[[Account, ApiRequest], object]) -> Defect:
    """Return the defect that task numbers are taken from several blocks; `find_block` chooses one for each send."""
    current = threading.local()

    class BlockStore(MemoryStore):
        def __init__(self) -> None:
            super().__init__()
            self._blocks: dict[object, list[int]] = {}

        def next_task_id(self) -> int:
            block = self._blocks.setdefault(current.block, [])
            if not block:
                block.extend([super(BlockStore, self).next_task_id() for _ in range(_BLOCK_SIZE)])
            return block.pop(0)

    class BlockVendor(Vendor):
        def send(
            self, account: Account, now: float, request_number: int, request: ApiRequest
        ) -> AcceptedSend | Refusal:
            current.block = find_block(account, request)
            return super().send(account, now, request_number, request)

    return Defect(store=BlockStore, vendor=BlockVendor)


def _not_refusing(numbers: str, applies: Callable[[Account], bool]) -> Defect:
    """Return the defect that the reserved numbers with this beginning do not refuse the sends of some accounts."""

    class DefectiveVendor(Vendor):
        def send(
            self, account: Account, now: float, request_number: int, request: ApiRequest
        ) -> AcceptedSend | Refusal:
            if applies(account):
                request = request._replace(mobile=request.mobile.replace(numbers, f"15{numbers[2:]}"))
            return super().send(account, now, request_number, request)

    return Defect(vendor=DefectiveVendor)


SENDS: Final = (
    Mutant(
        "successCounts is one too many",
        changing_send_result(lambda result: result._replace(success_counts=result.success_counts + 1)),
        ("1.2-mobile",),
    ),
    Mutant(
        "a taskID is used again",
        Defect(store=stores.numbering_tasks(lambda: (100001 + index % 5 for index in count()))),
        ("1.3-taskID",),
    ),
    Mutant(
        "taskIDs have 18 digits",
        Defect(store=stores.numbering_tasks(lambda: count(203012311200000001))),
        ("A6-taskID",),
    ),
    Mutant("taskIDs decrease", Defect(store=stores.numbering_tasks(lambda: count(999999, -1))), ("R7",)),
    Mutant(
        "each endpoint takes taskIDs from a block of its own",
        numbering_in_blocks(lambda account, request: request.endpoint.path),
        ("R7",),
    ),
    Mutant(
        "each account takes taskIDs from a block of its own",
        numbering_in_blocks(lambda account, request: account.userid),
        ("R7",),
    ),
    Mutant(
        "sends to several numbers take taskIDs from a block of their own",
        numbering_in_blocks(lambda account, request: "," in request.mobile),
        ("R7",),
    ),
    Mutant(
        "every taskID is the same",
        Defect(store=stores.numbering_tasks(lambda: (100001 for _ in count()))),
        ("1.3-taskID", "C-taskID"),
    ),
    Mutant(
        "the full-width comma separates numbers",
        Defect(api_request=lambda request: request._replace(mobile=request.mobile.replace("，", ","))),
        ("R5-trimmed",),
    ),
    Mutant(
        "repeated numbers are sent once",
        Defect(api_request=lambda request: request._replace(mobile=",".join(dict.fromkeys(request.mobile.split(","))))),
        ("R5-twice",),
    ),
    Mutant(
        "a trailing comma is one more number",
        Defect(
            api_request=lambda request: request._replace(mobile=re.sub(r"(?<=\d),+$", ",13000000000", request.mobile))
        ),
        ("Q15",),
    ),
    Mutant(
        "at most 10,000 numbers",
        Defect(
            api_request=lambda request: request._replace(extno="?") if request.mobile.count(",") > 10_000 else request
        ),
        ("Q15-many",),
    ),
    Mutant(
        "reserved numbers do not refuse a send",
        Defect(api_request=lambda request: request._replace(mobile=request.mobile.replace("1000000000", "1500000000"))),
        ("R13-refusals",),
    ),
    *(
        Mutant(f"reserved numbers do not refuse a send of {name}", _not_refusing(numbers, applies), ("R13-refusals",))
        for name, numbers, applies in (
            ("a postpaid account for its balance", "10000000007", lambda account: account.postpaid),
            ("a postpaid account", "1000000000", lambda account: account.postpaid),
            ("an account with points", "1000000000", lambda account: account.points > 0),
        )
    ),
)
