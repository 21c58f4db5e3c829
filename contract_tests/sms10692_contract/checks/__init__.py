"""Checks of all clauses. A check is a function that raises Mismatch if the vendor violates its clause.

Each module has the checks of one subject; importing it registers them in `CHECKS`.
"""

from sms10692_contract.checks import (
    between_accounts,
    billing,
    brands,
    check_order,
    concurrency,
    connections,
    counts,
    credentials,
    decoding,
    encodings,
    exact_layout,
    forms,
    identity,
    json_responses,
    memory,
    mixed_outcomes,
    model_machine,
    number_lists,
    observed_profile,
    older_endpoints,
    overage_and_keywords,
    prices,
    replies,
    reports,
    response_charsets,
    send_parameters,
    sends,
    stateful,
    texts,
    times,
)
from sms10692_contract.checks.registry import CHECKS, Check

__all__ = ["CHECKS", "Check"]

MODULES = (
    between_accounts,
    billing,
    brands,
    texts,
    response_charsets,
    number_lists,
    identity,
    forms,
    connections,
    check_order,
    concurrency,
    counts,
    credentials,
    decoding,
    encodings,
    exact_layout,
    json_responses,
    memory,
    mixed_outcomes,
    model_machine,
    observed_profile,
    older_endpoints,
    overage_and_keywords,
    prices,
    replies,
    reports,
    send_parameters,
    sends,
    stateful,
    times,
)
"""All modules with checks."""
