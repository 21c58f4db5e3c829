"""Mutant vendors for testing the contract suite: the emulator with one seeded defect, and the clauses that must fail.

Each family of defects has its module. Only `stores` and `vendors` subclass parts of the emulator.
"""

from typing import Final

from support.mutants.answer_charsets import ANSWER_CHARSETS
from support.mutants.between_accounts import BETWEEN_ACCOUNTS
from support.mutants.between_pages import BETWEEN_PAGES
from support.mutants.billing import BILLING
from support.mutants.brands import BRANDS
from support.mutants.charsets import CHARSETS
from support.mutants.connections import CONNECTIONS
from support.mutants.counts import COUNTS
from support.mutants.identities import IDENTITIES
from support.mutants.json_responses import JSON_RESPONSES
from support.mutants.keywords import KEYWORDS
from support.mutants.layout import LAYOUT
from support.mutants.memory import MEMORY
from support.mutants.mixed_outcomes import MIXED_OUTCOMES
from support.mutants.mobile_lists import MOBILE_LISTS
from support.mutants.money import MONEY
from support.mutants.mutant import Mutant
from support.mutants.older_endpoints import OLDER_ENDPOINTS
from support.mutants.parameters import PARAMETERS
from support.mutants.queues import QUEUES
from support.mutants.request_parsing import REQUEST_PARSING
from support.mutants.sends import SENDS
from support.mutants.signatures import SIGNATURES
from support.mutants.spelling import SPELLING
from support.mutants.texts import TEXTS
from support.mutants.times import TIMES
from support.mutants.validation import VALIDATION

__all__ = ["MUTANTS", "Mutant"]

MUTANTS: Final = (
    *SPELLING,
    *LAYOUT,
    *CHARSETS,
    *VALIDATION,
    *SIGNATURES,
    *REQUEST_PARSING,
    *QUEUES,
    *BILLING,
    *SENDS,
    *KEYWORDS,
    *JSON_RESPONSES,
    *COUNTS,
    *BETWEEN_ACCOUNTS,
    *BETWEEN_PAGES,
    *MIXED_OUTCOMES,
    *TIMES,
    *MONEY,
    *MEMORY,
    *TEXTS,
    *IDENTITIES,
    *PARAMETERS,
    *MOBILE_LISTS,
    *CONNECTIONS,
    *ANSWER_CHARSETS,
    *OLDER_ENDPOINTS,
    *BRANDS,
)
