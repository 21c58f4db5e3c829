"""What a whole run means: its exit code, the same for the command and for pytest.

"Nothing failed" is no success if nothing was checked.
"""

from collections.abc import Sequence
from typing import Final

from sms10692_contract.demand import Demand
from sms10692_contract.runner import State, Verdict

FAILED: Final = 1
"""Exit code when a demanded clause failed."""

INCONCLUSIVE: Final = 3
"""Exit code when the server ended the run, responses were lost, or no demanded clause was exercised."""


def conclude(verdicts: Sequence[Verdict], demand: Demand) -> tuple[int, str]:
    """Return the exit code of a run that was not stopped, and a message that says why; empty if the verdicts do."""
    states = {verdict.state for verdict in verdicts}
    if State.FAILED in states:
        return FAILED, ""
    if State.NOT_JUDGED in states:
        return INCONCLUSIVE, ""
    if states == {State.NOT_EXERCISED}:
        return INCONCLUSIVE, "no clause was exercised; see the reasons above"
    demanded = {verdict.state for verdict in verdicts if demand.includes(verdict.clause)}
    if demanded == {State.NOT_EXERCISED}:
        return INCONCLUSIVE, f"no clause that --demand {demand} includes was exercised; see the reasons above"
    return 0, ""
