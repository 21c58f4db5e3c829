"""The registry of cases: functions by the id of their row in `client_cases.toml`."""

from collections.abc import Callable
from typing import Final, TypeAlias

from sms10692_examine.case_table import load_cases
from sms10692_examine.session import Session

Check: TypeAlias = Callable[[Session], None]
"""Raises CaseFailed, CaseWarning, NotSupported or NotJudged; otherwise the case passed."""

CASES: Final[dict[str, Check]] = {}


def case(name: str) -> Callable[[Check], Check]:
    """Register a function as the check of a case. Raises KeyError for an id that is not in the table."""
    text = load_cases()[name]

    def register(check: Check) -> Check:
        if text.id in CASES:
            raise ValueError(f"two checks for the case {name}")
        CASES[text.id] = check
        return check

    return register
