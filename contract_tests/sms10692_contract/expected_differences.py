"""The differences that a user has accepted: a TOML file with the clause, what was observed, why, and since when.

    [[difference]]
    clause = "2.3-found"
    observation = "returnstatus is 'Success' instead of 'Sucess'"
    reason = "the vendor corrected it"
    since = "2026-11-30"

A deviation that is observed as the file says does not fail the run; any other one does. Values that change with every
run (times, task numbers, points, phone numbers, signatures) are replaced before observations are compared.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from sms10692_contract.clauses import BY_ID
from sms10692_contract.runner import State, Verdict

_KEYS: Final = ("clause", "observation", "reason", "since")
_VOLATILE: Final = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\d\d:\d\d:\d\d|\b[0-9a-f]{32}\b"
    r"|(?<=<taskID>)[^<]*|(?<=<taskid>)[^<]*|(?<=<remainpoint>)[^<]*|(?<=<overage>)[^<]*|(?<=<sendTotal>)[^<]*"
    r"|(?<=taskID )\S+|(?<=task )\S+|(?<=remainpoint )[-.\d]+|(?<=overage )[-.\d]+|(?<=sendTotal )[-.\d]+"
    r"|\d[\d*…]{3,}"
)
"""Values that change from run to run: times, signatures, task numbers, points and phone numbers, also masked."""

_LIST: Final = re.compile(r"\[[^\[\]<>]*\]")
"""A list of items or numbers, whose length depends on the allowed numbers."""

_OBSERVATION_LIMIT: Final = 300
_UNDECIDED: Final = (State.NOT_EXERCISED, State.NOT_JUDGED)


@dataclass(frozen=True)
class ExpectedDifference:
    """One accepted difference. An empty observation accepts any deviation from the clause."""

    clause: str
    observation: str
    reason: str
    since: str

    def matches(self, verdict: Verdict) -> bool:
        """Return whether a verdict is this difference."""
        return self.clause == verdict.clause.id and self.observation in ("", describe_observation(verdict))


def describe_observation(verdict: Verdict) -> str:
    """Return what was observed, the same in every run of the same vendor."""
    text = verdict.cause or f"expected {verdict.expected}; got {verdict.actual}"
    return _VOLATILE.sub("#", _LIST.sub("#", " ".join(text.split())))[:_OBSERVATION_LIMIT]


def load_differences(file: Path) -> list[ExpectedDifference]:
    """Load a file. Raises ValueError with a message for the user, and OSError."""
    try:
        table = tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is not TOML: {error}") from error
    rows = table.get("difference", [])
    if set(table) - {"difference"} or not isinstance(rows, list):
        raise ValueError(f"{file} has other keys than [[difference]]")
    differences = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or set(row) != set(_KEYS) or not all(isinstance(row[key], str) for key in row):
            raise ValueError(f"{file}, difference {number}: its keys must be {', '.join(_KEYS)}, with texts")
        if row["clause"] not in BY_ID:
            raise ValueError(f"{file}, difference {number}: there is no clause {row['clause']}")
        differences.append(ExpectedDifference(**row))
    return differences


def apply_differences(verdicts: Iterable[Verdict], differences: Sequence[ExpectedDifference]) -> list[Verdict]:
    """Turn each deviation that is accepted into an expected one, with the reason of the file."""
    result = []
    for verdict in verdicts:
        accepted = [difference for difference in differences if verdict.is_deviation and difference.matches(verdict)]
        if accepted:
            reason = f"{accepted[0].reason} (since {accepted[0].since}): {describe_observation(verdict)}"
            verdict = replace(verdict, state=State.EXPECTED, reason=reason)
        result.append(verdict)
    return result


def find_gone(verdicts: Sequence[Verdict], differences: Sequence[ExpectedDifference]) -> list[ExpectedDifference]:
    """Return the accepted differences that the run did not find, although it judged their clauses."""
    judged = {verdict.clause.id for verdict in verdicts if verdict.state not in _UNDECIDED}
    return [
        difference
        for difference in differences
        if difference.clause in judged and not any(difference.matches(v) for v in verdicts if v.is_deviation)
    ]


def format_gone(difference: ExpectedDifference) -> str:
    """Return one line about an accepted difference that was not found."""
    return f"gone: {difference.clause}, expected since {difference.since}: {difference.observation}"


def write_differences(
    verdicts: Sequence[Verdict], known: Sequence[ExpectedDifference], file: Path, today: date
) -> None:
    """Write the failed clauses of a run as accepted differences.

    Reasons and dates of known ones are kept, and so are the differences of clauses that this run did not judge.
    """
    judged = {verdict.clause.id for verdict in verdicts if verdict.state not in _UNDECIDED}
    rows = [difference for difference in known if difference.clause not in judged]
    for verdict in verdicts:
        if verdict.state in (State.FAILED, State.EXPECTED):
            same = [difference for difference in known if difference.matches(verdict)]
            new = ExpectedDifference(verdict.clause.id, describe_observation(verdict), "to be explained", str(today))
            rows.append(same[0] if same else new)
    head = "# Differences of this server that are accepted. See sms10692-contract run --help, --expect.\n"
    file.write_text(head + "".join(map(_format_row, rows)), "utf-8")


def _format_row(difference: ExpectedDifference) -> str:
    """Format a difference as TOML: its basic strings are JSON strings, except for the character U+007F."""
    pairs = ((key, json.dumps(getattr(difference, key), ensure_ascii=False)) for key in _KEYS)
    return "\n[[difference]]\n" + "".join(f"{key} = {text}\n" for key, text in pairs).replace("\x7f", "\\u007F")
