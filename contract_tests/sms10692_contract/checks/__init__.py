"""The checks: for every clause of the table one function that raises Mismatch where it does not hold.

Here belong the families, a file each, and the one table of all of them.
"""

from sms10692_contract.checks import (
    calls,
    crowds,
    forms,
    json_answers,
    machine,
    money,
    overage_and_keywords,
    readings,
    sends,
    statuses,
)
from sms10692_contract.checks.registry import CHECKS, Check

__all__ = ["CHECKS", "Check"]

FAMILIES = (sends, overage_and_keywords, statuses, calls, forms, money, readings, json_answers, crowds, machine)
