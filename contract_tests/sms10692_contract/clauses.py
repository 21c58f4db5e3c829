"""Loader of the table of clauses, `fixtures/clauses.toml`. The wheel contains a copy of the table.

A clause is one requirement of the manual or of a reading. The checks of the clauses are in `checks`.
"""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

_INSTALLED_FILE: Final = files("sms10692_contract") / "clauses.toml"
_REPOSITORY_FILE: Final = Path(__file__).parents[2] / "fixtures" / "clauses.toml"


@dataclass(frozen=True)
class Clause:
    """One requirement.

    `text` is the requirement, `literal` the literal text on the wire if there is one. `source` is a chapter of the
    manual, a reading (R), a request shape (Q) or an observation (A). `group` is the id of its row in
    `docs/reference.md`. `permissions` are what its check needs: any of "send", "fetch" and "control".
    """

    id: str
    group: str
    source: str
    text: str
    literal: str = ""
    permissions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Clauses with the same provenance: one row of the table in `docs/reference.md`, in English and in Chinese.

    `kind` is "exact", "our reading", "our invention" or "not attempted". If `evidence` is empty, the table
    lists the readings that the clauses of the group cite.
    """

    id: str
    kind: str
    text: str
    text_zh: str
    evidence: str = ""
    evidence_zh: str = ""


_FILE: Final = _INSTALLED_FILE if _INSTALLED_FILE.is_file() else _REPOSITORY_FILE
_TABLE: Final = tomllib.loads(_FILE.read_text("utf-8"))

GROUPS: Final = tuple(Group(**row) for row in _TABLE["group"])
"""All groups, in the order of the table in `docs/reference.md`."""

CLAUSES: Final = tuple(Clause(**row | {"permissions": tuple(row.get("permissions", ()))}) for row in _TABLE["clause"])
"""All clauses, in the order in which they are checked and reported."""

BY_ID: Final = {clause.id: clause for clause in CLAUSES}
