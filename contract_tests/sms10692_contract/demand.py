"""The demand of a run: how much of what a clause rests on decides whether the run fails.

The manual is demanded of every server. What was observed elsewhere, our readings and our inventions are demanded of an
emulator, and of other servers only if the user says so. Clauses beyond the demand are checked and reported too.
"""

from enum import StrEnum
from typing import Final

from sms10692_contract.clauses import Clause, Provenance


class Demand(StrEnum):
    """Each demand includes the ones before it."""

    MANUAL = "manual"
    OBSERVED = "observed"
    READING = "reading"
    ALL = "all"

    def includes(self, clause: Clause) -> bool:
        """Return whether a clause that does not hold fails the run."""
        return _PROVENANCES.index(clause.provenance) <= list(Demand).index(self)


_PROVENANCES: Final = list(Provenance)


def choose_demand(option: str | None, has_control: bool) -> Demand:
    """Return the demand of the option; by default everything of a server with a control API, otherwise the manual."""
    return Demand(option) if option else Demand.ALL if has_control else Demand.MANUAL
