"""The clauses of the contract: a sentence of the manual or a reading each, from one table.

Here belongs the table as values. The table itself is `fixtures/clauses.toml`, and a copy of it is in the wheel; what
examines a clause is in `checks`.
"""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

_IN_THE_WHEEL: Final = files("sms10692_contract") / "clauses.toml"
_IN_THE_TREE: Final = Path(__file__).parents[2] / "fixtures" / "clauses.toml"


@dataclass(frozen=True)
class Clause:
    """One clause. `source` is the manual's chapter or a reading; `wire` the exact text where there is one; `group` its
    row in `docs/reference.md`.

    `needs` says what exercising it takes: nothing, "send", "fetch", or "control".
    """

    id: str
    group: str
    source: str
    says: str
    wire: str = ""
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Clauses of which the same is true: exact, or our reading, or our invention; in English and in Chinese.

    `by` is the evidence; where there is none, the readings that the group's clauses cite.
    """

    id: str
    kind: str
    says: str
    says_zh: str
    by: str = ""
    by_zh: str = ""


_FILE: Final = _IN_THE_WHEEL if _IN_THE_WHEEL.is_file() else _IN_THE_TREE
_TABLE: Final = tomllib.loads(_FILE.read_text("utf-8"))

GROUPS: Final = tuple(Group(**row) for row in _TABLE["group"])
"""In the order of the table in `docs/reference.md`."""

CLAUSES: Final = tuple(Clause(**row | {"needs": tuple(row.get("needs", ()))}) for row in _TABLE["clause"])
"""In the order in which they are examined and reported."""

BY_ID: Final = {clause.id: clause for clause in CLAUSES}
