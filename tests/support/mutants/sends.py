"""Tasks that have no number of their own, and numbers counted wrongly.

Here belongs what a send is beside its price.
"""

import re
from itertools import count
from typing import Final

from support.mutant_vendor import Fault
from support.mutants import stores
from support.mutants.mutant import Broken, sent

SENDS: Final = (
    Broken(
        "successCounts is one too many",
        sent(lambda one: one._replace(success_counts=one.success_counts + 1)),
        ("1.2-mobile",),
    ),
    Broken(
        "a taskID is used again",
        Fault(store=stores.giving(lambda: (100001 + place % 5 for place in count()))),
        ("1.3-taskID",),
    ),
    Broken("taskIDs fall", Fault(store=stores.giving(lambda: count(999999, -1))), ("1.3-taskID",)),
    Broken(
        "every task is the same",
        Fault(store=stores.giving(lambda: (100001 for _ in count()))),
        ("1.3-taskID", "C-taskID"),
    ),
    Broken(
        "the full-width comma divides",
        Fault(call=lambda call: call._replace(mobile=call.mobile.replace("，", ","))),
        ("R5-trimmed",),
    ),
    Broken(
        "numbers given twice are sent once",
        Fault(call=lambda call: call._replace(mobile=",".join(dict.fromkeys(call.mobile.split(","))))),
        ("R5-twice",),
    ),
    Broken(
        "a trailing comma is one number more",
        Fault(call=lambda call: call._replace(mobile=re.sub(r"(?<=\d),+$", ",13000000000", call.mobile))),
        ("Q15",),
    ),
    Broken(
        "10,000 numbers at most",
        Fault(call=lambda call: call._replace(extno="?") if call.mobile.count(",") > 10_000 else call),
        ("Q15-many",),
    ),
    Broken(
        "numbers that refuse a send are ordinary",
        Fault(call=lambda call: call._replace(mobile=call.mobile.replace("1000000000", "1500000000"))),
        ("R13-refusals",),
    ),
)
