"""Which function examines which clause.

Here belongs the table that the families fill, and what keeps two of them from claiming one clause.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from sms10692_contract.harness import CheckContext

Check: TypeAlias = Callable[[CheckContext], None]

_CHECKS: Final[dict[str, Check]] = {}

CHECKS: Final[Mapping[str, Check]] = _CHECKS
"""By the id of the clause. A function that examines several stands there several times."""


def checks(*clauses: str) -> Callable[[Check], Check]:
    """Enter a function as the check of these clauses."""

    def enter(check: Check) -> Check:
        for clause in clauses:
            if clause in _CHECKS:
                raise ValueError(f"two checks examine {clause}")
            _CHECKS[clause] = check
        return check

    return enter
