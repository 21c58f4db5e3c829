"""Loader of the table of clauses, `fixtures/clauses.toml`. The wheel contains a copy of the table.

A clause is one requirement: of the manual, observed at real servers, of a reading, or ours. The checks are in `checks`.
"""

import tomllib
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

_INSTALLED: Final = Path(str(files("sms10692_contract")))
_REPOSITORY: Final = Path(__file__).parents[2]


def _find_file(folder: str, name: str, installed_folder: Path = _INSTALLED) -> Path:
    """Return a file of the repository, or its copy in the wheel."""
    installed = installed_folder / name
    return installed if installed.is_file() else _REPOSITORY / folder / name


CONTRACT: Final = _find_file("docs", "contract.md")
"""All clauses with what they rest on."""

READINGS: Final = _find_file("fixtures", "readings.md", _INSTALLED.parent / "sms10692_mock" / "admin" / "console")
"""All readings. The wheel has them in the console, which shows them."""

FAMILIES: Final = {
    "Q": "requests as real clients send them",
    "A": "responses as real servers send them",
    "R": "a reading",
    "C": "concurrent requests",
    "M": "requests in random order, compared with a model",
    "N": "edges of counts",
    "B": "between accounts",
    "O": "mixed outcomes, and both endpoints",
    "T": "time",
    "P": "prices and balances",
    "S": "no response depends on earlier requests",
    "F": "forms of a request",
    "E": "the older endpoints",
    "D": "differences between brands",
    "K": "connections",
    "L": "exact layout",
}
"""What the first letter of a clause id means; a chapter of the manual has none."""


class Provenance(StrEnum):
    """What a clause rests on, from the strongest to the weakest."""

    MANUAL = "manual"
    OBSERVED = "observed"
    READING = "reading"
    OURS = "ours"


@dataclass(frozen=True)
class Observation:
    """When a real server was last seen to do what a clause says, and what kind of server it was.

    `server` and `server_zh` say it without naming a host: "a v2 server, IIS 8.5, December 2025".
    """

    date: date
    server: str
    server_zh: str


NEVER_OBSERVED: Final = "never"
"""Stands in a table for the observation of a clause that no run has confirmed at a real server."""


@dataclass(frozen=True)
class Clause:
    """One requirement.

    `text` is the requirement, `literal` the literal text on the wire if there is one. `source` names the evidence:
    chapters of the manual, a request shape (Q) or response (A) that was observed, with its `grade` (S, M or W), or a
    reading (R). `group` is the id of its row in `docs/reference.md`. `permissions` are what its check needs: any of
    "send", "fetch", "control" and "older" (the older endpoints). `last_observed` is the last run at a real server in
    which the clause held; None if there was none. The clause of a key of a profile has its name as `key`, and as
    `manual` its value in the manual's profile. `text_zh` is the requirement in Chinese, where it is not in the
    console's table.
    """

    id: str
    group: str
    provenance: Provenance
    text: str
    source: str = ""
    grade: str = ""
    literal: str = ""
    permissions: tuple[str, ...] = ()
    text_zh: str = ""
    key: str = ""
    manual: Any = field(default=None, hash=False)
    last_observed: Observation | None = None

    @property
    def observed(self) -> str:
        """When and where the clause was last seen to hold, in one line."""
        seen = self.last_observed
        return NEVER_OBSERVED if seen is None else f"{seen.date.isoformat()}, {seen.server}"

    @property
    def label(self) -> str:
        """Provenance, grade and source in one line: "manual 1.2", "observed A1 (S)", "ours"."""
        grade = f" ({self.grade})" if self.grade else ""
        return f"{self.provenance} {self.source}".rstrip() + grade

    @property
    def section(self) -> str:
        """Title of its section in `docs/contract.md`: "Manual 1.2", "Observed", "Reading" or "Ours"."""
        name = self.provenance.capitalize()
        return f"{name} {self.source.partition(',')[0]}" if self.provenance is Provenance.MANUAL else name

    @property
    def link(self) -> str:
        """File and heading of the clause, on this machine: the wheel contains the file."""
        return f"{CONTRACT}#{self.section.lower().replace(' ', '-').replace('.', '')}"


@dataclass(frozen=True)
class Group:
    """Clauses with the same provenance: one row of the table in `docs/reference.md`, in English and in Chinese.

    If `evidence` is empty, the table lists the readings that the clauses of the group cite. A group without clauses
    is what the emulator does not attempt.
    """

    id: str
    text: str
    text_zh: str
    evidence: str = ""
    evidence_zh: str = ""


_TABLE: Final = tomllib.loads(_find_file("fixtures", "clauses.toml").read_text("utf-8"))

GROUPS: Final = tuple(Group(**row) for row in _TABLE["group"])
"""All groups, in the order of the table in `docs/reference.md`."""


def parse_clause(row: dict[str, Any]) -> Clause:
    """Build a clause from its row."""
    seen = row.get("last_observed")
    return Clause(
        **row
        | {
            "provenance": Provenance(row["provenance"]),
            "permissions": tuple(row.get("permissions", ())),
            "last_observed": None if seen is None else Observation(**seen),
        }
    )


CLAUSES: Final = tuple(map(parse_clause, _TABLE["clause"]))
"""All clauses, in the order in which they are checked and reported."""

BY_ID: Final = {clause.id: clause for clause in CLAUSES}


def count_observed() -> int:
    """Return how many clauses were confirmed at a real server."""
    return sum(clause.last_observed is not None for clause in CLAUSES)
