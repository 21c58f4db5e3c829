"""How servers of this product differ from the manual in what they write, as data: `manual` and `observed`.

Here belong the differences and nothing that writes. `observed` differs in exactly three things, each seen in answers
of real servers (A12, A13, A14 of the evidence in `fixtures/readings.md`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sms10692 import contract
from sms10692.contract import Operation


@dataclass(frozen=True, slots=True, eq=False)
class Dialect:
    """One way of writing.

    `refusal_of` names, for each operation of the first two pages, the one in whose elements it is refused;
    `keyword_elements` are those of an answer to checkkeyword; `cdata` are those that boxes have as CDATA.
    """

    name: str
    refusal_of: Mapping[Operation | None, Operation]
    keyword_elements: tuple[str, ...]
    cdata: frozenset[tuple[Operation, str]]


MANUAL: Final = Dialect(
    name="manual",
    refusal_of={
        contract.SEND: contract.SEND,
        contract.OVERAGE: contract.OVERAGE,
        contract.CHECKKEYWORD: contract.CHECKKEYWORD,
        None: contract.SEND,  # R10
    },
    keyword_elements=contract.CHECKKEYWORD.elements,
    cdata=frozenset(),
)

OBSERVED: Final = Dialect(
    name="observed",
    refusal_of={
        contract.SEND: contract.SEND,
        contract.OVERAGE: contract.SEND,
        contract.CHECKKEYWORD: contract.SEND,
        None: contract.SEND,
    },
    keyword_elements=("returnstatus", "message", "checkCounts"),
    cdata=frozenset({(contract.STATUS, "errorcode"), (contract.STATUS, "extno"), (contract.CALL, "extno")}),
)

DIALECTS: Final[Mapping[str, Dialect]] = {dialect.name: dialect for dialect in (MANUAL, OBSERVED)}
