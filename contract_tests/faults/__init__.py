"""Broken vendors: each the emulator with exactly one fault, and the clauses that must fail for it.

Here belongs the table of all of them; each family has its file. Those that know the emulator from inside are built in
`stores` and `vendor`, and nowhere else.
"""

from typing import Final

from faults.broken import Broken
from faults.charsets import CHARSETS
from faults.checks import CHECKS
from faults.forms import FORMS
from faults.json_answers import JSON_ANSWERS
from faults.keywords import KEYWORDS
from faults.layout import LAYOUT
from faults.money import MONEY
from faults.queues import QUEUES
from faults.sends import SENDS
from faults.signatures import SIGNATURES
from faults.words import WORDS

__all__ = ["FAULTS", "Broken"]

FAULTS: Final = (
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
