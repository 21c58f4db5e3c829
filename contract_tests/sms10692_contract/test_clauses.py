"""One pytest test per clause. Needs the fixtures of `plugin`."""

from collections.abc import Callable

import pytest

from sms10692_contract import report
from sms10692_contract.clauses import CLAUSES, Clause
from sms10692_contract.escaping import escape_unprintable
from sms10692_contract.harness import CheckContext
from sms10692_contract.runner import State, Verdict


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.id)
def test_a_clause_holds(
    clause: Clause,
    run_clause: Callable[[Clause], Verdict],
    context: CheckContext,
    record_property: Callable[[str, object], None],
) -> None:
    """The vendor behaves as the clause says.

    Skipped if the clause cannot be exercised. Expected to fail if the vendor differs and the demand does not include
    the clause.
    """
    for name, value in report.get_properties(clause):
        record_property(name, value)
    verdict = run_clause(clause)
    if verdict.cases:
        record_property("cases", verdict.cases)
    if verdict.state is State.NOT_EXERCISED:
        pytest.skip(escape_unprintable(verdict.reason))
    if verdict.state is State.NOT_JUDGED:
        pytest.skip(escape_unprintable(f"{verdict.state.value}: {verdict.reason}"))
    if verdict.state in (State.DIFFERS, State.EXPECTED):
        pytest.xfail(f"{verdict.state.value}: {escape_unprintable(verdict.reason)}")
    if verdict.state is State.FAILED:
        repeat_command = f"the same command, with --seed {context.seed} --only {clause.id}"
        pytest.fail(report.format_failure(verdict, context.address, repeat_command), pytrace=False)
