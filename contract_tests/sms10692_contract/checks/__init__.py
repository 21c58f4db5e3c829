"""Checks of all clauses. A check is a function that raises Mismatch if the vendor violates its clause.

Each module has the checks of one subject; importing it registers them in `CHECKS`.
"""

from sms10692_contract.checks import (
    billing,
    concurrency,
    encodings,
    json_responses,
    overage_and_keywords,
    readings,
    replies,
    reports,
    sends,
    stateful,
)
from sms10692_contract.checks.registry import CHECKS, Check

__all__ = ["CHECKS", "Check"]

FAMILIES = (
    sends,
    overage_and_keywords,
    reports,
    replies,
    encodings,
    billing,
    readings,
    json_responses,
    concurrency,
    stateful,
)
