"""The file of known failures: only new ones fail a run."""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from sms10692_examine.case_table import load_cases
from sms10692_examine.verdicts import State, Verdict

_KEYS: Final = frozenset({"case", "reason", "since"})


@dataclass(frozen=True, slots=True)
class KnownFailure:
    """A case that is known to fail: why, and since when."""

    case: str
    reason: str
    since: str = ""


def load_known_failures(file: Path) -> list[KnownFailure]:
    """Read the tables `[[known]]` of a TOML file. Raises ValueError with the file and what is wrong."""
    try:
        document = tomllib.loads(file.read_text("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: {error}") from error
    rows = document.pop("known", [])
    if document or not isinstance(rows, list):
        raise ValueError(f"{file}: expected tables [[known]] only, got {', '.join(document) or 'a value'}")
    failures = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not set(row) <= _KEYS or not {"case", "reason"} <= set(row):
            raise ValueError(f"{file}: table {number} needs case and reason, and may have since")
        failures.append(KnownFailure(str(row["case"]), str(row["reason"]), str(row.get("since", ""))))
    unknown = sorted({failure.case for failure in failures} - set(load_cases()))
    if unknown:
        raise ValueError(f"{file}: no such case: {', '.join(unknown)}")
    return failures


def apply_known_failures(verdicts: Iterable[Verdict], known: Sequence[KnownFailure]) -> list[Verdict]:
    """Mark the failed cases that are known."""
    reasons = {failure.case: failure.reason for failure in known}
    return [
        replace(verdict, expected_because=reasons[verdict.case.id])
        if verdict.state is State.FAILED and verdict.case.id in reasons
        else verdict
        for verdict in verdicts
    ]


def find_mended(verdicts: Iterable[Verdict], known: Sequence[KnownFailure]) -> list[str]:
    """Return the ids of the known failures that passed."""
    passed = {verdict.case.id for verdict in verdicts if verdict.state is State.PASSED}
    return [failure.case for failure in known if failure.case in passed]
