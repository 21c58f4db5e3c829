"""Mutant vendors for testing the contract suite: the emulator with one seeded defect, and the clauses that must fail.

Each family of defects has its module. Only `stores` and `vendor` subclass parts of the emulator.
"""

from typing import Final

from support.mutants.charsets import CHARSETS
from support.mutants.checks import CHECKS
from support.mutants.forms import FORMS
from support.mutants.json_answers import JSON_ANSWERS
from support.mutants.keywords import KEYWORDS
from support.mutants.layout import LAYOUT
from support.mutants.money import MONEY
from support.mutants.mutant import Mutant
from support.mutants.queues import QUEUES
from support.mutants.sends import SENDS
from support.mutants.signatures import SIGNATURES
from support.mutants.words import WORDS

__all__ = ["MUTANTS", "Mutant"]

MUTANTS: Final = (
    *WORDS,
    *LAYOUT,
    *CHARSETS,
    *CHECKS,
    *SIGNATURES,
    *FORMS,
    *QUEUES,
    *MONEY,
    *SENDS,
    *KEYWORDS,
    *JSON_ANSWERS,
)
