"""Checks of all clauses. A check is a function that raises Mismatch if the vendor violates its clause.

Each module has the checks of one subject; importing it registers them in `CHECKS`.
"""

from sms10692_contract.checks import (
    calls,
    concurrency,
    encodings,
    json_answers,
    money,
    overage_and_keywords,
    readings,
    sends,
    stateful,
    statuses,
)
from sms10692_contract.checks.registry import CHECKS, Check

__all__ = ["CHECKS", "Check"]

FAMILIES = (
    sends,
    overage_and_keywords,
    statuses,
    calls,
    encodings,
    money,
    readings,
    json_answers,
    concurrency,
    stateful,
)
