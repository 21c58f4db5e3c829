"""Broken vendors: each the emulator with exactly one fault, and the clauses that must fail for it.

Here belongs the table of all of them; each family has its file. Those that know the emulator from inside are built in
`stores` and `vendor`, and nowhere else.
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
