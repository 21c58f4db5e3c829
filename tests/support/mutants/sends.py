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
        changing_send_result(lambda result: result._replace(success_counts=result.success_counts + 1)),
        ("1.2-mobile",),
    ),
    Mutant(
        "a taskID is used again",
        Defect(store=stores.numbering_tasks(lambda: (100001 + index % 5 for index in count()))),
        ("1.3-taskID",),
    ),
    Mutant("taskIDs decrease", Defect(store=stores.numbering_tasks(lambda: count(999999, -1))), ("R7",)),
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
)
