"""Points charged wrongly, and balances that are not what was charged.

Here belongs R6. The stores and vendors that charge so are in `stores` and `vendor`.
"""

from collections.abc import Callable
from typing import Final

from sms10692_mock.domain.results import Balance
from support.mutant_vendor import Fault
from support.mutants import stores, vendor
from support.mutants.mutant import Broken, sent


def _parts(one: int, several: int) -> Callable[[str], int]:
    def price(text: str) -> int:
        units = len(text.encode("utf-16-le")) // 2
        return 1 if units <= one else -(-units // several)

    return price


MONEY: Final = (
    Broken(
        "charged twice",
        Fault(store=stores.charging(lambda task, points: 2 * task.price)),
        ("R6-parts", "R6-remainpoint", "M-charged"),
    ),
    Broken("never charged", Fault(store=stores.charging(lambda task, points: 0)), ("R6-parts", "R6-remainpoint")),
    Broken(
        "the last point cannot be spent",
        Fault(store=stores.charging(lambda task, points: task.price + (task.cost == points) * 10**9)),
        ("R6-edge",),
    ),
    Broken("a point too many can be spent", Fault(vendor=vendor.Overdrawn), ("R6-edge",)),
    Broken("a refusal takes the balance", Fault(vendor=vendor.Spends), ("R6-edge", "R6-refused")),
    Broken(
        "a refusal costs a point",
        Fault(vendor=vendor.ChargedRefusals, checks=lambda checks: ()),
        ("R6-refused", "M-refusal"),
    ),
    Broken("a refused send is reported", Fault(vendor=vendor.QueuesRefused), ("R6-refused",)),
    Broken("sends at once overdraw", Fault(store=stores.EdgeRace), ("C-balance",)),
    Broken("69 characters a part", Fault(billing=_parts(69, 67)), ("R6-parts",)),
    Broken("71 characters a part", Fault(billing=_parts(71, 67)), ("R6-parts",)),
    Broken("66 characters of several", Fault(billing=_parts(70, 66)), ("R6-parts",)),
    Broken("68 characters of several", Fault(billing=_parts(70, 68)), ("R6-parts",)),
    Broken("70 characters of several", Fault(billing=_parts(70, 70)), ("R6-parts",)),
    Broken(
        "characters, not UTF-16 units",
        Fault(billing=lambda text: 1 if len(text) <= 70 else -(-len(text) // 67)),
        ("R6-parts",),
    ),
    Broken(
        "140 letters a part",
        Fault(billing=lambda text: 1 if text.isascii() and len(text) <= 140 else _parts(70, 67)(text)),
        ("R6-parts",),
    ),
    Broken("a number costs a point", Fault(billing=lambda text: 1), ("R6-parts",)),
    Broken(
        "remainpoint is the balance before",
        sent(lambda one: one._replace(remainpoint=one.remainpoint + 1)),
        ("R6-remainpoint",),
    ),
    Broken(
        "overage is a point behind",
        Fault(answer=lambda call, one: one._replace(overage=one.overage + 1) if isinstance(one, Balance) else one),
        ("R6-remainpoint", "R6-edge"),
    ),
    Broken("sendTotal is what is left", Fault(store=stores.TotalShrinks), ("2.3-sendTotal",)),
    Broken(
        "the post-paid balance is positive",
        Fault(answer=lambda call, one: one._replace(overage=abs(one.overage)) if isinstance(one, Balance) else one),
        ("R6-postpaid",),
    ),
    Broken(
        "a scheduled message is not charged",
        Fault(store=stores.charging(lambda task, points: 0 if task.due > task.moment else task.price)),
        ("R9-charged",),
    ),
)
