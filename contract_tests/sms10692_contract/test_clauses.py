"""Each clause as a test, for `plugin`.

Here belongs what pytest collects. Without the plugin there is nothing to examine.
"""

from collections.abc import Callable

import pytest

from sms10692_contract import report
from sms10692_contract.clauses import CLAUSES, Clause
from sms10692_contract.escaping import escape_unprintable
from sms10692_contract.harness import CheckContext
from sms10692_contract.runner import State, Verdict


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.id)
def test_a_clause_holds(clause: Clause, verdict_on: Callable[[Clause], Verdict], lab: CheckContext) -> None:
    """Fails with the request that shows it, and is skipped where it could not be exercised."""
    verdict = verdict_on(clause)
    if verdict.state is State.NOT_EXERCISED:
        pytest.skip(escape_unprintable(verdict.why))
    if verdict.state is State.FAILED:
        again = f"the same, with --contract-seed {lab.seed} -k '{clause.id}'"
        pytest.fail(report.failure(verdict, lab.address, again), pytrace=False)
