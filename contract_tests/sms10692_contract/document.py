"""`docs/contract.md`, from the table of clauses: `python -m sms10692_contract.document > docs/contract.md`.

Here belongs the look of that page. A test compares it with what this writes.
"""

import sys
from collections.abc import Iterator
from typing import Final

from sms10692_contract.clauses import CLAUSES, Clause

_NEEDS: Final = {"send": "`--allow-send`", "fetch": "`--allow-fetch`", "control": "`--control`"}

_HEAD: Final = """# The contract

Generated from `fixtures/clauses.toml`; do not edit. What `sms10692-contract` examines, in this order. *of* is the
manual's chapter, a reading of `fixtures/readings.md` (R), a shape of requests that clients send (Q), or something seen
in answers of real servers (A). *needs* is what has to be allowed to exercise the clause; where nothing stands, anybody
may always ask it. C: many requests at once. M: any order of requests, beside a model.

| clause | of | what the vendor does | on the wire | needs |
|---|---|---|---|---|
"""


def document() -> str:
    """The whole page."""
    return _HEAD + "".join(f"| {' | '.join(_cells(clause))} |\n" for clause in CLAUSES)


def _cells(clause: Clause) -> Iterator[str]:
    yield clause.id
    yield clause.source
    yield clause.says.replace("&", "&amp;").replace("<", "&lt;")
    yield f"`{clause.wire.replace('|', '/')}`" if clause.wire else ""
    yield " ".join(_NEEDS[need] for need in clause.needs)


if __name__ == "__main__":
    sys.stdout.write(document())
