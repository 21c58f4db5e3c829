"""Checks of all clauses. A check is a function that raises Mismatch if the vendor violates its clause.

Each module has the checks of one subject; importing it registers them in `CHECKS`.
"""

from sms10692_contract.checks import (
    billing,
    check_order,
    concurrency,
    credentials,
    decoding,
    encodings,
    json_responses,
    observed_profile,
    overage_and_keywords,
    replies,
    reports,
    send_parameters,
    sends,
    stateful,
)
from sms10692_contract.checks.registry import CHECKS, Check

__all__ = ["CHECKS", "Check"]

MODULES = (
    billing,
    check_order,
    concurrency,
    credentials,
    decoding,
    encodings,
    json_responses,
    observed_profile,
    overage_and_keywords,
    replies,
    reports,
    send_parameters,
    sends,
    stateful,
)
"""All modules with checks."""
