"""How servers of this product differ from the manual in what they write, as data: `manual` and `observed`.

Here belong the differences and nothing that writes. `observed` differs in exactly three things, each seen in answers
of real servers (A12, A13, A14 of the evidence in `fixtures/readings.md`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from sms10692 import protocol
from sms10692.protocol import Operation

ProfileName: TypeAlias = Literal["manual", "observed"]

ERRORCODE, EXTNO = protocol.STATUS.elements[-2:]


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """One way of writing.

    `refusal_of` names, for each operation of the first two pages, the one in whose elements it is refused;
    `keyword_elements` are those of an answer to checkkeyword, `keyword_values` their values, from the message and the
    text; `cdata` are the elements that boxes have as CDATA.
    """

    name: ProfileName
    refusal_of: Mapping[Operation | None, Operation]
    keyword_elements: tuple[str, ...]
    keyword_values: Callable[[str, str], tuple[str, ...]]
    cdata: frozenset[tuple[Operation, str]]


MANUAL: Final = Profile(
    name="manual",
    refusal_of={
        protocol.SEND: protocol.SEND,
        protocol.OVERAGE: protocol.OVERAGE,
        protocol.CHECKKEYWORD: protocol.CHECKKEYWORD,
        None: protocol.SEND,  # R10
    },
    keyword_elements=protocol.CHECKKEYWORD.elements,
    keyword_values=lambda message, text: (message,),
    cdata=frozenset(),
)

OBSERVED: Final = Profile(
    name="observed",
    refusal_of={
        protocol.SEND: protocol.SEND,
        protocol.OVERAGE: protocol.SEND,
        protocol.CHECKKEYWORD: protocol.SEND,
        None: protocol.SEND,
    },
    keyword_elements=(*protocol.SEND.elements[:2], "checkCounts"),
    keyword_values=lambda message, text: (protocol.SEND.success, message, text),
    cdata=frozenset({(protocol.STATUS, ERRORCODE), (protocol.STATUS, EXTNO), (protocol.CALL, EXTNO)}),
)

PROFILES: Final[Mapping[str, Profile]] = {dialect.name: dialect for dialect in (MANUAL, OBSERVED)}
