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
    """One clause. `source` is the manual's chapter or a reading; `wire` the exact text where there is one.

    `needs` says what exercising it takes: nothing, "send", "fetch", or "control".
    """

    id: str
    source: str
    says: str
    wire: str = ""
    needs: tuple[str, ...] = ()


def _table() -> str:
    return (_IN_THE_WHEEL if _IN_THE_WHEEL.is_file() else _IN_THE_TREE).read_text("utf-8")


def _read() -> tuple[Clause, ...]:
    rows = tomllib.loads(_table())["clause"]
    return tuple(Clause(**row | {"needs": tuple(row.get("needs", ()))}) for row in rows)


CLAUSES: Final = _read()
"""In the order in which they are examined and reported."""

BY_ID: Final = {clause.id: clause for clause in CLAUSES}
