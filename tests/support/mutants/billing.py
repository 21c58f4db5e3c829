"""Defects of billing (R6): wrong prices and wrong balances."""

import re
from collections.abc import Callable
from typing import Final

from sms10692_mock.domain.results import AcceptedSend, QueriedBalance
from support.mutant_vendor import Defect
from support.mutants import stores, vendors
from support.mutants.mutant import Mutant, changing_send_result


def _segment_price(single: int, multi: int) -> Callable[[str], int]:
    def price(text: str) -> int:
        units = len(text.encode("utf-16-le")) // 2
        return 1 if units <= single else -(-units // multi)

    return price


BILLING: Final = (
    Mutant(
        "charged twice",
        Defect(store=stores.charging(lambda send: 2 * send.task.price)),
        ("R6-segments", "R6-remainpoint", "M-charged"),
    ),
    Mutant("never charged", Defect(store=stores.charging(lambda send: 0)), ("R6-segments", "R6-remainpoint")),
    Mutant(
        "the last point cannot be spent",
        Defect(store=stores.charging(lambda send: send.task.price + (send.task.cost == send.points) * 10**9)),
        ("R6-edge",),
    ),
    Mutant("the balance can be overdrawn by a point", Defect(vendor=vendors.AllowsOverdraft), ("R6-edge",)),
    Mutant(
        "a refused send takes the whole balance",
        Defect(vendor=vendors.TakesBalanceOnRefusal),
        ("R6-edge", "R6-refused"),
    ),
    Mutant(
        "a refused send costs a point",
        Defect(vendor=vendors.ChargesRefusedSends, rules=lambda rules: ()),
        ("R6-refused", "M-refusal"),
    ),
    Mutant("a refused send is reported", Defect(vendor=vendors.QueuesRefusedSends), ("R6-refused",)),
    Mutant(
        "concurrent sends overdraw the balance", Defect(store=stores.NonAtomicBalance), ("C-balance",), is_race=True
    ),
    Mutant("69 characters in a single segment", Defect(pricing=_segment_price(69, 67)), ("R6-segments",)),
    Mutant("71 characters in a single segment", Defect(pricing=_segment_price(71, 67)), ("R6-segments",)),
    Mutant("66 characters in each of several segments", Defect(pricing=_segment_price(70, 66)), ("R6-segments",)),
    Mutant("68 characters in each of several segments", Defect(pricing=_segment_price(70, 68)), ("R6-segments",)),
    Mutant("70 characters in each of several segments", Defect(pricing=_segment_price(70, 70)), ("R6-segments",)),
    Mutant(
        "characters are counted, not UTF-16 units",
        Defect(pricing=lambda text: 1 if len(text) <= 70 else -(-len(text) // 67)),
        ("R6-segments",),
    ),
    Mutant(
        "140 ASCII characters in a single segment",
        Defect(pricing=lambda text: 1 if text.isascii() and len(text) <= 140 else _segment_price(70, 67)(text)),
        ("R6-segments",),
    ),
    Mutant("every number costs one point", Defect(pricing=lambda text: 1), ("R6-segments",)),
    Mutant(
        "successCounts counts segments",
        Defect(
            result=lambda request, result: (
                result._replace(success_counts=result.success_counts * _segment_price(70, 67)(request.content))
                if isinstance(result, AcceptedSend)
                else result
            )
        ),
        ("R6-counts",),
    ),
    Mutant(
        "points have decimals",
        Defect(text=lambda text, request: re.sub(r"(\d)</(overage|sendTotal)>", r"\1.00</\2>", text)),
        ("R6-whole",),
    ),
    Mutant(
        "remainpoint is one point behind",
        changing_send_result(lambda result: result._replace(remainpoint=result.remainpoint + 1)),
        ("1.3-remainpoint", "R6-remainpoint"),
    ),
    Mutant(
        "overage is one point behind",
        Defect(
            result=lambda request, result: (
                result._replace(overage=result.overage + 1) if isinstance(result, QueriedBalance) else result
            )
        ),
        ("R6-remainpoint", "R6-edge"),
    ),
    Mutant("sendTotal is the balance", Defect(store=stores.ForgetsTopUps), ("2.3-sendTotal",)),
    Mutant(
        "the postpaid balance is positive",
        Defect(
            result=lambda request, result: (
                result._replace(overage=abs(result.overage)) if isinstance(result, QueriedBalance) else result
            )
        ),
        ("R6-postpaid",),
    ),
    Mutant(
        "a scheduled message is not charged",
        Defect(store=stores.charging(lambda send: 0 if send.task.due > send.task.sent_at else send.task.price)),
        ("R9-charged",),
    ),
)
