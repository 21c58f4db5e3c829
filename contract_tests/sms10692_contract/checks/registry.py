"""Registry of checks by clause id. It refuses two checks for one clause."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from sms10692_contract.harness import CheckContext

Check: TypeAlias = Callable[[CheckContext], None]

_CHECKS: Final[dict[str, Check]] = {}

CHECKS: Final[Mapping[str, Check]] = _CHECKS
"""Check by clause id. A check that covers several clauses is registered under each of them."""


def checks(*clauses: str) -> Callable[[Check], Check]:
    """Decorator: register a function as the check of these clauses. Raises ValueError if one has a check already."""

    def register(check: Check) -> Check:
        for clause in clauses:
            if clause in _CHECKS:
                raise ValueError(f"the clause {clause} has two checks")
            _CHECKS[clause] = check
        return check

    return register
