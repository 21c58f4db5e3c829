"""Selection of clauses by `--only` and `--skip`, and the list that `--list` prints.

The command and the pytest plugin share this module, so that the options mean the same in both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sms10692_contract.clauses import CLAUSES, Clause
from sms10692_contract.safety import SafetyGuard


@dataclass(frozen=True)
class Selection:
    """Names of clauses: `only` these are checked (all if empty), except those in `skip`.

    A name is the id of a clause, a part of its source (a chapter such as 4 or 1.2, or R6), or a provenance.
    """

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()

    def get_clauses(self) -> list[Clause]:
        """Return the selected clauses, in the order in which they are checked."""
        return [clause for clause in CLAUSES if not self.get_exclusion_reason(clause)]

    def get_exclusion_reason(self, clause: Clause) -> str:
        """Return why a clause is not selected; empty if it is."""
        if self.only and not _matches_any(clause, self.only):
            return "not named by --only"
        return "named by --skip" if _matches_any(clause, self.skip) else ""


def _matches_any(clause: Clause, names: Sequence[str]) -> bool:
    sources = clause.source.split(", ")
    chapters = {source.partition(".")[0] for source in sources}
    return not {clause.id, clause.provenance, *sources, *chapters}.isdisjoint(names)


def parse_selection(only: Sequence[str], skip: Sequence[str]) -> Selection:
    """Build a selection from the values of the options.

    Raises ValueError with a message for the user if a name matches no clause or no clause is selected.
    """
    for option, names in (("--only", only), ("--skip", skip)):
        for name in names:
            if not any(_matches_any(clause, [name]) for clause in CLAUSES):
                raise ValueError(f"{option}: there is no clause {name}")
    selection = Selection(tuple(only), tuple(skip))
    if not selection.get_clauses():
        raise ValueError("--only and --skip select no clause")
    return selection


def find_reasons_not_run(selection: Selection, guard: SafetyGuard, has_control: bool) -> dict[str, str]:
    """Return by clause id why a clause would not run; empty for a clause that would.

    With a control API all clauses of the endpoints can run, because the accounts are temporary.
    """

    def reason(clause: Clause) -> str:
        needed = [name for name in clause.permissions if name == "older" or not has_control]
        missing = guard.find_missing_permission(needed)
        return selection.get_exclusion_reason(clause) or (f"needs {missing}" if missing else "")

    return {clause.id: reason(clause) for clause in CLAUSES}
