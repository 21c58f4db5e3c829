"""Defects of billing (R6): wrong prices and wrong balances."""

from collections.abc import Callable
from typing import Final

from sms10692_mock.domain.results import BalanceResult
from support.mutant_vendor import Defect
from support.mutants import stores, vendor
from support.mutants.mutant import Mutant, changing_send_result


def _segment_price(single: int, multi: int) -> Callable[[str], int]:
    def price(text: str) -> int:
        units = len(text.encode("utf-16-le")) // 2
        return 1 if units <= single else -(-units // multi)

    return price


MONEY: Final = (
    Mutant(
        "charged twice",
        Defect(store=stores.charging_extra(lambda task, points: 2 * task.price)),
        ("R6-parts", "R6-remainpoint", "M-charged"),
    ),
    Mutant(
        "never charged", Defect(store=stores.charging_extra(lambda task, points: 0)), ("R6-parts", "R6-remainpoint")
    ),
    Mutant(
        "the last point cannot be spent",
        Defect(store=stores.charging_extra(lambda task, points: task.price + (task.cost == points) * 10**9)),
        ("R6-edge",),
    ),
    Mutant("a point too many can be spent", Defect(vendor=vendor.AllowsOverdraft), ("R6-edge",)),
    Mutant("a refusal takes the balance", Defect(vendor=vendor.ChargesPartialOnRefusal), ("R6-edge", "R6-refused")),
    Mutant(
        "a refusal costs a point",
        Defect(vendor=vendor.ChargesRefusedSends, rules=lambda checks: ()),
        ("R6-refused", "M-refusal"),
    ),
    Mutant("a refused send is reported", Defect(vendor=vendor.QueuesRefusedSends), ("R6-refused",)),
    Mutant("sends at once overdraw", Defect(store=stores.NonAtomicBalance), ("C-balance",)),
    Mutant("69 characters a part", Defect(billing=_segment_price(69, 67)), ("R6-parts",)),
    Mutant("71 characters a part", Defect(billing=_segment_price(71, 67)), ("R6-parts",)),
    Mutant("66 characters of several", Defect(billing=_segment_price(70, 66)), ("R6-parts",)),
    Mutant("68 characters of several", Defect(billing=_segment_price(70, 68)), ("R6-parts",)),
    Mutant("70 characters of several", Defect(billing=_segment_price(70, 70)), ("R6-parts",)),
    Mutant(
        "characters, not UTF-16 units",
        Defect(billing=lambda text: 1 if len(text) <= 70 else -(-len(text) // 67)),
        ("R6-parts",),
    ),
    Mutant(
        "140 letters a part",
        Defect(billing=lambda text: 1 if text.isascii() and len(text) <= 140 else _segment_price(70, 67)(text)),
        ("R6-parts",),
    ),
    Mutant("a number costs a point", Defect(billing=lambda text: 1), ("R6-parts",)),
    Mutant(
        "remainpoint is the balance before",
        changing_send_result(lambda single: single._replace(remainpoint=single.remainpoint + 1)),
        ("R6-remainpoint",),
    ),
    Mutant(
        "overage is a point behind",
        Defect(
            result=lambda call, single: (
                single._replace(overage=single.overage + 1) if isinstance(single, BalanceResult) else single
            )
        ),
        ("R6-remainpoint", "R6-edge"),
    ),
    Mutant("sendTotal is what is left", Defect(store=stores.ForgetsTopUps), ("2.3-sendTotal",)),
    Mutant(
        "the post-paid balance is positive",
        Defect(
            result=lambda call, single: (
                single._replace(overage=abs(single.overage)) if isinstance(single, BalanceResult) else single
            )
        ),
        ("R6-postpaid",),
    ),
    Mutant(
        "a scheduled message is not charged",
        Defect(store=stores.charging_extra(lambda task, points: 0 if task.due > task.sent_at else task.price)),
        ("R9-charged",),
    ),
)
