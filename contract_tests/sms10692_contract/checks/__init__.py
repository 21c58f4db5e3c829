"""The checks: for every clause of the table one function that raises Mismatch where it does not hold.

Here belong the families, a file each, and the one table of all of them.
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
