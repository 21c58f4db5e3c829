"""Defects of sends, except prices: wrong task ids, and wrong counts of numbers."""

import re
from itertools import count
from typing import Final

from support.mutant_vendor import Defect
from support.mutants import stores
from support.mutants.mutant import Mutant, changing_send_result

SENDS: Final = (
    Mutant(
        "successCounts is one too many",
        changing_send_result(lambda one: one._replace(success_counts=one.success_counts + 1)),
        ("1.2-mobile",),
    ),
    Mutant(
        "a taskID is used again",
        Defect(store=stores.yielding(lambda: (100001 + index % 5 for index in count()))),
        ("1.3-taskID",),
    ),
    Mutant("taskIDs fall", Defect(store=stores.yielding(lambda: count(999999, -1))), ("1.3-taskID",)),
    Mutant(
        "every task is the same",
        Defect(store=stores.yielding(lambda: (100001 for _ in count()))),
        ("1.3-taskID", "C-taskID"),
    ),
    Mutant(
        "the full-width comma divides",
        Defect(api_request=lambda call: call._replace(mobile=call.mobile.replace("，", ","))),
        ("R5-trimmed",),
    ),
    Mutant(
        "numbers given twice are sent once",
        Defect(api_request=lambda call: call._replace(mobile=",".join(dict.fromkeys(call.mobile.split(","))))),
        ("R5-twice",),
    ),
    Mutant(
        "a trailing comma is one number more",
        Defect(api_request=lambda call: call._replace(mobile=re.sub(r"(?<=\d),+$", ",13000000000", call.mobile))),
        ("Q15",),
    ),
    Mutant(
        "10,000 numbers at most",
        Defect(api_request=lambda call: call._replace(extno="?") if call.mobile.count(",") > 10_000 else call),
        ("Q15-many",),
    ),
    Mutant(
        "numbers that refuse a send are ordinary",
        Defect(api_request=lambda call: call._replace(mobile=call.mobile.replace("1000000000", "1500000000"))),
        ("R13-refusals",),
    ),
)
