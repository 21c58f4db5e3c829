"""Verdicts of the examiner: what became of a case."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from sms10692_examine.case_table import CaseText, load_causes
from sms10692_examine.exchange import Credentials, Exchange
from sms10692_examine.observations import Observation, Translated


class State(Enum):
    """Result of a case. A warning is for what the emulator accepts, and what fails or costs at some vendors."""

    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"
    NOT_SUPPORTED = "not supported"
    NOT_JUDGED = "not judged"


class CaseFailed(Observation):
    """The client does not do what the case expects; the text says what it did."""


class CaseWarning(Observation):
    """The client does what fails or costs at some vendors; the text says what."""


class NotSupported(Observation):
    """The client or the run does not have what the case is about; the text says what."""


class NotJudged(Observation):
    """The case cannot tell right from wrong now; the text says why."""


STATES: Final[dict[type[Observation], State]] = {
    CaseFailed: State.FAILED,
    CaseWarning: State.WARNING,
    NotSupported: State.NOT_SUPPORTED,
    NotJudged: State.NOT_JUDGED,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on one case: what was observed, and the evidence.

    `accounts` are those of the exchanges, which are deleted. `expected_because` is of a known failure. `cause` is the
    id of what the observation shows to be wrong, or empty.
    """

    case: CaseText
    state: State
    observed: str = ""
    observed_zh: str = ""
    exchanges: tuple[Exchange, ...] = ()
    stderr: str = ""
    seconds: float = 0.0
    expected_because: str = ""
    cause: str = ""
    accounts: tuple[Credentials, ...] = ()

    @property
    def is_new_failure(self) -> bool:
        return self.state is State.FAILED and not self.expected_because


def expect(is_right: bool, observed: str, *values: object, cause: str = "") -> None:
    """Raise CaseFailed with what was observed, a template and its values, unless it is right."""
    if not is_right:
        raise CaseFailed(observed, *values, cause=cause)


def find_shared_causes(verdicts: Sequence[Verdict]) -> Iterator[Observation]:
    """Yield a sentence for each cause that several failures and warnings have in common."""
    found: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.cause and verdict.state in (State.FAILED, State.WARNING):
            found.setdefault(verdict.cause, []).append(verdict.case.id)
    for cause, cases in found.items():
        if len(cases) > 1:
            row = load_causes()[cause]
            yield Observation(
                "{} cases have one cause, {}: {}", len(cases), Translated(row.text, row.text_zh), ", ".join(cases)
            )


def count_states(verdicts: Sequence[Verdict]) -> dict[State, int]:
    """Return the number of verdicts of each state, in the order of `State`."""
    return {state: sum(verdict.state is state for verdict in verdicts) for state in State}
