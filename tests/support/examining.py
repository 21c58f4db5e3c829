"""The examiner's command within the process, and runs that a busy machine cannot disturb."""

from collections.abc import Sequence, Set
from dataclasses import replace
from typing import Final

from click.testing import CliRunner, Result

from sms10692_examine.case_table import CaseText
from sms10692_examine.cli import command
from sms10692_examine.runner import RunResult, run_cases
from sms10692_examine.settings import Settings
from sms10692_examine.verdicts import State

FAULTS: Final = frozenset({State.FAILED, State.WARNING})
_PATIENT_TIMEOUT: Final = 8.0


def invoke_examine(*arguments: str) -> Result:
    """Run `sms10692-examine`: `return_value` is its exit code, and wrong usage raises click.UsageError."""
    return CliRunner().invoke(command, arguments, standalone_mode=False, catch_exceptions=False)


def examine(settings: Settings, cases: Sequence[CaseText], doubted: Set[State] = FAULTS) -> RunResult:
    """Run cases, and those whose verdict is doubted again."""
    return repeat_doubted(settings, run_cases(settings, cases), doubted)


def repeat_doubted(settings: Settings, result: RunResult, doubted: Set[State] = FAULTS) -> RunResult:
    """Run the cases whose verdict is doubted again: one at a time, with a timeout that work does not exceed.

    On a busy machine the usual timeout passes while a client works correctly. What a client does wrong it does again.
    """
    again = [verdict.case for verdict in result.verdicts if verdict.state in doubted]
    if again:
        patient = replace(settings, timeout=_PATIENT_TIMEOUT, jobs=1)
        second = {verdict.case.id: verdict for verdict in run_cases(patient, again).verdicts}
        result.verdicts = [second.get(verdict.case.id, verdict) for verdict in result.verdicts]
    return result
